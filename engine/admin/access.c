#include "admin/access.h"

#include "crypto/equal.h"

static bool is_loopback_address(struct ve_str address)
{
    return ve_str_starts(address, VE_STR("127.")) || ve_str_eq(address, VE_STR("::1")) ||
           ve_str_starts(address, VE_STR("::ffff:127."));
}

/* The name in a Host header, without its port. */
static struct ve_str host_name(struct ve_str host)
{
    if (host.len && host.ptr[0] == '[') {
        host.ptr++;
        host.len--;
        return ve_str_cut(&host, ']');
    }
    return ve_str_cut(&host, ':');
}

static bool is_loopback_host(struct ve_str host)
{
    struct ve_str name = host_name(host);
    return ve_str_ieq(name, VE_STR("localhost")) || is_loopback_address(name);
}

static bool was_forwarded(const struct ve_http_request *request)
{
    return ve_http_header_count(request, "Forwarded") ||
           ve_http_header_count(request, "X-Forwarded-For") ||
           ve_http_header_count(request, "X-Forwarded-Host") ||
           ve_http_header_count(request, "X-Real-IP") || ve_http_header_count(request, "Via");
}

static bool is_loopback_peer(const struct ve_http_request *request)
{
    return is_loopback_address(ve_http_peer(request)) &&
           is_loopback_host(ve_http_header(request, "Host")) && !was_forwarded(request);
}

static bool token_is(struct ve_str given, const char *wanted)
{
    return wanted[0] && ve_secret_equal(given, ve_str(wanted));
}

enum ve_role ve_access_role(const struct ve_api_tokens *tokens,
                            const struct ve_http_request *request)
{
    if (!tokens->operate[0] && !tokens->read[0])
        return is_loopback_peer(request) ? VE_ROLE_OPERATE : VE_ROLE_NONE;
    struct ve_str value = ve_http_header(request, "Authorization");
    if (ve_http_header_count(request, "Authorization") != 1 || value.len < 7 ||
        !ve_str_ieq(ve_str_n(value.ptr, 7), VE_STR("Bearer ")))
        return VE_ROLE_NONE;
    struct ve_str given = ve_str_trim(ve_str_n(value.ptr + 7, value.len - 7));
    bool operate = token_is(given, tokens->operate);
    bool read = token_is(given, tokens->read);
    return operate ? VE_ROLE_OPERATE : read ? VE_ROLE_READ : VE_ROLE_NONE;
}

bool ve_access_check(const struct ve_api_tokens *tokens, struct ve_http_request *request,
                     enum ve_role needed)
{
    enum ve_role role = ve_access_role(tokens, request);
    if (role >= needed)
        return true;
    if (role != VE_ROLE_NONE) {
        ve_http_refuse(request, 403, "read_only", "this token may only read");
        return false;
    }
    ve_http_refuse_with(request, 401, "unauthorized",
                        "an API token is needed (VE_API_TOKEN): Authorization: Bearer ...",
                        (struct ve_http_field){"WWW-Authenticate", VE_STR("Bearer")});
    return false;
}
