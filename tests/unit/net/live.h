/*
 * A live loop on a thread of its own, and blocking sockets to talk to what runs on it.
 *
 * The test stays on the main thread, where it may assert; whatever touches the loop goes through
 * live_call. Every wait is bounded by WAIT_SECONDS, so a failure ends.
 */
#ifndef VE_TEST_LIVE_H
#define VE_TEST_LIVE_H

#include "loop/loop.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_SECONDS 20

struct live {
    struct ve_loop *loop;
    pthread_t thread;
};

static inline void *live_main(void *arg)
{
    struct live *live = arg;
    ve_loop_run(live->loop);
    return NULL;
}

/* Returns the error of ve_loop_new_live. */
static inline int live_open(struct live *live)
{
    return ve_loop_new_live(&live->loop);
}

static inline void live_run(struct live *live)
{
    assert_int_equal(pthread_create(&live->thread, NULL, live_main, live), 0);
}

static inline void live_stop(struct live *live)
{
    ve_loop_stop(live->loop);
    pthread_join(live->thread, NULL);
}

struct live_post {
    struct ve_post post;
    void (*fn)(void *arg);
    void *arg;
    sem_t done;
};

static inline void live_run_post(struct ve_post *post)
{
    struct live_post *call = (struct live_post *)(void *)post;
    call->fn(call->arg);
    sem_post(&call->done);
}

/* Runs fn as a step of the loop, and waits for it. */
static inline void live_call(struct live *live, void (*fn)(void *arg), void *arg)
{
    struct live_post call = {.post = {.fn = live_run_post}, .fn = fn, .arg = arg};
    sem_init(&call.done, 0, 0);
    ve_loop_post(live->loop, &call.post);
    while (sem_wait(&call.done) != 0) {
    }
    sem_destroy(&call.done);
}

/* Something that the loop's thread reports and the test waits for. */
struct live_flag {
    sem_t sem;
};

static inline void live_flag_init(struct live_flag *flag)
{
    sem_init(&flag->sem, 0, 0);
}

static inline void live_flag_set(struct live_flag *flag)
{
    sem_post(&flag->sem);
}

static inline bool live_flag_wait(struct live_flag *flag)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;
    int err;
    do {
        err = sem_timedwait(&flag->sem, &until);
    } while (err != 0 && errno == EINTR);
    return err == 0;
}

static inline int64_t live_wall_ms(void *clock)
{
    (void)clock;
    return 0;
}

static inline void live_no_log(void *writer, const char *line, size_t len)
{
    (void)writer;
    (void)line;
    (void)len;
}

static inline struct ve_log live_log(void)
{
    return (struct ve_log){.level = VE_LOG_DEBUG, .wall_ms = live_wall_ms, .write = live_no_log};
}

/* A connected socket whose reads and writes give up after WAIT_SECONDS; -1 when nobody listens. */
static inline int live_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval wait = {.tv_sec = WAIT_SECONDS};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* Sends everything; false when the peer does not take it. */
static inline bool live_send(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static inline bool live_say(int fd, const char *text)
{
    return live_send(fd, text, strlen(text));
}

/* Exactly `len` bytes; false when the connection ends or stalls before. */
static inline bool live_recv(int fd, void *bytes, size_t len)
{
    char *at = bytes;
    while (len) {
        ssize_t n = recv(fd, at, len, 0);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Has the peer ended the connection, by FIN or RST? What still comes before is dropped. */
static inline bool live_ended(int fd)
{
    char bytes[4096];
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return true;
        if (n < 0)
            return false;
    }
}

struct live_answer {
    int status;
    char head[8192]; /* NUL-terminated, with the empty line */
    char body[65536];
    size_t body_len;
};

/* Value of a header in an answer, "" without it. */
static inline const char *live_header(const struct live_answer *answer, const char *name,
                                      char value[static 256])
{
    size_t len = strlen(name);
    value[0] = '\0';
    for (const char *line = strstr(answer->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            const char *at = line + 2 + len + 1;
            while (*at == ' ')
                at++;
            size_t n = strcspn(at, "\r");
            memcpy(value, at, n < 255 ? n : 255);
            value[n < 255 ? n : 255] = '\0';
            break;
        }
    }
    return value;
}

/* Reads one answer; `has_body` is false after HEAD. False when none came. */
static inline bool live_read_answer(int fd, struct live_answer *answer, bool has_body)
{
    size_t len = 0;
    memset(answer, 0, sizeof(*answer));
    while (len < 4 || memcmp(answer->head + len - 4, "\r\n\r\n", 4) != 0) {
        if (len == sizeof(answer->head) - 1 || !live_recv(fd, answer->head + len, 1))
            return false;
        len++;
    }
    if (sscanf(answer->head, "HTTP/1.1 %d ", &answer->status) != 1)
        return false;
    char value[256];
    unsigned long size = strtoul(live_header(answer, "Content-Length", value), NULL, 10);
    if (!has_body || size >= sizeof(answer->body))
        return !has_body;
    answer->body_len = size;
    return live_recv(fd, answer->body, size);
}

#endif
