/*
 * carrier/notice.h - text frames that say something about a call beside its audio: the metadata at
 * the beginning, key presses at any time. Every dialect takes them.
 *
 * What is no JSON object says nothing to us: metadata may be any text.
 */
#ifndef VE_CARRIER_NOTICE_H
#define VE_CARRIER_NOTICE_H

#include "base/json.h"
#include "carrier/carrier.h"

/* A text message that is being collected. */
struct ve_notice {
    struct ve_buf text;
    bool too_long; /* longer than the limit: passed over */
};

void ve_notice_init(struct ve_notice *notice, size_t limit);
void ve_notice_free(struct ve_notice *notice);
/* A piece of the message. With the last one: its JSON, for the caller to free, or NULL. */
struct ve_json *ve_notice_take(struct ve_notice *notice, const uint8_t *bytes, size_t len,
                               bool first, bool last);

/* True when it is a key press, which has then been told. */
bool ve_notice_digits(const struct ve_json *json, const struct ve_carrier_events *events,
                      void *arg);
/* What an object tells about the call. A rate outside 8 to 48 kHz counts as not told. */
void ve_notice_facts(const struct ve_json *json, struct ve_carrier_facts *facts);

/* The first of the keys that holds a text. The list ends with NULL. */
struct ve_str ve_notice_str(const struct ve_json *json, const char *const *keys);
/* The first of the keys that holds a number, or a text that is one; 0 without. */
uint32_t ve_notice_number(const struct ve_json *json, const char *const *keys);
/* A text or a number as text. */
void ve_notice_id(char *out, size_t size, const struct ve_json *json, const char *const *keys);

#endif
