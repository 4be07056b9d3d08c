#include "base/str.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

struct ve_str ve_str(const char *text)
{
    return (struct ve_str){text, text ? strlen(text) : 0};
}

struct ve_str ve_str_n(const char *text, size_t len)
{
    return (struct ve_str){text, len};
}

bool ve_str_eq(struct ve_str a, struct ve_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool ve_str_ieq(struct ve_str a, struct ve_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool ve_str_starts(struct ve_str text, struct ve_str prefix)
{
    return text.len >= prefix.len && ve_str_eq(ve_str_n(text.ptr, prefix.len), prefix);
}

bool ve_str_ends(struct ve_str text, struct ve_str suffix)
{
    return text.len >= suffix.len &&
           ve_str_eq(ve_str_n(text.ptr + (text.len - suffix.len), suffix.len), suffix);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct ve_str ve_str_trim(struct ve_str text)
{
    while (text.len && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

size_t ve_str_find(struct ve_str text, char needle)
{
    const char *at = text.len ? memchr(text.ptr, needle, text.len) : NULL;
    return at ? (size_t)(at - text.ptr) : SIZE_MAX;
}

struct ve_str ve_str_cut(struct ve_str *rest, char sep)
{
    struct ve_str head = *rest;
    size_t at = ve_str_find(*rest, sep);
    if (at == SIZE_MAX) {
        *rest = (struct ve_str){NULL, 0};
        return head;
    }
    head.len = at;
    rest->ptr += at + 1;
    rest->len -= at + 1;
    return head;
}

int ve_str_u64(uint64_t *out, struct ve_str text, uint64_t max)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 20)
        return VE_EPROTO;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return VE_EPROTO;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return VE_EPROTO;
        value = value * 10 + digit;
    }
    if (value > max)
        return VE_EPROTO;
    *out = value;
    return 0;
}

/* Table 3-7 of Unicode: what may follow the first byte. */
size_t ve_str_utf8_char(struct ve_str text)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    unsigned char b0 = text.len ? p[0] : 0xFF;
    if (b0 < 0x80)
        return 1;
    if (b0 < 0xC2 || b0 > 0xF4)
        return 0;
    size_t need = b0 < 0xE0 ? 2 : b0 < 0xF0 ? 3 : 4;
    if (text.len < need)
        return 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (b0 == 0xE0)
        low = 0xA0;
    else if (b0 == 0xED)
        high = 0x9F;
    else if (b0 == 0xF0)
        low = 0x90;
    else if (b0 == 0xF4)
        high = 0x8F;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++) {
        if (p[i] < 0x80 || p[i] > 0xBF)
            return 0;
    }
    return need;
}

bool ve_str_utf8(struct ve_str text)
{
    while (text.len) {
        size_t n = ve_str_utf8_char(text);
        if (n == 0)
            return false;
        text.ptr += n;
        text.len -= n;
    }
    return true;
}

bool ve_str_copy(char *dst, size_t size, struct ve_str text)
{
    if (size == 0)
        return false;
    size_t n = text.len < size - 1 ? text.len : size - 1;
    if (n)
        memcpy(dst, text.ptr, n);
    dst[n] = '\0';
    return n == text.len;
}

int ve_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *ve_strndup(const char *text, size_t len)
{
    char *copy = ve_alloc(len + 1);
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

char *ve_strdup(const char *text)
{
    return ve_strndup(text, strlen(text));
}
