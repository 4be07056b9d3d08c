#include "loop/process.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

static pthread_mutex_t once_lock = PTHREAD_MUTEX_INITIALIZER;
static bool prepared;
static size_t ready; /* parts */

static void prepare_system(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    /* A file that may not grow is an error of the write, as a full disk is. */
    (void)sigaction(SIGXFSZ, &ignore, NULL);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    tzset();
}

int ve_process_init(const struct ve_process_part *parts, size_t count, const char **failed)
{
    int err = 0;
    pthread_mutex_lock(&once_lock);
    if (!prepared)
        prepare_system();
    prepared = true;
    /* A second try goes on behind the parts that are ready: none is initialised twice. */
    while (ready < count && !err) {
        err = parts[ready].init();
        if (err)
            *failed = parts[ready].name;
        else
            ready++;
    }
    pthread_mutex_unlock(&once_lock);
    return err;
}
