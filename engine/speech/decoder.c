#include "speech/decoder.h"

#include "base/alloc.h"
#include "base/err.h"
#include "speech/flite_voice.h"

#include <pocketsphinx.h>
#include <sphinxbase/fsg_model.h>
#include <sphinxbase/jsgf.h>
#include <stdio.h>
#include <string.h>

#define PHONES_MAX 160 /* bytes of one pronunciation */

struct ve_decoder {
    struct ve_link link;
    uint64_t key;
    struct ve_buf jsgf; /* owned */
    cmd_ln_t *config;   /* owned */
    ps_decoder_t *ps;   /* owned */
};

/* --- recipe ----------------------------------------------------------------------------------- */

int ve_recipe_init(struct ve_recipe *recipe, const struct ve_grammar *grammar)
{
    recipe->key = ve_grammar_key(grammar);
    ve_buf_init(&recipe->jsgf, 0);
    ve_buf_init(&recipe->words, 0);
    int err = ve_grammar_jsgf(grammar, ve_str_n(NULL, 0), &recipe->jsgf);
    if (!err)
        err = ve_buf_add_char(&recipe->jsgf, '\0');
    for (size_t i = 0; i < ve_grammar_word_count(grammar) && !err; i++) {
        err = ve_buf_add_str(&recipe->words, ve_grammar_word(grammar, i));
        if (!err)
            err = ve_buf_add_char(&recipe->words, '\0');
    }
    if (err)
        ve_recipe_free(recipe);
    return err;
}

void ve_recipe_free(struct ve_recipe *recipe)
{
    ve_buf_free(&recipe->jsgf);
    ve_buf_free(&recipe->words);
}

/* --- making one ------------------------------------------------------------------------------- */

struct adding {
    ps_decoder_t *ps;
    const char *word;
};

static int add_variant(void *arg, int variant, struct ve_str phones)
{
    struct adding *adding = arg;
    char name[64];
    char text[PHONES_MAX];
    if (variant > 0)
        (void)snprintf(name, sizeof(name), "%s(%d)", adding->word, variant + 1);
    else
        (void)snprintf(name, sizeof(name), "%s", adding->word);
    if (!ve_str_copy(text, sizeof(text), phones))
        return VE_EFAILED;
    return ps_add_word(adding->ps, name, text, FALSE) < 0 ? VE_EFAILED : 0;
}

/* Words that CMUdict does not have are pronounced as the voice would. */
static int add_word(ps_decoder_t *ps, const char *word, const struct ve_dictionary *dictionary)
{
    struct adding adding = {ps, word};
    int count = ve_dictionary_find(dictionary, ve_str(word), add_variant, &adding);
    if (count != 0)
        return count < 0 ? count : 0;
    char phones[PHONES_MAX];
    int err = ve_flite_phones(word, phones, sizeof(phones));
    return err ? err : add_variant(&adding, 0, ve_str(phones));
}

static int add_words(ps_decoder_t *ps, const struct ve_recipe *recipe,
                     const struct ve_dictionary *dictionary, char why[static 96])
{
    const char *word = recipe->words.ptr;
    const char *end = word + recipe->words.len;
    for (; word < end; word += strlen(word) + 1) {
        if (add_word(ps, word, dictionary) == 0)
            continue;
        (void)snprintf(why, 96, "no pronunciation for \"%s\"", word);
        return VE_EFAILED;
    }
    return 0;
}

static int load(struct ve_decoder *decoder, const char *model, char why[static 96])
{
    (void)snprintf(why, 96, "the acoustic model cannot be loaded");
    /* The two fillers of the model's own would swallow words: their probability is next to none. */
    decoder->config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", model, "-allphone_ci", "yes",
                                  "-fillprob", "1e-35", NULL);
    if (!decoder->config)
        return VE_EFAILED;
    decoder->ps = ps_init(decoder->config);
    if (!decoder->ps)
        return VE_EFAILED;
    /* The ear has centred the vectors. */
    ps_get_feat(decoder->ps)->cmn = CMN_NONE;
    return 0;
}

/* As ps_set_jsgf_string, which never frees the grammar that it has parsed. */
static int set_grammar(struct ve_decoder *decoder)
{
    jsgf_t *jsgf = jsgf_parse_string(decoder->jsgf.ptr, NULL);
    jsgf_rule_t *rule = jsgf ? jsgf_get_public_rule(jsgf) : NULL;
    float weight = (float)cmd_ln_float32_r(decoder->config, "-lw");
    fsg_model_t *fsg =
        rule ? jsgf_build_fsg(jsgf, rule, ps_get_logmath(decoder->ps), weight) : NULL;
    int failed = fsg ? ps_set_fsg(decoder->ps, "menu", fsg) : -1;
    if (fsg)
        fsg_model_free(fsg);
    if (jsgf)
        jsgf_grammar_free(jsgf);
    return failed;
}

int ve_decoder_new(struct ve_decoder **out, const struct ve_recipe *recipe,
                   const struct ve_dictionary *dictionary, const char *model, char why[static 96])
{
    struct ve_decoder *decoder = ve_alloc(sizeof(*decoder));
    if (!decoder)
        return VE_ENOMEM;
    ve_link_init(&decoder->link);
    ve_buf_init(&decoder->jsgf, 0);
    decoder->key = recipe->key;
    int err = ve_buf_add(&decoder->jsgf, recipe->jsgf.ptr, recipe->jsgf.len);
    if (!err)
        err = load(decoder, model, why);
    if (!err)
        err = add_words(decoder->ps, recipe, dictionary, why);
    if (!err &&
        (set_grammar(decoder) != 0 || ps_set_allphone_file(decoder->ps, "sounds", NULL) != 0)) {
        (void)snprintf(why, 96, "the grammar cannot be loaded");
        err = VE_EFAILED;
    }
    if (err) {
        ve_decoder_free(decoder);
        return err;
    }
    *out = decoder;
    return 0;
}

/* ps_free leaves the last path of the sounds behind; asking for that of nothing lets it go. */
static void free_path(ps_decoder_t *ps)
{
    if (ps_set_search(ps, "sounds") != 0 || ps_start_utt(ps) != 0 || ps_end_utt(ps) != 0)
        return;
    ps_seg_t *segment = ps_seg_iter(ps);
    while (segment)
        segment = ps_seg_next(segment);
}

void ve_decoder_free(struct ve_decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->ps) {
        free_path(decoder->ps);
        (void)ps_free(decoder->ps);
    }
    if (decoder->config)
        (void)cmd_ln_free_r(decoder->config);
    ve_buf_free(&decoder->jsgf);
    ve_free(decoder);
}

bool ve_decoder_fits(const struct ve_decoder *decoder, const struct ve_recipe *recipe)
{
    return decoder->key == recipe->key &&
           ve_str_eq(ve_buf_str(&decoder->jsgf), ve_buf_str(&recipe->jsgf));
}

struct ve_link *ve_decoder_link(struct ve_decoder *decoder)
{
    return &decoder->link;
}

struct ve_decoder *ve_decoder_of(struct ve_link *link)
{
    return VE_CONTAINER(link, struct ve_decoder, link);
}

/* --- using it --------------------------------------------------------------------------------- */

static int search(struct ve_decoder *decoder, const char *name, float **rows, size_t frames)
{
    ps_decoder_t *ps = decoder->ps;
    if (ps_set_search(ps, name) != 0 || ps_start_utt(ps) < 0)
        return VE_EFAILED;
    int done = ps_process_cep(ps, rows, (int)frames, FALSE, TRUE);
    return ps_end_utt(ps) < 0 || done < 0 ? VE_EFAILED : 0;
}

/* Adds a word, or a stretch of silence, to the best path. */
static void add_spell(ps_decoder_t *ps, const char *word, int first, int last,
                      struct ve_evidence *out)
{
    if (out->spell_count == VE_DECODER_WORDS_MAX)
        return;
    struct ve_spell *spell = &out->spells[out->spell_count++];
    *spell = (struct ve_spell){
        .begin = (uint16_t)first, .end = (uint16_t)(last + 1), .first = (uint16_t)out->phone_count};
    if (word[0] == '<' || word[0] == '[')
        return;
    char *phones = ps_lookup_word(ps, word);
    if (!phones)
        return;
    spell->phones = (uint16_t)ve_phones_read(ve_str(phones), out->phones + out->phone_count,
                                             VE_PHONES_MAX - out->phone_count);
    out->phone_count += spell->phones;
    ckd_free(phones);
}

static void add_sound(const char *name, int first, int last, struct ve_evidence *out)
{
    uint8_t phone = ve_phone_of(ve_str(name));
    if (phone == VE_PHONE_NONE || out->heard_count == VE_PHONES_MAX)
        return;
    out->heard[out->heard_count++] =
        (struct ve_sound){(uint16_t)first, (uint16_t)(last + 1), phone};
}

/* A segment's score, spread evenly over its frames. */
static void spread(float *scores, size_t frames, int first, int last, int score)
{
    float each = (float)score / (float)(last - first + 1);
    for (int i = first; i <= last && (size_t)i < frames; i++)
        scores[i] = each;
}

static void read_path(struct ve_decoder *decoder, float *scores, struct ve_evidence *out,
                      size_t frames)
{
    ps_seg_t *segment = ps_seg_iter(decoder->ps);
    for (; segment; segment = ps_seg_next(segment)) {
        int first;
        int last;
        int score;
        int ignored;
        const char *word = ps_seg_word(segment);
        ps_seg_frames(segment, &first, &last);
        (void)ps_seg_prob(segment, &score, &ignored, &ignored);
        if (!word || strcmp(word, "(NULL)") == 0 || first < 0 || last < first)
            continue;
        spread(scores, frames, first, last, score);
        if (scores == out->sounds)
            add_sound(word, first, last, out);
        else
            add_spell(decoder->ps, word, first, last, out);
    }
}

int ve_decoder_run(struct ve_decoder *decoder, float (*vectors)[VE_EAR_DIMS], size_t frames,
                   struct ve_evidence *out)
{
    float *rows[VE_DECODER_FRAMES_MAX];
    memset(out, 0, sizeof(*out));
    if (frames == 0 || frames > VE_DECODER_FRAMES_MAX)
        return VE_EINVAL;
    for (size_t i = 0; i < frames; i++) {
        rows[i] = vectors[i];
        out->level[i] = vectors[i][0];
    }
    out->frames = frames;
    int err = search(decoder, "menu", rows, frames);
    if (err)
        return err;
    int32 score;
    const char *text = ps_get_hyp(decoder->ps, &score);
    if (!text || !ve_str_copy(out->text, sizeof(out->text), ve_str(text)) || !out->text[0]) {
        out->text[0] = '\0';
        return 0;
    }
    read_path(decoder, out->phrase, out, frames);
    err = search(decoder, "sounds", rows, frames);
    if (!err)
        read_path(decoder, out->sounds, out, frames);
    return err;
}
