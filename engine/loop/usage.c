#include "loop/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The whole of a small file of /proc as a text; its length, 0 when it cannot be read. */
static size_t read_small(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, size - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static void read_memory(struct ve_usage *usage)
{
    char text[256];
    unsigned long long pages = 0;
    unsigned long long resident = 0;
    long page = sysconf(_SC_PAGESIZE);
    if (!read_small("/proc/self/statm", text, sizeof(text)) || page <= 0)
        return;
    /* NOLINTNEXTLINE(cert-err34-c): the kernel writes these numbers */
    if (sscanf(text, "%llu %llu", &pages, &resident) == 2) {
        usage->virtual_bytes = pages * (unsigned long)page;
        usage->resident = resident * (unsigned long)page;
    }
}

static void read_descriptors(struct ve_usage *usage)
{
    struct rlimit limit;
    DIR *dir = opendir("/proc/self/fd");
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        usage->descriptors_max = limit.rlim_cur;
    if (!dir)
        return;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        usage->descriptors += entry->d_name[0] != '.';
    usage->descriptors -= usage->descriptors > 0; /* the one that was just opened */
    (void)closedir(dir);
}

/* Ticks after boot at which the process began, from the 22nd field of its stat line; the second
 * field is a name in parentheses that may hold anything. */
static double start_ticks(void)
{
    char text[1024];
    unsigned long long ticks = 0;
    if (!read_small("/proc/self/stat", text, sizeof(text)))
        return 0;
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    /* NOLINTNEXTLINE(cert-err34-c): the kernel writes these numbers */
    return at && sscanf(at, " %llu", &ticks) == 1 ? (double)ticks : 0;
}

static void read_start(struct ve_usage *usage)
{
    char text[4096];
    unsigned long long boot = 0;
    long hertz = sysconf(_SC_CLK_TCK);
    double ticks = start_ticks();
    int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    /* "btime" comes behind one line for each processor. */
    size_t kept = 0;
    for (ssize_t n = 0; (n = read(fd, text + kept, sizeof(text) - 1 - kept)) > 0;) {
        text[kept + (size_t)n] = '\0';
        const char *line = strstr(text, "\nbtime ");
        /* NOLINTNEXTLINE(cert-err34-c): the kernel writes these numbers */
        if (line && strchr(line + 1, '\n') && sscanf(line, " btime %llu", &boot) == 1)
            break;
        size_t len = kept + (size_t)n;
        kept = len < 32 ? len : 32;
        memmove(text, text + len - kept, kept);
    }
    (void)close(fd);
    if (boot && hertz > 0 && ticks > 0)
        usage->started_s = (double)boot + ticks / (double)hertz;
}

void ve_usage_read(struct ve_usage *usage)
{
    struct rusage used;
    memset(usage, 0, sizeof(*usage));
    if (getrusage(RUSAGE_SELF, &used) == 0)
        usage->cpu_s = (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6 +
                       (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6;
    read_memory(usage);
    read_descriptors(usage);
    read_start(usage);
}
