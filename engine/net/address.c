#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* The address in network order; an IPv4 address as the IPv6 one that holds it. */
static bool parse(struct ve_str text, struct in6_addr *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char literal[INET6_ADDRSTRLEN];
    /* a NUL would end it early */
    if (ve_str_find(text, '\0') != SIZE_MAX || !ve_str_copy(literal, sizeof(literal), text))
        return false;
    for (size_t i = 0; i < sizeof(mapped); i++)
        out->s6_addr[i] = mapped[i];
    return inet_pton(AF_INET, literal, out->s6_addr + sizeof(mapped)) == 1 ||
           inet_pton(AF_INET6, literal, out) == 1;
}

bool ve_address_parse(struct ve_str text, uint8_t out[static 16])
{
    struct in6_addr address;
    if (!parse(text, &address))
        return false;
    memcpy(out, address.s6_addr, sizeof(address.s6_addr));
    return true;
}

bool ve_address_is_literal(struct ve_str text)
{
    struct in6_addr address;
    return parse(text, &address);
}

bool ve_address_is_loopback(struct ve_str text)
{
    struct in6_addr address;
    if (!parse(text, &address))
        return false;
    return IN6_IS_ADDR_V4MAPPED(&address) ? address.s6_addr[12] == 127
                                          : IN6_IS_ADDR_LOOPBACK(&address);
}
