#define _GNU_SOURCE 1 /* memmem */
/*
 * door/signature: the input is the header fields of a request, a line each, an empty line, and the
 * body. Nobody gets in who does not know the key: what is let in holds it, or was signed with it
 * here.
 */
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "door/signature.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Random enough that no input holds it by chance. */
#define KEY    "k9/3Zq+fuzz-only-71c3"
#define FIELDS 16

struct fields {
    struct ve_str names[FIELDS], values[FIELDS];
    unsigned count;
};

static bool field_at(const void *arg, unsigned i, struct ve_str *name, struct ve_str *value)
{
    const struct fields *fields = arg;
    if (i >= fields->count)
        return false;
    *name = fields->names[i];
    *value = fields->values[i];
    return true;
}

static struct ve_str read_fields(struct fields *fields, struct ve_str input)
{
    while (input.ptr && fields->count < FIELDS) {
        struct ve_str line = ve_str_cut(&input, '\n');
        if (!line.len)
            break;
        struct ve_str name = ve_str_cut(&line, ':');
        fields->names[fields->count] = name;
        fields->values[fields->count++] = line;
    }
    return input;
}

static enum ve_verdict check(const struct fields *fields, struct ve_str body)
{
    static const struct ve_secrets secrets = {.webhook = KEY, .routing = "another" KEY};
    struct ve_signature_policy policy = {
        .secrets = &secrets,
        .url = VE_STR("https://agent.example.com"),
        .v3 = true,
        .now_ms = 1790000000000,
    };
    struct ve_signed_request request = {VE_STR("POST"), VE_STR(VE_WEBHOOK_PATH), body, field_at,
                                        fields};
    struct ve_signature signature;
    ve_signature_check(&signature, &policy, &request);
    enum ve_verdict verdict = signature.verdict;
    if (signature.count > VE_SIGNATURE_STEPS || !ve_signature_problem(&signature))
        abort();
    if (verdict == VE_VERDICT_VALID && !ve_signature_event(&signature, body).len && body.len)
        abort();
    ve_signature_free(&signature);
    return verdict;
}

/* The input as the claims of a token that is signed right. */
static void check_claims(struct ve_str claims)
{
    uint8_t mac[VE_HMAC_SHA512_BYTES];
    struct ve_buf token;
    ve_buf_init(&token, 0);
    int err = ve_buf_add_str(&token, VE_STR("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9."));
    if (!err)
        err = ve_base64_add(&token, claims.ptr, claims.len, VE_BASE64_URL);
    struct ve_str text = ve_buf_str(&token);
    if (!err)
        err = ve_hmac_sha512(mac, VE_STR(KEY), &text, 1);
    if (!err)
        err = ve_buf_add_char(&token, '.');
    if (!err)
        err = ve_base64_add(&token, mac, sizeof(mac), VE_BASE64_URL);
    if (!err) {
        struct fields fields = {.names = {VE_STR("X-Ringover-Webhook-Signature")},
                                .values = {ve_buf_str(&token)},
                                .count = 1};
        (void)check(&fields, VE_STR("{}"));
    }
    ve_buf_free(&token);
}

static bool contains(struct ve_str text, const char *what)
{
    return memmem(text.ptr ? text.ptr : "", text.len, what, strlen(what)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ve_str input = ve_str_n((const char *)data, size);
    struct fields fields = {.count = 0};
    struct ve_str body = read_fields(&fields, input);
    /* The key in either spelling is the only way in that needs no hash. */
    if (check(&fields, body) == VE_VERDICT_VALID && !contains(input, KEY) &&
        !contains(input, "azkvM1pxK2Z1enotb25seS03MWMz"))
        abort();
    check_claims(input);
    return 0;
}
