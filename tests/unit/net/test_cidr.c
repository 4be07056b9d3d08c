#include "net/cidr.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool has(const char *list_text, const char *address)
{
    struct ve_cidr_list list;
    struct ve_str bad;
    assert_int_equal(ve_cidr_parse(&list, ve_str(list_text), &bad), 0);
    return ve_cidr_has(&list, ve_str(address));
}

static void blocks_of_both_families(void **state)
{
    (void)state;
    const char *list = "10.0.0.0/8, 192.0.2.7,2001:db8::/33\t 198.51.100.128/25";
    static const char *const in[] = {"10.0.0.0",       "10.255.255.255",   "192.0.2.7",
                                     "2001:db8::1",    "2001:db8:7fff::1", "198.51.100.255",
                                     "::ffff:10.1.2.3"};
    static const char *const out[] = {"11.0.0.0",
                                      "9.255.255.255",
                                      "192.0.2.8",
                                      "2001:db8:8000::1",
                                      "2001:db9::1",
                                      "198.51.100.127",
                                      "::ffff:11.1.2.3",
                                      "::10.1.2.3",
                                      "::1",
                                      "",
                                      "example.com",
                                      "10.0.0.1.example"};
    for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
        assert_true(has(list, in[i]));
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
        assert_false(has(list, out[i]));
}

static void the_widest_and_the_narrowest(void **state)
{
    (void)state;
    assert_true(has("0.0.0.0/0", "203.0.113.9"));
    assert_false(has("0.0.0.0/0", "2001:db8::1"));
    assert_true(has("::/0", "203.0.113.9"));
    assert_true(has("::/0", "2001:db8::1"));
    assert_true(has("2001:db8::5/128", "2001:db8::5"));
    assert_false(has("2001:db8::5/128", "2001:db8::4"));
    assert_true(has("::ffff:10.0.0.0/104", "10.9.9.9"));
    assert_false(has("", "10.0.0.1"));
    assert_false(has(" , ,", "10.0.0.1"));
}

static void what_is_no_block_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *bad;
    } cases[] = {
        {"10.0.0.0/8, example.com", "example.com"},
        {"10.0.0.0/33", "10.0.0.0/33"},
        {"10.0.0.1/8", "10.0.0.1/8"},
        {"10.0.0.0/", "10.0.0.0/"},
        {"10.0.0.0/-1", "10.0.0.0/-1"},
        {"2001:db8::/129", "2001:db8::/129"},
        {"10.0.0/8", "10.0.0/8"},
        {"/8", "/8"},
        {"2001:db8::1/64", "2001:db8::1/64"},
        {"10.0.0.0/8/8", "10.0.0.0/8/8"},
    };
    struct ve_cidr_list list;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ve_str bad = {0};
        assert_int_equal(ve_cidr_parse(&list, ve_str(cases[i].list), &bad), VE_EPROTO);
        assert_true(ve_str_eq(bad, ve_str(cases[i].bad)));
    }
}

static void too_many_blocks(void **state)
{
    char text[(VE_CIDR_MAX + 1) * 10 + 1] = "";
    struct ve_cidr_list list;
    struct ve_str bad;
    (void)state;
    for (unsigned i = 0; i < VE_CIDR_MAX; i++)
        memcpy(text + strlen(text), "10.0.0.1, ", 11);
    assert_int_equal(ve_cidr_parse(&list, ve_str(text), &bad), 0);
    assert_int_equal(list.count, VE_CIDR_MAX);
    memcpy(text + strlen(text), "10.0.0.1", 9);
    assert_int_equal(ve_cidr_parse(&list, ve_str(text), &bad), VE_ETOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_both_families),
        cmocka_unit_test(the_widest_and_the_narrowest),
        cmocka_unit_test(what_is_no_block_is_named),
        cmocka_unit_test(too_many_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
