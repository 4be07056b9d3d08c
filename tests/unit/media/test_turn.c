#include "base/err.h"

#include "turn_rig.h"

#include <math.h>

static void two_blocks_of_speech_open_an_utterance(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_silence(&rig, 320);
    rig_block(&rig, 0.95f, NEAR_DB);
    rig_block(&rig, 0.49f, NEAR_DB); /* not in a row */
    rig_block(&rig, 0.95f, NEAR_DB);
    rig_block(&rig, 0.01f, NEAR_DB);
    rig_expect(&rig, "");
    rig_block(&rig, 0.5f, NEAR_DB); /* the threshold itself counts */
    rig_expect(&rig, "");
    rig_block(&rig, 0.5f, NEAR_DB);
    rig_expect(&rig, "512 start 448\n");
    /* Inside, less is enough: 0.35 keeps it up. */
    for (int i = 0; i < 100; i++)
        rig_block(&rig, 0.35f, NEAR_DB);
    rig_expect(&rig, "");
    assert_int_equal(rig.turn.state, VE_TURN_SPEAKING);
    rig_block(&rig, 0.349f, NEAR_DB);
    assert_int_equal(rig.turn.state, VE_TURN_TRAILING);
}

static void how_long_speech_must_last_is_policy(void **state)
{
    (void)state;
    static const struct {
        uint32_t start_ms;
        unsigned blocks;
    } cases[] = {{0, 1}, {1, 1}, {32, 1}, {33, 2}, {64, 2}, {65, 3}, {1000, 32}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ve_turn_policy policy = ve_turn_policy_default();
        struct rig rig;
        policy.start_ms = cases[i].start_ms;
        rig_init_with(&rig, &policy);
        rig_speech(&rig, (cases[i].blocks - 1) * VE_TURN_BLOCK_MS);
        rig_expect(&rig, "");
        rig_speech(&rig, VE_TURN_BLOCK_MS);
        assert_int_equal(rig.turn.state, VE_TURN_SPEAKING);
        assert_int_equal(rig.turn.speech_from, 0);
    }
}

static void silence_ends_a_turn(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 640);
    rig_silence(&rig, 608);
    /* 100 ms and 500 ms, in whole blocks: 128 and 512 */
    rig_expect(&rig, "64 start 0\n768 speculate 1.1\n1152 commit 1.1 640\n");
    assert_int_equal(rig.turn.state, VE_TURN_LISTENING);
    rig_silence(&rig, 10000);
    rig_expect(&rig, "");
}

static void speech_discards_what_was_begun_on_trial(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 64);
    rig_silence(&rig, 128);
    rig_speech(&rig, 32);
    rig_silence(&rig, 96);
    rig_speech(&rig, 32); /* nothing was begun */
    rig_silence(&rig, 480);
    rig_speech(&rig, 32);
    rig_silence(&rig, 512);
    rig_expect(&rig, "64 start 0\n"
                     "192 speculate 1.1\n224 discard 1.1\n"
                     "480 speculate 1.2\n864 discard 1.2\n"
                     "992 speculate 1.3\n1376 commit 1.3 864\n");
    rig_speech(&rig, 64);
    rig_silence(&rig, 512);
    rig_expect(&rig, "1440 start 1376\n1568 speculate 2.1\n1952 commit 2.1 1440\n");
}

/* Every commit has a speculate of the same numbers in front of it. */
static void a_turn_may_end_before_a_trial_began(void **state)
{
    (void)state;
    struct ve_turn_policy policy = ve_turn_policy_default();
    struct rig rig;
    policy.speculate_ms = 1000;
    policy.endpoint_ms = 64;
    rig_init_with(&rig, &policy);
    rig_speech(&rig, 64);
    rig_silence(&rig, 64);
    rig_expect(&rig, "64 start 0\n128 speculate 1.1\n128 commit 1.1 64\n");
    ve_turn_end_now(&rig.turn); /* nothing is open */
    rig_expect(&rig, "");
    rig_speech(&rig, 96);
    ve_turn_end_now(&rig.turn); /* in the middle of a word */
    rig_expect(&rig, "192 start 128\n224 speculate 2.1\n224 commit 2.1 224\n");
    policy.endpoint_ms = 500;
    policy.speculate_ms = 32;
    ve_turn_set_policy(&rig.turn, &policy);
    rig_speech(&rig, 64);
    rig_silence(&rig, 32);
    ve_turn_end_now(&rig.turn); /* on trial already */
    rig_expect(&rig, "288 start 224\n320 speculate 3.1\n320 commit 3.1 288\n");
}

static unsigned commit_after(enum ve_turn_shape shape, const struct ve_turn_policy *policy)
{
    struct rig rig;
    unsigned ms = 0;
    rig_init_with(&rig, policy);
    rig_speech(&rig, 320);
    ve_turn_heard(&rig.turn, shape, 3, false);
    while (rig.turn.state != VE_TURN_LISTENING && ms < 30000) {
        rig_silence(&rig, VE_TURN_BLOCK_MS);
        ms += VE_TURN_BLOCK_MS;
    }
    return ms;
}

static void what_was_said_moves_the_end(void **state)
{
    (void)state;
    struct ve_turn_policy policy = ve_turn_policy_default();
    assert_int_equal(commit_after(VE_TURN_PLAIN, &policy), 512);
    assert_int_equal(commit_after(VE_TURN_COMPLETE, &policy), 512);
    assert_int_equal(commit_after(VE_TURN_UNFINISHED, &policy), 1024);
    assert_int_equal(commit_after(VE_TURN_UNHEARD, &policy), 1504);
    policy.endpoint_ms = 1600; /* longer than the wait for the unheard cannot be, but doubled */
    policy.endpoint_unheard_ms = 1600;
    assert_int_equal(commit_after(VE_TURN_UNHEARD, &policy), 1600);
    assert_int_equal(commit_after(VE_TURN_UNFINISHED, &policy), 2528); /* endpoint_max_ms */
    assert_int_equal(commit_after(VE_TURN_PLAIN, &policy), 1600);
}

static void the_shape_may_change_while_it_waits(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 64);
    ve_turn_heard(&rig.turn, VE_TURN_UNFINISHED, 2, false);
    rig_silence(&rig, 640);
    rig_expect(&rig, "64 start 0\n192 speculate 1.1\n");
    ve_turn_heard(&rig.turn, VE_TURN_COMPLETE, 3, false);
    rig_silence(&rig, 32); /* the end was due a while ago */
    rig_expect(&rig, "736 commit 1.1 64\n");
}

/* A recogniser tells of an utterance a moment after its end. */
static void late_results_do_not_touch_the_next_turn(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 64);
    rig_silence(&rig, 512);
    rig_forget(&rig);
    ve_turn_heard(&rig.turn, VE_TURN_UNFINISHED, 7, false);
    rig_speech(&rig, 64);
    rig_silence(&rig, 512);
    rig_expect(&rig, "640 start 576\n768 speculate 2.1\n1152 commit 2.1 640\n");
}

static void pause_inside(struct rig *rig, unsigned ms)
{
    rig_silence(rig, ms);
    rig_speech(rig, 32);
}

static void the_callers_own_pauses_are_learned(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 64);
    pause_inside(&rig, 480);
    pause_inside(&rig, 480);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500); /* two say little */
    pause_inside(&rig, 64);                                /* between words, not counted */
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
    pause_inside(&rig, 480);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 624); /* 1.3 x 480 */
    ve_turn_heard(&rig.turn, VE_TURN_COMPLETE, 0, false);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
    ve_turn_heard(&rig.turn, VE_TURN_UNFINISHED, 0, false);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 1248);
    /* Sixteen are kept: three of 480 are fewer than a fifth of them, four are not. */
    ve_turn_heard(&rig.turn, VE_TURN_PLAIN, 0, false);
    for (int i = 0; i < 13; i++)
        pause_inside(&rig, 128);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
    for (int i = 0; i < 4; i++)
        pause_inside(&rig, 480);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 624);
    for (int i = 0; i < 16; i++)
        pause_inside(&rig, 160);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
}

static void nothing_makes_it_wait_longer_than_the_maximum(void **state)
{
    (void)state;
    struct ve_turn_policy policy = ve_turn_policy_default();
    struct rig rig;
    policy.endpoint_ms = 2400;
    policy.endpoint_unheard_ms = 2400;
    rig_init_with(&rig, &policy);
    rig_speech(&rig, 64);
    for (int i = 0; i < 5; i++)
        pause_inside(&rig, 2368);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 2500);
    ve_turn_heard(&rig.turn, VE_TURN_UNFINISHED, 0, false);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 2500);
}

static void nobody_talks_for_ever(void **state)
{
    (void)state;
    struct ve_turn_policy policy = ve_turn_policy_default();
    struct rig rig;
    policy.talk_max_ms = 1000;
    rig_init_with(&rig, &policy);
    rig_speech(&rig, 1088);
    rig_expect(&rig, "64 start 0\n1024 speculate 1.1\n1024 commit 1.1 1024\n1088 start 1024\n");
    rig_silence(&rig, 512);
    rig_expect(&rig, "1216 speculate 2.1\n1600 commit 2.1 1088\n");
    /* In the middle of a wait, on trial. */
    rig_speech(&rig, 896);
    rig_silence(&rig, 160);
    rig_expect(&rig, "1664 start 1600\n2624 speculate 3.1\n2624 commit 3.1 2496\n");
}

static void a_new_policy_holds_in_mid_turn(void **state)
{
    (void)state;
    struct ve_turn_policy policy = ve_turn_policy_default();
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 64);
    rig_silence(&rig, 320);
    rig_expect(&rig, "64 start 0\n192 speculate 1.1\n");
    policy.endpoint_ms = 1000;
    ve_turn_set_policy(&rig.turn, &policy);
    rig_silence(&rig, 352);
    rig_expect(&rig, "");
    policy.endpoint_ms = 600; /* 672 ms have passed: at the next block */
    ve_turn_set_policy(&rig.turn, &policy);
    rig_expect(&rig, "");
    rig_silence(&rig, 32);
    rig_expect(&rig, "768 commit 1.1 64\n");
    policy.end_p = 0.2f;
    ve_turn_set_policy(&rig.turn, &policy);
    rig_speech(&rig, 64);
    for (int i = 0; i < 50; i++)
        rig_block(&rig, 0.25f, NEAR_DB);
    rig_expect(&rig, "832 start 768\n");
    policy.end_p = 0.3f;
    policy.talk_max_ms = 1000; /* it has lasted longer than that */
    ve_turn_set_policy(&rig.turn, &policy);
    rig_silence(&rig, 32);
    rig_expect(&rig, "2464 speculate 2.1\n2464 commit 2.1 2432\n");
}

static int check(const struct ve_turn_policy *policy, const char *wanted)
{
    const char *field = "";
    int err = ve_turn_policy_check(policy, &field);
    assert_string_equal(field, wanted);
    return err;
}

/* Sets one field to a value and expects the check's opinion. */
#define EXPECT_FIELD(field, value, ok)                                                             \
    do {                                                                                           \
        struct ve_turn_policy policy_ = ve_turn_policy_default();                                  \
        policy_.endpoint_max_ms = 20000;                                                           \
        policy_.endpoint_unheard_ms = 20000;                                                       \
        policy_.field = (value);                                                                   \
        assert_int_equal(check(&policy_, (ok) ? "" : #field), (ok) ? 0 : VE_EINVAL);               \
    } while (0)

#define EXPECT_RANGE(field, low, high, step)                                                       \
    do {                                                                                           \
        EXPECT_FIELD(field, low, true);                                                            \
        EXPECT_FIELD(field, high, true);                                                           \
        EXPECT_FIELD(field, (low) - (step), false);                                                \
        EXPECT_FIELD(field, (high) + (step), false);                                               \
    } while (0)

static void a_policy_is_checked(void **state)
{
    (void)state;
    struct ve_turn_policy policy = ve_turn_policy_default();
    assert_int_equal(check(&policy, ""), 0);
    EXPECT_FIELD(start_p, 0.35f, true);
    EXPECT_FIELD(start_p, 1.0f, true);
    EXPECT_FIELD(start_p, 1.01f, false);
    EXPECT_FIELD(start_p, -0.01f, false);
    EXPECT_FIELD(start_ms, 0, true);
    EXPECT_FIELD(start_ms, 1000, true);
    EXPECT_FIELD(start_ms, 1001, false);
    EXPECT_RANGE(end_p, 0.0f, 0.5f, 0.01f); /* at most start_p */
    EXPECT_RANGE(speculate_ms, 32u, 5000u, 1);
    EXPECT_RANGE(endpoint_ms, 64u, 10000u, 1);
    EXPECT_RANGE(endpoint_max_ms, 500u, 20000u, 1); /* at least endpoint_ms */
    EXPECT_RANGE(endpoint_unheard_ms, 500u, 20000u, 1);
    EXPECT_RANGE(talk_max_ms, 1000u, 600000u, 1);
    EXPECT_RANGE(barge_p, 0.0f, 1.0f, 0.01f);
    EXPECT_FIELD(barge_ms, 2000, true);
    EXPECT_FIELD(barge_ms, 2001, false);
    EXPECT_RANGE(barge_margin_db, -60.0f, 60.0f, 1);
    EXPECT_RANGE(return_loss_db, 0.0f, 90.0f, 1);
    EXPECT_RANGE(confirm_ms, 32u, 5000u, 1);
    EXPECT_RANGE(confirm_words, 1u, 20u, 1);
    EXPECT_RANGE(resume_ms, 32u, 5000u, 1);
    EXPECT_FIELD(start_p, NAN, false);
    EXPECT_FIELD(end_p, NAN, false);
    EXPECT_FIELD(barge_p, NAN, false);
    EXPECT_FIELD(barge_margin_db, NAN, false);
    EXPECT_FIELD(return_loss_db, INFINITY, false);
}

static void the_script_may_set_the_endpoint(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    assert_int_equal(ve_turn_wait(&rig.turn, 1, 200), VE_EGONE); /* nothing is open */
    rig_speech(&rig, 320);
    assert_int_equal(ve_turn_wait(&rig.turn, 2, 200), VE_EGONE);
    assert_int_equal(ve_turn_wait(&rig.turn, 1, 200), 0);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 200);
    assert_int_equal(ve_turn_wait(&rig.turn, 1, 60000), 0);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 2500); /* never more than the maximum */
    assert_int_equal(ve_turn_wait(&rig.turn, 1, 0), 0);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
    assert_int_equal(ve_turn_wait(&rig.turn, 1, 200), 0);
    rig_silence(&rig, 224);
    assert_non_null(strstr(rig.log, "544 commit 1.1 320"));
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500); /* it was for that turn */
}

/* A wait that is already over when it is set ends the turn with the next block. */
static void a_wait_that_is_over_ends_the_turn(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 320);
    ve_turn_heard(&rig.turn, VE_TURN_UNFINISHED, 2, false);
    rig_silence(&rig, 704);
    rig_expect(&rig, "64 start 0\n448 speculate 1.1\n");
    assert_int_equal(ve_turn_wait(&rig.turn, 1, 300), 0);
    rig_silence(&rig, 32);
    rig_expect(&rig, "1056 commit 1.1 320\n");
}

static void nothing_heard_means_more_where_somebody_would_say(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    ve_turn_partials(&rig.turn, true);
    rig_speech(&rig, 320);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 1500);
    ve_turn_heard(&rig.turn, VE_TURN_PLAIN, 2, false);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
    ve_turn_partials(&rig.turn, true); /* another ear changes nothing about what was heard */
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
    rig_silence(&rig, 512);
    rig_speech(&rig, 320);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 1500);
    ve_turn_partials(&rig.turn, false);
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_blocks_of_speech_open_an_utterance),
        cmocka_unit_test(how_long_speech_must_last_is_policy),
        cmocka_unit_test(silence_ends_a_turn),
        cmocka_unit_test(speech_discards_what_was_begun_on_trial),
        cmocka_unit_test(a_turn_may_end_before_a_trial_began),
        cmocka_unit_test(what_was_said_moves_the_end),
        cmocka_unit_test(the_shape_may_change_while_it_waits),
        cmocka_unit_test(late_results_do_not_touch_the_next_turn),
        cmocka_unit_test(the_callers_own_pauses_are_learned),
        cmocka_unit_test(nothing_makes_it_wait_longer_than_the_maximum),
        cmocka_unit_test(nobody_talks_for_ever),
        cmocka_unit_test(a_new_policy_holds_in_mid_turn),
        cmocka_unit_test(a_policy_is_checked),
        cmocka_unit_test(the_script_may_set_the_endpoint),
        cmocka_unit_test(a_wait_that_is_over_ends_the_turn),
        cmocka_unit_test(nothing_heard_means_more_where_somebody_would_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
