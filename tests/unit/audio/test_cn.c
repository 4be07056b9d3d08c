#include "audio/cn.h"

#include "audio/level.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 8000

static float level_of(struct ve_cn *cn)
{
    static int16_t samples[COUNT];
    memset(samples, 0, sizeof(samples));
    for (int i = 0; i < COUNT; i += 100) /* in odd pieces */
        ve_cn_add(cn, samples + i, 100);
    return ve_level_rms(samples, COUNT);
}

static void noise_is_as_loud_as_told(void **state)
{
    struct ve_cn cn;
    (void)state;
    ve_cn_init(&cn, 1);
    assert_true(level_of(&cn) <= VE_LEVEL_FLOOR);
    for (int level = 30; level <= 80; level += 10) {
        uint8_t payload = (uint8_t)level;
        assert_true(ve_cn_read(&cn, &payload, 1));
        assert_float_equal(level_of(&cn), -level, 1.5);
    }
}

static void a_payload_may_be_odd(void **state)
{
    static const uint8_t too_loud[] = {3};
    static const uint8_t with_spectrum[] = {0x80 | 50, 113, 80, 90};
    struct ve_cn cn;
    (void)state;
    ve_cn_init(&cn, 1);
    assert_true(ve_cn_read(&cn, too_loud, 1));
    assert_float_equal(level_of(&cn), -30, 1.5);
    assert_true(ve_cn_read(&cn, with_spectrum, 4));
    assert_float_equal(level_of(&cn), -50, 1.5);
    assert_false(ve_cn_read(&cn, with_spectrum, 0));
    assert_float_equal(level_of(&cn), -50, 1.5);
}

/* The same level again and again is not the same noise again and again. */
static void repeating_a_level_does_not_restart_the_noise(void **state)
{
    static int16_t first[160];
    static int16_t second[160];
    const uint8_t payload = 40;
    struct ve_cn cn;
    (void)state;
    ve_cn_init(&cn, 1);
    ve_cn_read(&cn, &payload, 1);
    ve_cn_add(&cn, first, 160);
    ve_cn_read(&cn, &payload, 1);
    ve_cn_add(&cn, second, 160);
    assert_memory_not_equal(first, second, sizeof(first));
}

static void levels_are_written_within_their_range(void **state)
{
    (void)state;
    assert_int_equal(ve_cn_write(0), 30);
    assert_int_equal(ve_cn_write(-30), 30);
    assert_int_equal(ve_cn_write(-54.6f), 55);
    assert_int_equal(ve_cn_write(VE_LEVEL_FLOOR), 120);
    assert_int_equal(ve_cn_write(-500), 127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_as_loud_as_told),
        cmocka_unit_test(a_payload_may_be_odd),
        cmocka_unit_test(repeating_a_level_does_not_restart_the_noise),
        cmocka_unit_test(levels_are_written_within_their_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
