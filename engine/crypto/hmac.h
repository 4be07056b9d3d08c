/*
 * crypto/hmac.h - HMAC with SHA-256 and SHA-512.
 *
 * The message may come in pieces, so that "METHOD + URL + BODY" needs no copy. An empty key is
 * refused: OpenSSL would accept it, and whoever forgot to set a secret would check nothing.
 * No state is kept; any thread may call.
 */
#ifndef VE_CRYPTO_HMAC_H
#define VE_CRYPTO_HMAC_H

#include "base/str.h"

#define VE_HMAC_SHA256_BYTES 32
#define VE_HMAC_SHA512_BYTES 64
#define VE_HMAC_PIECES       4

/* VE_EINVAL for an empty key or more than VE_HMAC_PIECES pieces; VE_EFAILED when OpenSSL does. */
int ve_hmac_sha256(uint8_t out[static VE_HMAC_SHA256_BYTES], struct ve_str key,
                   const struct ve_str *pieces, size_t count);
int ve_hmac_sha512(uint8_t out[static VE_HMAC_SHA512_BYTES], struct ve_str key,
                   const struct ve_str *pieces, size_t count);

#endif
