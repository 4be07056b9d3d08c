#include "carrier/ringover_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The value of a JSON text in one of the forms. */
static void check_text(void (*read)(char *, size_t, const struct ve_json *), const char *text,
                       const char *wanted)
{
    struct ve_json *json;
    char why[96];
    char out[65];
    assert_int_equal(ve_json_parse(&json, ve_str(text), why), 0);
    read(out, sizeof(out), json);
    if (strcmp(out, wanted) != 0)
        fail_msg("%s: %s instead of %s", text, out, wanted);
    ve_json_free(json);
}

static void test_ids_are_exact_numbers_or_texts(void **state)
{
    static const char *const pairs[][2] = {
        {"18446744073709551615", "18446744073709551615"},
        {"\"18446744073709551615\"", "18446744073709551615"},
        {"9007199254740993", "9007199254740993"},
        {"\"42\"", "42"},
        {"0", "0"},
        /* no ids */
        {"\"18446744073709551616\"", ""},
        {"-1", ""},
        {"1.5", ""},
        {"1e3", ""},
        {"\"12 34\"", ""},
        {"\" 42\"", ""},
        {"\"USER12345678\"", ""},
        {"\"12a\"", ""},
        {"\"\"", ""},
        {"\"USER\"", ""},
        {"true", ""},
        {"{}", ""},
        {"\"00000000000000000000000000000000000000000000000000000000000000000000000001\"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        check_text(ve_ringover_id, pairs[i][0], pairs[i][1]);
}

static void test_phone_numbers_get_their_plus(void **state)
{
    static const char *const pairs[][2] = {
        {"\"33612345678\"", "+33612345678"},
        {"33612345678", "+33612345678"},
        {"3.3612345678e10", "+33612345678"},
        {"\"+33 6 12-34.56(78)\"", "+33612345678"},
        {"\"123\"", "123"}, /* internal */
        {"\"anonymous\"", "anonymous"},
        {"\"\"", ""},
        {"null", ""},
        {"\"12345678901234567890123456789\"", "12345678901234567890123456789"},
        {"\"1234567890123456\"", "1234567890123456"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        check_text(ve_ringover_phone, pairs[i][0], pairs[i][1]);
}

static void test_times_in_every_form(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1790000000", 1790000000000},
        {"1790000000.125", 1790000000125},
        {"1554823493.762305", 1554823493762},
        {"1790000000125", 1790000000125},
        {"2026-09-21T14:13:20Z", 1790000000000},
        {"2026-09-21T16:13:20.250+02:00", 1790000000250},
        {"2026-09-21 09:13:20-0500", 1790000000000},
        {"2026-09-21T14:13:20", 1790000000000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {" 1790000000 ", 1790000000000},
        /* no times */
        {"", 0},
        {"0", 0},
        {"-5", 0},
        {"1790000000.", 0},
        {"1790000000.1x", 0},
        {"17900000000000000", 0},
        {"2026-09-21", 0},
        {"2025-02-29T00:00:00Z", 0},
        {"2026-13-01T00:00:00Z", 0},
        {"2026-00-01T00:00:00Z", 0},
        {"2026-09-31T00:00:00Z", 0},
        {"2026-09-21T24:00:00Z", 0},
        {"2026-09-21T14:60:00Z", 0},
        {"2026-09-21T14:13:20+15:00", 0},
        {"2026-09-21T14:13:20Zx", 0},
        {"yesterday", 0},
        {"1969-12-31T23:59:59Z", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = ve_ringover_time(ve_str(cases[i].text));
        if (ms != cases[i].ms)
            fail_msg("%s: %lld", cases[i].text, (long long)ms);
    }
}

static const struct ve_json *parse(struct ve_json **json, const char *text)
{
    char why[96];
    assert_int_equal(ve_json_parse(json, ve_str(text), why), 0);
    return *json;
}

static void test_flags_in_every_form(void **state)
{
    static const char *const yes[] = {"true", "1", "\"1\"", "\"true\"", "\"TRUE\""};
    static const char *const no[] = {"false", "0", "\"0\"", "\"false\"", "\"\"", "{}", "[]", "0.0"};
    struct ve_json *json;
    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_true(ve_ringover_flag(parse(&json, yes[i])));
        ve_json_free(json);
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        assert_false(ve_ringover_flag(parse(&json, no[i])));
        ve_json_free(json);
    }
    assert_false(ve_ringover_flag(NULL));
}

static void test_durations_in_every_form(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"0", 0},       {"44", 44},   {"44.9", 44}, {"\"30s\"", 30},         {"\"30 s\"", 30},
        {"\"30\"", 30}, {"-1", -1},   {"\"\"", -1}, {"\"s\"", -1},           {"\"1m\"", -1},
        {"1e300", -1},  {"null", -1}, {"true", -1}, {"\"99999999999\"", -1},
    };
    struct ve_json *json;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t seconds = ve_ringover_seconds(parse(&json, cases[i].text));
        if (seconds != cases[i].seconds)
            fail_msg("%s: %lld", cases[i].text, (long long)seconds);
        ve_json_free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_exact_numbers_or_texts),
        cmocka_unit_test(test_phone_numbers_get_their_plus),
        cmocka_unit_test(test_times_in_every_form),
        cmocka_unit_test(test_flags_in_every_form),
        cmocka_unit_test(test_durations_in_every_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
