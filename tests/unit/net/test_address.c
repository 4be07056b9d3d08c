#include "net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void only_literals_count(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool literal, loopback;
    } cases[] = {
        {"127.0.0.1", true, true},
        {"127.255.255.254", true, true},
        {"::1", true, true},
        {"0:0:0:0:0:0:0:1", true, true},
        {"::ffff:127.0.0.1", true, true},
        {"::FFFF:7f00:1", true, true},
        {"128.0.0.1", true, false},
        {"126.255.255.255", true, false},
        {"0.0.0.0", true, false},
        {"::", true, false},
        {"::2", true, false},
        {"::ffff:10.0.0.1", true, false},
        {"fe80::1", true, false},
        {"192.0.2.127", true, false},
        {"127.example.com", false, false}, /* a name that anybody may point anywhere */
        {"127.0.0.1.example.com", false, false},
        {"::ffff:127.evil", false, false},
        {"localhost", false, false},
        {"127.1", false, false},
        {"127.0.0.1 ", false, false},
        {"127.0.0.1:80", false, false},
        {"[::1]", false, false},
        {"::1%lo", false, false},
        {"", false, false},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ve_address_is_literal(ve_str(cases[i].text)) != cases[i].literal ||
            ve_address_is_loopback(ve_str(cases[i].text)) != cases[i].loopback)
            fail_msg("%s", cases[i].text);
    }
    assert_false(ve_address_is_literal(VE_STR("127.0.0.1\0.example.com")));
    assert_false(ve_address_is_loopback(ve_str_n(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_literals_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
