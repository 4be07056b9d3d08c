/*
 * What a WebSocket client puts on the wire, also when it is wrong: for tests only.
 */
#ifndef VE_TEST_WS_CLIENT_H
#define VE_TEST_WS_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A frame head with any first byte, in the shortest form, masked; returns its length. */
static inline size_t ws_client_head(uint8_t *out, uint8_t first, size_t len, const uint8_t mask[4])
{
    size_t at = 0;
    out[at++] = first;
    if (len < 126) {
        out[at++] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        out[at++] = 0x80 | 126;
        out[at++] = (uint8_t)(len >> 8);
        out[at++] = (uint8_t)len;
    } else {
        out[at++] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            out[at++] = (uint8_t)((uint64_t)len >> shift);
    }
    memcpy(out + at, mask, 4);
    return at + 4;
}

/* A whole frame; `out` has room for 14 bytes more than the payload. */
static inline size_t ws_client_frame(uint8_t *out, uint8_t first, const void *payload, size_t len)
{
    static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};
    size_t at = ws_client_head(out, first, len, mask);
    for (size_t i = 0; i < len; i++)
        out[at + i] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
    return at + len;
}

#endif
