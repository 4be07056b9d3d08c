#include "crypto/hmac.h"

#include "base/err.h"
#include "crypto/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct vector {
    char key_byte; /* repeated key_len times when key is NULL */
    const char *key;
    size_t key_len;
    char data_byte;
    const char *data;
    size_t data_len;
    const char *sha256;
    const char *sha512;
};

#define TEXT(s) (s), sizeof(s) - 1

/* RFC 4231, sections 4.2 to 4.8 without the truncated one. */
static const struct vector vectors[] = {
    {0x0b, NULL, 20, 0, TEXT("Hi There"),
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    {0, TEXT("Jefe"), 0, TEXT("what do ya want for nothing?"),
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {(char)0xaa, NULL, 20, (char)0xdd, NULL, 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
     "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
    {0,
     TEXT("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"
          "\x16\x17\x18\x19"),
     (char)0xcd, NULL, 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
     "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
    {(char)0xaa, NULL, 131, 0, TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    {(char)0xaa, NULL, 131, 0,
     TEXT("This is a test using a larger than block-size key and a larger than block-size data. "
          "The key needs to be hashed before being used by the HMAC algorithm."),
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
     "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
     "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
};

static struct ve_str bytes_of(char *store, const char *text, size_t len, char byte)
{
    if (text)
        return ve_str_n(text, len);
    memset(store, byte, len);
    return ve_str_n(store, len);
}

static void rfc_4231(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        char key_store[131];
        char data_store[50];
        uint8_t mac[VE_HMAC_SHA512_BYTES];
        char hex[2 * VE_HMAC_SHA512_BYTES + 1];
        struct ve_str key = bytes_of(key_store, v->key, v->key_len, v->key_byte);
        struct ve_str data = bytes_of(data_store, v->data, v->data_len, v->data_byte);
        assert_int_equal(ve_hmac_sha256(mac, key, &data, 1), 0);
        ve_hex_encode(hex, mac, VE_HMAC_SHA256_BYTES);
        assert_string_equal(hex, v->sha256);
        assert_int_equal(ve_hmac_sha512(mac, key, &data, 1), 0);
        ve_hex_encode(hex, mac, VE_HMAC_SHA512_BYTES);
        assert_string_equal(hex, v->sha512);
    }
}

#define WEBHOOK_BODY                                                                               \
    "{\"resource\":\"call\",\"event\":\"ringing\",\"timestamp\":1790000000,"                       \
    "\"data\":{\"call_id\":\"7534779999276888538\"},\"attempt\":1}"

/* What a carrier signs: the body, or method, address, body and time one behind the other. */
static void pieces_are_one_message(void **state)
{
    (void)state;
    const struct ve_str key = VE_STR("whk-test-0001");
    const struct ve_str pieces[] = {
        VE_STR("POST"),
        VE_STR("https://agent.example.com/api/v1/webhooks/ringover/event"),
        VE_STR(WEBHOOK_BODY),
        VE_STR("1790000000"),
    };
    uint8_t mac[VE_HMAC_SHA256_BYTES];
    char hex[2 * VE_HMAC_SHA256_BYTES + 1];
    assert_int_equal(ve_hmac_sha256(mac, key, &pieces[2], 1), 0);
    ve_hex_encode(hex, mac, sizeof(mac));
    assert_string_equal(hex, "d0963f5e12d78c76799500af4edff747eccdc854c46c6e46898721d3f7916aa3");
    assert_int_equal(ve_hmac_sha256(mac, key, pieces, 4), 0);
    ve_hex_encode(hex, mac, sizeof(mac));
    assert_string_equal(hex, "8f17c47297c9c587586582b81689b21f11d295b2ee114ee1a42efee0c66d589b");
}

static void no_pieces_is_the_empty_message(void **state)
{
    (void)state;
    const struct ve_str empty = {NULL, 0};
    uint8_t none[VE_HMAC_SHA256_BYTES];
    uint8_t one[VE_HMAC_SHA256_BYTES];
    assert_int_equal(ve_hmac_sha256(none, VE_STR("key"), NULL, 0), 0);
    assert_int_equal(ve_hmac_sha256(one, VE_STR("key"), &empty, 1), 0);
    assert_memory_equal(none, one, sizeof(one));
}

static void an_empty_key_is_refused(void **state)
{
    (void)state;
    const struct ve_str message = VE_STR("message");
    uint8_t mac[VE_HMAC_SHA512_BYTES];
    assert_int_equal(ve_hmac_sha256(mac, VE_STR(""), &message, 1), VE_EINVAL);
    assert_int_equal(ve_hmac_sha512(mac, ve_str(NULL), &message, 1), VE_EINVAL);
}

static void too_many_pieces_are_refused(void **state)
{
    (void)state;
    const struct ve_str pieces[VE_HMAC_PIECES + 1] = {{NULL, 0}};
    uint8_t mac[VE_HMAC_SHA256_BYTES];
    assert_int_equal(ve_hmac_sha256(mac, VE_STR("key"), pieces, VE_HMAC_PIECES + 1), VE_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4231),
        cmocka_unit_test(pieces_are_one_message),
        cmocka_unit_test(no_pieces_is_the_empty_message),
        cmocka_unit_test(an_empty_key_is_refused),
        cmocka_unit_test(too_many_pieces_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
