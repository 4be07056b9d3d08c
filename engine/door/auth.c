#include "door/auth.h"

#include "crypto/equal.h"
#include "crypto/hex.h"
#include "crypto/hmac.h"
#include "net/httpd.h"

const char *ve_verdict_name(enum ve_verdict verdict)
{
    switch (verdict) {
    case VE_VERDICT_VALID:
        return "valid";
    case VE_VERDICT_MISSING:
        return "missing";
    default:
        return "invalid";
    }
}

static bool hmac_matches(const char *secret, struct ve_str body, const uint8_t given[32])
{
    uint8_t mac[VE_HMAC_SHA256_BYTES];
    if (!secret[0] || ve_hmac_sha256(mac, ve_str(secret), &body, 1) != 0)
        return false;
    return ve_secret_equal(ve_str_n((const char *)given, 32), ve_str_n((const char *)mac, 32));
}

/* Only lower-case hex is what the signer sends; anything else is not its work. */
static bool is_lower_hex(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F')
            return false;
    }
    return true;
}

enum ve_verdict ve_auth_webhook(const struct ve_secrets *secrets,
                                const struct ve_http_request *request)
{
    static const char header[] = "X-Ringover-Signature";
    uint8_t given[VE_HMAC_SHA256_BYTES];
    unsigned count = ve_http_header_count(request, header);
    if (count == 0)
        return VE_VERDICT_MISSING;
    struct ve_str value = ve_str_trim(ve_http_header(request, header));
    if (ve_str_starts(value, VE_STR("sha256="))) {
        value.ptr += 7;
        value.len -= 7;
    }
    if (count > 1 || !is_lower_hex(value) || ve_hex_decode(given, sizeof(given), value) != 0)
        return VE_VERDICT_BAD;
    struct ve_str body = ve_http_body(request);
    bool now = hmac_matches(secrets->webhook, body, given);
    bool before = hmac_matches(secrets->webhook_previous, body, given);
    return now || before ? VE_VERDICT_VALID : VE_VERDICT_BAD;
}

static struct ve_str bearer(struct ve_str value)
{
    if (value.len < 7 || !ve_str_ieq(ve_str_n(value.ptr, 7), VE_STR("Bearer ")))
        return ve_str_n(NULL, 0);
    return ve_str_trim(ve_str_n(value.ptr + 7, value.len - 7));
}

bool ve_auth_stream(const struct ve_secrets *secrets, const struct ve_http_request *request)
{
    char query[VE_SECRET_MAX];
    struct ve_str wanted = ve_str(secrets->stream_token);
    unsigned headers = ve_http_header_count(request, "Authorization");
    if (!wanted.len || headers > 1)
        return false;
    if (headers == 1)
        return ve_secret_equal(bearer(ve_http_header(request, "Authorization")), wanted);
    if (ve_http_query_get(request, "token", query, sizeof(query)) != 0)
        return false;
    bool equal = ve_secret_equal(ve_str(query), wanted);
    ve_secret_wipe(query, sizeof(query));
    return equal;
}
