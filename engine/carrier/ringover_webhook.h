/*
 * carrier/ringover_webhook.h - Ringover's webhooks as events.
 *
 * Everything on the wire is loosely typed: ids are numbers or texts up to 2^64-1, telephone numbers
 * lack their '+', times are epoch seconds or milliseconds or ISO 8601. docs/reference/webhooks.md
 * describes the shape that comes out.
 */
#ifndef VE_CARRIER_RINGOVER_WEBHOOK_H
#define VE_CARRIER_RINGOVER_WEBHOOK_H

#include "carrier/event.h"

/* Decodes a body. VE_EPROTO (with `why`) when it is no JSON object with `event`; an event that we
 * do not know is VE_EVENT_OTHER. */
int ve_ringover_decode(struct ve_event **out, struct ve_str body, char why[static 96]);

/* "33612345678", "+33 6 12 34 56 78" -> "+33612345678"; what is no number stays as it is. */
void ve_ringover_number(char *out, size_t size, struct ve_str text);
/* Epoch seconds (also with fraction), epoch milliseconds or ISO 8601 -> ms; 0 when it is neither.
 */
int64_t ve_ringover_time(struct ve_str text);

#endif
