#include "cli/bench.h"

#include "base/alloc.h"
#include "crypto/base64.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <speex/speex_resampler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The floor under an echo: epoll, one read, unmask, the energy of the frame, speexdsp, base64, one
 * write. It assumes what its only client does (whole frames, short heads) and checks nothing. */

#define FRAME_MAX 4096
#define OUT_MAX   16384

struct peer {
    int fd;
    bool open;
    size_t held;
    uint8_t bytes[FRAME_MAX * 2];
    SpeexResamplerState *resampler;
};

struct bare {
    int epoll;
    uint32_t rate_in, rate_out;
    uint64_t energy; /* so that the level gate's work is not optimised away */
};

static void answer_upgrade(struct peer *peer)
{
    /* Accept of the one key that the generator sends. */
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";
    if (peer->held < 4 || memcmp(peer->bytes + peer->held - 4, "\r\n\r\n", 4) != 0)
        return;
    peer->held = 0;
    peer->open = write(peer->fd, answer, sizeof(answer) - 1) == (ssize_t)sizeof(answer) - 1;
}

static size_t compose(const struct bare *bare, const int16_t *samples, size_t count, uint8_t *out)
{
    char *at = (char *)out + 4;
    at +=
        snprintf(at, OUT_MAX - 4,
                 "{\"type\":\"streamAudio\",\"data\":{\"audioDataType\":\"raw\",\"sampleRate\":%u,"
                 "\"audioData\":\"",
                 bare->rate_out);
    at += ve_base64_encode(at, samples, count * 2, VE_BASE64_STD);
    memcpy(at, "\"}}", 4);
    size_t len = (size_t)(at + 3 - ((char *)out + 4));
    out[0] = 0x81;
    out[1] = 126;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    return len + 4;
}

static void echo(struct bare *bare, struct peer *peer, uint8_t *payload, size_t len,
                 const uint8_t mask[4])
{
    int16_t in[FRAME_MAX / 2];
    int16_t resampled[FRAME_MAX];
    uint8_t out[OUT_MAX];
    uint64_t key = 0;
    memcpy(&key, mask, 4);
    key |= key << 32;
    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, payload + i, 8);
        word ^= key;
        memcpy(payload + i, &word, 8);
    }
    memcpy(in, payload, len);
    spx_uint32_t in_count = (spx_uint32_t)(len / 2);
    spx_uint32_t out_count = FRAME_MAX;
    for (size_t i = 0; i < in_count; i++)
        bare->energy += (uint64_t)((int32_t)in[i] * in[i]);
    if (peer->resampler)
        (void)speex_resampler_process_int(peer->resampler, 0, in, &in_count, resampled, &out_count);
    else
        memcpy(resampled, in, (out_count = in_count) * 2u);
    size_t n = compose(bare, resampled, out_count, out);
    if (write(peer->fd, out, n) != (ssize_t)n)
        peer->open = false;
}

static void take_frames(struct bare *bare, struct peer *peer)
{
    size_t at = 0;
    while (peer->held - at >= 8) {
        uint8_t *frame = peer->bytes + at;
        size_t len = (size_t)frame[2] << 8 | frame[3];
        if (len > FRAME_MAX || peer->held - at < 8 + len)
            break;
        echo(bare, peer, frame + 8, len, frame + 4);
        at += 8 + len;
    }
    memmove(peer->bytes, peer->bytes + at, peer->held - at);
    peer->held -= at;
}

static void drop(struct bare *bare, struct peer *peer)
{
    (void)epoll_ctl(bare->epoll, EPOLL_CTL_DEL, peer->fd, NULL);
    close(peer->fd);
    if (peer->resampler)
        speex_resampler_destroy(peer->resampler);
    ve_free(peer);
}

static void serve(struct bare *bare, struct peer *peer)
{
    ssize_t n = read(peer->fd, peer->bytes + peer->held, sizeof(peer->bytes) - peer->held);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        drop(bare, peer);
        return;
    }
    peer->held += (size_t)n;
    if (peer->open)
        take_frames(bare, peer);
    else
        answer_upgrade(peer);
}

static void welcome(struct bare *bare, int listener)
{
    int one = 1;
    int error;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct peer *peer = fd >= 0 ? ve_alloc(sizeof(*peer)) : NULL;
    if (!peer)
        return;
    peer->fd = fd;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (bare->rate_in != bare->rate_out)
        peer->resampler = speex_resampler_init(1, bare->rate_in, bare->rate_out, 3, &error);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    (void)epoll_ctl(bare->epoll, EPOLL_CTL_ADD, fd, &event);
}

void ve_bench_peer_main(int ready_fd, uint32_t rate_in, uint32_t rate_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    struct epoll_event events[256];
    struct bare bare = {epoll_create1(EPOLL_CLOEXEC), rate_in, rate_out, 0};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        exit(1);
    uint16_t port = ntohs(address.sin_port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    (void)epoll_ctl(bare.epoll, EPOLL_CTL_ADD, listener, &event);
    if (write(ready_fd, &port, sizeof(port)) != sizeof(port))
        exit(1);
    for (;;) {
        int n = epoll_wait(bare.epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                serve(&bare, events[i].data.ptr);
            else
                welcome(&bare, listener);
        }
    }
}
