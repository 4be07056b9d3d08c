#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "loop/job.h"
#include "speech/engine.h"
#include "speech/hearer.h"

#include <stdio.h>
#include <string.h>

#define UTTERANCES_MAX    8  /* finished, their results to come */
#define UTTERANCE_SECONDS 60 /* the rest is ignored */
#define BATCH_MS          100
#define SIM_HEAR          (2 * VE_MS)
#define SIM_RECOGNISE     (25 * VE_MS)

/* Samples wait here until the job before is done; so there is never more than one job. */
struct utterance {
    struct ve_link link;
    struct ve_buf waiting; /* owned: samples not yet given to a job */
    size_t fed;            /* samples */
    bool begun;            /* a job has had the first of them */
    bool finished;         /* no more will be fed */
    bool dropped;          /* forgotten while a job works on it */
};

struct ve_recogniser {
    struct ve_speech *speech; /* borrowed */
    struct ve_recogniser_options options;
    struct ve_hearer *listener; /* owned; the job's while it works */
    struct ve_link utterances;  /* owned, in order; a job works on the first */
    struct utterance *open;     /* the last one, while it is fed; or NULL */
    unsigned finished;          /* utterances whose results are to come */
    struct ve_buf last_partial; /* owned: the text given last for the open utterance */
    bool closed;
    bool failed;
    /* the job: given to it */
    struct ve_job job;
    bool working;
    bool warming;             /* it only loads */
    struct ve_buf batch;      /* owned: samples */
    struct utterance *target; /* borrowed */
    bool fresh;               /* the batch is the first of the utterance */
    bool last;                /* the batch is the last of it */
    /* and got from it */
    int err;
    char why[96];
    struct ve_heard heard;
};

static void utterance_free(struct utterance *utterance)
{
    ve_link_remove(&utterance->link);
    ve_buf_free(&utterance->waiting);
    ve_free(utterance);
}

static void recogniser_free(struct ve_recogniser *recogniser)
{
    while (!ve_list_empty(&recogniser->utterances))
        utterance_free(VE_CONTAINER(recogniser->utterances.next, struct utterance, link));
    ve_speech_release(recogniser->speech);
    ve_hearer_free(recogniser->listener);
    ve_buf_free(&recogniser->last_partial);
    ve_buf_free(&recogniser->batch);
    ve_free(recogniser);
}

/* --- the job --- */

static void work(struct ve_job *job)
{
    struct ve_recogniser *recogniser = VE_CONTAINER(job, struct ve_recogniser, job);
    if (recogniser->warming) {
        recogniser->err = ve_hearer_warm(recogniser->listener, recogniser->why);
        return;
    }
    if (recogniser->fresh)
        ve_hearer_begin(recogniser->listener);
    recogniser->err =
        ve_hearer_hear(recogniser->listener, (const int16_t *)(const void *)recogniser->batch.ptr,
                       recogniser->batch.len / sizeof(int16_t), recogniser->last,
                       &recogniser->heard, recogniser->why);
}

static int submit(struct ve_recogniser *recogniser, uint64_t sim_cost)
{
    recogniser->job.sim_cost = sim_cost;
    recogniser->working = true;
    int err = ve_job_submit(recogniser->speech->loop, VE_LANE_SPEECH, NULL, &recogniser->job);
    if (err)
        recogniser->working = false;
    return err;
}

/* Gives the first utterance's samples to a job, when there are enough of them. */
static int start_job(struct ve_recogniser *recogniser)
{
    if (recogniser->working || ve_list_empty(&recogniser->utterances))
        return 0;
    struct utterance *first = VE_CONTAINER(recogniser->utterances.next, struct utterance, link);
    size_t enough = recogniser->options.rate * BATCH_MS / 1000 * sizeof(int16_t);
    if (!first->finished && first->waiting.len < enough)
        return 0;
    struct ve_buf empty = recogniser->batch;
    ve_buf_clear(&empty);
    recogniser->batch = first->waiting;
    first->waiting = empty;
    recogniser->target = first;
    recogniser->fresh = !first->begun;
    recogniser->last = first->finished;
    first->begun = true;
    return submit(recogniser, first->finished ? SIM_RECOGNISE : SIM_HEAR);
}

/* The engine cannot be had: the owner hears of it once, and of nothing else afterwards. */
static void fail(struct ve_recogniser *recogniser, int err)
{
    recogniser->failed = true;
    if (recogniser->speech->log)
        ve_log_event(recogniser->speech->log, VE_LOG_ERROR, "recogniser_failed",
                     ve_ftext("error", ve_err_name(err)), ve_ftext("why", recogniser->why));
    if (recogniser->options.failed)
        recogniser->options.failed(recogniser->options.arg, err, recogniser->why);
}

static void tell_result(struct ve_recogniser *recogniser)
{
    const struct ve_heard *heard = &recogniser->heard;
    struct ve_recogniser_result result = {.text = heard->text,
                                          .phrase = -1,
                                          .confidence = heard->confidence,
                                          .reason = heard->reason};
    if (!result.reason) {
        result.phrase = ve_grammar_match(recogniser->options.grammar, result.text);
        if (result.phrase < 0)
            result.reason = "outside";
    }
    recogniser->options.result(recogniser->options.arg, &result);
}

static void tell_partial(struct ve_recogniser *recogniser)
{
    struct ve_str text = recogniser->heard.text;
    if (!recogniser->options.partial || text.len == 0 ||
        ve_str_eq(text, ve_buf_str(&recogniser->last_partial)))
        return;
    ve_buf_clear(&recogniser->last_partial);
    /* Without memory for it the same text comes twice: no harm. */
    (void)ve_buf_add_str(&recogniser->last_partial, text);
    int phrase = -1;
    if (!recogniser->heard.reason)
        phrase = ve_grammar_match(recogniser->options.grammar, text);
    recogniser->options.partial(recogniser->options.arg, text, phrase);
}

/* The owner may close the recogniser in its callbacks; `working` is still set, so it lives on. */
static void deliver(struct ve_recogniser *recogniser)
{
    struct utterance *target = recogniser->target;
    recogniser->target = NULL;
    if (recogniser->failed || recogniser->warming) {
        recogniser->warming = false;
        return;
    }
    bool dropped = target->dropped;
    bool last = recogniser->last;
    if (dropped || last)
        utterance_free(target);
    if (dropped)
        return;
    if (!last) {
        if (recogniser->heard.news)
            tell_partial(recogniser);
        return;
    }
    recogniser->finished--;
    ve_buf_clear(&recogniser->last_partial);
    tell_result(recogniser);
}

static void on_done(struct ve_job *job)
{
    struct ve_recogniser *recogniser = VE_CONTAINER(job, struct ve_recogniser, job);
    int err = job->canceled ? VE_ECANCELED : recogniser->err;
    if (!recogniser->closed && err)
        fail(recogniser, err);
    if (!recogniser->closed)
        deliver(recogniser);
    recogniser->working = false;
    if (recogniser->closed) {
        recogniser_free(recogniser);
        return;
    }
    err = recogniser->failed ? 0 : start_job(recogniser);
    if (err)
        fail(recogniser, err);
}

/* --- the owner's calls --- */

int ve_recogniser_open(struct ve_speech *speech, const struct ve_recogniser_options *options,
                       struct ve_recogniser **out)
{
    uint32_t rate = options->rate;
    if ((rate != 8000 && rate != 16000 && rate != 24000 && rate != 48000) || !options->grammar ||
        !options->result)
        return VE_EINVAL;
    struct ve_recogniser *recogniser = ve_alloc(sizeof(*recogniser));
    if (!recogniser)
        return VE_ENOMEM;
    recogniser->speech = speech;
    recogniser->options = *options;
    recogniser->job.work = work;
    recogniser->job.done = on_done;
    ve_link_init(&recogniser->utterances);
    ve_buf_init(&recogniser->last_partial, 0);
    ve_buf_init(&recogniser->batch, 0);
    speech->users++;
    int err = ve_hearer_new(&recogniser->listener, speech->decoders, options->grammar, rate);
    recogniser->warming = true;
    if (!err)
        err = submit(recogniser, SIM_RECOGNISE);
    if (err) {
        recogniser_free(recogniser);
        return err;
    }
    *out = recogniser;
    return 0;
}

/* The utterance that is fed at present; a new one when there is none. */
static int open_utterance(struct ve_recogniser *recogniser, struct utterance **out)
{
    if (recogniser->failed)
        return VE_EFAILED;
    if (recogniser->finished >= UTTERANCES_MAX)
        return VE_EBUSY;
    if (!recogniser->open) {
        struct utterance *utterance = ve_alloc(sizeof(*utterance));
        if (!utterance)
            return VE_ENOMEM;
        ve_buf_init(&utterance->waiting, 0);
        ve_list_push(&recogniser->utterances, &utterance->link);
        recogniser->open = utterance;
    }
    *out = recogniser->open;
    return 0;
}

int ve_recogniser_feed(struct ve_recogniser *recogniser, const int16_t *samples, size_t count)
{
    struct utterance *utterance;
    int err = open_utterance(recogniser, &utterance);
    if (err)
        return err;
    size_t room = (size_t)recogniser->options.rate * UTTERANCE_SECONDS - utterance->fed;
    size_t taken = count < room ? count : room;
    err = ve_buf_add(&utterance->waiting, samples, taken * sizeof(*samples));
    if (err)
        return err;
    utterance->fed += taken;
    return start_job(recogniser);
}

int ve_recogniser_finish(struct ve_recogniser *recogniser)
{
    struct utterance *utterance;
    int err = open_utterance(recogniser, &utterance);
    if (err)
        return err;
    utterance->finished = true;
    recogniser->open = NULL;
    recogniser->finished++;
    err = start_job(recogniser);
    if (!err)
        return 0;
    /* No result will come of it. */
    recogniser->finished--;
    utterance_free(utterance);
    return err;
}

void ve_recogniser_reset(struct ve_recogniser *recogniser)
{
    struct utterance *utterance = recogniser->open;
    recogniser->open = NULL;
    ve_buf_clear(&recogniser->last_partial);
    if (!utterance)
        return;
    if (recogniser->working && recogniser->target == utterance)
        utterance->dropped = true;
    else
        utterance_free(utterance);
}

void ve_recogniser_close(struct ve_recogniser *recogniser)
{
    recogniser->closed = true;
    if (!recogniser->working)
        recogniser_free(recogniser);
}
