/*
 * cli/caller.h - a caller who follows a list: what is said or pressed, and when.
 *
 * Sentences are spoken by the offline voice rms before the call begins. Each item waits until the
 * agent has been silent for 300 ms, or for its own moment. After the last one the caller waits for
 * the answer, and hangs up after 3 s of silence.
 */
#ifndef VE_CLI_CALLER_H
#define VE_CLI_CALLER_H

#include "cli/softphone.h"
#include "speech/speech.h"

#define VE_CALLER_ITEMS_MAX 256

struct ve_caller;

struct ve_caller_item {
    const char *text;   /* to say, and what is shown as `said`; NULL for keys */
    const char *wav;    /* file to play instead of speaking the text; may be NULL */
    const char *digits; /* keys to press; NULL for speech */
    double at_s; /* seconds from the beginning of the media; below 0: when the agent is silent */
};

struct ve_caller_events {
    /* The item is said now; a sentence's text. */
    void (*said)(void *arg, size_t item);
    void (*ended)(void *arg, enum ve_phone_end how, const char *why);
};

struct ve_caller_options {
    struct ve_phone_options phone; /* events and arg are set by the caller */
    struct ve_speech *speech;
    const char *voice;                  /* "rms" when NULL */
    const struct ve_caller_item *items; /* borrowed until the end */
    size_t item_count;
    bool stay; /* do not hang up after the list: more is said with ve_caller_say */
    const struct ve_caller_events *events;
    void *arg;
};

int ve_caller_new(struct ve_caller **out, const struct ve_caller_options *options, char why[160]);
/* Says one more sentence, once the agent is silent or at once. */
int ve_caller_say(struct ve_caller *caller, struct ve_str text);
void ve_caller_hang_up(struct ve_caller *caller);
struct ve_softphone *ve_caller_phone(struct ve_caller *caller);
/* The gap after an item, measured on the audio: ms, -1 when it was no speech or had no answer. */
int64_t ve_caller_gap_ms(struct ve_caller *caller, size_t item);
/* Nothing more is synthesised; the speech room must then be drained before the caller is freed. */
void ve_caller_stop(struct ve_caller *caller);
/* After `ended`. */
void ve_caller_free(struct ve_caller *caller);

#endif
