#include "alloc_fail.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static atomic_long live;
static atomic_long countdown = -1;
static atomic_bool failed;

long test_alloc_live(void)
{
    return atomic_load(&live);
}

void test_alloc_fail_at(long n)
{
    atomic_store(&failed, false);
    atomic_store(&countdown, n);
}

bool test_alloc_failed(void)
{
    return atomic_load(&failed);
}

static bool must_fail(void)
{
    long left = atomic_load(&countdown);
    if (left < 0)
        return false;
    atomic_store(&countdown, left - 1);
    if (left > 0)
        return false;
    atomic_store(&failed, true);
    return true;
}

void *ve_alloc(size_t size)
{
    if (must_fail())
        return NULL;
    void *ptr = calloc(1, size ? size : 1);
    if (ptr)
        atomic_fetch_add(&live, 1);
    return ptr;
}

void *ve_alloc_array(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return ve_alloc(count * size);
}

void *ve_realloc(void *ptr, size_t size)
{
    if (!ptr)
        return ve_alloc(size);
    return must_fail() ? NULL : realloc(ptr, size ? size : 1);
}

void ve_free(void *ptr)
{
    if (ptr)
        atomic_fetch_sub(&live, 1);
    free(ptr);
}

long test_alloc_sweep(int (*scenario)(void *arg), void *arg)
{
    for (long n = 0;; n++) {
        long before = test_alloc_live();
        test_alloc_fail_at(n);
        int err = scenario(arg);
        bool hit = test_alloc_failed();
        test_alloc_fail_at(-1);
        assert_int_equal(test_alloc_live(), before);
        if (!hit) {
            assert_int_equal(err, 0);
            return n;
        }
    }
}
