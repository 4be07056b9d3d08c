/*
 * cli/phrases.h - the phrases for when nothing else is left: made by the offline voice when the
 * engine starts, kept in memory, used without any provider.
 */
#ifndef VE_CLI_PHRASES_H
#define VE_CLI_PHRASES_H

#include "base/buf.h"
#include "call/call.h"
#include "speech/speech.h"

struct ve_phrases {
    struct ve_calls *calls; /* borrowed */
    struct ve_rendering {
        struct ve_phrases *owner;
        enum ve_phrase_kind kind;
        struct ve_voice *voice; /* being made */
        struct ve_buf samples;  /* s16 at VE_VOICE_RATE */
    } all[VE_PHRASES];
};

/* Begins to make them. Without `speech` (simulated callers in text) they are a hum of the right
 * length. */
void ve_phrases_open(struct ve_phrases *phrases, struct ve_calls *calls, struct ve_speech *speech,
                     const struct ve_log *log);
/* Stops what is being made; the voices end before the speech does. */
void ve_phrases_cancel(struct ve_phrases *phrases);
/* After the calls. */
void ve_phrases_free(struct ve_phrases *phrases);

#endif
