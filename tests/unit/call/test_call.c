#include "call_rig.h"

#include "base/json.h"

#include <stdlib.h>

struct outcome {
    unsigned count;
    char text[16];
};

static void on_outcome(void *arg, const char *text)
{
    struct outcome *outcome = arg;
    outcome->count++;
    ve_str_copy(outcome->text, sizeof(outcome->text), ve_str(text));
}

static void begin(struct call_rig *rig, struct ve_call **call)
{
    rig_open(rig);
    assert_int_equal(post_event(rig, VE_EVENT_RINGING, "1", "10"), 0);
    *call = media(rig, "1");
    advance(rig, 20);
    assert_int_equal(rig->started, 1);
}

/* --- the directory
 * -------------------------------------------------------------------------------- */

static void ringing_and_media_meet_in_one_call(void **state)
{
    (void)state;
    for (int media_first = 0; media_first <= 1; media_first++) {
        struct call_rig rig;
        rig_open(&rig);
        if (media_first)
            (void)media(&rig, "10345678901234567890");
        assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "10345678901234567890", "1"), 0);
        assert_int_equal(post_event(&rig, VE_EVENT_ANSWERED, "10345678901234567890", "1"), 0);
        if (!media_first)
            (void)media(&rig, "10345678901234567890");
        advance(&rig, 1);
        assert_int_equal(ve_calls_active(rig.calls), 1);
        assert_int_equal(rig.started, 1);
        assert_int_equal(rig.rung, 1);
        struct ve_call *call = ve_calls_find(rig.calls, VE_STR("10345678901234567890"));
        assert_non_null(call);
        assert_true(ve_str_eq(ve_call_from(call), VE_STR("+33612345678")));
        assert_true(ve_str_eq(ve_call_direction(call), VE_STR("inbound")));
        assert_ptr_equal(ve_calls_find_serial(rig.calls, ve_call_serial(call)), call);
        assert_null(ve_calls_find_serial(rig.calls, ve_call_serial(call) + 1));
        rig_close(&rig);
    }
}

static void a_repeated_ringing_is_told_once(void **state)
{
    (void)state;
    struct call_rig rig;
    rig_open(&rig);
    for (int i = 0; i < 3; i++)
        assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "1", "10"), 0);
    assert_int_equal(rig.rung, 1);
    assert_int_equal(ve_calls_active(rig.calls), 1);
    rig_close(&rig);
}

static void only_ringing_and_answered_open_a_call(void **state)
{
    (void)state;
    struct call_rig rig;
    rig_open(&rig);
    for (int kind = 0; kind < VE_EVENT_KINDS; kind++) {
        bool opens = kind == VE_EVENT_RINGING || kind == VE_EVENT_ANSWERED;
        unsigned before = ve_calls_active(rig.calls);
        char id[16];
        (void)snprintf(id, sizeof(id), "%d", kind + 1);
        assert_int_equal(post_event(&rig, (enum ve_event_kind)kind, id, ""), 0);
        assert_int_equal(ve_calls_active(rig.calls), before + (opens ? 1 : 0));
    }
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "", ""), 0); /* names no call */
    assert_int_equal(ve_calls_active(rig.calls), 2);
    rig_close(&rig);
}

static void calls_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call = NULL;
    rig_open(&rig);
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "1", ""), 0);
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "2", ""), 0);
    (void)media(&rig, "3");
    (void)media(&rig, "4");
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "5", ""), VE_EBUSY);
    assert_int_equal(connect_media(&rig, "6", &call), VE_EBUSY);
    assert_int_equal(ve_calls_active(rig.calls), 4);
    /* those that are there go on, and one that ends makes room */
    assert_int_equal(connect_media(&rig, "1", &call), 0);
    assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, "2", ""), 0);
    advance(&rig, 1);
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "5", ""), 0);
    rig_close(&rig);
}

static void an_id_that_is_none_is_refused(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call = NULL;
    char id[VE_CALL_ID_MAX + 2];
    memset(id, 'a', sizeof(id));
    id[VE_CALL_ID_MAX + 1] = '\0';
    rig_open(&rig);
    assert_int_equal(connect_media(&rig, id, &call), VE_EINVAL);
    assert_int_equal(connect_media(&rig, "", &call), VE_EINVAL);
    assert_int_equal(ve_calls_active(rig.calls), 0);
    id[VE_CALL_ID_MAX] = '\0';
    assert_int_equal(connect_media(&rig, id, &call), 0);
    assert_true(ve_str_eq(ve_call_id(call), ve_str(id)));
    rig_close(&rig);
}

static void missed_ends_a_call_that_only_rang(void **state)
{
    (void)state;
    struct call_rig rig;
    rig_open(&rig);
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "1", ""), 0);
    assert_int_equal(post_event(&rig, VE_EVENT_MISSED, "1", ""), 0);
    advance(&rig, 1);
    assert_int_equal(rig.ended, 1);
    /* while we talk to the caller, it is about another phone that rang */
    (void)media(&rig, "2");
    advance(&rig, 1);
    assert_int_equal(post_event(&rig, VE_EVENT_MISSED, "2", ""), 0);
    advance(&rig, 5000);
    assert_int_equal(rig.ended, 1);
    rig_close(&rig);
}

/* --- draining
 * --------------------------------------------------------------------------------------- */

static void on_drained(void *arg)
{
    ((struct call_rig *)arg)->drained++;
}

static void draining_waits_for_the_last_call(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call = NULL;
    rig_open(&rig);
    (void)media(&rig, "1");
    advance(&rig, 1);
    assert_false(ve_calls_draining(rig.calls));
    ve_calls_drain(rig.calls, on_drained, &rig);
    ve_calls_drain(rig.calls, on_drained, &rig);
    assert_true(ve_calls_draining(rig.calls));
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "2", ""), VE_EBUSY);
    assert_int_equal(connect_media(&rig, "2", &call), VE_EBUSY);
    advance(&rig, 10000);
    assert_int_equal(rig.drained, 0);
    assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, "1", ""), 0);
    advance(&rig, 10);
    assert_int_equal(rig.drained, 1);
    rig_close(&rig);
}

static void draining_without_calls_is_done_at_once_but_not_inside(void **state)
{
    (void)state;
    struct call_rig rig;
    rig_open(&rig);
    ve_calls_drain(rig.calls, on_drained, &rig);
    assert_int_equal(rig.drained, 0);
    advance(&rig, 1);
    assert_int_equal(rig.drained, 1);
    rig_close(&rig);
}

static void freeing_ends_what_is_left(void **state)
{
    (void)state;
    struct call_rig rig;
    long before = test_alloc_live();
    rig_open(&rig);
    (void)media(&rig, "1");
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "2", ""), 0);
    advance(&rig, 1);
    ve_calls_free(rig.calls);
    assert_int_equal(rig.ended, 2);
    ve_media_free(&rig.media);
    ve_loop_free(rig.loop);
    assert_int_equal(test_alloc_live(), before);
}

/* --- what the script does
 * ----------------------------------------------------------------------------- */

static void digits_go_to_the_leg(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call;
    begin(&rig, &call);
    assert_int_equal(ve_call_digits(call, VE_STR("12#")), 0);
    assert_string_equal(rig.legs[0].digits, "12#");
    rig.legs[0].refuse = VE_EBUSY;
    assert_int_equal(ve_call_digits(call, VE_STR("1")), VE_EBUSY);
    rig.legs[0].closed = true;
    ve_call_media_closed(call, &rig.legs[0], false);
    assert_int_equal(ve_call_digits(call, VE_STR("1")), VE_EGONE);
    rig_close(&rig);
}

static void a_leg_without_keys_or_transfers_says_so(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call = NULL;
    struct outcome outcome = {0};
    rig_open(&rig);
    struct ve_leg leg = {.out = {.audio = leg_audio, .arg = &rig.legs[0]}, .arg = &rig.legs[0]};
    struct ve_call_facts facts = {.session_id = VE_STR("own")};
    assert_int_equal(ve_call_media_open(rig.calls, &facts, &leg, &call), 0);
    advance(&rig, 1);
    assert_int_equal(ve_call_digits(call, VE_STR("1")), VE_ENOTSUP);
    assert_int_equal(ve_call_transfer(call, VE_STR("1"), VE_SECOND, on_outcome, &outcome),
                     VE_ENOTSUP);
    assert_int_equal(outcome.count, 0);
    rig_close(&rig);
}

static void a_transfer_is_answered_when_the_carrier_takes_the_call(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call;
    struct outcome outcome = {0};
    begin(&rig, &call);
    assert_int_equal(ve_call_transfer(call, VE_STR("+33184"), 5 * VE_SECOND, on_outcome, &outcome),
                     0);
    assert_string_equal(rig.legs[0].number, "+33184");
    assert_int_equal(ve_call_transfer(call, VE_STR("2"), VE_SECOND, on_outcome, &outcome),
                     VE_EBUSY); /* one at a time */
    rig.legs[0].closed = true;
    ve_call_media_closed(call, &rig.legs[0], true);
    assert_int_equal(outcome.count, 1);
    assert_string_equal(outcome.text, "answered");
    advance(&rig, 10000);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(rig.ended, 1);
    rig_close(&rig);
}

static void nobody_answers_a_transfer(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call;
    struct outcome outcome = {0};
    begin(&rig, &call);
    assert_int_equal(ve_call_transfer(call, VE_STR("1"), 5 * VE_SECOND, on_outcome, &outcome), 0);
    /* our own channel is answered once more: that is nobody else */
    assert_int_equal(post_event(&rig, VE_EVENT_ANSWERED, "1", "10"), 0);
    assert_int_equal(post_event(&rig, VE_EVENT_ANSWERED, "1", ""), 0);
    advance(&rig, 4990);
    assert_int_equal(outcome.count, 0);
    advance(&rig, 20);
    assert_int_equal(outcome.count, 1);
    assert_string_equal(outcome.text, "no_answer");
    assert_int_equal(rig.ended, 0); /* the script decides what then */
    assert_int_equal(ve_call_transfer(call, VE_STR("2"), VE_SECOND, on_outcome, &outcome), 0);
    rig_close(&rig);
    assert_int_equal(outcome.count, 1); /* nothing is told after the end */
}

static void a_transfer_that_the_leg_refuses_is_not_begun(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call;
    struct outcome outcome = {0};
    begin(&rig, &call);
    rig.legs[0].refuse = VE_ENOMEM;
    assert_int_equal(ve_call_transfer(call, VE_STR("1"), VE_SECOND, on_outcome, &outcome),
                     VE_ENOMEM);
    advance(&rig, 5000);
    assert_int_equal(outcome.count, 0);
    rig_close(&rig);
}

static void a_forgotten_transfer_tells_nobody(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call;
    struct outcome outcome = {0};
    begin(&rig, &call);
    assert_int_equal(ve_call_transfer(call, VE_STR("1"), VE_SECOND, on_outcome, &outcome), 0);
    ve_call_transfer_forget(call);
    advance(&rig, 5000);
    assert_int_equal(outcome.count, 0);
    rig_close(&rig);
}

static void vars_that_do_not_fit_leave_the_old_ones(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call;
    char *large = malloc(65537);
    assert_non_null(large);
    memset(large, 'x', 65537);
    begin(&rig, &call);
    assert_int_equal(ve_call_vars(call).len, 0);
    assert_int_equal(ve_call_set_vars(call, VE_STR("{\"a\":1}")), 0);
    assert_int_equal(ve_call_set_vars(call, ve_str_n(large, 65537)), VE_ETOOBIG);
    assert_true(ve_str_eq(ve_call_vars(call), VE_STR("{\"a\":1}")));
    assert_int_equal(ve_call_set_vars(call, ve_str_n(large, 65536)), 0);
    assert_int_equal(ve_call_set_vars(call, VE_STR("")), 0);
    assert_int_equal(ve_call_vars(call).len, 0);
    free(large);
    rig_close(&rig);
}

/* --- who watches
 * ----------------------------------------------------------------------------------------- */

struct watcher {
    struct ve_call_watch watch;
    char digits[8];
    size_t count;
    struct watcher *closes; /* stops this one, or itself, when it hears a key */
};

static void on_key(void *arg, char digit)
{
    struct watcher *watcher = arg;
    assert_true(watcher->count < sizeof(watcher->digits) - 1);
    watcher->digits[watcher->count++] = digit;
    if (watcher->closes)
        ve_call_unwatch(&watcher->closes->watch);
}

static const struct ve_session_events key_events = {.digit = on_key};

static void a_watcher_may_stop_itself(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call;
    struct watcher a = {.watch = {&key_events, &a, {NULL, NULL}}};
    struct watcher b = {.watch = {&key_events, &b, {NULL, NULL}}};
    begin(&rig, &call);
    ve_call_unwatch(&a.watch); /* it does not watch yet */
    ve_call_watch(call, &a.watch);
    ve_call_watch(call, &b.watch);
    a.closes = &a;
    ve_session_digit(ve_call_session(call), '1');
    ve_session_digit(ve_call_session(call), '#');
    assert_string_equal(a.digits, "1");
    assert_string_equal(b.digits, "1#");
    /* the call ends while b still watches */
    assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, "1", ""), 0);
    advance(&rig, 1);
    assert_int_equal(rig.ended, 1);
    ve_call_unwatch(&b.watch); /* harmless */
    rig_close(&rig);
}

/* --- records
 * ------------------------------------------------------------------------------------------------
 */

static struct ve_json *record(struct call_rig *rig, const char *id)
{
    char text[8192];
    char why[96];
    struct ve_json *json = NULL;
    if (ve_json_parse(&json, ve_str(record_of(rig, id, text)), why) != 0)
        fail_msg("%s: %s", text, why);
    return json;
}

static void the_record_outlives_the_call(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call;
    begin(&rig, &call);
    assert_int_equal(ve_call_set_vars(call, VE_STR("{\"n\":1}")), 0);
    struct ve_json *json = record(&rig, "1");
    assert_true(ve_str_eq(ve_json_get_str(json, "state"), VE_STR("active")));
    assert_null(ve_json_get(json, "outcome"));
    assert_null(ve_json_get(json, "ended_ms"));
    ve_json_free(json);
    advance(&rig, 1000);
    assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, "1", ""), 0);
    advance(&rig, 1);
    json = record(&rig, "1");
    uint64_t began = 0;
    uint64_t ended = 0;
    assert_true(ve_str_eq(ve_json_get_str(json, "call_id"), VE_STR("1")));
    assert_true(ve_str_eq(ve_json_get_str(json, "session_id"), VE_STR("1")));
    assert_true(ve_str_eq(ve_json_get_str(json, "state"), VE_STR("ended")));
    assert_true(ve_str_eq(ve_json_get_str(json, "outcome"), VE_STR("caller_hangup")));
    assert_true(ve_str_eq(ve_json_get_str(json, "from"), VE_STR("+33612345678")));
    assert_int_equal(ve_json_u64(ve_json_get(json, "began_ms"), &began), 0);
    assert_int_equal(ve_json_u64(ve_json_get(json, "ended_ms"), &ended), 0);
    assert_int_equal(began, WALL_MS);
    assert_int_equal(ended, WALL_MS + 1020);
    assert_non_null(ve_json_get(json, "vars"));
    ve_json_free(json);
    rig_close(&rig);
}

static void the_oldest_records_are_dropped(void **state)
{
    (void)state;
    struct call_rig rig;
    char id[16];
    char text[8192];
    rig_open(&rig);
    for (int i = 1; i <= 1001; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(post_event(&rig, VE_EVENT_RINGING, id, ""), 0);
        assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, id, ""), 0);
        advance(&rig, 1);
    }
    assert_string_equal(record_of(&rig, "1", text), "");
    assert_string_not_equal(record_of(&rig, "2", text), "");
    assert_string_not_equal(record_of(&rig, "1001", text), "");
    /* a call of the same id takes the place of the old record */
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "2", ""), 0);
    assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, "2", ""), 0);
    advance(&rig, 1);
    assert_string_not_equal(record_of(&rig, "3", text), "");
    rig_close(&rig);
}

static void the_list_begins_with_what_runs(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_buf out;
    char why[96];
    struct ve_json *json = NULL;
    rig_open(&rig);
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "1", ""), 0);
    assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, "1", ""), 0);
    advance(&rig, 1);
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "2", ""), 0);
    for (size_t limit = 0; limit <= 3; limit++) {
        static const char *const ids[] = {"2", "1"};
        ve_buf_init(&out, 0);
        assert_int_equal(ve_calls_list(rig.calls, limit, &out), 0);
        assert_int_equal(ve_json_parse(&json, ve_buf_str(&out), why), 0);
        const struct ve_json *list = ve_json_get(json, "calls");
        assert_int_equal(ve_json_count(list), limit < 2 ? limit : 2);
        for (size_t i = 0; i < ve_json_count(list); i++)
            assert_true(ve_str_eq(ve_json_get_str(ve_json_at(list, i), "call_id"), ve_str(ids[i])));
        ve_json_free(json);
        ve_buf_free(&out);
    }
    rig_close(&rig);
}

/* --- memory
 * --------------------------------------------------------------------------------------------------
 */

static int call_once(void *arg)
{
    struct call_rig *rig = arg;
    struct ve_call *call = NULL;
    struct ve_buf out;
    int err = rig_try_open(rig);
    if (err)
        return err;
    ve_buf_init(&out, 0);
    err = post_event(rig, VE_EVENT_RINGING, "1", "10");
    int media_err = connect_media(rig, "1", &call);
    if (!media_err) {
        advance(rig, 20);
        ve_call_heard(call, VE_STR("hello"));
        ve_call_said(call, VE_STR("good morning"), false);
        media_err = ve_call_set_vars(call, VE_STR("{}"));
        ve_call_hangup(call);
    }
    advance(rig, 2000);
    /* whatever was refused, what began has ended */
    assert_int_equal(rig->started, rig->leg_count);
    if (!err && !media_err)
        err = ve_calls_list(rig->calls, 10, &out);
    ve_buf_free(&out);
    rig_close(rig);
    return err ? err : media_err;
}

static void without_memory_calls_are_refused_and_nothing_is_left(void **state)
{
    (void)state;
    struct call_rig rig;
    assert_true(test_alloc_sweep(call_once, &rig) > 5);
    assert_int_equal(rig.ended, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ringing_and_media_meet_in_one_call),
        cmocka_unit_test(a_repeated_ringing_is_told_once),
        cmocka_unit_test(only_ringing_and_answered_open_a_call),
        cmocka_unit_test(calls_over_the_limit_are_refused),
        cmocka_unit_test(an_id_that_is_none_is_refused),
        cmocka_unit_test(missed_ends_a_call_that_only_rang),
        cmocka_unit_test(draining_waits_for_the_last_call),
        cmocka_unit_test(draining_without_calls_is_done_at_once_but_not_inside),
        cmocka_unit_test(freeing_ends_what_is_left),
        cmocka_unit_test(digits_go_to_the_leg),
        cmocka_unit_test(a_leg_without_keys_or_transfers_says_so),
        cmocka_unit_test(a_transfer_is_answered_when_the_carrier_takes_the_call),
        cmocka_unit_test(nobody_answers_a_transfer),
        cmocka_unit_test(a_transfer_that_the_leg_refuses_is_not_begun),
        cmocka_unit_test(a_forgotten_transfer_tells_nobody),
        cmocka_unit_test(vars_that_do_not_fit_leave_the_old_ones),
        cmocka_unit_test(a_watcher_may_stop_itself),
        cmocka_unit_test(the_record_outlives_the_call),
        cmocka_unit_test(the_oldest_records_are_dropped),
        cmocka_unit_test(the_list_begins_with_what_runs),
        cmocka_unit_test(without_memory_calls_are_refused_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
