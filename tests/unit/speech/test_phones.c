#include "speech/phones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static float apart(const char *a, const char *b)
{
    uint8_t left[VE_PHONES_MAX];
    uint8_t right[VE_PHONES_MAX];
    size_t n = ve_phones_read(ve_str(a), left, VE_PHONES_MAX);
    size_t m = ve_phones_read(ve_str(b), right, VE_PHONES_MAX);
    float there = ve_phones_apart(left, n, right, m);
    assert_float_equal(there, ve_phones_apart(right, m, left, n), 1e-6);
    assert_true(there >= 0 && there <= 1);
    return there;
}

static void test_names(void **state)
{
    static const char *const none[] = {"", "SIL", "+SPN+", "A", "AAA", "aa", "AX"};
    uint8_t phones[3];
    (void)state;
    assert_int_equal(ve_phone_of(VE_STR("AA")), 1);
    assert_int_not_equal(ve_phone_of(VE_STR("ZH")), VE_PHONE_NONE);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(ve_phone_of(ve_str(none[i])), VE_PHONE_NONE);
    assert_int_equal(ve_phones_read(VE_STR(" S  EY SIL L Z"), phones, 3), 3);
    assert_int_equal(phones[2], ve_phone_of(VE_STR("L")));
    assert_int_equal(ve_phones_read(ve_str_n(NULL, 0), phones, 3), 0);
}

static void test_how_far_apart(void **state)
{
    (void)state;
    assert_true(apart("S EY L Z", "S EY L Z") == 0);
    assert_true(apart("", "") == 0);
    float similar = apart("S EY L Z", "S EH L S");
    float other = apart("S EY L Z", "W AA SH IH");
    assert_true(similar > 0 && similar < 0.2f);
    assert_true(other > 0.5f);
    /* One more in a long row weighs less than in a short one. */
    assert_true(apart("HH EH L P", "HH EH L P AH") >
                apart("B IH L IH NG P L IY Z", "B IH L IH NG P L IY Z AH"));
    assert_true(apart("S EY L Z", "") > 0.6f);
    /* A vowel is no consonant, and voice makes the smallest difference. */
    assert_true(apart("AA", "T") > apart("AA", "AO"));
    assert_true(apart("S", "Z") < apart("S", "SH"));
}

static void test_the_longest_rows(void **state)
{
    uint8_t a[VE_PHONES_MAX + 50];
    uint8_t b[VE_PHONES_MAX + 50];
    (void)state;
    memset(a, 1, sizeof(a));
    memset(b, 1, sizeof(b));
    memset(b + VE_PHONES_MAX, 9, 50); /* beyond what is looked at */
    assert_true(ve_phones_apart(a, sizeof(a), b, sizeof(b)) == 0);
    memset(b, 255, sizeof(b)); /* no phone at all */
    assert_true(ve_phones_apart(a, sizeof(a), b, sizeof(b)) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_how_far_apart),
        cmocka_unit_test(test_the_longest_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
