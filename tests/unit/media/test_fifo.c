#include "media/fifo.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define B VE_FIFO_BLOCK_SAMPLES

/* The sample that belongs at a position: neighbours differ, and blocks differ too. */
static int16_t sample_of(uint64_t position)
{
    return (int16_t)(position * 2654435761u >> 7);
}

static int push(struct ve_fifo *fifo, size_t count)
{
    static int16_t samples[8 * B];
    assert_true(count <= 8 * B);
    for (size_t i = 0; i < count; i++)
        samples[i] = sample_of(fifo->end + i);
    return ve_fifo_push(fifo, samples, count);
}

static void expect_read(const struct ve_fifo *fifo, uint64_t at, size_t count, size_t wanted)
{
    static int16_t out[8 * B + 1];
    memset(out, 0x55, sizeof(out));
    assert_int_equal(ve_fifo_read(fifo, at, out, count), wanted);
    for (size_t i = 0; i < wanted; i++)
        assert_int_equal(out[i], sample_of(at + i));
    assert_int_equal(out[wanted], 0x5555); /* and not one more */
}

static size_t blocks_needed(const struct ve_fifo *fifo)
{
    return (size_t)((fifo->end - fifo->base + B - 1) / B);
}

static void a_block_is_two_kibibytes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct ve_fifo_block), 2048);
}

static void empty_costs_nothing(void **state)
{
    (void)state;
    struct ve_pool pool;
    struct ve_fifo fifo;
    int16_t out[4];
    long before = test_alloc_live();
    ve_pool_init(&pool, sizeof(struct ve_fifo_block), 4);
    ve_fifo_init(&fifo, &pool);
    assert_int_equal(ve_fifo_push(&fifo, NULL, 0), 0);
    assert_int_equal(ve_fifo_read(&fifo, 0, out, 4), 0);
    ve_fifo_drop(&fifo, 0);
    ve_fifo_clear(&fifo);
    assert_int_equal(ve_fifo_held(&fifo), 0);
    assert_int_equal(pool.live, 0);
    assert_int_equal(test_alloc_live(), before);
}

static void positions_never_change(void **state)
{
    (void)state;
    struct ve_pool pool;
    struct ve_fifo fifo;
    ve_pool_init(&pool, sizeof(struct ve_fifo_block), 0);
    ve_fifo_init(&fifo, &pool);
    assert_int_equal(push(&fifo, B), 0); /* exactly a block: the next sample opens another */
    assert_int_equal(pool.live, 1);
    assert_int_equal(push(&fifo, 1), 0);
    assert_int_equal(pool.live, 2);
    assert_int_equal(push(&fifo, 3 * B), 0);
    assert_int_equal(pool.live, 5);
    expect_read(&fifo, 0, 8 * B, 4 * B + 1);
    expect_read(&fifo, B - 1, 2, 2); /* over the seam */
    expect_read(&fifo, 4 * B, 5, 1);
    expect_read(&fifo, 4 * B + 1, 5, 0); /* the end itself */
    expect_read(&fifo, 10 * B, 5, 0);
    ve_fifo_drop(&fifo, B - 1);
    assert_int_equal(pool.live, 5);
    expect_read(&fifo, B - 2, 5, 0); /* forgotten, though the block is still there */
    expect_read(&fifo, B - 1, 5, 5);
    ve_fifo_drop(&fifo, B);
    assert_int_equal(pool.live, 4);
    ve_fifo_drop(&fifo, 5); /* backwards: nothing */
    expect_read(&fifo, B, 8 * B, 3 * B + 1);
    ve_fifo_drop(&fifo, 99 * B); /* beyond the end: all of it, and no further */
    assert_int_equal(pool.live, 0);
    assert_true(fifo.begin == 4 * B + 1 && fifo.end == 4 * B + 1);
    assert_int_equal(push(&fifo, 7), 0);
    expect_read(&fifo, 4 * B + 1, 8, 7);
    ve_fifo_clear(&fifo);
    assert_true(fifo.begin == 4 * B + 8 && fifo.end == 4 * B + 8);
    assert_int_equal(pool.live, 0);
}

/* Sizes that tend to lie at the edges of blocks. */
static size_t any_size(struct ve_rng *rng)
{
    switch (ve_rng_below(rng, 4)) {
    case 0:
        return ve_rng_below(rng, 4);
    case 1:
        return B - 2 + ve_rng_below(rng, 5);
    case 2:
        return 2 * B - 1 + ve_rng_below(rng, 3);
    default:
        return ve_rng_below(rng, 3 * B);
    }
}

/* What a fifo should hold is known from begin and end alone, because every sample is known. */
static void agrees_with_its_model(void **state)
{
    (void)state;
    struct ve_pool pool;
    struct ve_fifo fifo;
    struct ve_rng rng;
    uint64_t begin = 0;
    uint64_t end = 0;
    long before = test_alloc_live();
    ve_pool_init(&pool, sizeof(struct ve_fifo_block), 8);
    ve_fifo_init(&fifo, &pool);
    ve_rng_seed(&rng, 1);
    for (int step = 0; step < 20000; step++) {
        size_t count = any_size(&rng);
        uint64_t at = begin + (end > begin ? ve_rng_below(&rng, end - begin + 2) : 0);
        switch (ve_rng_below(&rng, 8)) {
        case 0:
        case 1:
        case 2:
            if (end - begin < 20 * B) {
                assert_int_equal(push(&fifo, count), 0);
                end += count;
            }
            break;
        case 3:
        case 4:
            ve_fifo_drop(&fifo, at);
            begin = at < end ? at : end;
            break;
        case 5:
            if (ve_rng_below(&rng, 50) == 0) {
                ve_fifo_clear(&fifo);
                begin = end;
            }
            break;
        default:
            expect_read(&fifo, at, count, at >= end ? 0 : end - at < count ? end - at : count);
        }
        assert_true(fifo.begin == begin && fifo.end == end);
        assert_int_equal(ve_fifo_held(&fifo), end - begin);
        assert_int_equal(pool.live, begin == end ? 0 : blocks_needed(&fifo));
        assert_true(begin == end || begin - fifo.base < B);
    }
    ve_fifo_clear(&fifo);
    assert_int_equal(pool.live, 0);
    ve_pool_free(&pool);
    assert_int_equal(test_alloc_live(), before);
}

static int fill_and_free(void *arg)
{
    struct ve_pool pool;
    struct ve_fifo fifo;
    int err = 0;
    (void)arg;
    ve_pool_init(&pool, sizeof(struct ve_fifo_block), 0);
    ve_fifo_init(&fifo, &pool);
    for (size_t count = 1; count < 6 * B && !err; count += B + 10) {
        uint64_t end = fifo.end;
        size_t live = pool.live;
        err = push(&fifo, count);
        if (err) { /* all or nothing, and what was there is still there */
            assert_int_equal(err, VE_ENOMEM);
            assert_true(fifo.end == end);
            assert_int_equal(pool.live, live);
            expect_read(&fifo, 0, 8 * B, end < 8 * B ? end : 8 * B);
            assert_int_equal(push(&fifo, 5), 0); /* memory is back */
            expect_read(&fifo, end, 6, 5);
        }
    }
    ve_fifo_clear(&fifo);
    assert_int_equal(pool.live, 0);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(fill_and_free, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_two_kibibytes), cmocka_unit_test(empty_costs_nothing),
        cmocka_unit_test(positions_never_change),   cmocka_unit_test(agrees_with_its_model),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
