/*
 * call/say.h - a text that the agent speaks, and which of its words were heard.
 *
 * Whatever makes the audio (the offline voice, a provider's stream, the cache) writes samples into
 * the say's sink; the playout plays them; when it has ended, the say works out from the played
 * position and the word marks what the caller heard. That, and not the text, goes into the
 * transcript and the history.
 */
#ifndef VE_CALL_SAY_H
#define VE_CALL_SAY_H

#include "base/flow.h"
#include "call/call.h"

struct ve_say_result {
    struct ve_str heard; /* the words that were heard, borrowed */
    enum ve_segment_end how;
    uint32_t played_ms;
    int err; /* why the source failed, with VE_SEGMENT_FAILED */
};

struct ve_say_options {
    struct ve_str text; /* copied; may be empty (a tone, a file) */
    uint32_t rate;      /* Hz of the samples that will be written */
    bool fixed;         /* not to be interrupted */
    bool silent;        /* does not go into the transcript */
    bool filler;        /* asks for patience: the caller's turn still has no answer */
    bool urgent;        /* in front of what waits to be said */
    /* The answer it belongs to: heard only once that take of the turn is committed, cancelled when
     * it is discarded. Turn 0: it belongs to none. */
    uint32_t turn, take;
    struct ve_source source; /* how to make the paused writer go on; resume may be NULL */
    /* The first sound is heard now; may be NULL. */
    void (*began)(void *arg, uint64_t at_ns);
    void (*done)(void *arg, const struct ve_say_result *result); /* once, last */
    void *arg;
};

/* Where a word of the text lies in the audio. */
struct ve_say_word {
    uint32_t begin, len; /* bytes of the text */
    uint32_t from, to;   /* samples, from the start of the say */
};

/* VE_EGONE when the call has no media, VE_ECANCELED when its take was discarded already, VE_EBUSY,
 * VE_ENOMEM. */
int ve_say_begin(struct ve_call *call, const struct ve_say_options *options, struct ve_say **out);
/* Takes s16 samples of the say's rate; bytes may split a sample. */
struct ve_sink ve_say_sink(struct ve_say *say);
/* Marks, at most 1024; those that do not lie in the text are left out. Without any, words are taken
 * to be as long as their letters. */
void ve_say_words(struct ve_say *say, const struct ve_say_word *words, size_t count);
/* Stops it; no callback comes any more, and the sink must not be used. NULL is allowed. When the
 * call ends before, the say is gone without a word: its owner must have cancelled it. */
void ve_say_cancel(struct ve_say *say);

#endif
