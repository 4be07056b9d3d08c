/*
 * A live loop with a ve_speech on it, and callers made of the offline voice. Every wait is bounded:
 * a guard stops the loop, and the test then sees that what it waited for has not come.
 */
#ifndef VE_TEST_SPEECH_RIG_H
#define VE_TEST_SPEECH_RIG_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "loop/job.h"
#include "loop/loop.h"
#include "loop/process.h"
#include "loop/timer.h"
#include "speech/speech.h"

#include "alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RIG_GUARD (60 * VE_SECOND)

struct rig {
    struct ve_loop *loop;
    struct ve_speech *speech;
    struct ve_timer guard;
};

static inline void rig_process_init(void)
{
    static const struct ve_process_part parts[] = {{"speech", ve_speech_process_init}};
    const char *failed = "";
    assert_int_equal(ve_process_init(parts, 1, &failed), 0);
}

static inline void rig_on_guard(void *arg)
{
    struct rig *rig = arg;
    ve_loop_stop(rig->loop);
}

static inline void rig_open(struct rig *rig)
{
    rig_process_init();
    assert_int_equal(ve_loop_new_live(&rig->loop), 0);
    assert_int_equal(ve_speech_new(&rig->speech, rig->loop, NULL), 0);
    ve_timer_init(&rig->guard, rig->loop, rig_on_guard, rig);
}

static inline void rig_close(struct rig *rig)
{
    ve_timer_stop(&rig->guard);
    ve_speech_free(rig->speech);
    ve_loop_free(rig->loop);
}

/* Until somebody stops the loop, or the guard. */
static inline void rig_run(struct rig *rig)
{
    ve_timer_start(&rig->guard, RIG_GUARD);
    ve_loop_run(rig->loop);
    ve_timer_stop(&rig->guard);
}

/* --- a sink that keeps everything --- */

struct heard {
    struct rig *rig;
    struct ve_buf samples; /* s16 */
    struct ve_voice_word words[256];
    size_t word_count;
    size_t writes;
    int ends;                           /* how often `end` came */
    int err;                            /* what it said */
    int (*answer)(struct heard *heard); /* to a write; NULL: more */
    void *arg;
};

static inline int heard_write(void *sink, const void *bytes, size_t len)
{
    struct heard *heard = sink;
    assert_int_equal(heard->ends, 0);
    assert_int_equal(len % 2, 0);
    assert_true(len > 0);
    assert_int_equal(ve_buf_add(&heard->samples, bytes, len), 0);
    heard->writes++;
    return heard->answer ? heard->answer(heard) : VE_FLOW_MORE;
}

static inline void heard_end(void *sink, int err)
{
    struct heard *heard = sink;
    heard->ends++;
    heard->err = err;
    ve_loop_stop(heard->rig->loop);
}

static inline void heard_words(void *arg, const struct ve_voice_word *words, size_t count)
{
    struct heard *heard = arg;
    for (size_t i = 0; i < count && heard->word_count < 256; i++)
        heard->words[heard->word_count++] = words[i];
}

static const struct ve_sink_ops heard_ops = {heard_write, heard_end};

static inline void heard_init(struct heard *heard, struct rig *rig)
{
    memset(heard, 0, sizeof(*heard));
    heard->rig = rig;
    ve_buf_init(&heard->samples, 0);
}

static inline size_t heard_count(const struct heard *heard)
{
    return heard->samples.len / 2;
}

static inline const int16_t *heard_samples(const struct heard *heard)
{
    return (const int16_t *)(const void *)heard->samples.ptr;
}

static inline struct ve_voice_options heard_options(struct heard *heard, const char *text)
{
    return (struct ve_voice_options){
        .text = ve_str(text), .sink = {&heard_ops, heard}, .words = heard_words, .arg = heard};
}

/* Speaks a whole text; heard->samples is the caller's to free. */
static inline void rig_say(struct rig *rig, struct heard *heard, const char *voice,
                           const char *text)
{
    heard_init(heard, rig);
    struct ve_voice_options options = heard_options(heard, text);
    options.voice = voice;
    struct ve_voice *started;
    assert_int_equal(ve_voice_start(rig->speech, &options, &started), 0);
    rig_run(rig);
    assert_int_equal(heard->ends, 1);
    assert_int_equal(heard->err, 0);
}

#endif
