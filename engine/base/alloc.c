#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>

void *ve_alloc(size_t size)
{
    return calloc(1, size ? size : 1);
}

void *ve_alloc_array(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return ve_alloc(count * size);
}

void *ve_realloc(void *ptr, size_t size)
{
    return realloc(ptr, size ? size : 1);
}

void ve_free(void *ptr)
{
    free(ptr);
}
