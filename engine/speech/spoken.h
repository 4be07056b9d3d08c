/*
 * speech/spoken.h - a text as the voice reads it: plain characters, in pieces.
 *
 * Inside of speech/ only. A piece is a sentence, or part of a long one: the voice makes one piece
 * after the other, so the first audio comes after the first piece and not after the whole text.
 * Every character remembers the byte of the text it came from, so that words of the audio can be
 * found in the text again. Any bytes are allowed. Pure functions.
 */
#ifndef VE_SPEECH_SPOKEN_H
#define VE_SPEECH_SPOKEN_H

#include "base/str.h"

#define VE_SPOKEN_TEXT_MAX  4000 /* bytes of source text */
#define VE_SPOKEN_PIECE_MAX 240  /* characters of a piece */

struct ve_spoken {
    char *chars;    /* owned; letters, digits, blanks, line feeds and . , ! ? ; : ' - $ / ( ) */
    uint16_t *from; /* owned; for each character the byte of the source it stands for */
    size_t count;
};

/* VE_ETOOBIG, VE_ENOMEM. */
int ve_spoken_init(struct ve_spoken *spoken, struct ve_str text);
void ve_spoken_free(struct ve_spoken *spoken);
/* The next piece that has something to say: characters [*begin, *end), blanks cut off at both
 * ends. Start with *end = 0; false after the last. */
bool ve_spoken_next(const struct ve_spoken *spoken, size_t *begin, size_t *end);

#endif
