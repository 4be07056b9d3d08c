/*
 * crypto/base64: what is read must be the only spelling of its bytes.
 * The first byte chooses the form.
 */
#include "crypto/base64.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum ve_base64 form = data[0] & 1 ? VE_BASE64_URL : VE_BASE64_STD;
    struct ve_str text = ve_str_n((const char *)data + 1, size - 1);
    struct ve_buf bytes;
    struct ve_buf again;
    ve_buf_init(&bytes, 0);
    ve_buf_init(&again, 0);
    if (ve_base64_decode_add(&bytes, text, form) == 0) {
        if (ve_base64_add(&again, bytes.ptr, bytes.len, form) != 0 ||
            !ve_str_eq(ve_buf_str(&again), text))
            abort();
    } else if (bytes.len != 0) {
        abort();
    }
    ve_buf_free(&bytes);
    ve_buf_free(&again);
    return 0;
}
