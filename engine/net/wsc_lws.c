#include "net/wsc_in.h"

#include "base/err.h"

#include <openssl/x509.h>
#include <string.h>

/* What the library says of a failed attempt, in our words. It says little more than these. */
static void on_attempt_failed(struct ve_wsc_conn *c, struct lws *wsi, const char *said, size_t len)
{
    int status = (int)lws_http_client_http_response(wsi);
    struct ve_str text = ve_str_n(said, said ? len : 0);
    if (status == 401 || status == 403)
        ve_wsc_attempt_failed(c, VE_EAUTH, status, "the server refuses the credentials");
    else if (status && status != 101)
        ve_wsc_attempt_failed(c, VE_EFAILED, status, "the server does not upgrade");
    else if (status == 101 || ve_str_starts(text, VE_STR("HS: ")))
        ve_wsc_attempt_failed(c, VE_EPROTO, status, "the server's handshake is not a WebSocket's");
    else if (ve_str_starts(text, VE_STR("problems parsing header")))
        ve_wsc_attempt_failed(c, VE_EPROTO, 0, "the answer is not HTTP, or its header is too big");
    else if (c->answered)
        ve_wsc_attempt_failed(c, VE_EIO, 0, "the connection was closed without an answer");
    else
        ve_wsc_attempt_failed(c, VE_EIO, 0, "the host takes no connection, or not over TLS");
}

static int add_fields(struct ve_wsc_conn *c, unsigned char **at, size_t room)
{
    c->answered = true;
    if (c->fields.len > room)
        return -1;
    if (c->fields.len)
        memcpy(*at, c->fields.ptr, c->fields.len);
    *at += c->fields.len;
    return 0;
}

/* The reason is kept: what the library reports later does not name it. */
static void on_certificate(struct ve_wsc_conn *c, X509_STORE_CTX *store, bool good)
{
    if (good)
        return;
    if (c->insecure)
        X509_STORE_CTX_set_error(store, X509_V_OK);
    else
        c->verify_error = X509_STORE_CTX_get_error(store);
}

static int on_event(struct ve_wsc_conn *c, struct lws *wsi, enum lws_callback_reasons reason,
                    void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_fields(c, in, len);
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        on_certificate(c, in, len != 0);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (c->state == VE_WSC_CONNECTING)
            on_attempt_failed(c, wsi, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        c->wsi = wsi;
        ve_wsc_on_open(c);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        ve_wsc_on_piece(c, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return ve_wsc_on_writable(c) ? 0 : -1;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return ve_wsc_on_close_frame(c, in, len) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        if (c->state == VE_WSC_CONNECTING)
            on_attempt_failed(c, wsi, NULL, 0);
        else if (c->wsi)
            ve_wsc_on_gone(c);
        lws_set_opaque_user_data(wsi, NULL);
        return 0;
    default:
        return 0;
    }
}

int ve_wsc_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        break;
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION: {
        /* `user` is the store, `in` the connection, `len` its verdict. */
        struct ve_wsc_conn *c = lws_get_opaque_user_data(wsi);
        return c ? on_event(c, wsi, reason, user, len) : 0;
    }
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
    struct ve_wsc_conn *c = lws_get_opaque_user_data(wsi);
    if (!c)
        return reason == LWS_CALLBACK_WSI_DESTROY ? 0 : -1;
    ve_loop_step(c->wsc->loop);
    return on_event(c, wsi, reason, in, len);
}
