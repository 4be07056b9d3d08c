/*
 * crypto/jwt.h - checking the one kind of JSON Web Token that we accept: compact, signed, HS512.
 *
 * The algorithm is ours, never the token's: its header must say HS512, and it is read only after
 * the signature has been found right. Any thread may call.
 */
#ifndef VE_CRYPTO_JWT_H
#define VE_CRYPTO_JWT_H

#include "base/buf.h"

/* A payload carries a whole event of up to 1 MiB, and base64 makes four bytes of three. */
#define VE_JWT_BYTES_MAX ((size_t)2 * 1024 * 1024)

/*
 * Appends the payload of a genuine token; its claims are the caller's to check.
 * VE_EPROTO: not three parts of base64, or a broken header. VE_EAUTH: the signature is wrong, or
 * the header names another algorithm or a critical extension. VE_ETOOBIG: over VE_JWT_BYTES_MAX
 * or the buffer's limit. VE_EINVAL: an empty key. On an error nothing is appended.
 */
int ve_jwt_hs512(struct ve_buf *payload, struct ve_str token, struct ve_str key);

#endif
