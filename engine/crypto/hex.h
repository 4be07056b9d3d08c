/*
 * crypto/hex.h - bytes as hexadecimal digits and back.
 *
 * Any thread may call.
 */
#ifndef VE_CRYPTO_HEX_H
#define VE_CRYPTO_HEX_H

#include "base/str.h"

/* Writes 2 * len lower-case digits and a NUL. */
void ve_hex_encode(char *out, const void *bytes, size_t len);
/* Reads exactly 2 * size digits of either case; VE_EPROTO for anything else. */
int ve_hex_decode(void *out, size_t size, struct ve_str text);

#endif
