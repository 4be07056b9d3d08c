/*
 * net/listen.h - a listening TCP socket on the loop.
 *
 * At most 8 connections are accepted per round of the loop, so that a burst of them does not hold
 * up the frames of running calls; the others wait in the kernel's queue. Without descriptors left
 * it pauses for a moment instead of spinning. The loop's thread only.
 */
#ifndef VE_NET_LISTEN_H
#define VE_NET_LISTEN_H

#include "base/log.h"
#include "loop/loop.h"

struct ve_listener;

struct ve_listen_config {
    const char *host; /* IPv4 or IPv6 literal, or "localhost" */
    uint16_t port;    /* 0: any free one */
    bool shared;      /* other workers listen on the same port */
    const struct ve_log *log;
    /* A connected socket, non-blocking, now the callee's; `peer` is its address without port. */
    void (*accepted)(void *arg, int fd, const char *peer);
    void *arg;
};

/* On failure `why` says what is wrong and what to do. */
int ve_listener_new(struct ve_listener **out, struct ve_loop *loop,
                    const struct ve_listen_config *config, char why[static 160]);
uint16_t ve_listener_port(const struct ve_listener *listener);
/* NULL is allowed. */
void ve_listener_free(struct ve_listener *listener);

#endif
