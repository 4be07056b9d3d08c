#include "base/err.h"
#include "net/http_in.h"
#include "net/wsd.h"

static int compose_upgrade(struct ve_http_request *request, const char *protocol)
{
    struct ve_buf *out = &request->conn->httpd->scratch;
    char accept[VE_HTTP_ACCEPT_TEXT];
    int err = ve_http_accept_key(accept, ve_http_header(request, "sec-websocket-key"));
    ve_buf_clear(out);
    if (!err)
        err = ve_buf_printf(out,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
                            accept);
    if (!err && protocol)
        err = ve_buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
    return err ? err : ve_buf_add_str(out, VE_STR("\r\n"));
}

int ve_http_upgrade(struct ve_http_request *request, const char *protocol,
                    const struct ve_conn_events *events, void *arg, struct ve_conn **conn)
{
    struct http_conn *http = request->conn;
    const struct ve_httpd *httpd = http->httpd;
    struct ve_stream *stream = http->stream;
    if (!request->head.wants_upgrade || (protocol && !ve_http_is_token(ve_str(protocol))))
        return VE_EINVAL;
    struct ve_wsd_config config = {.loop = httpd->loop,
                                   .log = httpd->config.log,
                                   .max_message = httpd->config.max_message,
                                   .max_queue = httpd->config.max_queue,
                                   .closing = httpd->config.clocks.closing,
                                   .stalled = httpd->config.clocks.stalled};
    int err = compose_upgrade(request, protocol);
    if (err)
        return err;
    struct ve_out *out = ve_http_message(httpd, (struct ve_str){NULL, 0});
    err = out ? ve_wsd_new(conn, stream, &config, events, arg) : VE_ENOMEM;
    if (err) {
        ve_out_free(out);
        return err;
    }
    ve_http_conn_over(http);
    /* On a broken connection this says VE_EGONE; the new owner will hear of it. */
    (void)ve_stream_send(stream, out, 0);
    ve_stream_pause(stream, false);
    return 0;
}
