#include "admin/access.h"

#include "crypto/equal.h"
#include "net/address.h"

/* The name in a Host header, without its port; empty when it is malformed. */
static struct ve_str host_name(struct ve_str host)
{
    if (!host.len || host.ptr[0] != '[')
        return ve_str_cut(&host, ':');
    size_t end = ve_str_find(host, ']');
    if (end == SIZE_MAX || (end + 1 < host.len && host.ptr[end + 1] != ':'))
        return ve_str_n(NULL, 0);
    return ve_str_n(host.ptr + 1, end - 1);
}

static bool is_loopback_host(struct ve_str host)
{
    struct ve_str name = host_name(host);
    return ve_str_ieq(name, VE_STR("localhost")) || ve_address_is_loopback(name);
}

static bool was_forwarded(const struct ve_http_request *request)
{
    static const struct ve_str family = {"X-Forwarded-", 12};
    struct ve_str name;
    struct ve_str value;
    for (unsigned i = 0; ve_http_header_at(request, i, &name, &value); i++) {
        if (name.len > family.len && ve_str_ieq(ve_str_n(name.ptr, family.len), family))
            return true;
        if (ve_str_ieq(name, VE_STR("Forwarded")) || ve_str_ieq(name, VE_STR("X-Real-IP")) ||
            ve_str_ieq(name, VE_STR("Via")))
            return true;
    }
    return false;
}

static bool is_loopback_peer(const struct ve_http_request *request)
{
    return ve_address_is_loopback(ve_http_peer(request)) &&
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
