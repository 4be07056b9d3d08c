#include "crypto/equal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void same_bytes_are_equal(void **state)
{
    (void)state;
    assert_true(ve_secret_equal(VE_STR("a"), VE_STR("a")));
    assert_true(ve_secret_equal(VE_STR("with\0nul"), VE_STR("with\0nul")));
}

static void any_difference_shows(void **state)
{
    (void)state;
    char secret[64];
    char given[64];
    memset(secret, 'k', sizeof(secret));
    for (size_t i = 0; i < sizeof(secret); i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(given, secret, sizeof(given));
            given[i] = (char)(given[i] ^ (1 << bit));
            assert_false(ve_secret_equal(ve_str_n(given, 64), ve_str_n(secret, 64)));
        }
    }
}

/* The stand-in for bytes past the secret's end must not make a longer text pass. */
static void another_length_differs(void **state)
{
    (void)state;
    assert_false(ve_secret_equal(VE_STR("aa"), VE_STR("a")));
    assert_false(ve_secret_equal(VE_STR("a"), VE_STR("aa")));
    assert_false(ve_secret_equal(VE_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaa"), VE_STR("a")));
    assert_false(ve_secret_equal(VE_STR(""), VE_STR("a")));
    assert_false(ve_secret_equal(VE_STR("a\0"), VE_STR("a")));
}

static void an_empty_secret_equals_nothing(void **state)
{
    (void)state;
    assert_false(ve_secret_equal(VE_STR(""), VE_STR("")));
    assert_false(ve_secret_equal(ve_str(NULL), ve_str(NULL)));
    assert_false(ve_secret_equal(VE_STR("a"), ve_str(NULL)));
}

static void wiping(void **state)
{
    (void)state;
    static const char zeros[16] = {0};
    char secret[17] = "0123456789abcdef";
    ve_secret_wipe(secret, 16);
    assert_memory_equal(secret, zeros, 16);
    ve_secret_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_are_equal),
        cmocka_unit_test(any_difference_shows),
        cmocka_unit_test(another_length_differs),
        cmocka_unit_test(an_empty_secret_equals_nothing),
        cmocka_unit_test(wiping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
