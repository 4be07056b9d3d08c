/*
 * door/media.h - media connections: from the upgrade to the call, and the call's way out.
 *
 *   WS /stream/call_{call_id}                     the media port
 *   WS /api/v1/streaming/audio/{session_id}       the HTTP port
 *
 * A session id that is digits, or "call_" and digits, names that call; any other is its own call
 * unless the query, a header or the first text frame gives a call id. A connection that may still
 * tell its call id is held for a moment, its audio with it.
 */
#ifndef VE_DOOR_MEDIA_H
#define VE_DOOR_MEDIA_H

#include "call/call.h"
#include "carrier/carrier.h"
#include "door/auth.h"
#include "net/router.h"

struct ve_media_door;

struct ve_media_door_config {
    struct ve_loop *loop;
    const struct ve_log *log;
    struct ve_calls *calls;
    const struct ve_secrets *secrets;     /* borrowed; may change */
    const struct ve_carrier_ops *carrier; /* unless the connection asks for another */
    struct ve_carrier_config stream;
    bool binary;         /* raw L16 is answered in binary messages: VE_STREAM_OUT */
    bool refuse_unknown; /* VE_MEDIA_UNKNOWN=refuse */
};

int ve_media_door_new(struct ve_media_door **out, const struct ve_media_door_config *config);
/* The connections must be gone (ve_httpd_free). */
void ve_media_door_free(struct ve_media_door *door);
/* Adds the media port's address, or the HTTP port's. */
int ve_media_door_add_stream(struct ve_media_door *door, struct ve_router *router);
int ve_media_door_add_api(struct ve_media_door *door, struct ve_router *router);
unsigned ve_media_door_connections(const struct ve_media_door *door);

/* The call id and session id that a session path segment means; `call_id` stays empty for an own
 * call. VE_EPROTO when it is neither. */
int ve_media_session_ids(struct ve_str segment, char call_id[static VE_CALL_ID_MAX + 1],
                         char session_id[static VE_CALL_ID_MAX + 1]);

#endif
