/*
 * media/shape.h - what a transcript so far says about the end of the turn.
 *
 * Words decide, by lists per language (media/shape_words.c): a text that ends in "and the" is not
 * over, one that ends in a question mark is, three digits of a telephone number are not. The same
 * lists know the words of a listener ("uh-huh", "d'accord") who does not want the turn. Pure
 * functions; texts are UTF-8 from outside, bytes that are no words are passed over.
 */
#ifndef VE_MEDIA_SHAPE_H
#define VE_MEDIA_SHAPE_H

#include "base/str.h"
#include "media/turn.h"

#define VE_SHAPE_TEXT_MAX   2000 /* bytes that are looked at, from the end */
#define VE_SHAPE_DIGITS_MAX 64

/* Lists of words with one blank between them, lower case. */
struct ve_language {
    const char *code;        /* "en" */
    const char *open;        /* after these the sentence goes on, whatever stands behind them */
    const char *leaning;     /* after these as well, unless a full stop does stand there */
    const char *backchannel; /* a listener's words */
    const char *answers;     /* complete without a full stop; '|' between the phrases */
    const char *units;       /* number words of one digit */
    const char *teens;       /* of two digits */
    const char *decades;     /* of two digits; a unit behind them adds none: "thirty one" */
    const char *ending;      /* words that end like this are decades as well; "" for none */
    const char *joint;       /* may stand between decade and unit; "" for none */
};

/* The language of a tag as "fr", "fr-FR", "FR_ca"; NULL when there is no list for it. */
const struct ve_language *ve_language_find(struct ve_str tag);
/* The codes of all, NULL behind the last. */
const struct ve_language *ve_languages(void);

struct ve_shape_options {
    const struct ve_language *language; /* NULL: only marks and figures count */
    uint32_t digits;                    /* the answer is a number of so many digits; 0: it is not */
};

struct ve_shape {
    enum ve_turn_shape shape;
    uint32_t words;   /* without the listener's words */
    bool backchannel; /* there are words, and all are a listener's */
};

/* `expected`: the text is an answer that was asked for. */
struct ve_shape ve_shape_of(const struct ve_shape_options *options, struct ve_str text,
                            bool expected);
const char *ve_turn_shape_name(enum ve_turn_shape shape);

#endif
