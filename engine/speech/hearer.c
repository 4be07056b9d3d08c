#include "speech/hearer.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

#define EARLY_MAX 4 /* times that an utterance is recognised before its end */
#define SLACK     2 /* frames by which a range may move without being another one */

struct ve_hearer {
    struct ve_decoder_pool *pool; /* borrowed */
    struct ve_recipe recipe;
    uint32_t rate;             /* Hz */
    struct ve_ear *ear;        /* owned; made by ve_hearer_warm */
    struct ve_evidence *known; /* owned: of the utterance, as far as it was recognised */
    struct ve_ear_range range; /* what `known` is about */
    struct ve_verdict verdict;
    bool recognised; /* range, known and verdict are of this utterance */
    unsigned early;  /* times recognised before the end */
};

int ve_hearer_new(struct ve_hearer **out, struct ve_decoder_pool *pool,
                  const struct ve_grammar *grammar, uint32_t rate)
{
    struct ve_hearer *listener = ve_alloc(sizeof(*listener));
    if (!listener)
        return VE_ENOMEM;
    listener->pool = pool;
    listener->rate = rate;
    int err = ve_recipe_init(&listener->recipe, grammar);
    if (err) {
        ve_free(listener);
        return err;
    }
    *out = listener;
    return 0;
}

void ve_hearer_free(struct ve_hearer *listener)
{
    if (!listener)
        return;
    ve_ear_free(listener->ear);
    ve_free(listener->known);
    ve_recipe_free(&listener->recipe);
    ve_free(listener);
}

int ve_hearer_warm(struct ve_hearer *listener, char why[static 96])
{
    struct ve_decoder *decoder;
    int err = ve_decoder_take(listener->pool, &listener->recipe, &decoder, why);
    if (err)
        return err;
    ve_decoder_give(listener->pool, decoder);
    if (!listener->known)
        listener->known = ve_alloc(sizeof(*listener->known));
    if (!listener->known)
        return VE_ENOMEM;
    return listener->ear ? 0 : ve_ear_new(&listener->ear, listener->rate);
}

void ve_hearer_begin(struct ve_hearer *listener)
{
    ve_ear_begin(listener->ear);
    listener->recognised = false;
    listener->early = 0;
    memset(&listener->verdict, 0, sizeof(listener->verdict));
    listener->known->text[0] = '\0';
}

static size_t apart(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

static bool is_known(const struct ve_hearer *listener, const struct ve_ear_range *range)
{
    return listener->recognised && apart(listener->range.begin, range->begin) <= SLACK &&
           apart(listener->range.end, range->end) <= SLACK;
}

static int recognise(struct ve_hearer *listener, const struct ve_ear_range *range,
                     char why[static 96])
{
    size_t frames = range->end - range->begin;
    float(*vectors)[VE_EAR_DIMS] = ve_alloc_array(frames, sizeof(*vectors));
    if (!vectors)
        return VE_ENOMEM;
    ve_ear_vectors(listener->ear, range, vectors);
    struct ve_decoder *decoder;
    int err = ve_decoder_take(listener->pool, &listener->recipe, &decoder, why);
    if (!err) {
        err = ve_decoder_run(decoder, vectors, frames, listener->known);
        ve_decoder_give(listener->pool, decoder);
    }
    ve_free(vectors);
    if (err)
        return err;
    ve_verdict_judge(listener->known, range, &listener->verdict);
    listener->range = *range;
    listener->recognised = true;
    return 0;
}

/* Is it worth the work now? At the end always, before it when the speaker has paused. */
static bool is_due(const struct ve_hearer *listener, const struct ve_ear_range *range, bool last)
{
    if (range->sound != VE_EAR_SPEECH || range->end - range->begin > VE_DECODER_FRAMES_MAX ||
        is_known(listener, range))
        return false;
    /* The range ends a margin behind the speech: when more has followed, it was a pause. */
    return last || (listener->early < EARLY_MAX && range->end < ve_ear_frames(listener->ear));
}

/* What an utterance is that was not worth recognising. */
static void describe(const struct ve_hearer *listener, const struct ve_ear_range *range,
                     struct ve_heard *out)
{
    out->confidence = listener->verdict.confidence;
    out->reason = listener->verdict.reason;
    out->text = ve_str(listener->known->text);
    if (range->sound == VE_EAR_SPEECH && is_known(listener, range))
        return;
    out->confidence = 0;
    out->text = ve_str_n(NULL, 0);
    out->reason = range->sound == VE_EAR_SILENCE ? "silence"
                  : range->sound == VE_EAR_NOISE ? "noise"
                                                 : "outside";
}

int ve_hearer_hear(struct ve_hearer *listener, const int16_t *samples, size_t count, bool last,
                   struct ve_heard *out, char why[static 96])
{
    memset(out, 0, sizeof(*out));
    int err = ve_ear_hear(listener->ear, samples, count);
    if (!err && last)
        err = ve_ear_end(listener->ear);
    struct ve_ear_range range;
    if (!err)
        err = ve_ear_range(listener->ear, &range);
    if (err)
        return err;
    if (is_due(listener, &range, last)) {
        listener->early += !last;
        err = recognise(listener, &range, why);
        out->news = err == 0;
    }
    describe(listener, &range, out);
    return err;
}

const struct ve_verdict *ve_hearer_verdict(const struct ve_hearer *listener)
{
    return &listener->verdict;
}
