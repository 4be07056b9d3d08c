/*
 * Calls on a virtual clock: the carrier's legs and the script are played by the test.
 *
 * What may never happen is asserted in the callbacks: a call that ends twice, a word after its end,
 * a leg that is closed twice.
 */
#ifndef VE_TEST_CALL_RIG_H
#define VE_TEST_CALL_RIG_H

#include "audio/vad.h"
#include "base/alloc.h"
#include "base/err.h"
#include "call/call.h"
#include "loop/loop.h"
#include "media/session.h"

#include "alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WALL_MS  1790062200000
#define LEGS_MAX 16

struct call_rig;

struct rig_leg {
    struct call_rig *rig;
    bool closed; /* by the call */
    int code;
    uint64_t samples; /* that were sent */
    unsigned clears;
    char digits[64];
    char number[64];
    int refuse; /* what digits and transfer answer */
};

struct call_rig {
    struct ve_loop *loop;
    struct ve_media media;
    struct ve_log log;
    char lines[8192];
    size_t lines_len;
    struct ve_calls *calls;
    struct rig_leg legs[LEGS_MAX];
    unsigned leg_count;
    unsigned rung, started, ended;
    enum ve_call_outcome outcome; /* of the call that ended last */
    void (*on_started)(struct call_rig *rig, struct ve_call *call); /* may be NULL */
    void (*on_ended)(struct call_rig *rig, struct ve_call *call);   /* may be NULL */
    unsigned drained;
};

static inline void rig_log(void *writer, const char *line, size_t len)
{
    struct call_rig *rig = writer;
    if (rig->lines_len + len >= sizeof(rig->lines))
        return;
    memcpy(rig->lines + rig->lines_len, line, len);
    rig->lines_len += len;
    rig->lines[rig->lines_len] = '\0';
}

static inline int64_t rig_wall_ms(void *clock)
{
    return ve_loop_wall_ms(clock);
}

static inline void rig_rung(void *arg, struct ve_call *call)
{
    (void)call;
    ((struct call_rig *)arg)->rung++;
}

static inline void rig_started(void *arg, struct ve_call *call)
{
    struct call_rig *rig = arg;
    rig->started++;
    assert_int_equal(ve_call_state(call), VE_CALL_ACTIVE);
    assert_non_null(ve_call_session(call));
    if (rig->on_started)
        rig->on_started(rig, call);
}

static inline void rig_ended(void *arg, struct ve_call *call)
{
    struct call_rig *rig = arg;
    rig->ended++;
    assert_int_equal(ve_call_state(call), VE_CALL_ENDED);
    if (rig->on_ended)
        rig->on_ended(rig, call);
}

static inline struct ve_calls_config rig_config(struct call_rig *rig)
{
    return (struct ve_calls_config){
        .loop = rig->loop,
        .media = &rig->media,
        .log = &rig->log,
        .session =
            {
                .playout = {.rate = 16000, .chunk = 2048, .lead = VE_PLAYOUT_LEAD},
                .policy = ve_turn_policy_default(),
                .gate_db = VE_VAD_GATE_DBFS,
            },
        .max_calls = 4,
        .instance = "test",
        .seed = {1, 2},
        .rng_seed = 3,
    };
}

static inline int rig_try_open(struct call_rig *rig)
{
    static const struct ve_call_sink sink = {
        .ringing = rig_rung, .started = rig_started, .ended = rig_ended};
    struct ve_call_sink own = sink;
    memset(rig, 0, sizeof(*rig));
    own.arg = rig;
    int err = ve_loop_new_sim(&rig->loop, WALL_MS);
    if (err)
        return err;
    rig->log = (struct ve_log){.level = VE_LOG_INFO,
                               .wall_ms = rig_wall_ms,
                               .clock = rig->loop,
                               .write = rig_log,
                               .writer = rig};
    ve_media_init(&rig->media, rig->loop);
    struct ve_calls_config config = rig_config(rig);
    err = ve_calls_new(&rig->calls, &config, &own);
    if (err) {
        ve_media_free(&rig->media);
        ve_loop_free(rig->loop);
    }
    return err;
}

static inline void rig_open(struct call_rig *rig)
{
    assert_int_equal(rig_try_open(rig), 0);
}

static inline void rig_close(struct call_rig *rig)
{
    ve_calls_free(rig->calls);
    ve_media_free(&rig->media);
    ve_loop_free(rig->loop);
}

/* --- the carrier's side
 * --------------------------------------------------------------------------- */

static inline int leg_audio(void *arg, const int16_t *samples, size_t count)
{
    struct rig_leg *leg = arg;
    (void)samples;
    assert_false(leg->closed);
    leg->samples += count;
    return 0;
}

static inline void leg_clear(void *arg)
{
    struct rig_leg *leg = arg;
    assert_false(leg->closed);
    leg->clears++;
}

static inline int leg_digits(void *arg, struct ve_str digits)
{
    struct rig_leg *leg = arg;
    assert_false(leg->closed);
    ve_str_copy(leg->digits, sizeof(leg->digits), digits);
    return leg->refuse;
}

static inline int leg_transfer(void *arg, struct ve_str number)
{
    struct rig_leg *leg = arg;
    assert_false(leg->closed);
    ve_str_copy(leg->number, sizeof(leg->number), number);
    return leg->refuse;
}

static inline void leg_close(void *arg, int code)
{
    struct rig_leg *leg = arg;
    assert_false(leg->closed); /* once */
    leg->closed = true;
    leg->code = code;
}

/* Opens a media connection for `id`; *call is set when it answers 0. */
static inline int connect_media(struct call_rig *rig, const char *id, struct ve_call **call)
{
    assert_true(rig->leg_count < LEGS_MAX);
    struct rig_leg *own = &rig->legs[rig->leg_count];
    struct ve_leg leg = {
        .out = {.audio = leg_audio, .clear = leg_clear, .arg = own},
        .digits = leg_digits,
        .transfer = leg_transfer,
        .close = leg_close,
        .arg = own,
    };
    struct ve_call_facts facts = {.call_id = ve_str(id), .session_id = ve_str(id)};
    *own = (struct rig_leg){.rig = rig};
    int err = ve_call_media_open(rig->calls, &facts, &leg, call);
    if (!err)
        rig->leg_count++;
    return err;
}

static inline struct ve_call *media(struct call_rig *rig, const char *id)
{
    struct ve_call *call = NULL;
    assert_int_equal(connect_media(rig, id, &call), 0);
    return call;
}

static inline struct rig_leg *last_leg(struct call_rig *rig)
{
    return &rig->legs[rig->leg_count - 1];
}

static inline void posted(void *arg, int err)
{
    *(int *)arg = err;
}

/* Posts an event; returns what the directory made of it. */
static inline int post_event(struct call_rig *rig, enum ve_event_kind kind, const char *id,
                             const char *channel)
{
    int answer = 1;
    struct ve_event *event = ve_event_new(VE_STR("{}"), VE_STR(""));
    if (!event)
        return VE_ENOMEM;
    event->kind = kind;
    ve_str_copy(event->call_id, sizeof(event->call_id), ve_str(id));
    ve_str_copy(event->channel_id, sizeof(event->channel_id), ve_str(channel));
    ve_str_copy(event->from, sizeof(event->from), VE_STR("+33612345678"));
    int err = ve_directory_post(rig->calls, event, posted, &answer);
    if (err)
        return err;
    assert_in_range(answer + 100, 0, 100); /* it answers at once here, with 0 or an error */
    return answer;
}

static inline void advance(struct call_rig *rig, uint64_t ms)
{
    ve_sim_advance(rig->loop, ms * VE_MS);
}

/* The record of a call as text; empty when there is none. */
static inline const char *record_of(struct call_rig *rig, const char *id, char text[static 8192])
{
    struct ve_buf out;
    ve_buf_init(&out, 8191);
    text[0] = '\0';
    if (ve_calls_record(rig->calls, ve_str(id), &out) == 0)
        ve_str_copy(text, 8192, ve_buf_str(&out));
    ve_buf_free(&out);
    return text;
}

#endif
