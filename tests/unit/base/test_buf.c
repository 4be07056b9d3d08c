#include "base/buf.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void growing(void **state)
{
    (void)state;
    struct ve_buf buf;
    ve_buf_init(&buf, 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(ve_buf_add_char(&buf, (char)('a' + i % 26)), 0);
    assert_int_equal(buf.len, 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
    ve_buf_free(&buf);
    assert_null(buf.ptr);
    assert_int_equal(ve_buf_add(&buf, "again", 5), 0);
    ve_buf_free(&buf);
}

static void all_or_nothing_at_the_limit(void **state)
{
    (void)state;
    struct ve_buf buf;
    ve_buf_init(&buf, 6);
    assert_int_equal(ve_buf_add(&buf, "abcd", 4), 0);
    assert_int_equal(ve_buf_add(&buf, "xyz", 3), VE_ETOOBIG);
    assert_int_equal(ve_buf_printf(&buf, "%d", 123), VE_ETOOBIG);
    assert_int_equal(ve_buf_add(&buf, "ef", 2), 0);
    assert_true(ve_str_eq(ve_buf_str(&buf), VE_STR("abcdef")));
    assert_int_equal(ve_buf_add_char(&buf, 'g'), VE_ETOOBIG);
    assert_int_equal(ve_buf_add(&buf, NULL, 0), 0);
    /* the NUL of a C text is not content */
    assert_string_equal(ve_buf_cstr(&buf), "abcdef");
    ve_buf_free(&buf);
}

static void absurd_sizes(void **state)
{
    (void)state;
    struct ve_buf buf;
    ve_buf_init(&buf, 0);
    assert_int_equal(ve_buf_add_char(&buf, 'a'), 0);
    assert_int_equal(ve_buf_reserve(&buf, SIZE_MAX), VE_ETOOBIG);
    assert_int_equal(ve_buf_reserve(&buf, SIZE_MAX / 2), VE_ETOOBIG);
    assert_int_equal(buf.len, 1);
    ve_buf_free(&buf);
}

static void printing(void **state)
{
    (void)state;
    struct ve_buf buf;
    ve_buf_init(&buf, 0);
    assert_int_equal(ve_buf_printf(&buf, "%s=%d", "turn", 3), 0);
    assert_int_equal(ve_buf_printf(&buf, "%s", ""), 0);
    assert_int_equal(ve_buf_printf(&buf, " %200s|", "x"), 0);
    assert_int_equal(buf.len, 6 + 202);
    assert_memory_equal(buf.ptr, "turn=3 ", 7);
    assert_int_equal(buf.ptr[buf.len - 1], '|');
    /* 64 bytes is the first size: one that fills it exactly still needs room for the NUL */
    ve_buf_free(&buf);
    assert_int_equal(ve_buf_printf(&buf, "%064d", 7), 0);
    assert_int_equal(buf.len, 64);
    assert_int_equal(strlen(ve_buf_cstr(&buf)), 64);
    ve_buf_free(&buf);
}

static void consuming(void **state)
{
    (void)state;
    struct ve_buf buf;
    ve_buf_init(&buf, 0);
    ve_buf_consume(&buf, 5);
    assert_int_equal(ve_buf_add(&buf, "abcdef", 6), 0);
    ve_buf_consume(&buf, 0);
    ve_buf_consume(&buf, 2);
    assert_true(ve_str_eq(ve_buf_str(&buf), VE_STR("cdef")));
    ve_buf_consume(&buf, 100);
    assert_int_equal(buf.len, 0);
    assert_int_equal(ve_buf_add_str(&buf, VE_STR("new")), 0);
    ve_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_true(buf.cap > 0);
    ve_buf_free(&buf);
}

static void an_empty_c_text(void **state)
{
    (void)state;
    struct ve_buf buf;
    ve_buf_init(&buf, 0);
    assert_string_equal(ve_buf_cstr(&buf), "");
    ve_buf_free(&buf);
}

static int scenario(void *arg)
{
    (void)arg;
    struct ve_buf buf;
    ve_buf_init(&buf, 0);
    int err = ve_buf_add(&buf, "0123456789", 10);
    size_t len = buf.len;
    if (!err)
        err = ve_buf_printf(&buf, "%0100d", 1);
    if (err)
        assert_int_equal(buf.len, len);
    len = buf.len;
    if (!err)
        err = ve_buf_reserve(&buf, 1000);
    assert_int_equal(buf.len, len);
    if (!err)
        err = ve_buf_cstr(&buf) ? 0 : VE_ENOMEM;
    ve_buf_free(&buf);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_in_range(test_alloc_sweep(scenario, NULL), 3, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing),        cmocka_unit_test(all_or_nothing_at_the_limit),
        cmocka_unit_test(absurd_sizes),   cmocka_unit_test(printing),
        cmocka_unit_test(consuming),      cmocka_unit_test(an_empty_c_text),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
