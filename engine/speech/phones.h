/*
 * speech/phones.h - inside of speech/: the sounds of English as the acoustic model names them, and
 * how much one row of them sounds like another.
 *
 * Pure functions on constant tables; any thread.
 */
#ifndef VE_SPEECH_PHONES_H
#define VE_SPEECH_PHONES_H

#include "base/str.h"

#define VE_PHONE_NONE 0 /* silence, noise, or no phone at all */

/* The number of a phone ("AA", "CH"), from 1 on; VE_PHONE_NONE for anything else. */
uint8_t ve_phone_of(struct ve_str name);

/* Reads a pronunciation ("S EY L Z"): at most `max` phones go to `out`; returns how many. */
size_t ve_phones_read(struct ve_str text, uint8_t *out, size_t max);

/* What has to be changed, put in or left out to make one row the other, a phone of the longer one:
 * 0 for equal rows, 1 for rows that have nothing in common. A change to a similar phone costs less
 * than one to another kind. Rows of more than VE_PHONES_MAX are cut there. */
#define VE_PHONES_MAX 400
float ve_phones_apart(const uint8_t *a, size_t a_count, const uint8_t *b, size_t b_count);

#endif
