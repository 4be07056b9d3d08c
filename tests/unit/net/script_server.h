/*
 * A scripted TCP server for tests: a thread runs a script of blocking calls, each of them bounded
 * in time, on a free loopback port; with a certificate it speaks TLS.
 */
#ifndef VE_TEST_SCRIPT_SERVER_H
#define VE_TEST_SCRIPT_SERVER_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SCRIPT_WAIT_MS  10000 /* the longest that any call of a script takes */
#define SCRIPT_READ_MAX (256 * 1024)

struct server;

struct peer {
    int fd; /* -1: none */
    SSL *ssl;
    char *bytes; /* what has been read and not been taken, NUL-terminated */
    size_t len;
};

struct server {
    void (*script)(struct server *server);
    void *arg;
    int listener;
    uint16_t port;
    SSL_CTX *tls; /* NULL: plain */
    atomic_int accepts;
    atomic_bool broken; /* something did not happen in time */
    pthread_t thread;
    char seen[SCRIPT_READ_MAX]; /* for what the test is to look at after server_stop */
    size_t seen_len;
};

static inline void *script_run(void *arg)
{
    struct server *server = arg;
    server->script(server);
    return NULL;
}

/* Only the listener: without a script for those who must not be connected to. */
static inline bool server_listen(struct server *server)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    atomic_store(&server->accepts, 0);
    atomic_store(&server->broken, false);
    server->seen_len = 0;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 ||
        bind(server->listener, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(server->listener, 64) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&addr, &len) != 0)
        return false;
    server->port = ntohs(addr.sin_port);
    return true;
}

/* Closes a listener without a script; true when nobody has connected. */
static inline bool server_unused(struct server *server)
{
    struct pollfd pfd = {.fd = server->listener, .events = POLLIN};
    int ready = poll(&pfd, 1, 0);
    close(server->listener);
    return ready == 0;
}

/* Starts the script of a server that listens. */
static inline bool server_run(struct server *server, void (*script)(struct server *server),
                              void *arg)
{
    server->script = script;
    server->arg = arg;
    return pthread_create(&server->thread, NULL, script_run, server) == 0;
}

/* The listener is open when this returns. */
static inline bool server_start(struct server *server, void (*script)(struct server *server),
                                void *arg)
{
    return server_listen(server) && server_run(server, script, arg);
}

/* Waits for the script's end; true when all that it waited for has happened. */
static inline bool server_stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
    return !atomic_load(&server->broken);
}

static inline bool script_wait(struct server *server, int fd, short events)
{
    struct pollfd pfd = {.fd = fd, .events = events};
    if (poll(&pfd, 1, SCRIPT_WAIT_MS) == 1)
        return true;
    atomic_store(&server->broken, true);
    return false;
}

/* A handshake that the client refuses is no breach: peer->fd is then -1. */
static inline struct peer peer_accept(struct server *server)
{
    struct peer peer = {.fd = -1};
    struct timeval limit = {.tv_sec = SCRIPT_WAIT_MS / 1000};
    if (!script_wait(server, server->listener, POLLIN))
        return peer;
    peer.fd = accept(server->listener, NULL, NULL);
    atomic_fetch_add(&server->accepts, 1);
    (void)setsockopt(peer.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(peer.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    (void)setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    peer.bytes = calloc(1, SCRIPT_READ_MAX + 1);
    if (!server->tls)
        return peer;
    peer.ssl = SSL_new(server->tls);
    SSL_set_fd(peer.ssl, peer.fd);
    if (SSL_accept(peer.ssl) != 1) {
        SSL_free(peer.ssl);
        peer.ssl = NULL;
        close(peer.fd);
        peer.fd = -1;
        ERR_clear_error();
    }
    return peer;
}

static inline void peer_free(struct peer *peer)
{
    SSL_free(peer->ssl);
    free(peer->bytes);
    if (peer->fd >= 0)
        close(peer->fd);
    *peer = (struct peer){.fd = -1};
}

static inline void peer_close(struct peer *peer)
{
    if (peer->ssl)
        (void)SSL_shutdown(peer->ssl);
    peer_free(peer);
}

/* Ends the connection with a RST. */
static inline void peer_reset(struct peer *peer)
{
    struct linger hard = {.l_onoff = 1};
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    peer_free(peer);
}

/* False when the client has closed. */
static inline bool peer_more(struct server *server, struct peer *peer)
{
    char *at = peer->bytes + peer->len;
    size_t room = SCRIPT_READ_MAX - peer->len;
    if (peer->fd < 0 || !room)
        return false;
    if (!(peer->ssl && SSL_pending(peer->ssl) > 0) && !script_wait(server, peer->fd, POLLIN))
        return false;
    ssize_t n = peer->ssl ? SSL_read(peer->ssl, at, (int)room) : recv(peer->fd, at, room, 0);
    if (n <= 0)
        return false;
    peer->len += (size_t)n;
    peer->bytes[peer->len] = '\0';
    return true;
}

static inline void peer_take(struct peer *peer, size_t len)
{
    memmove(peer->bytes, peer->bytes + len, peer->len - len + 1);
    peer->len -= len;
}

/* Reads one request with its body into server->seen, behind what is there. */
static inline bool peer_request(struct server *server, struct peer *peer)
{
    const char *end = NULL;
    while (!(end = strstr(peer->bytes ? peer->bytes : "", "\r\n\r\n"))) {
        if (!peer_more(server, peer))
            return false;
    }
    size_t want = (size_t)(end - peer->bytes) + 4;
    const char *length = strcasestr(peer->bytes, "\r\nContent-Length:");
    if (length && length < end)
        want += (size_t)strtoul(length + 17, NULL, 10);
    while (peer->len < want) {
        if (!peer_more(server, peer))
            return false;
    }
    if (server->seen_len + want < sizeof(server->seen)) {
        memcpy(server->seen + server->seen_len, peer->bytes, want);
        server->seen_len += want;
        server->seen[server->seen_len] = '\0';
    }
    peer_take(peer, want);
    return true;
}

static inline bool peer_send(struct peer *peer, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len && peer->fd >= 0) {
        ssize_t n =
            peer->ssl ? SSL_write(peer->ssl, at, (int)len) : send(peer->fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return peer->fd >= 0;
}

static inline bool peer_say(struct peer *peer, const char *text)
{
    return peer_send(peer, text, strlen(text));
}

/* Waits until the client has closed the connection. */
static inline void peer_drain(struct server *server, struct peer *peer)
{
    do
        peer->len = 0;
    while (peer_more(server, peer));
}

#endif
