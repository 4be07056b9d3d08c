/*
 * speech/text.h - text from anywhere, made into what an English voice can read.
 *
 * Inside of speech/ only. The libraries below take plain ASCII and stumble over the rest, so every
 * text goes through here first: common Latin letters lose their accents, typographic marks become
 * plain ones, everything else becomes a blank. Any bytes are allowed; nothing fails. Pure
 * functions.
 */
#ifndef VE_SPEECH_TEXT_H
#define VE_SPEECH_TEXT_H

#include "base/str.h"

#define VE_TEXT_ASCII_MAX 12 /* bytes that one character may become */

/* Reads one character (or one broken byte) at the front of `text`, which is not empty, and writes
 * the printable ASCII that stands for it; a blank when nothing does. Returns the bytes read;
 * *out_len gets the bytes written, 0 for marks that only change the letter before them. */
size_t ve_text_ascii(struct ve_str text, char out[static VE_TEXT_ASCII_MAX], size_t *out_len);

/* Takes the next word, lower case, off the front of *rest: letters, digits and inner apostrophes.
 * Returns its length, at most `size` (the rest of an overlong word is skipped), or 0 at the end.
 * What ends the word stays. */
size_t ve_text_word(struct ve_str *rest, char *out, size_t size);

#endif
