/*
 * What a 640-byte WebSocket frame in and out costs the serving thread: our server, and beside it in
 * the same run a bare epoll loop that does nothing but read, unmask and write. The bare loop is the
 * floor: one read, one write and a share of epoll_wait per frame.
 *
 *   bench_ws_echo [connections 200] [frames per second and connection 50] [seconds 3] [rounds 3]
 */
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "net/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD      640
#define IN_BYTES     (8 + PAYLOAD) /* a masked frame */
#define OUT_BYTES    (4 + PAYLOAD)
#define CONNS_MAX    4000
#define ROUNDS_MAX   20
#define CONNECT_WAIT 20 /* seconds */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double thread_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6;
}

/* --- a server, seen from outside --- */

struct target {
    const char *name;
    uint16_t port;
    double (*cpu)(struct target *target); /* seconds of the serving thread so far */
    void *impl;
};

/* --- ours --- */

struct ours {
    struct ve_loop *loop;
    struct ve_httpd *httpd;
    struct ve_log log;
    pthread_t thread;
};

/* One echoing connection. */
struct echo {
    struct ve_conn *conn;
    struct ve_out *out;
};

static void echo_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                      enum ve_opcode opcode)
{
    struct echo *echo = arg;
    if (first)
        echo->out = ve_out_new(PAYLOAD);
    memcpy(ve_out_payload(echo->out) + echo->out->len, bytes, len);
    echo->out->len += len;
    if (last)
        (void)ve_conn_send(echo->conn, echo->out, opcode);
}

static void echo_closed(void *arg, int code)
{
    (void)code;
    free(arg);
}

static const struct ve_conn_events echo_events = {echo_data, NULL, echo_closed};

static void on_request(void *arg, struct ve_http_request *request)
{
    (void)arg;
    ve_http_refuse(request, 404, "not_found", "only WebSockets here");
}

static void on_upgrade(void *arg, struct ve_http_request *request)
{
    struct echo *echo = calloc(1, sizeof(*echo));
    (void)arg;
    if (!echo || ve_http_upgrade(request, NULL, &echo_events, echo, &echo->conn) != 0)
        die("upgrade");
}

static void on_aborted(void *arg, struct ve_http_request *request)
{
    (void)arg;
    (void)request;
}

static int64_t no_clock(void *clock)
{
    (void)clock;
    return 0;
}

static void no_write(void *writer, const char *line, size_t len)
{
    (void)writer;
    (void)line;
    (void)len;
}

static void *ours_main(void *arg)
{
    struct ours *ours = arg;
    ve_loop_run(ours->loop);
    return NULL;
}

struct cpu_post {
    struct ve_post post;
    double seconds;
    atomic_bool done;
};

static void read_cpu(struct ve_post *post)
{
    struct cpu_post *cpu = (struct cpu_post *)(void *)post;
    cpu->seconds = thread_cpu();
    atomic_store(&cpu->done, true);
}

static double ours_cpu(struct target *target)
{
    struct ours *ours = target->impl;
    struct cpu_post cpu = {.post = {.fn = read_cpu}};
    ve_loop_post(ours->loop, &cpu.post);
    while (!atomic_load(&cpu.done))
        sched_yield();
    return cpu.seconds;
}

static void ours_start(struct ours *ours, struct target *target)
{
    static const struct ve_httpd_handlers handlers = {on_request, on_upgrade, on_aborted};
    char why[160];
    ours->log = (struct ve_log){.level = VE_LOG_ERROR, .wall_ms = no_clock, .write = no_write};
    struct ve_httpd_config config = {.host = "127.0.0.1", .log = &ours->log};
    if (ve_loop_new_live(&ours->loop) != 0 ||
        ve_httpd_new(&ours->httpd, ours->loop, &config, &handlers, ours, why) != 0)
        die("our server");
    *target = (struct target){"voiceengine", ve_httpd_port(ours->httpd), ours_cpu, ours};
    if (pthread_create(&ours->thread, NULL, ours_main, ours) != 0)
        die("pthread_create");
}

static void ours_stop(struct ours *ours)
{
    ve_loop_stop(ours->loop);
    pthread_join(ours->thread, NULL);
    ve_httpd_free(ours->httpd);
    ve_loop_free(ours->loop);
}

/* --- the bare loop --- */

struct bare {
    int epoll, listener;
    pthread_t thread;
    clockid_t clock; /* CPU time of the thread */
};

struct bare_conn {
    int fd;
    bool open;  /* the request has been answered */
    size_t len; /* bytes in `bytes` */
    uint8_t bytes[4 * IN_BYTES];
};

static void bare_accept(struct bare *bare)
{
    int fd = accept4(bare->listener, NULL, NULL, SOCK_NONBLOCK);
    struct bare_conn *conn = fd >= 0 ? calloc(1, sizeof(*conn)) : NULL;
    if (!conn)
        return;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    conn->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    epoll_ctl(bare->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void bare_answer(struct bare_conn *conn)
{
    /* The generator does not check the key. */
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    if (conn->len < 4 || memcmp(conn->bytes + conn->len - 4, "\r\n\r\n", 4) != 0)
        return;
    conn->open = true;
    conn->len = 0;
    (void)!write(conn->fd, answer, sizeof(answer) - 1);
}

/* Turns a masked frame into an unmasked one in place and writes it. */
static void bare_echo(int fd, uint8_t *frame)
{
    uint32_t mask;
    memcpy(&mask, frame + 4, 4);
    for (size_t i = 0; i < PAYLOAD; i += 4) {
        uint32_t word;
        memcpy(&word, frame + 8 + i, 4);
        word ^= mask;
        memcpy(frame + 8 + i, &word, 4);
    }
    frame[4] = 0x82;
    frame[5] = 126;
    frame[6] = PAYLOAD >> 8;
    frame[7] = PAYLOAD & 0xFF;
    (void)!write(fd, frame + 4, OUT_BYTES);
}

static void bare_read(struct bare_conn *conn)
{
    ssize_t n = read(conn->fd, conn->bytes + conn->len, sizeof(conn->bytes) - conn->len);
    if (n <= 0) {
        close(conn->fd);
        free(conn);
        return;
    }
    conn->len += (size_t)n;
    if (!conn->open) {
        bare_answer(conn);
        return;
    }
    size_t at = 0;
    for (; conn->len - at >= IN_BYTES; at += IN_BYTES)
        bare_echo(conn->fd, conn->bytes + at);
    conn->len -= at;
    memmove(conn->bytes, conn->bytes + at, conn->len);
}

static void *bare_main(void *arg)
{
    struct bare *bare = arg;
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(bare->epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &bare->epoll)
                return NULL;
            if (!events[i].data.ptr)
                bare_accept(bare);
            else
                bare_read(events[i].data.ptr);
        }
    }
}

static double bare_cpu(struct target *target)
{
    struct bare *bare = target->impl;
    struct timespec ts;
    clock_gettime(bare->clock, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void bare_start(struct bare *bare, struct target *target)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    bare->epoll = epoll_create1(0);
    bare->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(bare->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(bare->listener, 1024) != 0 ||
        getsockname(bare->listener, (struct sockaddr *)&address, &len) != 0)
        die("bare loop");
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(bare->epoll, EPOLL_CTL_ADD, bare->listener, &event);
    *target = (struct target){"bare epoll", ntohs(address.sin_port), bare_cpu, bare};
    if (pthread_create(&bare->thread, NULL, bare_main, bare) != 0 ||
        pthread_getcpuclockid(bare->thread, &bare->clock) != 0)
        die("pthread_create");
}

static void bare_stop(struct bare *bare)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        die("socketpair");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &bare->epoll};
    epoll_ctl(bare->epoll, EPOLL_CTL_ADD, ends[0], &event);
    (void)!write(ends[1], "x", 1);
    pthread_join(bare->thread, NULL);
    close(ends[0]);
    close(ends[1]);
    close(bare->listener);
    close(bare->epoll);
}

/* --- the load --- */

struct load {
    int epoll;
    unsigned conns, rate;
    int fd[CONNS_MAX];
    size_t got; /* bytes of echoes */
    uint8_t frame[IN_BYTES];
};

static void load_connect(struct load *load, uint16_t port)
{
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {.tv_sec = CONNECT_WAIT};
    load->epoll = epoll_create1(0);
    for (unsigned i = 0; i < load->conns; i++) {
        char answer[1024];
        int one = 1;
        int fd = load->fd[i] = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
            write(fd, request, sizeof(request) - 1) < 0 || read(fd, answer, sizeof(answer)) < 100)
            die("connect");
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void load_read(struct load *load, int timeout_ms)
{
    struct epoll_event events[256];
    uint8_t bytes[16 * OUT_BYTES];
    int n = epoll_wait(load->epoll, events, 256, timeout_ms);
    for (int i = 0; i < n; i++) {
        ssize_t len = recv(events[i].data.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (len > 0)
            load->got += (size_t)len;
    }
}

/* Sends every connection's frames at even distances, all connections spread over the interval.
 * Returns the number of frames sent. */
static size_t load_run(struct load *load, unsigned seconds)
{
    uint64_t gap = 1000000000u / ((uint64_t)load->rate * load->conns);
    size_t total = (size_t)load->rate * load->conns * seconds;
    uint64_t start = now_ns();
    load->got = 0;
    for (size_t sent = 0; sent < total;) {
        size_t due = (size_t)((now_ns() - start) / gap) + 1;
        for (; sent < due && sent < total; sent++) {
            if (write(load->fd[sent % load->conns], load->frame, IN_BYTES) != IN_BYTES)
                die("write");
        }
        load_read(load, 1);
    }
    uint64_t end = now_ns() + 2000000000u;
    while (load->got < total * OUT_BYTES && now_ns() < end)
        load_read(load, 10);
    return total;
}

static double measure(struct load *load, struct target *target, unsigned seconds)
{
    load_connect(load, target->port);
    (void)load_run(load, 1); /* warm-up */
    double before = target->cpu(target);
    size_t frames = load_run(load, seconds);
    double each = (target->cpu(target) - before) * 1e6 / (double)frames;
    size_t echoed = load->got / OUT_BYTES;
    printf("%-12s %6.2f us CPU per frame in+out   (%zu of %zu frames came back)\n", target->name,
           each, echoed, frames);
    for (unsigned i = 0; i < load->conns; i++)
        close(load->fd[i]);
    close(load->epoll);
    return each;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static unsigned number(int argc, char **argv, int i, unsigned otherwise, unsigned max)
{
    unsigned long value = argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
    return value < 1 ? 1 : value > max ? max : (unsigned)value;
}

int main(int argc, char **argv)
{
    static struct load load;
    struct ours ours;
    struct bare bare;
    struct target targets[2];
    double figures[2][ROUNDS_MAX];
    load.conns = number(argc, argv, 1, 200, CONNS_MAX);
    load.rate = number(argc, argv, 2, 50, 1000);
    unsigned seconds = number(argc, argv, 3, 3, 60);
    unsigned rounds = number(argc, argv, 4, 3, ROUNDS_MAX);
    memcpy(load.frame, "\x82\xFE\x02\x80\x12\x34\x56\x78", 8);
    printf("%u connections, %u frames of %d bytes a second each, %u rounds of %u s\n", load.conns,
           load.rate, PAYLOAD, rounds, seconds);
    bare_start(&bare, &targets[0]);
    ours_start(&ours, &targets[1]);
    for (unsigned round = 0; round < rounds; round++) {
        for (int i = 0; i < 2; i++)
            figures[i][round] = measure(&load, &targets[i], seconds);
    }
    for (int i = 0; i < 2; i++)
        qsort(figures[i], rounds, sizeof(double), by_value);
    double floor = figures[0][rounds / 2];
    double mine = figures[1][rounds / 2];
    printf("median: %s %.2f us, %s %.2f us, ratio %.2f\n", targets[0].name, floor, targets[1].name,
           mine, mine / floor);
    ours_stop(&ours);
    bare_stop(&bare);
    return 0;
}
