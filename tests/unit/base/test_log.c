#include "base/log.h"

#include "alloc_fail.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int64_t fixed_clock(void *clock)
{
    return *(int64_t *)clock;
}

static void keep(void *writer, const char *line, size_t len)
{
    assert_int_equal(ve_buf_add(writer, line, len), 0);
}

static int64_t noon = 1790000000123;

static struct ve_log log_into(struct ve_buf *lines, enum ve_log_format format)
{
    ve_buf_init(lines, 0);
    return (struct ve_log){.level = VE_LOG_INFO,
                           .format = format,
                           .wall_ms = fixed_clock,
                           .clock = &noon,
                           .write = keep,
                           .writer = lines};
}

static void check(enum ve_log_format format, struct ve_field field, const char *expected)
{
    struct ve_buf lines;
    struct ve_log log = log_into(&lines, format);
    ve_log_event(&log, VE_LOG_INFO, "event", field);
    assert_string_equal(ve_buf_cstr(&lines), expected);
    ve_buf_free(&lines);
}

#define TEXT(rest) "2026-09-21T14:13:20.123Z info  event" rest "\n"
#define JSON(rest)                                                                                 \
    "{\"time\":\"2026-09-21T14:13:20.123Z\",\"level\":\"info\",\"event\":\"event\"" rest "}\n"

static void a_line_of_text(void **state)
{
    (void)state;
    struct ve_buf lines;
    struct ve_log log = log_into(&lines, VE_LOG_TEXT);
    ve_log_event(&log, VE_LOG_WARN, "webhook_refused", ve_ftext("call", "42"),
                 ve_fmsg("Webhook signature verified for call ID 42"), ve_fu64("bytes", UINT64_MAX),
                 ve_fi64("skew", -3), ve_ftext("why", "a \"quoted\" reason"), ve_ftext("none", ""));
    assert_string_equal(ve_buf_cstr(&lines),
                        "2026-09-21T14:13:20.123Z warn  webhook_refused | Webhook signature "
                        "verified for call ID 42 | call=42 bytes=18446744073709551615 skew=-3 "
                        "why=\"a \\\"quoted\\\" reason\" none=\"\"\n");
    ve_buf_free(&lines);
}

static void a_line_of_json(void **state)
{
    (void)state;
    struct ve_buf lines;
    struct ve_log log = log_into(&lines, VE_LOG_JSON);
    ve_log_event(&log, VE_LOG_ERROR, "call_failed", ve_ftext("call", "42"),
                 ve_fmsg("It \"failed\""), ve_fu64("turn", 3), ve_fi64("skew", -3));
    assert_string_equal(ve_buf_cstr(&lines),
                        "{\"time\":\"2026-09-21T14:13:20.123Z\",\"level\":\"error\","
                        "\"event\":\"call_failed\",\"call\":\"42\",\"msg\":\"It \\\"failed\\\"\","
                        "\"turn\":3,\"skew\":-3}\n");
    ve_buf_free(&lines);
}

static void lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    struct ve_buf lines;
    struct ve_log log = log_into(&lines, VE_LOG_TEXT);
    ve_log_event(&log, VE_LOG_DEBUG, "event", ve_fu64("n", 1));
    assert_int_equal(lines.len, 0);
    ve_log_fields(&log, VE_LOG_INFO, "event", NULL, 0);
    assert_string_equal(ve_buf_cstr(&lines), TEXT(""));
    ve_log_event(NULL, VE_LOG_ERROR, "event", ve_fu64("n", 1));
    ve_buf_free(&lines);
}

/* Whoever chooses a value chooses neither a line nor a field nor what a terminal does. */
static void no_value_forges_text(void **state)
{
    (void)state;
    check(VE_LOG_TEXT, ve_ftext("name", "x\n2026-09-21T14:13:20.123Z info  admin_login"),
          TEXT(" name=\"x\\n2026-09-21T14:13:20.123Z info  admin_login\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\r\ny"), TEXT(" name=\"x\\x0d\\ny\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x admin=1"), TEXT(" name=\"x admin=1\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\" admin=\"1"), TEXT(" name=\"x\\\" admin=\\\"1\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\\\" y=\"1"), TEXT(" name=\"x\\\\\\\" y=\\\"1\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\tadmin=1"), TEXT(" name=\"x\\x09admin=1\""));
    check(VE_LOG_TEXT, ve_ftext("name", "\x1b[2Jx"), TEXT(" name=\"\\x1b[2Jx\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\x7fy"), TEXT(" name=\"x\\x7fy\""));
    check(VE_LOG_TEXT, ve_fstr("name", VE_STR("x\0y")), TEXT(" name=\"x\\x00y\""));
    /* a literal backslash and n is not a line end */
    check(VE_LOG_TEXT, ve_ftext("name", "x\\ny"), TEXT(" name=\"x\\\\ny\""));
}

static void no_sentence_forges_text(void **state)
{
    (void)state;
    check(VE_LOG_TEXT, ve_fmsg("hello\nworld \x1b[0m"), TEXT(" | hello\\nworld \\x1b[0m |"));
    /* the bar ends a sentence, so one inside is not written as such */
    check(VE_LOG_TEXT, ve_fmsg("hello | admin=1"), TEXT(" | hello \\x7c admin=1 |"));
}

/* Eight-bit control characters, line separators and the marks that turn the writing direction. */
static void no_unicode_forges_text(void **state)
{
    (void)state;
    check(VE_LOG_TEXT,
          ve_ftext("name", "\x9b"
                           "2J"),
          TEXT(" name=\"\\x9b2J\""));
    check(VE_LOG_TEXT,
          ve_ftext("name", "\xC2\x9b"
                           "2J"),
          TEXT(" name=\"\\xc2\\x9b2J\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\xE2\x80\xA8y"), TEXT(" name=\"x\\xe2\\x80\\xa8y\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\xE2\x80\xAEy"), TEXT(" name=\"x\\xe2\\x80\\xaey\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\xE2\x81\xA6y"), TEXT(" name=\"x\\xe2\\x81\\xa6y\""));
    check(VE_LOG_TEXT, ve_ftext("name", "x\xFF\xE4\xB8"), TEXT(" name=\"x\\xff\\xe4\\xb8\""));
    check(VE_LOG_TEXT, ve_ftext("name", "caf\xC3\xA9"), TEXT(" name=caf\xC3\xA9"));
    check(VE_LOG_TEXT, ve_ftext("name", "\xE2\x82\xAC"), TEXT(" name=\xE2\x82\xAC"));
}

static void no_value_forges_json(void **state)
{
    (void)state;
    check(VE_LOG_JSON, ve_ftext("name", "x\",\"admin\":\"1"),
          JSON(",\"name\":\"x\\\",\\\"admin\\\":\\\"1\""));
    check(VE_LOG_JSON, ve_ftext("name", "x\n{}"), JSON(",\"name\":\"x\\n{}\""));
    check(VE_LOG_JSON, ve_ftext("name", "\xFF"), JSON(",\"name\":\"\xEF\xBF\xBD\""));
}

/* One long value is cut, so that the fields behind it still show. */
static void long_values_are_cut(void **state)
{
    (void)state;
    struct ve_buf lines;
    struct ve_buf body;
    ve_buf_init(&body, 0);
    assert_int_equal(ve_buf_add_char(&body, 'x'), 0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(ve_buf_add(&body, "\xC3\xA9", 2), 0);
    struct ve_log log = log_into(&lines, VE_LOG_JSON);
    ve_log_event(&log, VE_LOG_INFO, "event", ve_fstr("body", ve_buf_str(&body)), ve_fu64("n", 7));
    struct ve_json *json = NULL;
    char why[96];
    assert_int_equal(ve_json_parse(&json, ve_buf_str(&lines), why), 0);
    struct ve_str value = ve_json_get_str(json, "body");
    /* 4096 would be in the middle of a character */
    assert_int_equal(value.len, 4095);
    assert_memory_equal(value.ptr, body.ptr, value.len);
    uint64_t n;
    assert_int_equal(ve_json_u64(ve_json_get(json, "n"), &n), 0);
    ve_json_free(json);
    ve_buf_free(&lines);
    ve_buf_free(&body);
}

/* Fields that do not fit any more are left out whole, and the line says so. */
static void check_long_line(enum ve_log_format format, const char *beginning, const char *end)
{
    struct ve_buf lines;
    struct ve_log log = log_into(&lines, format);
    char value[3001];
    memset(value, 'v', 3000);
    value[3000] = '\0';
    ve_log_event(&log, VE_LOG_INFO, "event", ve_ftext("call", "42"), ve_ftext("a", value),
                 ve_ftext("b", value), ve_ftext("c", value), ve_fu64("d", 4));
    const char *line = ve_buf_cstr(&lines);
    assert_true(lines.len <= 8192);
    assert_memory_equal(line, beginning, strlen(beginning));
    assert_string_equal(line + lines.len - strlen(end), end);
    ve_buf_free(&lines);
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    check_long_line(VE_LOG_TEXT, "2026-09-21T14:13:20.123Z info  event call=42 a=vvv",
                    "vvv cut=true\n");
    check_long_line(VE_LOG_JSON,
                    "{\"time\":\"2026-09-21T14:13:20.123Z\",\"level\":\"info\",\"event\":\"event\","
                    "\"call\":\"42\",\"a\":\"vvv",
                    "vvv\",\"cut\":true}\n");
}

struct writes {
    int lines;
    enum ve_log_format format;
};

static void check_whole(void *writer, const char *line, size_t len)
{
    struct writes *writes = writer;
    writes->lines++;
    assert_int_equal(line[len - 1], '\n');
    assert_ptr_equal(memchr(line, '\n', len), line + len - 1);
    if (writes->format == VE_LOG_JSON)
        assert_int_equal(line[len - 2], '}');
}

static int log_one(void *arg)
{
    struct ve_log log = {
        .format = ((struct writes *)arg)->format, .write = check_whole, .writer = arg};
    char value[300];
    memset(value, 'v', sizeof(value));
    ve_log_event(&log, VE_LOG_ERROR, "event", ve_fstr("a", ve_str_n(value, sizeof(value))),
                 ve_fu64("n", 1));
    return 0;
}

/* Without memory a line may be lost or cut, but what is written is a whole line. */
static void without_memory(void **state)
{
    (void)state;
    struct writes writes = {0, VE_LOG_TEXT};
    assert_true(test_alloc_sweep(log_one, &writes) > 1);
    assert_true(writes.lines > 0);
    writes = (struct writes){0, VE_LOG_JSON};
    assert_true(test_alloc_sweep(log_one, &writes) > 1);
    assert_true(writes.lines > 0);
}

static void level_names(void **state)
{
    (void)state;
    assert_string_equal(ve_log_level_name(VE_LOG_DEBUG), "debug");
    assert_string_equal(ve_log_level_name(VE_LOG_ERROR), "error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_text),
        cmocka_unit_test(a_line_of_json),
        cmocka_unit_test(lines_below_the_level_are_dropped),
        cmocka_unit_test(no_value_forges_text),
        cmocka_unit_test(no_sentence_forges_text),
        cmocka_unit_test(no_unicode_forges_text),
        cmocka_unit_test(no_value_forges_json),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(level_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
