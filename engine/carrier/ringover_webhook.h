/*
 * carrier/ringover_webhook.h - Ringover's webhooks as events.
 *
 * Everything on the wire is loosely typed: ids are numbers or texts up to 2^64-1, telephone numbers
 * lack their '+', flags are 0 and 1, times are epoch seconds or milliseconds or ISO 8601, objects
 * may be missing, null or empty. docs/reference/webhooks.md describes the shape that comes out.
 * No state is kept; any thread may call.
 */
#ifndef VE_CARRIER_RINGOVER_WEBHOOK_H
#define VE_CARRIER_RINGOVER_WEBHOOK_H

#include "carrier/event.h"

/* Decodes a body. VE_EPROTO (with `why`) when it is no JSON object with `event`; VE_ENOMEM. An
 * event that we do not know is VE_EVENT_OTHER. The caller frees it with ve_free. */
int ve_ringover_decode(struct ve_event **out, struct ve_str body, char why[static 96]);

/* The i-th event of the catalogue: "call/ringing" and its kind; false past the end. */
bool ve_ringover_catalogue(size_t i, const char **name, enum ve_event_kind *kind);

#endif
