#include "crypto/hex.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_byte_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t back[256];
    char text[513];
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    ve_hex_encode(text, bytes, sizeof(bytes));
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_string_equal(text + 508, "feff");
    assert_int_equal(ve_hex_decode(back, sizeof(back), ve_str(text)), 0);
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void upper_case_is_read(void **state)
{
    (void)state;
    uint8_t out[2];
    assert_int_equal(ve_hex_decode(out, 2, VE_STR("AbCd")), 0);
    assert_int_equal(out[0], 0xab);
    assert_int_equal(out[1], 0xcd);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    uint8_t out[2];
    assert_int_equal(ve_hex_decode(out, 2, VE_STR("abc")), VE_EPROTO);
    assert_int_equal(ve_hex_decode(out, 2, VE_STR("abcde")), VE_EPROTO);
    assert_int_equal(ve_hex_decode(out, 2, VE_STR("abcdef")), VE_EPROTO);
    assert_int_equal(ve_hex_decode(out, 2, VE_STR("abcg")), VE_EPROTO);
    assert_int_equal(ve_hex_decode(out, 2, VE_STR("ab d")), VE_EPROTO);
    assert_int_equal(ve_hex_decode(out, 2, VE_STR("0xab")), VE_EPROTO);
    assert_int_equal(ve_hex_decode(out, 2, VE_STR("")), VE_EPROTO);
    assert_int_equal(ve_hex_decode(out, 0, VE_STR("")), 0);
}

static void nothing_becomes_the_empty_text(void **state)
{
    (void)state;
    char text[1] = {'x'};
    ve_hex_encode(text, NULL, 0);
    assert_int_equal(text[0], '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_there_and_back),
        cmocka_unit_test(upper_case_is_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(nothing_becomes_the_empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
