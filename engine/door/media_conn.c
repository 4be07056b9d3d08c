#include "door/media_conn.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/random.h"

#include <string.h>

/* A connection without a call id may name its call in its first text frame, this long. */
#define NAMING_TIME (150 * VE_MS)
/* Samples held meanwhile. */
#define HELD_MAX (48000 / 2)

/* --- what the call asks of its leg --------------------------------------------------------------
 */

static struct ve_carrier *carrier_of(struct ve_media_conn *c)
{
    c->carrier->now = ve_loop_now(c->door->config.loop);
    return c->carrier;
}

/* Sees that the dialect's moment is not missed. A timer that runs too early looks again. */
static void watch_time(struct ve_media_conn *c)
{
    uint64_t due = c->carrier->due;
    if (due && c->conn && (!c->time.active || due < c->time.due))
        ve_timer_start_at(&c->time, due);
}

static int leg_audio(void *arg, const int16_t *samples, size_t count)
{
    struct ve_media_conn *c = arg;
    bool text;
    if (!c->conn)
        return VE_EGONE;
    struct ve_carrier *carrier = carrier_of(c);
    struct ve_out *out = ve_out_new(carrier->ops->audio_size(carrier, count));
    if (!out)
        return VE_ENOMEM;
    size_t len = carrier->ops->audio(carrier, samples, count, ve_out_payload(out), &text);
    watch_time(c);
    if (len == 0 || len == VE_CARRIER_LATER) {
        ve_out_free(out);
        return len ? VE_EBUSY : 0;
    }
    out->len = len;
    return ve_conn_send(c->conn, out, text ? VE_OP_TEXT : VE_OP_BINARY);
}

/* Sends a control message that the dialect writes. */
static int send_text(struct ve_media_conn *c, struct ve_str text)
{
    if (!c->conn)
        return VE_EGONE;
    if (!text.len)
        return 0; /* the dialect says it with its audio */
    struct ve_out *out = ve_out_new(text.len);
    if (!out)
        return VE_ENOMEM;
    memcpy(ve_out_payload(out), text.ptr, text.len);
    out->len = text.len;
    return ve_conn_send(c->conn, out, VE_OP_TEXT);
}

static int send_control(struct ve_media_conn *c, struct ve_str value,
                        int (*write)(struct ve_carrier *, struct ve_str, struct ve_buf *))
{
    struct ve_buf text;
    if (!write)
        return VE_ENOTSUP;
    ve_buf_init(&text, 0);
    int err = write(carrier_of(c), value, &text);
    watch_time(c);
    if (!err)
        err = send_text(c, ve_buf_str(&text));
    ve_buf_free(&text);
    return err;
}

static void leg_clear(void *arg)
{
    struct ve_media_conn *c = arg;
    struct ve_buf text;
    if (!c->carrier->ops->clear)
        return;
    ve_buf_init(&text, 0);
    if (c->carrier->ops->clear(carrier_of(c), &text) == 0)
        (void)send_text(c, ve_buf_str(&text));
    ve_buf_free(&text);
}

static int leg_digits(void *arg, struct ve_str digits)
{
    struct ve_media_conn *c = arg;
    return send_control(c, digits, c->carrier->ops->digits);
}

static int leg_transfer(void *arg, struct ve_str number)
{
    struct ve_media_conn *c = arg;
    return send_control(c, number, c->carrier->ops->transfer);
}

static int leg_play_url(void *arg, struct ve_str url)
{
    struct ve_media_conn *c = arg;
    return send_control(c, url, c->carrier->ops->play_url);
}

static void leg_close(void *arg, int code)
{
    struct ve_media_conn *c = arg;
    c->call = NULL; /* the call is done with us, whatever still comes */
    if (c->conn)
        ve_conn_close(c->conn, code);
}

static struct ve_media_out out_of(struct ve_media_conn *c)
{
    const struct ve_carrier_ops *ops = c->carrier->ops;
    return (struct ve_media_out){
        .audio = leg_audio,
        .clear = ops->clear ? leg_clear : NULL,
        .arg = c,
        .chunk = c->rate_out / 1000 * ops->frame_ms,
        .lead = ops->lead_ms * VE_MS,
    };
}

static struct ve_leg leg_of(struct ve_media_conn *c)
{
    return (struct ve_leg){
        .out = out_of(c),
        .digits = leg_digits,
        .transfer = leg_transfer,
        .play_url = leg_play_url,
        .close = leg_close,
        .arg = c,
    };
}

/* The dialect is known now. What was sent before in another one is sent again. */
static void take_next(struct ve_media_conn *c)
{
    struct ve_carrier *old = c->carrier;
    if (!old->next)
        return;
    bool again = old->next_is_other;
    c->carrier = old->next;
    old->ops->free(old);
    struct ve_media_out out = out_of(c);
    if (again && c->call)
        ve_session_attach(ve_call_session(c->call), &out);
}

/* --- finding the call ------------------------------------------------------------------------- */

static void release_held(struct ve_media_conn *c)
{
    if (c->call && c->held_count)
        (void)ve_session_audio(ve_call_session(c->call), c->held, c->held_count, c->held_rate);
    ve_free(c->held);
    c->held = NULL;
    c->held_count = 0;
}

static void refuse(struct ve_media_conn *c, int code)
{
    c->refused = true;
    if (c->conn)
        ve_conn_close(c->conn, code);
}

static void open_call(struct ve_media_conn *c)
{
    struct ve_leg leg = leg_of(c);
    struct ve_call_facts facts = {
        .call_id = ve_str(c->call_id),
        .session_id = ve_str(c->session_id),
        .from = ve_str(c->facts.from),
        .to = ve_str(c->facts.to),
    };
    struct ve_str id = facts.call_id.len ? facts.call_id : facts.session_id;
    ve_timer_stop(&c->naming);
    if (c->door->config.refuse_unknown && !ve_calls_find(c->door->config.calls, id)) {
        refuse(c, VE_CLOSE_POLICY);
        return;
    }
    int err = ve_call_media_open(c->door->config.calls, &facts, &leg, &c->call);
    if (err) {
        ve_log_event(c->door->config.log, VE_LOG_WARN, "media_refused", ve_fstr("call", id),
                     ve_ftext("error", ve_err_name(err)));
        refuse(c, err == VE_EBUSY ? VE_CLOSE_TRY_LATER : VE_CLOSE_INTERNAL);
        return;
    }
    release_held(c);
}

static void on_naming_over(void *arg)
{
    open_call(arg);
}

/* --- what the carrier's bytes say ------------------------------------------------------------- */

static bool is_call_id(const char *text)
{
    char call_id[VE_CALL_ID_MAX + 1];
    char session_id[VE_CALL_ID_MAX + 1];
    return ve_media_session_ids(ve_str(text), call_id, session_id) == 0;
}

static void on_facts(void *arg, const struct ve_carrier_facts *facts)
{
    struct ve_media_conn *c = arg;
    if (c->call || c->refused)
        return; /* only the first frame names the call */
    c->facts = *facts;
    if (!c->call_id[0] && facts->call_id[0] && is_call_id(facts->call_id))
        ve_str_copy(c->call_id, sizeof(c->call_id), ve_str(facts->call_id));
    open_call(c);
}

static void hold(struct ve_media_conn *c, const int16_t *samples, size_t count, uint32_t rate)
{
    if (!c->held)
        c->held = ve_alloc_array(HELD_MAX, sizeof(*c->held));
    if (!c->held)
        return;
    if (count > HELD_MAX - c->held_count)
        count = HELD_MAX - c->held_count;
    memcpy(c->held + c->held_count, samples, count * sizeof(*samples));
    c->held_count += count;
    c->held_rate = rate;
}

static void on_audio(void *arg, const int16_t *samples, size_t count, uint32_t rate)
{
    struct ve_media_conn *c = arg;
    if (c->call)
        (void)ve_session_audio(ve_call_session(c->call), samples, count, rate);
    else if (!c->refused && c->naming.active)
        hold(c, samples, count, rate);
}

static void on_digit(void *arg, char digit)
{
    struct ve_media_conn *c = arg;
    if (c->call)
        ve_session_digit(ve_call_session(c->call), digit);
}

static void on_stop(void *arg)
{
    struct ve_media_conn *c = arg;
    if (c->conn)
        ve_conn_close(c->conn, VE_CLOSE_NORMAL);
}

static const struct ve_carrier_events carrier_events = {on_facts, on_audio, on_digit, on_stop};

/* --- the connection's events ------------------------------------------------------------------ */

/* Once: a caller who is not heard must not stay a riddle. */
static void warn_unknown(struct ve_media_conn *c)
{
    if (c->warned || !c->carrier->stats.unknown)
        return;
    c->warned = true;
    ve_log_event(c->door->config.log, VE_LOG_WARN, "media_unreadable",
                 ve_fmsg("The peer sends audio of a payload type that is not configured"),
                 ve_ftext("session", c->session_id));
}

static void on_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                    enum ve_opcode opcode)
{
    struct ve_media_conn *c = arg;
    struct ve_carrier *carrier = carrier_of(c);
    int err = carrier->ops->data(carrier, bytes, len, first, last, opcode == VE_OP_TEXT);
    if (err)
        ve_conn_close(c->conn, err == VE_ETOOBIG ? VE_CLOSE_TOO_BIG : VE_CLOSE_BAD_DATA);
    take_next(c);
    warn_unknown(c);
    watch_time(c);
}

static void on_time(void *arg)
{
    struct ve_media_conn *c = arg;
    struct ve_carrier *carrier = carrier_of(c);
    bool asks = carrier->due && carrier->due <= carrier->now && carrier->ops->tick(carrier);
    if (asks)
        (void)leg_audio(c, NULL, 0);
    take_next(c);
    watch_time(c);
}

/* What the line was like, when it was not as it should be. */
static void log_quality(const struct ve_media_conn *c)
{
    const struct ve_carrier_stats *stats = &c->carrier->stats;
    if (!(stats->lost || stats->late || stats->foreign || stats->broken || stats->resets))
        return;
    ve_log_event(c->door->config.log, VE_LOG_INFO, "media_quality",
                 ve_ftext("session", c->session_id), ve_ftext("dialect", c->carrier->ops->name),
                 ve_fu64("packets", stats->packets), ve_fu64("lost", stats->lost),
                 ve_fu64("late", stats->late), ve_fu64("foreign", stats->foreign),
                 ve_fu64("broken", stats->broken), ve_fu64("resets", stats->resets),
                 ve_fu64("filled_ms", stats->filled_ms),
                 ve_fu64("shortened_ms", stats->shortened_ms));
}

static void on_closed(void *arg, int code)
{
    struct ve_media_conn *c = arg;
    c->conn = NULL;
    ve_timer_stop(&c->naming);
    ve_timer_stop(&c->time);
    log_quality(c);
    if (c->call)
        ve_call_media_closed(c->call, c, code == VE_CLOSE_NORMAL || code == VE_CLOSE_GOING_AWAY);
    ve_link_remove(&c->link);
    c->door->count--;
    c->carrier->ops->free(c->carrier);
    ve_free(c->held);
    ve_free(c);
}

const struct ve_conn_events ve_media_conn_events = {on_data, NULL, on_closed};

/* --- making one ------------------------------------------------------------------------------- */

static bool query_number(const struct ve_http_request *request, const char *key, uint64_t max,
                         uint32_t *out)
{
    char text[16];
    uint64_t value;
    int err = ve_http_query_get(request, key, text, sizeof(text));
    if (err == VE_ENOENT)
        return true;
    if (err || ve_str_u64(&value, ve_str(text), max) != 0)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* "" when it is not there; false when it is nonsense. */
static bool query_word(const struct ve_http_request *request, const char *key, char out[static 16])
{
    int err = ve_http_query_get(request, key, out, 16);
    if (err)
        out[0] = '\0';
    return err == 0 || err == VE_ENOENT;
}

int ve_media_choose(struct ve_media_choice *out, const struct ve_media_door *door,
                    const struct ve_http_request *request, const char **why)
{
    char dialect[16];
    char way[16];
    out->carrier = door->config.carrier;
    out->stream = door->config.stream;
    bool binary = door->config.binary;
    *why = "out is json or binary";
    if (!query_word(request, "out", way) ||
        (way[0] && strcmp(way, "json") != 0 && strcmp(way, "binary") != 0))
        return VE_EPROTO;
    if (way[0])
        binary = strcmp(way, "binary") == 0;
    *why = "dialect is auto, l16, rtp or json";
    if (!query_word(request, "dialect", dialect))
        return VE_EPROTO;
    if (way[0] || dialect[0])
        out->carrier = ve_carrier_find(ve_str(dialect[0] ? dialect : out->carrier->name), binary);
    if (!out->carrier)
        return VE_EPROTO;
    *why = "rate is 8000 to 48000";
    if (!query_number(request, "rate", VE_CARRIER_RATE_MAX, &out->stream.rate_in) ||
        (out->stream.rate_in && out->stream.rate_in < VE_CARRIER_RATE_MIN))
        return VE_EPROTO;
    *why = "channels is 1 or 2";
    if (!query_number(request, "channels", 2, &out->stream.channels_in))
        return VE_EPROTO;
    return 0;
}

struct ve_media_conn *ve_media_conn_new(struct ve_media_door *door,
                                        const struct ve_media_choice *choice)
{
    struct ve_carrier_config stream = choice->stream;
    struct ve_media_conn *c = ve_alloc(sizeof(*c));
    if (!c)
        return NULL;
    c->door = door;
    c->rate_out = stream.rate_out;
    ve_link_init(&c->link);
    ve_timer_init(&c->naming, door->config.loop, on_naming_over, c);
    ve_timer_init(&c->time, door->config.loop, on_time, c);
    bool ok = ve_random_u64(&stream.seed) == 0;
    if (!ok || choice->carrier->new (&c->carrier, &stream, &carrier_events, c) != 0) {
        ve_free(c);
        return NULL;
    }
    return c;
}

void ve_media_conn_free(struct ve_media_conn *c)
{
    c->carrier->ops->free(c->carrier);
    ve_free(c);
}

void ve_media_conn_start(struct ve_media_conn *c)
{
    ve_list_push(&c->door->connections, &c->link);
    c->door->count++;
    ve_timer_start(&c->naming, c->call_id[0] ? 0 : NAMING_TIME);
}
