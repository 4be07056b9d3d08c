#include "speech/flite_voice.h"

#include "base/alloc.h"
#include "base/err.h"
#include "speech/text.h"

#include <flite/flite.h>
#include <string.h>

/* No header of flite's declares these. */
cst_voice *register_cmu_us_slt(const char *folder);
cst_voice *register_cmu_us_rms(const char *folder);
cst_lexicon *cmu_lex_init(void);

#define CHUNK_SAMPLES     800           /* at least so many in a chunk: 50 ms */
#define PIECE_SAMPLES_MAX (16000 * 120) /* nothing sensible takes longer */

/* A run of characters between blanks: what flite takes for one token. */
struct token {
    uint32_t begin; /* bytes of the source */
    uint32_t len;
};

struct speaking {
    const struct ve_flite_piece *piece;
    char text[VE_SPOKEN_PIECE_MAX + 2];
    struct token tokens[VE_SPOKEN_PIECE_MAX / 2 + 1];
    size_t token_count;
    struct ve_voice_word words[VE_SPOKEN_PIECE_MAX / 2 + 1];
    size_t word_count;
    size_t samples; /* given so far */
    int err;
};

struct cst_voice_struct *ve_flite_voice(const char *name)
{
    if (!name || strcmp(name, "slt") == 0)
        return register_cmu_us_slt(NULL);
    return strcmp(name, "rms") == 0 ? register_cmu_us_rms(NULL) : NULL;
}

int ve_flite_init(void)
{
    if (flite_init() != 0)
        return VE_EFAILED;
    /* Registering fills tables that live for the process, and so does a voice's first word. */
    cst_voice *voices[] = {register_cmu_us_slt(NULL), register_cmu_us_rms(NULL)};
    for (size_t i = 0; i < sizeof(voices) / sizeof(voices[0]); i++) {
        cst_wave *wave = voices[i] ? flite_text_to_wave("a", voices[i]) : NULL;
        if (!wave)
            return VE_EFAILED;
        delete_wave(wave);
    }
    return 0;
}

/* cmulex writes its phones in lower case with a stress mark; the model has no "ax". */
static bool add_phone(const char *phone, char *out, size_t size, size_t *len)
{
    size_t letters = strcspn(phone, "012");
    if (letters == 0 || letters > 2 || *len + letters + 2 > size)
        return false;
    if (*len)
        out[(*len)++] = ' ';
    bool schwa = letters == 2 && memcmp(phone, "ax", 2) == 0;
    for (size_t i = 0; i < letters; i++) {
        char c = schwa ? "ah"[i] : phone[i];
        out[(*len)++] = (char)(c - 'a' + 'A');
    }
    return true;
}

int ve_flite_phones(const char *word, char *out, size_t size)
{
    size_t len = 0;
    bool fits = true;
    cst_val *phones = lex_lookup(cmu_lex_init(), word, NULL, NULL);
    for (const cst_val *p = phones; p && fits; p = val_cdr(p))
        fits = add_phone(val_string(val_car(p)), out, size, &len);
    if (phones)
        delete_val(phones);
    if (!fits || len == 0)
        return VE_ENOENT;
    out[len] = '\0';
    return 0;
}

/* Byte of the source behind the character at `at`. */
static size_t source_end(const struct ve_flite_piece *piece, size_t at)
{
    char ascii[VE_TEXT_ASCII_MAX];
    size_t count;
    size_t from = piece->spoken->from[at];
    return from + ve_text_ascii(ve_str_n(piece->source.ptr + from, piece->source.len - from), ascii,
                                &count);
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Copies what can be said, one blank between tokens: marks that stand alone are left out. */
static void collect_tokens(struct speaking *speaking)
{
    const struct ve_flite_piece *piece = speaking->piece;
    const char *chars = piece->spoken->chars;
    size_t len = 0;
    for (size_t at = piece->begin; at < piece->end;) {
        size_t start = at;
        bool says = false;
        for (; at < piece->end && chars[at] != ' ' && chars[at] != '\n'; at++)
            says = says || is_word_char(chars[at]);
        if (says) {
            struct token *token = &speaking->tokens[speaking->token_count++];
            token->begin = piece->spoken->from[start];
            token->len = (uint32_t)source_end(piece, at - 1) - token->begin;
            memcpy(speaking->text + len, chars + start, at - start);
            len += at - start;
            speaking->text[len++] = ' ';
        }
        at += at < piece->end;
    }
    speaking->text[len ? len - 1 : 0] = '\0';
}

/* Where the token's first word begins and its last one ends; false when nothing is said for it. */
static bool token_span(const cst_item *token, float *from, float *to)
{
    const cst_item *first = item_daughter(token);
    const cst_item *last = item_last_daughter(token);
    if (!first || !last)
        return false;
    const cst_item *begin = path_to_item(first, "R:SylStructure.daughter.daughter.R:Segment");
    const cst_item *end = path_to_item(last, "R:SylStructure.daughtern.daughtern.R:Segment");
    if (!begin || !end)
        return false;
    const cst_item *before = item_prev(begin);
    *from = before ? item_feat_float(before, "end") : 0.0f;
    *to = item_feat_float(end, "end");
    return *to >= *from;
}

/* Flite's tokens are ours one by one, unless it split one: then they share it. */
static void find_words(struct speaking *speaking, const cst_utterance *utterance)
{
    size_t index = 0;
    size_t seen = 0; /* characters of our present token that flite's tokens have covered */
    size_t at = 0;   /* where it begins in `text` */
    const cst_item *item = relation_head(utt_relation(utterance, "Token"));
    for (; item && index < speaking->token_count; item = item_next(item)) {
        struct ve_voice_word *word = &speaking->words[speaking->word_count];
        float from;
        float to;
        if (token_span(item, &from, &to) &&
            speaking->word_count < sizeof(speaking->words) / sizeof(speaking->words[0])) {
            word->begin = speaking->tokens[index].begin;
            word->len = speaking->tokens[index].len;
            word->from = (uint32_t)(from * VE_VOICE_RATE);
            word->to = (uint32_t)(to * VE_VOICE_RATE);
            speaking->word_count++;
        }
        size_t length = strcspn(speaking->text + at, " ");
        seen += strlen(item_feat_string(item, "prepunctuation")) +
                strlen(item_feat_string(item, "name")) + strlen(item_feat_string(item, "punc"));
        if (seen < length)
            continue;
        at += length + 1;
        seen = 0;
        index++;
    }
}

static int on_audio(const cst_wave *wave, int start, int size, int last,
                    cst_audio_streaming_info *info)
{
    (void)last;
    struct speaking *speaking = info->userdata;
    const struct ve_flite_piece *piece = speaking->piece;
    if (atomic_load(piece->stop)) {
        speaking->err = VE_ECANCELED;
        return CST_AUDIO_STREAM_STOP;
    }
    if (size <= 0)
        return CST_AUDIO_STREAM_CONT;
    bool first = speaking->samples == 0;
    if (first)
        find_words(speaking, info->utt);
    speaking->samples += (size_t)size;
    speaking->err = piece->chunk(piece->arg, wave->samples + start, (size_t)size, speaking->words,
                                 first ? speaking->word_count : 0);
    if (!speaking->err && speaking->samples > PIECE_SAMPLES_MAX)
        speaking->err = VE_ETOOBIG;
    return speaking->err ? CST_AUDIO_STREAM_STOP : CST_AUDIO_STREAM_CONT;
}

/* The utterance is made by hand, because what streams belongs to it and not to the voice, which
 * other threads use at the same time. */
static int synthesise(struct speaking *speaking)
{
    cst_utterance *utterance = new_utterance();
    cst_audio_streaming_info *info = new_audio_streaming_info();
    info->min_buffsize = CHUNK_SAMPLES;
    info->asc = on_audio;
    info->userdata = speaking;
    utt_set_input_text(utterance, speaking->text);
    /* Now the utterance's: it goes with it. */
    utt_set_feat(utterance, "streaming_info", audio_streaming_info_val(info));
    utt_init(utterance, speaking->piece->voice);
    if (!utt_synth(utterance) && !speaking->err)
        speaking->err = VE_EFAILED;
    delete_utterance(utterance);
    return speaking->err;
}

int ve_flite_speak(const struct ve_flite_piece *piece)
{
    struct speaking *speaking = ve_alloc(sizeof(*speaking));
    if (!speaking)
        return VE_ENOMEM;
    speaking->piece = piece;
    collect_tokens(speaking);
    int err = speaking->token_count ? synthesise(speaking) : 0;
    ve_free(speaking);
    return err;
}
