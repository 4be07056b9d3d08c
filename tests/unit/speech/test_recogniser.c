#include "callers.h"

#include <string.h>

#define RESULTS_MAX 16
#define RATE        16000

/* An owner that writes down what it is told. */
struct owner {
    struct rig *rig;
    struct ve_grammar *grammar;
    struct ve_recogniser *recogniser; /* NULL once closed */
    struct ve_recogniser_result results[RESULTS_MAX];
    char texts[RESULTS_MAX][64];
    size_t count;
    size_t wanted;   /* results after which the loop stops */
    size_t partials; /* told */
    char partial[64];
    int partial_phrase;
    size_t close_at; /* result in which it is closed; 0: none */
    unsigned failures;
    bool wants_partial; /* the next one stops the loop */
};

static void on_result(void *arg, const struct ve_recogniser_result *result)
{
    struct owner *owner = arg;
    assert_true(owner->count < RESULTS_MAX);
    owner->results[owner->count] = *result;
    assert_true(ve_str_copy(owner->texts[owner->count], 64, result->text));
    owner->count++;
    if (owner->count == owner->close_at) {
        ve_recogniser_close(owner->recogniser);
        owner->recogniser = NULL;
    }
    if (owner->count == owner->wanted)
        ve_loop_stop(owner->rig->loop);
}

static void on_partial(void *arg, struct ve_str text, int phrase)
{
    struct owner *owner = arg;
    assert_false(ve_str_eq(text, ve_str(owner->partial))); /* only when it changes */
    assert_true(ve_str_copy(owner->partial, sizeof(owner->partial), text));
    owner->partial_phrase = phrase;
    owner->partials++;
    if (owner->wants_partial)
        ve_loop_stop(owner->rig->loop);
}

static void on_failed(void *arg, int err, const char *why)
{
    struct owner *owner = arg;
    assert_int_not_equal(err, 0);
    assert_non_null(why);
    owner->failures++;
    ve_loop_stop(owner->rig->loop);
}

static struct ve_recogniser_options options_of(struct owner *owner)
{
    return (struct ve_recogniser_options){.grammar = owner->grammar,
                                          .rate = RATE,
                                          .result = on_result,
                                          .partial = on_partial,
                                          .failed = on_failed,
                                          .arg = owner};
}

static void owner_open(struct owner *owner, struct rig *rig)
{
    memset(owner, 0, sizeof(*owner));
    owner->rig = rig;
    owner->grammar = caller_grammar();
    struct ve_recogniser_options options = options_of(owner);
    assert_int_equal(ve_recogniser_open(rig->speech, &options, &owner->recogniser), 0);
}

static void on_drained(void *arg)
{
    ve_loop_stop(arg);
}

/* What was closed still has a job to come back from. */
static void owner_close(struct owner *owner)
{
    if (owner->recogniser)
        ve_recogniser_close(owner->recogniser);
    size_t told = owner->count;
    ve_speech_drain(owner->rig->speech, on_drained, owner->rig->loop);
    rig_run(owner->rig);
    ve_speech_drain(owner->rig->speech, NULL, NULL);
    assert_int_equal(owner->count, told); /* nothing after close */
    ve_grammar_free(owner->grammar);
}

static void feed(struct owner *owner, const struct utterance *said)
{
    for (size_t at = 0; at < said->count; at += 320) {
        size_t n = said->count - at < 320 ? said->count - at : 320;
        assert_int_equal(ve_recogniser_feed(owner->recogniser, said->samples + at, n), 0);
    }
}

static void say(struct owner *owner, const char *text)
{
    struct utterance said = caller_says("rms", text, RATE);
    feed(owner, &said);
    free(said.samples);
    assert_int_equal(ve_recogniser_finish(owner->recogniser), 0);
}

static void wait_for(struct owner *owner, size_t results)
{
    owner->wanted = results;
    if (owner->count < results)
        rig_run(owner->rig);
    assert_int_equal(owner->count, results);
}

static void check_tag(const struct owner *owner, size_t index, const char *text, const char *tag)
{
    const struct ve_recogniser_result *result = &owner->results[index];
    assert_string_equal(owner->texts[index], text);
    assert_null(result->reason);
    assert_true(result->confidence >= 0.5f);
    struct ve_str got = ve_grammar_tag(owner->grammar, result->phrase);
    assert_true(ve_str_eq(got, ve_str(tag)));
}

/* An engine on the virtual clock, and a recogniser that is ready. */
static void open_sim(struct rig *rig, struct owner *owner)
{
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(ve_loop_new_sim(&rig->loop, 0), 0);
    assert_int_equal(ve_speech_new(&rig->speech, rig->loop, NULL), 0);
    owner_open(owner, rig);
    ve_sim_advance(rig->loop, VE_SECOND);
}

static void close_sim(struct rig *rig, struct owner *owner)
{
    ve_recogniser_close(owner->recogniser);
    ve_sim_advance(rig->loop, VE_SECOND);
    ve_grammar_free(owner->grammar);
    ve_speech_free(rig->speech);
    ve_loop_free(rig->loop);
}

static void tells_one_result_for_every_finish_in_order(void **state)
{
    struct owner owner;
    owner_open(&owner, *state);
    say(&owner, "sales please");
    say(&owner, "elephants never forget where they put the umbrella");
    say(&owner, "opening hours please");
    assert_int_equal(owner.count, 0); /* never inside a call of ours */
    wait_for(&owner, 3);
    check_tag(&owner, 0, "sales please", "sales");
    assert_int_equal(owner.results[1].phrase, -1);
    assert_non_null(owner.results[1].reason);
    check_tag(&owner, 2, "opening hours please", "hours");
    owner_close(&owner);
}

static void tells_what_it_has_when_the_speaker_pauses(void **state)
{
    struct owner owner;
    owner_open(&owner, *state);
    struct utterance said = caller_says("rms", "yes please", RATE);
    feed(&owner, &said);
    free(said.samples);
    owner.wants_partial = true;
    rig_run(owner.rig);
    owner.wants_partial = false;
    assert_int_equal(owner.count, 0);
    assert_int_equal(owner.partials, 1);
    assert_string_equal(owner.partial, "yes please");
    assert_true(owner.partial_phrase >= 0);
    assert_int_equal(ve_recogniser_finish(owner.recogniser), 0);
    wait_for(&owner, 1);
    check_tag(&owner, 0, "yes please", "yes");
    owner_close(&owner);
}

static void nothing_said_is_silence(void **state)
{
    struct owner owner;
    owner_open(&owner, *state);
    assert_int_equal(ve_recogniser_finish(owner.recogniser), 0);
    wait_for(&owner, 1);
    assert_int_equal(owner.results[0].phrase, -1);
    assert_string_equal(owner.results[0].reason, "silence");
    assert_string_equal(owner.texts[0], "");
    owner_close(&owner);
}

/* On the virtual clock, where it is known when a job is at work. */
static void what_is_reset_was_never_said(void **state)
{
    struct rig rig;
    struct owner owner;
    (void)state;
    open_sim(&rig, &owner);
    struct utterance said = caller_says("rms", "billing", RATE);
    ve_recogniser_reset(owner.recogniser); /* nothing is open: harmless */
    feed(&owner, &said);
    ve_recogniser_reset(owner.recogniser); /* a job has its first samples */
    ve_sim_advance(rig.loop, VE_SECOND);
    feed(&owner, &said);
    ve_sim_advance(rig.loop, VE_SECOND);
    ve_recogniser_reset(owner.recogniser); /* all of it was heard */
    free(said.samples);
    say(&owner, "sales");
    ve_sim_advance(rig.loop, VE_SECOND);
    assert_int_equal(owner.count, 1);
    check_tag(&owner, 0, "sales", "sales");
    close_sim(&rig, &owner);
}

static void may_be_closed_at_any_time(void **state)
{
    struct rig *rig = *state;
    struct owner owner;
    owner_open(&owner, rig); /* while it loads */
    owner_close(&owner);
    owner_open(&owner, rig); /* with samples that no job has had */
    struct utterance said = caller_says("rms", "sales", RATE);
    feed(&owner, &said);
    free(said.samples);
    owner_close(&owner);
    owner_open(&owner, rig); /* in its own callback */
    owner.close_at = 1;
    say(&owner, "sales");
    say(&owner, "billing");
    wait_for(&owner, 1);
    owner_close(&owner);
}

static void takes_only_so_many_at_once(void **state)
{
    struct owner owner;
    owner_open(&owner, *state);
    for (int i = 0; i < 8; i++)
        assert_int_equal(ve_recogniser_finish(owner.recogniser), 0);
    const int16_t sample = 0;
    assert_int_equal(ve_recogniser_finish(owner.recogniser), VE_EBUSY);
    assert_int_equal(ve_recogniser_feed(owner.recogniser, &sample, 1), VE_EBUSY);
    wait_for(&owner, 8);
    assert_int_equal(ve_recogniser_feed(owner.recogniser, &sample, 1), 0);
    owner_close(&owner);
}

/* More than a minute is let go, and costs no memory. */
static void hears_a_minute_at_most(void **state)
{
    struct owner owner;
    owner_open(&owner, *state);
    struct utterance noise = caller_noise(RATE, 10000, 2000);
    for (int i = 0; i < 7; i++)
        assert_int_equal(ve_recogniser_feed(owner.recogniser, noise.samples, noise.count), 0);
    free(noise.samples);
    assert_int_equal(ve_recogniser_finish(owner.recogniser), 0);
    wait_for(&owner, 1);
    assert_string_equal(owner.results[0].reason, "noise");
    owner_close(&owner);
}

static void refuses_options_without_sense(void **state)
{
    struct rig *rig = *state;
    struct owner owner = {.rig = rig, .grammar = caller_grammar()};
    struct ve_recogniser_options options = options_of(&owner);
    struct ve_recogniser *recogniser;
    options.rate = 11025;
    assert_int_equal(ve_recogniser_open(rig->speech, &options, &recogniser), VE_EINVAL);
    options.rate = RATE;
    options.grammar = NULL;
    assert_int_equal(ve_recogniser_open(rig->speech, &options, &recogniser), VE_EINVAL);
    options.grammar = owner.grammar;
    options.result = NULL;
    assert_int_equal(ve_recogniser_open(rig->speech, &options, &recogniser), VE_EINVAL);
    ve_grammar_free(owner.grammar);
}

/* Four callers at once, on more threads than one where the machine has them. */
static void serves_several_callers(void **state)
{
    static const char *const texts[] = {"sales", "billing", "yes please", "opening hours"};
    static const char *const tags[] = {"sales", "billing", "yes", "hours"};
    struct owner owners[4];
    for (size_t i = 0; i < 4; i++)
        owner_open(&owners[i], *state);
    for (size_t i = 0; i < 4; i++)
        say(&owners[i], texts[i]);
    for (size_t i = 0; i < 4; i++)
        wait_for(&owners[i], 1);
    for (size_t i = 0; i < 4; i++) {
        check_tag(&owners[i], 0, texts[i], tags[i]);
        ve_recogniser_close(owners[i].recogniser);
        owners[i].recogniser = NULL;
    }
    for (size_t i = 0; i < 4; i++)
        owner_close(&owners[i]);
}

/* A result has its time. */
static void keeps_virtual_time(void **state)
{
    struct rig rig;
    struct owner owner;
    (void)state;
    open_sim(&rig, &owner);
    say(&owner, "sales please");
    assert_int_equal(owner.count, 0);
    ve_sim_advance(rig.loop, VE_MS);
    assert_int_equal(owner.count, 0);
    ve_sim_advance(rig.loop, VE_SECOND);
    assert_int_equal(owner.count, 1);
    check_tag(&owner, 0, "sales please", "sales");
    close_sim(&rig, &owner);
}

static int open_without_memory(void *arg)
{
    struct rig *rig = arg;
    struct owner owner = {.rig = rig, .grammar = NULL};
    const struct ve_grammar_phrase one = {{"yes", 3}, {"yes", 3}};
    const struct ve_grammar_spec spec = {&one, 1, NULL, 0, NULL, 0};
    const int16_t samples[320] = {0};
    char why[160];
    int err = ve_grammar_new(&owner.grammar, &spec, why);
    if (err)
        return err;
    struct ve_recogniser_options options = options_of(&owner);
    err = ve_recogniser_open(rig->speech, &options, &owner.recogniser);
    if (!err) {
        err = ve_recogniser_feed(owner.recogniser, samples, 320);
        ve_sim_advance(rig->loop, VE_SECOND);
        if (!err)
            err = ve_recogniser_finish(owner.recogniser);
        ve_sim_advance(rig->loop, VE_SECOND);
        err = owner.failures ? VE_ENOMEM : err;
        ve_recogniser_close(owner.recogniser);
        ve_sim_advance(rig->loop, VE_SECOND);
    }
    ve_grammar_free(owner.grammar);
    return err;
}

/* Every failure is told, by an error or by `failed`, and nothing is left behind. */
static void survives_without_memory(void **state)
{
    struct rig rig = {0};
    (void)state;
    assert_int_equal(ve_loop_new_sim(&rig.loop, 0), 0);
    assert_int_equal(ve_speech_new(&rig.speech, rig.loop, NULL), 0);
    assert_int_equal(open_without_memory(&rig), 0); /* the decoder is there afterwards */
    long before = test_alloc_live();
    assert_true(test_alloc_sweep(open_without_memory, &rig) >= 5);
    assert_int_equal(test_alloc_live(), before);
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
        cmocka_unit_test(tells_one_result_for_every_finish_in_order),
        cmocka_unit_test(tells_what_it_has_when_the_speaker_pauses),
        cmocka_unit_test(nothing_said_is_silence),
        cmocka_unit_test(what_is_reset_was_never_said),
        cmocka_unit_test(may_be_closed_at_any_time),
        cmocka_unit_test(takes_only_so_many_at_once),
        cmocka_unit_test(hears_a_minute_at_most),
        cmocka_unit_test(refuses_options_without_sense),
        cmocka_unit_test(serves_several_callers),
        cmocka_unit_test(keeps_virtual_time),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
