/* Which places and addresses requests of scripts may reach. */
#include "alloc_fail.h"
#include "base/err.h"
#include "provider/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct origin_case {
    const char *url;
    int err;
    bool tls;
    const char *host;
    uint16_t port;
};

static void test_origins(void **state)
{
    static const struct origin_case cases[] = {
        {"https://api.example.com", 0, true, "api.example.com", 443},
        {"HTTPS://API.Example.COM/v1?x=1#y", 0, true, "api.example.com", 443},
        {"http://127.0.0.1:8000/v1", 0, false, "127.0.0.1", 8000},
        {"wss://a.example?x", 0, true, "a.example", 443},
        {"ws://a.example#x", 0, false, "a.example", 80},
        {"https://[2001:db8::1]:8443/", 0, true, "2001:db8::1", 8443},
        {"https://example.com./x", 0, true, "example.com", 443},
        {"https://a.example:65535", 0, true, "a.example", 65535},
        {"https://a.example:0", VE_EINVAL, false, NULL, 0},
        {"https://a.example:65536", VE_EINVAL, false, NULL, 0},
        {"https://a.example:", VE_EINVAL, false, NULL, 0},
        {"https://a.example:80:80", VE_EINVAL, false, NULL, 0},
        {"https://a.example:+80", VE_EINVAL, false, NULL, 0},
        {"https://user@a.example", VE_EINVAL, false, NULL, 0},
        {"https://user:pw@a.example", VE_EINVAL, false, NULL, 0},
        {"https://a.example\\@b.example", VE_EINVAL, false, NULL, 0},
        {"https:\\\\a.example", VE_EINVAL, false, NULL, 0},
        {"https:///x", VE_EINVAL, false, NULL, 0},
        {"https://", VE_EINVAL, false, NULL, 0},
        {"https://.", VE_EINVAL, false, NULL, 0},
        {"https://[::1", VE_EINVAL, false, NULL, 0},
        {"https://[::1]x", VE_EINVAL, false, NULL, 0},
        {"https://[fe80::1%25eth0]", VE_EINVAL, false, NULL, 0},
        {"https://a%2eexample", VE_EINVAL, false, NULL, 0},
        {"https://a .example", VE_EINVAL, false, NULL, 0},
        {"https://a.example\n", VE_EINVAL, false, NULL, 0},
        {"https://\xc3\xa4.example", VE_EINVAL, false, NULL, 0},
        {"ftp://a.example", VE_EINVAL, false, NULL, 0},
        {"file:///etc/passwd", VE_EINVAL, false, NULL, 0},
        {"//a.example", VE_EINVAL, false, NULL, 0},
        {"a.example", VE_EINVAL, false, NULL, 0},
        {"", VE_EINVAL, false, NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ve_origin origin;
        print_message("%s\n", cases[i].url);
        assert_int_equal(ve_origin_parse(&origin, ve_str(cases[i].url)), cases[i].err);
        if (cases[i].err)
            continue;
        assert_int_equal(origin.tls, cases[i].tls);
        assert_string_equal(origin.host, cases[i].host);
        assert_int_equal(origin.port, cases[i].port);
    }
}

static void test_a_nul_is_no_end(void **state)
{
    struct ve_origin origin;
    (void)state;
    assert_int_equal(ve_origin_parse(&origin, ve_str_n("https://a.example\0.evil", 23)), VE_EINVAL);
}

static enum ve_policy_answer ask(const struct ve_policy *policy, const char *url)
{
    struct ve_origin origin;
    assert_int_equal(ve_origin_parse(&origin, ve_str(url)), 0);
    return ve_policy_ask(policy, &origin);
}

static void test_places(void **state)
{
    struct ve_policy worker;
    struct ve_policy tenant;
    (void)state;
    ve_policy_init(&worker, NULL);
    ve_policy_init(&tenant, &worker);
    assert_int_equal(ve_policy_allow_base(&worker, VE_STR("http://127.0.0.1:8000/v1")), 0);
    assert_int_equal(ve_policy_allow_host(&tenant, VE_STR("api.example.com")), 0);
    assert_int_equal(ve_policy_allow_host(&tenant, VE_STR(" *.Shop.example ")), 0);
    assert_int_equal(ve_policy_allow_host(&tenant, VE_STR("b.example:8443")), 0);

    assert_int_equal(ask(&tenant, "https://api.example.com/x"), VE_POLICY_HOST);
    assert_int_equal(ask(&tenant, "https://API.example.com:443"), VE_POLICY_HOST);
    assert_int_equal(ask(&tenant, "wss://api.example.com"), VE_POLICY_HOST);
    assert_int_equal(ask(&tenant, "http://api.example.com"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "http://api.example.com:443"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "https://api.example.com:444"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "https://x.api.example.com"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "https://xapi.example.com"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "https://a.b.shop.example"), VE_POLICY_HOST);
    assert_int_equal(ask(&tenant, "https://shop.example"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "https://evilshop.example"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "https://b.example:8443"), VE_POLICY_HOST);
    assert_int_equal(ask(&tenant, "https://b.example"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "http://127.0.0.1:8000/other"), VE_POLICY_BASE);
    assert_int_equal(ask(&tenant, "http://127.0.0.1:8001"), VE_POLICY_NO);
    assert_int_equal(ask(&tenant, "https://127.0.0.1:8000"), VE_POLICY_NO);
    assert_int_equal(ask(&worker, "https://api.example.com"), VE_POLICY_NO);
    assert_int_equal(ask(NULL, "https://api.example.com"), VE_POLICY_NO);
    ve_policy_free(&tenant);
    ve_policy_free(&worker);
    assert_int_equal(test_alloc_live(), 0);
}

static void test_bad_places(void **state)
{
    static const char *const hosts[] = {
        "",           "*",   "*.",          "*.com",       "*.*.com", "https://a.example",
        "a.example/", "a b", "a.example:x", "a.example:0", "[::1",    "u@a.example"};
    struct ve_policy policy;
    (void)state;
    ve_policy_init(&policy, NULL);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        print_message("%s\n", hosts[i]);
        assert_int_equal(ve_policy_allow_host(&policy, ve_str(hosts[i])), VE_EINVAL);
    }
    assert_int_equal(ve_policy_allow_base(&policy, VE_STR("a.example")), VE_EINVAL);
    for (size_t i = 0; i < VE_POLICY_PLACES_MAX; i++)
        assert_int_equal(ve_policy_allow_host(&policy, VE_STR("a.example")), 0);
    assert_int_equal(ve_policy_allow_host(&policy, VE_STR("b.example")), VE_ETOOBIG);
    ve_policy_free(&policy);
}

static void test_addresses(void **state)
{
    static const char *const is_public[] = {
        "1.1.1.1",         "8.8.8.8",          "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",      "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "172.15.255.255",   "172.32.0.0",      "192.167.255.255",
        "192.169.0.0",     "223.255.255.255",  "2606:4700::1111", "2a00:1450:4007::200e",
        "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8", "2002:808:808::1"};
    static const char *const no_public[] = {"0.0.0.0",
                                            "0.1.2.3",
                                            "10.0.0.1",
                                            "10.255.255.255",
                                            "100.64.0.1",
                                            "100.127.255.255",
                                            "127.0.0.1",
                                            "127.255.255.254",
                                            "169.254.169.254",
                                            "172.16.0.1",
                                            "172.31.255.255",
                                            "192.0.0.8",
                                            "192.0.2.1",
                                            "192.168.0.1",
                                            "198.18.0.1",
                                            "198.19.255.255",
                                            "198.51.100.1",
                                            "203.0.113.1",
                                            "224.0.0.1",
                                            "239.255.255.255",
                                            "240.0.0.1",
                                            "255.255.255.255",
                                            "::",
                                            "::1",
                                            "::127.0.0.1",
                                            "::ffff:127.0.0.1",
                                            "::ffff:10.0.0.1",
                                            "64:ff9b::10.0.0.1",
                                            "64:ff9b:1::1",
                                            "2002:7f00:1::",
                                            "2002:a00:1::1",
                                            "2001::1",
                                            "2001:10::1",
                                            "2001:db8::1",
                                            "3fff::1",
                                            "fc00::1",
                                            "fd12:3456::1",
                                            "fe80::1",
                                            "fec0::1",
                                            "ff02::1",
                                            "100::1",
                                            "5f00::1",
                                            "4000::1",
                                            "",
                                            "localhost",
                                            "1.1.1",
                                            "01.1.1.1.",
                                            "0x7f000001"};
    (void)state;
    for (size_t i = 0; i < sizeof(is_public) / sizeof(is_public[0]); i++) {
        print_message("%s\n", is_public[i]);
        assert_true(ve_address_is_public(is_public[i]));
    }
    for (size_t i = 0; i < sizeof(no_public) / sizeof(no_public[0]); i++) {
        print_message("%s\n", no_public[i]);
        assert_false(ve_address_is_public(no_public[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins),   cmocka_unit_test(test_a_nul_is_no_end),
        cmocka_unit_test(test_places),    cmocka_unit_test(test_bad_places),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
