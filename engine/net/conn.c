#include "net/conn.h"

#include "base/alloc.h"

struct ve_out *ve_out_new(size_t cap)
{
    if (cap > SIZE_MAX - sizeof(struct ve_out) - VE_OUT_HEAD)
        return NULL;
    struct ve_out *out = ve_alloc(sizeof(*out) + VE_OUT_HEAD + cap);
    if (out)
        out->cap = cap;
    return out;
}

void ve_out_free(struct ve_out *out)
{
    ve_free(out);
}
