#include "net/http_head.h"

#include "base/err.h"

#include <http_parser.h>
#include <string.h>

static int refuse(struct ve_http_verdict *verdict, int status, const char *code,
                  const char *message)
{
    *verdict = (struct ve_http_verdict){status, code, message};
    return VE_EPROTO;
}

static int bad(struct ve_http_verdict *verdict, const char *message)
{
    return refuse(verdict, 400, "bad_request", message);
}

bool ve_http_is_token(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return text.len > 0;
}

struct ve_str ve_http_span_str(const struct ve_http_head *head, struct ve_http_span span)
{
    return ve_str_n(head->bytes + span.at, span.len);
}

static struct ve_http_span span_of(const struct ve_http_head *head, struct ve_str text)
{
    return (struct ve_http_span){(uint16_t)(text.ptr - head->bytes), (uint16_t)text.len};
}

static bool line_is(const struct ve_http_head *head, unsigned i, struct ve_str name)
{
    return ve_str_ieq(ve_http_span_str(head, head->lines[i].name), name);
}

struct ve_str ve_http_head_find(const struct ve_http_head *head, const char *name)
{
    for (unsigned i = 0; i < head->line_count; i++) {
        if (line_is(head, i, ve_str(name)))
            return ve_http_span_str(head, head->lines[i].value);
    }
    return (struct ve_str){NULL, 0};
}

unsigned ve_http_head_count(const struct ve_http_head *head, const char *name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < head->line_count; i++)
        count += line_is(head, i, ve_str(name));
    return count;
}

bool ve_http_head_has(const struct ve_http_head *head, const char *name, const char *token)
{
    for (unsigned i = 0; i < head->line_count; i++) {
        if (!line_is(head, i, ve_str(name)))
            continue;
        struct ve_str rest = ve_http_span_str(head, head->lines[i].value);
        while (rest.ptr) {
            if (ve_str_ieq(ve_str_trim(ve_str_cut(&rest, ',')), ve_str(token)))
                return true;
        }
    }
    return false;
}

/* --- the request line ------------------------------------------------------------------------- */

static bool known_method(struct ve_str method)
{
    /* CONNECT asks for a tunnel, which nobody gets here. */
    static const char *const methods[] = {"GET",    "POST",  "HEAD",    "PUT",
                                          "DELETE", "PATCH", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (ve_str_eq(method, ve_str(methods[i])))
            return true;
    }
    return false;
}

/* RFC 3986 section 3.3 and 3.4. In a query also brackets, braces and the bar: they are common
 * there, and mean nothing to anybody on the way. */
static bool target_char(char c, bool query)
{
    if (c <= 0x20 || c == 0x7F)
        return false;
    if (strchr("\"<>\\^`#", c))
        return false;
    return query || !strchr("[]{}|", c);
}

static bool path_valid(struct ve_str path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (!target_char(path.ptr[i], false))
            return false;
        if (path.ptr[i] != '%')
            continue;
        if (path.len - i < 3 || ve_hex_value(path.ptr[i + 1]) < 0 ||
            ve_hex_value(path.ptr[i + 2]) < 0)
            return false;
        if (path.ptr[i + 1] == '0' && path.ptr[i + 2] == '0')
            return false;
    }
    return true;
}

static bool query_valid(struct ve_str query)
{
    for (size_t i = 0; i < query.len; i++) {
        if (!target_char(query.ptr[i], true))
            return false;
    }
    return true;
}

/* "http://host/path": a server must take it (RFC 9112 section 3.2.2). *authority is what Host must
 * then say too, or two readers would see two hosts. */
static struct ve_str strip_origin(struct ve_str target, struct ve_str *authority)
{
    struct ve_str http = VE_STR("http://");
    struct ve_str https = VE_STR("https://");
    struct ve_str head = ve_str_n(target.ptr, target.len < 8 ? target.len : 8);
    size_t skip = ve_str_ieq(head, https) ? 8 : 0;
    if (!skip && head.len >= 7 && ve_str_ieq(ve_str_n(head.ptr, 7), http))
        skip = 7;
    if (!skip)
        return target;
    struct ve_str rest = ve_str_n(target.ptr + skip, target.len - skip);
    size_t slash = ve_str_find(rest, '/');
    if (slash == SIZE_MAX)
        return (struct ve_str){NULL, 0};
    *authority = ve_str_n(rest.ptr, slash);
    return ve_str_n(rest.ptr + slash, rest.len - slash);
}

static int read_target(struct ve_http_head *head, struct ve_str target, struct ve_str *authority,
                       struct ve_http_verdict *verdict)
{
    struct ve_str method = ve_http_span_str(head, head->method);
    bool star = ve_str_eq(target, VE_STR("*")) && ve_str_eq(method, VE_STR("OPTIONS"));
    struct ve_str rest = strip_origin(target, authority);
    if (!star && !ve_str_starts(rest, VE_STR("/")))
        return bad(verdict, "the request target is not a path");
    struct ve_str path = ve_str_cut(&rest, '?');
    struct ve_str query = rest.ptr ? rest : ve_str_n(path.ptr + path.len, 0);
    if (!path_valid(path) || !query_valid(query))
        return bad(verdict, "the request target has a character that must be percent-encoded");
    head->path = span_of(head, path);
    head->query = span_of(head, query);
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int read_version(struct ve_http_head *head, struct ve_str version,
                        struct ve_http_verdict *verdict)
{
    if (version.len != 8 || !ve_str_starts(version, VE_STR("HTTP/")) || !is_digit(version.ptr[5]) ||
        version.ptr[6] != '.' || !is_digit(version.ptr[7]))
        return bad(verdict, "the request line does not end in an HTTP version");
    if (version.ptr[5] != '1')
        return refuse(verdict, 505, "version", "only HTTP/1.0 and HTTP/1.1 are spoken here");
    head->minor = (unsigned)(version.ptr[7] - '0');
    return 0;
}

static int read_request_line(struct ve_http_head *head, struct ve_str *authority,
                             struct ve_http_verdict *verdict)
{
    struct ve_str rest = ve_str_n(head->bytes, head->len);
    struct ve_str line = ve_str_cut(&rest, '\r');
    struct ve_str method = ve_str_cut(&line, ' ');
    struct ve_str target = ve_str_cut(&line, ' ');
    if (!ve_http_is_token(method) || !target.len || !line.ptr)
        return bad(verdict, "the request line is malformed");
    head->method = span_of(head, method);
    int err = read_version(head, line, verdict);
    if (!err && !known_method(method))
        err = refuse(verdict, 501, "method", "this method is not known here");
    return err ? err : read_target(head, target, authority, verdict);
}

/* --- the fields ------------------------------------------------------------------------------- */

struct parsing {
    struct ve_http_head *head;
    bool in_value; /* the last piece was of a value */
    bool full;     /* more fields than there is room for */
};

static int on_field(http_parser *parser, const char *at, size_t len)
{
    struct parsing *parsing = parser->data;
    struct ve_http_head *head = parsing->head;
    if (head->line_count == VE_HTTP_FIELDS_MAX) {
        parsing->full = true;
        return 1;
    }
    head->lines[head->line_count++].name = span_of(head, ve_str_n(at, len));
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct parsing *parsing = parser->data;
    struct ve_http_head *head = parsing->head;
    head->lines[head->line_count - 1].value = span_of(head, ve_str_trim(ve_str_n(at, len)));
    return 0;
}

static int divide(struct ve_http_head *head, struct ve_http_verdict *verdict)
{
    static const http_parser_settings settings = {.on_header_field = on_field,
                                                  .on_header_value = on_value};
    struct parsing parsing = {.head = head};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &parsing;
    size_t done = http_parser_execute(&parser, &settings, head->bytes, head->len);
    if (parsing.full)
        return refuse(verdict, 431, "headers_too_large", "more than 100 header fields");
    enum http_errno error = HTTP_PARSER_ERRNO(&parser);
    if (error == HPE_UNEXPECTED_CONTENT_LENGTH || error == HPE_INVALID_CONTENT_LENGTH)
        return bad(verdict, "Content-Length is not one number, or stands beside chunked");
    if (error == HPE_INVALID_TRANSFER_ENCODING)
        return bad(verdict, "Transfer-Encoding does not end in chunked");
    if (error != HPE_OK || done != head->len)
        return bad(verdict, "the request is not HTTP");
    return 0;
}

static int check_names(const struct ve_http_head *head, struct ve_http_verdict *verdict)
{
    for (unsigned i = 0; i < head->line_count; i++) {
        /* Also a blank before the colon is found here: it would belong to the name. */
        if (!ve_http_is_token(ve_http_span_str(head, head->lines[i].name)))
            return bad(verdict, "a header field has an invalid name");
    }
    return 0;
}

static bool host_valid(struct ve_str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
        if (!letter && (c == '\0' || !strchr("-._~%!$&'()*+,;=:[]", c)))
            return false;
    }
    return host.len > 0;
}

static int read_host(struct ve_http_head *head, struct ve_str authority,
                     struct ve_http_verdict *verdict)
{
    unsigned count = ve_http_head_count(head, "host");
    if (count > 1)
        return bad(verdict, "more than one Host");
    if (!count)
        return head->minor ? bad(verdict, "no Host") : 0;
    struct ve_str host = ve_http_head_find(head, "host");
    if (!host_valid(host))
        return bad(verdict, "Host is not a host");
    if (authority.ptr && !ve_str_ieq(authority, host))
        return bad(verdict, "Host and the request target name different hosts");
    head->host = span_of(head, host);
    return 0;
}

static bool method_has_body(struct ve_str method)
{
    return ve_str_eq(method, VE_STR("POST")) || ve_str_eq(method, VE_STR("PUT")) ||
           ve_str_eq(method, VE_STR("PATCH"));
}

/* How long the body is must be beyond doubt: bytes behind it would be read as the next request. */
static int read_length(struct ve_http_head *head, struct ve_http_verdict *verdict)
{
    unsigned lengths = ve_http_head_count(head, "content-length");
    if (ve_http_head_count(head, "transfer-encoding")) {
        if (lengths || !head->minor)
            return bad(verdict, "Transfer-Encoding and Content-Length exclude each other");
        return refuse(verdict, 411, "length_required", "send the body with Content-Length");
    }
    if (lengths > 1)
        return bad(verdict, "more than one Content-Length");
    if (lengths) {
        struct ve_str text = ve_http_head_find(head, "content-length");
        if (ve_str_u64(&head->content_length, text, UINT64_MAX / 2) != 0)
            return bad(verdict, "Content-Length is not a number");
        return 0;
    }
    /* An HTTP/1.0 body without a length ends with the connection: nobody sees whether it is whole.
     * In HTTP/1.1 the same head means that there is none. */
    if (!head->minor && method_has_body(ve_http_span_str(head, head->method)))
        return refuse(verdict, 411, "length_required", "send the body with Content-Length");
    return 0;
}

static int read_wishes(struct ve_http_head *head, struct ve_http_verdict *verdict)
{
    bool close = ve_http_head_has(head, "connection", "close");
    bool stay = head->minor || ve_http_head_has(head, "connection", "keep-alive");
    head->keep_alive = stay && !close;
    head->wants_upgrade = ve_http_head_has(head, "upgrade", "websocket");
    struct ve_str expect = ve_http_head_find(head, "expect");
    if (!expect.ptr || !head->minor)
        return 0; /* HTTP/1.0 knows no Expect: it is to be ignored there */
    if (!ve_str_ieq(expect, VE_STR("100-continue")))
        return refuse(verdict, 417, "expectation", "only Expect: 100-continue can be met");
    head->wants_continue = true;
    return 0;
}

int ve_http_head_read(struct ve_http_head *head, const char *bytes, size_t len,
                      struct ve_http_verdict *verdict)
{
    struct ve_str authority = {NULL, 0};
    if (!len || len > VE_HTTP_HEAD_MAX)
        return bad(verdict, "the request is not HTTP");
    *head = (struct ve_http_head){.bytes = bytes, .len = len};
    int err = read_request_line(head, &authority, verdict);
    if (!err)
        err = divide(head, verdict);
    if (!err)
        err = check_names(head, verdict);
    if (!err)
        err = read_host(head, authority, verdict);
    if (!err)
        err = read_length(head, verdict);
    return err ? err : read_wishes(head, verdict);
}
