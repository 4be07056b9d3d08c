#include "crypto/hex.h"

#include "base/err.h"

void ve_hex_encode(char *out, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[from[i] >> 4];
        *out++ = digits[from[i] & 15];
    }
    *out = '\0';
}

int ve_hex_decode(void *out, size_t size, struct ve_str text)
{
    uint8_t *to = out;
    if (text.len % 2 != 0 || text.len / 2 != size)
        return VE_EPROTO;
    for (size_t i = 0; i < size; i++) {
        int high = ve_hex_value(text.ptr[2 * i]);
        int low = ve_hex_value(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return VE_EPROTO;
        to[i] = (uint8_t)(high * 16 + low);
    }
    return 0;
}
