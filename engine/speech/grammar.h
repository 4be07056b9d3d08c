/*
 * speech/grammar.h - what a caller may say to one question.
 *
 * A grammar is a list of phrases, each with a tag (the intent). Phrase text is words with two
 * brackets: "[please]" is optional, "(sales|the shop)" is a choice; they nest to depth 8. Around
 * every phrase one of `leads` and one of `tails` may be said ("i would like", "please").
 *
 * From it come the JSGF text for the recogniser, its word list, and the way back from a recognised
 * (or typed) text to the tag. Pure functions, no engine, no I/O.
 */
#ifndef VE_SPEECH_GRAMMAR_H
#define VE_SPEECH_GRAMMAR_H

#include "base/buf.h"

#define VE_GRAMMAR_PHRASES_MAX 256
#define VE_GRAMMAR_TEXT_MAX 16384 /* bytes of all phrases together */

struct ve_grammar;

struct ve_grammar_phrase {
    struct ve_str tag;  /* borrowed during ve_grammar_new */
    struct ve_str text;
};

struct ve_grammar_spec {
    const struct ve_grammar_phrase *phrases;
    size_t phrase_count;
    const struct ve_str *leads; /* may be NULL */
    size_t lead_count;
    const struct ve_str *tails;
    size_t tail_count;
};

/* Refused with VE_EPROTO or VE_ETOOBIG and `why` (which phrase, what is wrong with it). */
int ve_grammar_new(struct ve_grammar **out, const struct ve_grammar_spec *spec,
                   char why[static 160]);
void ve_grammar_free(struct ve_grammar *grammar);

/* Index of the phrase that the whole text says, or -1. Case, punctuation and blanks do not count.
 * Bounded: at most 100,000 steps whatever the text. */
int ve_grammar_match(const struct ve_grammar *grammar, struct ve_str text);
struct ve_str ve_grammar_tag(const struct ve_grammar *grammar, int phrase);
/* Distinct words in lower case, sorted. */
size_t ve_grammar_word_count(const struct ve_grammar *grammar);
struct ve_str ve_grammar_word(const struct ve_grammar *grammar, size_t index);
/* The JSGF text; `garbage` is a rule body for what lies outside ("" leaves it out). */
int ve_grammar_jsgf(const struct ve_grammar *grammar, struct ve_str garbage, struct ve_buf *out);
/* Equal specs have equal keys: for caches of recognisers. */
uint64_t ve_grammar_key(const struct ve_grammar *grammar);

#endif
