/*
 * A test that fails when it leaves memory behind.
 */
#ifndef VE_TEST_MEMORY_H
#define VE_TEST_MEMORY_H

#include "alloc_fail.h"

static inline int memory_before(void **state)
{
    static long live;
    live = test_alloc_live();
    *state = &live;
    return 0;
}

static inline int memory_after(void **state)
{
    return test_alloc_live() == *(long *)*state ? 0 : 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_before, memory_after)

#endif
