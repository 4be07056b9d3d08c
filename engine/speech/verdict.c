#include "speech/verdict.h"

#include <math.h>
#include <string.h>

#define USUAL_PHONE 8.0f    /* frames */
#define PACE_MIN    (-1.0f) /* nobody speaks three times slower: that was a hum or a tune */
#define WINDOW      50      /* frames */
#define SPELLED_MIN 3       /* phones of a word that tell something */
#define OUTSIDE     0.1f    /* a confidence below it is no near miss */

enum trait {
    TRAIT_ALL,            /* the phrase's score less the sounds', a frame of everything */
    TRAIT_WORDS,          /* the same, a frame of the words */
    TRAIT_WORST_WORD,     /* the same, of the word that fits worst */
    TRAIT_WINDOW,         /* the same, of the half second that fits worst */
    TRAIT_PAUSES,         /* the same, over all that the phrase takes for silence */
    TRAIT_PHRASE,         /* the phrase's own score, a frame of the words */
    TRAIT_SOUNDS,         /* the sounds' own score, there */
    TRAIT_PACE,           /* how far the length of a phone is from the usual, with a minus */
    TRAIT_PHONES,         /* how many phones, as a logarithm: the longer, the more can be amiss */
    TRAIT_OUTSIDE,        /* share of the loud frames that lie outside the words, with a minus */
    TRAIT_COUNT,          /* how far the number of sounds is from that of phones, with a minus */
    TRAIT_SPELLING,       /* how far the sounds are from the phones of the words, with a minus */
    TRAIT_WORST_SPELLING, /* the same, of the word that is farthest */
};

_Static_assert(TRAIT_WORST_SPELLING + 1 == VE_VERDICT_TRAITS, "one weight for each trait");

/* A logistic regression over half of what bench_recogniser says (tests/bench/fit_verdict.py). */
static const float weights[VE_VERDICT_TRAITS] = {
    [TRAIT_ALL] = -0.0188f,           [TRAIT_WORDS] = 0.0876f,  [TRAIT_WORST_WORD] = 0.0448f,
    [TRAIT_WINDOW] = 0.0627f,         [TRAIT_PAUSES] = 0.0578f, [TRAIT_PHRASE] = 0.0737f,
    [TRAIT_SOUNDS] = -0.1170f,        [TRAIT_PACE] = 4.0744f,   [TRAIT_PHONES] = -0.8455f,
    [TRAIT_OUTSIDE] = 9.7539f,        [TRAIT_COUNT] = 1.6828f,  [TRAIT_SPELLING] = 11.3007f,
    [TRAIT_WORST_SPELLING] = 0.9973f,
};
static const float bias = 15.27f;

/* Sum of phrase less sounds over frames [begin, end). */
static float difference(const struct ve_evidence *e, size_t begin, size_t end)
{
    float sum = 0;
    for (size_t i = begin; i < end && i < e->frames; i++)
        sum += e->phrase[i] - e->sounds[i];
    return sum;
}

static float worst_window(const struct ve_evidence *e, size_t length)
{
    float worst = 0;
    float sum = difference(e, 0, length);
    for (size_t i = 0;; i++) {
        worst = sum < worst ? sum : worst;
        if (i + length >= e->frames)
            return worst / (float)length;
        sum += difference(e, i + length, i + length + 1) - difference(e, i, i + 1);
    }
}

/* What the words of the path say, and where they lie. */
struct words {
    size_t begin; /* frames from the first word to the last */
    size_t end;
    size_t phones;
    float worst;
    float pauses;
};

static struct words look_at_words(const struct ve_evidence *e)
{
    struct words words = {.begin = e->frames, .worst = 0};
    for (size_t i = 0; i < e->spell_count; i++) {
        const struct ve_spell *spell = &e->spells[i];
        float sum = difference(e, spell->begin, spell->end);
        if (spell->phones == 0) {
            words.pauses += sum;
            continue;
        }
        float mean = sum / (float)(spell->end - spell->begin);
        words.worst = words.phones == 0 || mean < words.worst ? mean : words.worst;
        words.begin = words.phones == 0 ? spell->begin : words.begin;
        words.end = spell->end < e->frames ? spell->end : e->frames;
        words.phones += spell->phones;
    }
    return words;
}

static float mean_of(const float *scores, size_t begin, size_t end)
{
    float sum = 0;
    for (size_t i = begin; i < end; i++)
        sum += scores[i];
    return sum / (float)(end - begin);
}

/* How far the sounds heard in frames [begin, end) are from these phones of the path. */
static float spelled_apart(const struct ve_evidence *e, size_t begin, size_t end, size_t first,
                           size_t count)
{
    uint8_t heard[VE_PHONES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < e->heard_count; i++) {
        size_t middle = ((size_t)e->heard[i].begin + e->heard[i].end) / 2;
        if (middle >= begin && middle < end)
            heard[n++] = e->heard[i].phone;
    }
    return ve_phones_apart(e->phones + first, count, heard, n);
}

/* Of words that are long enough to tell. */
static float worst_spelling(const struct ve_evidence *e)
{
    float worst = 0;
    for (size_t i = 0; i < e->spell_count; i++) {
        const struct ve_spell *spell = &e->spells[i];
        if (spell->phones >= SPELLED_MIN)
            worst = fmaxf(worst,
                          spelled_apart(e, spell->begin, spell->end, spell->first, spell->phones));
    }
    return worst;
}

static void find_traits(const struct ve_evidence *e, const struct ve_ear_range *range,
                        const struct words *words, float *traits)
{
    float frames = (float)e->frames;
    float loud = (float)(range->loud ? range->loud : 1);
    float length = (float)(words->end - words->begin);
    float phones = (float)words->phones;
    size_t outside = 0;
    float top = e->level[0];
    for (size_t i = 0; i < e->frames; i++)
        top = e->level[i] > top ? e->level[i] : top;
    for (size_t i = 0; i < e->frames; i++)
        outside +=
            e->level[i] > top - 0.5f * range->spread && (i < words->begin || i >= words->end);
    traits[TRAIT_ALL] = difference(e, 0, e->frames) / frames;
    traits[TRAIT_WORDS] = difference(e, words->begin, words->end) / length;
    traits[TRAIT_WORST_WORD] = words->worst;
    traits[TRAIT_WINDOW] = worst_window(e, WINDOW);
    traits[TRAIT_PAUSES] = words->pauses / WINDOW;
    traits[TRAIT_PHRASE] = mean_of(e->phrase, words->begin, words->end);
    traits[TRAIT_SOUNDS] = mean_of(e->sounds, words->begin, words->end);
    traits[TRAIT_PACE] = -fabsf(logf(length / phones / USUAL_PHONE));
    traits[TRAIT_PHONES] = logf(phones);
    traits[TRAIT_OUTSIDE] = -(float)outside / loud;
    traits[TRAIT_COUNT] = -fabsf(logf(((float)e->heard_count + 1) / (phones + 1)));
    traits[TRAIT_SPELLING] = -spelled_apart(e, words->begin, words->end, 0, e->phone_count);
    traits[TRAIT_WORST_SPELLING] = -worst_spelling(e);
}

void ve_verdict_judge(const struct ve_evidence *evidence, const struct ve_ear_range *range,
                      struct ve_verdict *out)
{
    memset(out, 0, sizeof(*out));
    out->reason = "outside";
    struct words words = look_at_words(evidence);
    if (!evidence->text[0] || words.phones == 0 || words.end <= words.begin)
        return;
    find_traits(evidence, range, &words, out->traits);
    float sum = bias;
    for (size_t i = 0; i < VE_VERDICT_TRAITS; i++)
        sum += weights[i] * out->traits[i];
    out->confidence = 1.0f / (1.0f + expf(-sum));
    if (out->traits[TRAIT_PACE] < PACE_MIN)
        out->confidence = 0;
    if (out->confidence >= 0.5f)
        out->reason = NULL;
    else if (out->confidence >= OUTSIDE)
        out->reason = "score";
}
