/*
 * What the agent says: in order, known to the sample, paused and resumed without a click.
 */
#include "audio/level.h"
#include "audio/mix.h"
#include "base/err.h"
#include "base/rng.h"

#include "playout_rig.h"

#include <math.h>

static void segments_are_heard_in_order_and_whole(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    (void)state;
    prig_open(rig);
    (void)prig_say(rig, 1, 300, NULL);
    (void)prig_say(rig, 2, 500, NULL);
    prig_pass(rig, 799);
    prig_expect(rig, "began 1 0\nbegan 2 300\nplayed 1 300\n");
    prig_pass(rig, 2);
    prig_expect(rig, "played 2 500\n");
    assert_int_equal(rig->peer.played, 800 * 16);
    for (size_t i = 0; i < 800 * 16; i++) {
        size_t n = i < 300 * 16 ? i : i - 300 * 16;
        assert_int_equal(rig->peer.heard[i], (i < 300 * 16 ? 1000 : 2000) + (int)(n % 1000));
    }
    assert_int_equal(rig->peer.silent, 16); /* one ms after the end */
    prig_close(rig);
    free(rig);
}

/* However often it is asked, and whatever else goes on, the position is the clock's. */
static void the_position_is_exact_to_a_frame(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    (void)state;
    prig_open(rig);
    uint64_t id = prig_say(rig, 1, 2000, NULL);
    for (uint32_t ms = 7; ms < 2000; ms += 7) {
        prig_pass(rig, 7);
        (void)ve_playout_state(rig->playout);
        uint32_t said = ve_playout_played_ms(rig->playout, id);
        assert_true(said <= ms && said + 20 >= ms);
        assert_true(said * 16 <= rig->peer.played + 16 && said * 16 + 320 >= rig->peer.played);
    }
    prig_close(rig);
    free(rig);
}

static int16_t sine_at(uint32_t n)
{
    return (int16_t)lrint(8000 * sin((double)n * 2 * 3.14159265358979 * 400 / RATE));
}

static uint64_t say_sine(struct prig *rig, uint32_t ms)
{
    static const struct ve_segment_options plain = {.fixed = false};
    uint64_t id = prig_begin(rig, &plain);
    for (uint32_t at = 0; at < ms * 16; at += 160) {
        int16_t piece[160];
        for (uint32_t i = 0; i < 160; i++)
            piece[i] = sine_at(at + i);
        assert_true(ve_playout_write(rig->playout, id, piece, 160) >= 0);
    }
    ve_playout_finish(rig->playout, id, 0);
    return id;
}

/* A tone of 8000 and 400 Hz moves by at most 1257 from sample to sample; a cut would be up to 8000.
 */
static void pause_and_resume_do_not_click(void **state)
{
    (void)state;
    for (uint32_t when = 200; when < 230; when++) {
        struct prig *rig = calloc(1, sizeof(*rig));
        prig_open(rig);
        (void)say_sine(rig, 1000);
        prig_pass(rig, when);
        ve_playout_pause(rig->playout);
        prig_pass(rig, 300);
        assert_int_equal(rig->clears, 1);
        assert_int_equal(rig->peer.played, when * 16 + 320); /* silent within a frame */
        assert_int_equal(rig->peer.heard[rig->peer.played - 1], 0);
        ve_playout_resume(rig->playout);
        prig_pass(rig, 900);
        assert_true(prig_step(rig) <= 1300);
        /* It goes on where it began to fade: nothing of the sentence is lost. */
        assert_int_equal(rig->peer.played, 1000 * 16 + 320);
        for (uint32_t n = when * 16 + 160; n < 16000; n++)
            assert_int_equal(rig->peer.heard[n + 320], sine_at(n));
        rig->notes[rig->len] = '\0';
        assert_non_null(strstr(rig->notes, "played 1 1000\n"));
        prig_close(rig);
        free(rig);
    }
}

static void an_interruption_fades_and_tells_what_was_heard(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    (void)state;
    prig_open(rig);
    (void)say_sine(rig, 1000);
    (void)say_sine(rig, 1000);
    prig_pass(rig, 333);
    ve_playout_interrupt(rig->playout);
    prig_pass(rig, 100);
    rig->notes[rig->len] = '\0';
    assert_non_null(strstr(rig->notes, "interrupted 1 333\ninterrupted 2 0\n"));
    assert_true(prig_step(rig) <= 1300);
    assert_int_equal(rig->peer.played, 353 * 16);
    struct ve_playout_state now = ve_playout_state(rig->playout);
    assert_false(now.busy || now.playing || now.paused);
    prig_close(rig);
    free(rig);
}

static void what_is_fixed_survives_an_interruption(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    static const struct ve_segment_options fixed = {.fixed = true};
    (void)state;
    prig_open(rig);
    (void)prig_say(rig, 1, 500, NULL);
    (void)prig_say(rig, 2, 200, &fixed);
    prig_pass(rig, 100);
    ve_playout_interrupt(rig->playout);
    assert_true(ve_playout_state(rig->playout).fixed);
    prig_pass(rig, 300);
    prig_expect(rig, "began 1 0\ninterrupted 1 100\nbegan 2 120\nplayed 2 200\n");
    prig_close(rig);
    free(rig);
}

/* --- held segments -------------------------------------------------------------------------------
 */

static void held_speech_waits_and_others_pass_it(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    static const struct ve_segment_options held = {.held = true};
    (void)state;
    prig_open(rig);
    uint64_t trial = prig_say(rig, 1, 400, &held);
    prig_pass(rig, 1000);
    assert_int_equal(rig->peer.end, 0);
    struct ve_playout_state now = ve_playout_state(rig->playout);
    assert_false(now.busy || now.playing || now.fixed);
    (void)prig_say(rig, 2, 200, NULL); /* a filler */
    prig_pass(rig, 100);
    ve_playout_release(rig->playout, trial);
    ve_playout_release(rig->playout, trial); /* twice is once */
    prig_pass(rig, 600);
    prig_expect(rig, "began 2 1000\nbegan 1 1200\nplayed 2 200\nplayed 1 400\n");
    assert_int_equal(rig->peer.silent, 1600); /* a tenth of a second after the end only */
    prig_close(rig);
    free(rig);
}

static void held_speech_is_not_interrupted_but_canceled(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    static const struct ve_segment_options held = {.held = true};
    (void)state;
    prig_open(rig);
    (void)prig_say(rig, 2, 800, NULL);
    uint64_t trial = prig_say(rig, 1, 400, &held);
    prig_pass(rig, 100);
    ve_playout_interrupt(rig->playout);
    prig_pass(rig, 100);
    prig_expect(rig, "began 1 0\ninterrupted 1 100\n");
    ve_playout_cancel(rig->playout, trial);
    prig_pass(rig, 100);
    prig_expect(rig, "canceled 2 0\n");
    assert_int_equal(rig->clears, 1);
    prig_close(rig);
    free(rig);
}

/* A held segment takes what a playing one does, and no more. */
static void held_speech_is_bounded(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    static const struct ve_segment_options held = {.held = true};
    int16_t piece[160] = {0};
    (void)state;
    prig_open(rig);
    uint64_t id = prig_begin(rig, &held);
    int flow = VE_FLOW_MORE;
    unsigned pieces = 0;
    for (; flow == VE_FLOW_MORE; pieces++)
        flow = ve_playout_write(rig->playout, id, piece, 160);
    assert_int_equal(flow, VE_FLOW_PAUSE);
    assert_int_equal(pieces, 201); /* the first piece over two seconds */
    while (flow >= 0 && pieces < 10000) {
        flow = ve_playout_write(rig->playout, id, piece, 160);
        pieces++;
    }
    assert_int_equal(flow, VE_ETOOBIG);
    prig_close(rig);
    free(rig);
}

/* --- the bed -------------------------------------------------------------------------------------
 */

static void count_release(void *arg)
{
    (*(unsigned *)arg)++;
}

static void the_bed_lies_under_speech_and_silence(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    unsigned released = 0;
    int16_t steady[1600];
    (void)state;
    for (size_t i = 0; i < 1600; i++)
        steady[i] = 1000;
    prig_open(rig);
    const struct ve_bed bed = {steady, 1600, count_release, &released};
    ve_playout_bed(rig->playout, &bed, 0);
    prig_pass(rig, 1000);
    assert_int_equal(rig->peer.heard[0], 1000 * 204 / 4096 / 320); /* it fades in */
    assert_int_equal(rig->peer.heard[RATE / 2], 1000);
    assert_int_equal(rig->peer.silent, 0);
    assert_true(rig->peer.end - rig->peer.played <= RATE * 80 / 1000);
    struct ve_playout_state now = ve_playout_state(rig->playout);
    assert_false(now.busy || now.playing); /* it is not the agent that speaks */
    uint64_t id = prig_say(rig, 2, 500, NULL);
    prig_pass(rig, 300);
    assert_true(ve_playout_state(rig->playout).playing);
    /* At most what lies ahead of it delays the speech. */
    assert_true(ve_playout_played_ms(rig->playout, id) >= 215);
    assert_int_equal(rig->peer.heard[rig->peer.played - 1600],
                     3000 + (rig->peer.heard[rig->peer.played - 1600] % 1000));
    prig_pass(rig, 1000);
    rig->notes[rig->len] = '\0';
    assert_non_null(strstr(rig->notes, "played 1 500"));
    assert_int_equal(rig->clears, 0);
    ve_playout_bed(rig->playout, NULL, 0);
    prig_pass(rig, 1000);
    assert_int_equal(released, 1);
    assert_true(rig->peer.silent > 8000); /* nothing is sent any more */
    assert_true(abs(rig->peer.heard[rig->peer.played - 1]) <= 10);
    prig_close(rig);
    free(rig);
}

static void a_pause_leaves_the_bed(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    int16_t steady[160];
    unsigned released = 0;
    (void)state;
    for (size_t i = 0; i < 160; i++)
        steady[i] = 500;
    prig_open(rig);
    const struct ve_bed bed = {steady, 160, count_release, &released};
    ve_playout_bed(rig->playout, &bed, -6.0206f);
    prig_pass(rig, 500);
    (void)say_sine(rig, 1000);
    prig_pass(rig, 300);
    ve_playout_pause(rig->playout);
    prig_pass(rig, 500);
    assert_int_equal(rig->peer.heard[rig->peer.played - 1], 250);
    assert_int_equal(rig->peer.silent, 0);
    ve_playout_interrupt(rig->playout);
    ve_playout_bed(rig->playout, &bed, 0); /* the same again: the first is given back */
    assert_int_equal(released, 1);
    prig_pass(rig, 100);
    assert_int_equal(rig->clears, 1);
    prig_close(rig); /* and so is the second */
    assert_int_equal(released, 2);
    free(rig);
}

/* --- what is heard, for recordings ---------------------------------------------------------------
 */

struct ears {
    int16_t heard[PEER_MAX];
    uint64_t first_at;
    uint64_t next_at;
    size_t count;
};

static void on_heard(void *arg, const int16_t *samples, size_t count, uint32_t rate, uint64_t at)
{
    struct ears *ears = arg;
    assert_int_equal(rate, RATE);
    if (!ears->count)
        ears->first_at = at;
    else if (at + VE_MS < ears->next_at)
        fail_msg("heard twice");
    memcpy(ears->heard + ears->count, samples, count * sizeof(*samples));
    ears->count += count;
    ears->next_at = at + count * VE_SECOND / RATE;
}

static void a_tap_hears_what_the_peer_plays(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    struct ears *ears = calloc(1, sizeof(*ears));
    struct ve_heard_tap tap = {.heard = on_heard, .arg = ears};
    struct ve_rng rng;
    (void)state;
    ve_rng_seed(&rng, 3);
    prig_open(rig);
    assert_int_equal(ve_playout_tap(rig->playout, &tap), 0);
    for (int i = 0; i < 60; i++) {
        if (ve_rng_below(&rng, 3) == 0)
            (void)prig_say(rig, 1 + i % 20, 10 * (uint32_t)(1 + ve_rng_below(&rng, 60)), NULL);
        if (ve_rng_below(&rng, 4) == 0)
            ve_playout_pause(rig->playout);
        else if (ve_rng_below(&rng, 3) == 0)
            ve_playout_interrupt(rig->playout);
        else
            ve_playout_resume(rig->playout);
        prig_pass(rig, ve_rng_below(&rng, 300));
    }
    ve_playout_resume(rig->playout);
    prig_pass(rig, 8000);
    (void)ve_playout_state(rig->playout);
    /* Rounding of the two clocks may differ by a sample at each cut. */
    assert_true(ears->count + 60 >= rig->peer.played && rig->peer.played + 60 >= ears->count);
    assert_true(ears->count > RATE);
    ve_heard_tap_close(&tap);
    ve_heard_tap_close(&tap);
    prig_close(rig);
    free(rig);
    free(ears);
}

/* --- peers ---------------------------------------------------------------------------------------
 */

static void a_full_peer_is_tried_again(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    (void)state;
    prig_open(rig);
    rig->full = true;
    (void)prig_say(rig, 1, 200, NULL);
    prig_pass(rig, 500);
    assert_int_equal(rig->peer.end, 0);
    prig_expect(rig, "");
    rig->full = false;
    prig_pass(rig, 300);
    rig->notes[rig->len] = '\0';
    assert_non_null(strstr(rig->notes, "played 1 200\n"));
    prig_close(rig);
    free(rig);
}

static void another_peer_hears_the_rest(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    (void)state;
    prig_open(rig);
    (void)prig_say(rig, 1, 1000, NULL);
    prig_pass(rig, 400);
    ve_playout_attach(rig->playout, NULL);
    prig_pass(rig, 2000);
    prig_expect(rig, "began 1 0\n");
    memset(&rig->peer, 0, sizeof(rig->peer));
    rig->peer.since = ve_loop_now(rig->loop);
    const struct ve_media_out out = prig_out(rig);
    ve_playout_attach(rig->playout, &out);
    prig_pass(rig, 700);
    assert_int_equal(rig->peer.played, 600 * 16);
    assert_int_equal(rig->peer.heard[9599], 1000 + 15999 % 1000);
    prig_expect(rig, "played 1 1000\n");
    prig_close(rig);
    free(rig);
}

static void a_peer_may_want_other_pieces(void **state)
{
    struct prig *rig = calloc(1, sizeof(*rig));
    (void)state;
    prig_open(rig);
    struct ve_media_out out = prig_out(rig);
    out.chunk = 320;
    out.lead = 60 * VE_MS;
    ve_playout_attach(rig->playout, &out);
    (void)prig_say(rig, 1, 1000, NULL);
    for (int i = 0; i < 40; i++) {
        prig_pass(rig, 20);
        assert_true(rig->peer.end - rig->peer.played <= 960);
    }
    assert_int_equal(rig->peer.silent, 0);
    prig_close(rig);
    free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_heard_in_order_and_whole),
        cmocka_unit_test(the_position_is_exact_to_a_frame),
        cmocka_unit_test(pause_and_resume_do_not_click),
        cmocka_unit_test(an_interruption_fades_and_tells_what_was_heard),
        cmocka_unit_test(what_is_fixed_survives_an_interruption),
        cmocka_unit_test(held_speech_waits_and_others_pass_it),
        cmocka_unit_test(held_speech_is_not_interrupted_but_canceled),
        cmocka_unit_test(held_speech_is_bounded),
        cmocka_unit_test(the_bed_lies_under_speech_and_silence),
        cmocka_unit_test(a_pause_leaves_the_bed),
        cmocka_unit_test(a_tap_hears_what_the_peer_plays),
        cmocka_unit_test(a_full_peer_is_tried_again),
        cmocka_unit_test(another_peer_hears_the_rest),
        cmocka_unit_test(a_peer_may_want_other_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
