/*
 * net/address.h - what an address in text means, without asking anybody.
 *
 * Only literals count: a name like "127.example.com" may lead anywhere. Pure; any thread.
 */
#ifndef VE_NET_ADDRESS_H
#define VE_NET_ADDRESS_H

#include "base/str.h"

#include <stdint.h>

/* The 16 bytes of an address in network order; an IPv4 one as the IPv6 address that holds it
 * (::ffff:a.b.c.d). False for anything but a literal. */
bool ve_address_parse(struct ve_str text, uint8_t out[static 16]);
/* An IPv4 or IPv6 literal, without brackets, port or zone. */
bool ve_address_is_literal(struct ve_str text);
/* A literal of 127.0.0.0/8, also inside an IPv6 one, or ::1. */
bool ve_address_is_loopback(struct ve_str text);

#endif
