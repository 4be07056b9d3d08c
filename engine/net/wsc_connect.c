#include "net/wsc_in.h"

#include "base/alloc.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

/* A name being resolved. It outlives a connection that does not want the answer any more. */
struct ve_lookup {
    uv_getaddrinfo_t req;
    struct ve_loop *loop;
    struct ve_wsc_conn *c; /* NULL: forgotten */
};

/* --- addresses -------------------------------------------------------------------------------- */

static void add_address(struct ve_wsc_conn *c, const struct addrinfo *info)
{
    char *out = c->addresses[c->address_count];
    const char *done = NULL;
    if (info->ai_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)info->ai_addr;
        done = inet_ntop(AF_INET, &in->sin_addr, out, INET6_ADDRSTRLEN);
    } else if (info->ai_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)info->ai_addr;
        done = inet_ntop(AF_INET6, &in->sin6_addr, out, INET6_ADDRSTRLEN);
    }
    if (done)
        c->address_count++;
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct ve_lookup *lookup = VE_CONTAINER(req, struct ve_lookup, req);
    struct ve_wsc_conn *c = lookup->c;
    ve_loop_step(lookup->loop);
    ve_free(lookup);
    if (c) {
        c->lookup = NULL;
        for (const struct addrinfo *info = list; info && c->address_count < VE_WSC_ADDRESSES;
             info = info->ai_next)
            add_address(c, info);
    }
    uv_freeaddrinfo(list);
    if (!c)
        return;
    if (status < 0 || !c->address_count)
        ve_wsc_refuse(c, VE_ENOENT, 0, "the host's name does not resolve");
    else
        ve_wsc_next_attempt(c);
}

static int resolve(struct ve_wsc_conn *c)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct ve_lookup *lookup = ve_alloc(sizeof(*lookup));
    if (!lookup)
        return VE_ENOMEM;
    lookup->loop = c->wsc->loop;
    lookup->c = c;
    if (uv_getaddrinfo(ve_loop_uv(lookup->loop), &lookup->req, on_resolved, c->host, NULL,
                       &hints) != 0) {
        ve_free(lookup);
        return VE_EIO;
    }
    c->lookup = lookup;
    return 0;
}

void ve_wsc_forget_lookup(struct ve_wsc_conn *c)
{
    if (!c->lookup)
        return;
    c->lookup->c = NULL;
    (void)uv_cancel((uv_req_t *)&c->lookup->req);
    c->lookup = NULL;
}

/* An IPv4 address inside an IPv6 one shows as what it is. */
static bool is_allowed(struct ve_wsc_conn *c, const char *ip)
{
    struct in6_addr in6;
    char plain[INET6_ADDRSTRLEN];
    if (!c->allow_address)
        return true;
    if (inet_pton(AF_INET6, ip, &in6) == 1 && IN6_IS_ADDR_V4MAPPED(&in6) &&
        inet_ntop(AF_INET, &in6.s6_addr[12], plain, sizeof(plain)))
        ip = plain;
    return c->allow_address(c->conn.arg, c->host, ip);
}

/* --- attempts --------------------------------------------------------------------------------- */

static void connect_to(struct ve_wsc_conn *c, const char *ip)
{
    struct ve_wsc *wsc = c->wsc;
    static const lws_retry_bo_t no_pings = {.secs_since_valid_ping = 0};
    struct lws_client_connect_info info = {
        .context = wsc->context,
        .vhost = wsc->vhost,
        .address = ip,
        .port = c->port,
        .ssl_connection =
            (int)((c->tls ? (unsigned)LCCSCF_USE_SSL : 0u) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT),
        .path = c->path,
        .host = c->authority,
        .protocol = c->protocol,
        .local_protocol_name = wsc->protocols[0].name,
        .ietf_version_or_minus_one = -1,
        .retry_and_idle_policy = &no_pings,
        .opaque_user_data = c,
    };
    c->state = VE_WSC_CONNECTING;
    c->verify_error = X509_V_OK;
    struct lws *wsi = lws_client_connect_via_info(&info);
    if (c->state == VE_WSC_CONNECTING && !wsi)
        ve_wsc_attempt_failed(c, VE_EIO, 0, "the host takes no connection");
    else if (c->state == VE_WSC_CONNECTING)
        c->wsi = wsi;
}

/* The time that is left is shared among the addresses that are left. */
static void start_clock(struct ve_wsc_conn *c)
{
    uint64_t now = ve_loop_now(c->wsc->loop);
    uint64_t left = c->deadline > now ? c->deadline - now : 0;
    unsigned attempts = c->address_count - c->address_next;
    ve_timer_start(&c->clock, left / (attempts ? attempts : 1));
}

void ve_wsc_next_attempt(struct ve_wsc_conn *c)
{
    while (c->address_next < c->address_count) {
        const char *ip = c->addresses[c->address_next];
        if (is_allowed(c, ip)) {
            start_clock(c);
            c->address_next++;
            connect_to(c, ip);
            return;
        }
        c->address_next++;
        c->err = VE_EAUTH;
        (void)snprintf(c->why, sizeof(c->why), "the host's address is not allowed");
    }
    ve_wsc_refuse(c, c->err ? c->err : VE_EIO, c->status, c->why);
}

void ve_wsc_begin(struct ve_wsc_conn *c)
{
    int err = c->tls ? ve_wsc_warm(c->wsc) : 0;
    if (!err && c->address_count) {
        ve_wsc_next_attempt(c);
        return;
    }
    if (!err)
        err = resolve(c);
    if (err)
        ve_wsc_refuse(c, err, 0, "the connection cannot be made");
    else
        ve_timer_start_at(&c->clock, c->deadline);
}

void ve_wsc_attempt_failed(struct ve_wsc_conn *c, int err, int status, const char *why)
{
    c->wsi = NULL;
    c->err = err;
    c->status = status;
    if (c->verify_error != X509_V_OK) {
        c->err = VE_EAUTH;
        (void)snprintf(c->why, sizeof(c->why), "the server's certificate is refused: %s",
                       X509_verify_cert_error_string(c->verify_error));
    } else {
        (void)snprintf(c->why, sizeof(c->why), "%s", why);
    }
    c->state = VE_WSC_FAILED;
    if (c->answered)
        c->address_next = c->address_count;
    ve_timer_start(&c->step, 0);
}

void ve_wsc_attempt_late(struct ve_wsc_conn *c)
{
    bool last = c->address_next >= c->address_count || c->answered;
    ve_wsc_cut(c);
    if (c->state == VE_WSC_CONNECTING && !last)
        ve_wsc_attempt_failed(c, VE_ETIMEDOUT, 0, "no connection in time");
    else
        ve_wsc_refuse(c, VE_ETIMEDOUT, 0, "no connection in time");
}
