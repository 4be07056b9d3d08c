#include "net/cidr.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A list, a NUL, an address: whatever was read can be asked. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ve_cidr_list list;
    struct ve_str bad;
    struct ve_str rest = ve_str_n((const char *)data, size);
    struct ve_str text = ve_str_cut(&rest, '\0');
    int err = ve_cidr_parse(&list, text, &bad);
    if (list.count > VE_CIDR_MAX)
        abort();
    for (unsigned i = 0; i < list.count; i++) {
        if (list.blocks[i].bits > 128)
            abort();
    }
    if (!err)
        (void)ve_cidr_has(&list, rest);
    return 0;
}
