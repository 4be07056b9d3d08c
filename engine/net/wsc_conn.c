#include "net/wsc_in.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/equal.h"

#include <stdio.h>
#include <string.h>

#define CLOSE_LIMIT (2 * VE_SECOND)

/* The library's way of closing hides the peer's answer. Sending the frame ourselves shows it; the
 * type is missing from the public enum, where its place is kept free. */
#define WRITE_CLOSE ((enum lws_write_protocol)4)

static struct ve_wsc_conn *conn_of(const struct ve_conn *conn)
{
    return VE_CONTAINER(conn, struct ve_wsc_conn, conn);
}

static void drop_queue(struct ve_wsc_conn *c)
{
    while (c->queue) {
        struct ve_out *out = c->queue;
        c->queue = out->next;
        ve_out_free(out);
    }
    c->queue_end = &c->queue;
    c->queued = 0;
}

void ve_wsc_conn_free(struct ve_wsc_conn *c)
{
    ve_wsc_forget_lookup(c);
    ve_timer_stop(&c->step);
    ve_timer_stop(&c->clock);
    ve_link_remove(&c->link);
    drop_queue(c);
    ve_secret_wipe(c->fields.ptr, c->fields.len);
    ve_buf_free(&c->fields);
    ve_buf_free(&c->stash);
    ve_free(c->host);
    ve_free(c->authority);
    ve_free(c->path);
    ve_free(c->protocol);
    ve_free(c);
}

/* Only a kill and a wake-up together end a connection from outside of the library's callbacks. */
void ve_wsc_cut(struct ve_wsc_conn *c)
{
    if (!c->wsi)
        return;
    lws_set_opaque_user_data(c->wsi, NULL);
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    lws_cancel_service(c->wsc->context);
    c->wsi = NULL;
}

void ve_wsc_be_over(struct ve_wsc_conn *c)
{
    c->state = VE_WSC_OVER;
    ve_timer_stop(&c->clock);
    ve_timer_start(&c->step, 0);
}

/* --- before it is open ------------------------------------------------------------------------ */

void ve_wsc_refuse(struct ve_wsc_conn *c, int err, int status, const char *why)
{
    c->err = err;
    c->status = status;
    if (why != c->why)
        (void)snprintf(c->why, sizeof(c->why), "%s", why);
    ve_wsc_forget_lookup(c);
    ve_wsc_be_over(c);
}

void ve_wsc_on_open(struct ve_wsc_conn *c)
{
    ve_timer_stop(&c->clock);
    ve_secret_wipe(c->fields.ptr, c->fields.len);
    ve_buf_free(&c->fields);
    c->state = VE_WSC_OPEN;
    if (c->paused)
        ve_timer_start(&c->step, 0);
    if (c->queue)
        (void)lws_callback_on_writable(c->wsi);
    c->opened(c->conn.arg, 0, 101, "");
}

void ve_wsc_report(struct ve_wsc_conn *c)
{
    const struct ve_conn_events *events = c->conn.events;
    if (c->wsc->log)
        ve_log_event(c->wsc->log, VE_LOG_DEBUG, "ws_client_done", ve_ftext("host", c->host),
                     ve_ftext("err", ve_err_name(c->err)), ve_ftext("why", c->why),
                     ve_fi64("status", c->status), ve_fi64("code", c->peer_code));
    ve_link_remove(&c->link);
    if (c->err)
        c->opened(c->conn.arg, c->err, c->status, c->why);
    else
        events->closed(c->conn.arg, c->peer_code);
    ve_wsc_conn_free(c);
}

void ve_wsc_breach(struct ve_wsc_conn *c, int code)
{
    c->breach = true;
    ve_conn_close(&c->conn, code);
    drop_queue(c);
}

/* --- sending ---------------------------------------------------------------------------------- */

static int conn_send(struct ve_conn *conn, struct ve_out *out, enum ve_opcode opcode)
{
    struct ve_wsc_conn *c = conn_of(conn);
    size_t held = c->queued + c->in_flight;
    int err = 0;
    if (c->state > VE_WSC_OPEN)
        err = VE_EGONE;
    else if (out->len > c->max_queue)
        err = VE_ETOOBIG;
    else if (held > c->max_queue || out->len > c->max_queue - held)
        err = VE_EBUSY;
    if (err) {
        ve_out_free(out);
        return err;
    }
    out->bytes[0] = (uint8_t)opcode;
    out->next = NULL;
    *c->queue_end = out;
    c->queue_end = &out->next;
    c->queued += out->len;
    c->owes_drained = true;
    if (c->state == VE_WSC_OPEN)
        (void)lws_callback_on_writable(c->wsi);
    return 0;
}

static size_t conn_queued(const struct ve_conn *conn)
{
    const struct ve_wsc_conn *c = conn_of(conn);
    return c->queued + c->in_flight;
}

/* One message per call: the library must not be written to again before it asks. */
static bool write_message(struct ve_wsc_conn *c)
{
    struct ve_out *out = c->queue;
    enum lws_write_protocol type =
        out->bytes[0] == VE_OP_BINARY ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    c->queue = out->next;
    if (!c->queue)
        c->queue_end = &c->queue;
    c->queued -= out->len;
    bool ok = lws_write(c->wsi, ve_out_payload(out), out->len, type) >= 0;
    c->in_flight = ok && lws_partial_buffered(c->wsi) ? out->len : 0;
    ve_out_free(out);
    return ok;
}

static bool write_close(struct ve_wsc_conn *c)
{
    uint8_t frame[LWS_PRE + 2];
    size_t len = c->close_code == VE_CLOSE_NONE ? 0 : 2;
    frame[LWS_PRE] = (uint8_t)(c->close_code >> 8);
    frame[LWS_PRE + 1] = (uint8_t)c->close_code;
    c->close_sent = true;
    return lws_write(c->wsi, frame + LWS_PRE, len, WRITE_CLOSE) >= 0;
}

static void report_drained(struct ve_wsc_conn *c)
{
    if (!c->owes_drained || c->queue || c->in_flight || c->state != VE_WSC_OPEN)
        return;
    c->owes_drained = false;
    if (c->conn.events->drained)
        c->conn.events->drained(c->conn.arg);
}

bool ve_wsc_on_writable(struct ve_wsc_conn *c)
{
    c->in_flight = 0; /* the library asks only when it holds nothing any more */
    if (c->peer_closed || c->close_sent)
        return true;
    if (c->queue) {
        if (!write_message(c))
            return false;
        if (c->queue || c->in_flight || c->state == VE_WSC_CLOSING)
            (void)lws_callback_on_writable(c->wsi);
    } else if (c->state == VE_WSC_CLOSING) {
        return write_close(c);
    }
    report_drained(c);
    return true;
}

/* --- closing ---------------------------------------------------------------------------------- */

static bool is_sendable(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != VE_CLOSE_ABNORMAL) ||
           (code >= 3000 && code < 5000);
}

static void close_open(struct ve_wsc_conn *c, int code)
{
    c->close_code = is_sendable(code) ? code : VE_CLOSE_NORMAL;
    c->state = VE_WSC_CLOSING;
    ve_wsc_read_on(c);
    ve_timer_start(&c->clock, CLOSE_LIMIT);
    (void)lws_callback_on_writable(c->wsi);
}

static void conn_close(struct ve_conn *conn, int code)
{
    struct ve_wsc_conn *c = conn_of(conn);
    if (c->state == VE_WSC_OPEN) {
        close_open(c, code);
    } else if (c->state == VE_WSC_ENDING) {
        c->state = VE_WSC_CLOSING;
        ve_wsc_read_on(c);
        if (!c->wsi)
            ve_wsc_be_over(c);
    } else if (c->state < VE_WSC_OPEN) {
        ve_wsc_cut(c);
        ve_wsc_refuse(c, VE_ECANCELED, 0, "canceled");
    }
}

/* The library shows codes that it does not know as 1002 (wsc.h). In the answer to a close frame of
 * ours with such a code, it is that code. */
static int read_code(const struct ve_wsc_conn *c, const uint8_t *payload, size_t len)
{
    int code = ve_ws_close_code(payload, len);
    bool hidden = c->close_code >= 1012 && c->close_code <= 1014;
    return c->close_sent && hidden && code == VE_CLOSE_PROTOCOL ? c->close_code : code;
}

/* A user who pauses hears of it behind what came before, when he goes on. The library answers the
 * frame by itself unless it is told to close. */
bool ve_wsc_on_close_frame(struct ve_wsc_conn *c, const uint8_t *payload, size_t len)
{
    int code = read_code(c, payload, len);
    if (!c->breach)
        c->peer_code = code < 0 ? VE_CLOSE_ABNORMAL : code;
    if (c->close_sent)
        return false;
    c->peer_closed = true;
    bool unheard = c->state == VE_WSC_OPEN && (c->paused || c->stash.len);
    c->state = unheard ? VE_WSC_ENDING : VE_WSC_CLOSING;
    drop_queue(c);
    ve_timer_start(&c->clock, CLOSE_LIMIT);
    return true;
}

void ve_wsc_on_gone(struct ve_wsc_conn *c)
{
    c->wsi = NULL;
    ve_timer_stop(&c->clock);
    if (c->state == VE_WSC_OPEN && c->stash.len)
        c->state = VE_WSC_ENDING;
    if (c->state != VE_WSC_ENDING && c->state != VE_WSC_OVER)
        ve_wsc_be_over(c);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void on_step(void *arg)
{
    struct ve_wsc_conn *c = arg;
    if (c->state == VE_WSC_WAITING)
        ve_wsc_begin(c);
    else if (c->state == VE_WSC_FAILED)
        ve_wsc_next_attempt(c);
    else if (c->state == VE_WSC_OPEN || c->state == VE_WSC_ENDING)
        ve_wsc_catch_up(c);
    else if (c->state == VE_WSC_OVER)
        ve_wsc_report(c);
}

static void on_clock(void *arg)
{
    struct ve_wsc_conn *c = arg;
    if (c->state < VE_WSC_OPEN) {
        ve_wsc_attempt_late(c);
    } else {
        ve_wsc_cut(c);
        ve_wsc_on_gone(c);
    }
}

static const struct ve_conn_ops ops = {conn_send, conn_queued, ve_wsc_pause, conn_close};

void ve_wsc_conn_init(struct ve_wsc_conn *c)
{
    c->conn.ops = &ops;
    c->queue_end = &c->queue;
    ve_buf_init(&c->stash, 0);
    c->peer_code = VE_CLOSE_ABNORMAL;
    ve_timer_init(&c->step, c->wsc->loop, on_step, c);
    ve_timer_init(&c->clock, c->wsc->loop, on_clock, c);
}
