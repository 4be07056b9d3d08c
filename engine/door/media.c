#include "door/media_conn.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

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
static void read_call_id(struct ve_media_conn *c, const struct ve_http_request *request)
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
    struct ve_media_choice choice;
    const char *why;
    if (ve_media_choose(&choice, door, request, &why) != 0) {
        ve_http_refuse(request, 400, "bad_stream", why);
        return;
    }
    struct ve_media_conn *c = ve_media_conn_new(door, &choice);
    if (!c) {
        ve_http_refuse(request, 503, "busy", "not enough memory");
        return;
    }
    ve_str_copy(c->call_id, sizeof(c->call_id), ve_str(call_id));
    ve_str_copy(c->session_id, sizeof(c->session_id), ve_str(session_id));
    read_call_id(c, request);
    if (door->config.refuse_unknown && c->call_id[0] &&
        !ve_calls_find(door->config.calls, ve_str(c->call_id))) {
        ve_media_conn_free(c);
        ve_http_refuse(request, 404, "unknown_call", "no webhook has announced this call");
        return;
    }
    if (ve_http_upgrade(request, choose_protocol(request), &ve_media_conn_events, c, &c->conn) !=
        0) {
        ve_media_conn_free(c);
        ve_http_refuse(request, 503, "busy", "not enough memory");
        return;
    }
    ve_media_conn_start(c);
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
