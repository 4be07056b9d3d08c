/*
 * speech/flite_voice.h - inside of speech/: all that is known of flite.
 *
 * One piece of text is spoken chunk by chunk; that blocks the speech thread it runs on and touches
 * nothing but its arguments. Flite's tables are made once per process and only read afterwards.
 */
#ifndef VE_SPEECH_FLITE_VOICE_H
#define VE_SPEECH_FLITE_VOICE_H

#include "speech/speech.h"
#include "speech/spoken.h"

#include <stdatomic.h>

struct cst_voice_struct;

/* A flite voice by name; NULL when there is none. Valid for ever, read-only. */
struct cst_voice_struct *ve_flite_voice(const char *name);
/* Makes ready what flite keeps per process. */
int ve_flite_init(void);
/* The model's phones of a word that no dictionary has ("K AE T"), by flite's letter-to-sound rules;
 * `word` is lower case. VE_ENOENT when nothing came of it. Any thread. */
int ve_flite_phones(const char *word, char *out, size_t size);

struct ve_flite_piece {
    struct cst_voice_struct *voice; /* borrowed */
    const struct ve_spoken *spoken; /* borrowed */
    struct ve_str source;           /* what `spoken` was made from; borrowed */
    size_t begin;                   /* characters of `spoken` */
    size_t end;
    const atomic_bool *stop; /* looked at between chunks; borrowed */
    /* Samples as they are made; the first call brings the words, with samples counted from the
     * beginning of the piece. An error ends the synthesis. */
    int (*chunk)(void *arg, const int16_t *samples, size_t count, const struct ve_voice_word *words,
                 size_t word_count);
    void *arg;
};

/* 0, VE_ECANCELED when `stop` was set, VE_ENOMEM, VE_EFAILED, or the error of `chunk`. */
int ve_flite_speak(const struct ve_flite_piece *piece);

#endif
