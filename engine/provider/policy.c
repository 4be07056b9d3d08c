#include "provider/policy.h"

#include "base/alloc.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct ve_policy_place {
    struct ve_origin origin;
    bool below; /* every name that ends with the host, which begins with a dot */
    bool base;
};

/* --- origins ---------------------------------------------------------------------------------- */

struct scheme {
    struct ve_str name;
    bool tls;
    uint16_t port;
};

static const struct scheme schemes[] = {
    {{"https://", 8}, true, 443},
    {{"http://", 7}, false, 80},
    {{"wss://", 6}, true, 443},
    {{"ws://", 5}, false, 80},
};

static bool take_scheme(struct ve_origin *out, struct ve_str *rest)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        const struct scheme *scheme = &schemes[i];
        struct ve_str front = ve_str_n(rest->ptr, scheme->name.len);
        if (rest->len < scheme->name.len || !ve_str_ieq(front, scheme->name))
            continue;
        out->tls = scheme->tls;
        out->port = scheme->port;
        *rest = ve_str_n(rest->ptr + front.len, rest->len - front.len);
        return true;
    }
    return false;
}

static bool is_host_char(char c, bool v6)
{
    bool hex = ve_hex_value(c) >= 0;
    if (v6)
        return hex || c == ':' || c == '.';
    return hex || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '-' || c == '.' ||
           c == '_';
}

static int set_host(struct ve_origin *out, struct ve_str host, bool v6)
{
    if (!host.len || host.len >= sizeof(out->host))
        return VE_EINVAL;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (!is_host_char(c, v6))
            return VE_EINVAL;
        out->host[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    out->host[host.len] = '\0';
    /* "example.com." is the same place as "example.com". */
    if (!v6 && out->host[host.len - 1] == '.')
        out->host[host.len - 1] = '\0';
    return out->host[0] ? 0 : VE_EINVAL;
}

/* "host", "host:port" or "[v6]:port"; the port stays as it is when there is none. */
static int take_authority(struct ve_origin *out, struct ve_str authority)
{
    bool v6 = authority.len && authority.ptr[0] == '[';
    struct ve_str host = authority;
    struct ve_str port = {NULL, 0};
    if (v6) {
        size_t end = ve_str_find(authority, ']');
        if (end == SIZE_MAX)
            return VE_EINVAL;
        host = ve_str_n(authority.ptr + 1, end - 1);
        port = ve_str_n(authority.ptr + end + 1, authority.len - end - 1);
    } else {
        size_t colon = ve_str_find(authority, ':');
        if (colon != SIZE_MAX) {
            host = ve_str_n(authority.ptr, colon);
            port = ve_str_n(authority.ptr + colon, authority.len - colon);
        }
    }
    uint64_t number = out->port;
    if (port.len &&
        (port.ptr[0] != ':' ||
         ve_str_u64(&number, ve_str_n(port.ptr + 1, port.len - 1), 65535) != 0 || number == 0))
        return VE_EINVAL;
    out->port = (uint16_t)number;
    return set_host(out, host, v6);
}

int ve_origin_parse(struct ve_origin *out, struct ve_str url)
{
    struct ve_str rest = url;
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '\\')
            return VE_EINVAL;
    }
    if (!take_scheme(out, &rest))
        return VE_EINVAL;
    size_t end = 0;
    while (end < rest.len && !strchr("/?#", rest.ptr[end]))
        end++;
    return take_authority(out, ve_str_n(rest.ptr, end));
}

/* --- places ----------------------------------------------------------------------------------- */

void ve_policy_init(struct ve_policy *policy, const struct ve_policy *parent)
{
    *policy = (struct ve_policy){.parent = parent};
}

void ve_policy_free(struct ve_policy *policy)
{
    ve_free(policy->places);
    policy->places = NULL;
    policy->count = 0;
}

static int add_place(struct ve_policy *policy, const struct ve_policy_place *place)
{
    if (policy->count >= VE_POLICY_PLACES_MAX)
        return VE_ETOOBIG;
    size_t size = (policy->count + 1) * sizeof(*place);
    struct ve_policy_place *grown = ve_realloc(policy->places, size);
    if (!grown)
        return VE_ENOMEM;
    grown[policy->count] = *place;
    policy->places = grown;
    policy->count++;
    return 0;
}

int ve_policy_allow_host(struct ve_policy *policy, struct ve_str pattern)
{
    struct ve_policy_place place = {.origin = {.tls = true, .port = 443}};
    struct ve_str host = ve_str_trim(pattern);
    if (ve_str_starts(host, VE_STR("*."))) {
        place.below = true;
        host = ve_str_n(host.ptr + 1, host.len - 1);
    }
    int err = take_authority(&place.origin, host);
    /* "*." alone, or "*.com" without a dot inside, would allow half the world. */
    if (!err && place.below && !strchr(place.origin.host + 1, '.'))
        err = VE_EINVAL;
    return err ? err : add_place(policy, &place);
}

int ve_policy_allow_base(struct ve_policy *policy, struct ve_str url)
{
    struct ve_policy_place place = {.base = true};
    int err = ve_origin_parse(&place.origin, url);
    return err ? err : add_place(policy, &place);
}

static bool is_in(const struct ve_policy_place *place, const struct ve_origin *origin)
{
    if (place->origin.port != origin->port || place->origin.tls != origin->tls)
        return false;
    struct ve_str host = ve_str(origin->host);
    struct ve_str wanted = ve_str(place->origin.host);
    return place->below ? host.len > wanted.len && ve_str_ends(host, wanted)
                        : ve_str_eq(host, wanted);
}

enum ve_policy_answer ve_policy_ask(const struct ve_policy *policy, const struct ve_origin *origin)
{
    enum ve_policy_answer best = VE_POLICY_NO;
    for (; policy; policy = policy->parent) {
        for (size_t i = 0; i < policy->count; i++) {
            const struct ve_policy_place *place = &policy->places[i];
            if (!is_in(place, origin))
                continue;
            if (place->base)
                return VE_POLICY_BASE;
            best = VE_POLICY_HOST;
        }
    }
    return best;
}

/* --- addresses -------------------------------------------------------------------------------- */

struct block {
    uint32_t net;
    unsigned bits;
};

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

/* What is not globally reachable, after the registry of special-purpose IPv4 addresses. */
static const struct block not_public[] = {
    {V4(0, 0, 0, 0), 8},      {V4(10, 0, 0, 0), 8},     {V4(100, 64, 0, 0), 10},
    {V4(127, 0, 0, 0), 8},    {V4(169, 254, 0, 0), 16}, {V4(172, 16, 0, 0), 12},
    {V4(192, 0, 0, 0), 24},   {V4(192, 0, 2, 0), 24},   {V4(192, 88, 99, 0), 24},
    {V4(192, 168, 0, 0), 16}, {V4(198, 18, 0, 0), 15},  {V4(198, 51, 100, 0), 24},
    {V4(203, 0, 113, 0), 24}, {V4(224, 0, 0, 0), 4},    {V4(240, 0, 0, 0), 4},
};

static bool is_public_v4(uint32_t ip)
{
    for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++) {
        uint32_t mask = UINT32_MAX << (32 - not_public[i].bits);
        if ((ip & mask) == not_public[i].net)
            return false;
    }
    return true;
}

static uint32_t v4_at(const unsigned char *bytes)
{
    return V4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

/* Only 2000::/3 is given out; of it, not what stands for something else. */
static bool is_public_v6(const unsigned char ip[static 16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
    if (memcmp(ip, mapped, sizeof(mapped)) == 0 || memcmp(ip, nat64, sizeof(nat64)) == 0)
        return is_public_v4(v4_at(ip + 12));
    if ((ip[0] & 0xe0) != 0x20)
        return false;
    if (ip[0] == 0x20 && ip[1] == 0x02) /* 6to4 */
        return is_public_v4(v4_at(ip + 2));
    bool protocols = ip[0] == 0x20 && ip[1] == 0x01 && ip[2] < 0x02; /* Teredo and its like */
    bool examples = ip[0] == 0x20 && ip[1] == 0x01 && ip[2] == 0x0d && ip[3] == 0xb8;
    bool more_examples = ip[0] == 0x3f && ip[1] == 0xff && (ip[2] & 0xf0) == 0;
    return !protocols && !examples && !more_examples;
}

bool ve_address_is_public(const char *ip)
{
    unsigned char bytes[16];
    if (inet_pton(AF_INET, ip, bytes) == 1)
        return is_public_v4(v4_at(bytes));
    return inet_pton(AF_INET6, ip, bytes) == 1 && is_public_v6(bytes);
}
