/*
 * crypto/equal.h - comparing secrets and forgetting them.
 *
 * Any thread may call.
 */
#ifndef VE_CRYPTO_EQUAL_H
#define VE_CRYPTO_EQUAL_H

#include "base/str.h"

/* Is what was given the secret? The time it takes depends on the length of `given` alone: neither
 * the bytes of the secret nor its length show. An empty secret equals nothing, so that an unset
 * one lets nobody in. */
bool ve_secret_equal(struct ve_str given, struct ve_str secret);
/* Overwrites memory in a way that the compiler cannot leave out. NULL is allowed with len 0. */
void ve_secret_wipe(void *bytes, size_t len);

#endif
