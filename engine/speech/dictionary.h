/*
 * speech/dictionary.h - how words are pronounced: CMUdict as the recogniser's package ships it.
 *
 * Inside of speech/ only. The file is mapped, never copied: processes share its pages, and a
 * look-up is a binary search. Read-only after opening, any thread.
 */
#ifndef VE_SPEECH_DICTIONARY_H
#define VE_SPEECH_DICTIONARY_H

#include "base/str.h"

struct ve_dictionary {
    const char *text; /* mapped */
    size_t size;
};

/* VE_EIO when there is no such file. */
int ve_dictionary_open(struct ve_dictionary *dictionary, const char *path);
void ve_dictionary_close(struct ve_dictionary *dictionary);
/* Calls `found` with the phones ("B IH L") of every way to say `word` (lower case), at most 8;
 * returns how many there were. A negative answer of `found` ends it and is returned. */
int ve_dictionary_find(const struct ve_dictionary *dictionary, struct ve_str word,
                       int (*found)(void *arg, int variant, struct ve_str phones), void *arg);

#endif
