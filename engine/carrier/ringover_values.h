/*
 * carrier/ringover_values.h - reading Ringover's loosely typed values, strictly bounded.
 *
 * No state is kept; any thread may call.
 */
#ifndef VE_CARRIER_RINGOVER_VALUES_H
#define VE_CARRIER_RINGOVER_VALUES_H

#include "base/json.h"

/* "33612345678", "+33 6 12 34 56 78" -> "+33612345678"; what is no number stays as it is. */
void ve_ringover_number(char *out, size_t size, struct ve_str text);
/* Epoch seconds (also with fraction), epoch milliseconds or ISO 8601 -> ms; 0 when it is neither.
 */
int64_t ve_ringover_time(struct ve_str text);

/* Of values in any of their forms; `out` is "" and the result 0 or false where there is none. */
/* Text of a string or of a whole number, cut at `size`. */
void ve_ringover_text(char *out, size_t size, const struct ve_json *value);
/* An id: digits, at most 2^64-1, without ever passing through a double. */
void ve_ringover_id(char *out, size_t size, const struct ve_json *value);
void ve_ringover_phone(char *out, size_t size, const struct ve_json *value);
int64_t ve_ringover_ms(const struct ve_json *value);
/* Seconds, also as "30" or "30s"; -1 where there are none. */
int64_t ve_ringover_seconds(const struct ve_json *value);
/* true, 1, "1", "true" */
bool ve_ringover_flag(const struct ve_json *value);

#endif
