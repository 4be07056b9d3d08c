/*
 * crypto/jwt: once with the input as a whole token, once with the input signed, so that what
 * stands behind the signature check is reached too. No unsigned token may pass.
 */
#include "base/err.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "crypto/jwt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY VE_STR("fuzz-key")

/* The header ends at the first NUL, the claims stand behind it. */
static int make_token(struct ve_buf *token, struct ve_str input)
{
    uint8_t mac[VE_HMAC_SHA512_BYTES];
    struct ve_str header = ve_str_cut(&input, '\0');
    int err = ve_base64_add(token, header.ptr, header.len, VE_BASE64_URL);
    if (!err)
        err = ve_buf_add_char(token, '.');
    if (!err)
        err = ve_base64_add(token, input.ptr, input.len, VE_BASE64_URL);
    struct ve_str text = ve_buf_str(token);
    if (!err)
        err = ve_hmac_sha512(mac, KEY, &text, 1);
    if (!err)
        err = ve_buf_add_char(token, '.');
    if (!err)
        err = ve_base64_add(token, mac, sizeof(mac), VE_BASE64_URL);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ve_str input = ve_str_n((const char *)data, size);
    struct ve_buf token;
    struct ve_buf payload;
    ve_buf_init(&token, 0);
    ve_buf_init(&payload, 1024 * 1024);
    if (ve_jwt_hs512(&payload, input, KEY) == 0)
        abort();
    if (make_token(&token, input) == 0) {
        int err = ve_jwt_hs512(&payload, ve_buf_str(&token), KEY);
        if (err && payload.len != 0)
            abort();
    }
    ve_buf_free(&token);
    ve_buf_free(&payload);
    return 0;
}
