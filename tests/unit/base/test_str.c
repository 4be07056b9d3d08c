#include "base/str.h"

#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define assert_text(actual, expected) assert_true(ve_str_eq((actual), ve_str(expected)))

static void comparing(void **state)
{
    (void)state;
    assert_true(ve_str_eq(VE_STR(""), ve_str(NULL)));
    assert_true(ve_str_eq(VE_STR("a\0b"), VE_STR("a\0b")));
    assert_false(ve_str_eq(VE_STR("a\0b"), VE_STR("a\0c")));
    assert_false(ve_str_eq(VE_STR("a"), VE_STR("ab")));
    assert_true(ve_str_ieq(VE_STR("Content-LENGTH"), VE_STR("content-length")));
    /* only letters have a case: '[' and '{' differ by the same bit */
    assert_false(ve_str_ieq(VE_STR("["), VE_STR("{")));
    assert_false(ve_str_ieq(VE_STR("@"), VE_STR("`")));
    assert_false(ve_str_ieq(VE_STR("\xC3\x89"), VE_STR("\xC3\xA9")));
    assert_false(ve_str_ieq(VE_STR("a"), VE_STR("ab")));
}

static void beginnings_and_ends(void **state)
{
    (void)state;
    assert_true(ve_str_starts(VE_STR("Bearer x"), VE_STR("Bearer ")));
    assert_false(ve_str_starts(VE_STR("Bear"), VE_STR("Bearer ")));
    assert_true(ve_str_starts(VE_STR(""), ve_str(NULL)));
    assert_true(ve_str_ends(VE_STR("main.lua"), VE_STR(".lua")));
    assert_false(ve_str_ends(VE_STR("lua"), VE_STR(".lua")));
    assert_true(ve_str_ends(VE_STR("x"), VE_STR("")));
}

static void trimming(void **state)
{
    (void)state;
    assert_text(ve_str_trim(VE_STR(" \t\r\n a b \n")), "a b");
    assert_text(ve_str_trim(VE_STR("  \t ")), "");
    assert_text(ve_str_trim(ve_str(NULL)), "");
    assert_text(ve_str_trim(VE_STR("\v")), "\v");
}

static void finding(void **state)
{
    (void)state;
    assert_int_equal(ve_str_find(VE_STR("a=b=c"), '='), 1);
    assert_true(ve_str_find(VE_STR("abc"), '=') == SIZE_MAX);
    assert_true(ve_str_find(ve_str(NULL), '=') == SIZE_MAX);
    assert_int_equal(ve_str_find(VE_STR("a\0="), '='), 2);
}

static void cutting(void **state)
{
    (void)state;
    struct ve_str rest = VE_STR("a,,b,");
    assert_text(ve_str_cut(&rest, ','), "a");
    assert_text(ve_str_cut(&rest, ','), "");
    assert_text(ve_str_cut(&rest, ','), "b");
    /* an empty last part is there: the pointer tells it from the end */
    assert_non_null(rest.ptr);
    assert_text(ve_str_cut(&rest, ','), "");
    assert_null(rest.ptr);
}

static void decimal_numbers(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_int_equal(ve_str_u64(&value, VE_STR("0"), UINT64_MAX), 0);
    assert_int_equal(value, 0);
    assert_int_equal(ve_str_u64(&value, VE_STR("18446744073709551615"), UINT64_MAX), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(ve_str_u64(&value, VE_STR("65535"), 65535), 0);
    value = 7;
    static const char *const bad[] = {
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "0x10",
        "1.0",
        "18446744073709551616",
        "99999999999999999999",
        "100000000000000000000",
        "\xD9\xA1",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ve_str_u64(&value, ve_str(bad[i]), UINT64_MAX), VE_EPROTO);
    assert_int_equal(ve_str_u64(&value, VE_STR("65536"), 65535), VE_EPROTO);
    assert_int_equal(value, 7);
}

/* The borders of table 3-7 in the Unicode standard. */
static void well_formed_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "plain",
        "\xC2\x80",
        "\xDF\xBF",
        "\xE0\xA0\x80",
        "\xED\x9F\xBF",
        "\xEE\x80\x80",
        "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF",
        "a\xE4\xB8\xAD-b",
    };
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC2",
        "\xC2\x41",
        "\xE0\x9F\xBF",
        "\xE0\xA0",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF0\x8F\xBF\xBF",
        "\xF0\x90\x80",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xFF",
        "\xFE",
        "a\xE4\xB8",
        "\xE4\xB8\x41",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(ve_str_utf8(ve_str(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ve_str_utf8(ve_str(bad[i])));
    assert_true(ve_str_utf8(VE_STR("a\0b")));
}

static void one_utf8_character(void **state)
{
    (void)state;
    assert_int_equal(ve_str_utf8_char(VE_STR("ab")), 1);
    assert_int_equal(ve_str_utf8_char(VE_STR("\xC3\xA9x")), 2);
    assert_int_equal(ve_str_utf8_char(VE_STR("\xE4\xB8\xAD")), 3);
    assert_int_equal(ve_str_utf8_char(VE_STR("\xF0\x9F\x98\x80")), 4);
    assert_int_equal(ve_str_utf8_char(VE_STR("\xF0\x9F\x98")), 0);
    assert_int_equal(ve_str_utf8_char(VE_STR("\xA9")), 0);
    assert_int_equal(ve_str_utf8_char(VE_STR("")), 0);
}

static void copying(void **state)
{
    (void)state;
    char out[4] = "zzz";
    assert_true(ve_str_copy(out, sizeof(out), VE_STR("abc")));
    assert_string_equal(out, "abc");
    assert_false(ve_str_copy(out, sizeof(out), VE_STR("abcd")));
    assert_string_equal(out, "abc");
    assert_true(ve_str_copy(out, sizeof(out), ve_str(NULL)));
    assert_string_equal(out, "");
    assert_false(ve_str_copy(out, 0, VE_STR("")));
}

static void hex_digits(void **state)
{
    (void)state;
    const char *digits = "0123456789abcdef";
    for (int i = 0; i < 16; i++)
        assert_int_equal(ve_hex_value(digits[i]), i);
    assert_int_equal(ve_hex_value('F'), 15);
    const char *others = "/:@G`g \xFF";
    for (size_t i = 0; i <= strlen(others); i++)
        assert_int_equal(ve_hex_value(others[i]), -1);
}

static void heap_copies(void **state)
{
    (void)state;
    long before = test_alloc_live();
    char *a = ve_strndup("abcdef", 3);
    char *b = ve_strdup("");
    char *c = ve_strndup(NULL, 0);
    assert_string_equal(a, "abc");
    assert_string_equal(b, "");
    assert_string_equal(c, "");
    ve_free(a);
    ve_free(b);
    ve_free(c);
    assert_int_equal(test_alloc_live(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),        cmocka_unit_test(beginnings_and_ends),
        cmocka_unit_test(trimming),         cmocka_unit_test(finding),
        cmocka_unit_test(cutting),          cmocka_unit_test(decimal_numbers),
        cmocka_unit_test(well_formed_utf8), cmocka_unit_test(one_utf8_character),
        cmocka_unit_test(copying),          cmocka_unit_test(hex_digits),
        cmocka_unit_test(heap_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
