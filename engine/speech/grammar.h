/*
 * speech/grammar.h - what a caller may say to one question.
 *
 * A grammar is a list of phrases, each with a tag (the intent). Phrase text is words with two
 * brackets: "[please]" is optional, "(sales|the shop)" is a choice; they nest to depth 8. Around
 * every phrase one of `leads` and one of `tails` may be said ("i would like", "please").
 *
 * Words are letters and inner apostrophes; case does not count, and . , ! ? : ; - and quotes are
 * blanks. Numbers are written as words. Letters of other Latin alphabets lose their accents.
 *
 * From it come the JSGF text for the recogniser, its word list, and the way back from a recognised
 * (or typed) text to the tag. A grammar is immutable and may be read by any thread; no I/O.
 */
#ifndef VE_SPEECH_GRAMMAR_H
#define VE_SPEECH_GRAMMAR_H

#include "base/buf.h"

#define VE_GRAMMAR_PHRASES_MAX 256
#define VE_GRAMMAR_TEXT_MAX    16384 /* bytes of all phrases, leads, tails and tags together */
#define VE_GRAMMAR_DEPTH_MAX   8
#define VE_GRAMMAR_WORDS_MAX   63 /* words of one utterance, lead and tail included */

struct ve_grammar;

struct ve_grammar_phrase {
    struct ve_str tag;  /* borrowed during ve_grammar_new */
    struct ve_str text; /* borrowed during ve_grammar_new */
};

struct ve_grammar_spec {
    const struct ve_grammar_phrase *phrases;
    size_t phrase_count;
    const struct ve_str *leads; /* may be NULL */
    size_t lead_count;
    const struct ve_str *tails; /* may be NULL */
    size_t tail_count;
};

/* Refused with VE_EPROTO or VE_ETOOBIG and `why` (which phrase, what is wrong with it). */
int ve_grammar_new(struct ve_grammar **out, const struct ve_grammar_spec *spec,
                   char why[static 160]);
/* NULL is allowed. */
void ve_grammar_free(struct ve_grammar *grammar);

/* Index of the first phrase that the whole text says, or -1. Case, punctuation and blanks do not
 * count. Bounded: a text that takes more than 100,000 steps matches nothing. */
int ve_grammar_match(const struct ve_grammar *grammar, struct ve_str text);
size_t ve_grammar_phrase_count(const struct ve_grammar *grammar);
/* Empty when there is no such phrase. */
struct ve_str ve_grammar_tag(const struct ve_grammar *grammar, int phrase);
/* Distinct words in lower case, sorted. */
size_t ve_grammar_word_count(const struct ve_grammar *grammar);
struct ve_str ve_grammar_word(const struct ve_grammar *grammar, size_t index);
/* The JSGF text; `garbage` is a rule body for what lies outside ("" leaves it out). */
int ve_grammar_jsgf(const struct ve_grammar *grammar, struct ve_str garbage, struct ve_buf *out);
/* Equal specs have equal keys: for caches of recognisers. */
uint64_t ve_grammar_key(const struct ve_grammar *grammar);

#endif
