#include "call/say.h"

#include "call_rig.h"

#define RATE 16000

struct spoken {
    struct ve_say *say;
    unsigned began, done, resumed;
    enum ve_segment_end how;
    uint32_t played_ms;
    int err;
    char heard[256];
};

static void on_began(void *arg, uint64_t at_ns)
{
    struct spoken *spoken = arg;
    (void)at_ns;
    spoken->began++;
    assert_int_equal(spoken->done, 0);
}

static void on_done(void *arg, const struct ve_say_result *result)
{
    struct spoken *spoken = arg;
    assert_int_equal(spoken->done, 0); /* once */
    spoken->done++;
    spoken->say = NULL;
    spoken->how = result->how;
    spoken->played_ms = result->played_ms;
    spoken->err = result->err;
    ve_str_copy(spoken->heard, sizeof(spoken->heard), result->heard);
}

static void on_resume(void *self)
{
    ((struct spoken *)self)->resumed++;
}

static int try_say(struct ve_call *call, const char *text, struct spoken *spoken)
{
    *spoken = (struct spoken){.began = 0};
    struct ve_say_options options = {
        .text = ve_str(text),
        .rate = RATE,
        .source = {on_resume, spoken},
        .began = on_began,
        .done = on_done,
        .arg = spoken,
    };
    return ve_say_begin(call, &options, &spoken->say);
}

static void say(struct ve_call *call, const char *text, struct spoken *spoken)
{
    assert_int_equal(try_say(call, text, spoken), 0);
}

/* `ms` of something that is no silence. */
static int write_ms(struct spoken *spoken, uint32_t ms)
{
    int16_t samples[RATE / 100];
    struct ve_sink sink = ve_say_sink(spoken->say);
    int status = 0;
    for (size_t i = 0; i < RATE / 100; i++)
        samples[i] = (int16_t)(i % 40 * 300 - 6000);
    for (uint32_t at = 0; at < ms && status >= 0; at += 10)
        status = sink.ops->write(sink.self, samples, sizeof(samples));
    return status;
}

static void end_say(struct spoken *spoken, int err)
{
    struct ve_sink sink = ve_say_sink(spoken->say);
    sink.ops->end(sink.self, err);
}

static struct ve_call *begin(struct call_rig *rig)
{
    rig_open(rig);
    struct ve_call *call = media(rig, "1");
    advance(rig, 20);
    return call;
}

static const char *said(struct call_rig *rig, char text[static 8192])
{
    char *agent = strstr(record_of(rig, "1", text), "\"agent\":\"");
    if (!agent)
        return "";
    agent += 9;
    *strchr(agent, '"') = '\0';
    return agent;
}

static void what_was_played_is_what_was_said(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    char text[8192];
    struct ve_call *call = begin(&rig);
    say(call, "  good morning to you. ", &spoken);
    assert_int_equal(write_ms(&spoken, 1000), VE_FLOW_MORE);
    end_say(&spoken, 0);
    advance(&rig, 500);
    assert_int_equal(spoken.began, 1);
    assert_int_equal(spoken.done, 0);
    advance(&rig, 1000);
    assert_int_equal(spoken.done, 1);
    assert_int_equal(spoken.how, VE_SEGMENT_PLAYED);
    assert_string_equal(spoken.heard, "good morning to you.");
    assert_in_range(spoken.played_ms, 980, 1020);
    assert_string_equal(said(&rig, text), "good morning to you.");
    assert_int_equal(rig.legs[0].samples, RATE);
    rig_close(&rig);
}

static void an_interrupted_say_is_the_words_that_were_heard(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    char text[8192];
    struct ve_call *call = begin(&rig);
    say(call, "one, two three", &spoken);
    static const struct ve_say_word words[] = {
        {0, 3, 0, RATE / 2}, {5, 3, RATE / 2, RATE}, {9, 5, RATE, RATE * 3 / 2}};
    ve_say_words(spoken.say, words, 3);
    assert_true(write_ms(&spoken, 1500) >= 0);
    end_say(&spoken, 0);
    /* two thirds of a word are enough: here the first one, and a bit of the second */
    advance(&rig, 700);
    ve_playout_interrupt(ve_session_playout(ve_call_session(call)));
    advance(&rig, 1);
    assert_int_equal(spoken.done, 1);
    assert_int_equal(spoken.how, VE_SEGMENT_INTERRUPTED);
    assert_string_equal(spoken.heard, "one,"); /* with what punctuation belongs to it */
    assert_string_equal(said(&rig, text), "one,");
    rig_close(&rig);
}

static void without_marks_lengths_tell(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    struct ve_call *call = begin(&rig);
    say(call, "aaaa bbbb cccc dddd", &spoken);
    assert_true(write_ms(&spoken, 1900) >= 0);
    end_say(&spoken, 0);
    advance(&rig, 950);
    ve_playout_interrupt(ve_session_playout(ve_call_session(call)));
    advance(&rig, 1);
    assert_string_equal(spoken.heard, "aaaa bbbb");
    rig_close(&rig);
}

/* Marks are a provider's word: they may point anywhere. */
static void marks_outside_the_text_are_left_out(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    static const struct ve_say_word words[] = {
        {0, 2, 0, 100},           {100000, 5, 0, 100},        {1, 100000, 0, 100},
        {UINT32_MAX, 2, 0, 100},  {2, UINT32_MAX - 1, 0, 10}, {5, 1, 0, 10},
        {0, 5, UINT32_MAX, 1000},
    };
    struct ve_call *call = begin(&rig);
    say(call, "hello", &spoken);
    ve_say_words(spoken.say, words, sizeof(words) / sizeof(words[0]));
    assert_true(write_ms(&spoken, 1000) >= 0);
    end_say(&spoken, 0);
    advance(&rig, 500);
    ve_playout_interrupt(ve_session_playout(ve_call_session(call)));
    advance(&rig, 1);
    assert_string_equal(spoken.heard, "he");
    rig_close(&rig);
}

static void endless_marks_are_bounded(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    struct ve_call *call = begin(&rig);
    static const struct ve_say_word word = {0, 1, 0, 1};
    say(call, "x", &spoken);
    for (int i = 0; i < 3000; i++)
        ve_say_words(spoken.say, &word, 1);
    ve_say_cancel(spoken.say);
    advance(&rig, 1);
    rig_close(&rig);
}

static void bytes_may_split_a_sample(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 7, 1021, 1023, 4096};
    static uint8_t bytes[3200];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 | 1);
    for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
        struct call_rig rig;
        struct spoken spoken;
        struct ve_call *call = begin(&rig);
        say(call, "", &spoken); /* nothing is trimmed */
        struct ve_sink sink = ve_say_sink(spoken.say);
        for (size_t at = 0; at < sizeof(bytes); at += pieces[k]) {
            size_t n = sizeof(bytes) - at < pieces[k] ? sizeof(bytes) - at : pieces[k];
            assert_int_equal(sink.ops->write(sink.self, bytes + at, n), VE_FLOW_MORE);
        }
        end_say(&spoken, 0);
        advance(&rig, 1000);
        assert_int_equal(spoken.done, 1);
        assert_int_equal(rig.legs[0].samples, sizeof(bytes) / 2);
        rig_close(&rig);
    }
}

static void a_fast_writer_is_paused_and_resumed(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    struct ve_call *call = begin(&rig);
    say(call, "x", &spoken);
    int status = VE_FLOW_MORE;
    unsigned writes = 0;
    for (; status == VE_FLOW_MORE && writes < 1000; writes++)
        status = write_ms(&spoken, 100);
    assert_int_equal(status, VE_FLOW_PAUSE);
    assert_in_range(writes, 10, 40); /* about two seconds ahead */
    assert_int_equal(spoken.resumed, 0);
    advance(&rig, 4000);
    assert_true(spoken.resumed >= 1);
    end_say(&spoken, 0);
    advance(&rig, 4000);
    assert_int_equal(spoken.done, 1);
    rig_close(&rig);
}

static void a_source_that_fails_says_why(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    struct ve_call *call = begin(&rig);
    say(call, "aaaa bbbb cccc", &spoken);
    assert_int_equal(write_ms(&spoken, 200), VE_FLOW_MORE);
    end_say(&spoken, VE_EIO);
    advance(&rig, 1000);
    assert_int_equal(spoken.done, 1);
    assert_int_equal(spoken.how, VE_SEGMENT_FAILED);
    assert_int_equal(spoken.err, VE_EIO);
    rig_close(&rig);
}

static void a_cancelled_say_is_silent_and_still_counts(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    char text[8192];
    struct ve_call *call = begin(&rig);
    say(call, "aaaa bbbb", &spoken);
    assert_true(write_ms(&spoken, 1000) >= 0);
    advance(&rig, 600);
    ve_say_cancel(spoken.say);
    ve_say_cancel(NULL);
    advance(&rig, 1000);
    assert_int_equal(spoken.done, 0);
    assert_string_equal(said(&rig, text), "aaaa"); /* the caller heard it all the same */
    rig_close(&rig);
}

static struct spoken *owned; /* what the call's script would cancel */

static void cancel_owned(struct call_rig *rig, struct ve_call *call)
{
    (void)rig;
    (void)call;
    ve_say_cancel(owned->say);
    owned->say = NULL;
}

static void the_end_of_the_call_keeps_what_was_heard(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    struct spoken second;
    char text[8192];
    struct ve_call *call = begin(&rig);
    say(call, "aaaa bbbb", &spoken);
    assert_true(write_ms(&spoken, 1000) >= 0);
    owned = &spoken;
    rig.on_ended = cancel_owned;
    advance(&rig, 600);
    assert_string_equal(said(&rig, text), "aaaa"); /* while it is being said */
    assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, "1", ""), 0);
    assert_int_equal(try_say(call, "too late", &second), VE_EGONE);
    advance(&rig, 10);
    assert_int_equal(rig.ended, 1);
    assert_int_equal(spoken.done, 0);
    assert_string_equal(said(&rig, text), "aaaa");
    rig_close(&rig);
}

static void a_call_without_media_cannot_speak(void **state)
{
    (void)state;
    struct call_rig rig;
    struct spoken spoken;
    rig_open(&rig);
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "1", ""), 0);
    assert_int_equal(try_say(ve_calls_find(rig.calls, VE_STR("1")), "x", &spoken), VE_EGONE);
    rig_close(&rig);
}

static void too_many_at_once_are_refused(void **state)
{
    (void)state;
    struct call_rig rig;
    static struct spoken spoken[40];
    unsigned taken = 0;
    struct ve_call *call = begin(&rig);
    while (taken < 40 && try_say(call, "x", &spoken[taken]) == 0)
        taken++;
    assert_in_range(taken, 8, 39);
    assert_int_equal(try_say(call, "x", &spoken[taken]), VE_EBUSY);
    for (unsigned i = 0; i < taken; i++)
        ve_say_cancel(spoken[i].say);
    advance(&rig, 1);
    rig_close(&rig);
}

static int say_once(void *arg)
{
    struct call_rig *rig = arg;
    struct spoken spoken;
    struct ve_call *call = NULL;
    static const struct ve_say_word word = {0, 5, 0, 1000};
    int err = rig_try_open(rig);
    if (err)
        return err;
    err = connect_media(rig, "1", &call);
    if (!err) {
        advance(rig, 20);
        err = try_say(call, "hello", &spoken);
    }
    if (!err) {
        ve_say_words(spoken.say, &word, 1);
        int status = write_ms(&spoken, 300);
        err = status < 0 ? status : 0;
        end_say(&spoken, err);
        advance(rig, 2000);
        assert_int_equal(spoken.done, 1); /* whatever was missing */
    }
    rig_close(rig);
    return err;
}

static void without_memory_a_say_still_completes(void **state)
{
    (void)state;
    struct call_rig rig;
    assert_true(test_alloc_sweep(say_once, &rig) > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_played_is_what_was_said),
        cmocka_unit_test(an_interrupted_say_is_the_words_that_were_heard),
        cmocka_unit_test(without_marks_lengths_tell),
        cmocka_unit_test(marks_outside_the_text_are_left_out),
        cmocka_unit_test(endless_marks_are_bounded),
        cmocka_unit_test(bytes_may_split_a_sample),
        cmocka_unit_test(a_fast_writer_is_paused_and_resumed),
        cmocka_unit_test(a_source_that_fails_says_why),
        cmocka_unit_test(a_cancelled_say_is_silent_and_still_counts),
        cmocka_unit_test(the_end_of_the_call_keeps_what_was_heard),
        cmocka_unit_test(a_call_without_media_cannot_speak),
        cmocka_unit_test(too_many_at_once_are_refused),
        cmocka_unit_test(without_memory_a_say_still_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
