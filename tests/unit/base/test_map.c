#include "base/map.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t seed[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

/* The first sixteen of the authors' vectors: the key 00..0f, messages 00 01 02 ... */
static void siphash_vectors(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        0x726fdb47dd0e0e31u, 0x74f839c593dc67fdu, 0x0d6c8009d9a94f5au, 0x85676696d7fb7e2du,
        0xcf2794e0277187b7u, 0x18765564cd99a68du, 0xcbc9466e58fee3ceu, 0xab0200f58b01d137u,
        0x93f5f5799a932462u, 0x9e0082df0ba9e4b0u, 0x7a5dbbc594ddb9f3u, 0xf4b32f46226bada7u,
        0x751e8fbc860ee5fbu, 0x14ea5627c0843d90u, 0xf723ca908e7af2eeu, 0xa129ca6149be45e5u,
    };
    char message[16];
    for (size_t len = 0; len < 16; len++) {
        assert_true(ve_siphash(seed, ve_str_n(message, len)) == expected[len]);
        message[len] = (char)len;
    }
}

static void adding_finding_removing(void **state)
{
    (void)state;
    struct ve_map map;
    int a = 1;
    int b = 2;
    ve_map_init(&map, seed);
    assert_null(ve_map_find(&map, VE_STR("a")));
    assert_null(ve_map_remove(&map, VE_STR("a")));
    assert_int_equal(ve_map_add(&map, VE_STR("a"), &a), 0);
    assert_int_equal(ve_map_add(&map, VE_STR("a\0b"), &b), 0);
    assert_int_equal(ve_map_add(&map, VE_STR("a"), &b), VE_EEXIST);
    assert_int_equal(ve_map_add(&map, VE_STR("c"), NULL), VE_EINVAL);
    assert_int_equal(map.count, 2);
    assert_ptr_equal(ve_map_find(&map, VE_STR("a")), &a);
    assert_ptr_equal(ve_map_find(&map, VE_STR("a\0b")), &b);
    assert_ptr_equal(ve_map_remove(&map, VE_STR("a")), &a);
    assert_null(ve_map_find(&map, VE_STR("a")));
    assert_null(ve_map_remove(&map, VE_STR("a")));
    assert_int_equal(ve_map_add(&map, VE_STR("a"), &b), 0);
    assert_ptr_equal(ve_map_find(&map, VE_STR("a")), &b);
    assert_int_equal(ve_map_add(&map, ve_str(NULL), &a), 0);
    assert_ptr_equal(ve_map_find(&map, VE_STR("")), &a);
    ve_map_free(&map);
    assert_null(ve_map_find(&map, VE_STR("a")));
}

/* A slot behind a removed one must still be found: with a table this small, paths do cross. */
static void tombstones_do_not_cut_a_path(void **state)
{
    (void)state;
    char names[6][16];
    for (uint64_t n = 0; n < 200; n++) {
        struct ve_map map;
        uint64_t own[2] = {n, ~n};
        ve_map_init(&map, own);
        for (int i = 0; i < 6; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "k%d", i);
            assert_int_equal(ve_map_add(&map, ve_str(names[i]), names[i]), 0);
        }
        for (int gone = 0; gone < 6; gone++) {
            assert_ptr_equal(ve_map_remove(&map, ve_str(names[gone])), names[gone]);
            for (int i = 0; i < 6; i++)
                assert_ptr_equal(ve_map_find(&map, ve_str(names[i])), i > gone ? names[i] : NULL);
        }
        ve_map_free(&map);
    }
}

/* Ten calls at a time, ten thousand in all: the table must not grow with the past. */
static void churn_stays_small(void **state)
{
    (void)state;
    struct ve_map map;
    long before = test_alloc_live();
    char name[24];
    ve_map_init(&map, seed);
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof(name), "call-%d", i);
        assert_int_equal(ve_map_add(&map, ve_str(name), &map), 0);
        if (i >= 10) {
            (void)snprintf(name, sizeof(name), "call-%d", i - 10);
            assert_ptr_equal(ve_map_remove(&map, ve_str(name)), &map);
        }
        assert_true(map.count <= 11 && map.cap <= 32);
        assert_true(test_alloc_live() - before <= 33);
    }
    ve_map_free(&map);
    assert_int_equal(test_alloc_live(), before);
}

#define KEYS 64

/* Random operations beside an array of what should be there. */
static void against_a_model(void **state)
{
    (void)state;
    struct ve_map map;
    struct ve_rng rng;
    int values[KEYS];
    bool present[KEYS] = {false};
    size_t count = 0;
    ve_map_init(&map, seed);
    ve_rng_seed(&rng, 7);
    for (int i = 0; i < 20000; i++) {
        char name[16];
        size_t k = (size_t)ve_rng_below(&rng, KEYS);
        struct ve_str key = ve_str_n(name, (size_t)snprintf(name, sizeof(name), "%zu", k));
        if (ve_rng_below(&rng, 2)) {
            assert_int_equal(ve_map_add(&map, key, &values[k]), present[k] ? VE_EEXIST : 0);
            count += !present[k];
            present[k] = true;
        } else {
            assert_ptr_equal(ve_map_remove(&map, key), present[k] ? &values[k] : NULL);
            count -= present[k];
            present[k] = false;
        }
        assert_int_equal(map.count, count);
    }
    size_t at = 0;
    size_t seen = 0;
    struct ve_str key;
    for (void *value = ve_map_next(&map, &at, &key); value; value = ve_map_next(&map, &at, &key)) {
        uint64_t k;
        assert_int_equal(ve_str_u64(&k, key, KEYS - 1), 0);
        assert_true(present[k]);
        assert_ptr_equal(value, &values[k]);
        seen++;
    }
    assert_int_equal(seen, count);
    ve_map_free(&map);
}

static int fill(void *arg)
{
    struct ve_map map;
    char name[16];
    int err = 0;
    ve_map_init(&map, seed);
    for (int i = 0; i < 20 && !err; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        size_t count = map.count;
        err = ve_map_add(&map, ve_str(name), arg);
        assert_int_equal(map.count, count + (err ? 0 : 1));
        assert_true((ve_map_find(&map, ve_str(name)) != NULL) == (err == 0));
    }
    ve_map_free(&map);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(fill, (void *)seed) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_vectors),
        cmocka_unit_test(adding_finding_removing),
        cmocka_unit_test(tombstones_do_not_cut_a_path),
        cmocka_unit_test(churn_stays_small),
        cmocka_unit_test(against_a_model),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
