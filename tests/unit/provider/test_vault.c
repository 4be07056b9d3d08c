/* Secrets are put in for the places they belong to, and nowhere else. */
#include "alloc_fail.h"
#include "base/err.h"
#include "provider/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct ve_origin at(const char *url)
{
    struct ve_origin origin;
    assert_int_equal(ve_origin_parse(&origin, ve_str(url)), 0);
    return origin;
}

static int fill(struct ve_vault *vault)
{
    ve_vault_init(vault);
    int err = ve_vault_add(vault, VE_STR("ONE_KEY"), VE_STR("sk-one-1"));
    if (!err)
        err = ve_vault_add(vault, VE_STR("TWO_KEY"), VE_STR("sk-two-22"));
    if (!err)
        err = ve_vault_allow_host(vault, VE_STR("ONE_KEY"), VE_STR("one.example"));
    if (!err)
        err = ve_vault_allow_host(vault, VE_STR("TWO_KEY"), VE_STR("two.example"));
    if (!err)
        err = ve_vault_allow_base(vault, VE_STR("TWO_KEY"), VE_STR("http://127.0.0.1:9/v1"));
    return err;
}

struct expand_case {
    const char *text;
    const char *url;
    int err;
    const char *out;
    const char *name;
};

static void test_expand(void **state)
{
    static const struct expand_case cases[] = {
        {"Bearer ${ONE_KEY}", "https://one.example/x", 0, "Bearer sk-one-1", "ONE_KEY"},
        {"${ONE_KEY}", "https://one.example", 0, "sk-one-1", "ONE_KEY"},
        {"a${ONE_KEY}b${ONE_KEY}c", "https://one.example", 0, "ask-one-1bsk-one-1c", "ONE_KEY"},
        {"plain $ {ONE_KEY} $x }", "https://one.example", 0, "plain $ {ONE_KEY} $x }", ""},
        {"", "https://one.example", 0, "", ""},
        {"${TWO_KEY}", "http://127.0.0.1:9", 0, "sk-two-22", "TWO_KEY"},
        {"${TWO_KEY}", "https://one.example", VE_EAUTH, NULL, "TWO_KEY"},
        {"${ONE_KEY}", "http://127.0.0.1:9", VE_EAUTH, NULL, "ONE_KEY"},
        {"${ONE_KEY}", "http://one.example", VE_EAUTH, NULL, "ONE_KEY"},
        {"${ONE_KEY}", "https://one.example:8443", VE_EAUTH, NULL, "ONE_KEY"},
        {"${ONE_KEY}", "https://one.example.evil.example", VE_EAUTH, NULL, "ONE_KEY"},
        {"${ONE_KEY} ${TWO_KEY}", "https://one.example", VE_EAUTH, NULL, "TWO_KEY"},
        {"${NO_KEY}", "https://one.example", VE_ENOENT, NULL, "NO_KEY"},
        {"${ONE_KE}", "https://one.example", VE_ENOENT, NULL, "ONE_KE"},
        {"${ONE_KEY", "https://one.example", VE_EINVAL, NULL, ""},
        {"${}", "https://one.example", VE_EINVAL, NULL, ""},
        {"${one_key}", "https://one.example", VE_EINVAL, NULL, ""},
        {"${${ONE_KEY}}", "https://one.example", VE_EINVAL, NULL, ""},
        {"x ${", "https://one.example", VE_EINVAL, NULL, ""},
    };
    struct ve_vault vault;
    (void)state;
    assert_int_equal(fill(&vault), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[VE_VAULT_NAME_MAX];
        struct ve_buf out;
        struct ve_origin origin = at(cases[i].url);
        ve_buf_init(&out, 0);
        print_message("%s at %s\n", cases[i].text, cases[i].url);
        assert_int_equal(ve_vault_expand(&vault, ve_str(cases[i].text), &origin, &out, name),
                         cases[i].err);
        assert_string_equal(name, cases[i].name);
        if (!cases[i].err)
            assert_true(ve_str_eq(ve_buf_str(&out), ve_str(cases[i].out)));
        ve_buf_free(&out);
    }
    ve_vault_free(&vault);
    assert_int_equal(test_alloc_live(), 0);
}

static void test_where_any_secret_may_go(void **state)
{
    struct ve_vault vault;
    (void)state;
    assert_int_equal(fill(&vault), 0);
    struct ve_origin one = at("https://one.example");
    struct ve_origin base = at("http://127.0.0.1:9");
    struct ve_origin other = at("https://three.example");
    assert_int_equal(ve_vault_ask(&vault, &one), VE_POLICY_HOST);
    assert_int_equal(ve_vault_ask(&vault, &base), VE_POLICY_BASE);
    assert_int_equal(ve_vault_ask(&vault, &other), VE_POLICY_NO);
    assert_true(ve_vault_has(&vault, VE_STR("ONE_KEY")));
    assert_false(ve_vault_has(&vault, VE_STR("ONE")));
    ve_vault_free(&vault);
    assert_false(ve_vault_has(&vault, VE_STR("ONE_KEY")));
}

static void test_bad_secrets(void **state)
{
    struct ve_vault vault;
    (void)state;
    assert_int_equal(fill(&vault), 0);
    assert_int_equal(ve_vault_add(&vault, VE_STR("ONE_KEY"), VE_STR("x")), VE_EEXIST);
    assert_int_equal(ve_vault_add(&vault, VE_STR("EMPTY"), VE_STR("")), VE_EINVAL);
    assert_int_equal(ve_vault_add(&vault, VE_STR("a b"), VE_STR("x")), VE_EINVAL);
    assert_int_equal(ve_vault_add(&vault, VE_STR(""), VE_STR("x")), VE_EINVAL);
    assert_int_equal(ve_vault_allow_host(&vault, VE_STR("NO_KEY"), VE_STR("a.example")), VE_ENOENT);
    assert_int_equal(ve_vault_allow_host(&vault, VE_STR("ONE_KEY"), VE_STR("*")), VE_EINVAL);
    char name[] = "KEY_00";
    int err = 0;
    for (unsigned i = 2; !err && i < 100; i++) {
        name[4] = (char)('0' + i / 10);
        name[5] = (char)('0' + i % 10);
        err = ve_vault_add(&vault, ve_str(name), VE_STR("value"));
    }
    assert_int_equal(err, VE_ETOOBIG);
    assert_int_equal(vault.count, VE_VAULT_SECRETS_MAX);
    ve_vault_free(&vault);
}

/* An answer that repeats the key. */
static void test_scrub(void **state)
{
    struct ve_vault vault;
    (void)state;
    assert_int_equal(fill(&vault), 0);
    struct ve_origin one = at("https://one.example");
    char bytes[] = "bad key sk-one-1: sk-one-1, not sk-two-22 sk-one-";
    ve_vault_scrub(&vault, &one, bytes, strlen(bytes));
    assert_string_equal(bytes, "bad key ********: ********, not sk-two-22 sk-one-");
    char short_one[] = "sk-one-1";
    ve_vault_scrub(&vault, &one, short_one, 7);
    assert_string_equal(short_one, "sk-one-1");
    ve_vault_scrub(&vault, &one, short_one, 8);
    assert_string_equal(short_one, "********");
    ve_vault_scrub(&vault, &one, NULL, 0);
    ve_vault_free(&vault);
}

static int fill_and_free(void *arg)
{
    struct ve_vault vault;
    (void)arg;
    int err = fill(&vault);
    ve_vault_free(&vault);
    return err;
}

static void test_without_memory(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(fill_and_free, NULL) > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand),         cmocka_unit_test(test_where_any_secret_may_go),
        cmocka_unit_test(test_bad_secrets),    cmocka_unit_test(test_scrub),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
