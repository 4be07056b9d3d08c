/*
 * speech/hearer.h - inside of speech/: the part of a recogniser that runs on the speech threads.
 *
 * Hears samples, and says what an utterance was: at its end, and already when its speaker pauses,
 * so that the answer is ready when the end of the turn is decided. Used by one job at a time.
 */
#ifndef VE_SPEECH_HEARER_H
#define VE_SPEECH_HEARER_H

#include "speech/decoder_pool.h"
#include "speech/verdict.h"

struct ve_hearer;

/* What is known of an utterance; the text is of the listener's memory until its next call. */
struct ve_heard {
    struct ve_str text;
    float confidence;
    const char *reason; /* NULL: one of the phrases was said */
    bool news;          /* it was recognised anew in this call */
};

/* Copies of the grammar's parts go into it; `pool` is borrowed. */
int ve_hearer_new(struct ve_hearer **out, struct ve_decoder_pool *pool,
                  const struct ve_grammar *grammar, uint32_t rate);
/* NULL is allowed. */
void ve_hearer_free(struct ve_hearer *listener);
/* Loads what takes time, so that the first utterance does not wait. VE_EFAILED and why. */
int ve_hearer_warm(struct ve_hearer *listener, char why[static 96]);
/* The next samples are those of another utterance. */
void ve_hearer_begin(struct ve_hearer *listener);
/* More samples of the utterance; `last`: there are no more of them. */
int ve_hearer_hear(struct ve_hearer *listener, const int16_t *samples, size_t count, bool last,
                   struct ve_heard *out, char why[static 96]);
/* What the last words were judged by; all zero when nothing was worth recognising. */
const struct ve_verdict *ve_hearer_verdict(const struct ve_hearer *listener);

#endif
