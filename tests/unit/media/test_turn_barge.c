/*
 * Turns while the agent speaks: interruptions, coughs, and the agent's own voice coming back.
 */
#include "base/rng.h"

#include "turn_rig.h"

#define AGENT_DB (-20.0f)

static void agent_speaks(struct rig *rig)
{
    rig_init(rig);
    rig_agent(rig, true, AGENT_DB);
    rig_silence(rig, 320);
    rig_expect(rig, "");
}

static void speech_over_the_agent_pauses_it(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig_speech(&rig, 128);
    rig_expect(&rig, "");
    rig_speech(&rig, 32); /* 160 ms */
    rig_expect(&rig, "480 start 320 barge\n480 pause\n");
    rig_speech(&rig, 320);
    rig_expect(&rig, "");
    rig_speech(&rig, 32); /* 512 ms of speech, the first 160 included */
    rig_expect(&rig, "832 confirm\n");
    rig_agent(&rig, false, -120.0f);
    rig_speech(&rig, 640);
    rig_silence(&rig, 512);
    rig_expect(&rig, "1600 speculate 1.1\n1984 commit 1.1 1472\n");
    assert_int_equal(rig.turn.barge, VE_BARGE_NONE);
}

static void speech_over_the_agent_must_be_sure_and_in_a_row(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    for (int i = 0; i < 100; i++)
        rig_block(&rig, 0.69f, NEAR_DB);
    rig_expect(&rig, "");
    for (int i = 0; i < 20; i++) {
        rig_speech(&rig, 128);
        rig_silence(&rig, 32);
    }
    rig_expect(&rig, "");
    assert_int_equal(rig.turn.state, VE_TURN_LISTENING);
}

static void two_words_confirm_at_once(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    ve_turn_heard(&rig.turn, VE_TURN_PLAIN, 9, false); /* of nothing that is open */
    rig_speech(&rig, 160);
    rig_expect(&rig, "480 start 320 barge\n480 pause\n");
    ve_turn_heard(&rig.turn, VE_TURN_PLAIN, 1, false);
    rig_silence(&rig, 64);
    rig_expect(&rig, "");
    ve_turn_heard(&rig.turn, VE_TURN_PLAIN, 2, false);
    rig_expect(&rig, "544 confirm\n");
    ve_turn_heard(&rig.turn, VE_TURN_PLAIN, 3, false);
    rig_silence(&rig, 448);
    rig_expect(&rig, "608 speculate 1.1\n992 commit 1.1 480\n");
}

/* "uh-huh" takes half a second to say; that alone must not cut the agent off. */
static void uh_huh_resumes_mid_sentence(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig_speech(&rig, 160);
    rig_expect(&rig, "480 start 320 barge\n480 pause\n");
    ve_turn_heard(&rig.turn, VE_TURN_UNFINISHED, 0, true);
    rig_speech(&rig, 480); /* 640 ms in all */
    rig_expect(&rig, "");
    rig_silence(&rig, 320);
    rig_expect(&rig, "1280 resume\n");
    assert_false(rig.turn.backchannel);
}

static void uh_huh_without_end_is_an_interruption(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig_speech(&rig, 160);
    ve_turn_heard(&rig.turn, VE_TURN_UNFINISHED, 0, true);
    rig_forget(&rig);
    rig_speech(&rig, 1024);
    rig_expect(&rig, "");
    rig_speech(&rig, 32); /* 1216 ms of it */
    rig_expect(&rig, "1536 confirm\n");
}

static void no_wait_stops_the_agent(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig_speech(&rig, 224);
    rig_forget(&rig);
    ve_turn_heard(&rig.turn, VE_TURN_PLAIN, 1, false); /* "no" */
    rig_expect(&rig, "");
    ve_turn_heard(&rig.turn, VE_TURN_PLAIN, 2, false); /* "no, wait" */
    rig_expect(&rig, "544 confirm\n");
}

static void a_cough_is_taken_back(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig_speech(&rig, 224);
    rig_silence(&rig, 288);
    rig_expect(&rig, "480 start 320 barge\n480 pause\n");
    rig_silence(&rig, 32);
    rig_expect(&rig, "864 resume\n");
    assert_int_equal(rig.turn.state, VE_TURN_LISTENING);
    assert_int_equal(rig.turn.barge, VE_BARGE_NONE);
    /* It was no turn: the next one still is the first, and no words are left over. */
    rig_agent(&rig, false, -120.0f);
    rig_silence(&rig, 640);
    rig_speech(&rig, 64);
    assert_int_equal(rig.turn.words, 0);
    rig_silence(&rig, 512);
    rig_expect(&rig, "1568 start 1504\n1696 speculate 1.1\n2080 commit 1.1 1568\n");
}

static void coughs_may_come_again_and_again(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    for (int i = 0; i < 5; i++) {
        /* the level of a near talker, whatever earlier coughs taught about the line */
        for (int block = 0; block < 5; block++)
            rig_block(&rig, 0.95f, -10.0f);
        rig_silence(&rig, 320);
    }
    unsigned pauses = 0;
    for (const char *at = rig.log; (at = strstr(at, " pause\n")); at++)
        pauses++;
    assert_int_equal(pauses, 5);
    assert_null(strstr(rig.log, "speculate"));
    assert_int_equal(rig.turn.turn, 1);
}

/* The last frame left before the decision: the speech is an ordinary turn, nothing to resume. */
static void an_agent_that_ends_meanwhile_makes_it_a_turn(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig_speech(&rig, 160);
    rig_expect(&rig, "480 start 320 barge\n480 pause\n");
    rig_agent(&rig, false, -120.0f);
    rig_speech(&rig, 32);
    assert_int_equal(rig.turn.barge, VE_BARGE_NONE);
    rig_silence(&rig, 512);
    rig_expect(&rig, "640 speculate 1.1\n1024 commit 1.1 512\n");
}

static void an_agent_that_ends_while_the_caller_is_silent_makes_it_a_turn(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig_speech(&rig, 160);
    rig_silence(&rig, 256);
    rig_expect(&rig, "480 start 320 barge\n480 pause\n");
    rig_agent(&rig, false, -120.0f);
    rig_silence(&rig, 256);
    rig_expect(&rig, "768 speculate 1.1\n992 commit 1.1 480\n");
}

static void ending_the_turn_confirms(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig_speech(&rig, 160);
    rig_expect(&rig, "480 start 320 barge\n480 pause\n");
    ve_turn_end_now(&rig.turn);
    rig_expect(&rig, "480 confirm\n480 speculate 1.1\n480 commit 1.1 480\n");
    ve_turn_end_now(&rig.turn);
    rig_expect(&rig, "");
}

static void a_fixed_segment_is_not_interrupted(void **state)
{
    (void)state;
    struct rig rig;
    agent_speaks(&rig);
    rig.fixed = true;
    rig_speech(&rig, 10016);
    rig_expect(&rig, "");
    rig.fixed = false; /* from now on the caller counts, from now on only */
    rig_speech(&rig, 128);
    rig_expect(&rig, "");
    rig_speech(&rig, 32);
    rig_expect(&rig, "10496 start 10336 barge\n10496 pause\n");
}

static void the_agent_s_state_decides_about_speech_that_goes_on(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 32); /* it begins before the agent does */
    rig_agent(&rig, true, AGENT_DB);
    rig_speech(&rig, 96);
    rig_expect(&rig, "");
    rig_speech(&rig, 32);
    rig_expect(&rig, "160 start 0 barge\n160 pause\n");
}

static void what_interrupts_is_policy(void **state)
{
    (void)state;
    struct ve_turn_policy policy = ve_turn_policy_default();
    struct rig rig;
    policy.barge_p = 0.9f;
    policy.barge_ms = 64;
    policy.barge_margin_db = 0.0f;
    policy.return_loss_db = 10.0f;
    policy.confirm_ms = 64;
    policy.resume_ms = 32;
    rig_init_with(&rig, &policy);
    rig_agent(&rig, true, AGENT_DB);
    for (int i = 0; i < 5; i++)
        rig_block(&rig, 0.95f, -30.0f); /* not above -20 - 10 + 0 */
    rig_expect(&rig, "");
    rig_block(&rig, 0.9f, -29.9f);
    rig_block(&rig, 0.9f, -29.9f);
    /* Sixty-four milliseconds are enough for everything here. */
    rig_expect(&rig, "224 start 160 barge\n224 pause\n");
    rig_block(&rig, 0.9f, -29.9f);
    rig_expect(&rig, "256 confirm\n");
}

/* --- patience ------------------------------------------------------------------------------------
 */

static void say_a_turn(struct rig *rig)
{
    rig_agent(rig, false, -120.0f);
    rig_speech(rig, 64);
    rig_silence(rig, 3008);
}

/* The agent begins, and the caller goes on `after` ms later. */
static void overlap(struct rig *rig, unsigned after)
{
    say_a_turn(rig);
    rig_agent(rig, true, AGENT_DB);
    rig_silence(rig, after);
    rig_speech(rig, 512);
    rig_agent(rig, false, -120.0f);
    rig_silence(rig, 3008);
}

static void talking_over_the_caller_teaches_patience(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    overlap(&rig, 320);
    assert_int_equal(rig.turn.patience_ms, 180); /* 200, and a turn has passed */
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 680);
    overlap(&rig, 640); /* too late to have been the agent's fault */
    assert_int_equal(rig.turn.patience_ms, 140);
    for (int i = 0; i < 20; i++)
        overlap(&rig, 0);
    assert_in_range(rig.turn.patience_ms, 900, 1000); /* bounded */
    for (int i = 0; i < 60; i++)
        say_a_turn(&rig);
    assert_int_equal(rig.turn.patience_ms, 0); /* and forgotten */
    assert_int_equal(ve_turn_endpoint_ms(&rig.turn), 500);
}

static void speech_from_before_the_agent_began_teaches_patience(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    say_a_turn(&rig);
    rig_speech(&rig, 32);
    rig_agent(&rig, true, AGENT_DB);
    rig_speech(&rig, 128);
    assert_int_equal(rig.turn.patience_ms, 200);
}

static void the_greeting_talks_over_nobody(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_agent(&rig, true, AGENT_DB);
    rig_speech(&rig, 512); /* no turn has been committed: nothing was too early */
    assert_int_equal(rig.turn.patience_ms, 0);
}

/* --- the agent's voice coming back ---------------------------------------------------------------
 */

#define PATTERN 64 /* blocks of a sentence with its pauses: two seconds */

/* The agent's level in a block of 32 ms: syllables, commas, and a breath of 400 ms. */
static float agent_level(unsigned block)
{
    unsigned at = block % PATTERN;
    if (at >= 51)
        return -120.0f;
    if (at % 17 >= 14)
        return -70.0f; /* a comma */
    return at % 5 == 4 ? -38.0f : AGENT_DB - (float)(at % 3);
}

/* What the session says: the loudest of the last 400 ms. */
static float loudest_lately(unsigned block)
{
    float loudest = -120.0f;
    for (unsigned back = 0; back < 13 && back <= block; back++) {
        float level = agent_level(block - back);
        loudest = level > loudest ? level : loudest;
    }
    return loudest;
}

struct echo {
    unsigned block;   /* of the agent's speech */
    unsigned delay;   /* blocks */
    float loss_db;    /* of the line */
    float noise_db;   /* of the line */
    float near_db;    /* a caller who speaks; -120: none */
    unsigned talking; /* blocks in which the agent speaks; later it is silent */
};

static void echo_block(struct rig *rig, struct echo *echo)
{
    unsigned now = echo->block++;
    bool speaks = now < echo->talking;
    float far = now >= echo->delay && now - echo->delay < echo->talking
                    ? agent_level(now - echo->delay) - echo->loss_db
                    : -120.0f;
    float loudest = far > echo->noise_db ? far : echo->noise_db;
    bool speech = far > -60.0f || echo->near_db > -60.0f;
    loudest = echo->near_db > loudest ? echo->near_db : loudest;
    rig_agent(rig, speaks, speaks || now < echo->talking + 13 ? loudest_lately(now) : -120.0f);
    rig_block(rig, speech ? 0.95f : 0.01f, loudest);
}

static void echo_for(struct rig *rig, struct echo *echo, unsigned ms)
{
    for (unsigned at = 0; at < ms; at += VE_TURN_BLOCK_MS)
        echo_block(rig, echo);
}

/* Line echo sounds like speech to the detector; only its level tells. */
static void echo_never_interrupts_and_a_caller_does(void **state)
{
    (void)state;
    static const float losses[] = {12, 20, 30, 40, 50};
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        for (unsigned delay = 1; delay <= 9; delay += 4) { /* 32, 160, 288 ms */
            struct echo echo = {.delay = delay,
                                .loss_db = losses[i],
                                .noise_db = -75.0f,
                                .near_db = -120.0f,
                                .talking = 100000};
            struct rig rig;
            rig_init(&rig);
            echo_for(&rig, &echo, 60000);
            rig_expect(&rig, "");
            echo.near_db = NEAR_DB;
            echo_for(&rig, &echo, 160);
            rig_expect(&rig, "60160 start 60000 barge\n60160 pause\n");
        }
    }
}

static void a_caller_interrupts_from_the_first_second(void **state)
{
    (void)state;
    struct echo echo = {
        .delay = 5, .loss_db = 20, .noise_db = -75.0f, .near_db = -120.0f, .talking = 100000};
    struct rig rig;
    rig_init(&rig);
    echo_for(&rig, &echo, 320);
    echo.near_db = NEAR_DB;
    echo_for(&rig, &echo, 160);
    rig_expect(&rig, "480 start 320 barge\n480 pause\n");
}

static void the_return_loss_is_learned(void **state)
{
    (void)state;
    static const float losses[] = {14, 20, 30, 45};
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        struct echo echo = {.delay = 5,
                            .loss_db = losses[i],
                            .noise_db = -80.0f,
                            .near_db = -120.0f,
                            .talking = 100000};
        struct rig rig;
        rig_init(&rig);
        assert_true(rig.turn.loss_db == 12.0f);
        echo_for(&rig, &echo, 20000);
        assert_true(rig.turn.loss_db <= losses[i] + 2.0f);
        assert_true(rig.turn.loss_db >= losses[i] - 4.0f);
    }
}

static void a_line_without_echo_lets_a_soft_caller_in(void **state)
{
    (void)state;
    struct echo echo = {
        .delay = 5, .loss_db = 100, .noise_db = -120.0f, .near_db = -120.0f, .talking = 100000};
    struct rig rig;
    rig_init(&rig);
    echo_for(&rig, &echo, 10016);
    echo.near_db = -44.0f;
    echo_for(&rig, &echo, 160);
    rig_expect(&rig, "10176 start 10016 barge\n10176 pause\n");
}

/* An echo that comes up in mid-call (a loudspeaker) may interrupt once or twice, not for ever. */
static void a_line_that_becomes_worse_is_learned_anew(void **state)
{
    (void)state;
    struct echo echo = {
        .delay = 5, .loss_db = 100, .noise_db = -80.0f, .near_db = -120.0f, .talking = 1000000};
    struct rig rig;
    unsigned pauses = 0;
    rig_init(&rig);
    echo_for(&rig, &echo, 30016);
    rig_expect(&rig, "");
    echo.loss_db = 20;
    for (unsigned block = 0; block < 2000; block++) {
        echo_block(&rig, &echo);
        if (rig.turn.barge != VE_BARGE_PENDING)
            continue;
        /* It is paused: the echo stops a moment later, and the caller has said nothing. */
        pauses++;
        struct echo silent = {.delay = 5, .noise_db = -80.0f, .near_db = -120.0f};
        for (int i = 0; i < 5; i++)
            rig_block(&rig, 0.95f, AGENT_DB - 20);
        while (rig.turn.barge == VE_BARGE_PENDING) {
            rig_agent(&rig, true, -120.0f);
            rig_block(&rig, 0.01f, silent.noise_db);
        }
        assert_int_equal(rig.turn.state, VE_TURN_LISTENING);
    }
    assert_in_range(pauses, 1, 3);
    assert_null(strstr(rig.log, "confirm"));
    assert_null(strstr(rig.log, "commit"));
}

static void the_last_echo_of_a_sentence_opens_no_turn(void **state)
{
    (void)state;
    struct echo echo = {
        .delay = 6, .loss_db = 20, .noise_db = -75.0f, .near_db = -120.0f, .talking = 46};
    struct rig rig;
    rig_init(&rig);
    echo_for(&rig, &echo, 10016);
    rig_expect(&rig, "");
    /* A caller who answers at once is heard as ever, being louder than the echo. */
    echo.block = 0;
    echo_for(&rig, &echo, 46 * 32);
    echo.near_db = NEAR_DB;
    echo_for(&rig, &echo, 64);
    rig_expect(&rig, "11552 start 11488\n");
}

/* The caller spoke first, then the agent began: its echo does not keep the caller's turn open. */
static void the_echo_keeps_no_turn_open(void **state)
{
    (void)state;
    struct echo echo = {
        .delay = 5, .loss_db = 20, .noise_db = -75.0f, .near_db = -120.0f, .talking = 100000};
    struct rig rig;
    rig_init(&rig);
    rig_speech(&rig, 320);
    rig_expect(&rig, "64 start 0\n");
    echo_for(&rig, &echo, 512);
    rig_expect(&rig, "448 speculate 1.1\n832 commit 1.1 320\n");
    echo_for(&rig, &echo, 10016);
    rig_expect(&rig, "");
}

/* --- whatever happens ----------------------------------------------------------------------------
 */

static void every_pause_is_settled(void **state)
{
    (void)state;
    struct rig rig;
    struct ve_rng rng;
    rig_init(&rig);
    ve_rng_seed(&rng, 7);
    unsigned pauses = 0;
    unsigned settled = 0;
    for (int i = 0; i < 100000; i++) {
        if (ve_rng_below(&rng, 20) == 0)
            rig_agent(&rig, ve_rng_below(&rng, 3) > 0, AGENT_DB);
        if (ve_rng_below(&rng, 300) == 0)
            ve_turn_end_now(&rig.turn);
        if (ve_rng_below(&rng, 50) == 0)
            ve_turn_heard(&rig.turn, (enum ve_turn_shape)ve_rng_below(&rng, 4),
                          (uint32_t)ve_rng_below(&rng, 4), ve_rng_below(&rng, 2) == 0);
        bool pending = rig.turn.barge == VE_BARGE_PENDING;
        if (ve_rng_below(&rng, 5) > 0)
            rig_speech(&rig, 32 * (unsigned)(1 + ve_rng_below(&rng, 8)));
        else
            rig_silence(&rig, 32 * (unsigned)(1 + ve_rng_below(&rng, 20)));
        pauses += strstr(rig.log, " pause\n") != NULL;
        settled += pending && rig.turn.barge != VE_BARGE_PENDING;
        assert_true(rig.turn.barge == VE_BARGE_NONE || rig.turn.state != VE_TURN_LISTENING);
        rig_forget(&rig);
    }
    assert_true(pauses > 1000 && settled > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speech_over_the_agent_pauses_it),
        cmocka_unit_test(speech_over_the_agent_must_be_sure_and_in_a_row),
        cmocka_unit_test(two_words_confirm_at_once),
        cmocka_unit_test(uh_huh_resumes_mid_sentence),
        cmocka_unit_test(uh_huh_without_end_is_an_interruption),
        cmocka_unit_test(no_wait_stops_the_agent),
        cmocka_unit_test(a_cough_is_taken_back),
        cmocka_unit_test(coughs_may_come_again_and_again),
        cmocka_unit_test(an_agent_that_ends_meanwhile_makes_it_a_turn),
        cmocka_unit_test(an_agent_that_ends_while_the_caller_is_silent_makes_it_a_turn),
        cmocka_unit_test(ending_the_turn_confirms),
        cmocka_unit_test(a_fixed_segment_is_not_interrupted),
        cmocka_unit_test(the_agent_s_state_decides_about_speech_that_goes_on),
        cmocka_unit_test(what_interrupts_is_policy),
        cmocka_unit_test(talking_over_the_caller_teaches_patience),
        cmocka_unit_test(speech_from_before_the_agent_began_teaches_patience),
        cmocka_unit_test(the_greeting_talks_over_nobody),
        cmocka_unit_test(echo_never_interrupts_and_a_caller_does),
        cmocka_unit_test(a_caller_interrupts_from_the_first_second),
        cmocka_unit_test(the_return_loss_is_learned),
        cmocka_unit_test(a_line_without_echo_lets_a_soft_caller_in),
        cmocka_unit_test(a_line_that_becomes_worse_is_learned_anew),
        cmocka_unit_test(the_last_echo_of_a_sentence_opens_no_turn),
        cmocka_unit_test(the_echo_keeps_no_turn_open),
        cmocka_unit_test(every_pause_is_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
