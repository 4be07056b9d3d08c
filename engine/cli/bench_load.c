#include "cli/bench.h"

#include "base/alloc.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Its own small WebSocket client, so that generating the load costs as little as possible: frames
 * are made once, masked with a key of zeros, and answers are only counted. */

#define FRAME_NS        20000000ull
#define FRAME_HEAD      8
#define LATE_MS         40.0
#define GAPS_MAX        2000000
#define READ_SIZE       65536
#define CONNECT_SECONDS 20
#define TONE_FRAMES     50 /* one second of sound, sent again and again */

struct link {
    int fd;
    uint64_t due;     /* ns, of its next frame */
    uint64_t heard;   /* ns of the last message, 0 = none */
    uint64_t skip;    /* payload bytes of the present message still to come */
    uint8_t head[14]; /* of a frame that is not complete */
    size_t head_len;
    unsigned frame; /* number of the next one */
    bool open;
};

struct load {
    const struct ve_bench_load_options *options;
    struct ve_bench_load_result *result;
    struct link *links;
    int epoll;
    bool counting;
    uint64_t now;
    float *gaps; /* ms */
    size_t gap_count;
    uint8_t *frames; /* TONE_FRAMES of them, then one of silence */
    size_t frame_size;
};

static uint64_t clock_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --- frames --------------------------------------------------------------------------------------
 */

static int make_frames(struct load *load)
{
    size_t samples = load->options->rate / 50;
    load->frame_size = FRAME_HEAD + samples * 2;
    load->frames = ve_alloc_array(TONE_FRAMES + 1, load->frame_size);
    if (!load->frames)
        return VE_ENOMEM;
    for (size_t f = 0; f <= TONE_FRAMES; f++) {
        uint8_t *frame = load->frames + f * load->frame_size;
        frame[0] = 0x82;
        frame[1] = 0x80 | 126;
        frame[2] = (uint8_t)(samples * 2 >> 8);
        frame[3] = (uint8_t)(samples * 2);
        for (size_t i = 0; f < TONE_FRAMES && i < samples; i++) {
            /* Something like a voice: a pitch with harmonics, louder and softer four times a second
             */
            double t = (double)(f * samples + i) / load->options->rate;
            double envelope = 0.5 + 0.5 * sin(2 * M_PI * 4 * t);
            double x = sin(2 * M_PI * 140 * t) + 0.6 * sin(2 * M_PI * 420 * t) +
                       0.3 * sin(2 * M_PI * 1260 * t);
            int16_t sample = (int16_t)(4000 * envelope * x);
            memcpy(frame + FRAME_HEAD + 2 * i, &sample, 2);
        }
    }
    return 0;
}

/* The caller speaks for the first part of every ten seconds. */
static const uint8_t *frame_for(const struct load *load, const struct link *link)
{
    bool talks = (double)(link->frame % 500) < load->options->talk * 500;
    return load->frames + (talks ? link->frame % TONE_FRAMES : TONE_FRAMES) * load->frame_size;
}

/* --- connecting ----------------------------------------------------------------------------------
 */

static int dial(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool upgrade(int fd, const struct load *load, uint64_t id)
{
    char text[512];
    char answer[1024];
    size_t len = 0;
    int n = snprintf(text, sizeof(text),
                     "GET /stream/call_%llu HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                     "Sec-WebSocket-Version: 13\r\nAuthorization: Bearer %s\r\n\r\n",
                     (unsigned long long)id, load->options->token);
    if (write(fd, text, (size_t)n) != n)
        return false;
    /* Byte by byte, so that nothing behind the head is taken; once per connection. */
    while (len < sizeof(answer) - 1) {
        if (read(fd, answer + len, 1) != 1)
            return false;
        answer[++len] = '\0';
        if (len >= 4 && memcmp(answer + len - 4, "\r\n\r\n", 4) == 0)
            return strncmp(answer, "HTTP/1.1 101", 12) == 0;
    }
    return false;
}

static int open_links(struct load *load, char why[static 160])
{
    uint64_t begin = clock_ns();
    for (unsigned i = 0; i < load->options->connections; i++) {
        struct link *link = &load->links[i];
        link->fd = dial(load->options->port);
        if (link->fd < 0 || !upgrade(link->fd, load, load->options->first_id + i)) {
            (void)snprintf(why, 160, "connection %u was refused", i + 1);
            return VE_EFAILED;
        }
        if (clock_ns() - begin > CONNECT_SECONDS * 1000000000ull) {
            (void)snprintf(why, 160, "connecting takes too long");
            return VE_ETIMEDOUT;
        }
        (void)fcntl(link->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, link->fd, &event) != 0)
            return VE_EIO;
        link->open = true;
    }
    return 0;
}

/* --- receiving -----------------------------------------------------------------------------------
 */

static void note_message(struct load *load, struct link *link)
{
    if (load->counting) {
        load->result->received++;
        double gap = (double)(load->now - link->heard) / 1e6;
        if (link->heard && load->gap_count < GAPS_MAX)
            load->gaps[load->gap_count++] = (float)gap;
        if (link->heard && gap > LATE_MS)
            load->result->late++;
    }
    link->heard = load->now;
}

/* Length of the head that begins with these bytes, once its second byte is known. */
static size_t head_size(const uint8_t *head)
{
    unsigned length = head[1] & 127;
    return length == 126 ? 4 : length == 127 ? 10 : 2;
}

static uint64_t payload_size(const uint8_t *head)
{
    unsigned length = head[1] & 127;
    if (length < 126)
        return length;
    uint64_t size = 0;
    for (size_t i = 2; i < head_size(head); i++)
        size = size << 8 | head[i];
    return size;
}

static void take_bytes(struct load *load, struct link *link, const uint8_t *bytes, size_t len)
{
    while (len) {
        if (link->skip) {
            size_t n = link->skip < len ? (size_t)link->skip : len;
            link->skip -= n;
            bytes += n;
            len -= n;
            continue;
        }
        link->head[link->head_len++] = *bytes++;
        len--;
        if (link->head_len < 2 || link->head_len < head_size(link->head))
            continue;
        link->skip = payload_size(link->head);
        link->head_len = 0;
        if ((link->head[0] & 15) <= 2)
            note_message(load, link);
    }
}

static void receive(struct load *load, struct link *link)
{
    static const size_t most = READ_SIZE;
    uint8_t bytes[READ_SIZE];
    ssize_t n = read(link->fd, bytes, most);
    if (n > 0) {
        take_bytes(load, link, bytes, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        (void)epoll_ctl(load->epoll, EPOLL_CTL_DEL, link->fd, NULL);
        link->open = false;
        load->result->lost++;
    }
}

/* --- sending -------------------------------------------------------------------------------------
 */

static void send_due(struct load *load)
{
    for (unsigned i = 0; i < load->options->connections; i++) {
        struct link *link = &load->links[i];
        if (!link->open || link->due > load->now)
            continue;
        double behind = (double)(load->now - link->due) / 1e6;
        if (load->counting && behind > load->result->behind)
            load->result->behind = behind;
        if (write(link->fd, frame_for(load, link), load->frame_size) == (ssize_t)load->frame_size &&
            load->counting)
            load->result->sent++;
        link->frame++;
        link->due += FRAME_NS;
    }
}

/* The frames of all links are spread over the 20 ms, so one link is due every 20 ms / N. */
static void pump(struct load *load, uint64_t until)
{
    struct epoll_event events[256];
    while ((load->now = clock_ns()) < until) {
        send_due(load);
        int n = epoll_wait(load->epoll, events, 256, 1);
        load->now = clock_ns();
        for (int i = 0; i < n; i++)
            receive(load, events[i].data.ptr);
    }
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct load *load, double share)
{
    if (!load->gap_count)
        return 0;
    size_t at = (size_t)(share * (double)(load->gap_count - 1));
    return load->gaps[at];
}

static void run(struct load *load)
{
    const struct ve_bench_load_options *options = load->options;
    uint64_t begin = clock_ns();
    for (unsigned i = 0; i < options->connections; i++)
        load->links[i].due = begin + FRAME_NS * i / options->connections;
    pump(load, begin + (uint64_t)(options->warmup * 1e9));
    if (options->mark)
        options->mark(options->arg, false);
    load->counting = true;
    pump(load, clock_ns() + (uint64_t)(options->seconds * 1e9));
    load->counting = false;
    if (options->mark)
        options->mark(options->arg, true);
    qsort(load->gaps, load->gap_count, sizeof(*load->gaps), compare);
    load->result->gap_p50 = percentile(load, 0.5);
    load->result->gap_p99 = percentile(load, 0.99);
    load->result->gap_p999 = percentile(load, 0.999);
}

static void pin(int cpu)
{
    cpu_set_t set;
    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

int ve_bench_load(const struct ve_bench_load_options *options, struct ve_bench_load_result *out,
                  char why[static 160])
{
    *out = (struct ve_bench_load_result){0};
    why[0] = '\0';
    struct load load = {.options = options, .result = out, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    load.links = ve_alloc_array(options->connections, sizeof(*load.links));
    load.gaps = ve_alloc_array(GAPS_MAX, sizeof(*load.gaps));
    int err = load.links && load.gaps ? make_frames(&load) : VE_ENOMEM;
    for (unsigned i = 0; !err && i < options->connections; i++)
        load.links[i].fd = -1;
    pin(options->cpu);
    if (!err)
        err = open_links(&load, why);
    if (!err)
        run(&load);
    for (unsigned i = 0; load.links && i < options->connections; i++) {
        if (load.links[i].fd >= 0)
            close(load.links[i].fd);
    }
    close(load.epoll);
    ve_free(load.links);
    ve_free(load.gaps);
    ve_free(load.frames);
    if (err && !why[0])
        (void)snprintf(why, 160, "the load cannot be made: %s", ve_err_name(err));
    return err;
}
