#include "net/httpd.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/random.h"
#include "net/http_in.h"

#include <stdio.h>
#include <unistd.h>

/* How many connections an address has. */
struct peer {
    unsigned count;
};

static size_t or_size(size_t value, size_t otherwise)
{
    return value ? value : otherwise;
}

static uint64_t or_time(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

static void fill_in(struct ve_httpd_config *config)
{
    struct ve_httpd_clocks *clocks = &config->clocks;
    config->max_body = or_size(config->max_body, 1048576);
    config->max_message = or_size(config->max_message, 1048576);
    config->max_queue = or_size(config->max_queue, 262144);
    if (!config->max_connections)
        config->max_connections = 4096;
    clocks->head = or_time(clocks->head, 10 * VE_SECOND);
    clocks->body = or_time(clocks->body, 30 * VE_SECOND);
    clocks->idle = or_time(clocks->idle, 75 * VE_SECOND);
    clocks->linger = or_time(clocks->linger, 5 * VE_SECOND);
    clocks->closing = or_time(clocks->closing, 2 * VE_SECOND);
    clocks->stalled = or_time(clocks->stalled, 10 * VE_SECOND);
}

/* Counts a connection of that address. VE_EBUSY when it has as many as it may. */
static int count_peer(struct ve_httpd *httpd, const char *address)
{
    struct peer *peer = ve_map_find(&httpd->peers, ve_str(address));
    int err = 0;
    if (!peer) {
        peer = ve_alloc(sizeof(*peer));
        err = peer ? ve_map_add(&httpd->peers, ve_str(address), peer) : VE_ENOMEM;
        if (err) {
            ve_free(peer);
            return err;
        }
    }
    peer->count++;
    unsigned max = httpd->config.max_per_peer;
    return max && peer->count > max ? VE_EBUSY : 0;
}

static void uncount_peer(struct ve_httpd *httpd, const char *address)
{
    struct peer *peer = ve_map_find(&httpd->peers, ve_str(address));
    if (peer && --peer->count == 0)
        ve_free(ve_map_remove(&httpd->peers, ve_str(address)));
}

static void on_gone(void *arg, const struct ve_stream *stream)
{
    struct ve_httpd *httpd = arg;
    if (ve_stream_mark(stream))
        httpd->refusing--;
    uncount_peer(httpd, ve_stream_peer(stream));
}

/* Over a limit a connection is only taken to say so; and of those there are few. */
static void on_accepted(void *arg, int fd, const char *peer)
{
    struct ve_httpd *httpd = arg;
    int err = count_peer(httpd, peer);
    bool refused = err == VE_EBUSY || ve_httpd_connections(httpd) >= httpd->config.max_connections;
    httpd->accepted++;
    if (refused || err)
        httpd->refused++;
    if (err == VE_ENOMEM || (refused && httpd->refusing >= VE_HTTP_REFUSED_MAX)) {
        (void)close(fd);
        if (err != VE_ENOMEM)
            uncount_peer(httpd, peer);
        return;
    }
    if (ve_http_conn_new(httpd, fd, peer, refused) != 0)
        uncount_peer(httpd, peer);
    else if (refused)
        httpd->refusing++;
}

static int start_listening(struct ve_httpd *httpd, const struct ve_httpd_config *config,
                           char why[static 160])
{
    struct ve_listen_config listen = {.host = config->host,
                                      .port = config->port,
                                      .shared = config->shared_port,
                                      .log = config->log,
                                      .accepted = on_accepted,
                                      .arg = httpd};
    int err = ve_listener_new(&httpd->listener, httpd->loop, &listen, why);
    if (!err)
        httpd->port = ve_listener_port(httpd->listener);
    return err;
}

static int start(struct ve_httpd *httpd, const struct ve_httpd_config *config, char why[static 160])
{
    uint64_t seed[2];
    int err = ve_random_bytes(seed, sizeof(seed));
    ve_map_init(&httpd->peers, seed);
    if (!err && config->tls_cert)
        err = ve_tls_new(&httpd->tls, config->tls_cert, config->tls_key, why);
    if (!err) {
        struct ve_hub_config hub = {
            .loop = httpd->loop, .tls = httpd->tls, .gone = on_gone, .arg = httpd};
        err = ve_hub_new(&httpd->hub, &hub);
    }
    return err ? err : start_listening(httpd, config, why);
}

int ve_httpd_new(struct ve_httpd **out, struct ve_loop *loop, const struct ve_httpd_config *config,
                 const struct ve_httpd_handlers *handlers, void *arg, char why[static 160])
{
    (void)snprintf(why, 160, "the server cannot start");
    if (ve_loop_is_sim(loop) || !config->log || (config->tls_cert && !config->tls_key))
        return VE_EINVAL;
    struct ve_httpd *httpd = ve_alloc(sizeof(*httpd));
    if (!httpd)
        return VE_ENOMEM;
    httpd->loop = loop;
    httpd->config = *config;
    fill_in(&httpd->config);
    httpd->on = *handlers;
    httpd->arg = arg;
    httpd->date_second = -1;
    ve_link_init(&httpd->waiting);
    ve_timer_init(&httpd->round, loop, ve_http_round, httpd);
    int err = start(httpd, config, why);
    if (err) {
        ve_httpd_free(httpd);
        return err;
    }
    *out = httpd;
    return 0;
}

uint16_t ve_httpd_port(const struct ve_httpd *httpd)
{
    return httpd->port;
}

int ve_httpd_reload_tls(struct ve_httpd *httpd, const char *cert, const char *key,
                        char why[static 160])
{
    if (httpd->tls)
        return ve_tls_load(httpd->tls, cert, key, why);
    (void)snprintf(why, 160, "this server was started without TLS: restart it to change that");
    return VE_ENOTSUP;
}

void ve_httpd_stop_listening(struct ve_httpd *httpd)
{
    ve_listener_free(httpd->listener);
    httpd->listener = NULL;
}

unsigned ve_httpd_connections(const struct ve_httpd *httpd)
{
    return ve_hub_stats(httpd->hub).streams - httpd->refusing;
}

struct ve_httpd_stats ve_httpd_stats(const struct ve_httpd *httpd)
{
    struct ve_hub_stats hub = ve_hub_stats(httpd->hub);
    return (struct ve_httpd_stats){.accepted = httpd->accepted,
                                   .refused = httpd->refused,
                                   .bytes_in = hub.bytes_in,
                                   .bytes_out = hub.bytes_out};
}

void ve_httpd_free(struct ve_httpd *httpd)
{
    if (!httpd)
        return;
    ve_httpd_stop_listening(httpd);
    ve_hub_free(httpd->hub);
    ve_timer_stop(&httpd->round);
    ve_tls_free(httpd->tls);
    ve_map_free(&httpd->peers);
    ve_buf_free(&httpd->scratch);
    ve_free(httpd);
}
