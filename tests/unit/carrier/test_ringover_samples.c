/*
 * Every event of the catalogue has a sample in tests/data/webhooks/, and what becomes of it stands
 * beside it: NAME.json is the body, NAME.event what scripts see (without `raw`).
 */
#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "carrier/ringover_webhook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *read_sample(const char *name, const char *ending, size_t *len)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/webhooks/%s.%s", TEST_DATA, name, ending);
    for (char *c = path + strlen(TEST_DATA) + 10; *c; c++) {
        if (*c == '/')
            *c = '_';
    }
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is not there", path);
    char *text = malloc(65536);
    assert_non_null(text);
    *len = fread(text, 1, 65535, file);
    text[*len] = '\0';
    fclose(file);
    return text;
}

static struct ve_event *decode(struct ve_str body)
{
    struct ve_event *event = NULL;
    char why[96] = "";
    if (ve_ringover_decode(&event, body, why) != 0)
        fail_msg("%.*s: %s", VE_STR_ARG(body), why);
    return event;
}

/* What scripts see, without the raw text. */
static void check_shape(const char *name)
{
    size_t len;
    struct ve_buf out;
    char *body = read_sample(name, "json", &len);
    struct ve_event *event = decode(ve_str_n(body, len));
    assert_int_equal(event->raw.len, len);
    assert_memory_equal(event->raw.ptr, body, len);
    event->raw.len = 0;
    ve_buf_init(&out, 0);
    assert_int_equal(ve_event_write(event, &out), 0);
    char *wanted = read_sample(name, "event", &len);
    wanted[strcspn(wanted, "\n")] = '\0';
    assert_string_equal(ve_buf_cstr(&out), wanted);
    ve_buf_free(&out);
    ve_free(event);
    free(body);
    free(wanted);
}

static void test_every_event_of_the_catalogue_has_its_shape(void **state)
{
    const char *name;
    enum ve_event_kind kind;
    size_t count = 0;
    unsigned kinds = 0;
    (void)state;
    for (; ve_ringover_catalogue(count, &name, &kind); count++) {
        check_shape(name);
        kinds |= 1u << kind;
    }
    assert_int_equal(count, 19);
    /* Every kind but OTHER comes from somewhere. */
    assert_int_equal(kinds, (1u << VE_EVENT_OTHER) - 1);
}

static void test_an_unknown_event_is_kept(void **state)
{
    (void)state;
    check_shape("fax_received");
}

static void test_the_raw_text_is_the_last_member(void **state)
{
    struct ve_buf out;
    (void)state;
    struct ve_event *event = decode(VE_STR("{\"event\":\"x\", \"n\":18446744073709551615}"));
    ve_buf_init(&out, 0);
    assert_int_equal(ve_event_write(event, &out), 0);
    assert_string_equal(ve_buf_cstr(&out), "{\"kind\":\"other\",\"name\":\"/x\",\"raw\":"
                                           "{\"event\":\"x\", \"n\":18446744073709551615}}");
    ve_buf_free(&out);
    ve_free(event);
}

/* --- the page --------------------------------------------------------------------------------- */

static char *read_page(void)
{
    FILE *file = fopen(SOURCE_DIR "/docs/reference/webhooks.md", "rb");
    char *text = malloc(65536);
    assert_non_null(file);
    assert_non_null(text);
    size_t len = fread(text, 1, 65535, file);
    assert_in_range(len, 1000, 65534);
    text[len] = '\0';
    fclose(file);
    return text;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        count++;
    return count;
}

static void test_the_page_lists_every_event(void **state)
{
    const char *name;
    enum ve_event_kind kind;
    char row[256];
    char *page = read_page();
    char *end = strstr(page, "\n## Fields");
    size_t count = 0;
    (void)state;
    assert_non_null(end);
    *end = '\0';
    for (; ve_ringover_catalogue(count, &name, &kind); count++) {
        const struct ve_event_type *type = ve_event_type(kind);
        (void)snprintf(row, sizeof(row), "\n| `%s` | `%s` | `%s` | %s|\n", name, type->name,
                       type->handler, type->asks ? "yes " : "");
        if (count_of(page, row) != 1)
            fail_msg("docs/reference/webhooks.md has no row%s", row);
    }
    assert_int_equal(count_of(page, "\n| `"), count);
    free(page);
}

/* Every member of an object that a script may see has its row. */
static void check_documented(const char *page, const char *name)
{
    size_t len;
    void *at = NULL;
    const char *key;
    const struct ve_json *value;
    char row[128];
    char why[96];
    struct ve_json *json;
    char *text = read_sample(name, "event", &len);
    assert_int_equal(ve_json_parse(&json, ve_str(text), why), 0);
    while (ve_json_each(json, &at, &key, &value)) {
        (void)snprintf(row, sizeof(row), "\n| `%s` | ", key);
        if (count_of(page, row) != 1)
            fail_msg("docs/reference/webhooks.md has no field %s (%s)", key, name);
    }
    ve_json_free(json);
    free(text);
}

static void test_the_page_lists_every_field(void **state)
{
    const char *name;
    enum ve_event_kind kind;
    char *page = read_page();
    char *fields = strstr(page, "\n## Fields");
    char *end = strstr(page, "\n## What is accepted");
    (void)state;
    assert_non_null(fields);
    assert_non_null(end);
    *end = '\0';
    for (size_t i = 0; ve_ringover_catalogue(i, &name, &kind); i++)
        check_documented(fields, name);
    assert_int_equal(count_of(fields, "\n| `"), 34);
    free(page);
}

/* --- the key ---------------------------------------------------------------------------------- */

static bool same_key(const char *one, const char *other)
{
    struct ve_event *a = decode(ve_str(one));
    struct ve_event *b = decode(ve_str(other));
    bool same = strcmp(a->key, b->key) == 0;
    assert_true(a->key[0]);
    ve_free(a);
    ve_free(b);
    return same;
}

#define CALL(event, time, attempt, data)                                                           \
    "{\"resource\":\"call\",\"event\":\"" event "\",\"timestamp\":" time ",\"attempt\":" attempt   \
    ",\"data\":{" data "}}"

static void test_a_repeat_has_the_same_key(void **state)
{
    (void)state;
    assert_true(same_key(CALL("ringing", "1790000000.125", "1", "\"call_id\":5"),
                         CALL("ringing", "1790000000.125", "2", "\"call_id\":\"5\"")));
    assert_true(same_key("{\"event\":\"a\",\"attempt\":1,\"data\":{\"x\":[1,{\"y\":\"}\"}]}}",
                         "{\"attempt\":2, \"data\":{\"x\":[1,{\"y\":\"}\"}]}, \"event\":\"a\"}"));
}

static void test_different_events_have_different_keys(void **state)
{
    static const char *const pairs[][2] = {
        {CALL("ringing", "1", "1", "\"call_id\":5"), CALL("answered", "1", "1", "\"call_id\":5")},
        {CALL("ringing", "1", "1", "\"call_id\":5"), CALL("ringing", "2", "1", "\"call_id\":5")},
        {CALL("ringing", "1", "1", "\"call_id\":5"), CALL("ringing", "1", "1", "\"call_id\":6")},
        {CALL("ringing", "1", "1", "\"call_id\":5,\"channel_id\":1"),
         CALL("ringing", "1", "1", "\"call_id\":5,\"channel_id\":2")},
        {"{\"resource\":\"sms\",\"event\":\"sent\",\"timestamp\":1,\"data\":{\"message_id\":1}}",
         "{\"resource\":\"sms\",\"event\":\"sent\",\"timestamp\":1,\"data\":{\"message_id\":2}}"},
        {"{\"resource\":\"search\",\"event\":\"contact\",\"timestamp\":1,"
         "\"data\":{\"query_search\":\"a\"}}",
         "{\"resource\":\"search\",\"event\":\"contact\",\"timestamp\":1,"
         "\"data\":{\"query_search\":\"b\"}}"},
        /* nothing tells them apart but what they hold */
        {"{\"event\":\"x\",\"data\":{\"a\":1}}", "{\"event\":\"x\",\"data\":{\"a\":2}}"},
        {"{\"event\":\"x\",\"a\":1}", "{\"event\":\"x\",\"a\":2}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (same_key(pairs[i][0], pairs[i][1]))
            fail_msg("the same key: %s %s", pairs[i][0], pairs[i][1]);
    }
}

static void test_the_longest_key_fits(void **state)
{
    (void)state;
    struct ve_event *event = decode(VE_STR(
        "{\"resource\":\"rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\",\"event\":"
        "\"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\",\"timestamp\":99999999999,"
        "\"data\":{\"call_id\":18446744073709551615,\"channel_id\":18446744073709551615}}"));
    assert_true(strlen(event->key) < VE_EVENT_KEY_MAX - 1);
    assert_non_null(strstr(event->key, "|99999999999000"));
    ve_free(event);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void test_what_is_no_event_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "null",
                                      "\"ringing\"",
                                      "{\"event\":1}",
                                      "{\"a\":1}",
                                      "{\"event\":\"\"}",
                                      "{\"event\":\"x\"} x",
                                      "{\"event\":\"x\",\"event\":\"y\"}"};
    struct ve_event *event;
    char why[96];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        assert_int_equal(ve_ringover_decode(&event, ve_str(bad[i]), why), VE_EPROTO);
        assert_true(strlen(why) > 5);
    }
}

static int decode_once(void *arg)
{
    struct ve_event *event;
    char why[96];
    int err = ve_ringover_decode(&event, *(const struct ve_str *)arg, why);
    if (!err)
        ve_free(event);
    return err;
}

static void test_without_memory_nothing_is_left(void **state)
{
    size_t len;
    char *body = read_sample("call_ringing", "json", &len);
    struct ve_str text = ve_str_n(body, len);
    long before = test_alloc_live();
    (void)state;
    assert_true(test_alloc_sweep(decode_once, &text) > 2);
    assert_int_equal(test_alloc_live(), before);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_event_of_the_catalogue_has_its_shape),
        cmocka_unit_test(test_an_unknown_event_is_kept),
        cmocka_unit_test(test_the_raw_text_is_the_last_member),
        cmocka_unit_test(test_the_page_lists_every_event),
        cmocka_unit_test(test_the_page_lists_every_field),
        cmocka_unit_test(test_a_repeat_has_the_same_key),
        cmocka_unit_test(test_different_events_have_different_keys),
        cmocka_unit_test(test_the_longest_key_fits),
        cmocka_unit_test(test_what_is_no_event_is_refused),
        cmocka_unit_test(test_without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
