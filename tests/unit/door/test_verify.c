#include "door/verify.h"

#include "crypto/hex.h"
#include "crypto/hmac.h"
#include "web_rig.h"

#define SECRET   "a webhook secret"
#define PREVIOUS "the one before it"

struct rig {
    struct web web;
    struct ve_secrets secrets;
    struct ve_log log;
};
static void on_signed(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct rig *rig = arg;
    const struct ve_verify verify = {
        .loop = rig->web.live.loop, .log = &rig->log, .secrets = &rig->secrets};
    (void)params;
    ve_http_respond(request, 200, "text/plain", ve_str(ve_verify_verdict(&verify, request)), NULL,
                    0);
}
static const struct ve_route routes[] = {
    {"POST", "/signed", on_signed, NULL},
};

static void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    ve_str_copy(rig->secrets.webhook, VE_SECRET_MAX, VE_STR(SECRET));
    rig->log = live_log();
    web_open(&rig->web);
    assert_int_equal(ve_router_add(rig->web.router, routes, 1, rig), 0);
    web_start(&rig->web);
}

static void rig_close(struct rig *rig)
{
    web_stop(&rig->web);
    web_close(&rig->web);
}
/* The hex signature of a body. */
static void sign(char hex[static 65], const char *secret, struct ve_str body)
{
    uint8_t mac[VE_HMAC_SHA256_BYTES];
    assert_int_equal(ve_hmac_sha256(mac, ve_str(secret), &body, 1), 0);
    for (size_t i = 0; i < sizeof(mac); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
}

/* Posts `body` with `fields`, each line ended. */
static void expect_verdict(struct rig *rig, const char *fields, struct ve_str body,
                           const char *verdict)
{
    char bytes[4096];
    struct live_answer answer;
    int n = snprintf(bytes, sizeof(bytes),
                     "POST /signed HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", body.len,
                     fields);
    assert_in_range((size_t)n + body.len, 1, sizeof(bytes));
    if (body.len)
        memcpy(bytes + n, body.ptr, body.len);
    assert_int_equal(web_ask_bytes(&rig->web, bytes, (size_t)n + body.len, &answer), 200);
    if (strcmp(answer.body, verdict) != 0)
        fail_msg("%s: %s instead of %s", fields, answer.body, verdict);
}

/* Computed with another implementation: printf '{"event":"x"}' | openssl dgst -sha256 -hmac ... */
static void a_known_signature_is_valid(void **state)
{
    (void)state;
    struct rig rig;
    char hex[65];
    rig_open(&rig);
    sign(hex, SECRET, VE_STR("{\"event\":\"x\"}"));
    assert_string_equal(hex, "5d7a5b75b39fe0f8a6e7a45e59c93e6aec061829d149a6d04cde082c7fbd552e");
    expect_verdict(
        &rig,
        "X-Ringover-Signature: sha256=5d7a5b75b39fe0f8a6e7a45e59c93e6aec061829d149a6d04cde082c7fbd552e\r\n",
        VE_STR("{\"event\":\"x\"}"), "valid");
    rig_close(&rig);
}

static void the_raw_body_is_what_is_signed(void **state)
{
    (void)state;
    static const struct ve_str bodies[] = {
        {"", 0}, {" \r\n{ }\r\n", 9}, {"\0\xff\x80", 3}, {"{\"a\":1.0}", 9}};
    struct rig rig;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char hex[65];
        char fields[128];
        sign(hex, SECRET, bodies[i]);
        (void)snprintf(fields, sizeof(fields), "X-Ringover-Signature: sha256=%s\r\n", hex);
        expect_verdict(&rig, fields, bodies[i], "valid");
        (void)snprintf(fields, sizeof(fields), "x-ringover-signature:  %s \r\n", hex);
        expect_verdict(&rig, fields, bodies[i], "valid"); /* the bare hex, too */
        expect_verdict(&rig, fields, VE_STR("another body"), "invalid");
    }
    rig_close(&rig);
}

static void every_wrong_byte_is_seen(void **state)
{
    (void)state;
    struct rig rig;
    char hex[65];
    char fields[128];
    rig_open(&rig);
    sign(hex, SECRET, VE_STR("body"));
    for (size_t i = 0; i < 64; i += 7) {
        char before = hex[i];
        hex[i] = before == '0' ? '1' : '0';
        (void)snprintf(fields, sizeof(fields), "X-Ringover-Signature: sha256=%s\r\n", hex);
        expect_verdict(&rig, fields, VE_STR("body"), "invalid");
        hex[i] = before;
    }
    rig_close(&rig);
}

static void malformed_signatures_are_invalid(void **state)
{
    (void)state;
    struct rig rig;
    char hex[65];
    char fields[512];
    rig_open(&rig);
    sign(hex, SECRET, VE_STR("body"));
    static const char *const forms[] = {
        "X-Ringover-Signature:\r\n",
        "X-Ringover-Signature: sha256=\r\n",
        "X-Ringover-Signature: sha1=%s\r\n",
        "X-Ringover-Signature: SHA256=%s\r\n",
        "X-Ringover-Signature: sha256=%.63s\r\n",
        "X-Ringover-Signature: sha256=%s0\r\n",
        "X-Ringover-Signature: sha256= %s\r\n",
        "X-Ringover-Signature: sha256=sha256=%s\r\n",
        "X-Ringover-Signature: sha256=zz%.62s\r\n",
        "X-Ringover-Signature: sha256=%1$s,sha256=%1$s\r\n",
        /* two fields: another hop might look at the other one */
        "X-Ringover-Signature: sha256=%1$s\r\nX-Ringover-Signature: sha256=%1$s\r\n",
        "X-Ringover-Signature: sha256=%1$s\r\nX-RINGOVER-SIGNATURE: x\r\n",
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(fields, sizeof(fields), forms[i], hex);
#pragma GCC diagnostic pop
        expect_verdict(&rig, fields, VE_STR("body"), "invalid");
    }
    for (size_t i = 0; i < 64; i++)
        hex[i] = hex[i] >= 'a' ? (char)(hex[i] - 32) : hex[i];
    (void)snprintf(fields, sizeof(fields), "X-Ringover-Signature: sha256=%s\r\n", hex);
    expect_verdict(&rig, fields, VE_STR("body"), "invalid"); /* the signer writes lower case */
    expect_verdict(&rig, "", VE_STR("body"), "missing");
    expect_verdict(&rig, "Authorization: x\r\n", VE_STR("body"), "invalid");
    rig_close(&rig);
}

static void while_a_key_changes_both_are_valid(void **state)
{
    (void)state;
    struct rig rig;
    char hex[65];
    char fields[128];
    rig_open(&rig);
    sign(hex, PREVIOUS, VE_STR("body"));
    (void)snprintf(fields, sizeof(fields), "X-Ringover-Signature: sha256=%s\r\n", hex);
    expect_verdict(&rig, fields, VE_STR("body"), "invalid");
    rig_close(&rig);
    rig_open(&rig);
    ve_str_copy(rig.secrets.webhook_previous, VE_SECRET_MAX, VE_STR(PREVIOUS));
    expect_verdict(&rig, fields, VE_STR("body"), "valid");
    sign(hex, SECRET, VE_STR("body"));
    (void)snprintf(fields, sizeof(fields), "X-Ringover-Signature: sha256=%s\r\n", hex);
    expect_verdict(&rig, fields, VE_STR("body"), "valid");
    rig_close(&rig);
}

/* An HMAC has a value for the empty key as well. */
static void no_secret_signs_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig.secrets.webhook[0] = '\0';
    expect_verdict(&rig,
                   "X-Ringover-Signature: "
                   "sha256=7ec3619ea7f921721b6d8bec83ea2d0c6d557e0b164daf577e62c8cc88ed74ae\r\n",
                   VE_STR("body"), "invalid");
    rig_close(&rig);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_signature_is_valid),
        cmocka_unit_test(the_raw_body_is_what_is_signed),
        cmocka_unit_test(every_wrong_byte_is_seen),
        cmocka_unit_test(malformed_signatures_are_invalid),
        cmocka_unit_test(while_a_key_changes_both_are_valid),
        cmocka_unit_test(no_secret_signs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
