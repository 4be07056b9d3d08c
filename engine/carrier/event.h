/*
 * carrier/event.h - what a carrier tells about a call, in one shape whatever its dialect.
 *
 * Decoded by carrier/, kept by store/, handed to scripts by bind/. Texts live in the event's own
 * memory, `raw` is the JSON as it was received and signed.
 */
#ifndef VE_CARRIER_EVENT_H
#define VE_CARRIER_EVENT_H

#include "base/str.h"

enum ve_event_kind {
    VE_EVENT_RINGING,
    VE_EVENT_ANSWERED,
    VE_EVENT_HANGUP,
    VE_EVENT_MISSED,
    VE_EVENT_VOICEMAIL,
    VE_EVENT_OTHER, /* accepted, kept raw, given to on_event */
    VE_EVENT_KINDS,
};

#define VE_CALL_ID_MAX 64 /* characters */

struct ve_event {
    enum ve_event_kind kind;
    char name[64];                    /* "call/ringing": resource and event as received */
    char call_id[VE_CALL_ID_MAX + 1]; /* digits; empty when the event names no call */
    char channel_id[VE_CALL_ID_MAX + 1];
    char from[40]; /* E.164 with '+', or as received when it is no number */
    char to[40];
    char direction[12];    /* "inbound", "outbound", "" */
    char message_url[512]; /* of a voicemail */
    int64_t at_ms;         /* ms since 1970, 0 when unknown */
    uint32_t attempt;      /* delivery attempt, 0 when unknown */
    int64_t duration_s;    /* -1 when unknown */
    struct ve_str raw;     /* owned by the event */
};

const char *ve_event_kind_name(enum ve_event_kind kind);
/* An event with a copy of the raw text; ve_free gives all back. NULL without memory. */
struct ve_event *ve_event_new(struct ve_str raw);

#endif
