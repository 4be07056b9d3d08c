/*
 * base/buf.h - a growable run of bytes.
 *
 * Appending is all or nothing: on VE_ENOMEM or VE_ETOOBIG the bytes stay as they were. A buffer
 * that fills from outside gets a limit; 0 means none.
 */
#ifndef VE_BASE_BUF_H
#define VE_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct ve_buf {
    char *ptr;    /* owned; NULL while empty */
    size_t len;   /* bytes used */
    size_t cap;   /* bytes allocated */
    size_t limit; /* bytes allowed; 0 = no limit */
};

void ve_buf_init(struct ve_buf *buf, size_t limit);
/* Frees the bytes; the buffer is empty and usable afterwards. */
void ve_buf_free(struct ve_buf *buf);
/* Forgets the bytes but keeps the memory. */
void ve_buf_clear(struct ve_buf *buf);
/* Makes room for `more` bytes behind the used ones. */
int ve_buf_reserve(struct ve_buf *buf, size_t more);
int ve_buf_add(struct ve_buf *buf, const void *bytes, size_t len);
int ve_buf_add_str(struct ve_buf *buf, struct ve_str text);
int ve_buf_add_char(struct ve_buf *buf, char c);
int ve_buf_printf(struct ve_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int ve_buf_vprintf(struct ve_buf *buf, const char *fmt, va_list args);
/* Drops `len` bytes at the front. */
void ve_buf_consume(struct ve_buf *buf, size_t len);
struct ve_str ve_buf_str(const struct ve_buf *buf);
/* The bytes as a NUL-terminated text, or NULL without memory. Valid until the next change. */
const char *ve_buf_cstr(struct ve_buf *buf);

#endif
