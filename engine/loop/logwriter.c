#include "loop/logwriter.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#define BACKLOG_BYTES (1024 * 1024)

struct ve_logwriter {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct ve_buf waiting;   /* guarded by lock */
    unsigned long dropped;   /* lines; guarded by lock */
    bool closing;            /* guarded by lock */
    int fd;
};

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody to tell */
        bytes += n;
        len -= (size_t)n;
    }
}

static void *writer_main(void *arg)
{
    struct ve_logwriter *writer = arg;
    struct ve_buf batch;
    ve_buf_init(&batch, 0);
    pthread_mutex_lock(&writer->lock);
    while (!writer->closing || writer->waiting.len) {
        if (!writer->waiting.len) {
            pthread_cond_wait(&writer->wake, &writer->lock);
            continue;
        }
        struct ve_buf swap = writer->waiting;
        writer->waiting = batch;
        writer->waiting.limit = BACKLOG_BYTES;
        batch = swap;
        unsigned long dropped = writer->dropped;
        writer->dropped = 0;
        pthread_mutex_unlock(&writer->lock);
        if (dropped)
            (void)ve_buf_printf(&batch, "(%lu log lines dropped: the log is read too slowly)\n",
                                dropped);
        write_all(writer->fd, batch.ptr, batch.len);
        ve_buf_clear(&batch);
        batch.limit = 0;
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
