/*
 * base/str.h - text as (pointer, length), because text from outside has no reliable NUL.
 *
 * A `struct ve_str` borrows: it never owns its bytes.
 */
#ifndef VE_BASE_STR_H
#define VE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ve_str {
    const char *ptr; /* borrowed; may be NULL when len is 0 */
    size_t len;      /* bytes */
};

#define VE_STR(literal) ((struct ve_str){"" literal, sizeof(literal) - 1})
/* For printf's "%.*s". */
#define VE_STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

struct ve_str ve_str(const char *text); /* NULL becomes the empty text */
struct ve_str ve_str_n(const char *text, size_t len);
bool ve_str_eq(struct ve_str a, struct ve_str b);
/* ASCII letters compare without case; other bytes as they are. */
bool ve_str_ieq(struct ve_str a, struct ve_str b);
bool ve_str_starts(struct ve_str text, struct ve_str prefix);
bool ve_str_ends(struct ve_str text, struct ve_str suffix);
/* Without ASCII blanks at both ends. */
struct ve_str ve_str_trim(struct ve_str text);
/* Position of the first `needle`, or SIZE_MAX. */
size_t ve_str_find(struct ve_str text, char needle);
/* Cuts the part before `sep` off the front of *rest and returns it; the whole rest when there is no
 * separator. *rest is left with ptr NULL when nothing more follows. */
struct ve_str ve_str_cut(struct ve_str *rest, char sep);
/* Decimal digits only, no sign, no blanks, at most `max`. Returns 0 or VE_EPROTO. */
int ve_str_u64(uint64_t *out, struct ve_str text, uint64_t max);
/* Is it well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF)? */
bool ve_str_utf8(struct ve_str text);
/* Bytes of the well-formed UTF-8 character at the front (1-4); 0 when it is malformed or cut. */
size_t ve_str_utf8_char(struct ve_str text);
/* Copies as much as fits and always ends with NUL; returns true when nothing was cut. */
bool ve_str_copy(char *dst, size_t size, struct ve_str text);
/* The value of a hex digit, or -1. */
int ve_hex_value(char c);

#endif
