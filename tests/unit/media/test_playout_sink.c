/* media/playout: how the peer wants its audio - in what steps, how far ahead. */
#include "media/playout.h"

#include "base/alloc.h"
#include "loop/driver.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RATE 16000

struct rig {
    struct ve_loop *loop;
    struct ve_pool blocks;
    struct ve_playout *playout;
    size_t count;   /* samples that the peer got */
    size_t largest; /* at once */
    size_t ahead;   /* of real time at most, samples */
    uint64_t begin; /* ns of the first ones */
    int16_t samples[RATE * 3];
};

static int take_audio(void *arg, const int16_t *samples, size_t count)
{
    struct rig *rig = arg;
    uint64_t now = ve_loop_now(rig->loop);
    if (!rig->count)
        rig->begin = now;
    assert_true(rig->count + count <= RATE * 3);
    memcpy(rig->samples + rig->count, samples, count * sizeof(*samples));
    rig->count += count;
    rig->largest = count > rig->largest ? count : rig->largest;
    size_t ahead = rig->count - (size_t)((now - rig->begin) * RATE / VE_SECOND);
    rig->ahead = ahead > rig->ahead ? ahead : rig->ahead;
    return 0;
}

static void rig_open(struct rig *rig, const struct ve_media_out *sink)
{
    const struct ve_playout_config config = {.rate = RATE, .chunk = 2048, .lead = VE_PLAYOUT_LEAD};
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(ve_loop_new_sim(&rig->loop, 0), 0);
    ve_pool_init(&rig->blocks, sizeof(struct ve_fifo_block), 1024);
    assert_int_equal(ve_playout_new(&rig->playout, rig->loop, &rig->blocks, &config, sink), 0);
}

static void rig_close(struct rig *rig)
{
    ve_playout_free(rig->playout);
    ve_pool_free(&rig->blocks);
    ve_loop_free(rig->loop);
}

static uint64_t say_a_ramp(struct rig *rig)
{
    static int16_t ramp[RATE];
    const struct ve_segment_options options = {.rate = RATE};
    uint64_t id;
    for (int i = 0; i < RATE; i++)
        ramp[i] = (int16_t)(i + 1000);
    assert_int_equal(ve_playout_begin(rig->playout, &options, &id), 0);
    assert_true(ve_playout_write(rig->playout, id, ramp, RATE) >= 0);
    ve_playout_finish(rig->playout, id, 0);
    return id;
}

static void a_peer_is_given_steps_and_lead_as_it_wants_them(void **state)
{
    struct rig *rig = *state;
    const struct ve_media_out sink = {
        .audio = take_audio, .arg = rig, .chunk = 320, .lead = 60 * VE_MS};
    rig_open(rig, &sink);
    (void)say_a_ramp(rig);
    ve_sim_advance(rig->loop, 2 * VE_SECOND);
    assert_int_equal(rig->count, RATE);
    assert_int_equal(rig->largest, 320);
    assert_in_range(rig->ahead, 320, 960);
    for (int i = 0; i < RATE; i++)
        assert_int_equal(rig->samples[i], (int16_t)(i + 1000));
    rig_close(rig);
}

static void without_a_wish_it_is_as_configured(void **state)
{
    struct rig *rig = *state;
    const struct ve_media_out sink = {
        .audio = take_audio, .arg = rig, .chunk = 1u << 30, .lead = 10 * VE_SECOND};
    rig_open(rig, &sink); /* wishes that make no sense are none */
    (void)say_a_ramp(rig);
    ve_sim_advance(rig->loop, 2 * VE_SECOND);
    assert_int_equal(rig->count, RATE);
    assert_int_equal(rig->largest, 2048);
    assert_in_range(rig->ahead, 2048, 6400);
    rig_close(rig);
}

/* The dialect became known in mid-sentence: the same peer again, in another form. */
static void what_the_old_form_did_not_play_is_said_again_in_the_new_one(void **state)
{
    struct rig *rig = *state;
    struct ve_media_out sink = {.audio = take_audio, .arg = rig};
    rig_open(rig, &sink);
    (void)say_a_ramp(rig);
    ve_sim_advance(rig->loop, 100 * VE_MS);
    assert_true(rig->count > 1600);
    sink.chunk = 320;
    sink.lead = 60 * VE_MS;
    rig->count = rig->largest = 0;
    ve_playout_attach(rig->playout, &sink);
    ve_sim_advance(rig->loop, 2 * VE_SECOND);
    assert_int_equal(rig->largest, 320);
    assert_in_range(rig->count, RATE - 1601, RATE - 1599);
    assert_int_equal(rig->samples[rig->count - 1], (int16_t)(RATE - 1 + 1000));
    rig_close(rig);
}

static int make(void **state)
{
    *state = ve_alloc(sizeof(struct rig));
    return *state ? 0 : -1;
}

static int drop(void **state)
{
    ve_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_given_steps_and_lead_as_it_wants_them),
        cmocka_unit_test(without_a_wish_it_is_as_configured),
        cmocka_unit_test(what_the_old_form_did_not_play_is_said_again_in_the_new_one),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
