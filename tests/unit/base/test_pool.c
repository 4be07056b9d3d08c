#include "base/pool.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void blocks_come_back(void **state)
{
    (void)state;
    struct ve_pool pool;
    long before = test_alloc_live();
    void *blocks[5];
    ve_pool_init(&pool, 640, 3);
    for (int i = 0; i < 5; i++) {
        blocks[i] = ve_pool_get(&pool);
        assert_non_null(blocks[i]);
        memset(blocks[i], i, 640);
    }
    assert_int_equal(pool.live, 5);
    for (int i = 0; i < 5; i++)
        ve_pool_put(&pool, blocks[i]);
    assert_int_equal(pool.live, 0);
    assert_int_equal(pool.idle, 3);
    assert_int_equal(test_alloc_live(), before + 3);
    /* the heap is not asked again */
    test_alloc_fail_at(0);
    for (int i = 0; i < 3; i++) {
        blocks[i] = ve_pool_get(&pool);
        assert_non_null(blocks[i]);
    }
    assert_null(ve_pool_get(&pool));
    test_alloc_fail_at(-1);
    assert_int_equal(pool.live, 3);
    for (int i = 0; i < 3; i++)
        ve_pool_put(&pool, blocks[i]);
    ve_pool_put(&pool, NULL);
    ve_pool_free(&pool);
    assert_int_equal(test_alloc_live(), before);
    assert_int_equal(pool.idle, 0);
}

static void blocks_smaller_than_a_pointer(void **state)
{
    (void)state;
    struct ve_pool pool;
    ve_pool_init(&pool, 1, 2);
    void *a = ve_pool_get(&pool);
    void *b = ve_pool_get(&pool);
    ve_pool_put(&pool, a);
    ve_pool_put(&pool, b);
    assert_ptr_equal(ve_pool_get(&pool), b);
    assert_ptr_equal(ve_pool_get(&pool), a);
    ve_pool_put(&pool, a);
    ve_pool_put(&pool, b);
    ve_pool_free(&pool);
}

static void no_idle_blocks(void **state)
{
    (void)state;
    struct ve_pool pool;
    long before = test_alloc_live();
    ve_pool_init(&pool, 64, 0);
    ve_pool_put(&pool, ve_pool_get(&pool));
    assert_int_equal(test_alloc_live(), before);
    ve_pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back),
        cmocka_unit_test(blocks_smaller_than_a_pointer),
        cmocka_unit_test(no_idle_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
