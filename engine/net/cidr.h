/*
 * net/cidr.h - lists of addresses: "10.0.0.0/8, 2001:db8::/32, 192.0.2.7".
 *
 * An IPv4 address and the IPv6 address that holds it (::ffff:192.0.2.7) are the same one. Pure; any
 * thread.
 */
#ifndef VE_NET_CIDR_H
#define VE_NET_CIDR_H

#include "base/str.h"

#include <stdint.h>

#define VE_CIDR_MAX 64

struct ve_cidr_list {
    struct {
        uint8_t address[16];
        uint8_t bits; /* of the 128 that count */
    } blocks[VE_CIDR_MAX];
    unsigned count;
};

/* Reads a list, commas or blanks between its blocks. VE_EPROTO: *bad is the block that is none (a
 * name, a prefix that is too long, an address with bits behind its prefix); VE_ETOOBIG. */
int ve_cidr_parse(struct ve_cidr_list *list, struct ve_str text, struct ve_str *bad);
/* Is this address in the list? What is no address is in none. */
bool ve_cidr_has(const struct ve_cidr_list *list, struct ve_str address);

#endif
