#include "base/buf.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

void ve_buf_init(struct ve_buf *buf, size_t limit)
{
    *buf = (struct ve_buf){.limit = limit};
}

void ve_buf_free(struct ve_buf *buf)
{
    ve_free(buf->ptr);
    ve_buf_init(buf, buf->limit);
}

void ve_buf_clear(struct ve_buf *buf)
{
    buf->len = 0;
}

int ve_buf_reserve(struct ve_buf *buf, size_t more)
{
    if (more > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4)
        return VE_ETOOBIG;
    size_t need = buf->len + more;
    if (buf->limit && need > buf->limit)
        return VE_ETOOBIG;
    if (need <= buf->cap)
        return 0;
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap < need)
        cap *= 2;
    char *grown = ve_realloc(buf->ptr, cap);
    if (!grown)
        return VE_ENOMEM;
    buf->ptr = grown;
    buf->cap = cap;
    return 0;
}

int ve_buf_add(struct ve_buf *buf, const void *bytes, size_t len)
{
    int err = ve_buf_reserve(buf, len);
    if (err)
        return err;
    if (len)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    return 0;
}

int ve_buf_add_str(struct ve_buf *buf, struct ve_str text)
{
    return ve_buf_add(buf, text.ptr, text.len);
}

int ve_buf_add_char(struct ve_buf *buf, char c)
{
    return ve_buf_add(buf, &c, 1);
}

int ve_buf_vprintf(struct ve_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    int err = n < 0 ? VE_EINVAL : 0;
    if (!err) {
        size_t used = buf->len;
        err = ve_buf_reserve(buf, (size_t)n);
        /* vsnprintf also writes a NUL: room for it is not content, so it does not count. */
        if (!err && buf->cap < used + (size_t)n + 1) {
            char *grown = ve_realloc(buf->ptr, used + (size_t)n + 1);
            if (grown) {
                buf->ptr = grown;
                buf->cap = used + (size_t)n + 1;
            } else {
                err = VE_ENOMEM;
            }
        }
        if (!err) {
            (void)vsnprintf(buf->ptr + used, (size_t)n + 1, fmt, again);
            buf->len = used + (size_t)n;
        }
    }
    va_end(again);
    return err;
}

int ve_buf_printf(struct ve_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int err = ve_buf_vprintf(buf, fmt, args);
    va_end(args);
    return err;
}

void ve_buf_consume(struct ve_buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;
        return;
    }
    memmove(buf->ptr, buf->ptr + len, buf->len - len);
    buf->len -= len;
}

struct ve_str ve_buf_str(const struct ve_buf *buf)
{
    return ve_str_n(buf->ptr, buf->len);
}

const char *ve_buf_cstr(struct ve_buf *buf)
{
    if (buf->cap <= buf->len) {
        char *grown = ve_realloc(buf->ptr, buf->len + 1);
        if (!grown)
            return NULL;
        buf->ptr = grown;
        buf->cap = buf->len + 1;
    }
    buf->ptr[buf->len] = '\0';
    return buf->ptr;
}
