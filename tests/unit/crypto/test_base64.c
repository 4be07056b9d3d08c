#include "crypto/base64.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648, section 10; the last two have the characters in which the alphabets differ. */
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t len;
    const char *std;
    const char *url;
} vectors[] = {
    {BYTES(""), "", ""},
    {BYTES("f"), "Zg==", "Zg"},
    {BYTES("fo"), "Zm8=", "Zm8"},
    {BYTES("foo"), "Zm9v", "Zm9v"},
    {BYTES("foob"), "Zm9vYg==", "Zm9vYg"},
    {BYTES("fooba"), "Zm9vYmE=", "Zm9vYmE"},
    {BYTES("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
    {BYTES("\xfb\xff\xbf"), "+/+/", "-_-_"},
    {BYTES("\x00\x10\x83\xff"), "ABCD/w==", "ABCD_w"},
};

static void check_vector(struct ve_str bytes, const char *text, enum ve_base64 form)
{
    char encoded[16];
    uint8_t decoded[16];
    size_t len = 99;
    assert_int_equal(ve_base64_size(bytes.len, form), strlen(text));
    assert_int_equal(ve_base64_encode(encoded, bytes.ptr, bytes.len, form), strlen(text));
    assert_memory_equal(encoded, text, strlen(text));
    assert_int_equal(ve_base64_decode(&len, decoded, sizeof(decoded), ve_str(text), form), 0);
    assert_int_equal(len, bytes.len);
    assert_memory_equal(decoded, bytes.ptr, len);
}

static void rfc_4648(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct ve_str bytes = ve_str_n(vectors[i].bytes, vectors[i].len);
        check_vector(bytes, vectors[i].std, VE_BASE64_STD);
        check_vector(bytes, vectors[i].url, VE_BASE64_URL);
    }
}

static void assert_refused(const char *text, enum ve_base64 form)
{
    uint8_t out[64];
    size_t len = 99;
    int err = ve_base64_decode(&len, out, sizeof(out), ve_str(text), form);
    if (err != VE_EPROTO)
        fail_msg("\"%s\" gave %s", text, ve_err_name(err));
    assert_int_equal(len, 0);
}

static void strict_reading(void **state)
{
    (void)state;
    static const char *const bad_std[] = {
        "A",    "AA",       "AAA",      "AAAAA",         /* padding is missing */
        "Zg=",  "Zg===",    "=",        "==",    "====", /* wrong padding */
        "Z===", "Zg==Zg==", "Z=g=",                      /* in the middle */
        "Zh==", "Zm9=",     "Zm8=\n",                    /* bits left over; a line end */
        " Zg=", "Zm 9v",    "Zm9v\r\n", "Zm9*",  "Zm9\x80", "-_-_", "Zm9vYmE",
    };
    static const char *const bad_url[] = {
        "A", "AAAAA", "Zg==", "Zm8=", "+/+/", "Zh", "Zm9", "Zm9v ", "Zm9v\n", "Zg.", "Zm9v=",
    };
    for (size_t i = 0; i < sizeof(bad_std) / sizeof(bad_std[0]); i++)
        assert_refused(bad_std[i], VE_BASE64_STD);
    for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
        assert_refused(bad_url[i], VE_BASE64_URL);
}

static void a_nul_is_no_character(void **state)
{
    (void)state;
    uint8_t out[8];
    size_t len;
    assert_int_equal(ve_base64_decode(&len, out, sizeof(out), VE_STR("Zm9\0"), VE_BASE64_STD),
                     VE_EPROTO);
}

static void room_is_respected(void **state)
{
    (void)state;
    uint8_t out[4] = {0, 0, 0, 0x5a};
    size_t len;
    assert_int_equal(ve_base64_decode(&len, out, 2, VE_STR("Zm9v"), VE_BASE64_STD), VE_ETOOBIG);
    assert_int_equal(ve_base64_decode(&len, out, 3, VE_STR("Zm9v"), VE_BASE64_STD), 0);
    assert_int_equal(out[3], 0x5a);
    struct ve_buf buf;
    ve_buf_init(&buf, 4);
    assert_int_equal(ve_base64_decode_add(&buf, VE_STR("Zm9vYg=="), VE_BASE64_STD), 0);
    assert_int_equal(ve_base64_decode_add(&buf, VE_STR("Zg=="), VE_BASE64_STD), VE_ETOOBIG);
    assert_int_equal(ve_base64_add(&buf, "x", 1, VE_BASE64_URL), VE_ETOOBIG);
    assert_int_equal(buf.len, 4);
    ve_buf_free(&buf);
}

static void an_error_appends_nothing(void **state)
{
    (void)state;
    struct ve_buf buf;
    ve_buf_init(&buf, 0);
    assert_int_equal(ve_buf_add(&buf, "before", 6), 0);
    assert_int_equal(ve_base64_decode_add(&buf, VE_STR("Zm9vYm*y"), VE_BASE64_STD), VE_EPROTO);
    assert_int_equal(ve_base64_decode_add(&buf, VE_STR("Z"), VE_BASE64_URL), VE_EPROTO);
    assert_true(ve_str_eq(ve_buf_str(&buf), VE_STR("before")));
    ve_buf_free(&buf);
}

static int round_trip(void *arg)
{
    struct ve_rng *rng = arg;
    uint8_t bytes[200];
    struct ve_buf text;
    struct ve_buf back;
    enum ve_base64 form = ve_rng_below(rng, 2) ? VE_BASE64_STD : VE_BASE64_URL;
    size_t len = (size_t)ve_rng_below(rng, sizeof(bytes) + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)ve_rng_u64(rng);
    ve_buf_init(&text, 0);
    ve_buf_init(&back, 0);
    int err = ve_base64_add(&text, bytes, len, form);
    if (!err)
        err = ve_base64_decode_add(&back, ve_buf_str(&text), form);
    if (!err)
        assert_true(ve_str_eq(ve_buf_str(&back), ve_str_n((const char *)bytes, len)));
    ve_buf_free(&text);
    ve_buf_free(&back);
    return err;
}

static void random_round_trips(void **state)
{
    (void)state;
    struct ve_rng rng;
    ve_rng_seed(&rng, 64);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(round_trip(&rng), 0);
}

static void without_memory(void **state)
{
    (void)state;
    struct ve_rng rng;
    ve_rng_seed(&rng, 1);
    assert_int_equal(test_alloc_sweep(round_trip, &rng), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4648),
        cmocka_unit_test(strict_reading),
        cmocka_unit_test(a_nul_is_no_character),
        cmocka_unit_test(room_is_respected),
        cmocka_unit_test(an_error_appends_nothing),
        cmocka_unit_test(random_round_trips),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
