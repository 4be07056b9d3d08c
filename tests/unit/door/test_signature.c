/*
 * Every form of signature, right and wrong. The constants were made with another implementation.
 */
#include "door/signature.h"

#include "alloc_fail.h"
#include "crypto/base64.h"
#include "crypto/hex.h"
#include "crypto/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY  "whk-test-0001"
#define PATH "/api/v1/webhooks/ringover/event"
#define URL  "https://agent.example.com"
#define NOW  1790000000000
#define BODY                                                                                       \
    "{\"resource\":\"call\",\"event\":\"ringing\",\"timestamp\":1790000000,"                       \
    "\"data\":{\"call_id\":\"7534779999276888538\"},\"attempt\":1}"
#define HMAC "d0963f5e12d78c76799500af4edff747eccdc854c46c6e46898721d3f7916aa3"
#define HEAD "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9"
#define JWT                                                                                            \
    HEAD                                                                                               \
        "."                                                                                            \
        "eyJ1cmwiOiJodHRwczovL2FnZW50LmV4YW1wbGUuY29tL2FwaS92MS93ZWJob29rcy9yaW5nb3Zlci9ldmVudCIsInBh" \
        "eWxvYWQiOnsicmVzb3VyY2UiOiJjYWxsIiwiZXZlbnQiOiJyaW5naW5nIiwidGltZXN0YW1wIjoxNzkwMDAwMDAwLCJk" \
        "YXRhIjp7ImNhbGxfaWQiOiI3NTM0Nzc5OTk5Mjc2ODg4NTM4In0sImF0dGVtcHQiOjF9fQ"                       \
        ".ozAgD_-EUYbFqSMBBgg3lmxSnlDD_TslxCHQWcX_lGpUlpHyIi-Qz1JepwLsHjkH9dZFC-FjVAWv_6iyvA5sjQ"
#define BASE64 "d2hrLXRlc3QtMDAwMQ=="
#define V3     "jxfEcpfJxYdYZYK4FomyHxHSlbLuEU7hpC7+4MZtWJs="

#define H_HMAC  "X-Ringover-Signature"
#define H_TOKEN "X-Ringover-Webhook-Signature"
#define H_AUTH  "Authorization"
#define H_V3    "X-Ringover-Webhook-Signature-V3"
#define H_TIME  "X-Ringover-Request-Signature-V3-Timestamp"

/* A request: its fields end at the first without a name. */
struct request {
    const char *fields[6][2];
    const char *body; /* NULL: BODY */
    const char *path; /* NULL: PATH */
};

static bool field_at(const void *arg, unsigned i, struct ve_str *name, struct ve_str *value)
{
    const struct request *request = arg;
    if (i >= 6 || !request->fields[i][0])
        return false;
    *name = ve_str(request->fields[i][0]);
    *value = ve_str(request->fields[i][1]);
    return true;
}

struct rig {
    struct ve_secrets secrets;
    struct ve_signature_policy policy;
    struct ve_signature got;
};

static int open_rig(void **state)
{
    static struct rig rig;
    memset(&rig, 0, sizeof(rig));
    (void)ve_str_copy(rig.secrets.webhook, VE_SECRET_MAX, VE_STR(KEY));
    rig.policy =
        (struct ve_signature_policy){.secrets = &rig.secrets, .url = VE_STR(URL), .now_ms = NOW};
    *state = &rig;
    return 0;
}

static enum ve_verdict check(struct rig *rig, const struct request *request)
{
    const char *body = request->body ? request->body : BODY;
    struct ve_signed_request given = {
        .method = VE_STR("POST"),
        .path = ve_str(request->path ? request->path : PATH),
        .body = ve_str(body),
        .header = field_at,
        .arg = request,
    };
    ve_signature_check(&rig->got, &rig->policy, &given);
    enum ve_verdict verdict = rig->got.verdict;
    assert_true((verdict == VE_VERDICT_VALID) == (rig->got.sections != 0));
    assert_true((verdict == VE_VERDICT_VALID) == (ve_signature_problem(&rig->got)[0] == '\0'));
    ve_signature_free(&rig->got);
    return verdict;
}

static enum ve_verdict check_one(struct rig *rig, const char *header, const char *value)
{
    return check(rig, &(struct request){.fields = {{header, value}}});
}

/* --- the vectors ------------------------------------------------------------------------------ */

static void test_every_form_is_right(void **state)
{
    static const char *const right[][3] = {
        {H_HMAC, "sha256=" HMAC, "hmac"},
        {H_HMAC, HMAC, "hmac"},
        {"x-ringover-signature", "  " HMAC " ", "hmac"},
        {H_TOKEN, JWT, "jwt"},
        {H_TOKEN, KEY, "key"},
        {H_TOKEN, BASE64, "base64"},
        {H_AUTH, "Bearer " JWT, "jwt"},
        {H_AUTH, JWT, "jwt"},
        {H_AUTH, "Bearer " BASE64, "base64"},
        {H_AUTH, "bearer  " KEY, "key"},
        {H_AUTH, BASE64, "base64"},
        {H_AUTH, KEY, "key"},
    };
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        struct rig *rig = *state;
        if (check_one(rig, right[i][0], right[i][1]) != VE_VERDICT_VALID)
            fail_msg("%s: %s: %s", right[i][0], right[i][1], ve_signature_problem(&rig->got));
        assert_int_equal(rig->got.count, 1);
        assert_string_equal(rig->got.steps[0].form, right[i][2]);
        assert_string_equal(rig->got.steps[0].key, "RINGOVER_WEBHOOK_SECRET");
        assert_int_equal(rig->got.sections, VE_SECTIONS_ALL);
    }
}

static void test_a_flipped_bit_is_wrong(void **state)
{
    static const char *const right[][2] = {
        {H_HMAC, HMAC}, {H_TOKEN, JWT}, {H_TOKEN, KEY}, {H_TOKEN, BASE64}, {H_AUTH, JWT}};
    char value[1024];
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        size_t len = strlen(right[i][1]);
        for (size_t at = 0; at < len; at++) {
            memcpy(value, right[i][1], len + 1);
            value[at] ^= 1;
            if (check_one(*state, right[i][0], value) != VE_VERDICT_BAD)
                fail_msg("%s: %s", right[i][0], value);
        }
    }
}

static void test_what_is_not_quite_right_is_wrong(void **state)
{
    static const char *const wrong[][2] = {
        {H_HMAC, ""},
        {H_HMAC, "sha256="},
        {H_HMAC, "SHA256=" HMAC},
        {H_HMAC, "sha256=D0963F5E12D78C76799500AF4EDFF747ECCDC854C46C6E46898721D3F7916AA3"},
        {H_HMAC, HMAC "0"},
        {H_HMAC, KEY},
        {H_TOKEN, ""},
        {H_TOKEN, HMAC},
        {H_TOKEN, KEY "x"},
        {H_TOKEN, "d2hrLXRlc3QtMDAwMQ"},
        {H_TOKEN, "Bearer " KEY},
        {H_AUTH, "Basic " BASE64},
        {H_AUTH, "Bearer"},
        {H_AUTH, ""},
        {H_AUTH, ".."},
        {H_AUTH, "Bearer Bearer " KEY},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (check_one(*state, wrong[i][0], wrong[i][1]) != VE_VERDICT_BAD)
            fail_msg("%s: %s", wrong[i][0], wrong[i][1]);
    }
}

static void test_no_header_is_missing(void **state)
{
    assert_int_equal(check(*state, &(struct request){.body = NULL}), VE_VERDICT_MISSING);
    assert_int_equal(check_one(*state, "X-Hub-Signature", HMAC), VE_VERDICT_MISSING);
}

static void test_another_body_is_wrong(void **state)
{
    assert_int_equal(check(*state, &(struct request){.fields = {{H_HMAC, HMAC}}, .body = BODY " "}),
                     VE_VERDICT_BAD);
}

/* --- several headers -------------------------------------------------------------------------- */

static void test_a_header_twice_is_wrong(void **state)
{
    static const char *const forms[][2] = {{H_HMAC, HMAC}, {H_TOKEN, JWT}, {H_AUTH, KEY}};
    for (size_t i = 0; i < 3; i++) {
        struct request twice = {.fields = {{forms[i][0], forms[i][1]}, {forms[i][0], forms[i][1]}}};
        assert_int_equal(check(*state, &twice), VE_VERDICT_BAD);
    }
}

static void test_all_headers_must_be_right(void **state)
{
    struct request both = {.fields = {{H_HMAC, HMAC}, {H_AUTH, KEY}}};
    struct request first = {.fields = {{H_HMAC, HMAC}, {H_AUTH, "Bearer wrong-key-0000"}}};
    struct request second = {.fields = {{H_AUTH, KEY}, {H_HMAC, "00"}}};
    assert_int_equal(check(*state, &both), VE_VERDICT_VALID);
    assert_int_equal(check(*state, &first), VE_VERDICT_BAD);
    assert_int_equal(check(*state, &second), VE_VERDICT_BAD);
}

static void test_the_same_token_in_both_headers_is_normal(void **state)
{
    struct request same = {.fields = {{H_TOKEN, JWT}, {H_AUTH, "Bearer " JWT}}};
    struct request broken = {.fields = {{H_TOKEN, JWT}, {H_AUTH, "Bearer " HEAD ".e30.AAAA"}}};
    assert_int_equal(check(*state, &same), VE_VERDICT_VALID);
    assert_int_equal(check(*state, &broken), VE_VERDICT_BAD);
}

/* --- tokens ----------------------------------------------------------------------------------- */

/* A token over these claims; its memory lasts until the next one. */
static const char *make_token(const char *header, const char *claims, const char *key)
{
    static char token[4096];
    uint8_t mac[VE_HMAC_SHA512_BYTES];
    size_t len = ve_base64_encode(token, header, strlen(header), VE_BASE64_URL);
    token[len++] = '.';
    len += ve_base64_encode(token + len, claims, strlen(claims), VE_BASE64_URL);
    struct ve_str text = ve_str_n(token, len);
    assert_int_equal(ve_hmac_sha512(mac, ve_str(key), &text, 1), 0);
    token[len++] = '.';
    len += ve_base64_encode(token + len, mac, sizeof(mac), VE_BASE64_URL);
    token[len] = '\0';
    return token;
}

#define HS512 "{\"alg\":\"HS512\",\"typ\":\"JWT\"}"

static enum ve_verdict check_claims(struct rig *rig, const char *claims)
{
    return check_one(rig, H_TOKEN, make_token(HS512, claims, KEY));
}

/* The event that the check vouches for. */
static void check_event(struct rig *rig, const char *token, const char *body, const char *event)
{
    struct request request = {.fields = {{H_TOKEN, token}}, .body = body};
    struct ve_signed_request given = {VE_STR("POST"), VE_STR(PATH), ve_str(body), field_at,
                                      &request};
    ve_signature_check(&rig->got, &rig->policy, &given);
    assert_int_equal(rig->got.verdict, VE_VERDICT_VALID);
    struct ve_str text = ve_signature_event(&rig->got, ve_str(body));
    if (!ve_str_eq(text, ve_str(event)))
        fail_msg("%.*s", VE_STR_ARG(text));
    ve_signature_free(&rig->got);
}

static void test_what_the_token_holds_is_the_event(void **state)
{
    check_event(*state, JWT, "{\"event\":\"forged\"}", BODY);
    /* the flat form: the claims are the event */
    check_event(*state, make_token(HS512, BODY, KEY), "", BODY);
    check_event(*state, KEY, BODY, BODY);
    check_event(*state, make_token(HS512, "{\"payload\" : {\"n\":18446744073709551615} }", KEY), "",
                "{\"n\":18446744073709551615}");
}

static void test_tokens_that_are_signed_and_still_wrong(void **state)
{
    static const char *const claims[] = {
        "",
        "{",
        "[]",
        "7",
        "{}",
        "{\"payload\":7}",
        "{\"payload\":[{}]}",
        "{\"url\":7,\"event\":\"x\"}",
        "{\"\\u0070ayload\":{}}",
        "{\"payload\":{},\"payload\":{}}",
        "{\"url\":\"https://other.example.com" PATH "\",\"payload\":{}}",
    };
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (check_claims(*state, claims[i]) != VE_VERDICT_BAD)
            fail_msg("%s", claims[i]);
    }
}

static void test_other_algorithms_are_wrong(void **state)
{
    static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"HS256\"}",
                                          "{\"alg\":\"RS512\"}", "{\"alg\":\"hs512\"}",
                                          "{\"alg\":\"HS512\",\"crit\":[]}"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_int_equal(check_one(*state, H_TOKEN, make_token(headers[i], BODY, KEY)),
                         VE_VERDICT_BAD);
    assert_int_equal(check_one(*state, H_TOKEN, make_token(HS512, BODY, "another-key")),
                     VE_VERDICT_BAD);
}

static enum ve_verdict check_url(struct rig *rig, const char *configured, const char *claimed,
                                 const char *path)
{
    char claims[512];
    (void)snprintf(claims, sizeof(claims), "{\"url\":\"%s\",\"payload\":{}}", claimed);
    rig->policy.url = ve_str(configured);
    return check(rig, &(struct request){.fields = {{H_TOKEN, make_token(HS512, claims, KEY)}},
                                        .path = path});
}

static void test_the_url_must_be_ours(void **state)
{
    static const char *const right[][3] = {
        {"https://a.example", "https://a.example" PATH, PATH},
        {"https://a.example/", "https://a.example" PATH, PATH},
        {"https://a.example", "http://A.EXAMPLE:443" PATH "?x=1", PATH},
        {"https://a.example" PATH, "https://a.example" PATH, PATH},
        {"https://a.example" PATH, "https://a.example" PATH "/s3cret-00", PATH "/s3cret-00"},
        {"https://a.example/ve", "https://a.example/ve" PATH, PATH},
        {"https://a.example:8443", "https://a.example:8443" PATH, PATH},
        {"", "https://anything.example/else", PATH},
    };
    static const char *const wrong[][3] = {
        {"https://a.example", "https://b.example" PATH, PATH},
        {"https://a.example", "https://a.example" PATH "/", PATH},
        {"https://a.example", "https://a.example" PATH "x", PATH},
        {"https://a.example", "https://a.example/", PATH},
        {"https://a.example", "https://a.example", PATH},
        {"https://a.example", "", PATH},
        {"https://a.example", "https://a.example.evil.example" PATH, PATH},
        {"https://a.example", "https://evil.example/https://a.example" PATH, PATH},
        {"https://a.example/ve", "https://a.example" PATH, PATH},
        {"https://a.example:8443", "https://a.example" PATH, PATH},
        {"https://a.example" PATH, "https://a.example" PATH, PATH "/s3cret-00"},
        {"https://a.example", "https://a.example" PATH "\\u0000", PATH},
    };
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        if (check_url(*state, right[i][0], right[i][1], right[i][2]) != VE_VERDICT_VALID)
            fail_msg("%s refused by %s", right[i][1], right[i][0]);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (check_url(*state, wrong[i][0], wrong[i][1], wrong[i][2]) != VE_VERDICT_BAD)
            fail_msg("%s taken by %s", wrong[i][1], wrong[i][0]);
    }
}

/* --- sections --------------------------------------------------------------------------------- */

static unsigned sections_of(struct rig *rig, const char *key)
{
    return check_one(rig, H_AUTH, key) == VE_VERDICT_VALID ? rig->got.sections : 0;
}

static void set(char field[VE_SECRET_MAX], const char *value)
{
    (void)ve_str_copy(field, VE_SECRET_MAX, ve_str(value));
}

static void test_a_key_lets_in_its_section_only(void **state)
{
    struct rig *rig = *state;
    set(rig->secrets.contact, "contact-key");
    set(rig->secrets.routing, "routing-key");
    assert_int_equal(sections_of(rig, "contact-key"), VE_SECTION_CONTACT);
    assert_int_equal(sections_of(rig, "routing-key"), VE_SECTION_ROUTING | VE_SECTION_IVR_CODE);
    /* the main key speaks for those without one */
    assert_int_equal(sections_of(rig, KEY), VE_SECTION_CALLS | VE_SECTION_SEARCH);
    set(rig->secrets.search, "search-key");
    assert_int_equal(sections_of(rig, "search-key"), VE_SECTION_SEARCH);
    assert_int_equal(sections_of(rig, KEY), VE_SECTION_CALLS);
}

static void test_one_key_for_two_sections_lets_in_both(void **state)
{
    struct rig *rig = *state;
    set(rig->secrets.contact, "shared-key");
    set(rig->secrets.search, "shared-key");
    assert_int_equal(sections_of(rig, "shared-key"), VE_SECTION_CONTACT | VE_SECTION_SEARCH);
}

static void test_two_headers_let_in_what_both_allow(void **state)
{
    struct rig *rig = *state;
    set(rig->secrets.contact, "contact-key");
    struct request request = {.fields = {{H_HMAC, HMAC}, {H_AUTH, "contact-key"}}};
    struct ve_signed_request given = {VE_STR("POST"), VE_STR(PATH), VE_STR(BODY), field_at,
                                      &request};
    ve_signature_check(&rig->got, &rig->policy, &given);
    assert_int_equal(rig->got.verdict, VE_VERDICT_VALID);
    assert_int_equal(rig->got.sections, 0);
    ve_signature_free(&rig->got);
}

static void test_the_key_before_still_counts(void **state)
{
    struct rig *rig = *state;
    set(rig->secrets.webhook, "the-new-key");
    set(rig->secrets.webhook_previous, KEY);
    set(rig->secrets.routing_previous, "old-routing");
    assert_int_equal(check_one(rig, H_HMAC, HMAC), VE_VERDICT_VALID);
    assert_string_equal(rig->got.steps[0].key, "RINGOVER_WEBHOOK_SECRET_PREVIOUS");
    assert_int_equal(check_one(rig, H_TOKEN, JWT), VE_VERDICT_VALID);
    assert_int_equal(check_one(rig, H_AUTH, "the-new-key"), VE_VERDICT_VALID);
    assert_int_equal(sections_of(rig, "old-routing"), VE_SECTION_ROUTING | VE_SECTION_IVR_CODE);
    /* a section that has only an old key still has one of its own */
    assert_int_equal(sections_of(rig, KEY) & VE_SECTION_ROUTING, 0);
}

static void test_unset_keys_let_nobody_in(void **state)
{
    struct rig *rig = *state;
    set(rig->secrets.webhook, "");
    assert_int_equal(check_one(rig, H_AUTH, ""), VE_VERDICT_BAD);
    assert_int_equal(check_one(rig, H_TOKEN, ""), VE_VERDICT_BAD);
    assert_int_equal(check_one(rig, H_HMAC, HMAC), VE_VERDICT_BAD);
    assert_int_equal(check_one(rig, H_TOKEN, JWT), VE_VERDICT_BAD);
    assert_false(ve_signature_path(&rig->secrets, VE_STR("")));
}

/* --- the third version, time, path ------------------------------------------------------------ */

static void test_v3_is_off_unless_asked_for(void **state)
{
    struct rig *rig = *state;
    struct request v3 = {.fields = {{H_V3, V3}, {H_TIME, "1790000000"}}};
    struct request hmac = {.fields = {{H_V3, "nonsense"}, {H_HMAC, HMAC}}};
    assert_int_equal(check(rig, &v3), VE_VERDICT_MISSING);
    assert_int_equal(check(rig, &hmac), VE_VERDICT_VALID);
    rig->policy.v3 = true;
    assert_int_equal(check(rig, &v3), VE_VERDICT_VALID);
    assert_int_equal(check(rig, &hmac), VE_VERDICT_BAD);
    rig->policy.url = VE_STR(URL PATH);
    assert_int_equal(check(rig, &v3), VE_VERDICT_VALID);
}

static void test_v3_is_bound_to_all_its_parts(void **state)
{
    struct rig *rig = *state;
    rig->policy.v3 = true;
    const struct request wrong[] = {
        {.fields = {{H_V3, V3}, {H_TIME, "1790000001"}}},
        {.fields = {{H_V3, V3}, {H_TIME, "x"}}},
        {.fields = {{H_V3, V3}, {H_TIME, "0"}}},
        {.fields = {{H_V3, V3}}},
        {.fields = {{H_V3, V3}, {H_TIME, "1790000000"}, {H_TIME, "1790000000"}}},
        {.fields = {{H_V3, V3}, {H_TIME, "1790000000"}}, .body = BODY " "},
        {.fields = {{H_V3, V3}, {H_TIME, "1790000000"}}, .path = PATH "/more"},
        {.fields = {{H_V3, ""}, {H_TIME, "1790000000"}}},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(check(rig, &wrong[i]), VE_VERDICT_BAD);
    struct request right = {.fields = {{H_V3, V3}, {H_TIME, "1790000000"}}};
    rig->policy.now_ms = NOW + 345601000; /* a recording of four days ago */
    assert_int_equal(check(rig, &right), VE_VERDICT_BAD);
    rig->policy.now_ms = NOW;
    rig->policy.url = VE_STR("");
    assert_int_equal(check(rig, &right), VE_VERDICT_BAD);
}

static void test_events_have_an_age(void **state)
{
    struct rig *rig = *state;
    const struct ve_signature_policy *policy = &rig->policy;
    assert_true(ve_signature_fresh(policy, 0));
    assert_true(ve_signature_fresh(policy, NOW));
    assert_true(ve_signature_fresh(policy, NOW + 300000));
    assert_false(ve_signature_fresh(policy, NOW + 300001));
    assert_true(ve_signature_fresh(policy, NOW - 345600000));
    assert_false(ve_signature_fresh(policy, NOW - 345600001));
    rig->policy.max_age_s = 60;
    assert_true(ve_signature_fresh(policy, NOW - 60000));
    assert_false(ve_signature_fresh(policy, NOW - 60001));
}

static void test_the_path_may_hold_a_secret(void **state)
{
    struct rig *rig = *state;
    assert_false(ve_signature_path(&rig->secrets, VE_STR("long-path-secret")));
    set(rig->secrets.path, "long-path-secret");
    set(rig->secrets.path_previous, "older-path-secret");
    assert_true(ve_signature_path(&rig->secrets, VE_STR("long-path-secret")));
    assert_true(ve_signature_path(&rig->secrets, VE_STR("older-path-secret")));
    assert_false(ve_signature_path(&rig->secrets, VE_STR("long-path-secre")));
    assert_false(ve_signature_path(&rig->secrets, VE_STR("")));
}

/* --- no memory -------------------------------------------------------------------------------- */

static int check_token_once(void *arg)
{
    return check_one(arg, H_TOKEN, JWT) == VE_VERDICT_VALID ? 0 : -1;
}

static void test_without_memory_nobody_comes_in(void **state)
{
    assert_true(test_alloc_sweep(check_token_once, *state) > 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, open_rig)
    const struct CMUnitTest tests[] = {
        TEST(test_every_form_is_right),
        TEST(test_a_flipped_bit_is_wrong),
        TEST(test_what_is_not_quite_right_is_wrong),
        TEST(test_no_header_is_missing),
        TEST(test_another_body_is_wrong),
        TEST(test_a_header_twice_is_wrong),
        TEST(test_all_headers_must_be_right),
        TEST(test_the_same_token_in_both_headers_is_normal),
        TEST(test_what_the_token_holds_is_the_event),
        TEST(test_tokens_that_are_signed_and_still_wrong),
        TEST(test_other_algorithms_are_wrong),
        TEST(test_the_url_must_be_ours),
        TEST(test_a_key_lets_in_its_section_only),
        TEST(test_one_key_for_two_sections_lets_in_both),
        TEST(test_two_headers_let_in_what_both_allow),
        TEST(test_the_key_before_still_counts),
        TEST(test_unset_keys_let_nobody_in),
        TEST(test_v3_is_off_unless_asked_for),
        TEST(test_v3_is_bound_to_all_its_parts),
        TEST(test_events_have_an_age),
        TEST(test_the_path_may_hold_a_secret),
        TEST(test_without_memory_nobody_comes_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
