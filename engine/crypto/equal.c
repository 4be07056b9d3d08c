#include "crypto/equal.h"

#include <openssl/crypto.h>

bool ve_secret_equal(struct ve_str given, struct ve_str secret)
{
    if (secret.len == 0)
        return false;
    /* volatile: no compiler may leave the loop at the first difference */
    volatile size_t difference = given.len ^ secret.len;
    for (size_t i = 0; i < given.len; i++) {
        /* all ones while i is inside the secret, else zero: past its end its first byte stands in,
         * and the lengths differ anyway */
        size_t inside = 0 - (size_t)(i < secret.len);
        difference |= (size_t)((unsigned char)given.ptr[i] ^ (unsigned char)secret.ptr[i & inside]);
    }
    return difference == 0;
}

void ve_secret_wipe(void *bytes, size_t len)
{
    if (len)
        OPENSSL_cleanse(bytes, len);
}
