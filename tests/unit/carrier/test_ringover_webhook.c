#include "carrier/ringover_webhook.h"

#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/err.h"
#include "carrier/ringover_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Decodes, or fails the test. */
static struct ve_event *decode(const char *body)
{
    char why[96] = "";
    struct ve_event *event = NULL;
    int err = ve_ringover_decode(&event, ve_str(body), why);
    if (err)
        fail_msg("%s: %s", body, why);
    return event;
}

/* A ringing event whose data are `data`. */
static struct ve_event *decode_data(const char *data)
{
    char body[1024];
    int n = snprintf(body, sizeof(body),
                     "{\"resource\":\"call\",\"event\":\"ringing\",\"data\":%s}", data);
    assert_in_range(n, 1, sizeof(body) - 1);
    return decode(body);
}

static void everything_of_a_call_is_read(void **state)
{
    (void)state;
    static const char body[] =
        "{\"resource\":\"call\",\"event\":\"hangup\",\"timestamp\":1790000000.125,\"attempt\":3,"
        "\"data\":{\"id\":\"5b0e4a0e-93b4-4a6e-9a8e-1f2d3c4b5a69\","
        "\"call_id\":\"10345678901234567890\",\"channel_id\":7534779990001112223,"
        "\"direction\":\"inbound\",\"from_number\":\"33612345678\",\"to_number\":33184800000,"
        "\"duration_in_seconds\":42,\"user_id\":\"USER12345678\",\"ivr_data\":{}}}";
    struct ve_event *event = decode(body);
    assert_true(ve_str_eq(event->facts, VE_STR("{\"user\":{\"id\":\"12345678\"}}")));
    assert_int_equal(event->kind, VE_EVENT_HANGUP);
    assert_string_equal(event->name, "call/hangup");
    assert_string_equal(event->call_id, "10345678901234567890");
    assert_string_equal(event->channel_id, "7534779990001112223");
    assert_string_equal(event->direction, "inbound");
    assert_string_equal(event->from, "+33612345678");
    assert_string_equal(event->to, "+33184800000");
    assert_true(event->at_ms == 1790000000125);
    assert_int_equal(event->attempt, 3);
    assert_true(event->duration_s == 42);
    /* the text that was signed is kept byte for byte */
    assert_true(ve_str_eq(event->raw, ve_str(body)));
    assert_ptr_not_equal(event->raw.ptr, body);
    ve_free(event);
}

static void what_is_absent_is_empty(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"event\":\"ringing\"}",
        "{\"event\":\"ringing\",\"data\":null}",
        "{\"event\":\"ringing\",\"data\":[1,2]}",
        "{\"event\":\"ringing\",\"data\":\"call_id\"}",
        "{\"event\":\"ringing\",\"data\":{\"call_id\":null,\"from_number\":[],\"to_number\":{},"
        "\"direction\":7,\"duration_in_seconds\":null,\"message\":5},\"attempt\":\"x\","
        "\"timestamp\":{}}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct ve_event *event = decode(bodies[i]);
        assert_int_equal(event->kind, VE_EVENT_OTHER); /* of no resource */
        assert_string_equal(event->name, "/ringing");
        assert_string_equal(event->call_id, "");
        assert_string_equal(event->channel_id, "");
        assert_string_equal(event->from, "");
        assert_string_equal(event->to, "");
        assert_string_equal(event->direction, "");
        assert_true(ve_str_eq(event->facts, VE_STR("{}")));
        assert_true(event->at_ms == 0);
        assert_int_equal(event->attempt, 0);
        assert_true(event->duration_s == -1);
        ve_free(event);
    }
}

static void every_event_has_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *resource, *event;
        enum ve_event_kind kind;
    } known[] = {
        {"call", "ringing", VE_EVENT_RINGING},
        {"call", "answered", VE_EVENT_ANSWERED},
        {"call", "hangup", VE_EVENT_HANGUP},
        {"call", "missed", VE_EVENT_MISSED},
        {"call", "voicemail", VE_EVENT_VOICEMAIL},
        {"call", "Ringing", VE_EVENT_OTHER},
        {"call", "ivr_response_code", VE_EVENT_IVR_CODE},
        {"sms", "ringing", VE_EVENT_OTHER},
        {"aftercall", "voicemail_available", VE_EVENT_VOICEMAIL_AVAILABLE},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char body[128];
        char name[64];
        (void)snprintf(body, sizeof(body), "{\"resource\":\"%s\",\"event\":\"%s\"}",
                       known[i].resource, known[i].event);
        (void)snprintf(name, sizeof(name), "%s/%s", known[i].resource, known[i].event);
        struct ve_event *event = decode(body);
        assert_int_equal(event->kind, known[i].kind);
        assert_string_equal(event->name, name);
        ve_free(event);
    }
    /* contact search writes its key with two s */
    struct ve_event *event = decode("{\"ressource\":\"search\",\"event\":\"contact\"}");
    assert_string_equal(event->name, "search/contact");
    ve_free(event);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(ve_event_kind_name(VE_EVENT_RINGING), "ringing");
    assert_string_equal(ve_event_kind_name(VE_EVENT_VOICEMAIL), "voicemail");
    assert_string_equal(ve_event_kind_name(VE_EVENT_OTHER), "other");
    assert_string_equal(ve_event_kind_name((enum ve_event_kind)99), "other");
}

static void long_names_are_cut_between_characters(void **state)
{
    (void)state;
    /* 29 letters, then characters of two bytes: the 30th byte would be half of one */
    struct ve_event *event =
        decode("{\"resource\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9\xc3\xa9\","
               "\"event\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbb\xc3\xa9\xc3\xa9\"}");
    assert_string_equal(event->name, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    ve_free(event);
}

static void ids_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *json, *id;
    } cases[] = {
        {"18446744073709551615", "18446744073709551615"}, /* 2^64-1 as a number */
        {"\"18446744073709551615\"", "18446744073709551615"},
        {"9007199254740993", "9007199254740993"}, /* 2^53+1: no double holds it */
        {"9223372036854775808", "9223372036854775808"},
        {"0", "0"},
        {"\"0042\"", "0042"},
        {"\"18446744073709551616\"", ""}, /* 2^64 */
        {"-1", ""},
        {"12.0", ""},
        {"1e3", ""},
        {"true", ""},
        {"\"\"", ""},
        {"\" 12\"", ""},
        {"\"12a\"", ""},
        {"\"+12\"", ""},
        {"\"5b0e4a0e-93b4-4a6e-9a8e-1f2d3c4b5a69\"", ""},
        {"\"12\\u00003\"", ""}, /* text goes on behind a NUL */
        /* 65 digits: as much of it as fits is another id */
        {"\"00000000000000000000000000000000000000000000000000000000000000001\"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char data[256];
        (void)snprintf(data, sizeof(data), "{\"call_id\":%s,\"channel_id\":%s}", cases[i].json,
                       cases[i].json);
        struct ve_event *event = decode_data(data);
        assert_string_equal(event->call_id, cases[i].id);
        assert_string_equal(event->channel_id, cases[i].id);
        ve_free(event);
    }
}

static void the_resource_id_is_no_call_id(void **state)
{
    (void)state;
    struct ve_event *event = decode_data("{\"id\":12345}");
    assert_string_equal(event->call_id, "");
    ve_free(event);
}

static void numbers_get_their_plus(void **state)
{
    (void)state;
    static const struct {
        const char *given, *number;
    } cases[] = {
        {"33612345678", "+33612345678"},
        {"+33 6 12 34 56 78", "+33612345678"},
        {"+33(0)6.12-34", "+33061234"},
        {"1234567", "+1234567"},                 /* 7 digits: the shortest number */
        {"123456", "123456"},                    /* an internal one */
        {"123456789012345", "+123456789012345"}, /* 15 digits: the longest */
        {"1234567890123456", "1234567890123456"},
        {"12345678901234567890123", "12345678901234567890123"},
        {"123456789012345678901234", "123456789012345678901234"}, /* as received */
        {"anonymous", "anonymous"},
        {"12ab", "12ab"},
        {"", ""},
        {"+", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[40];
        ve_ringover_number(out, sizeof(out), ve_str(cases[i].given));
        assert_string_equal(out, cases[i].number);
    }
    /* a small room holds what fits, ended */
    char small[4];
    ve_ringover_number(small, sizeof(small), VE_STR("33612345678"));
    assert_string_equal(small, "+33");
    /* a NUL is no blank */
    char out[40];
    ve_ringover_number(out, sizeof(out), VE_STR("3361\0002345678"));
    assert_string_equal(out, "3361");
}

static void numbers_may_be_numbers(void **state)
{
    (void)state;
    struct ve_event *event = decode_data("{\"from_number\":33612345678,\"to_number\":103}");
    assert_string_equal(event->from, "+33612345678");
    assert_string_equal(event->to, "103");
    ve_free(event);
    event = decode_data("{\"from_number\":\"anonymous\",\"to_number\":3.5}");
    assert_string_equal(event->from, "anonymous");
    assert_string_equal(event->to, "");
    ve_free(event);
}

static void times_come_in_three_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1790000000", 1790000000000},
        {"1790000000.5", 1790000000500},
        {"1790000000.125", 1790000000125},
        {"1790000000.762305", 1790000000762},
        {"1790000000123", 1790000000123}, /* already ms */
        {"1970-01-01T00:00:01Z", 1000},
        {"2026-09-21T13:33:18Z", 1789997598000},
        {"2026-09-21T15:33:18+02:00", 1789997598000},
        {"2026-09-21T15:33:18+0200", 1789997598000},
        {"2026-09-21T15:33:18+02", 1789997598000},
        {"2026-09-21T08:03:18-05:30", 1789997598000},
        {"2026-09-21 13:33:18", 1789997598000},
        {"2026-09-21T13:33:18.25Z", 1789997598250},
        {"2026-09-21T13:33:18,2509z", 1789997598250},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2000-03-01T00:00:00Z", 951868800000},
        {"", 0},
        {"-5", 0},
        {"0", 0},
        {"1790000000.", 0},
        {"1790000000.x", 0},
        {".5", 0},
        {"99999999999999999999", 0},
        {"tomorrow", 0},
        {"1013-09-21T15:33:18Z", 0},
        {"2026-09-21", 0},
        {"2026-13-21T13:33:18Z", 0},
        {"2026-00-21T13:33:18Z", 0},
        {"2026-09-32T13:33:18Z", 0},
        {"2026-09-21T24:33:18Z", 0},
        {"2026-09-21T13:60:18Z", 0},
        {"2026-09-21T13:33:61Z", 0},
        {"2026-09-21T13:33:18Zulu", 0},
        {"2026-09-21T13:33:18+2", 0},
        {"2026-09-21T13:33:18+02:00x", 0},
        {"2026-09-21T13:33:18 +02:00", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = ve_ringover_time(ve_str(cases[i].text));
        if (ms != cases[i].ms)
            fail_msg("%s: %lld", cases[i].text, (long long)ms);
    }
}

static void the_timestamp_takes_each_form(void **state)
{
    (void)state;
    static const char *const forms[] = {"1790000000", "1790000000.0", "1790000000000",
                                        "\"1790000000\"", "\"2026-09-21T14:13:20Z\""};
    static const char *const none[] = {"null", "-1", "1e300", "true", "[]", "\"soon\""};
    char body[128];
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        (void)snprintf(body, sizeof(body), "{\"event\":\"x\",\"timestamp\":%s}", forms[i]);
        struct ve_event *event = decode(body);
        assert_true(event->at_ms == 1790000000000);
        ve_free(event);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        (void)snprintf(body, sizeof(body), "{\"event\":\"x\",\"timestamp\":%s}", none[i]);
        struct ve_event *event = decode(body);
        assert_true(event->at_ms == 0);
        ve_free(event);
    }
}

static void counts_that_make_no_sense_are_unknown(void **state)
{
    (void)state;
    struct ve_event *event =
        decode("{\"event\":\"x\",\"attempt\":4294967296,\"data\":{\"duration_in_seconds\":-3}}");
    assert_int_equal(event->attempt, 0);
    assert_true(event->duration_s == -1);
    ve_free(event);
    event = decode("{\"event\":\"x\",\"attempt\":2147483647,"
                   "\"data\":{\"duration_in_seconds\":18446744073709551615}}");
    assert_int_equal(event->attempt, 2147483647);
    assert_true(event->duration_s == -1);
    ve_free(event);
}

static void check_facts(const char *data, const char *facts)
{
    struct ve_event *event = decode_data(data);
    if (!ve_str_eq(event->facts, ve_str(facts)))
        fail_msg("%s: %.*s", data, VE_STR_ARG(event->facts));
    ve_free(event);
}

static void a_voicemail_prefers_the_private_link(void **state)
{
    (void)state;
    check_facts("{\"message\":\"https://a/1\",\"private_message\":\"\"}",
                "{\"message\":\"https://a/1\"}");
    check_facts("{\"message\":\"https://a/1\",\"private_message\":\"https://b/2\"}",
                "{\"message\":\"https://b/2\"}");
}

/* Half a link leads somewhere else: however long it is, it stays whole. */
static void a_long_link_stays_whole(void **state)
{
    (void)state;
    char data[900];
    char link[600];
    memset(link, 'a', sizeof(link));
    link[sizeof(link) - 1] = '\0';
    (void)snprintf(data, sizeof(data), "{\"message\":\"https://a/%s\"}", link);
    check_facts(data, data);
}

static void the_dashboard_counts_menus_10000_higher(void **state)
{
    (void)state;
    check_facts("{\"ivr\":{\"scenario\":{\"ivr_id\":12000}}}", "{\"ivr\":{\"id\":22000}}");
    check_facts("{\"ivr\":{\"scenario\":{\"ivr_id\":\"0\"}}}", "{\"ivr\":{\"id\":10000}}");
    check_facts("{\"ivr\":{\"scenario\":{\"ivr_id\":18446744073709541615}}}",
                "{\"ivr\":{\"id\":18446744073709551615}}");
    check_facts("{\"ivr\":{\"scenario\":{\"ivr_id\":18446744073709541616}}}", "{\"ivr\":{}}");
}

static void what_is_no_event_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "\"event\"",
        "{}",
        "{\"event\":\"\"}",
        "{\"event\":5}",
        "{\"event\":\"x\"} trailing",
        "{\"event\":\"x\",\"event\":\"y\"}",
        "{\"event\":\"\xff\"}",
        "{\"event\":\"x\",\"data\":{\"call_id\":18446744073709551616}}",
        "{\"event\":\"x\"",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char why[96] = "";
        struct ve_event *event = NULL;
        long before = test_alloc_live();
        assert_int_equal(ve_ringover_decode(&event, ve_str(bodies[i]), why), VE_EPROTO);
        assert_null(event);
        assert_true(strlen(why) > 5);
        assert_int_equal(test_alloc_live(), before);
    }
}

static int decode_once(void *arg)
{
    struct ve_event *event = NULL;
    char why[96] = "";
    int err = ve_ringover_decode(&event, ve_str(arg), why);
    if (!err)
        ve_free(event);
    return err;
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    char body[] = "{\"resource\":\"call\",\"event\":\"ringing\",\"timestamp\":1.5,"
                  "\"data\":{\"call_id\":18446744073709551615,\"from_number\":\"33612345678\"}}";
    assert_true(test_alloc_sweep(decode_once, body) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_of_a_call_is_read),
        cmocka_unit_test(what_is_absent_is_empty),
        cmocka_unit_test(every_event_has_its_kind),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(long_names_are_cut_between_characters),
        cmocka_unit_test(ids_are_exact),
        cmocka_unit_test(the_resource_id_is_no_call_id),
        cmocka_unit_test(numbers_get_their_plus),
        cmocka_unit_test(numbers_may_be_numbers),
        cmocka_unit_test(times_come_in_three_forms),
        cmocka_unit_test(the_timestamp_takes_each_form),
        cmocka_unit_test(counts_that_make_no_sense_are_unknown),
        cmocka_unit_test(a_voicemail_prefers_the_private_link),
        cmocka_unit_test(a_long_link_stays_whole),
        cmocka_unit_test(the_dashboard_counts_menus_10000_higher),
        cmocka_unit_test(what_is_no_event_is_refused_with_a_reason),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
