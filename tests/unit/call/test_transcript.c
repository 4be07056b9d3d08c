#include "call_rig.h"

#include "base/json.h"

#include <stdlib.h>

static struct ve_call *begin(struct call_rig *rig)
{
    rig_open(rig);
    struct ve_call *call = media(rig, "1");
    advance(rig, 20);
    return call;
}

/* The turns of the record, which is valid JSON. Freed with ve_json_free(*json). */
static const struct ve_json *turns(struct call_rig *rig, struct ve_json **json)
{
    char why[96];
    struct ve_buf out;
    ve_buf_init(&out, 0);
    assert_int_equal(ve_calls_record(rig->calls, VE_STR("1"), &out), 0);
    if (ve_json_parse(json, ve_buf_str(&out), why) != 0)
        fail_msg("%s", why);
    ve_buf_free(&out);
    return ve_json_get(*json, "turns");
}

static void expect_turn(const struct ve_json *turn, const char *caller, const char *agent,
                        bool interrupted)
{
    const struct ve_json *said = ve_json_get(turn, "caller");
    if (caller)
        assert_true(ve_str_eq(ve_json_str(said), ve_str(caller)));
    else
        assert_null(said);
    assert_true(ve_str_eq(ve_json_get_str(turn, "agent"), ve_str(agent)));
    assert_int_equal(ve_json_bool(ve_json_get(turn, "interrupted"), false), interrupted);
}

static void turns_are_what_was_heard_on_both_sides(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_json *json;
    struct ve_call *call = begin(&rig);
    assert_int_equal(ve_call_turns(call), 0);
    ve_call_said(call, VE_STR("Good morning."), false); /* the agent speaks first */
    ve_call_said(call, VE_STR("How can I"), true);
    ve_call_heard(call, VE_STR("billing please"));
    ve_call_said(call, VE_STR("One moment."), false);
    ve_call_said(call, VE_STR(""), false); /* nothing of it was heard */
    ve_call_heard(call, VE_STR(""));       /* not understood */
    assert_int_equal(ve_call_turns(call), 3);
    const struct ve_json *list = turns(&rig, &json);
    assert_int_equal(ve_json_count(list), 3);
    expect_turn(ve_json_at(list, 0), NULL, "Good morning. How can I", true);
    assert_false(ve_json_bool(ve_json_get(ve_json_at(list, 0), "spoke"), true));
    expect_turn(ve_json_at(list, 1), "billing please", "One moment.", false);
    expect_turn(ve_json_at(list, 2), NULL, "", false);
    assert_true(ve_json_bool(ve_json_get(ve_json_at(list, 2), "spoke"), false));
    ve_json_free(json);
    rig_close(&rig);
}

static void long_turns_are_cut_between_characters(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_json *json;
    struct ve_call *call = begin(&rig);
    char text[4200];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 <= sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        ve_call_heard(call, ve_str_n(text, sizeof(text) - (sizeof(text) - shift) % 3));
        /* in two parts, the second of which does not fit */
        ve_call_said(call, ve_str_n(text + shift, 3990), false);
        ve_call_said(call, ve_str_n(text + shift, 30), false);
        ve_call_said(call, VE_STR("more"), false);
    }
    const struct ve_json *list = turns(&rig, &json);
    for (size_t i = 0; i < 3; i++) {
        struct ve_str caller = ve_json_get_str(ve_json_at(list, i), "caller");
        struct ve_str agent = ve_json_get_str(ve_json_at(list, i), "agent");
        assert_in_range(caller.len, 3990, 4000);
        assert_in_range(agent.len, 3990, 4000);
        /* U+FFFD would stand for half a character */
        assert_null(memmem(caller.ptr, caller.len, "\xef\xbf\xbd", 3));
        assert_null(memmem(agent.ptr, agent.len, "\xef\xbf\xbd", 3));
        assert_true(agent.ptr[agent.len - 1] != ' ');
    }
    ve_json_free(json);
    rig_close(&rig);
}

static void the_oldest_turns_are_forgotten_and_counted(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_json *json;
    uint64_t forgotten = 0;
    struct ve_call *call = begin(&rig);
    for (unsigned i = 0; i < 503; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "turn %u", i);
        ve_call_heard(call, ve_str(text));
    }
    const struct ve_json *list = turns(&rig, &json);
    assert_int_equal(ve_json_count(list), 500);
    expect_turn(ve_json_at(list, 0), "turn 3", "", false);
    expect_turn(ve_json_at(list, 499), "turn 502", "", false);
    assert_int_equal(ve_json_u64(ve_json_get(json, "turns_forgotten"), &forgotten), 0);
    assert_int_equal(forgotten, 3);
    ve_json_free(json);
    rig_close(&rig);
}

static void tools_are_kept_whole_or_not_at_all(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_json *json;
    char large[3000];
    struct ve_call *call = begin(&rig);
    memset(large, 'x', sizeof(large));
    ve_call_used(call, VE_STR("route"), VE_STR("{\"to\":\"\x22\\\"}"), VE_STR("done"));
    ve_call_used(call, VE_STR("huge"), ve_str_n(large, sizeof(large)), VE_STR(""));
    for (unsigned i = 0; i < 10; i++)
        ve_call_used(call, VE_STR("many"), ve_str_n(large, 1000), VE_STR(""));
    const struct ve_json *list = turns(&rig, &json); /* it parses: nothing was cut */
    const struct ve_json *tools = ve_json_get(ve_json_at(list, 0), "tools");
    assert_in_range(ve_json_count(tools), 2, 5);
    assert_true(ve_str_eq(ve_json_get_str(ve_json_at(tools, 0), "name"), VE_STR("route")));
    assert_true(ve_str_eq(ve_json_get_str(ve_json_at(tools, 1), "name"), VE_STR("many")));
    ve_json_free(json);
    rig_close(&rig);
}

static void hostile_text_stays_json(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_json *json;
    struct ve_call *call = begin(&rig);
    ve_call_heard(call, VE_STR("\"},{\0\x01\xff\xed\xa0\x80\n\\"));
    ve_call_said(call, VE_STR("\xf0\x9f\x98"), false);
    assert_int_equal(ve_json_count(turns(&rig, &json)), 1);
    ve_json_free(json);
    rig_close(&rig);
}

struct transcript_run {
    struct call_rig rig;
    struct ve_call *call;
};

/* What does not fit into memory is missing from the record, and that is all. */
static int write_once(void *arg)
{
    struct transcript_run *run = arg;
    for (unsigned i = 0; i < 6; i++) {
        ve_call_heard(run->call, VE_STR("hello"));
        ve_call_said(run->call, VE_STR("good morning"), false);
        ve_call_used(run->call, VE_STR("route"), VE_STR("{}"), VE_STR("done"));
    }
    return 0;
}

static void without_memory_words_are_lost_and_nothing_else(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct transcript_run run;
        struct ve_json *json;
        long before = test_alloc_live();
        run.call = begin(&run.rig);
        test_alloc_fail_at(n);
        (void)write_once(&run);
        bool hit = test_alloc_failed();
        test_alloc_fail_at(-1);
        size_t count = ve_json_count(turns(&run.rig, &json));
        assert_in_range(count, 1, 6);
        ve_json_free(json);
        rig_close(&run.rig);
        assert_int_equal(test_alloc_live(), before);
        if (!hit) {
            assert_int_equal(count, 6);
            assert_true(n > 10);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_what_was_heard_on_both_sides),
        cmocka_unit_test(long_turns_are_cut_between_characters),
        cmocka_unit_test(the_oldest_turns_are_forgotten_and_counted),
        cmocka_unit_test(tools_are_kept_whole_or_not_at_all),
        cmocka_unit_test(hostile_text_stays_json),
        cmocka_unit_test(without_memory_words_are_lost_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
