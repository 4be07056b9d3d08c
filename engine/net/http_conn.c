#include "base/alloc.h"
#include "base/err.h"
#include "net/http_in.h"

#include <string.h>
#include <unistd.h>

static void free_request(struct http_conn *conn)
{
    struct ve_http_request *request = conn->request;
    if (!request)
        return;
    conn->request = NULL;
    conn->httpd->bodies -= request->body.len;
    ve_buf_free(&request->bytes);
    ve_buf_free(&request->body);
    ve_free(request);
}

void ve_http_conn_over(struct http_conn *conn)
{
    free_request(conn);
    ve_timer_stop(&conn->timer);
    ve_link_remove(&conn->link);
    conn->stream = NULL;
    conn->state = HTTP_OVER;
    if (!conn->reading)
        ve_free(conn);
}

/* Lets the answer go out and the connection end. */
static void finish(struct http_conn *conn)
{
    ve_stream_finish(conn->stream, conn->httpd->config.clocks.linger);
    ve_http_conn_over(conn);
}

static void judge(struct http_conn *conn, int status, const char *code, const char *message)
{
    ve_http_judge(conn, &(struct ve_http_verdict){status, code, message});
}

static void start_idle(struct http_conn *conn)
{
    conn->state = HTTP_IDLE;
    conn->sent = ve_stream_sent(conn->stream);
    ve_timer_start(&conn->timer, conn->httpd->config.clocks.idle);
}

void ve_http_conn_answered(struct http_conn *conn, bool keep)
{
    if (!keep) {
        finish(conn);
        return;
    }
    free_request(conn);
    start_idle(conn);
    ve_stream_pause(conn->stream, false);
}

static int begin_request(struct http_conn *conn)
{
    struct ve_http_request *request = ve_alloc(sizeof(*request));
    if (!request)
        return VE_ENOMEM;
    request->conn = conn;
    ve_buf_init(&request->bytes, VE_HTTP_HEAD_MAX);
    ve_buf_init(&request->body, conn->httpd->config.max_body);
    conn->request = request;
    conn->scan = (struct ve_http_scan){0};
    conn->state = HTTP_HEAD;
    ve_timer_start(&conn->timer, conn->httpd->config.clocks.head);
    return 0;
}

/* The request becomes the user's. */
static void hand_over(struct http_conn *conn)
{
    struct ve_httpd *httpd = conn->httpd;
    struct ve_http_request *request = conn->request;
    conn->state = HTTP_OPEN;
    if (request->head.wants_upgrade)
        httpd->on.upgrade(httpd->arg, request);
    else
        httpd->on.request(httpd->arg, request);
    if (conn->state == HTTP_OPEN)
        ve_stream_pause(conn->stream, true);
}

/* The request is whole. */
static void dispatch(struct http_conn *conn)
{
    struct ve_httpd *httpd = conn->httpd;
    ve_timer_stop(&conn->timer);
    if (httpd->handed_over == VE_HTTP_REQUESTS_PER_ROUND) {
        conn->state = HTTP_WAITING;
        ve_stream_pause(conn->stream, true);
        ve_list_push(&httpd->waiting, &conn->link);
        return;
    }
    if (!httpd->handed_over++)
        ve_timer_start(&httpd->round, 0);
    hand_over(conn);
}

void ve_http_round(void *arg)
{
    struct ve_httpd *httpd = arg;
    httpd->handed_over = 0;
    while (httpd->handed_over < VE_HTTP_REQUESTS_PER_ROUND) {
        struct ve_link *link = ve_list_shift(&httpd->waiting);
        if (!link)
            break;
        struct http_conn *conn = VE_CONTAINER(link, struct http_conn, link);
        httpd->handed_over++;
        conn->reading = true;
        hand_over(conn);
        conn->reading = false;
        if (conn->state == HTTP_OVER)
            ve_free(conn);
    }
    if (httpd->handed_over)
        ve_timer_start(&httpd->round, 0);
}

static void send_continue(struct http_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct ve_out *out = ve_out_new(sizeof(text) - 1);
    if (!out)
        return; /* the client waits a moment, then sends anyway */
    memcpy(ve_out_payload(out), text, sizeof(text) - 1);
    out->len = sizeof(text) - 1;
    (void)ve_stream_send(conn->stream, out, 0);
}

/* `more` tells whether bytes behind the head are there already. */
static void on_head(struct http_conn *conn, bool more)
{
    struct ve_http_request *request = conn->request;
    struct ve_http_head *head = &request->head;
    struct ve_http_verdict verdict;
    if (ve_stream_mark(conn->stream)) {
        judge(conn, 503, "busy", "too many connections");
        return;
    }
    int err = ve_http_head_read(head, request->bytes.ptr, request->bytes.len, &verdict);
    if (!err && head->wants_upgrade)
        err = ve_http_upgrade_check(head, &verdict);
    if (err) {
        ve_http_judge(conn, &verdict);
        return;
    }
    if (head->content_length > conn->httpd->config.max_body) {
        judge(conn, 413, "body_too_large", "the body is larger than this server takes");
        return;
    }
    if (!head->content_length) {
        dispatch(conn);
        return;
    }
    conn->state = HTTP_BODY;
    ve_timer_start(&conn->timer, conn->httpd->config.clocks.body);
    if (head->wants_continue && !more)
        send_continue(conn);
}

static size_t read_head(struct http_conn *conn, const uint8_t *bytes, size_t len)
{
    struct ve_buf *head = &conn->request->bytes;
    size_t used;
    size_t before = conn->scan.len;
    int got = ve_http_scan(&conn->scan, bytes, len, &used);
    size_t fresh = conn->scan.len - before; /* without an empty line in front */
    if (got == VE_ETOOBIG) {
        judge(conn, 431, "headers_too_large", "the head is larger than 16 KiB");
    } else if (got < 0) {
        judge(conn, 400, "bad_request", "a byte that no request may have");
    } else if (ve_buf_add(head, bytes + used - fresh, fresh) != 0) {
        ve_stream_close(conn->stream);
        ve_http_conn_over(conn);
    } else if (got) {
        on_head(conn, used < len);
    }
    return used;
}

static size_t read_body(struct http_conn *conn, const uint8_t *bytes, size_t len)
{
    struct ve_httpd *httpd = conn->httpd;
    struct ve_http_request *request = conn->request;
    uint64_t left = request->head.content_length - request->body.len;
    size_t n = len < left ? len : (size_t)left;
    if (httpd->bodies + n > VE_HTTP_BODIES_MAX) {
        judge(conn, 503, "busy", "too many bodies are being received");
        return n;
    }
    if (ve_buf_add(&request->body, bytes, n) != 0) {
        ve_stream_close(conn->stream);
        ve_http_conn_over(conn);
        return n;
    }
    httpd->bodies += n;
    if (n == left)
        dispatch(conn);
    return n;
}

/* Works on one request at most: the next one, if it is there already, has a step of its own. */
static size_t read_request(struct http_conn *conn, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    if (conn->state == HTTP_IDLE && begin_request(conn) != 0) {
        ve_stream_close(conn->stream);
        ve_http_conn_over(conn);
        return len;
    }
    if (conn->state == HTTP_HEAD)
        at = read_head(conn, bytes, len);
    if (conn->state == HTTP_BODY && at < len)
        at += read_body(conn, bytes + at, len - at);
    return at;
}

static size_t on_read(void *arg, uint8_t *bytes, size_t len)
{
    struct http_conn *conn = arg;
    /* The peer sends requests and does not read the answers: it gets no more of them. */
    if (conn->state == HTTP_IDLE && ve_stream_is_blocked(conn->stream)) {
        ve_stream_pause(conn->stream, true);
        return 0;
    }
    conn->reading = true;
    size_t used = read_request(conn, bytes, len);
    conn->reading = false;
    if (conn->state == HTTP_OVER)
        ve_free(conn);
    return used;
}

static void on_ended(void *arg)
{
    finish(arg);
}

static void on_drained(void *arg)
{
    struct http_conn *conn = arg;
    if (conn->state == HTTP_IDLE)
        ve_stream_pause(conn->stream, false);
}

static void on_lost(void *arg)
{
    struct http_conn *conn = arg;
    if (conn->state == HTTP_OPEN)
        conn->httpd->on.aborted(conn->httpd->arg, conn->request);
    ve_http_conn_over(conn);
}

static const struct ve_stream_events stream_events = {on_read, on_ended, on_drained, on_lost};

static void on_timer(void *arg)
{
    struct http_conn *conn = arg;
    if (conn->state == HTTP_HEAD || conn->state == HTTP_BODY)
        judge(conn, 408, "request_timeout", "the request took too long to arrive");
    else if (ve_stream_queued(conn->stream) && ve_stream_sent(conn->stream) != conn->sent)
        start_idle(conn); /* slow, but it reads */
    else
        finish(conn);
}

int ve_http_conn_new(struct ve_httpd *httpd, int fd, const char *peer, bool refused)
{
    struct http_conn *conn = ve_alloc(sizeof(*conn));
    if (!conn) {
        (void)close(fd);
        return VE_ENOMEM;
    }
    int err = ve_stream_new(&conn->stream, httpd->hub, fd, peer, &stream_events, conn);
    if (err) {
        ve_free(conn);
        return err;
    }
    conn->httpd = httpd;
    ve_link_init(&conn->link);
    ve_stream_set_mark(conn->stream, refused);
    ve_timer_init(&conn->timer, httpd->loop, on_timer, conn);
    ve_timer_start(&conn->timer, httpd->config.clocks.head);
    return 0;
}
