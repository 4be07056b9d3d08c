#include "net/httpc_in.h"

#include "base/alloc.h"
#include "base/err.h"

#include <uv.h>

#define PER_HOST_DEFAULT 32
#define TOTAL_DEFAULT    256

/* A socket that libcurl wants watched. It lives until libuv has let go of it. */
struct socket {
    uv_poll_t poll;
    struct ve_link link; /* in ve_httpc.sockets */
    struct ve_httpc *httpc;
    curl_socket_t fd; /* libcurl's */
    int events;       /* what it waits for, of UV_READABLE and UV_WRITABLE */
};

static void collect(struct ve_httpc *httpc)
{
    int left = 0;
    for (CURLMsg *msg = curl_multi_info_read(httpc->multi, &left); msg;
         msg = curl_multi_info_read(httpc->multi, &left)) {
        struct ve_httpc_request *request = NULL;
        CURLcode code = msg->data.result; /* the message dies with its handle */
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        ve_httpc_ended(request, code);
    }
}

/* libuv stops a poll that saw an error. libcurl may find an answer in front of the error when it is
 * told to read, so it is not told of the error, and the poll goes on until it has met it. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket *sock = VE_CONTAINER(poll, struct socket, poll);
    struct ve_httpc *httpc = sock->httpc;
    int running = 0;
    if (status < 0) {
        events = UV_READABLE | UV_WRITABLE;
        (void)uv_poll_start(poll, sock->events, on_poll);
    }
    int what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
               (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    ve_loop_step(httpc->loop);
    (void)curl_multi_socket_action(httpc->multi, sock->fd, what, &running);
    collect(httpc);
}

static void on_clock(void *arg)
{
    struct ve_httpc *httpc = arg;
    int running = 0;
    (void)curl_multi_socket_action(httpc->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(httpc);
}

/* A timeout of 0 comes from inside of libcurl, where it cannot be called: the timer makes a step of
 * its own of it. */
static int set_clock(CURLM *multi, long timeout_ms, void *arg)
{
    struct ve_httpc *httpc = arg;
    (void)multi;
    if (timeout_ms < 0)
        ve_timer_stop(&httpc->clock);
    else
        ve_timer_start(&httpc->clock, (uint64_t)timeout_ms * VE_MS);
    return 0;
}

static void on_socket_closed(uv_handle_t *handle)
{
    ve_free(VE_CONTAINER(handle, struct socket, poll));
}

/* The descriptor may be closed by libcurl right afterwards: the poll stops at once, the struct
 * follows later. */
static void socket_close(struct socket *sock)
{
    ve_link_remove(&sock->link);
    (void)uv_poll_stop(&sock->poll);
    uv_close((uv_handle_t *)&sock->poll, on_socket_closed);
}

static struct socket *socket_new(struct ve_httpc *httpc, curl_socket_t fd)
{
    struct socket *sock = ve_alloc(sizeof(*sock));
    if (!sock)
        return NULL;
    if (uv_poll_init_socket(ve_loop_uv(httpc->loop), &sock->poll, fd) != 0) {
        ve_free(sock);
        return NULL;
    }
    sock->httpc = httpc;
    sock->fd = fd;
    ve_list_push(&httpc->sockets, &sock->link);
    (void)curl_multi_assign(httpc->multi, fd, sock);
    return sock;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct ve_httpc *httpc = arg;
    struct socket *sock = known;
    if (what == CURL_POLL_REMOVE) {
        if (sock)
            socket_close(sock);
        return 0;
    }
    if (!sock)
        sock = socket_new(httpc, fd);
    if (sock) {
        sock->events =
            (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
        if (uv_poll_start(&sock->poll, sock->events, on_poll) == 0)
            return 0;
    }
    /* An error returned from here would end every transfer: end the one that it is about. */
    struct ve_httpc_request *request = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
    if (request)
        ve_httpc_fail(request, VE_ENOMEM, "the connection cannot be watched");
    return 0;
}

void ve_httpc_limit(struct ve_httpc *httpc, unsigned per_host, unsigned total)
{
    long host = per_host ? (long)per_host : PER_HOST_DEFAULT;
    long all = total ? (long)total : TOTAL_DEFAULT;
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_MAX_HOST_CONNECTIONS, host);
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, all);
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_MAXCONNECTS, all);
}

int ve_httpc_loop_init(struct ve_httpc *httpc)
{
    httpc->multi = curl_multi_init();
    if (!httpc->multi)
        return VE_ENOMEM;
    ve_timer_init(&httpc->clock, httpc->loop, on_clock, httpc);
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_SOCKETDATA, httpc);
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_TIMERFUNCTION, set_clock);
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_TIMERDATA, httpc);
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    ve_httpc_limit(httpc, 0, 0);
    return 0;
}

void ve_httpc_loop_close(struct ve_httpc *httpc)
{
    (void)curl_multi_cleanup(httpc->multi);
    VE_LIST_EACH(&httpc->sockets, link)
    socket_close(VE_CONTAINER(link, struct socket, link));
    ve_timer_stop(&httpc->clock);
}
