#include "crypto/random.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_byte_is_filled(void **state)
{
    (void)state;
    uint8_t seen[64] = {0};
    /* each byte has a chance of 2^-160 to stay zero in twenty draws */
    for (int i = 0; i < 20; i++) {
        uint8_t draw[64];
        assert_int_equal(ve_random_bytes(draw, sizeof(draw)), 0);
        for (size_t k = 0; k < sizeof(draw); k++)
            seen[k] |= draw[k];
    }
    for (size_t k = 0; k < sizeof(seen); k++)
        assert_int_not_equal(seen[k], 0);
    assert_int_equal(ve_random_bytes(NULL, 0), 0);
}

static void draws_differ(void **state)
{
    (void)state;
    uint64_t a;
    uint64_t b;
    assert_int_equal(ve_random_u64(&a), 0);
    assert_int_equal(ve_random_u64(&b), 0);
    assert_true(a != b);
}

static void a_hex_id(void **state)
{
    (void)state;
    char id[17];
    memset(id, 'x', sizeof(id));
    assert_int_equal(ve_random_hex(id, 8), 0);
    assert_int_equal(strlen(id), 16);
    assert_int_equal(strspn(id, "0123456789abcdef"), 16);
    assert_int_equal(ve_random_hex(id, 65), VE_EINVAL);
    assert_string_equal(id, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_filled),
        cmocka_unit_test(draws_differ),
        cmocka_unit_test(a_hex_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
