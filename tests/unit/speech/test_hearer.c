#include "speech/hearer.h"

#include "callers.h"

#include <string.h>

/* What was heard of an utterance, given in pieces of 20 ms. */
struct outcome {
    char text[128];
    const char *reason;
    float confidence;
    unsigned news;  /* times that it was recognised before its end */
    bool last_news; /* and at its end */
};

struct bench {
    struct ve_decoder_pool *pool;
    struct ve_grammar *grammar;
};

static void bench_open(struct bench *bench)
{
    assert_int_equal(ve_decoder_pool_new(&bench->pool), 0);
    bench->grammar = caller_grammar();
}

static void bench_close(struct bench *bench)
{
    ve_grammar_free(bench->grammar);
    ve_decoder_pool_free(bench->pool);
}

static struct ve_hearer *open_hearer(struct bench *bench, uint32_t rate)
{
    struct ve_hearer *hearer;
    char why[96] = "";
    assert_int_equal(ve_hearer_new(&hearer, bench->pool, bench->grammar, rate), 0);
    assert_int_equal(ve_hearer_warm(hearer, why), 0);
    return hearer;
}

static struct outcome hear(struct ve_hearer *hearer, const struct utterance *said, size_t piece)
{
    struct outcome outcome = {.reason = NULL};
    struct ve_heard heard = {.reason = NULL};
    char why[96] = "";
    ve_hearer_begin(hearer);
    for (size_t at = 0; at < said->count; at += piece) {
        size_t n = said->count - at < piece ? said->count - at : piece;
        assert_int_equal(ve_hearer_hear(hearer, said->samples + at, n, false, &heard, why), 0);
        outcome.news += heard.news;
    }
    assert_int_equal(ve_hearer_hear(hearer, NULL, 0, true, &heard, why), 0);
    assert_true(ve_str_copy(outcome.text, sizeof(outcome.text), heard.text));
    outcome.reason = heard.reason;
    outcome.confidence = heard.confidence;
    outcome.last_news = heard.news;
    return outcome;
}

static struct outcome hear_once(struct bench *bench, struct utterance said, uint32_t rate)
{
    struct ve_hearer *hearer = open_hearer(bench, rate);
    struct outcome outcome = hear(hearer, &said, rate / 50);
    ve_hearer_free(hearer);
    free(said.samples);
    return outcome;
}

static void check_heard(const struct outcome *outcome, const char *text)
{
    if (outcome->reason)
        fail_msg("\"%s\" was refused (%s, %g), heard \"%s\"", text, outcome->reason,
                 (double)outcome->confidence, outcome->text);
    assert_string_equal(outcome->text, text);
    assert_true(outcome->confidence >= 0.5f);
}

/* Short phrases on a digital line: the ones that a receptionist hears all day. */
static void hears_short_phrases(void **state)
{
    static const char *const texts[] = {"sales please", "opening hours please", "yes please",
                                        "billing", "i would like the sales department"};
    static const uint32_t rates[] = {8000, 16000, 48000};
    struct bench bench;
    (void)state;
    bench_open(&bench);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t k = 0; k < 3; k++) {
            struct utterance said = caller_says("rms", texts[i], rates[k]);
            struct outcome outcome = hear_once(&bench, said, rates[k]);
            check_heard(&outcome, texts[i]);
        }
    }
    bench_close(&bench);
}

static void refuses_what_is_outside(void **state)
{
    static const char *const texts[] = {"the yellow submarine sleeps under a purple tree",
                                        "elephants never forget where they put the umbrella"};
    struct bench bench;
    (void)state;
    bench_open(&bench);
    for (size_t i = 0; i < 2; i++) {
        struct outcome outcome = hear_once(&bench, caller_says("rms", texts[i], 16000), 16000);
        assert_non_null(outcome.reason);
        assert_true(outcome.confidence < 0.5f);
    }
    bench_close(&bench);
}

static void silence_and_noise_are_told_apart(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench);
    struct outcome outcome = hear_once(&bench, caller_noise(16000, 3000, 0), 16000);
    assert_string_equal(outcome.reason, "silence");
    outcome = hear_once(&bench, caller_noise(16000, 3000, 3000), 16000);
    assert_string_equal(outcome.reason, "noise");
    outcome = hear_once(&bench, caller_noise(16000, 0, 0), 16000);
    assert_string_equal(outcome.reason, "silence");
    assert_string_equal(outcome.text, "");
    bench_close(&bench);
}

/* While the speaker pauses, the answer is made ready; at the end nothing is left to do. */
static void is_ready_before_the_end(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench);
    struct outcome outcome = hear_once(&bench, caller_says("rms", "sales please", 16000), 16000);
    check_heard(&outcome, "sales please");
    assert_true(outcome.news >= 1);
    assert_false(outcome.last_news);
    bench_close(&bench);
}

static void pieces_make_no_difference(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench);
    struct utterance said = caller_says("slt", "opening hours please", 16000);
    struct ve_hearer *hearer = open_hearer(&bench, 16000);
    struct outcome whole = hear(hearer, &said, said.count);
    for (size_t piece = 100; piece < 10000; piece *= 7) {
        struct outcome cut = hear(hearer, &said, piece);
        assert_string_equal(cut.text, whole.text);
        assert_float_equal(cut.confidence, whole.confidence, 0.05);
    }
    ve_hearer_free(hearer);
    free(said.samples);
    bench_close(&bench);
}

/* One hearer, utterance after utterance: nothing of the last one is left in the next. */
static void forgets_between_utterances(void **state)
{
    static const char *const texts[] = {"sales please", "", "billing", "yes", ""};
    struct bench bench;
    (void)state;
    bench_open(&bench);
    struct ve_hearer *hearer = open_hearer(&bench, 16000);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct utterance said = caller_says("rms", texts[i], 16000);
        struct outcome outcome = hear(hearer, &said, 320);
        if (texts[i][0])
            check_heard(&outcome, texts[i]);
        else
            assert_string_equal(outcome.reason, "silence");
        free(said.samples);
    }
    ve_hearer_free(hearer);
    bench_close(&bench);
}

/* An answer to a menu is short: what goes on for longer is not even looked up. */
static void a_speech_is_no_answer(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench);
    struct ve_buf wide;
    ve_buf_init(&wide, 0);
    for (int i = 0; i < 12; i++)
        caller_speak(&wide, "rms", "sales please");
    struct outcome outcome = hear_once(&bench, caller_line(&wide, 16000), 16000);
    ve_buf_free(&wide);
    assert_string_equal(outcome.reason, "outside");
    bench_close(&bench);
}

struct sweep {
    struct bench *bench;
    const struct utterance *said;
};

static int hear_without_memory(void *arg)
{
    struct sweep *sweep = arg;
    struct ve_hearer *hearer;
    struct ve_heard heard;
    char why[96];
    int err = ve_hearer_new(&hearer, sweep->bench->pool, sweep->bench->grammar, 16000);
    if (err)
        return err;
    err = ve_hearer_warm(hearer, why);
    if (!err) {
        ve_hearer_begin(hearer);
        err = ve_hearer_hear(hearer, sweep->said->samples, sweep->said->count, true, &heard, why);
    }
    ve_hearer_free(hearer);
    return err;
}

static void leaves_nothing_behind_without_memory(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench);
    struct utterance said = caller_says("rms", "yes", 16000);
    struct sweep sweep = {&bench, &said};
    assert_int_equal(hear_without_memory(&sweep), 0); /* the decoder is there afterwards */
    long before = test_alloc_live();
    assert_true(test_alloc_sweep(hear_without_memory, &sweep) >= 5);
    assert_int_equal(test_alloc_live(), before);
    free(said.samples);
    bench_close(&bench);
}

static int setup(void **state)
{
    (void)state;
    rig_process_init();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return test_alloc_live() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hears_short_phrases),
        cmocka_unit_test(refuses_what_is_outside),
        cmocka_unit_test(silence_and_noise_are_told_apart),
        cmocka_unit_test(is_ready_before_the_end),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(forgets_between_utterances),
        cmocka_unit_test(a_speech_is_no_answer),
        cmocka_unit_test(leaves_nothing_behind_without_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
