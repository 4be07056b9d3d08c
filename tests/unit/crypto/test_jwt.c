#include "crypto/jwt.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define KEY VE_STR("whk-test-0001")

/* A token as a carrier sends it, made with another implementation. */
#define HEADER "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9"
#define CLAIMS                                                                                     \
    "eyJ1cmwiOiJodHRwczovL2FnZW50LmV4YW1wbGUuY29tL2FwaS92MS93ZWJob29rcy9yaW5nb3Zlci9ldmVudCIsInBh" \
    "eWxvYWQiOnsicmVzb3VyY2UiOiJjYWxsIiwiZXZlbnQiOiJyaW5naW5nIiwidGltZXN0YW1wIjoxNzkwMDAwMDAwLCJk" \
    "YXRhIjp7ImNhbGxfaWQiOiI3NTM0Nzc5OTk5Mjc2ODg4NTM4In0sImF0dGVtcHQiOjF9fQ"
#define SIGNATURE                                                                                  \
    "ozAgD_-EUYbFqSMBBgg3lmxSnlDD_TslxCHQWcX_lGpUlpHyIi-Qz1JepwLsHjkH9dZFC-FjVAWv_6iyvA5sjQ"
#define PAYLOAD                                                                                    \
    "{\"url\":\"https://agent.example.com/api/v1/webhooks/ringover/event\",\"payload\":"           \
    "{\"resource\":\"call\",\"event\":\"ringing\",\"timestamp\":1790000000,"                       \
    "\"data\":{\"call_id\":\"7534779999276888538\"},\"attempt\":1}}"

static void check(struct ve_str token, struct ve_str key, int expected)
{
    struct ve_buf payload;
    ve_buf_init(&payload, 0);
    assert_int_equal(ve_buf_add(&payload, "kept", 4), 0);
    int err = ve_jwt_hs512(&payload, token, key);
    if (err != expected)
        fail_msg("%.*s: %s instead of %s", VE_STR_ARG(token), ve_err_name(err),
                 ve_err_name(expected));
    if (err)
        assert_true(ve_str_eq(ve_buf_str(&payload), VE_STR("kept")));
    ve_buf_free(&payload);
}

/* Signs any header and claims, right or wrong, with SHA-512 or SHA-256. */
static void sign(struct ve_buf *token, struct ve_str header, struct ve_str claims, int sha)
{
    uint8_t mac[VE_HMAC_SHA512_BYTES];
    assert_int_equal(ve_base64_add(token, header.ptr, header.len, VE_BASE64_URL), 0);
    assert_int_equal(ve_buf_add_char(token, '.'), 0);
    assert_int_equal(ve_base64_add(token, claims.ptr, claims.len, VE_BASE64_URL), 0);
    struct ve_str text = ve_buf_str(token);
    int err = sha == 256 ? ve_hmac_sha256(mac, KEY, &text, 1) : ve_hmac_sha512(mac, KEY, &text, 1);
    assert_int_equal(err, 0);
    assert_int_equal(ve_buf_add_char(token, '.'), 0);
    assert_int_equal(ve_base64_add(token, mac, (size_t)sha / 8, VE_BASE64_URL), 0);
}

static void check_header(const char *header, int sha, int expected)
{
    struct ve_buf token;
    ve_buf_init(&token, 0);
    sign(&token, ve_str(header), VE_STR("{}"), sha);
    check(ve_buf_str(&token), KEY, expected);
    ve_buf_free(&token);
}

static int open_genuine(void *arg)
{
    (void)arg;
    struct ve_buf payload;
    ve_buf_init(&payload, 0);
    int err = ve_jwt_hs512(&payload, VE_STR(HEADER "." CLAIMS "." SIGNATURE), KEY);
    if (!err)
        assert_true(ve_str_eq(ve_buf_str(&payload), VE_STR(PAYLOAD)));
    ve_buf_free(&payload);
    return err;
}

static void a_genuine_token_gives_its_payload(void **state)
{
    (void)state;
    assert_int_equal(open_genuine(NULL), 0);
}

static void another_key_fails(void **state)
{
    (void)state;
    check(VE_STR(HEADER "." CLAIMS "." SIGNATURE), VE_STR("whk-test-0002"), VE_EAUTH);
    check(VE_STR(HEADER "." CLAIMS "." SIGNATURE), VE_STR(""), VE_EINVAL);
}

static void any_changed_character_fails(void **state)
{
    (void)state;
    static const char genuine[] = HEADER "." CLAIMS "." SIGNATURE;
    char token[sizeof(genuine)];
    for (size_t i = 0; i < sizeof(genuine) - 1; i++) {
        memcpy(token, genuine, sizeof(genuine));
        token[i] = token[i] == 'A' ? 'B' : 'A';
        struct ve_buf payload;
        ve_buf_init(&payload, 0);
        int err = ve_jwt_hs512(&payload, ve_str(token), KEY);
        assert_true(err == VE_EAUTH || err == VE_EPROTO);
        assert_int_equal(payload.len, 0);
        ve_buf_free(&payload);
    }
}

static void only_three_parts(void **state)
{
    (void)state;
    check(VE_STR(""), KEY, VE_EPROTO);
    check(VE_STR(".."), KEY, VE_EPROTO);
    check(VE_STR(HEADER), KEY, VE_EPROTO);
    check(VE_STR(HEADER "." CLAIMS), KEY, VE_EPROTO);
    check(VE_STR(HEADER "." CLAIMS "."), KEY, VE_EPROTO);
    check(VE_STR("." CLAIMS "." SIGNATURE), KEY, VE_EPROTO);
    check(VE_STR(HEADER ".." SIGNATURE), KEY, VE_EPROTO);
    check(VE_STR(HEADER "." CLAIMS "." SIGNATURE "."), KEY, VE_EPROTO);
    check(VE_STR(HEADER "." CLAIMS "." SIGNATURE "." SIGNATURE), KEY, VE_EPROTO);
}

static void the_signature_must_be_whole(void **state)
{
    (void)state;
    check(VE_STR(HEADER "." CLAIMS ".ozAgD_-EUYbFqSMB"), KEY, VE_EAUTH);
    check(VE_STR(HEADER "." CLAIMS "." SIGNATURE "AAAA"), KEY, VE_EAUTH);
    check(VE_STR(HEADER "." CLAIMS "." SIGNATURE "AA"), KEY, VE_EAUTH);
    check(VE_STR(HEADER "." CLAIMS "." SIGNATURE "=="), KEY, VE_EAUTH);
}

static void the_algorithm_is_ours(void **state)
{
    (void)state;
    check_header("{\"alg\":\"HS512\"}", 512, 0);
    check_header("{\"alg\":\"HS512\",\"kid\":\"1\"}", 512, 0);
    check_header("{\"alg\":\"none\"}", 512, VE_EAUTH);
    check_header("{\"alg\":\"HS256\"}", 512, VE_EAUTH);
    check_header("{\"alg\":\"HS256\"}", 256, VE_EAUTH);
    check_header("{\"alg\":\"HS512\"}", 256, VE_EAUTH);
    check_header("{\"alg\":\"RS512\"}", 512, VE_EAUTH);
    check_header("{\"alg\":\"hs512\"}", 512, VE_EAUTH);
    check_header("{\"alg\":512}", 512, VE_EAUTH);
    check_header("{\"typ\":\"JWT\"}", 512, VE_EAUTH);
    check_header("{\"alg\":\"HS512\",\"crit\":[\"b64\"],\"b64\":false}", 512, VE_EAUTH);
    check_header("{\"alg\":\"none\",\"alg\":\"HS512\"}", 512, VE_EPROTO);
    check_header("[\"HS512\"]", 512, VE_EPROTO);
    check_header("{\"alg\":\"HS512\"", 512, VE_EPROTO);
}

/* The classic attack: no signature at all under "none". */
static void unsigned_tokens_fail(void **state)
{
    (void)state;
    check(VE_STR("eyJhbGciOiJub25lIn0." CLAIMS "."), KEY, VE_EPROTO);
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    struct ve_buf claims;
    struct ve_buf token;
    struct ve_buf payload;
    ve_buf_init(&claims, 0);
    ve_buf_init(&token, 0);
    ve_buf_init(&payload, 1024 * 1024);
    assert_int_equal(ve_buf_reserve(&claims, 1024 * 1024), 0);
    memset(claims.ptr, 'x', 1024 * 1024);
    claims.len = 1024 * 1024;
    sign(&token, VE_STR("{\"alg\":\"HS512\"}"), ve_buf_str(&claims), 512);
    assert_int_equal(ve_jwt_hs512(&payload, ve_buf_str(&token), KEY), 0);
    assert_true(ve_str_eq(ve_buf_str(&payload), ve_buf_str(&claims)));
    assert_int_equal(ve_jwt_hs512(&payload, ve_buf_str(&token), KEY), VE_ETOOBIG);

    assert_int_equal(ve_buf_reserve(&token, VE_JWT_BYTES_MAX), 0);
    memset(token.ptr + token.len, 'A', VE_JWT_BYTES_MAX + 1 - token.len);
    token.len = VE_JWT_BYTES_MAX + 1;
    assert_int_equal(ve_jwt_hs512(&payload, ve_buf_str(&token), KEY), VE_ETOOBIG);
    ve_buf_free(&claims);
    ve_buf_free(&token);
    ve_buf_free(&payload);
}

static void without_memory(void **state)
{
    (void)state;
    assert_int_equal(test_alloc_sweep(open_genuine, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_genuine_token_gives_its_payload),
        cmocka_unit_test(another_key_fails),
        cmocka_unit_test(any_changed_character_fails),
        cmocka_unit_test(only_three_parts),
        cmocka_unit_test(the_signature_must_be_whole),
        cmocka_unit_test(the_algorithm_is_ours),
        cmocka_unit_test(unsigned_tokens_fail),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
