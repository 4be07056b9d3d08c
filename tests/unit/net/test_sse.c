#include "alloc_fail.h"
#include "base/err.h"
#include "base/flow.h"
#include "net/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

struct seen {
    struct ve_sse sse;
    char text[2048]; /* "event|data|id;" for each event */
    size_t len;
    unsigned count;
    size_t biggest; /* bytes of data */
    int answer;     /* of the handler */
};

static int note(void *arg, const struct ve_sse_event *event)
{
    struct seen *seen = arg;
    seen->count++;
    if (event->data.len > seen->biggest)
        seen->biggest = event->data.len;
    int n = snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, "%.*s|%.*s|%.*s;",
                     VE_STR_ARG(event->event), VE_STR_ARG(event->data), VE_STR_ARG(event->id));
    if (n > 0 && (size_t)n < sizeof(seen->text) - seen->len)
        seen->len += (size_t)n;
    return seen->answer;
}

static void begin(struct seen *seen)
{
    memset(seen, 0, sizeof(*seen));
    ve_sse_init(&seen->sse, note, seen);
}

/* Feeds `text` in pieces of `step` bytes and checks what came out. */
static void check(const char *text, size_t len, size_t step, const char *want)
{
    struct seen seen;
    begin(&seen);
    for (size_t at = 0; at < len; at += step) {
        size_t n = len - at < step ? len - at : step;
        assert_int_equal(ve_sse_push(&seen.sse, text + at, n), VE_FLOW_MORE);
    }
    assert_int_equal(ve_sse_end(&seen.sse), VE_FLOW_MORE);
    ve_sse_free(&seen.sse);
    assert_string_equal(seen.text, want);
}

struct vector {
    const char *text;
    size_t len;
    const char *want;
};

#define VECTOR(text, want)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, want                                                               \
    }

static const struct vector vectors[] = {
    VECTOR("", ""),
    VECTOR("data: a\n\n", "message|a|;"),
    VECTOR("data: a\r\rdata: b\r\r", "message|a|;message|b|;"),
    VECTOR("data: a\r\n\r\ndata: b\r\n\r\n", "message|a|;message|b|;"),
    VECTOR("data:a\ndata: b\ndata:  c\n\n", "message|a\nb\n c|;"),
    VECTOR("data\n\n", "message||;"),
    VECTOR("data\ndata\n\n", "message|\n|;"),
    VECTOR("event: delta\ndata: {\"x\": 1}\n\n", "delta|{\"x\": 1}|;"),
    VECTOR("event: gone\n\ndata: x\n\n", "message|x|;"),
    VECTOR("id: 7\ndata: x\n\ndata: y\n\n", "message|x|7;message|y|7;"),
    VECTOR("id: 7\ndata: x\n\nid\ndata: y\n\n", "message|x|7;message|y|;"),
    VECTOR("id: 7\nid: a\0b\ndata: x\n\n", "message|x|7;"),
    VECTOR(": heartbeat\n\n:\n\ndata: x\n\n", "message|x|;"),
    VECTOR("retry: 100\nnonsense\nfoo: bar\n data: no\ndata: x\n\n", "message|x|;"),
    VECTOR("\xEF\xBB\xBF"
           "data: x\n\n",
           "message|x|;"),
    VECTOR("\xEF\xBB"
           "data: x\n\n",
           ""),
    VECTOR("data: x\n\n\xEF\xBB\xBF"
           "data: y\n\n",
           "message|x|;"),
    VECTOR("data: no blank line at the end", "message|no blank line at the end|;"),
    VECTOR("data: no blank line at the end\n", "message|no blank line at the end|;"),
    VECTOR("data: gr\xC3\xBC\xC3\x9F"
           "e\n\n",
           "message|gr\xC3\xBC\xC3\x9F"
           "e|;"),
    VECTOR("\n\n\r\r\n\n", ""),
    VECTOR("data: [DONE]\n\n", "message|[DONE]|;"),
    VECTOR("data:: x\n\n", "message|: x|;"),
};

static void test_pieces_of_any_size(void **state)
{
    (void)state;
    long before = test_alloc_live();
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        for (size_t step = 1; step <= vectors[i].len + 1; step++)
            check(vectors[i].text, vectors[i].len, step, vectors[i].want);
    }
    assert_int_equal(test_alloc_live(), before);
}

static void test_handler_can_pause_and_stop(void **state)
{
    (void)state;
    struct seen seen;
    begin(&seen);
    seen.answer = VE_FLOW_PAUSE;
    assert_int_equal(ve_sse_push(&seen.sse, "data: a\n\ndata: b\n\nda", 20), VE_FLOW_PAUSE);
    assert_int_equal(seen.count, 2);
    seen.answer = VE_FLOW_MORE;
    assert_int_equal(ve_sse_push(&seen.sse, "ta: c\n\n", 7), VE_FLOW_MORE);
    seen.answer = VE_EPROTO;
    assert_int_equal(ve_sse_push(&seen.sse, "data: d\n\ndata: e\n\n", 18), VE_EPROTO);
    assert_int_equal(seen.count, 4);
    ve_sse_free(&seen.sse);
}

/* Pushes `line` until it is refused or `bytes` have gone in. */
static int flood(struct seen *seen, const char *line, size_t bytes)
{
    int err = 0;
    for (size_t sent = 0; sent < bytes && !err; sent += strlen(line))
        err = ve_sse_push(&seen->sse, line, strlen(line));
    return err;
}

static void test_event_is_bounded(void **state)
{
    (void)state;
    static const char *const floods[] = {"data: 0123456789abcdef\n", "0123456789abcdef",
                                         "event: 0123456789abcdef\n", ": 0123456789abcdef\n"};
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        struct seen seen;
        begin(&seen);
        assert_int_equal(flood(&seen, floods[i], VE_SSE_EVENT_MAX / 2), 0);
        assert_int_equal(flood(&seen, floods[i], VE_SSE_EVENT_MAX), VE_ETOOBIG);
        assert_int_equal(seen.count, 0);
        ve_sse_free(&seen.sse);
    }
}

static void test_limit_is_per_event(void **state)
{
    (void)state;
    struct seen seen;
    begin(&seen);
    char *line = ve_alloc(VE_SSE_EVENT_MAX + 1);
    assert_non_null(line);
    memset(line, 'x', VE_SSE_EVENT_MAX);
    memcpy(line, "data:", 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ve_sse_push(&seen.sse, line, VE_SSE_EVENT_MAX), 0);
        assert_int_equal(ve_sse_push(&seen.sse, "\n\n", 2), 0);
    }
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.biggest, VE_SSE_EVENT_MAX - 5);
    assert_int_equal(ve_sse_push(&seen.sse, line, VE_SSE_EVENT_MAX), 0);
    assert_int_equal(ve_sse_push(&seen.sse, "x", 1), VE_ETOOBIG);
    ve_free(line);
    ve_sse_free(&seen.sse);
}

static int scenario(void *arg)
{
    (void)arg;
    static const char text[] = "id: 1\nevent: e\ndata: abc\ndata: def\n\nda";
    struct seen seen;
    begin(&seen);
    int err = 0;
    for (size_t at = 0; at < sizeof(text) - 1 && !err; at += 3) {
        size_t n = sizeof(text) - 1 - at < 3 ? sizeof(text) - 1 - at : 3;
        err = ve_sse_push(&seen.sse, text + at, n);
    }
    if (!err)
        assert_string_equal(seen.text, "e|abc\ndef|1;");
    else
        assert_int_equal(err, VE_ENOMEM);
    ve_sse_free(&seen.sse);
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(scenario, NULL) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_any_size),
        cmocka_unit_test(test_handler_can_pause_and_stop),
        cmocka_unit_test(test_event_is_bounded),
        cmocka_unit_test(test_limit_is_per_event),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
