#include "net/wsc_in.h"

#include "base/alloc.h"
#include "base/err.h"

#include <openssl/ssl.h>
#include <uv.h>

/* Read at once, per connection (the library allocates it for each), and written at once. */
#define RX_BYTES (4 * 1024)
#define TX_BYTES (64 * 1024)
/* Requests are composed in this one; a server's header must fit the other. */
#define SERVICE_BYTES (32 * 1024)
#define HEADER_BYTES  (16 * 1024)
/* Longer than any clock of ours: the library's own timing must never strike. */
#define NEVER_SECONDS 3600
/* Closing its handles takes the library two rounds. */
#define LAST_ROUNDS 8

#define PROTOCOL_NAME "ve"

static void drop_line(int level, const char *line)
{
    (void)level;
    (void)line;
}

int ve_wsc_process_init(void)
{
    lws_set_log_level(0, drop_line);
    return 0;
}

static void fill_info(struct lws_context_creation_info *info, struct ve_wsc *wsc, void **loops)
{
    *info = (struct lws_context_creation_info){
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = wsc->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .pt_serv_buf_size = SERVICE_BYTES,
        .max_http_header_data = HEADER_BYTES,
        .timeout_secs = NEVER_SECONDS,
        .connect_timeout_secs = NEVER_SECONDS,
        .http_proxy_address = "", /* set, so that the environment is not asked */
    };
}

/* The vhost gets its TLS context at the first wss connection: reading the system's certificates
 * takes longer than everything else at the start of the engine. */
static int open_context(struct ve_wsc *wsc)
{
    struct lws_context_creation_info info;
    void *loops[1] = {ve_loop_uv(wsc->loop)};
    fill_info(&info, wsc, loops);
    wsc->context = lws_create_context(&info);
    if (!wsc->context)
        return VE_ENOMEM;
    info.options &= ~(uint64_t)LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    wsc->vhost = lws_create_vhost(wsc->context, &info);
    return wsc->vhost ? 0 : VE_ENOMEM;
}

int ve_wsc_warm(struct ve_wsc *wsc)
{
    if (wsc->tls)
        return 0;
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls)
        return VE_ENOMEM;
    struct lws_context_creation_info info;
    fill_info(&info, wsc, NULL);
    info.provided_client_ssl_ctx = tls;
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS); /* an idle connection needs none */
    if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_default_verify_paths(tls) != 1 ||
        lws_init_vhost_client_ssl(&info, wsc->vhost) != 0) {
        SSL_CTX_free(tls);
        return VE_EFAILED;
    }
    wsc->tls = tls;
    return 0;
}

/* The library is asked to go, its handles close in the loop, and it is told that they have. */
static void close_context(struct ve_wsc *wsc)
{
    if (!wsc->context)
        return;
    lws_context_destroy(wsc->context);
    for (int i = 0; i < LAST_ROUNDS; i++)
        (void)uv_run(ve_loop_uv(wsc->loop), UV_RUN_NOWAIT);
    lws_context_destroy(wsc->context);
}

int ve_wsc_new(struct ve_wsc **out, struct ve_loop *loop, const struct ve_log *log)
{
    if (ve_loop_is_sim(loop))
        return VE_ENOTSUP;
    struct ve_wsc *wsc = ve_alloc(sizeof(*wsc));
    if (!wsc)
        return VE_ENOMEM;
    wsc->loop = loop;
    wsc->log = log;
    ve_link_init(&wsc->conns);
    wsc->protocols[0] = (struct lws_protocols){
        .name = PROTOCOL_NAME,
        .callback = ve_wsc_callback,
        .rx_buffer_size = RX_BYTES,
        .tx_packet_size = TX_BYTES,
    };
    int err = open_context(wsc);
    if (err) {
        close_context(wsc);
        ve_free(wsc);
        return err;
    }
    *out = wsc;
    return 0;
}

void ve_wsc_free(struct ve_wsc *wsc)
{
    if (!wsc)
        return;
    while (!ve_list_empty(&wsc->conns)) {
        struct ve_wsc_conn *c = VE_CONTAINER(wsc->conns.next, struct ve_wsc_conn, link);
        ve_wsc_cut(c);
        if (c->state < VE_WSC_OPEN)
            ve_wsc_refuse(c, VE_ECANCELED, 0, "canceled");
        ve_wsc_report(c);
    }
    close_context(wsc);
    SSL_CTX_free(wsc->tls);
    ve_free(wsc);
}

int ve_wsc_connect(struct ve_wsc *wsc, const struct ve_wsc_options *options,
                   const struct ve_conn_events *events, void *arg, struct ve_conn **conn)
{
    struct ve_wsc_conn *c = ve_alloc(sizeof(*c));
    if (!c)
        return VE_ENOMEM;
    c->wsc = wsc;
    c->conn.events = events;
    c->conn.arg = arg;
    ve_link_init(&c->link);
    ve_wsc_conn_init(c);
    int err = ve_wsc_setup(c, options);
    if (err) {
        ve_wsc_conn_free(c);
        return err;
    }
    ve_list_push(&wsc->conns, &c->link);
    ve_timer_start(&c->step, 0);
    *conn = &c->conn;
    return 0;
}
