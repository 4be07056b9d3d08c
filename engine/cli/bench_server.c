#include "cli/bench.h"

#include "base/err.h"
#include "base/json.h"
#include "crypto/random.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_SECONDS 20
#define STOP_SECONDS  40

/* In the child: its own processor, and an end when the parent ends. */
static void prepare_child(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int write_script(struct ve_bench_server *server, const char *script, char *path, size_t size)
{
    (void)snprintf(server->dir, sizeof(server->dir), "/tmp/ve-bench-XXXXXX");
    if (!mkdtemp(server->dir))
        return VE_EIO;
    (void)snprintf(path, size, "%s/main.lua", server->dir);
    FILE *file = fopen(path, "w");
    if (!file)
        return VE_EIO;
    bool ok = fputs(script, file) >= 0;
    return fclose(file) == 0 && ok ? 0 : VE_EIO;
}

static void exec_engine(const struct ve_bench_server *server, const char *path,
                        const char *const *settings, int log_fd)
{
    char data[96];
    (void)snprintf(data, sizeof(data), "%s/data", server->dir);
    (void)dup2(log_fd, STDERR_FILENO);
    (void)setenv("VE_LOG", "json", 1);
    (void)setenv("VE_HTTP_PORT", "0", 1);
    (void)setenv("RINGOVER_WEBSOCKET_PORT", "0", 1);
    (void)setenv("VE_DATA_DIR", data, 1);
    (void)setenv("VE_MAX_CALLS", "100000", 1);
    (void)setenv("VE_MAX_CONNECTIONS_PER_IP", "100000", 1);
    (void)setenv("RINGOVER_WEBHOOK_SECRET", server->token, 1);
    (void)setenv("RINGOVER_STREAMER_AUTH_TOKEN", server->token, 1);
    for (; *settings; settings++) {
        struct ve_str rest = ve_str(*settings);
        char name[64];
        ve_str_copy(name, sizeof(name), ve_str_cut(&rest, '='));
        (void)setenv(name, rest.ptr ? rest.ptr : "", 1);
    }
    (void)execl("/proc/self/exe", "voiceengine", "run", path, (char *)NULL);
    _exit(127);
}

/* Reads the log until the ready line; the rest of it is not wanted. */
static int await_ready(struct ve_bench_server *server, int fd)
{
    char line[4096];
    size_t len = 0;
    char why[96];
    while (len < sizeof(line) - 1 && read(fd, line + len, 1) == 1) {
        if (line[len++] != '\n')
            continue;
        struct ve_json *json;
        uint64_t http = 0;
        uint64_t media = 0;
        if (ve_json_parse(&json, ve_str_n(line, len), why) == 0) {
            bool ready = ve_str_eq(ve_json_get_str(json, "event"), VE_STR("ready"));
            (void)ve_json_u64(ve_json_get(json, "http_port"), &http);
            (void)ve_json_u64(ve_json_get(json, "media_port"), &media);
            ve_json_free(json);
            if (ready) {
                server->http_port = (uint16_t)http;
                server->port = (uint16_t)media;
                return 0;
            }
        }
        len = 0;
    }
    return VE_EFAILED;
}

int ve_bench_engine(struct ve_bench_server *out, const char *script, const char *const *settings,
                    int cpu, char why[static 160])
{
    char path[128];
    int fds[2];
    memset(out, 0, sizeof(*out));
    int err = ve_random_hex(out->token, 16);
    if (!err)
        err = write_script(out, script, path, sizeof(path));
    if (!err && pipe(fds) != 0)
        err = VE_EIO;
    if (err) {
        (void)snprintf(why, 160, "no folder for the engine: %s", ve_err_name(err));
        return err;
    }
    out->pid = fork();
    if (out->pid == 0) {
        prepare_child(cpu);
        close(fds[0]);
        exec_engine(out, path, settings, fds[1]);
    }
    close(fds[1]);
    err = out->pid > 0 ? await_ready(out, fds[0]) : VE_EIO;
    /* The log goes on: somebody must read it, or the engine would drop lines, which costs. */
    if (!err) {
        pid_t reader = fork();
        if (reader == 0) {
            char sink[65536];
            while (read(fds[0], sink, sizeof(sink)) > 0) {
            }
            _exit(0);
        }
    }
    close(fds[0]);
    if (err) {
        (void)snprintf(why, 160, "the engine did not become ready");
        ve_bench_stop(out);
    }
    return err;
}

int ve_bench_peer(struct ve_bench_server *out, uint32_t rate_in, uint32_t rate_out, int cpu,
                  char why[static 160])
{
    int fds[2];
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->token, sizeof(out->token), "none");
    if (pipe(fds) != 0)
        return VE_EIO;
    out->pid = fork();
    if (out->pid == 0) {
        prepare_child(cpu);
        close(fds[0]);
        ve_bench_peer_main(fds[1], rate_in, rate_out);
    }
    close(fds[1]);
    bool ready = out->pid > 0 && read(fds[0], &out->port, sizeof(out->port)) == sizeof(out->port);
    close(fds[0]);
    if (ready)
        return 0;
    (void)snprintf(why, 160, "the bare peer did not start");
    ve_bench_stop(out);
    return VE_EFAILED;
}

static void remove_dir(const char *dir)
{
    /* What the engine may have left: script, data folder with its few files. */
    static const char *const names[] = {"main.lua", "data/dev.env", "data/messages", "data"};
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)remove(path);
    }
    (void)rmdir(dir);
}

void ve_bench_stop(struct ve_bench_server *server)
{
    if (server->pid > 0) {
        /* Twice: the calls that are left do not interest us. */
        (void)kill(server->pid, SIGTERM);
        if (server->dir[0]) {
            const struct timespec pause = {0, 200000000};
            (void)nanosleep(&pause, NULL);
            (void)kill(server->pid, SIGTERM);
        }
        (void)waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
    if (server->dir[0])
        remove_dir(server->dir);
    server->dir[0] = '\0';
}

double ve_bench_cpu(const struct ve_bench_server *server)
{
    clockid_t clock;
    struct timespec ts;
    if (clock_getcpuclockid(server->pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
        return 0;
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

uint64_t ve_bench_memory(const struct ve_bench_server *server)
{
    char path[64];
    unsigned long long size = 0;
    unsigned long long resident = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)server->pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    /* NOLINTNEXTLINE(cert-err34-c): the kernel writes these numbers */
    if (fscanf(file, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
