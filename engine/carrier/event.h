/*
 * carrier/event.h - what a carrier tells about a call, in one shape whatever its dialect.
 *
 * Decoded by carrier/, kept by store/, handed to scripts by bind/. An event is one block of memory:
 * ve_free gives back all of it. No state is kept here; any thread may call.
 */
#ifndef VE_CARRIER_EVENT_H
#define VE_CARRIER_EVENT_H

#include "base/buf.h"

enum ve_event_kind {
    /* a call's life */
    VE_EVENT_RINGING,
    VE_EVENT_ANSWERED,
    VE_EVENT_HANGUP,
    VE_EVENT_MISSED,
    VE_EVENT_VOICEMAIL,
    /* questions: the carrier waits for the answer */
    VE_EVENT_CONTACT,
    VE_EVENT_ROUTING,
    VE_EVENT_IVR_CODE,
    VE_EVENT_CONTACT_SEARCH,
    /* what comes after a call */
    VE_EVENT_AFTERCALL,
    VE_EVENT_COMMENTS_UPDATED,
    VE_EVENT_TAGS_UPDATED,
    VE_EVENT_RECORD_AVAILABLE,
    VE_EVENT_VOICEMAIL_AVAILABLE,
    VE_EVENT_TRANSCRIPTION_AVAILABLE,
    VE_EVENT_SUMMARY_AVAILABLE,
    /* messages */
    VE_EVENT_SMS_RECEIVED,
    VE_EVENT_SMS_SENT,
    VE_EVENT_OTHER, /* not known to us: accepted, kept raw */
    VE_EVENT_KINDS,
};

/* The parts of a carrier's account that have a key of their own; bits, so that they make sets. */
enum ve_event_section {
    VE_SECTION_CALLS = 1, /* calls, what comes after them, messages, everything unknown */
    VE_SECTION_CONTACT = 2,
    VE_SECTION_SEARCH = 4,
    VE_SECTION_ROUTING = 8,
    VE_SECTION_IVR_CODE = 16, /* signed with the key of routing, where it is signed at all */
};
#define VE_SECTIONS_ALL 31u

struct ve_event_type {
    const char *name;    /* "ringing": `ev.kind` of scripts */
    const char *handler; /* "on_ringing"; a script that has none gets it in on_event */
    enum ve_event_section section;
    bool asks; /* the carrier waits for an answer with content */
};

/* Never NULL: what is out of range is VE_EVENT_OTHER. */
const struct ve_event_type *ve_event_type(enum ve_event_kind kind);
const char *ve_event_kind_name(enum ve_event_kind kind);

#define VE_CALL_ID_MAX   64  /* characters */
#define VE_EVENT_KEY_MAX 320 /* bytes, with the NUL */

struct ve_event {
    enum ve_event_kind kind;
    char name[64];                    /* "call/ringing": resource and event as received */
    char call_id[VE_CALL_ID_MAX + 1]; /* digits; empty when the event names no call */
    char channel_id[VE_CALL_ID_MAX + 1];
    char from[40]; /* E.164 with '+', or as received when it is no number */
    char to[40];
    char direction[12];         /* "inbound", "outbound", "" */
    char reason[40];            /* why it was missed, as received; "" when unknown */
    int64_t at_ms;              /* ms since 1970, 0 when unknown */
    uint32_t attempt;           /* delivery attempt, 0 when unknown */
    int64_t duration_s;         /* -1 when unknown */
    char key[VE_EVENT_KEY_MAX]; /* the same for every delivery of one event, and for no other */
    struct ve_str facts;        /* owned: what else is known, as a JSON object */
    struct ve_str raw;          /* owned: the JSON as it was received and signed; may be empty */
    int64_t inbox_id;           /* to be told when it is finished; 0: it is not in the inbox */
};

/* An event of kind OTHER with copies of both texts. NULL without memory. */
struct ve_event *ve_event_new(struct ve_str raw, struct ve_str facts);
/* Appends the event as scripts see it: a JSON object, described by docs/reference/webhooks.md. */
int ve_event_write(const struct ve_event *event, struct ve_buf *out);

#endif
