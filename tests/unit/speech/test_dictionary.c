#include "speech/dictionary.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* As in the real file: what begins with the same letters stands together, in no order. */
static const char small[] = "'bout B AW T\n"
                            "a AH\n"
                            "a's EY Z\n"
                            "a(2) EY\n"
                            "bill B IH L\n"
                            "billing B IH L IH NG\n"
                            "one W AH N\n"
                            "one(2) HH W AH N\n"
                            "one's W AH N Z\n"
                            "one-eyed W AH N AY D\n"
                            "zoo Z UW";

struct found {
    char text[256];
    int stop_at; /* answer an error at this variant */
};

static int on_found(void *arg, int variant, struct ve_str phones)
{
    struct found *found = arg;
    size_t len = strlen(found->text);
    (void)snprintf(found->text + len, sizeof(found->text) - len, "%d=%.*s;", variant,
                   VE_STR_ARG(phones));
    return variant == found->stop_at ? VE_EFAILED : 0;
}

static int setup(void **state)
{
    static struct ve_dictionary dictionary;
    char path[] = "/tmp/ve-dictionary-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, small, sizeof(small) - 1) != (ssize_t)sizeof(small) - 1)
        return -1;
    (void)close(fd);
    int err = ve_dictionary_open(&dictionary, path);
    (void)unlink(path);
    *state = &dictionary;
    return err;
}

static int teardown(void **state)
{
    ve_dictionary_close(*state);
    return 0;
}

static void check(void **state, const char *word, int count, const char *expected)
{
    struct found found = {.stop_at = -1};
    assert_int_equal(ve_dictionary_find(*state, ve_str(word), on_found, &found), count);
    assert_string_equal(found.text, expected);
}

static void test_words_and_their_variants(void **state)
{
    check(state, "a", 2, "0=AH;1=EY;");
    check(state, "a's", 1, "0=EY Z;");
    check(state, "bill", 1, "0=B IH L;");
    check(state, "billing", 1, "0=B IH L IH NG;");
    check(state, "one", 2, "0=W AH N;1=HH W AH N;");
    check(state, "one's", 1, "0=W AH N Z;");
    check(state, "zoo", 1, "0=Z UW;");
    check(state, "'bout", 1, "0=B AW T;");
}

static void test_words_that_are_not_there(void **state)
{
    check(state, "bil", 0, "");
    check(state, "billings", 0, "");
    check(state, "zzz", 0, "");
    check(state, "0", 0, "");
    check(state, "", 0, "");
}

static void test_an_error_ends_the_search(void **state)
{
    struct found found = {.stop_at = 0};
    assert_int_equal(ve_dictionary_find(*state, VE_STR("one"), on_found, &found), VE_EFAILED);
    assert_string_equal(found.text, "0=W AH N;");
}

static void test_no_file(void **state)
{
    (void)state;
    struct ve_dictionary none;
    assert_int_equal(ve_dictionary_open(&none, "/nonexistent/dictionary"), VE_EIO);
    ve_dictionary_close(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_and_their_variants),
        cmocka_unit_test(test_words_that_are_not_there),
        cmocka_unit_test(test_an_error_ends_the_search),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
