#include "crypto/random.h"

#include "base/err.h"
#include "crypto/equal.h"
#include "crypto/hex.h"

#include <limits.h>
#include <openssl/rand.h>
#include <string.h>

#define HEX_BYTES_MAX 64

int ve_random_bytes(void *out, size_t len)
{
    if (len == 0)
        return 0;
    if (len <= INT_MAX && RAND_bytes(out, (int)len) == 1)
        return 0;
    memset(out, 0, len);
    return VE_EFAILED;
}

int ve_random_hex(char *out, size_t bytes)
{
    uint8_t raw[HEX_BYTES_MAX];
    out[0] = '\0';
    if (bytes > sizeof(raw))
        return VE_EINVAL;
    int err = ve_random_bytes(raw, bytes);
    if (!err)
        ve_hex_encode(out, raw, bytes);
    ve_secret_wipe(raw, sizeof(raw));
    return err;
}

int ve_random_u64(uint64_t *out)
{
    return ve_random_bytes(out, sizeof(*out));
}
