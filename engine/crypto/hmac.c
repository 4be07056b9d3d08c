#include "crypto/hmac.h"

#include "base/err.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

static int run(EVP_MAC_CTX *ctx, char *digest, uint8_t *out, size_t size, struct ve_str key,
               const struct ve_str *pieces, size_t count)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t len = 0;
    if (!EVP_MAC_init(ctx, (const unsigned char *)key.ptr, key.len, params))
        return VE_EFAILED;
    for (size_t i = 0; i < count; i++) {
        if (!EVP_MAC_update(ctx, (const unsigned char *)pieces[i].ptr, pieces[i].len))
            return VE_EFAILED;
    }
    if (!EVP_MAC_final(ctx, out, &len, size) || len != size)
        return VE_EFAILED;
    return 0;
}

static int hmac(char *digest, uint8_t *out, size_t size, struct ve_str key,
                const struct ve_str *pieces, size_t count)
{
    if (key.len == 0 || count > VE_HMAC_PIECES)
        return VE_EINVAL;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    int err = ctx ? run(ctx, digest, out, size, key, pieces, count) : VE_EFAILED;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return err;
}

int ve_hmac_sha256(uint8_t out[static VE_HMAC_SHA256_BYTES], struct ve_str key,
                   const struct ve_str *pieces, size_t count)
{
    char digest[] = "SHA256";
    return hmac(digest, out, VE_HMAC_SHA256_BYTES, key, pieces, count);
}

int ve_hmac_sha512(uint8_t out[static VE_HMAC_SHA512_BYTES], struct ve_str key,
                   const struct ve_str *pieces, size_t count)
{
    char digest[] = "SHA512";
    return hmac(digest, out, VE_HMAC_SHA512_BYTES, key, pieces, count);
}
