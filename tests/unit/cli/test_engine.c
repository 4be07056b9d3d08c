/*
 * Two engines in one process: each on its own loop and thread, with its own ports, calls and
 * secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "cli/engine.h"
#include "cli/local_engine.h"
#include "net/httpc.h"

#include <stdio.h>
#include <string.h>

static const struct ve_log quiet = {.level = VE_LOG_ERROR};

struct answer {
    struct ve_loop *loop;
    int status;
};

static void on_done(void *arg, const struct ve_httpc_result *result)
{
    struct answer *answer = arg;
    answer->status = result->err ? result->err : result->status;
    ve_loop_stop(answer->loop);
}

static int get(struct ve_loop *loop, struct ve_httpc *http, uint16_t port, const char *path)
{
    char url[128];
    struct answer answer = {loop, 0};
    struct ve_httpc_request *request;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
    struct ve_httpc_options options = {.url = ve_str(url), .done = on_done, .arg = &answer};
    assert_int_equal(ve_httpc_start(http, &options, &request), 0);
    ve_loop_run(loop);
    return answer.status;
}

static void test_two_engines_answer_side_by_side(void **state)
{
    struct ve_local_engine *first;
    struct ve_local_engine *second;
    struct ve_loop *loop;
    struct ve_httpc *http;
    char why[1024];
    (void)state;
    const char *script = SOURCE_DIR "/scripts/main.lua";
    assert_int_equal(ve_local_engine_start(&first, script, &quiet, why), 0);
    assert_int_equal(ve_local_engine_start(&second, script, &quiet, why), 0);
    uint16_t a = ve_local_engine_http_port(first);
    uint16_t b = ve_local_engine_http_port(second);
    assert_int_not_equal(a, b);
    assert_string_not_equal(ve_local_engine_settings(first)->secrets.webhook,
                            ve_local_engine_settings(second)->secrets.webhook);
    assert_int_equal(ve_loop_new_live(&loop), 0);
    assert_int_equal(ve_httpc_new(&http, loop, NULL), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(get(loop, http, a, "/healthz"), 200);
        assert_int_equal(get(loop, http, b, "/api/v1/calls"), 200);
    }
    ve_local_engine_stop(first);
    assert_int_equal(get(loop, http, b, "/healthz"), 200);
    ve_local_engine_stop(second);
    ve_httpc_free(http);
    ve_loop_free(loop);
}

static void test_a_script_that_does_not_load_is_refused(void **state)
{
    struct ve_local_engine *engine;
    char why[1024];
    (void)state;
    assert_int_not_equal(ve_local_engine_start(&engine, "/nonexistent/main.lua", &quiet, why), 0);
    assert_non_null(strstr(why, "main.lua"));
}

int main(void)
{
    const char *failed;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_engines_answer_side_by_side),
        cmocka_unit_test(test_a_script_that_does_not_load_is_refused),
    };
    if (ve_engine_process_init(&failed) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
