#include "base/json.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

static void check_text(struct ve_str text, const char *expected)
{
    struct ve_buf out;
    struct ve_jsonw w;
    struct ve_json *again = NULL;
    char why[96];
    ve_buf_init(&out, 0);
    ve_jsonw_init(&w, &out);
    ve_jsonw_str(&w, text);
    assert_int_equal(ve_jsonw_end(&w), 0);
    assert_string_equal(ve_buf_cstr(&out), expected);
    assert_int_equal(ve_json_parse(&again, ve_buf_str(&out), why), 0);
    ve_json_free(again);
    ve_buf_free(&out);
}

static void escapes(void **state)
{
    (void)state;
    check_text(VE_STR(""), "\"\"");
    check_text(ve_str(NULL), "\"\"");
    check_text(VE_STR("say \"hi\" to C:\\"), "\"say \\\"hi\\\" to C:\\\\\"");
    check_text(VE_STR("a\nb\rc\td"), "\"a\\nb\\rc\\td\"");
    check_text(VE_STR("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\"");
    check_text(VE_STR("/"), "\"/\"");
    check_text(VE_STR("caf\xC3\xA9 \xF0\x9F\x98\x80"), "\"caf\xC3\xA9 \xF0\x9F\x98\x80\"");
}

static void bytes_that_are_not_utf8(void **state)
{
    (void)state;
#define BAD "\xEF\xBF\xBD"
    check_text(VE_STR("a\xFF"
                      "b"),
               "\"a" BAD "b\"");
    check_text(VE_STR("\xC0\xAF"), "\"" BAD BAD "\"");
    check_text(VE_STR("\xED\xA0\x80"), "\"" BAD BAD BAD "\"");
    check_text(VE_STR("\xE4\xB8"), "\"" BAD BAD "\"");
    check_text(VE_STR("\xE4\xB8"
                      "x"),
               "\"" BAD BAD "x\"");
    check_text(VE_STR("\xC3"), "\"" BAD "\"");
#undef BAD
}

static void commas_and_nesting(void **state)
{
    (void)state;
    struct ve_buf out;
    struct ve_jsonw w;
    ve_buf_init(&out, 0);
    ve_jsonw_init(&w, &out);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "call_id", VE_STR("1"));
    ve_jsonw_key(&w, "list");
    ve_jsonw_array(&w);
    ve_jsonw_array(&w);
    ve_jsonw_array_end(&w);
    ve_jsonw_object(&w);
    ve_jsonw_object_end(&w);
    ve_jsonw_null(&w);
    ve_jsonw_bool(&w, true);
    ve_jsonw_i64(&w, INT64_MIN);
    ve_jsonw_raw(&w, VE_STR("{\"raw\":1}"));
    ve_jsonw_array_end(&w);
    ve_jsonw_ku64(&w, "max", UINT64_MAX);
    ve_jsonw_kbool(&w, "done", false);
    ve_jsonw_object_end(&w);
    assert_int_equal(ve_jsonw_end(&w), 0);
    assert_string_equal(ve_buf_cstr(&out),
                        "{\"call_id\":\"1\",\"list\":[[],{},null,true,-9223372036854775808,"
                        "{\"raw\":1}],\"max\":18446744073709551615,\"done\":false}");
    ve_buf_free(&out);
}

static void doubles(void **state)
{
    (void)state;
    struct ve_buf out;
    struct ve_jsonw w;
    ve_buf_init(&out, 0);
    ve_jsonw_init(&w, &out);
    ve_jsonw_array(&w);
    ve_jsonw_double(&w, 1.0 / 3, 3);
    ve_jsonw_double(&w, -2, 1);
    ve_jsonw_double(&w, NAN, 1);
    ve_jsonw_double(&w, -INFINITY, 1);
    ve_jsonw_array_end(&w);
    assert_int_equal(ve_jsonw_end(&w), 0);
    assert_string_equal(ve_buf_cstr(&out), "[0.333,-2.0,null,null]");
    ve_buf_free(&out);
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    struct ve_buf out;
    struct ve_jsonw w;
    ve_buf_init(&out, 8);
    ve_jsonw_init(&w, &out);
    ve_jsonw_array(&w);
    ve_jsonw_str(&w, VE_STR("much too long"));
    ve_jsonw_array_end(&w);
    assert_int_equal(ve_jsonw_end(&w), VE_ETOOBIG);
    ve_buf_free(&out);
}

static int write_some(void *arg)
{
    (void)arg;
    struct ve_buf out;
    struct ve_jsonw w;
    ve_buf_init(&out, 0);
    ve_jsonw_init(&w, &out);
    ve_jsonw_array(&w);
    for (uint64_t i = 0; i < 100; i++)
        ve_jsonw_u64(&w, i * i);
    ve_jsonw_array_end(&w);
    int err = ve_jsonw_end(&w);
    ve_buf_free(&out);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_in_range(test_alloc_sweep(write_some, NULL), 2, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(bytes_that_are_not_utf8),
        cmocka_unit_test(commas_and_nesting),
        cmocka_unit_test(doubles),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
