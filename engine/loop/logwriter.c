#include "loop/logwriter.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/driver.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#define BACKLOG_BYTES ((size_t)1024 * 1024)
/* At the end the reader gets so long to take what is left: an engine that stops must stop. */
#define PATIENCE_MS 2000
#define LOOK_MS     50

struct ve_logwriter {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct ve_buf waiting; /* guarded by lock */
    uint64_t dropped;      /* lines; guarded by lock */
    bool closing;          /* guarded by lock */
    int fd;                /* borrowed */
};

static bool is_closing(struct ve_logwriter *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool closing = writer->closing;
    pthread_mutex_unlock(&writer->lock);
    return closing;
}

/* Waits until the descriptor takes bytes; false when nobody will read any more. */
static bool wait_writable(struct ve_logwriter *writer, int *patience_ms)
{
    struct pollfd fd = {.fd = writer->fd, .events = POLLOUT};
    while (*patience_ms > 0) {
        int n = poll(&fd, 1, LOOK_MS);
        if (n > 0)
            return (fd.revents & POLLOUT) != 0;
        if (n < 0 && errno != EINTR)
            return false;
        if (is_closing(writer))
            *patience_ms -= LOOK_MS;
    }
    return false;
}

/* In pieces that a pipe which is writable takes whole, so that a write never waits. */
static bool write_all(struct ve_logwriter *writer, const char *bytes, size_t len)
{
    int patience_ms = PATIENCE_MS;
    while (len) {
        if (!wait_writable(writer, &patience_ms))
            return false;
        ssize_t n = write(writer->fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return false; /* nobody to tell */
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static void append(void *batch, const char *line, size_t len)
{
    (void)ve_buf_add(batch, line, len);
}

static int64_t wall_ms(void *unused)
{
    (void)unused;
    return ve_wall_ms();
}

/* In the format of the lines in front of it. */
static void add_notice(struct ve_buf *batch, uint64_t dropped)
{
    bool json = batch->len && batch->ptr[0] == '{';
    struct ve_log log = {.format = json ? VE_LOG_JSON : VE_LOG_TEXT,
                         .wall_ms = wall_ms,
                         .write = append,
                         .writer = batch};
    ve_log_event(&log, VE_LOG_WARN, "log_lines_dropped", ve_fmsg("The log is read too slowly"),
                 ve_fu64("count", dropped));
}

/* Under the lock: takes the waiting lines and leaves an empty buffer in their place. */
static uint64_t take_batch(struct ve_logwriter *writer, struct ve_buf *batch)
{
    struct ve_buf lines = writer->waiting;
    uint64_t dropped = writer->dropped;
    writer->waiting = *batch;
    writer->waiting.limit = BACKLOG_BYTES;
    writer->dropped = 0;
    *batch = lines;
    batch->limit = 0;
    return dropped;
}

static void *writer_main(void *arg)
{
    struct ve_logwriter *writer = arg;
    struct ve_buf batch;
    bool readable = true;
    ve_buf_init(&batch, 0);
    pthread_mutex_lock(&writer->lock);
    while (!writer->closing || (readable && writer->waiting.len)) {
        if (!writer->waiting.len) {
            pthread_cond_wait(&writer->wake, &writer->lock);
            continue;
        }
        uint64_t dropped = take_batch(writer, &batch);
        pthread_mutex_unlock(&writer->lock);
        if (dropped)
            add_notice(&batch, dropped);
        readable = write_all(writer, batch.ptr, batch.len);
        ve_buf_clear(&batch);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    ve_buf_free(&batch);
    return NULL;
}

int ve_logwriter_new(struct ve_logwriter **out, int fd)
{
    struct ve_logwriter *writer = ve_alloc(sizeof(*writer));
    if (!writer)
        return VE_ENOMEM;
    writer->fd = fd;
    ve_buf_init(&writer->waiting, BACKLOG_BYTES);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->wake, NULL);
    if (pthread_create(&writer->thread, NULL, writer_main, writer) != 0) {
        pthread_mutex_destroy(&writer->lock);
        pthread_cond_destroy(&writer->wake);
        ve_free(writer);
        return VE_EIO;
    }
    *out = writer;
    return 0;
}

void ve_logwriter_write(void *arg, const char *line, size_t len)
{
    struct ve_logwriter *writer = arg;
    pthread_mutex_lock(&writer->lock);
    if (ve_buf_add(&writer->waiting, line, len) != 0)
        writer->dropped++;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

void ve_logwriter_free(struct ve_logwriter *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->closing = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->wake);
    ve_buf_free(&writer->waiting);
    ve_free(writer);
}
