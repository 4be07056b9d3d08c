#include "net/listen.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/list.h"
#include "loop/timer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define ACCEPTS_PER_ROUND 8
#define BACKLOG           1024
#define PAUSE             (100 * VE_MS) /* after running out of descriptors */

/* Seconds and counts for peers that vanish without a word. */
#define KEEPALIVE_IDLE     60
#define KEEPALIVE_INTERVAL 10
#define KEEPALIVE_PROBES   3
#define UNACKED_MS         30000

struct ve_listener {
    uv_poll_t poll;
    struct ve_loop *loop;  /* borrowed */
    struct ve_timer pause; /* running: not accepting */
    struct ve_listen_config config;
    int fd; /* owned */
    uint16_t port;
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static void peer_text(char text[static INET6_ADDRSTRLEN], const union address *address)
{
    text[0] = '\0';
    if (address->any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &address->v4.sin_addr, text, INET6_ADDRSTRLEN);
    } else if (IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr)) {
        /* An IPv4 peer on a socket that takes both is the same peer as on one that does not. */
        (void)inet_ntop(AF_INET, address->v6.sin6_addr.s6_addr + 12, text, INET6_ADDRSTRLEN);
    } else {
        (void)inet_ntop(AF_INET6, &address->v6.sin6_addr, text, INET6_ADDRSTRLEN);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void resume(void *arg)
{
    struct ve_listener *listener = arg;
    (void)uv_poll_start(&listener->poll, UV_READABLE, on_poll);
}

static void pause_for_a_moment(struct ve_listener *listener)
{
    ve_log_event(listener->config.log, VE_LOG_ERROR, "accept_failed",
                 ve_fmsg("no connection can be accepted; trying again in 100 ms"),
                 ve_ftext("why", strerror(errno)), ve_fu64("port", listener->port));
    (void)uv_poll_stop(&listener->poll);
    ve_timer_start(&listener->pause, PAUSE);
}

/* Returns whether another one may be waiting. */
static bool accept_one(struct ve_listener *listener)
{
    union address address = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t len = sizeof(address);
    int fd = accept4(listener->fd, &address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        char peer[INET6_ADDRSTRLEN];
        peer_text(peer, &address);
        listener->config.accepted(listener->config.arg, fd, peer);
        return true;
    }
    if (errno == EAGAIN)
        return false;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause_for_a_moment(listener);
        return false;
    }
    return true; /* that connection was gone before we came to it */
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ve_listener *listener = VE_CONTAINER(poll, struct ve_listener, poll);
    (void)events;
    ve_loop_step(listener->loop);
    if (status < 0) {
        pause_for_a_moment(listener);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_ROUND; i++) {
        if (!accept_one(listener))
            break;
    }
}

static int parse_host(union address *address, const char *host, uint16_t port)
{
    memset(address, 0, sizeof(*address));
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return 0;
    }
    if (inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return 0;
    }
    return VE_EINVAL;
}

static socklen_t address_size(const union address *address)
{
    return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

/* Linux hands the options of a listening socket on to the accepted ones: set once, they cost no
 * system call per connection. */
static int set_options(int fd, const union address *address, bool shared)
{
    int failed = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (shared)
        failed |= set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (address->any.sa_family == AF_INET6)
        failed |= set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    failed |= set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    failed |= set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    failed |= set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE);
    failed |= set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
    failed |= set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
    failed |= set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKED_MS);
    return failed ? VE_EIO : 0;
}

static void explain(char why[static 160], const struct ve_listen_config *config)
{
    int port = config->port;
    const char *host = config->host;
    if (errno == EADDRINUSE)
        (void)snprintf(why, 160,
                       "port %d is taken: stop the program that listens on it, or set "
                       "another port",
                       port);
    else if (errno == EACCES)
        (void)snprintf(why, 160, "port %d needs privileges: choose one above 1023", port);
    else if (errno == EADDRNOTAVAIL)
        (void)snprintf(why, 160,
                       "this machine has no address %.45s: use one of its own, 127.0.0.1 "
                       "or 0.0.0.0",
                       host);
    else
        (void)snprintf(why, 160, "cannot listen on %.45s port %d: %.60s", host, port,
                       strerror(errno));
}

static int open_socket(struct ve_listener *listener, const union address *wanted)
{
    union address bound = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t len = sizeof(bound);
    listener->fd = socket(wanted->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0 || set_options(listener->fd, wanted, listener->config.shared) != 0 ||
        bind(listener->fd, &wanted->any, address_size(wanted)) != 0 ||
        listen(listener->fd, BACKLOG) != 0 || getsockname(listener->fd, &bound.any, &len) != 0)
        return VE_EIO;
    listener->port = ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    ve_free(VE_CONTAINER(handle, struct ve_listener, poll));
}

/* Without a handle that libuv knows, there is nothing to wait for. */
static int give_up(struct ve_listener *listener, int err)
{
    if (listener->fd >= 0)
        (void)close(listener->fd);
    ve_free(listener);
    return err;
}

int ve_listener_new(struct ve_listener **out, struct ve_loop *loop,
                    const struct ve_listen_config *config, char why[static 160])
{
    union address address;
    if (parse_host(&address, config->host, config->port) != 0) {
        (void)snprintf(why, 160,
                       "\"%.60s\" is not an address: use for example 127.0.0.1, 0.0.0.0 "
                       "or ::1",
                       config->host);
        return VE_EINVAL;
    }
    struct ve_listener *listener = ve_alloc(sizeof(*listener));
    if (!listener) {
        (void)snprintf(why, 160, "no memory to listen");
        return VE_ENOMEM;
    }
    listener->loop = loop;
    listener->config = *config;
    ve_timer_init(&listener->pause, loop, resume, listener);
    if (open_socket(listener, &address) != 0) {
        explain(why, config);
        return give_up(listener, VE_EIO);
    }
    int err = uv_poll_init(ve_loop_uv(loop), &listener->poll, listener->fd);
    if (err) {
        (void)snprintf(why, 160, "cannot watch a socket: %.60s", uv_strerror(err));
        return give_up(listener, VE_EIO);
    }
    err = uv_poll_start(&listener->poll, UV_READABLE, on_poll);
    if (err) {
        (void)snprintf(why, 160, "cannot watch a socket: %.60s", uv_strerror(err));
        ve_listener_free(listener);
        return VE_EIO;
    }
    *out = listener;
    return 0;
}

uint16_t ve_listener_port(const struct ve_listener *listener)
{
    return listener->port;
}

void ve_listener_free(struct ve_listener *listener)
{
    if (!listener)
        return;
    ve_timer_stop(&listener->pause);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    (void)close(listener->fd);
}
