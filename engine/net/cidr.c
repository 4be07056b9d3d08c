#include "net/cidr.h"

#include "base/err.h"
#include "net/address.h"

#include <string.h>

static bool bit(const uint8_t address[static 16], unsigned i)
{
    return (address[i / 8] >> (7 - i % 8)) & 1;
}

/* "10.0.0.0/8": a block of which no bit is set behind the prefix. */
static bool parse_block(struct ve_str text, uint8_t address[static 16], uint8_t *bits)
{
    struct ve_str rest = text;
    struct ve_str literal = ve_str_cut(&rest, '/');
    uint64_t prefix = 0;
    if (!ve_address_parse(literal, address))
        return false;
    unsigned width = ve_str_find(literal, ':') == SIZE_MAX ? 32 : 128;
    if (!rest.ptr)
        prefix = width;
    else if (ve_str_u64(&prefix, rest, width) != 0)
        return false;
    *bits = (uint8_t)(prefix + 128 - width);
    for (unsigned i = *bits; i < 128; i++) {
        if (bit(address, i))
            return false;
    }
    return true;
}

static size_t block_len(struct ve_str text)
{
    size_t n = 0;
    while (n < text.len && text.ptr[n] != ',' && text.ptr[n] != ' ' && text.ptr[n] != '\t')
        n++;
    return n;
}

int ve_cidr_parse(struct ve_cidr_list *list, struct ve_str text, struct ve_str *bad)
{
    list->count = 0;
    while (text.len) {
        size_t n = block_len(text);
        *bad = ve_str_n(text.ptr, n);
        if (n && list->count == VE_CIDR_MAX)
            return VE_ETOOBIG;
        if (n &&
            !parse_block(*bad, list->blocks[list->count].address, &list->blocks[list->count].bits))
            return VE_EPROTO;
        list->count += n > 0;
        n += n < text.len; /* and what stands behind it */
        text = ve_str_n(text.ptr + n, text.len - n);
    }
    return 0;
}

static bool matches(const uint8_t block[static 16], unsigned bits, const uint8_t address[static 16])
{
    unsigned whole = bits / 8;
    if (memcmp(block, address, whole) != 0)
        return false;
    unsigned rest = bits % 8;
    return !rest || ((block[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool ve_cidr_has(const struct ve_cidr_list *list, struct ve_str address)
{
    uint8_t bytes[16];
    if (!ve_address_parse(address, bytes))
        return false;
    for (unsigned i = 0; i < list->count; i++) {
        if (matches(list->blocks[i].address, list->blocks[i].bits, bytes))
            return true;
    }
    return false;
}
