/* What the playout says of how loud the agent was just now: the echo rule stands on it. */
#include "media/playout.h"

#include "audio/tone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RATE     16000
#define LEVEL_DB -12.0f /* RMS of the beep, see audio/tone.h */

struct rig {
    struct ve_loop *loop;
    struct ve_pool blocks;
    struct ve_playout *playout;
    unsigned clears;
};

static int take_audio(void *arg, const int16_t *samples, size_t count)
{
    (void)arg;
    (void)samples;
    (void)count;
    return 0;
}

static void take_clear(void *arg)
{
    ((struct rig *)arg)->clears++;
}

static void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(ve_loop_new_sim(&rig->loop, 0), 0);
    ve_pool_init(&rig->blocks, sizeof(struct ve_fifo_block), 1024);
    const struct ve_playout_config config = {.rate = RATE, .chunk = 2048, .lead = VE_PLAYOUT_LEAD};
    const struct ve_media_out sink = {.audio = take_audio, .clear = take_clear, .arg = rig};
    assert_int_equal(ve_playout_new(&rig->playout, rig->loop, &rig->blocks, &config, &sink), 0);
}

static void rig_close(struct rig *rig)
{
    ve_playout_free(rig->playout);
    ve_pool_free(&rig->blocks);
    ve_loop_free(rig->loop);
}

static uint64_t play_tone(struct rig *rig, uint32_t ms)
{
    const struct ve_segment_options options = {.rate = RATE};
    const struct ve_tone_spec spec = ve_tone_beep(1000, ms);
    struct ve_tone tone;
    int16_t piece[320];
    uint64_t id;
    assert_int_equal(ve_playout_begin(rig->playout, &options, &id), 0);
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    for (size_t n = ve_tone_read(&tone, piece, 320); n; n = ve_tone_read(&tone, piece, 320))
        assert_true(ve_playout_write(rig->playout, id, piece, n) >= 0);
    ve_playout_finish(rig->playout, id, 0);
    return id;
}

static float level_after(struct rig *rig, uint64_t ms)
{
    ve_sim_advance(rig->loop, ms * VE_MS);
    return ve_playout_state(rig->playout).level_db;
}

static void is_loud_while_it_plays(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    assert_float_equal(ve_playout_state(rig.playout).level_db, -120.0f, 0.001);
    (void)play_tone(&rig, 300);
    assert_float_equal(level_after(&rig, 200), LEVEL_DB, 1.0);
    rig_close(&rig);
}

static void is_remembered_while_an_echo_may_come(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    (void)play_tone(&rig, 300);
    assert_float_equal(level_after(&rig, 600), LEVEL_DB, 1.0);
    assert_false(ve_playout_state(rig.playout).playing);
    rig_close(&rig);
}

static void is_forgotten_once_the_agent_is_silent(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    (void)play_tone(&rig, 300);
    assert_float_equal(level_after(&rig, 800), -120.0f, 0.001);
    assert_float_equal(level_after(&rig, 60000), -120.0f, 0.001);
    rig_close(&rig);
}

static void what_was_taken_back_was_never_loud(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    (void)play_tone(&rig, 2000);
    (void)level_after(&rig, 100);
    ve_playout_interrupt(rig.playout);
    assert_int_equal(rig.clears, 1);
    assert_float_equal(level_after(&rig, 350), LEVEL_DB, 1.0);
    assert_float_equal(level_after(&rig, 200), -120.0f, 0.001);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_loud_while_it_plays),
        cmocka_unit_test(is_remembered_while_an_echo_may_come),
        cmocka_unit_test(is_forgotten_once_the_agent_is_silent),
        cmocka_unit_test(what_was_taken_back_was_never_loud),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
