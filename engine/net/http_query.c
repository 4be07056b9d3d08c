#include "base/err.h"
#include "net/http_head.h"

/* One character of application/x-www-form-urlencoded text off the front; -1 for a broken escape. */
static int next_char(struct ve_str *text)
{
    char c = *text->ptr;
    size_t n = 1;
    int value = (unsigned char)c;
    if (c == '+')
        value = ' ';
    if (c == '%') {
        int high = text->len >= 3 ? ve_hex_value(text->ptr[1]) : -1;
        int low = text->len >= 3 ? ve_hex_value(text->ptr[2]) : -1;
        if (high < 0 || low < 0)
            return -1;
        value = high << 4 | low;
        n = 3;
    }
    text->ptr += n;
    text->len -= n;
    return value;
}

static bool name_is(struct ve_str name, struct ve_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (!name.len || next_char(&name) != (unsigned char)key.ptr[i])
            return false;
    }
    return name.len == 0;
}

static int decode(struct ve_str value, char *out, size_t size)
{
    size_t n = 0;
    while (value.len) {
        int c = next_char(&value);
        if (c <= 0) /* also NUL: the value becomes a C string */
            return VE_EPROTO;
        if (n + 1 >= size)
            return VE_ETOOBIG;
        out[n++] = (char)c;
    }
    if (n >= size)
        return VE_ETOOBIG;
    out[n] = '\0';
    return 0;
}

int ve_http_query_find(struct ve_str query, struct ve_str key, char *out, size_t size)
{
    while (query.ptr) {
        struct ve_str value = ve_str_cut(&query, '&');
        struct ve_str name = ve_str_cut(&value, '=');
        if (name_is(name, key))
            return decode(value, out, size);
    }
    return VE_ENOENT;
}
