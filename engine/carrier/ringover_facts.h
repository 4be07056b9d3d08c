/*
 * carrier/ringover_facts.h - inside of carrier/ only: what an event says beside its common fields.
 */
#ifndef VE_CARRIER_RINGOVER_FACTS_H
#define VE_CARRIER_RINGOVER_FACTS_H

#include "base/json.h"

/* Appends the facts of `data` (may be NULL) as a JSON object in the carrier-independent names of
 * docs/reference/webhooks.md; what is absent, null or empty is left out. */
int ve_ringover_facts(const struct ve_json *data, struct ve_buf *out);

#endif
