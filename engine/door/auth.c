#include "door/auth.h"

#include "crypto/equal.h"
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
