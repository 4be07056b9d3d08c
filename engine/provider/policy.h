/*
 * provider/policy.h - where requests of scripts may lead.
 *
 * A policy is a list of places: hosts that a tenant allows, or base URLs of the settings. What is
 * in no list is refused. Hosts are reached over TLS alone and never at a private address; a base
 * URL is an origin that the operator has named: also over http, also on loopback.
 *
 * An origin is scheme, host and port, as text "https://api.example.com:443"; wss and ws are https
 * and http here. Pure data: owned by whoever made it, read on the loop's thread.
 */
#ifndef VE_PROVIDER_POLICY_H
#define VE_PROVIDER_POLICY_H

#include "base/str.h"

#define VE_POLICY_PLACES_MAX 256

struct ve_policy_place;

struct ve_policy {
    const struct ve_policy *parent; /* asked as well; borrowed, or NULL */
    struct ve_policy_place *places; /* owned */
    size_t count;
};

enum ve_policy_answer {
    VE_POLICY_NO,
    VE_POLICY_HOST, /* over TLS, at public addresses */
    VE_POLICY_BASE, /* anywhere: the operator has named it */
};

/* The parts of a URL that say where it leads. */
struct ve_origin {
    bool tls;
    char host[256]; /* lower case; an IPv6 address without its brackets */
    uint16_t port;
};

/* Strict: scheme http, https, ws or wss, no user, no blanks, no backslash, a host of letters,
 * digits, hyphens, underscores and dots or an IPv6 address in brackets. VE_EINVAL for everything
 * else. */
int ve_origin_parse(struct ve_origin *out, struct ve_str url);

void ve_policy_init(struct ve_policy *policy, const struct ve_policy *parent);
void ve_policy_free(struct ve_policy *policy);
/* "api.example.com", "*.example.com" (below it, not itself), "api.example.com:8443"; without a port
 * it is 443. VE_EINVAL, VE_ETOOBIG, VE_ENOMEM. */
int ve_policy_allow_host(struct ve_policy *policy, struct ve_str pattern);
/* The origin of a URL, as it stands. VE_EINVAL, VE_ETOOBIG, VE_ENOMEM. */
int ve_policy_allow_base(struct ve_policy *policy, struct ve_str url);
/* The most that the policy or one of its parents says. */
enum ve_policy_answer ve_policy_ask(const struct ve_policy *policy, const struct ve_origin *origin);

/* Is this address (as inet_ntop prints it) one of the public Internet? Not: this machine, private
 * and shared networks, link-local, multicast, documentation, tests, reserved, and what carries such
 * an IPv4 address inside (mapped, NAT64, 6to4, Teredo). What is no address is not public. */
bool ve_address_is_public(const char *ip);

#endif
