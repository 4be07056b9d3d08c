/*
 * host/protobuf.h - just enough of the protobuf wire format to walk through a message, bounded.
 *
 * For build tools. A span borrows its bytes; nothing reads past its end.
 */
#ifndef VE_HOST_PROTOBUF_H
#define VE_HOST_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const unsigned char *at;
    const unsigned char *end;
};

struct field {
    unsigned number;
    unsigned wire;    /* 0 number, 2 bytes; 1 and 5 are skipped over */
    uint64_t value;   /* of wire type 0 */
    struct span body; /* of wire type 2 */
};

static inline bool varint_read(uint64_t *out, struct span *in)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        unsigned char byte = *in->at++;
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

static inline bool span_cut(struct span *out, struct span *in, uint64_t len)
{
    if (len > (uint64_t)(in->end - in->at))
        return false;
    *out = (struct span){in->at, in->at + len};
    in->at += len;
    return true;
}

/* 1: a field; 0: the message is over; -1: it is malformed. */
static inline int field_next(struct field *out, struct span *in)
{
    uint64_t key = 0;
    uint64_t len = 0;
    if (in->at == in->end)
        return 0;
    if (!varint_read(&key, in) || key >> 32 || key >> 3 == 0)
        return -1;
    *out = (struct field){.number = (unsigned)(key >> 3), .wire = (unsigned)(key & 7)};
    switch (out->wire) {
    case 0:
        return varint_read(&out->value, in) ? 1 : -1;
    case 1:
        return span_cut(&out->body, in, 8) ? 1 : -1;
    case 2:
        return varint_read(&len, in) && span_cut(&out->body, in, len) ? 1 : -1;
    case 5:
        return span_cut(&out->body, in, 4) ? 1 : -1;
    default:
        return -1;
    }
}

static inline bool name_ends(struct span name, const char *suffix)
{
    size_t len = strlen(suffix);
    return (size_t)(name.end - name.at) >= len && memcmp(name.end - len, suffix, len) == 0;
}

#endif
