#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *object, const char *key, const char *wanted)
{
    struct ve_json *json;
    char why[96];
    /* The promise is about texts that the parser takes. */
    assert_int_equal(ve_json_parse(&json, ve_str(object), why), 0);
    ve_json_free(json);
    struct ve_str got = ve_json_member(ve_str(object), key);
    if (!wanted)
        assert_null(got.ptr);
    else if (!ve_str_eq(got, ve_str(wanted)))
        fail_msg("%s of %s: %.*s", key, object, VE_STR_ARG(got));
}

static void test_the_text_of_a_member(void **state)
{
    (void)state;
    check("{\"a\":1}", "a", "1");
    check(" { \"a\" : 1 , \"b\" : [ 1 , {} ] } ", "b", "[ 1 , {} ]");
    check("{\"a\":{\"b\":1},\"b\":2}", "b", "2");
    check("{\"a\":\"}\\\"{,\",\"b\":{\"c\":\"\\\\\"}}", "b", "{\"c\":\"\\\\\"}");
    check("{\"a\":null,\"b\":-1.5e3}", "b", "-1.5e3");
    check("{\"a\":\"x\"}", "a", "\"x\"");
    check("{\"payload\":{}}", "payload", "{}");
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    check("{}", "a", NULL);
    check("[{\"a\":1}]", "a", NULL);
    check("\"a\"", "a", NULL);
    check("{\"b\":{\"a\":1}}", "a", NULL);
    check("{\"aa\":1,\"\":2}", "a", NULL);
    check("{\"\\u0061\":1}", "a", NULL);
}

/* Whatever the text: no byte outside it is read, which the sanitizers watch. */
static void test_cut_texts_end(void **state)
{
    static const char text[] = "{\"a\":[1,\"\\\"\",{\"b\":2}],\"c\":\"d\"}";
    (void)state;
    for (size_t len = 0; len < sizeof(text); len++) {
        struct ve_str got = ve_json_member(ve_str_n(text, len), "c");
        assert_true(!got.ptr || got.ptr + got.len <= text + len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_text_of_a_member),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_cut_texts_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
