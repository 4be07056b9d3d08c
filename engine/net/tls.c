#include "net/tls.h"

#include "base/alloc.h"
#include "base/err.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define RECORD_BYTES 16384

struct ve_tls {
    SSL_CTX *ctx;       /* owned; replaced by ve_tls_load, kept alive by its sessions */
    BIO_METHOD *method; /* owned */
};

struct ve_tls_session {
    SSL *ssl;            /* owned */
    const uint8_t *in;   /* borrowed, see ve_tls_feed */
    size_t in_len;       /* bytes */
    struct ve_buf *wire; /* borrowed, during a call only */
};

/* OpenSSL's own memory BIO would keep a copy of everything, and its largest size, per connection.
 * This one reads in the caller's bytes and appends to the caller's buffer. */
static int wire_read(BIO *bio, char *bytes, int size)
{
    struct ve_tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size <= 0)
        return 0;
    if (!session->in_len) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = session->in_len < (size_t)size ? session->in_len : (size_t)size;
    memcpy(bytes, session->in, n);
    session->in += n;
    session->in_len -= n;
    return (int)n;
}

static int wire_write(BIO *bio, const char *bytes, int len)
{
    struct ve_tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (len <= 0 || !session->wire || ve_buf_add(session->wire, bytes, (size_t)len) != 0)
        return -1;
    return len;
}

static long wire_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *make_method(void)
{
    /* The number only tells BIO types apart in searches, which nobody makes here; asking OpenSSL
     * for one would use up one of the few there are with every listener. */
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "voiceengine wire");
    if (!method)
        return NULL;
    if (BIO_meth_set_read(method, wire_read) != 1 || BIO_meth_set_write(method, wire_write) != 1 ||
        BIO_meth_set_ctrl(method, wire_ctrl) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned int len, void *arg)
{
    static const unsigned char http11[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, http11, sizeof(http11) - 1, offered, len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Without this OpenSSL would ask for the pass phrase on the terminal, and the engine would wait. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

/* "cannot read the certificate /etc/x.pem: no start line". A path may be long: its end tells more
 * than its beginning. */
static int explain(char why[static 160], const char *what, const char *path)
{
    size_t len = strlen(path);
    const char *tail = len > 60 ? path + len - 60 : path;
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);
    if (ERR_SYSTEM_ERROR(code))
        reason = strerror(ERR_GET_REASON(code));
    (void)snprintf(why, 160, "%s %s%s: %.60s", what, tail == path ? "" : "...", tail,
                   reason ? reason : "unknown error");
    ERR_clear_error();
    return VE_EINVAL;
}

static int use_files(SSL_CTX *ctx, const char *cert, const char *key, char why[static 160])
{
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return explain(why, "cannot read the certificate", cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return explain(why, "cannot use the key", key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return explain(why, "the key does not belong to the certificate:", key);
    return 0;
}

static SSL_CTX *make_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return NULL;
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Tickets keep the state with the client; a cache would keep it here. */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 1);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return ctx;
}

int ve_tls_load(struct ve_tls *tls, const char *cert, const char *key, char why[static 160])
{
    ERR_clear_error();
    why[0] = '\0';
    SSL_CTX *ctx = make_context();
    if (!ctx) {
        (void)snprintf(why, 160, "no memory for TLS");
        ERR_clear_error();
        return VE_ENOMEM;
    }
    int err = use_files(ctx, cert, key, why);
    if (err) {
        SSL_CTX_free(ctx);
        return err;
    }
    SSL_CTX_free(tls->ctx);
    tls->ctx = ctx;
    return 0;
}

int ve_tls_new(struct ve_tls **out, const char *cert, const char *key, char why[static 160])
{
    struct ve_tls *tls = ve_alloc(sizeof(*tls));
    if (!tls) {
        (void)snprintf(why, 160, "no memory for TLS");
        return VE_ENOMEM;
    }
    tls->method = make_method();
    int err = tls->method ? ve_tls_load(tls, cert, key, why) : VE_ENOMEM;
    if (!tls->method)
        (void)snprintf(why, 160, "no memory for TLS");
    if (err) {
        ve_tls_free(tls);
        return err;
    }
    *out = tls;
    return 0;
}

void ve_tls_free(struct ve_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->ctx);
    BIO_meth_free(tls->method);
    ve_free(tls);
}

int ve_tls_accept(struct ve_tls_session **out, struct ve_tls *tls)
{
    struct ve_tls_session *session = ve_alloc(sizeof(*session));
    if (!session)
        return VE_ENOMEM;
    BIO *bio = BIO_new(tls->method);
    session->ssl = bio ? SSL_new(tls->ctx) : NULL;
    if (!session->ssl) {
        BIO_free(bio);
        ve_free(session);
        ERR_clear_error();
        return VE_ENOMEM;
    }
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_accept_state(session->ssl);
    *out = session;
    return 0;
}

void ve_tls_session_free(struct ve_tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    ve_free(session);
}

bool ve_tls_is_ready(const struct ve_tls_session *session)
{
    return SSL_is_init_finished(session->ssl) == 1;
}

void ve_tls_feed(struct ve_tls_session *session, const uint8_t *bytes, size_t len)
{
    session->in = bytes;
    session->in_len = len;
}

/* What a call of OpenSSL that did not succeed means for us. The error queue belongs to the thread:
 * what is left in it would be taken for the next connection's. */
static int outcome(struct ve_tls_session *session, int ret)
{
    int error = SSL_get_error(session->ssl, ret);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ)
        return 0;
    return error == SSL_ERROR_ZERO_RETURN ? VE_EGONE : VE_EPROTO;
}

int ve_tls_read(struct ve_tls_session *session, uint8_t *bytes, int size, struct ve_buf *wire)
{
    session->wire = wire;
    ERR_clear_error();
    int n = SSL_read(session->ssl, bytes, size);
    int ret = n > 0 ? n : outcome(session, n);
    session->wire = NULL;
    return ret;
}

int ve_tls_write(struct ve_tls_session *session, const uint8_t *bytes, size_t len,
                 struct ve_buf *wire)
{
    int err = 0;
    session->wire = wire;
    ERR_clear_error();
    while (len && !err) {
        int n = len < RECORD_BYTES ? (int)len : RECORD_BYTES;
        int done = SSL_write(session->ssl, bytes, n);
        if (done <= 0) {
            ERR_clear_error();
            err = VE_EFAILED;
            break;
        }
        bytes += done;
        len -= (size_t)done;
    }
    session->wire = NULL;
    return err;
}

void ve_tls_end(struct ve_tls_session *session, struct ve_buf *wire)
{
    if (!ve_tls_is_ready(session))
        return;
    session->wire = wire;
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
    session->wire = NULL;
}
