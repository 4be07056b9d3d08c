/*
 * base/alloc.h - the only door to the heap.
 *
 * Rooms never call malloc (tests/lint checks it), so the tests can link an allocator that fails
 * its n-th request (tests/unit/support/alloc_fail.c) and sweep n over whole scenarios.
 */
#ifndef VE_BASE_ALLOC_H
#define VE_BASE_ALLOC_H

#include <stddef.h>

/* Zeroed memory, or NULL. `ve_alloc(0)` gives a pointer that ve_free takes. */
void *ve_alloc(size_t size);
/* `count` zeroed elements of `size` bytes; NULL also when the product overflows. */
void *ve_alloc_array(size_t count, size_t size);
/* As realloc; the old block stays valid when NULL is returned. New bytes are not zeroed. */
void *ve_realloc(void *ptr, size_t size);
/* NULL is allowed. */
void ve_free(void *ptr);
/* A NUL-terminated copy of `len` bytes, or NULL. */
char *ve_strndup(const char *text, size_t len);
char *ve_strdup(const char *text);

#endif
