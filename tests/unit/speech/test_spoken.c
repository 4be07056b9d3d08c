#include "speech/spoken.h"

#include "base/err.h"

#include "alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The pieces, joined with "|". */
static void check(const char *text, const char *expected)
{
    struct ve_spoken spoken;
    assert_int_equal(ve_spoken_init(&spoken, ve_str(text)), 0);
    char got[1024] = "";
    size_t len = 0;
    size_t begin;
    size_t end = 0;
    while (ve_spoken_next(&spoken, &begin, &end)) {
        if (len)
            got[len++] = '|';
        memcpy(got + len, spoken.chars + begin, end - begin);
        len += end - begin;
    }
    got[len] = '\0';
    assert_string_equal(got, expected);
    ve_spoken_free(&spoken);
}

static void test_sentences(void **state)
{
    (void)state;
    check("Hello. How are you? Fine! Good; so: well", "Hello.|How are you?|Fine!|Good;|so:|well");
    check("one\ntwo\n\n\nthree", "one|two|three");
    check("(We are closed.) Bye.", "(We are closed.)|Bye.");
    check("", "");
    check(" ... - !? \n ", "");
    check("Wait... what", "Wait...|what");
    check("no end", "no end");
}

static void test_dots_that_end_nothing(void **state)
{
    (void)state;
    check("Mr. Smith and Dr. Jones of St. Ives are in.",
          "Mr. Smith and Dr. Jones of St. Ives are in.");
    check("It costs 3.50 or 1,000.25 now.", "It costs 3.50 or 1,000.25 now.");
    check("We open at 8 a.m. and close at 5 p.m. Please come.",
          "We open at 8 a.m. and close at 5 p.m.|Please come.");
    check("Ask J. Smith. So do I. Really.", "Ask J. Smith.|So do I.|Really.");
    check("Take no. 5. No. Never.", "Take no. 5.|No.|Never.");
    check("At 10:30 or example.com today", "At 10:30 or example.com today");
    check("This is Mr.", "This is Mr.");
}

static void test_long_sentences(void **state)
{
    (void)state;
    check("Yes, of course, I can help you with that, and with everything else that you may want to "
          "know, whenever you like.",
          "Yes, of course, I can help you with that, and with everything else that you may want to "
          "know,|whenever you like.");
    char text[601];
    memset(text, 'a', 600);
    text[600] = '\0';
    for (int i = 10; i < 600; i += 11)
        text[i] = ' ';
    struct ve_spoken spoken;
    assert_int_equal(ve_spoken_init(&spoken, ve_str(text)), 0);
    size_t begin;
    size_t end = 0;
    size_t count = 0;
    while (ve_spoken_next(&spoken, &begin, &end)) {
        assert_in_range(end - begin, 1, VE_SPOKEN_PIECE_MAX);
        assert_true(begin == 0 || spoken.chars[begin - 1] == ' '); /* no word is cut */
        count++;
    }
    assert_int_equal(count, 3);
    ve_spoken_free(&spoken);
}

static void test_endless_words_are_cut(void **state)
{
    (void)state;
    char text[VE_SPOKEN_TEXT_MAX];
    memset(text, 'x', sizeof(text));
    memset(text, '7', 100);
    struct ve_spoken spoken;
    assert_int_equal(ve_spoken_init(&spoken, ve_str_n(text, sizeof(text))), 0);
    size_t run = 0;
    for (size_t i = 0; i < spoken.count; i++) {
        run = spoken.chars[i] == ' ' ? 0 : run + 1;
        assert_in_range(run, 0, 50);
    }
    ve_spoken_free(&spoken);
    assert_int_equal(ve_spoken_init(&spoken, ve_str_n(text, sizeof(text) + 1)), VE_ETOOBIG);
}

static void test_symbols(void **state)
{
    (void)state;
    check("5% off", "5 percent  off");
    check("press * or # now", "press  star  or  pound  now");
    check("**bold** #1", "bold    1");
    check("<b>a</b>", "b a /b");
}

static void test_characters_know_their_bytes(void **state)
{
    (void)state;
    const char *text = "Caf\xC3\xA9 \xE2\x82\xAC"
                       "5.";
    struct ve_spoken spoken;
    assert_int_equal(ve_spoken_init(&spoken, ve_str(text)), 0);
    static const char plain[] = "Cafe  euro 5.";
    static const uint16_t from[] = {0, 1, 2, 3, 5, 6, 6, 6, 6, 6, 6, 9, 10};
    assert_int_equal(spoken.count, sizeof(plain) - 1);
    assert_memory_equal(spoken.chars, plain, spoken.count);
    assert_memory_equal(spoken.from, from, sizeof(from));
    ve_spoken_free(&spoken);
}

static int init_and_free(void *arg)
{
    (void)arg;
    struct ve_spoken spoken;
    int err = ve_spoken_init(&spoken, VE_STR("Hello there."));
    if (!err)
        ve_spoken_free(&spoken);
    return err;
}

static void test_without_memory(void **state)
{
    (void)state;
    assert_int_equal(test_alloc_sweep(init_and_free, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),      cmocka_unit_test(test_dots_that_end_nothing),
        cmocka_unit_test(test_long_sentences), cmocka_unit_test(test_endless_words_are_cut),
        cmocka_unit_test(test_symbols),        cmocka_unit_test(test_characters_know_their_bytes),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
