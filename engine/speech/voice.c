#include "base/alloc.h"
#include "base/err.h"
#include "loop/job.h"
#include "loop/timer.h"
#include "speech/engine.h"
#include "speech/flite_voice.h"
#include "speech/spoken.h"

#include <string.h>

#define SIM_COST (25 * VE_MS) /* of a piece */

/* One piece of the text is made by one job; its chunks come as posts while it still works. The next
 * piece is begun when the last chunk has been taken, so at most one piece waits in memory. */
struct ve_voice {
    struct ve_speech *speech; /* borrowed */
    struct ve_sink sink;
    void (*words)(void *arg, const struct ve_voice_word *words, size_t count);
    void *arg;
    char *text; /* owned */
    struct ve_spoken spoken;
    struct ve_flite_piece
        piece; /* what the job works on; begin and end are the loop's in between */
    struct ve_job job;
    struct ve_timer timer;   /* puts off what must not happen inside a call of the owner's */
    struct ve_link chunks;   /* made, not yet taken by the sink; owned */
    uint32_t piece_samples;  /* of the present piece, taken by the sink */
    uint32_t before_samples; /* of the pieces before it */
    bool working;            /* the job is under way */
    bool paused;             /* the sink wants no more */
    bool canceled;           /* the owner wants no more */
    bool silent;             /* the sink failed: not even `end` */
    int err;                 /* of the job */
};

struct chunk {
    struct ve_post post;
    struct ve_link link;
    struct ve_voice *voice; /* borrowed; outlives the chunk */
    size_t sample_count;
    size_t word_count;
    int16_t *samples;             /* inside this block */
    struct ve_voice_word words[]; /* then the samples */
};

static void drop_chunks(struct ve_voice *voice)
{
    for (struct ve_link *link; (link = ve_list_shift(&voice->chunks)) != NULL;)
        ve_free(VE_CONTAINER(link, struct chunk, link));
}

static void voice_free(struct ve_voice *voice)
{
    drop_chunks(voice);
    ve_timer_stop(&voice->timer);
    ve_spoken_free(&voice->spoken);
    ve_free(voice->text);
    ve_free(voice);
}

/* The last thing that happens: the voice is gone before its owner hears of it. */
static void finish(struct ve_voice *voice, int err)
{
    struct ve_sink sink = voice->sink;
    bool silent = voice->silent;
    struct ve_speech *speech = voice->speech;
    voice_free(voice);
    ve_speech_release(speech);
    if (!silent)
        sink.ops->end(sink.self, err);
}

/* Gives one chunk to the sink. */
static void give(struct ve_voice *voice, struct chunk *chunk)
{
    uint32_t samples = (uint32_t)chunk->sample_count;
    for (size_t i = 0; i < chunk->word_count; i++) {
        chunk->words[i].from += voice->before_samples;
        chunk->words[i].to += voice->before_samples;
    }
    if (chunk->word_count && voice->words)
        voice->words(voice->arg, chunk->words, chunk->word_count);
    int answer = 0;
    if (!voice->canceled)
        answer = voice->sink.ops->write(voice->sink.self, chunk->samples,
                                        chunk->sample_count * sizeof(*chunk->samples));
    voice->piece_samples += samples;
    voice->paused = answer == VE_FLOW_PAUSE;
    if (answer >= 0)
        return;
    voice->silent = true;
    voice->canceled = true;
    ve_job_cancel(&voice->job);
}

static int start_piece(struct ve_voice *voice)
{
    voice->before_samples += voice->piece_samples;
    voice->piece_samples = 0;
    voice->working = true;
    int err = ve_job_submit(voice->speech->loop, VE_LANE_SPEECH, NULL, &voice->job);
    if (err)
        voice->working = false;
    return err;
}

/* Gives what is there, then goes on with the next piece or ends. */
static void advance(struct ve_voice *voice)
{
    /* In the sim driver the job has run already, but its time has not come. */
    if (voice->working && ve_loop_is_sim(voice->speech->loop))
        return;
    while (!voice->paused && !voice->canceled) {
        struct ve_link *link = ve_list_shift(&voice->chunks);
        if (!link)
            break;
        struct chunk *chunk = VE_CONTAINER(link, struct chunk, link);
        give(voice, chunk);
        ve_free(chunk);
    }
    if (voice->canceled)
        drop_chunks(voice);
    if (voice->working)
        return;
    if (voice->canceled) {
        finish(voice, VE_ECANCELED);
        return;
    }
    if (voice->paused)
        return;
    int err = voice->err;
    if (!err && !ve_spoken_next(&voice->spoken, &voice->piece.begin, &voice->piece.end)) {
        finish(voice, 0);
        return;
    }
    if (!err)
        err = start_piece(voice);
    if (err)
        finish(voice, err);
}

static void on_timer(void *arg)
{
    struct ve_voice *voice = arg;
    voice->paused = false;
    advance(voice);
}

static void on_chunk(struct ve_post *post)
{
    struct chunk *chunk = VE_CONTAINER(post, struct chunk, post);
    ve_list_push(&chunk->voice->chunks, &chunk->link);
    advance(chunk->voice);
}

/* On a speech thread; in the sim driver on the loop's own, inside ve_job_submit. */
static int make_chunk(void *arg, const int16_t *samples, size_t count,
                      const struct ve_voice_word *words, size_t word_count)
{
    struct ve_voice *voice = arg;
    size_t word_bytes = word_count * sizeof(*words);
    struct chunk *chunk = ve_alloc(sizeof(*chunk) + word_bytes + count * sizeof(*samples));
    if (!chunk)
        return VE_ENOMEM;
    chunk->voice = voice;
    chunk->sample_count = count;
    chunk->word_count = word_count;
    chunk->samples = (int16_t *)(void *)((char *)chunk->words + word_bytes);
    chunk->post.fn = on_chunk;
    if (word_bytes)
        memcpy(chunk->words, words, word_bytes);
    memcpy(chunk->samples, samples, count * sizeof(*samples));
    if (ve_loop_is_sim(voice->speech->loop))
        ve_list_push(&voice->chunks, &chunk->link); /* seen only after `done` */
    else
        ve_loop_post(voice->speech->loop, &chunk->post);
    return 0;
}

static void work(struct ve_job *job)
{
    struct ve_voice *voice = VE_CONTAINER(job, struct ve_voice, job);
    voice->err = ve_flite_speak(&voice->piece);
}

static void on_done(struct ve_job *job)
{
    struct ve_voice *voice = VE_CONTAINER(job, struct ve_voice, job);
    voice->working = false;
    if (job->canceled && !voice->canceled) /* the loop is being freed */
        voice->err = VE_ECANCELED;
    advance(voice);
}

static struct ve_voice *voice_new(struct ve_speech *speech, const struct ve_voice_options *options)
{
    struct ve_voice *voice = ve_alloc(sizeof(*voice));
    if (!voice)
        return NULL;
    voice->speech = speech;
    voice->sink = options->sink;
    voice->words = options->words;
    voice->arg = options->arg;
    voice->job.work = work;
    voice->job.done = on_done;
    voice->job.sim_cost = SIM_COST;
    ve_link_init(&voice->chunks);
    ve_timer_init(&voice->timer, speech->loop, on_timer, voice);
    voice->text = ve_strndup(options->text.ptr, options->text.len);
    if (voice->text)
        return voice;
    ve_free(voice);
    return NULL;
}

int ve_voice_start(struct ve_speech *speech, const struct ve_voice_options *options,
                   struct ve_voice **out)
{
    struct cst_voice_struct *flite = ve_flite_voice(options->voice);
    if (!flite)
        return VE_ENOENT;
    if (options->text.len > VE_VOICE_TEXT_MAX)
        return VE_ETOOBIG;
    struct ve_voice *voice = voice_new(speech, options);
    if (!voice)
        return VE_ENOMEM;
    voice->piece = (struct ve_flite_piece){.voice = flite,
                                           .spoken = &voice->spoken,
                                           .source = ve_str_n(voice->text, options->text.len),
                                           .stop = &voice->job.stop,
                                           .chunk = make_chunk,
                                           .arg = voice};
    int err = ve_spoken_init(&voice->spoken, voice->piece.source);
    if (!err && ve_spoken_next(&voice->spoken, &voice->piece.begin, &voice->piece.end))
        err = start_piece(voice);
    else if (!err)
        ve_timer_start(&voice->timer, 0); /* nothing to say */
    if (err) {
        voice_free(voice);
        return err;
    }
    speech->users++;
    *out = voice;
    return 0;
}

void ve_voice_cancel(struct ve_voice *voice)
{
    voice->canceled = true;
    if (voice->working)
        ve_job_cancel(&voice->job);
    else
        ve_timer_start(&voice->timer, 0);
}

void ve_voice_resume(struct ve_voice *voice)
{
    if (!voice->canceled)
        ve_timer_start(&voice->timer, 0);
}
