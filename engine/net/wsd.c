#include "net/wsd.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/list.h"
#include "loop/timer.h"
#include "net/ws_frame.h"

#include <string.h>

/* Pieces of messages given out in one step: a flood of small frames waits for the next ones, it
 * does not hold the loop. */
#define PIECES_PER_STEP 64

enum wsd_state {
    WSD_OPEN,
    WSD_CLOSING, /* our close frame is on its way, theirs is waited for */
    WSD_OVER,    /* `closed` is due at the end of this step */
};

struct wsd {
    struct ve_conn conn;
    struct ve_stream *stream; /* owned */
    const struct ve_log *log; /* borrowed */
    struct ve_timer timer;    /* open: a full queue stands still; closing: the limit */
    struct ve_out *pong;      /* owned; answers the newest ping that could not be answered */
    struct ve_ws_reader reader;
    uint64_t closing;       /* ns */
    uint64_t stalled;       /* ns */
    uint64_t sent_at_stall; /* ve_stream_sent when the timer was started */
    size_t max_queue;       /* payload bytes */
    int code;               /* to report */
    uint8_t state;          /* enum wsd_state */
    bool paused;            /* by the user */
    bool ponged;            /* a ping has been answered in this step */
};

static struct wsd *wsd_of(const struct ve_conn *conn)
{
    return VE_CONTAINER(conn, struct wsd, conn);
}

/* Reports the end. The stream must have been let go of. */
static void report_closed(struct wsd *wsd)
{
    const struct ve_conn_events *events = wsd->conn.events;
    void *arg = wsd->conn.arg;
    int code = wsd->code;
    ve_timer_stop(&wsd->timer);
    ve_out_free(wsd->pong);
    ve_free(wsd);
    events->closed(arg, code);
}

static void send_close(struct wsd *wsd, int code)
{
    struct ve_out *out = ve_out_new(2);
    if (!out)
        return; /* the peer gets the end of the connection instead */
    if (code != VE_CLOSE_NONE && code != VE_CLOSE_ABNORMAL) {
        uint8_t *payload = ve_out_payload(out);
        payload[0] = (uint8_t)(code >> 8);
        payload[1] = (uint8_t)code;
        out->len = 2;
    }
    out->head = ve_ws_write_head(ve_out_payload(out), VE_WS_CLOSE, out->len);
    (void)ve_stream_send(wsd->stream, out, 0);
}

/* Both sides have said what they had to; the step in progress reports it. */
static void end(struct wsd *wsd, int code)
{
    wsd->code = code;
    wsd->state = WSD_OVER;
    ve_stream_finish(wsd->stream, wsd->closing);
}

/* The peer broke a rule (RFC 6455 section 7.1.7): it is told, and not listened to any more. */
static void refuse(struct wsd *wsd, int code)
{
    ve_log_event(wsd->log, VE_LOG_INFO, "ws_refused",
                 ve_fmsg("a WebSocket peer broke the protocol"),
                 ve_ftext("peer", ve_stream_peer(wsd->stream)), ve_fi64("code", code));
    if (wsd->state == WSD_OPEN)
        send_close(wsd, code);
    end(wsd, VE_CLOSE_ABNORMAL);
}

static void on_close_frame(struct wsd *wsd, const struct ve_ws_piece *piece)
{
    int code = ve_ws_close_code(piece->bytes, piece->len);
    if (code < 0) {
        refuse(wsd, -code);
        return;
    }
    if (wsd->state == WSD_OPEN)
        send_close(wsd, code);
    end(wsd, code);
}

static void flush_pong(struct wsd *wsd)
{
    struct ve_out *pong = wsd->pong;
    if (!pong || ve_stream_is_blocked(wsd->stream))
        return;
    wsd->pong = NULL;
    (void)ve_stream_send(wsd->stream, pong, 0);
}

/* The first ping of a step is answered at once; of those behind it, and of those that come while
 * the peer does not read, only the newest (section 5.5.3). So a flood of pings costs two small
 * messages per read, and memory for one. */
static void on_ping(struct wsd *wsd, const struct ve_ws_piece *piece)
{
    struct ve_out *pong = wsd->pong ? wsd->pong : ve_out_new(VE_WS_CONTROL_MAX);
    if (!pong)
        return;
    memcpy(ve_out_payload(pong), piece->bytes, piece->len);
    pong->len = piece->len;
    pong->head = ve_ws_write_head(ve_out_payload(pong), VE_WS_PONG, pong->len);
    wsd->pong = pong;
    if (!wsd->ponged)
        flush_pong(wsd);
    wsd->ponged = true;
}

/* Returns whether it was the user's. */
static bool on_piece(struct wsd *wsd, const struct ve_ws_piece *piece)
{
    bool data = piece->opcode <= VE_OP_BINARY;
    if (piece->opcode == VE_WS_CLOSE) {
        on_close_frame(wsd, piece);
    } else if (piece->opcode == VE_WS_PING) {
        if (wsd->state == WSD_OPEN)
            on_ping(wsd, piece);
    } else if (data && wsd->state == WSD_OPEN) {
        wsd->conn.events->data(wsd->conn.arg, piece->bytes, piece->len, piece->first, piece->last,
                               (enum ve_opcode)piece->opcode);
    }
    return data;
}

static size_t on_read(void *arg, uint8_t *bytes, size_t len)
{
    struct wsd *wsd = arg;
    size_t at = 0;
    int got = 1;
    unsigned pieces = 0;
    wsd->ponged = false;
    while (got > 0 && pieces < PIECES_PER_STEP && !wsd->paused && wsd->state != WSD_OVER) {
        struct ve_ws_piece piece;
        size_t used;
        got = ve_ws_read(&wsd->reader, bytes + at, len - at, &used, &piece);
        at += used;
        if (got > 0)
            pieces += on_piece(wsd, &piece);
        else if (got < 0)
            refuse(wsd, -got);
    }
    if (wsd->state == WSD_OVER)
        report_closed(wsd);
    else
        flush_pong(wsd);
    return at;
}

static void cut(struct wsd *wsd)
{
    ve_stream_close(wsd->stream);
    report_closed(wsd);
}

static void on_ended(void *arg)
{
    cut(arg); /* without a close frame: abnormal */
}

static void on_drained(void *arg)
{
    struct wsd *wsd = arg;
    if (wsd->state != WSD_OPEN)
        return;
    flush_pong(wsd);
    ve_timer_stop(&wsd->timer);
    if (wsd->conn.events->drained)
        wsd->conn.events->drained(wsd->conn.arg);
}

static void on_lost(void *arg)
{
    report_closed(arg);
}

static const struct ve_stream_events stream_events = {on_read, on_ended, on_drained, on_lost};

static void on_timer(void *arg)
{
    struct wsd *wsd = arg;
    bool moves = ve_stream_sent(wsd->stream) != wsd->sent_at_stall;
    if (wsd->state == WSD_OPEN && moves)
        return; /* slow, but not standing still; the next refused message starts the clock again */
    if (wsd->state == WSD_OPEN)
        ve_log_event(wsd->log, VE_LOG_WARN, "ws_stalled",
                     ve_fmsg("a WebSocket peer reads nothing: cut"),
                     ve_ftext("peer", ve_stream_peer(wsd->stream)),
                     ve_fu64("queued", ve_stream_queued(wsd->stream)));
    cut(wsd);
}

static int wsd_send(struct ve_conn *conn, struct ve_out *out, enum ve_opcode opcode)
{
    struct wsd *wsd = wsd_of(conn);
    if (wsd->state != WSD_OPEN) {
        ve_out_free(out);
        return VE_EGONE;
    }
    out->head = ve_ws_write_head(ve_out_payload(out), opcode, out->len);
    int err = ve_stream_send(wsd->stream, out, wsd->max_queue);
    if (err == VE_EBUSY && !wsd->timer.active) {
        wsd->sent_at_stall = ve_stream_sent(wsd->stream);
        ve_timer_start(&wsd->timer, wsd->stalled);
    }
    return err;
}

static size_t wsd_queued(const struct ve_conn *conn)
{
    return ve_stream_queued(wsd_of(conn)->stream);
}

static void wsd_pause(struct ve_conn *conn, bool paused)
{
    struct wsd *wsd = wsd_of(conn);
    if (wsd->state != WSD_OPEN)
        return;
    wsd->paused = paused;
    ve_stream_pause(wsd->stream, paused);
}

static void wsd_close(struct ve_conn *conn, int code)
{
    struct wsd *wsd = wsd_of(conn);
    if (wsd->state != WSD_OPEN)
        return;
    send_close(wsd, code);
    /* Their close frame is behind whatever they have sent: reading goes on, into nothing. */
    wsd_pause(conn, false);
    wsd->state = WSD_CLOSING;
    ve_timer_start(&wsd->timer, wsd->closing);
}

static const struct ve_conn_ops ops = {wsd_send, wsd_queued, wsd_pause, wsd_close};

int ve_wsd_new(struct ve_conn **out, struct ve_stream *stream, const struct ve_wsd_config *config,
               const struct ve_conn_events *events, void *arg)
{
    struct wsd *wsd = ve_alloc(sizeof(*wsd));
    if (!wsd)
        return VE_ENOMEM;
    wsd->conn = (struct ve_conn){.ops = &ops, .events = events, .arg = arg};
    wsd->stream = stream;
    wsd->log = config->log;
    wsd->max_queue = config->max_queue;
    wsd->closing = config->closing;
    wsd->stalled = config->stalled;
    wsd->code = VE_CLOSE_ABNORMAL;
    ve_ws_reader_init(&wsd->reader, config->max_message);
    ve_timer_init(&wsd->timer, config->loop, on_timer, wsd);
    ve_stream_own(stream, &stream_events, wsd);
    *out = &wsd->conn;
    return 0;
}
