#include "crypto/jwt.h"

#include "base/err.h"
#include "base/json.h"
#include "crypto/base64.h"
#include "crypto/equal.h"
#include "crypto/hmac.h"

/* {"alg":"HS512","typ":"JWT"} and perhaps a key id */
#define HEADER_BYTES_MAX 1024

static int check_signature(struct ve_str signature, struct ve_str signed_text, struct ve_str key)
{
    uint8_t given[VE_HMAC_SHA512_BYTES];
    uint8_t right[VE_HMAC_SHA512_BYTES];
    size_t len;
    int err = ve_base64_decode(&len, given, sizeof(given), signature, VE_BASE64_URL);
    if (err)
        return err == VE_ETOOBIG ? VE_EAUTH : err;
    err = ve_hmac_sha512(right, key, &signed_text, 1);
    if (!err &&
        !ve_secret_equal(ve_str_n((char *)given, len), ve_str_n((char *)right, sizeof(right))))
        err = VE_EAUTH;
    ve_secret_wipe(right, sizeof(right));
    return err;
}

static int check_header(struct ve_str encoded)
{
    char text[HEADER_BYTES_MAX];
    char why[96];
    size_t len;
    struct ve_json *header = NULL;
    int err = ve_base64_decode(&len, text, sizeof(text), encoded, VE_BASE64_URL);
    if (!err)
        err = ve_json_parse(&header, ve_str_n(text, len), why);
    if (err)
        return err;
    /* "crit" lists extensions that a reader must know (RFC 7515, 4.1.11): we know none. */
    if (ve_json_type(header) != VE_JSON_OBJECT)
        err = VE_EPROTO;
    else if (!ve_str_eq(ve_json_get_str(header, "alg"), VE_STR("HS512")) ||
             ve_json_get(header, "crit"))
        err = VE_EAUTH;
    ve_json_free(header);
    return err;
}

int ve_jwt_hs512(struct ve_buf *payload, struct ve_str token, struct ve_str key)
{
    if (key.len == 0)
        return VE_EINVAL;
    if (token.len > VE_JWT_BYTES_MAX)
        return VE_ETOOBIG;
    struct ve_str rest = token;
    struct ve_str header = ve_str_cut(&rest, '.');
    struct ve_str claims = ve_str_cut(&rest, '.');
    struct ve_str signature = rest;
    bool more = ve_str_find(signature, '.') != SIZE_MAX;
    if (!header.len || !claims.len || !signature.len || more)
        return VE_EPROTO;
    struct ve_str signed_text = ve_str_n(token.ptr, header.len + 1 + claims.len);
    int err = check_signature(signature, signed_text, key);
    if (!err)
        err = check_header(header);
    if (!err)
        err = ve_base64_decode_add(payload, claims, VE_BASE64_URL);
    return err;
}
