#include "rig.h"

#include <math.h>
#include <stdlib.h>

#define SENTENCE "Thanks for calling our office. How can I help you today?"

static double seconds_of(const struct heard *heard)
{
    return (double)heard_count(heard) / VE_VOICE_RATE;
}

static double rms_of(const struct heard *heard, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += (double)heard_samples(heard)[i] * heard_samples(heard)[i];
    return sqrt(sum / (double)(to > from ? to - from : 1));
}

static void test_speaks_a_text_in_pieces(void **state)
{
    struct rig *rig = *state;
    struct heard heard;
    rig_say(rig, &heard, NULL, SENTENCE);
    assert_true(heard.writes > 10); /* not in one lump */
    assert_true(seconds_of(&heard) > 2.0 && seconds_of(&heard) < 6.0);
    assert_true(rms_of(&heard, 0, heard_count(&heard)) > 300);
    ve_buf_free(&heard.samples);
}

static void test_both_voices_and_no_others(void **state)
{
    struct rig *rig = *state;
    struct heard slt;
    struct heard rms;
    rig_say(rig, &slt, "slt", "Good morning.");
    rig_say(rig, &rms, "rms", "Good morning.");
    assert_true(seconds_of(&slt) > 0.5);
    assert_true(seconds_of(&rms) > 0.5);
    assert_int_not_equal(heard_count(&slt), heard_count(&rms));
    ve_buf_free(&slt.samples);
    ve_buf_free(&rms.samples);
    struct ve_voice_options options = heard_options(&slt, "x");
    struct ve_voice *voice;
    options.voice = "hal";
    assert_int_equal(ve_voice_start(rig->speech, &options, &voice), VE_ENOENT);
}

static void test_twice_the_same_is_as_long_and_as_loud(void **state)
{
    struct heard one;
    struct heard two;
    rig_say(*state, &one, NULL, SENTENCE);
    rig_say(*state, &two, NULL, SENTENCE);
    assert_int_equal(heard_count(&one), heard_count(&two));
    double level = rms_of(&one, 0, heard_count(&one)) / rms_of(&two, 0, heard_count(&two));
    assert_true(level > 0.9 && level < 1.1);
    ve_buf_free(&one.samples);
    ve_buf_free(&two.samples);
}

static void check_word(const struct heard *heard, const char *text, size_t index, const char *word)
{
    assert_in_range(index, 0, heard->word_count - 1);
    const struct ve_voice_word *at = &heard->words[index];
    assert_int_equal(at->len, strlen(word));
    assert_memory_equal(text + at->begin, word, at->len);
}

static void test_words_lie_where_they_are_said(void **state)
{
    struct heard heard;
    const char *text = "It costs $12.50, caf\xC3\xA9 included.  Room 21 - really!";
    static const char *const words[] = {"It",        "costs", "$12.50,", "caf\xC3\xA9",
                                        "included.", "Room",  "21",      "really!"};
    rig_say(*state, &heard, NULL, text);
    assert_int_equal(heard.word_count, 8);
    uint32_t last = 0;
    for (size_t i = 0; i < 8; i++) {
        check_word(&heard, text, i, words[i]);
        assert_true(heard.words[i].from >= last);
        assert_true(heard.words[i].to > heard.words[i].from);
        last = heard.words[i].to;
    }
    assert_in_range(last, 1, heard_count(&heard));
    /* "twelve dollars and fifty cents" takes longer than "costs". */
    assert_true(heard.words[2].to - heard.words[2].from > heard.words[1].to - heard.words[1].from);
    assert_true(rms_of(&heard, heard.words[5].from, heard.words[5].to) > 300);
    ve_buf_free(&heard.samples);
}

static void test_nothing_to_say(void **state)
{
    static const char *const texts[] = {"", " ... !? ", "\x01\x02\xFF", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct heard heard;
        rig_say(*state, &heard, NULL, texts[i]);
        assert_int_equal(heard_count(&heard), 0);
        assert_int_equal(heard.word_count, 0);
    }
}

static void test_odd_texts_are_survived(void **state)
{
    static const char *const texts[] = {
        "$ $$ $1.2.3 $-5 1/2/3/4 12:60:99 -- -' '- ()) ((",
        "1234567890123456789012345678901234567890",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "\xE4\xBD\xA0\xE5\xA5\xBD hello \xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82",
        "XIV IV MCMXCIX 1st 2nd 3,000,000.00 9999999999999 0x1F a.b.c.d ''''",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct heard heard;
        rig_say(*state, &heard, NULL, texts[i]);
        assert_true(heard_count(&heard) > 0);
        ve_buf_free(&heard.samples);
    }
}

static void test_a_text_has_a_limit(void **state)
{
    struct rig *rig = *state;
    struct heard heard;
    heard_init(&heard, rig);
    char *text = calloc(1, VE_VOICE_TEXT_MAX + 1);
    struct ve_voice_options options = heard_options(&heard, "");
    struct ve_voice *voice;
    options.text = ve_str_n(text, VE_VOICE_TEXT_MAX + 1);
    assert_int_equal(ve_voice_start(rig->speech, &options, &voice), VE_ETOOBIG);
    free(text);
}

/* --- a sink with a will of its own --- */

struct will {
    struct ve_voice *voice;
    size_t pause_at;  /* the write that is answered with a pause; 0: none */
    size_t cancel_at; /* the write in which it is cancelled */
    size_t fail_at;   /* the write that fails */
    bool paused;
    struct ve_timer timer;
};

static int willful(struct heard *heard)
{
    struct will *will = heard->arg;
    assert_false(will->paused);
    if (heard->writes == will->cancel_at)
        ve_voice_cancel(will->voice);
    if (heard->writes == will->fail_at) {
        ve_loop_stop(heard->rig->loop);
        return VE_EIO;
    }
    if (heard->writes != will->pause_at)
        return VE_FLOW_MORE;
    will->paused = true;
    ve_timer_start(&will->timer, 200 * VE_MS);
    return VE_FLOW_PAUSE;
}

static void start_willful(struct rig *rig, struct heard *heard, struct will *will, const char *text)
{
    heard_init(heard, rig);
    heard->answer = willful;
    heard->arg = will;
    struct ve_voice_options options = heard_options(heard, text);
    options.words = NULL;
    assert_int_equal(ve_voice_start(rig->speech, &options, &will->voice), 0);
}

static void on_resume(void *arg)
{
    struct heard *heard = arg;
    struct will *will = heard->arg;
    will->paused = false;
    will->pause_at += 7;
    ve_voice_resume(will->voice);
}

/* Nothing comes while the sink has paused, and nothing gets lost. */
static void test_back_pressure(void **state)
{
    struct rig *rig = *state;
    struct heard whole;
    rig_say(rig, &whole, NULL, SENTENCE);
    struct heard heard;
    struct will will = {.pause_at = 1};
    ve_timer_init(&will.timer, rig->loop, on_resume, &heard);
    start_willful(rig, &heard, &will, SENTENCE);
    rig_run(rig);
    assert_int_equal(heard.ends, 1);
    assert_int_equal(heard.err, 0);
    assert_int_equal(heard_count(&heard), heard_count(&whole));
    ve_buf_free(&heard.samples);
    ve_buf_free(&whole.samples);
}

static void on_cancel(void *arg)
{
    struct heard *heard = arg;
    struct will *will = heard->arg;
    will->paused = false;
    ve_voice_cancel(will->voice);
}

static void check_canceled(struct heard *heard)
{
    rig_run(heard->rig);
    assert_int_equal(heard->ends, 1);
    assert_int_equal(heard->err, VE_ECANCELED);
    ve_buf_free(&heard->samples);
}

static void test_cancel_at_once(void **state)
{
    struct heard heard;
    struct will will = {0};
    start_willful(*state, &heard, &will, SENTENCE);
    ve_voice_cancel(will.voice);
    assert_int_equal(heard.ends, 0); /* never inside a call of ours */
    check_canceled(&heard);
    start_willful(*state, &heard, &will, ""); /* the same before it could say nothing */
    ve_voice_cancel(will.voice);
    check_canceled(&heard);
}

static void test_cancel_in_the_middle(void **state)
{
    static const size_t at[] = {1, 2, 9, 20, 40};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        struct heard heard;
        struct will will = {.cancel_at = at[i]};
        start_willful(*state, &heard, &will, SENTENCE);
        rig_run(*state);
        assert_int_equal(heard.writes, at[i]);
        assert_int_equal(heard.err, VE_ECANCELED);
        assert_int_equal(heard.ends, 1);
        ve_buf_free(&heard.samples);
    }
}

static void test_cancel_while_paused(void **state)
{
    struct rig *rig = *state;
    struct heard heard;
    struct will will = {.pause_at = 3};
    ve_timer_init(&will.timer, rig->loop, on_cancel, &heard);
    start_willful(rig, &heard, &will, SENTENCE);
    check_canceled(&heard);
}

static void test_a_sink_that_fails_hears_no_more(void **state)
{
    struct rig *rig = *state;
    struct heard heard;
    struct will will = {.fail_at = 5};
    start_willful(rig, &heard, &will, SENTENCE);
    rig_run(rig);
    /* Another synthesis behind it shows that the failed one is over. */
    struct heard other;
    rig_say(rig, &other, NULL, "Next.");
    assert_int_equal(heard.writes, 5);
    assert_int_equal(heard.ends, 0);
    ve_buf_free(&heard.samples);
    ve_buf_free(&other.samples);
}

/* Two engines, each with its own loop, and several syntheses at once. */
static void test_two_engines(void **state)
{
    struct rig *one = *state;
    struct rig two;
    rig_open(&two);
    struct heard heard[2];
    struct will will[2] = {{0}, {0}};
    start_willful(one, &heard[0], &will[0], SENTENCE);
    start_willful(&two, &heard[1], &will[1], SENTENCE);
    rig_run(one);
    rig_run(&two);
    assert_int_equal(heard[0].err, 0);
    assert_int_equal(heard[1].err, 0);
    assert_int_equal(heard_count(&heard[0]), heard_count(&heard[1]));
    ve_buf_free(&heard[0].samples);
    ve_buf_free(&heard[1].samples);
    rig_close(&two);
}

/* The sim driver: the job runs inline, but its time has to come. */
static void test_virtual_time(void **state)
{
    (void)state;
    struct rig rig = {0};
    assert_int_equal(ve_loop_new_sim(&rig.loop, 0), 0);
    assert_int_equal(ve_speech_new(&rig.speech, rig.loop, NULL), 0);
    struct heard heard;
    struct will will = {0};
    start_willful(&rig, &heard, &will, SENTENCE);
    assert_int_equal(heard.writes, 0);
    ve_sim_advance(rig.loop, 10 * VE_MS);
    assert_int_equal(heard.writes, 0);
    ve_sim_advance(rig.loop, 16 * VE_MS);
    size_t first = heard.writes;
    assert_true(first > 0);
    assert_int_equal(heard.ends, 0);
    ve_sim_advance(rig.loop, 25 * VE_MS);
    assert_true(heard.writes > first);
    assert_int_equal(heard.ends, 1);
    ve_buf_free(&heard.samples);
    ve_speech_free(rig.speech);
    ve_loop_free(rig.loop);
}

static int setup(void **state)
{
    static struct rig rig;
    rig_open(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    rig_close(*state);
    return test_alloc_live() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speaks_a_text_in_pieces),
        cmocka_unit_test(test_both_voices_and_no_others),
        cmocka_unit_test(test_twice_the_same_is_as_long_and_as_loud),
        cmocka_unit_test(test_words_lie_where_they_are_said),
        cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_odd_texts_are_survived),
        cmocka_unit_test(test_a_text_has_a_limit),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_cancel_at_once),
        cmocka_unit_test(test_cancel_in_the_middle),
        cmocka_unit_test(test_cancel_while_paused),
        cmocka_unit_test(test_a_sink_that_fails_hears_no_more),
        cmocka_unit_test(test_two_engines),
        cmocka_unit_test(test_virtual_time),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
