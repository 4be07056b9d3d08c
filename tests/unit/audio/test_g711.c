#include "audio/g711.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t ulaw_of(int16_t sample)
{
    uint8_t code = 0;
    ve_ulaw_encode(&code, &sample, 1);
    return code;
}

static uint8_t alaw_of(int16_t sample)
{
    uint8_t code = 0;
    ve_alaw_encode(&code, &sample, 1);
    return code;
}

static int16_t ulaw_to(uint8_t code)
{
    int16_t sample = 0;
    ve_ulaw_decode(&sample, &code, 1);
    return sample;
}

static int16_t alaw_to(uint8_t code)
{
    int16_t sample = 0;
    ve_alaw_decode(&sample, &code, 1);
    return sample;
}

/* Tables 1a and 2a of G.711, segment by segment. The laws count 13 and 14 bits; s16 is 8 and 4
 * times that. */

/* Output value y of step n = 0 ... 127 of mu-law: 0, 2, 4 ... 8031 in 14 bits. */
static int ulaw_value(int n)
{
    int segment = n / 16;
    return ((2 * (n % 16) + 33) << segment) - 33;
}

/* Upper decision value x of step n: 1, 3, 5 ... 31, 35 ... 8159. */
static int ulaw_decision(int n)
{
    int segment = n / 16;
    return n == 0 ? 1 : ulaw_value(n) + (1 << segment);
}

static int alaw_value_13(int n)
{
    int segment = n / 16;
    return segment == 0 ? 2 * n + 1 : (2 * (n % 16) + 33) << (segment - 1);
}

/* Upper decision value: 2, 4 ... 64, 68 ... 4096. */
static int alaw_decision(int n)
{
    int segment = n / 16;
    return alaw_value_13(n) + (segment < 2 ? 1 : 1 << (segment - 1));
}

static void decoders_give_the_tables(void **state)
{
    (void)state;
    for (int n = 0; n < 128; n++) {
        assert_int_equal(ulaw_to((uint8_t)(0xff - n)), 4 * ulaw_value(n));
        assert_int_equal(ulaw_to((uint8_t)(0x7f - n)), -4 * ulaw_value(n));
        assert_int_equal(alaw_to((uint8_t)((0x80 | n) ^ 0x55)), 8 * alaw_value_13(n));
        assert_int_equal(alaw_to((uint8_t)(n ^ 0x55)), -8 * alaw_value_13(n));
    }
}

/* The step whose interval a magnitude lies in. */
static int step_of(int magnitude, int scale, int (*decision)(int))
{
    int n = 0;
    while (n < 127 && magnitude >= scale * decision(n))
        n++;
    return n;
}

static void every_sample_gets_its_interval(void **state)
{
    (void)state;
    for (int x = 0; x <= INT16_MAX; x++) {
        int ulaw = step_of(x, 4, ulaw_decision);
        int alaw = step_of(x, 8, alaw_decision);
        assert_int_equal(ulaw_of((int16_t)x), 0xff - ulaw);
        assert_int_equal(alaw_of((int16_t)x), (0x80 | alaw) ^ 0x55);
        if (x > 0)
            assert_int_equal(ulaw_of((int16_t)-x), 0x7f - ulaw);
        assert_int_equal(alaw_of((int16_t)(-x - 1)), alaw ^ 0x55);
    }
    assert_int_equal(ulaw_of(INT16_MIN), 0x00);
}

static void reference_values(void **state)
{
    (void)state;
    assert_int_equal(ulaw_of(0), VE_ULAW_SILENCE);
    assert_int_equal(ulaw_to(0xff), 0);
    assert_int_equal(ulaw_of(32767), 0x80);
    assert_int_equal(ulaw_to(0x80), 32124);
    assert_int_equal(ulaw_of(-32768), 0x00);
    assert_int_equal(ulaw_to(0x00), -32124);
    assert_int_equal(alaw_of(0), VE_ALAW_SILENCE);
    assert_int_equal(alaw_to(0xd5), 8);
    assert_int_equal(alaw_of(32767), 0xaa);
    assert_int_equal(alaw_to(0xaa), 32256);
    assert_int_equal(alaw_of(-32768), 0x2a);
    assert_int_equal(alaw_to(0x2a), -32256);
}

static void codes_survive_a_round_trip(void **state)
{
    (void)state;
    uint8_t codes[256];
    uint8_t back[256];
    int16_t samples[256];
    for (int i = 0; i < 256; i++)
        codes[i] = (uint8_t)i;
    ve_alaw_decode(samples, codes, 256);
    ve_alaw_encode(back, samples, 256);
    assert_memory_equal(codes, back, 256);
    ve_ulaw_decode(samples, codes, 256);
    ve_ulaw_encode(back, samples, 256);
    codes[0x7f] = 0xff; /* mu-law has two zeros */
    assert_memory_equal(codes, back, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoders_give_the_tables),
        cmocka_unit_test(every_sample_gets_its_interval),
        cmocka_unit_test(reference_values),
        cmocka_unit_test(codes_survive_a_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
