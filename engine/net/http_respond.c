#include "base/err.h"
#include "base/json.h"
#include "net/http_in.h"

#include <string.h>
#include <time.h>

struct ve_out *ve_http_message(const struct ve_httpd *httpd, struct ve_str body)
{
    struct ve_str head = ve_buf_str(&httpd->scratch);
    struct ve_out *out = ve_out_new(head.len + body.len);
    if (!out)
        return NULL;
    memcpy(ve_out_payload(out), head.ptr, head.len);
    if (body.len)
        memcpy(ve_out_payload(out) + head.len, body.ptr, body.len);
    out->len = head.len + body.len;
    return out;
}

static const char *date_text(struct ve_httpd *httpd)
{
    int64_t second = ve_loop_wall_ms(httpd->loop) / 1000;
    if (second != httpd->date_second) {
        time_t t = (time_t)second;
        struct tm tm;
        httpd->date_second = second;
        httpd->date[0] = '\0';
        if (gmtime_r(&t, &tm))
            (void)strftime(httpd->date, sizeof(httpd->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return httpd->date;
}

/* Text that did not come from us may not start a line of its own. */
static int add_value(struct ve_buf *out, struct ve_str value)
{
    size_t at = out->len;
    int err = ve_buf_add_str(out, value);
    for (size_t i = at; i < out->len && !err; i++) {
        unsigned char c = (unsigned char)out->ptr[i];
        if (c < 0x20 || c == 0x7F)
            out->ptr[i] = ' ';
    }
    return err;
}

/* Names that say where a message ends are not the user's to set. */
static bool is_framing(struct ve_str name)
{
    static const char *const names[] = {"Connection", "Content-Length", "Transfer-Encoding", "Date",
                                        "Upgrade"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ve_str_ieq(name, ve_str(names[i])))
            return true;
    }
    return false;
}

static int add_field(struct ve_buf *out, const char *name, struct ve_str value)
{
    if (!ve_http_is_token(ve_str(name)))
        return 0;
    int err = ve_buf_add_str(out, ve_str(name));
    if (!err)
        err = ve_buf_add_str(out, VE_STR(": "));
    if (!err)
        err = add_value(out, value);
    return err ? err : ve_buf_add_str(out, VE_STR("\r\n"));
}

struct answer {
    int status;
    const char *type; /* or NULL */
    struct ve_str body;
    const struct ve_http_field *fields;
    size_t field_count;
    bool keep; /* the connection may stay */
};

static bool has_field(const struct answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        if (ve_str_ieq(ve_str(answer->fields[i].name), ve_str(name)))
            return true;
    }
    return false;
}

static int add_fields(struct ve_buf *out, const struct answer *answer)
{
    static const struct {
        const char *name;
        const char *value;
    } security[] = {{"X-Content-Type-Options", "nosniff"},
                    {"Cache-Control", "no-store"},
                    {"X-Frame-Options", "DENY"}};
    int err = 0;
    for (size_t i = 0; i < sizeof(security) / sizeof(security[0]) && !err; i++) {
        if (!has_field(answer, security[i].name))
            err = add_field(out, security[i].name, ve_str(security[i].value));
    }
    for (size_t i = 0; i < answer->field_count && !err; i++) {
        if (!is_framing(ve_str(answer->fields[i].name)))
            err = add_field(out, answer->fields[i].name, answer->fields[i].value);
    }
    return err;
}

static bool may_have_body(int status)
{
    return status != 204 && status != 304;
}

static const char *connection_text(const struct http_conn *conn, const struct answer *answer)
{
    if (answer->status == 426) /* RFC 9110 section 15.5.22 */
        return "Connection: upgrade, close\r\nUpgrade: websocket\r\n";
    if (!answer->keep)
        return "Connection: close\r\n";
    return conn->request->head.minor ? "" : "Connection: keep-alive\r\n";
}

/* Writes the head of an answer into the scratch buffer. */
static int compose(struct http_conn *conn, const struct answer *answer)
{
    struct ve_buf *out = &conn->httpd->scratch;
    ve_buf_clear(out);
    int err = ve_buf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n%s", answer->status,
                            ve_http_reason(answer->status), date_text(conn->httpd),
                            connection_text(conn, answer));
    if (!err && answer->type && answer->body.len)
        err = add_field(out, "Content-Type", ve_str(answer->type));
    if (!err && may_have_body(answer->status))
        err = ve_buf_printf(out, "Content-Length: %zu\r\n", answer->body.len);
    if (!err)
        err = add_fields(out, answer);
    return err ? err : ve_buf_add_str(out, VE_STR("\r\n"));
}

static bool wants_body(const struct http_conn *conn, int status)
{
    const struct ve_http_head *head = &conn->request->head;
    bool is_head = head->bytes && ve_str_eq(ve_http_span_str(head, head->method), VE_STR("HEAD"));
    return !is_head && may_have_body(status);
}

static void send_answer(struct http_conn *conn, const struct answer *answer)
{
    struct ve_str body = answer->body;
    if (!wants_body(conn, answer->status))
        body.len = 0;
    int err = compose(conn, answer);
    struct ve_out *out = err ? NULL : ve_http_message(conn->httpd, body);
    if (out && ve_stream_send(conn->stream, out, 0) == 0) {
        ve_http_conn_answered(conn, answer->keep);
        return;
    }
    /* The peer learns from the end of the connection that there is no answer. */
    ve_stream_close(conn->stream);
    ve_http_conn_over(conn);
}

/* Who asked for an upgrade may have sent frames already: they are no request. */
static bool may_keep(const struct ve_http_request *request)
{
    return request->head.keep_alive && !request->head.wants_upgrade;
}

void ve_http_respond(struct ve_http_request *request, int status, const char *type,
                     struct ve_str body, const struct ve_http_field *fields, size_t field_count)
{
    struct answer answer = {status >= 200 && status < 600 ? status : 500,
                            type,
                            body,
                            fields,
                            field_count,
                            may_keep(request)};
    send_answer(request->conn, &answer);
}

/* {"error":{"code":CODE,"message":MESSAGE}} */
static int error_body(struct ve_buf *body, const char *code, const char *message)
{
    struct ve_jsonw w;
    ve_jsonw_init(&w, body);
    ve_jsonw_object(&w);
    ve_jsonw_key(&w, "error");
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "code", ve_str(code));
    ve_jsonw_kstr(&w, "message", ve_str(message));
    ve_jsonw_object_end(&w);
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

static void refuse(struct http_conn *conn, const struct ve_http_verdict *verdict,
                   const struct ve_http_field *field, bool keep)
{
    struct ve_buf body;
    ve_buf_init(&body, 0);
    /* Without memory for the reason the status still says enough. */
    if (error_body(&body, verdict->code, verdict->message) != 0)
        ve_buf_clear(&body);
    struct answer answer = {verdict->status, "application/json", ve_buf_str(&body),
                            field,           field ? 1 : 0,      keep};
    send_answer(conn, &answer);
    ve_buf_free(&body);
}

void ve_http_refuse(struct ve_http_request *request, int status, const char *code,
                    const char *message)
{
    struct ve_http_verdict verdict = {status, code, message};
    refuse(request->conn, &verdict, NULL, may_keep(request));
}

void ve_http_refuse_with(struct ve_http_request *request, int status, const char *code,
                         const char *message, struct ve_http_field field)
{
    struct ve_http_verdict verdict = {status, code, message};
    refuse(request->conn, &verdict, &field, may_keep(request));
}

void ve_http_judge(struct http_conn *conn, const struct ve_http_verdict *verdict)
{
    static const struct {
        int status;
        struct ve_http_field field;
    } hints[] = {{405, {"Allow", {"GET", 3}}},
                 {426, {"Sec-WebSocket-Version", {"13", 2}}},
                 {503, {"Retry-After", {"1", 1}}}};
    const struct ve_http_field *field = NULL;
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (hints[i].status == verdict->status)
            field = &hints[i].field;
    }
    ve_log_event(conn->httpd->config.log, VE_LOG_DEBUG, "http_refused",
                 ve_ftext("peer", ve_stream_peer(conn->stream)), ve_fi64("status", verdict->status),
                 ve_ftext("code", verdict->code), ve_ftext("why", verdict->message));
    refuse(conn, verdict, field, false);
}
