#include "speech/decoder_pool.h"

#include "callers.h"

#include <stdio.h>

static struct ve_decoder_pool *open_pool(void)
{
    struct ve_decoder_pool *pool = NULL;
    assert_int_equal(ve_decoder_pool_new(&pool), 0);
    return pool;
}

static struct ve_recipe recipe_of(const char *phrase)
{
    const struct ve_grammar_phrase one = {ve_str("tag"), ve_str(phrase)};
    const struct ve_grammar_spec spec = {&one, 1, NULL, 0, NULL, 0};
    struct ve_grammar *grammar;
    struct ve_recipe recipe;
    char why[160];
    assert_int_equal(ve_grammar_new(&grammar, &spec, why), 0);
    assert_int_equal(ve_recipe_init(&recipe, grammar), 0);
    ve_grammar_free(grammar);
    return recipe;
}

static struct ve_decoder *take(struct ve_decoder_pool *pool, const struct ve_recipe *recipe)
{
    struct ve_decoder *decoder = NULL;
    char why[96] = "";
    int err = ve_decoder_take(pool, recipe, &decoder, why);
    if (err)
        fail_msg("%s", why);
    return decoder;
}

static void gives_the_same_decoder_for_the_same_grammar(void **state)
{
    (void)state;
    struct ve_decoder_pool *pool = open_pool();
    struct ve_recipe recipe = recipe_of("red wine");
    struct ve_decoder *first = take(pool, &recipe);
    struct ve_decoder *second = take(pool, &recipe);
    assert_ptr_not_equal(first, second); /* the first is at work */
    ve_decoder_give(pool, first);
    assert_int_equal(ve_decoder_pool_idle(pool), 1);
    assert_ptr_equal(take(pool, &recipe), first);
    assert_int_equal(ve_decoder_pool_idle(pool), 0);
    ve_decoder_give(pool, first);
    ve_decoder_give(pool, second);
    ve_recipe_free(&recipe);
    ve_decoder_pool_free(pool);
}

static void never_gives_one_of_another_grammar(void **state)
{
    (void)state;
    struct ve_decoder_pool *pool = open_pool();
    struct ve_recipe red = recipe_of("red wine");
    struct ve_recipe white = recipe_of("white wine");
    ve_decoder_give(pool, take(pool, &red));
    struct ve_decoder *other = take(pool, &white);
    assert_true(ve_decoder_fits(other, &white));
    assert_false(ve_decoder_fits(other, &red));
    /* Nor when two texts have the same key. */
    white.key = red.key;
    assert_false(ve_decoder_fits(other, &red));
    ve_decoder_give(pool, other);
    ve_recipe_free(&red);
    ve_recipe_free(&white);
    ve_decoder_pool_free(pool);
}

static void keeps_no_more_than_its_number(void **state)
{
    (void)state;
    static const char *const phrases[VE_DECODERS_IDLE + 1] = {
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    struct ve_decoder_pool *pool = open_pool();
    struct ve_recipe recipes[VE_DECODERS_IDLE + 1];
    struct ve_decoder *first = NULL;
    for (size_t i = 0; i <= VE_DECODERS_IDLE; i++) {
        recipes[i] = recipe_of(phrases[i]);
        struct ve_decoder *decoder = take(pool, &recipes[i]);
        first = i == 1 ? decoder : first;
        ve_decoder_give(pool, decoder);
    }
    assert_int_equal(ve_decoder_pool_idle(pool), VE_DECODERS_IDLE);
    /* The first was idle for longest and went; the second is still there. */
    assert_ptr_equal(take(pool, &recipes[1]), first);
    ve_decoder_give(pool, first);
    for (size_t i = 0; i <= VE_DECODERS_IDLE; i++)
        ve_recipe_free(&recipes[i]);
    ve_decoder_pool_free(pool);
}

/* "zyxplat" is in no dictionary: it is said as the voice would read it. */
static void makes_up_what_no_dictionary_has(void **state)
{
    (void)state;
    struct ve_decoder_pool *pool = open_pool();
    struct ve_recipe recipe = recipe_of("a blorvent zyxplat");
    ve_decoder_give(pool, take(pool, &recipe));
    ve_recipe_free(&recipe);
    ve_decoder_pool_free(pool);
}

static void refuses_more_frames_than_it_has_room_for(void **state)
{
    (void)state;
    struct ve_decoder_pool *pool = open_pool();
    struct ve_recipe recipe = recipe_of("red wine");
    struct ve_decoder *decoder = take(pool, &recipe);
    struct ve_evidence *evidence = calloc(1, sizeof(*evidence));
    float(*vectors)[VE_EAR_DIMS] = calloc(VE_DECODER_FRAMES_MAX + 1, sizeof(*vectors));
    assert_int_equal(ve_decoder_run(decoder, vectors, 0, evidence), VE_EINVAL);
    assert_int_equal(ve_decoder_run(decoder, vectors, VE_DECODER_FRAMES_MAX + 1, evidence),
                     VE_EINVAL);
    /* The longest, and the shortest: nothing to recognise in either, and nothing breaks. */
    assert_int_equal(ve_decoder_run(decoder, vectors, VE_DECODER_FRAMES_MAX, evidence), 0);
    assert_int_equal(evidence->frames, VE_DECODER_FRAMES_MAX);
    (void)ve_decoder_run(decoder, vectors, 1, evidence);
    assert_true(evidence->spell_count <= VE_DECODER_WORDS_MAX);
    free(vectors);
    free(evidence);
    ve_decoder_give(pool, decoder);
    ve_recipe_free(&recipe);
    ve_decoder_pool_free(pool);
}

static int take_and_give(void *arg)
{
    struct ve_recipe *recipe = arg;
    struct ve_decoder_pool *pool;
    struct ve_decoder *decoder;
    char why[96];
    int err = ve_decoder_pool_new(&pool);
    if (err)
        return err;
    err = ve_decoder_take(pool, recipe, &decoder, why);
    if (!err)
        ve_decoder_give(pool, decoder);
    ve_decoder_pool_free(pool);
    return err;
}

static void leaves_nothing_behind_without_memory(void **state)
{
    (void)state;
    struct ve_recipe recipe = recipe_of("red wine");
    long before = test_alloc_live();
    assert_true(test_alloc_sweep(take_and_give, &recipe) >= 3);
    assert_int_equal(test_alloc_live(), before);
    ve_recipe_free(&recipe);
}

static int setup(void **state)
{
    (void)state;
    rig_process_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_same_decoder_for_the_same_grammar),
        cmocka_unit_test(never_gives_one_of_another_grammar),
        cmocka_unit_test(keeps_no_more_than_its_number),
        cmocka_unit_test(makes_up_what_no_dictionary_has),
        cmocka_unit_test(refuses_more_frames_than_it_has_room_for),
        cmocka_unit_test(leaves_nothing_behind_without_memory),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
