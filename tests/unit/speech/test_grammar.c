#include "speech/grammar.h"

#include "base/err.h"

#include "alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* VE_STR, where a constant is asked for. */
#define LITERAL(text)                                                                              \
    {                                                                                              \
        "" text, sizeof(text) - 1                                                                  \
    }

static const struct ve_grammar_phrase menu[] = {
    {LITERAL("sales"), LITERAL("[the] (sales|the shop)")},
    {LITERAL("hours"), LITERAL("What are your [opening] hours?")},
    {LITERAL("person"), LITERAL("(speak|talk) to ([a [real]] person|someone)")},
    {LITERAL("yes"), LITERAL("yes | yeah")},
};
static const struct ve_str leads[] = {LITERAL("i would like"), LITERAL("i would like to")};
static const struct ve_str tails[] = {LITERAL("please"), LITERAL("thank you [very much]")};
static const struct ve_grammar_spec spec = {menu, 4, leads, 2, tails, 2};

static struct ve_grammar *make(const struct ve_grammar_spec *from)
{
    struct ve_grammar *grammar = NULL;
    char why[160];
    assert_int_equal(ve_grammar_new(&grammar, from, why), 0);
    assert_string_equal(why, "");
    return grammar;
}

static void check(const struct ve_grammar *grammar, const char *text, const char *tag)
{
    int phrase = ve_grammar_match(grammar, ve_str(text));
    struct ve_str got = ve_grammar_tag(grammar, phrase);
    if (!ve_str_eq(got, ve_str(tag)))
        fail_msg("\"%s\" gave phrase %d, \"%.*s\"", text, phrase, VE_STR_ARG(got));
}

static void test_matches_whole_texts(void **state)
{
    (void)state;
    struct ve_grammar *grammar = make(&spec);
    check(grammar, "sales", "sales");
    check(grammar, "The sales", "sales");
    check(grammar, "the the shop", "sales");
    check(grammar, "I would like the sales, please!", "sales");
    check(grammar, "what are your hours", "hours");
    check(grammar, "what are your opening hours thank you very much", "hours");
    check(grammar, "i would like to speak to a real person", "person");
    check(grammar, "talk to person", "person");
    check(grammar, "yeah", "yes");
    check(grammar, "  yes?  ", "yes");
    check(grammar, "", "");
    check(grammar, "sales hours", "");
    check(grammar, "the", "");
    check(grammar, "i would like", "");
    check(grammar, "please", "");
    check(grammar, "sales please please", "");
    check(grammar, "speak to real person", "");
    check(grammar, "sale", "");
    ve_grammar_free(grammar);
}

static void test_the_first_phrase_wins(void **state)
{
    (void)state;
    static const struct ve_grammar_phrase same[] = {{LITERAL("a"), LITERAL("one two")},
                                                    {LITERAL("b"), LITERAL("one (two|three)")}};
    struct ve_grammar *grammar =
        make(&(struct ve_grammar_spec){.phrases = same, .phrase_count = 2});
    assert_int_equal(ve_grammar_match(grammar, VE_STR("one two")), 0);
    assert_int_equal(ve_grammar_match(grammar, VE_STR("one three")), 1);
    assert_int_equal(ve_grammar_phrase_count(grammar), 2);
    assert_int_equal(ve_grammar_tag(grammar, -1).len, 0);
    assert_int_equal(ve_grammar_tag(grammar, 2).len, 0);
    ve_grammar_free(grammar);
}

static void test_accents_and_apostrophes(void **state)
{
    (void)state;
    static const struct ve_grammar_phrase phrases[] = {
        {LITERAL("x"), LITERAL("I'd like a caf\xC3\xA9")}};
    struct ve_grammar *grammar =
        make(&(struct ve_grammar_spec){.phrases = phrases, .phrase_count = 1});
    assert_int_equal(ve_grammar_match(grammar, VE_STR("i\xE2\x80\x99"
                                                      "d like a cafe")),
                     0);
    assert_int_equal(ve_grammar_match(grammar, VE_STR("id like a cafe")), -1);
    ve_grammar_free(grammar);
}

static void test_words_are_sorted_and_distinct(void **state)
{
    (void)state;
    struct ve_grammar *grammar = make(&spec);
    size_t count = ve_grammar_word_count(grammar);
    assert_int_equal(count, 25);
    for (size_t i = 1; i < count; i++) {
        struct ve_str left = ve_grammar_word(grammar, i - 1);
        struct ve_str right = ve_grammar_word(grammar, i);
        size_t len = left.len < right.len ? left.len : right.len;
        int order = memcmp(left.ptr, right.ptr, len);
        assert_true(order < 0 || (order == 0 && left.len < right.len));
    }
    assert_int_equal(ve_grammar_word(grammar, count).len, 0);
    ve_grammar_free(grammar);
}

static void test_jsgf(void **state)
{
    (void)state;
    struct ve_grammar *grammar = make(&spec);
    struct ve_buf out;
    ve_buf_init(&out, 0);
    assert_int_equal(ve_grammar_jsgf(grammar, VE_STR("/0.1/ zz"), &out), 0);
    assert_string_equal(ve_buf_cstr(&out),
                        "#JSGF V1.0;\n"
                        "grammar menu;\n"
                        "<lead> = (i would like) |\n"
                        " (i would like to);\n"
                        "<phrase> = ([(the)] (sales|the shop)) |\n"
                        " (what are your [(opening)] hours) |\n"
                        " ((speak|talk) to ([(a [(real)])] person|someone)) |\n"
                        " (yes|yeah);\n"
                        "<tail> = (please) |\n"
                        " (thank you [(very much)]);\n"
                        "<outside> = /0.1/ zz;\n"
                        "public <menu> = [<lead>] <phrase> [<tail>] | <outside>;\n");
    ve_buf_clear(&out);
    struct ve_grammar *bare =
        make(&(struct ve_grammar_spec){.phrases = &menu[3], .phrase_count = 1});
    assert_int_equal(ve_grammar_jsgf(bare, VE_STR(""), &out), 0);
    assert_string_equal(ve_buf_cstr(&out), "#JSGF V1.0;\n"
                                           "grammar menu;\n"
                                           "<phrase> = (yes|yeah);\n"
                                           "public <menu> = <phrase>;\n");
    ve_buf_free(&out);
    ve_grammar_free(bare);
    ve_grammar_free(grammar);
}

static void test_keys(void **state)
{
    (void)state;
    struct ve_grammar *one = make(&spec);
    struct ve_grammar *same = make(&spec);
    struct ve_grammar_phrase changed[4];
    memcpy(changed, menu, sizeof(changed));
    changed[3].tag = VE_STR("no");
    struct ve_grammar *tag = make(&(struct ve_grammar_spec){changed, 4, leads, 2, tails, 2});
    struct ve_grammar *fewer = make(&(struct ve_grammar_spec){menu, 4, leads, 2, tails, 1});
    assert_true(ve_grammar_key(one) == ve_grammar_key(same));
    assert_true(ve_grammar_key(one) != ve_grammar_key(tag));
    assert_true(ve_grammar_key(one) != ve_grammar_key(fewer));
    ve_grammar_free(one);
    ve_grammar_free(same);
    ve_grammar_free(tag);
    ve_grammar_free(fewer);
}

static void refused(struct ve_str text, int code, const char *reason)
{
    struct ve_grammar_phrase phrases[] = {{VE_STR("ok"), VE_STR("fine")}, {VE_STR("bad"), text}};
    struct ve_grammar *grammar = NULL;
    char why[160] = "";
    int err = ve_grammar_new(&grammar,
                             &(struct ve_grammar_spec){.phrases = phrases, .phrase_count = 2}, why);
    assert_int_equal(err, code);
    assert_null(grammar);
    assert_non_null(strstr(why, reason));
}

static void test_what_is_refused(void **state)
{
    (void)state;
    long before = test_alloc_live();
    refused(VE_STR(""), VE_EPROTO, "phrase 2: there is no word");
    refused(VE_STR("a ()"), VE_EPROTO, "there is no word");
    refused(VE_STR("(a|)"), VE_EPROTO, "there is no word");
    refused(VE_STR("(a"), VE_EPROTO, "a ( is not closed");
    refused(VE_STR("[a"), VE_EPROTO, "a [ is not closed");
    refused(VE_STR("[a)"), VE_EPROTO, "a [ is not closed");
    refused(VE_STR("a)"), VE_EPROTO, "a ) closes nothing");
    refused(VE_STR("a]"), VE_EPROTO, "a ] closes nothing");
    refused(VE_STR("[a] [b]"), VE_EPROTO, "all of it is optional");
    refused(VE_STR("a <b>"), VE_EPROTO, "only letters");
    refused(VE_STR("*"), VE_EPROTO, "only letters");
    refused(VE_STR("press 1"), VE_EPROTO, "only letters");
    refused(VE_STR("b2b"), VE_EPROTO, "numbers");
    refused(VE_STR("\xFF"), VE_EPROTO, "UTF-8");
    assert_int_equal(test_alloc_live(), before);
}

static void test_limits(void **state)
{
    (void)state;
    static const struct ve_grammar_phrase deep[] = {{LITERAL("x"), LITERAL("((((((((a))))))))")}};
    ve_grammar_free(make(&(struct ve_grammar_spec){.phrases = deep, .phrase_count = 1}));
    refused(VE_STR("(((((((((a)))))))))"), VE_EPROTO, "deeper than 8");
    refused(VE_STR("abcdefghijklmnopqrstuvwxyzabcdefg"), VE_EPROTO, "32 letters");
    char many[3 * 64 + 1];
    for (int i = 0; i < 64; i++)
        memcpy(many + 3L * i, "ab ", 4);
    refused(ve_str(many), VE_ETOOBIG, "63 words");
    refused(ve_str_n(many, SIZE_MAX), VE_ETOOBIG, "16384 bytes");

    struct ve_grammar_phrase *phrases = calloc(VE_GRAMMAR_PHRASES_MAX + 1, sizeof(*phrases));
    for (int i = 0; i <= VE_GRAMMAR_PHRASES_MAX; i++)
        phrases[i] = (struct ve_grammar_phrase){VE_STR("t"), VE_STR("word")};
    struct ve_grammar *grammar;
    char why[160];
    struct ve_grammar_spec most = {.phrases = phrases, .phrase_count = VE_GRAMMAR_PHRASES_MAX + 1};
    assert_int_equal(ve_grammar_new(&grammar, &most, why), VE_ETOOBIG);
    most.phrase_count--;
    assert_int_equal(ve_grammar_new(&grammar, &most, why), 0);
    ve_grammar_free(grammar);
    most.phrase_count = 0;
    assert_int_equal(ve_grammar_new(&grammar, &most, why), VE_EPROTO);
    free(phrases);
}

/* As many ways through as 16 KB can hold: the matcher must give up, not go on. */
static void test_matching_is_bounded(void **state)
{
    (void)state;
    char *text = malloc(VE_GRAMMAR_TEXT_MAX);
    size_t len = 0;
    for (int i = 0; i < 62; i++)
        len += (size_t)sprintf(text + len, "[(a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a)]");
    len += (size_t)sprintf(text + len, "b");
    struct ve_grammar_phrase phrases[] = {{VE_STR("x"), ve_str_n(text, len)}};
    struct ve_grammar *grammar =
        make(&(struct ve_grammar_spec){.phrases = phrases, .phrase_count = 1});
    char said[200];
    for (int i = 0; i < 62; i++)
        memcpy(said + 2L * i, "a ", 3);
    assert_int_equal(ve_grammar_match(grammar, ve_str(said)), -1);
    assert_int_equal(ve_grammar_match(grammar, VE_STR("a a b")), 0);
    ve_grammar_free(grammar);
    free(text);
}

static int new_and_free(void *arg)
{
    (void)arg;
    struct ve_grammar *grammar;
    char why[160];
    int err = ve_grammar_new(&grammar, &spec, why);
    if (!err)
        ve_grammar_free(grammar);
    return err;
}

static void test_without_memory(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(new_and_free, NULL) > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches_whole_texts),
        cmocka_unit_test(test_the_first_phrase_wins),
        cmocka_unit_test(test_accents_and_apostrophes),
        cmocka_unit_test(test_words_are_sorted_and_distinct),
        cmocka_unit_test(test_jsgf),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_matching_is_bounded),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
