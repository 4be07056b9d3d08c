/*
 * net/httpd.h - the HTTP/1.1 server: requests with their whole body, and WebSocket upgrades.
 *
 * On libuv, OpenSSL and Debian's http-parser. Why not libwebsockets on the server side:
 * docs/decisions/0001-server-data-path.md.
 *
 * A request is handed over once its body is there. It must be answered exactly once, at once or
 * later, by ve_http_respond or ve_http_upgrade; if its connection is lost before, `aborted` is
 * called and the request is gone. A peer that has only closed its sending side is still answered.
 * One request per connection is open at a time; pipelined ones wait. What breaks the protocol or a
 * limit is refused here with a JSON error, after which the connection closes, and is never seen:
 *
 *   400 bad_request        malformed request line, header, or both Content-Length and chunked
 *   400 upgrade            an upgrade request that RFC 6455 does not allow (405 method: not GET)
 *   403 origin             an upgrade request from a page of another origin
 *   408 request_timeout    head not complete in 10 s, body not in 30 s
 *   411 length_required    a body without Content-Length (chunked included)
 *   413 body_too_large     more than max_body
 *   417 expectation        Expect that is not 100-continue
 *   426 websocket_version  an upgrade request whose version is not 13
 *   431 headers_too_large  head over 16 KiB or 100 fields
 *   501 method             none of GET HEAD POST PUT PATCH DELETE OPTIONS TRACE
 *   503 busy               over max_connections, max_per_peer or 256 MiB of bodies (Retry-After)
 *   505 version            not HTTP/1.x
 *
 * Threads: the loop's thread only. Handlers run as steps of the loop, never inside a call of these
 * functions, except that ve_httpd_free reports what it cuts before it returns. ve_httpd_free may
 * not be called inside a handler or a WebSocket's callback.
 */
#ifndef VE_NET_HTTPD_H
#define VE_NET_HTTPD_H

#include "base/buf.h"
#include "base/log.h"
#include "loop/loop.h"
#include "net/conn.h"

struct ve_httpd;
struct ve_http_request;

/* ns; 0 means the default. Tests cut them short. */
struct ve_httpd_clocks {
    uint64_t head;    /* to the end of a request's head, from its first byte or the accept: 10 s */
    uint64_t body;    /* from there to the end of its body: 30 s */
    uint64_t idle;    /* between requests, and for a peer that does not take an answer: 75 s */
    uint64_t linger;  /* for the last answer to be taken before the connection is cut: 5 s */
    uint64_t closing; /* of a WebSocket's closing handshake: 2 s */
    uint64_t stalled; /* of a WebSocket whose queue is full and does not move: 10 s */
};

struct ve_httpd_config {
    const char *host;         /* address to bind: IPv4 or IPv6 literal, or "localhost" */
    uint16_t port;            /* 0: any free one, see ve_httpd_port */
    bool shared_port;         /* other workers listen on it too (SO_REUSEPORT) */
    const char *tls_cert;     /* PEM chain file; NULL: plain TCP */
    const char *tls_key;      /* PEM key file */
    size_t max_body;          /* bytes; 0 means 1 MiB */
    size_t max_message;       /* of WebSocket messages, bytes; 0 means 1 MiB */
    size_t max_queue;         /* of a WebSocket's unsent messages, bytes; 0 means 256 KiB */
    unsigned max_connections; /* 0 means 4096 */
    unsigned max_per_peer;    /* connections from one address; 0: no limit of its own */
    struct ve_httpd_clocks clocks;
    const struct ve_log *log; /* borrowed; must be there */
};

struct ve_httpd_handlers {
    void (*request)(void *arg, struct ve_http_request *request);
    /* A valid RFC 6455 upgrade request: answer with ve_http_upgrade, or refuse with a response. */
    void (*upgrade)(void *arg, struct ve_http_request *request);
    /* The peer left before the answer. Drop every pointer to the request. */
    void (*aborted)(void *arg, struct ve_http_request *request);
};

/* Binds and listens. On failure `why` says what and what to do ("port 8000 is taken: ..."). */
int ve_httpd_new(struct ve_httpd **out, struct ve_loop *loop, const struct ve_httpd_config *config,
                 const struct ve_httpd_handlers *handlers, void *arg, char why[static 160]);
uint16_t ve_httpd_port(const struct ve_httpd *httpd);
/* New TLS handshakes use the new files; on an error the old ones stay. */
int ve_httpd_reload_tls(struct ve_httpd *httpd, const char *cert, const char *key,
                        char why[static 160]);
/* Takes no new connections; the ones that are there go on. */
void ve_httpd_stop_listening(struct ve_httpd *httpd);
unsigned ve_httpd_connections(const struct ve_httpd *httpd);
struct ve_httpd_stats {
    uint64_t accepted, refused;   /* connections; refused ones are counted in both */
    uint64_t bytes_in, bytes_out; /* on the wire, after TLS */
};
struct ve_httpd_stats ve_httpd_stats(const struct ve_httpd *httpd);
/* Cuts every connection (requests get `aborted`, WebSockets `closed` 1006) and frees. */
void ve_httpd_free(struct ve_httpd *httpd);

/* --- the request: everything borrowed from it until it is answered ---------------------------- */
struct ve_str ve_http_method(const struct ve_http_request *request);
struct ve_str ve_http_path(const struct ve_http_request *request);  /* as sent, before '?' */
struct ve_str ve_http_query(const struct ve_http_request *request); /* after '?', may be empty */
struct ve_str ve_http_body(const struct ve_http_request *request);
/* Value of the first field of that name (any case); ptr NULL when there is none. */
struct ve_str ve_http_header(const struct ve_http_request *request, const char *name);
/* How many fields of that name there are. */
unsigned ve_http_header_count(const struct ve_http_request *request, const char *name);
/* The i-th field, for walking; false past the end. */
bool ve_http_header_at(const struct ve_http_request *request, unsigned i, struct ve_str *name,
                       struct ve_str *value);
/* The peer's address as text, without port: "127.0.0.1", "::1". */
struct ve_str ve_http_peer(const struct ve_http_request *request);
bool ve_http_is_tls(const struct ve_http_request *request);
/* Decoded value of a query parameter into `out`; VE_ENOENT, VE_EPROTO (bad %-escape) or VE_ETOOBIG.
 */
int ve_http_query_get(const struct ve_http_request *request, const char *key, char *out,
                      size_t size);
/* A place for the user's state of this request. */
void ve_http_set_data(struct ve_http_request *request, void *data);
void *ve_http_data(const struct ve_http_request *request);

struct ve_http_field {
    const char *name;
    struct ve_str value;
};

/* Answers with a status from 200 on. `type` may be NULL when there is no body. Extra fields may be
 * NULL. The security headers (nosniff, no-store, frame denial) are always there; a field of the
 * same name takes the place of the one meant by default. HEAD gets no body. */
void ve_http_respond(struct ve_http_request *request, int status, const char *type,
                     struct ve_str body, const struct ve_http_field *fields, size_t field_count);
/* {"error":{"code":CODE,"message":MESSAGE}} */
void ve_http_refuse(struct ve_http_request *request, int status, const char *code,
                    const char *message);
/* Same with one more header, for Retry-After, Allow, WWW-Authenticate. */
void ve_http_refuse_with(struct ve_http_request *request, int status, const char *code,
                         const char *message, struct ve_http_field field);
/* Only inside or after `upgrade`: answers 101 and gives the connection. `protocol` is the chosen
 * subprotocol or NULL; `events` must outlive the connection. VE_EINVAL when the request is no
 * upgrade or `protocol` is no token, VE_ENOMEM: the request is then still to be answered. */
int ve_http_upgrade(struct ve_http_request *request, const char *protocol,
                    const struct ve_conn_events *events, void *arg, struct ve_conn **conn);
const char *ve_http_reason(int status);

#endif
