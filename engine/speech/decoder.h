/*
 * speech/decoder.h - inside of speech/: one pocketsphinx decoder, made for one grammar.
 *
 * It holds nothing of an utterance between two of them, so a few decoders serve many streams: a
 * thread takes one from the pool for as long as it recognises. About 8 MB and 25 ms each.
 */
#ifndef VE_SPEECH_DECODER_H
#define VE_SPEECH_DECODER_H

#include "base/list.h"
#include "speech/dictionary.h"
#include "speech/ear.h"
#include "speech/grammar.h"
#include "speech/phones.h"

#define VE_DECODER_FRAMES_MAX 1200 /* 12 s: no answer to a menu is longer */
#define VE_DECODER_WORDS_MAX  (2 * VE_GRAMMAR_WORDS_MAX)

/* What a decoder is made from; a copy, because the grammar's owner may let it go. */
struct ve_recipe {
    uint64_t key;
    struct ve_buf jsgf;  /* owned */
    struct ve_buf words; /* owned; each ends with NUL */
};

int ve_recipe_init(struct ve_recipe *recipe, const struct ve_grammar *grammar);
void ve_recipe_free(struct ve_recipe *recipe);

/* A word of the best path, or a stretch of silence in it. */
struct ve_spell {
    uint16_t begin; /* frames [begin, end) */
    uint16_t end;
    uint16_t first;  /* its phones are phones [first, first + phones) of the path */
    uint16_t phones; /* 0: silence */
};

/* A sound of the path that follows no phrase. */
struct ve_sound {
    uint16_t begin; /* frames [begin, end) */
    uint16_t end;
    uint8_t phone;
};

/* What was recognised, and what speaks for and against it. */
struct ve_evidence {
    char text[512]; /* lower case; empty when no phrase fits at all */
    struct ve_spell spells[VE_DECODER_WORDS_MAX];
    size_t spell_count;
    uint8_t phones[VE_PHONES_MAX]; /* of the best path, in order */
    size_t phone_count;
    struct ve_sound heard[VE_PHONES_MAX]; /* any sounds in a row, without silences */
    size_t heard_count;
    size_t frames;
    /* For each frame how well the phrase explains it, and how well any sounds in a row would. */
    float phrase[VE_DECODER_FRAMES_MAX];
    float sounds[VE_DECODER_FRAMES_MAX];
    float level[VE_DECODER_FRAMES_MAX]; /* c0 */
};

struct ve_decoder;

/* VE_EFAILED with the reason in `why`. */
int ve_decoder_new(struct ve_decoder **out, const struct ve_recipe *recipe,
                   const struct ve_dictionary *dictionary, const char *model, char why[static 96]);
/* NULL is allowed. */
void ve_decoder_free(struct ve_decoder *decoder);
bool ve_decoder_fits(const struct ve_decoder *decoder, const struct ve_recipe *recipe);
/* `frames` of at most VE_DECODER_FRAMES_MAX vectors. VE_ENOMEM, VE_EFAILED. */
int ve_decoder_run(struct ve_decoder *decoder, float (*vectors)[VE_EAR_DIMS], size_t frames,
                   struct ve_evidence *out);

/* The pool's link of an idle decoder, and the way back. */
struct ve_link *ve_decoder_link(struct ve_decoder *decoder);
struct ve_decoder *ve_decoder_of(struct ve_link *link);

#endif
