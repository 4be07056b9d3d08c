/*
 * Dead air: a script that neither speaks nor waits for the caller does not keep the line.
 */
#include "call/say.h"

#include "call_rig.h"

static int16_t sound[16000]; /* a second at 16 kHz */

static struct ve_call *begin(struct call_rig *rig)
{
    rig_open(rig);
    for (size_t i = 0; i < 16000; i++)
        sound[i] = (int16_t)(i % 50 * 200);
    const struct ve_phrase filler = {VE_STR("One moment."), sound, 8000, 16000};
    const struct ve_phrase apology = {VE_STR("Sorry."), sound, 16000, 16000};
    ve_calls_set_phrase(rig->calls, VE_PHRASE_FILLER, &filler);
    ve_calls_set_phrase(rig->calls, VE_PHRASE_APOLOGY, &apology);
    struct ve_call *call = media(rig, "1");
    advance(rig, 100);
    assert_int_equal(rig->started, 1);
    return call;
}

static unsigned count(const struct call_rig *rig, const char *what)
{
    unsigned n = 0;
    for (const char *at = rig->lines; (at = strstr(at, what)); at++)
        n++;
    return n;
}

static void say(struct ve_call *call, bool filler)
{
    const struct ve_say_options options = {
        .text = VE_STR("Hello."), .rate = 16000, .filler = filler};
    struct ve_say *made;
    assert_int_equal(ve_say_begin(call, &options, &made), 0);
    struct ve_sink sink = ve_say_sink(made);
    assert_true(sink.ops->write(sink.self, sound, 16000) >= 0);
    sink.ops->end(sink.self, 0);
}

static void dead_air_is_filled_then_the_call_is_given_up(void **state)
{
    (void)state;
    struct call_rig rig;
    char text[8192];
    (void)begin(&rig);
    advance(&rig, 4800);
    assert_int_equal(rig.legs[0].samples, 0);
    advance(&rig, 200);
    assert_int_equal(count(&rig, "dead_air"), 1);
    advance(&rig, 5000); /* five seconds from the end of the filler */
    assert_int_equal(rig.legs[0].samples, 8000);
    advance(&rig, 600);
    assert_int_equal(count(&rig, "dead_air"), 2);
    advance(&rig, 2000);
    assert_int_equal(rig.legs[0].samples, 24000);
    assert_int_equal(rig.ended, 1);
    (void)record_of(&rig, "1", text);
    assert_non_null(strstr(text, "\"outcome\":\"failed\""));
    assert_non_null(strstr(text, "One moment. Sorry."));
    rig_close(&rig);
}

static void whoever_waits_for_the_caller_is_left_alone(void **state)
{
    (void)state;
    struct call_rig rig;
    ve_call_waits(begin(&rig));
    advance(&rig, 600000);
    assert_int_equal(count(&rig, "dead_air"), 0);
    assert_int_equal(rig.ended, 0);
    rig_close(&rig);
}

static void speaking_begins_the_wait_anew(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call = begin(&rig);
    for (int i = 0; i < 5; i++) {
        advance(&rig, 4500);
        say(call, false);
    }
    advance(&rig, 5500); /* a second of speech, and four and a half of silence */
    assert_int_equal(count(&rig, "dead_air"), 0);
    advance(&rig, 1000);
    assert_int_equal(count(&rig, "dead_air"), 1);
    rig_close(&rig);
}

/* The voice that never brings a sound: what waits behind it in the queue is no answer. */
static void a_say_without_sound_is_dead_air(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call = begin(&rig);
    const struct ve_say_options options = {.text = VE_STR("Hello."), .rate = 16000};
    struct ve_say *stuck;
    assert_int_equal(ve_say_begin(call, &options, &stuck), 0);
    advance(&rig, 5500);
    assert_int_equal(rig.legs[0].samples, 8000); /* the filler passes it */
    advance(&rig, 9000);
    assert_int_equal(rig.ended, 1);
    rig_close(&rig);
}

static void the_fallback_number_takes_the_call(void **state)
{
    (void)state;
    struct call_rig rig;
    char text[8192];
    struct ve_call *call = begin(&rig);
    assert_int_equal(ve_call_set_fallback(call, VE_STR("+33184800010")), 0);
    ve_call_script_done(call, true);
    advance(&rig, 500);
    assert_string_equal(rig.legs[0].number, ""); /* the apology first */
    advance(&rig, 1500);
    assert_string_equal(rig.legs[0].number, "+33184800010");
    assert_int_equal(rig.ended, 0);
    rig.legs[0].closed = true;
    ve_call_media_closed(call, &rig.legs[0], true); /* the carrier took it away */
    advance(&rig, 100);
    assert_int_equal(rig.ended, 1);
    assert_non_null(strstr(record_of(&rig, "1", text), "\"outcome\":\"transferred\""));
    rig_close(&rig);
}

static void a_fallback_that_nobody_answers_ends_the_call_once(void **state)
{
    (void)state;
    struct call_rig rig;
    char text[8192];
    struct ve_call *call = begin(&rig);
    assert_int_equal(ve_call_set_fallback(call, VE_STR("+33184800010")), 0);
    assert_int_equal(ve_call_set_fallback(call, VE_STR("+3318480001033184800010")), 0);
    assert_int_equal(ve_call_set_fallback(call, VE_STR("+33184800010331848000101")), VE_ETOOBIG);
    ve_call_script_done(call, true);
    advance(&rig, 31000);
    assert_int_equal(rig.ended, 0);
    advance(&rig, 3000);
    assert_int_equal(rig.ended, 1);
    assert_non_null(strstr(record_of(&rig, "1", text), "\"outcome\":\"failed\""));
    rig_close(&rig);
}

static void it_can_be_turned_off(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call = begin(&rig);
    struct ve_turn_policy policy = ve_session_policy(ve_call_session(call));
    const char *field = NULL;
    policy.watchdog_ms = 999;
    assert_int_equal(ve_turn_policy_check(&policy, &field), VE_EINVAL);
    assert_string_equal(field, "watchdog_ms");
    policy.watchdog_ms = 0;
    assert_int_equal(ve_session_set_policy(ve_call_session(call), &policy), 0);
    say(call, false);
    advance(&rig, 60000);
    assert_int_equal(count(&rig, "dead_air"), 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_air_is_filled_then_the_call_is_given_up),
        cmocka_unit_test(whoever_waits_for_the_caller_is_left_alone),
        cmocka_unit_test(speaking_begins_the_wait_anew),
        cmocka_unit_test(a_say_without_sound_is_dead_air),
        cmocka_unit_test(the_fallback_number_takes_the_call),
        cmocka_unit_test(a_fallback_that_nobody_answers_ends_the_call_once),
        cmocka_unit_test(it_can_be_turned_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
