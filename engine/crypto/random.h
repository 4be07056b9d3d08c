/*
 * crypto/random.h - unpredictable bytes, for secrets, ids and hash seeds.
 *
 * What must be repeatable in a replay comes from base/rng.h instead. Any thread may call.
 */
#ifndef VE_CRYPTO_RANDOM_H
#define VE_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* VE_EFAILED when the system has no randomness to give; `out` is then all zero. */
int ve_random_bytes(void *out, size_t len);
/* Writes 2 * bytes hex digits and a NUL; on an error the empty text. At most 64 bytes. */
int ve_random_hex(char *out, size_t bytes);
int ve_random_u64(uint64_t *out);

#endif
