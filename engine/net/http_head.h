/*
 * net/http_head.h - the head of an HTTP/1.x request: finding its end, reading it, judging it.
 *
 * No I/O and no memory of its own. Debian's http-parser is built without its strict checks, so it
 * only divides the head here, and every rule whose breach two readers could see differently
 * (RFC 9112 section 11.2, request smuggling) is checked on the bytes themselves.
 */
#ifndef VE_NET_HTTP_HEAD_H
#define VE_NET_HTTP_HEAD_H

#include "base/str.h"

#define VE_HTTP_HEAD_MAX   16384 /* bytes, request line included */
#define VE_HTTP_FIELDS_MAX 100

/* Why a request is answered by the server itself. All zero: it is not. */
struct ve_http_verdict {
    int status;
    const char *code; /* for machines */
    const char *message;
};

enum ve_http_scan_state {
    VE_SCAN_START, /* before the request line */
    VE_SCAN_LINE,
    VE_SCAN_CR,       /* in a line, after CR */
    VE_SCAN_LF,       /* at the start of a line */
    VE_SCAN_FINAL_CR, /* after the CR of the empty line */
};

/* How far the search for the end of a head has come. All zero: at its start. */
struct ve_http_scan {
    enum ve_http_scan_state state;
    size_t len;   /* bytes of the head so far */
    size_t blank; /* bytes of an empty line in front of it, which is dropped */
};

/* Looks at new bytes; *used of them belong to the head (or to the empty line before it). Returns 1
 * when the head is complete, 0 when more is needed, VE_EPROTO for a byte that no head may have, and
 * VE_ETOOBIG past VE_HTTP_HEAD_MAX. */
int ve_http_scan(struct ve_http_scan *scan, const uint8_t *bytes, size_t len, size_t *used);

struct ve_http_span {
    uint16_t at; /* byte in the head */
    uint16_t len;
};

struct ve_http_line {
    struct ve_http_span name, value;
};

struct ve_http_head {
    const char *bytes; /* borrowed */
    size_t len;
    struct ve_http_span method, path, query;
    struct ve_http_span host; /* value of the field */
    uint64_t content_length;  /* bytes; 0 without a body */
    unsigned minor;           /* HTTP/1.x */
    bool keep_alive;          /* the peer lets the connection live on */
    bool wants_continue;      /* Expect: 100-continue */
    bool wants_upgrade;       /* Upgrade: websocket */
    unsigned line_count;
    struct ve_http_line lines[VE_HTTP_FIELDS_MAX];
};

/* Reads a complete head, as found by ve_http_scan (at most VE_HTTP_HEAD_MAX bytes, borrowed as long
 * as `head` is used). Returns 0, or VE_EPROTO with the verdict to answer with. */
int ve_http_head_read(struct ve_http_head *head, const char *bytes, size_t len,
                      struct ve_http_verdict *verdict);
/* The rules of RFC 6455 section 4.2.1 and the check of Origin, for a head that wants an upgrade. */
int ve_http_upgrade_check(const struct ve_http_head *head, struct ve_http_verdict *verdict);
#define VE_HTTP_ACCEPT_TEXT 29 /* bytes, with the NUL */
/* What Sec-WebSocket-Accept must say for a key. */
int ve_http_accept_key(char out[static VE_HTTP_ACCEPT_TEXT], struct ve_str key);

struct ve_str ve_http_span_str(const struct ve_http_head *head, struct ve_http_span span);
/* The first field of that name in any case, ptr NULL without one; how many there are. */
struct ve_str ve_http_head_find(const struct ve_http_head *head, const char *name);
unsigned ve_http_head_count(const struct ve_http_head *head, const char *name);
/* Does one of the comma-separated lists of that name hold the token, in any case? */
bool ve_http_head_has(const struct ve_http_head *head, const char *name, const char *token);
/* RFC 9110 section 5.6.2: at least one character, and only those a name may have. */
bool ve_http_is_token(struct ve_str text);

/* Decoded value of the first parameter of that name. VE_ENOENT, VE_EPROTO (a broken %-escape or
 * %00), VE_ETOOBIG when it does not fit with its NUL. */
int ve_http_query_find(struct ve_str query, struct ve_str key, char *out, size_t size);

#endif
