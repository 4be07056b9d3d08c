#include "door/media.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* A connection without a call id may name its call in its first text frame, this long. */
#define NAMING_TIME (150 * VE_MS)
/* Samples held meanwhile. */
#define HELD_MAX (48000 / 2)

struct ve_media_door {
    struct ve_media_door_config config;
    struct ve_link connections;
    unsigned count;
};

struct connection {
    struct ve_media_door *door; /* borrowed */
    struct ve_link link;
    struct ve_conn *conn;       /* NULL once closed */
    struct ve_carrier *carrier; /* owned */
    struct ve_call *call;       /* NULL before it is open and after it let go of us */
    char call_id[VE_CALL_ID_MAX + 1];
    char session_id[VE_CALL_ID_MAX + 1];
    struct ve_carrier_facts facts;
    struct ve_timer naming; /* runs while the call is not known */
    int16_t *held;          /* owned; audio that came before the call was known */
    size_t held_count;
    uint32_t held_rate;
    bool refused;
};

/* --- what the call asks of its leg --------------------------------------------------------------
 */

static int leg_audio(void *arg, const int16_t *samples, size_t count)
{
    struct connection *c = arg;
    bool text;
    if (!c->conn)
        return VE_EGONE;
    struct ve_out *out = ve_out_new(c->carrier->ops->audio_size(c->carrier, count));
    if (!out)
        return VE_ENOMEM;
    out->len = c->carrier->ops->audio(c->carrier, samples, count, ve_out_payload(out), &text);
    return ve_conn_send(c->conn, out, text ? VE_OP_TEXT : VE_OP_BINARY);
}

/* Sends a control message that the dialect writes. */
static int send_text(struct connection *c, struct ve_str text)
{
    if (!c->conn)
        return VE_EGONE;
    struct ve_out *out = ve_out_new(text.len);
    if (!out)
        return VE_ENOMEM;
    memcpy(ve_out_payload(out), text.ptr, text.len);
    out->len = text.len;
    return ve_conn_send(c->conn, out, VE_OP_TEXT);
}

static int send_control(struct connection *c, struct ve_str value,
                        int (*write)(struct ve_carrier *, struct ve_str, struct ve_buf *))
{
    struct ve_buf text;
    if (!write)
        return VE_ENOTSUP;
    ve_buf_init(&text, 0);
    int err = write(c->carrier, value, &text);
    if (!err)
        err = send_text(c, ve_buf_str(&text));
    ve_buf_free(&text);
    return err;
}

static void leg_clear(void *arg)
{
    struct connection *c = arg;
    struct ve_buf text;
    ve_buf_init(&text, 0);
    if (c->carrier->ops->clear(c->carrier, &text) == 0)
        (void)send_text(c, ve_buf_str(&text));
    ve_buf_free(&text);
}

static int leg_digits(void *arg, struct ve_str digits)
{
    struct connection *c = arg;
    return send_control(c, digits, c->carrier->ops->digits);
}

static int leg_transfer(void *arg, struct ve_str number)
{
    struct connection *c = arg;
    return send_control(c, number, c->carrier->ops->transfer);
}

static int leg_play_url(void *arg, struct ve_str url)
{
    struct connection *c = arg;
    return send_control(c, url, c->carrier->ops->play_url);
}

static void leg_close(void *arg, int code)
{
    struct connection *c = arg;
    c->call = NULL; /* the call is done with us, whatever still comes */
    if (c->conn)
        ve_conn_close(c->conn, code);
}

static struct ve_leg leg_of(struct connection *c)
{
    return (struct ve_leg){
        .out = {.audio = leg_audio, .clear = c->carrier->ops->clear ? leg_clear : NULL, .arg = c},
        .digits = leg_digits,
        .transfer = leg_transfer,
        .play_url = leg_play_url,
        .close = leg_close,
        .arg = c,
    };
}

/* --- finding the call ------------------------------------------------------------------------- */

static void release_held(struct connection *c)
{
    if (c->call && c->held_count)
        (void)ve_session_audio(ve_call_session(c->call), c->held, c->held_count, c->held_rate);
    ve_free(c->held);
    c->held = NULL;
    c->held_count = 0;
}

static void refuse(struct connection *c, int code)
{
    c->refused = true;
    if (c->conn)
        ve_conn_close(c->conn, code);
}

static void open_call(struct connection *c)
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
    struct connection *c = arg;
    if (c->call || c->refused)
        return; /* only the first frame names the call */
    c->facts = *facts;
    if (!c->call_id[0] && facts->call_id[0] && is_call_id(facts->call_id))
        ve_str_copy(c->call_id, sizeof(c->call_id), ve_str(facts->call_id));
    open_call(c);
}

static void hold(struct connection *c, const int16_t *samples, size_t count, uint32_t rate)
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
    struct connection *c = arg;
    if (c->call)
        (void)ve_session_audio(ve_call_session(c->call), samples, count, rate);
    else if (!c->refused && c->naming.active)
        hold(c, samples, count, rate);
}

static void on_digit(void *arg, char digit)
{
    struct connection *c = arg;
    if (c->call)
        ve_session_digit(ve_call_session(c->call), digit);
}

static void on_stop(void *arg)
{
    struct connection *c = arg;
    if (c->conn)
        ve_conn_close(c->conn, VE_CLOSE_NORMAL);
}

static const struct ve_carrier_events carrier_events = {on_facts, on_audio, on_digit, on_stop};

/* --- the connection's events ------------------------------------------------------------------ */

static void on_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                    enum ve_opcode opcode)
{
    struct connection *c = arg;
    int err = c->carrier->ops->data(c->carrier, bytes, len, first, last, opcode == VE_OP_TEXT);
    if (err)
        ve_conn_close(c->conn, err == VE_ETOOBIG ? VE_CLOSE_TOO_BIG : VE_CLOSE_BAD_DATA);
}

static void on_closed(void *arg, int code)
{
    struct connection *c = arg;
    c->conn = NULL;
    ve_timer_stop(&c->naming);
    if (c->call)
        ve_call_media_closed(c->call, c, code == VE_CLOSE_NORMAL || code == VE_CLOSE_GOING_AWAY);
    ve_link_remove(&c->link);
    c->door->count--;
    c->carrier->ops->free(c->carrier);
    ve_free(c->held);
    ve_free(c);
}

static const struct ve_conn_events conn_events = {on_data, NULL, on_closed};

/* --- the upgrade ------------------------------------------------------------------------------ */

static bool all_of(struct ve_str text, const char *set)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!text.ptr[i] || !strchr(set, text.ptr[i]))
            return false;
    }
    return text.len > 0;
}

int ve_media_session_ids(struct ve_str segment, char call_id[static VE_CALL_ID_MAX + 1],
                         char session_id[static VE_CALL_ID_MAX + 1])
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    struct ve_str digits = segment;
    if (ve_str_starts(segment, VE_STR("call_"))) {
        digits.ptr += 5;
        digits.len -= 5;
    }
    call_id[0] = session_id[0] = '\0';
    if (segment.len > VE_CALL_ID_MAX || !all_of(segment, allowed))
        return VE_EPROTO;
    ve_str_copy(session_id, VE_CALL_ID_MAX + 1, segment);
    if (all_of(digits, "0123456789"))
        ve_str_copy(call_id, VE_CALL_ID_MAX + 1, digits);
    return 0;
}

/* A call id from the query or a header, when the path does not name the call. */
static void read_call_id(struct connection *c, const struct ve_http_request *request)
{
    char text[VE_CALL_ID_MAX + 1];
    char session_id[VE_CALL_ID_MAX + 1];
    if (c->call_id[0])
        return;
    if (ve_http_query_get(request, "call_id", text, sizeof(text)) != 0)
        ve_str_copy(text, sizeof(text), ve_str_trim(ve_http_header(request, "X-Call-Id")));
    if (ve_media_session_ids(ve_str(text), c->call_id, session_id) != 0)
        c->call_id[0] = '\0';
    else if (!c->call_id[0])
        ve_str_copy(c->call_id, sizeof(c->call_id), ve_str(session_id));
}

static struct connection *make_connection(struct ve_media_door *door)
{
    struct connection *c = ve_alloc(sizeof(*c));
    if (!c)
        return NULL;
    c->door = door;
    ve_link_init(&c->link);
    ve_timer_init(&c->naming, door->config.loop, on_naming_over, c);
    if (door->config.carrier->new (&c->carrier, &door->config.stream, &carrier_events, c) != 0) {
        ve_free(c);
        return NULL;
    }
    return c;
}

static void drop_connection(struct connection *c)
{
    c->carrier->ops->free(c->carrier);
    ve_free(c);
}

/* Of the subprotocols that clients of this kind offer, the one we echo; none is normal. */
static const char *choose_protocol(const struct ve_http_request *request)
{
    static const char *const known[] = {"audio.drachtio.org", "audio.jambonz.org", NULL};
    struct ve_str offered = ve_http_header(request, "Sec-WebSocket-Protocol");
    while (offered.ptr) {
        struct ve_str one = ve_str_trim(ve_str_cut(&offered, ','));
        for (size_t i = 0; known[i]; i++) {
            if (ve_str_eq(one, ve_str(known[i])))
                return known[i];
        }
    }
    return NULL;
}

static bool may_enter(struct ve_media_door *door, struct ve_http_request *request)
{
    if (ve_auth_stream(door->config.secrets, request))
        return true;
    ve_log_event(door->config.log, VE_LOG_WARN, "media_refused",
                 ve_fmsg("Media connection with a missing or wrong token refused"),
                 ve_fstr("peer", ve_http_peer(request)));
    ve_http_refuse_with(request, 401, "unauthorized",
                        "the token is missing or wrong: Authorization: Bearer, or ?token=",
                        (struct ve_http_field){"WWW-Authenticate", VE_STR("Bearer")});
    return false;
}

static void on_upgrade(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct ve_media_door *door = arg;
    char call_id[VE_CALL_ID_MAX + 1];
    char session_id[VE_CALL_ID_MAX + 1];
    if (!may_enter(door, request))
        return;
    if (ve_media_session_ids(params[0], call_id, session_id) != 0) {
        ve_http_refuse(request, 404, "not_found",
                       "a session id is 1 to 64 letters, digits, '_' or '-'");
        return;
    }
    if (ve_calls_draining(door->config.calls)) {
        ve_http_refuse_with(request, 503, "draining", "the engine is going down",
                            (struct ve_http_field){"Retry-After", VE_STR("5")});
        return;
    }
    struct connection *c = make_connection(door);
    if (!c) {
        ve_http_refuse(request, 503, "busy", "not enough memory");
        return;
    }
    ve_str_copy(c->call_id, sizeof(c->call_id), ve_str(call_id));
    ve_str_copy(c->session_id, sizeof(c->session_id), ve_str(session_id));
    read_call_id(c, request);
    if (door->config.refuse_unknown && c->call_id[0] &&
        !ve_calls_find(door->config.calls, ve_str(c->call_id))) {
        drop_connection(c);
        ve_http_refuse(request, 404, "unknown_call", "no webhook has announced this call");
        return;
    }
    if (ve_http_upgrade(request, choose_protocol(request), &conn_events, c, &c->conn) != 0) {
        drop_connection(c);
        ve_http_refuse(request, 503, "busy", "not enough memory");
        return;
    }
    ve_list_push(&door->connections, &c->link);
    door->count++;
    ve_timer_start(&c->naming, c->call_id[0] ? 0 : NAMING_TIME);
}

/* --- the door --------------------------------------------------------------------------------- */

int ve_media_door_new(struct ve_media_door **out, const struct ve_media_door_config *config)
{
    struct ve_media_door *door = ve_alloc(sizeof(*door));
    if (!door)
        return VE_ENOMEM;
    door->config = *config;
    ve_link_init(&door->connections);
    *out = door;
    return 0;
}

void ve_media_door_free(struct ve_media_door *door)
{
    ve_free(door);
}

int ve_media_door_add_stream(struct ve_media_door *door, struct ve_router *router)
{
    /* Ringover's own form, and a bare session id for switches that are configured by hand. */
    static const struct ve_route routes[] = {
        {"WS", "/stream/{session_id}", on_upgrade, NULL},
        {"WS", "/api/v1/streaming/audio/{session_id}", on_upgrade, NULL},
    };
    return ve_router_add(router, routes, 2, door);
}

int ve_media_door_add_api(struct ve_media_door *door, struct ve_router *router)
{
    static const struct ve_route route = {"WS", "/api/v1/streaming/audio/{session_id}", on_upgrade,
                                          NULL};
    return ve_router_add(router, &route, 1, door);
}

unsigned ve_media_door_connections(const struct ve_media_door *door)
{
    return door->count;
}
