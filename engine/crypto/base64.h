/*
 * crypto/base64.h - base64 in its two forms of RFC 4648, written fast and read strictly.
 *
 * Reading refuses blanks and line ends, missing or superfluous padding, and bits that the last
 * character should not have: every byte string has exactly one spelling. Any thread may call.
 */
#ifndef VE_CRYPTO_BASE64_H
#define VE_CRYPTO_BASE64_H

#include "base/buf.h"

enum ve_base64 {
    VE_BASE64_STD, /* "+/", padded with "=" */
    VE_BASE64_URL, /* "-_", never padded (RFC 7515) */
};

/* How many characters `len` bytes become. */
size_t ve_base64_size(size_t len, enum ve_base64 form);
/* Writes ve_base64_size characters, without a NUL; returns their number. */
size_t ve_base64_encode(char *out, const void *bytes, size_t len, enum ve_base64 form);
int ve_base64_add(struct ve_buf *out, const void *bytes, size_t len, enum ve_base64 form);

/* Reads into `size` bytes; *len is the number written. VE_EPROTO when the text is not base64,
 * VE_ETOOBIG when it holds more than `size` bytes. */
int ve_base64_decode(size_t *len, void *out, size_t size, struct ve_str text, enum ve_base64 form);
/* Appends the bytes; on an error nothing is appended. */
int ve_base64_decode_add(struct ve_buf *out, struct ve_str text, enum ve_base64 form);

#endif
