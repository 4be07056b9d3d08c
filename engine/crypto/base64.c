#include "crypto/base64.h"

#include "base/err.h"

#include <string.h>

static const char *alphabet_of(enum ve_base64 form)
{
    static const char std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return form == VE_BASE64_URL ? url : std;
}

size_t ve_base64_size(size_t len, enum ve_base64 form)
{
    size_t rest = len % 3;
    if (form == VE_BASE64_URL)
        return len / 3 * 4 + (rest ? rest + 1 : 0);
    return (len / 3 + (rest ? 1 : 0)) * 4;
}

size_t ve_base64_encode(char *out, const void *bytes, size_t len, enum ve_base64 form)
{
    const char *alphabet = alphabet_of(form);
    const uint8_t *from = bytes;
    char *to = out;
    for (; len >= 3; len -= 3, from += 3) {
        uint32_t word = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        *to++ = alphabet[word >> 18];
        *to++ = alphabet[word >> 12 & 63];
        *to++ = alphabet[word >> 6 & 63];
        *to++ = alphabet[word & 63];
    }
    if (len) {
        uint32_t word = (uint32_t)from[0] << 16 | (len == 2 ? (uint32_t)from[1] << 8 : 0);
        *to++ = alphabet[word >> 18];
        *to++ = alphabet[word >> 12 & 63];
        if (len == 2)
            *to++ = alphabet[word >> 6 & 63];
        for (; form == VE_BASE64_STD && len < 3; len++)
            *to++ = '=';
    }
    return (size_t)(to - out);
}

int ve_base64_add(struct ve_buf *out, const void *bytes, size_t len, enum ve_base64 form)
{
    size_t size = ve_base64_size(len, form);
    int err = ve_buf_reserve(out, size);
    if (!err && size)
        out->len += ve_base64_encode(out->ptr + out->len, bytes, len, form);
    return err;
}

/* The value of each character: 0-63, or 64 for what is not in the alphabet, so that four can be
 * checked with one "or". */
struct values {
    uint8_t of[256];
};

static void fill_values(struct values *values, enum ve_base64 form)
{
    const char *alphabet = alphabet_of(form);
    memset(values->of, 64, sizeof(values->of));
    for (uint8_t i = 0; i < 64; i++)
        values->of[(unsigned char)alphabet[i]] = i;
}

/* Takes the padding off and tells how many bytes the text stands for. */
static int measure(size_t *bytes, struct ve_str *text, enum ve_base64 form)
{
    if (form == VE_BASE64_STD) {
        if (text->len % 4 != 0)
            return VE_EPROTO;
        for (int i = 0; i < 2 && text->len && text->ptr[text->len - 1] == '='; i++)
            text->len--;
    }
    size_t tail = text->len % 4;
    *bytes = text->len / 4 * 3 + (tail ? tail - 1 : 0);
    return tail == 1 ? VE_EPROTO : 0;
}

/* The last two or three characters; the bits that fill up the last one must be zero. */
static int decode_tail(const struct values *values, uint8_t *to, const unsigned char *from,
                       size_t chars)
{
    uint32_t a = values->of[from[0]];
    uint32_t b = values->of[from[1]];
    uint32_t c = chars == 3 ? values->of[from[2]] : 0;
    if ((a | b | c) > 63)
        return VE_EPROTO;
    uint32_t word = a << 18 | b << 12 | c << 6;
    if (word & (chars == 3 ? 0xFF : 0xFFFF))
        return VE_EPROTO;
    to[0] = (uint8_t)(word >> 16);
    if (chars == 3)
        to[1] = (uint8_t)(word >> 8);
    return 0;
}

/* `text` without padding, `to` with room for what it stands for. */
static int decode(uint8_t *to, struct ve_str text, enum ve_base64 form)
{
    struct values values;
    const unsigned char *from = (const unsigned char *)text.ptr;
    fill_values(&values, form);
    for (size_t left = text.len / 4; left; left--, from += 4, to += 3) {
        uint32_t a = values.of[from[0]];
        uint32_t b = values.of[from[1]];
        uint32_t c = values.of[from[2]];
        uint32_t d = values.of[from[3]];
        if ((a | b | c | d) > 63)
            return VE_EPROTO;
        to[0] = (uint8_t)(a << 2 | b >> 4);
        to[1] = (uint8_t)(b << 4 | c >> 2);
        to[2] = (uint8_t)(c << 6 | d);
    }
    return text.len % 4 ? decode_tail(&values, to, from, text.len % 4) : 0;
}

int ve_base64_decode(size_t *len, void *out, size_t size, struct ve_str text, enum ve_base64 form)
{
    size_t bytes;
    *len = 0;
    int err = measure(&bytes, &text, form);
    if (!err && bytes > size)
        err = VE_ETOOBIG;
    if (!err)
        err = decode(out, text, form);
    if (!err)
        *len = bytes;
    return err;
}

int ve_base64_decode_add(struct ve_buf *out, struct ve_str text, enum ve_base64 form)
{
    size_t bytes;
    int err = measure(&bytes, &text, form);
    if (!err)
        err = ve_buf_reserve(out, bytes);
    if (err || bytes == 0)
        return err;
    err = decode((uint8_t *)out->ptr + out->len, text, form);
    if (!err)
        out->len += bytes;
    return err;
}
