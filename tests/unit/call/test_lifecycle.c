#include "call_rig.h"

#include <stdlib.h>

/* Everything that can happen to a call, from outside, from its script and by time. */
enum step {
    RINGING,
    ANSWERED,
    HANGUP_EVENT,
    MISSED_EVENT,
    MEDIA,
    MEDIA_LOST,
    MEDIA_CLOSED,
    SCRIPT_HANGUP,
    SCRIPT_FAILED,
    TRANSFER,
    OTHER_ANSWERED, /* on another channel: the transfer went through */
    END_ALL,
    SOON,  /* 20 ms pass */
    LATER, /* 70 s pass: every deadline of a call */
    STEPS,
};

struct walk {
    struct call_rig rig;
    struct ve_call *call; /* as the media connection knows it; NULL once it was told to let go */
    struct rig_leg *leg;  /* of that connection */
    unsigned transfers_begun, transfers_done;
};

static void on_transferred(void *arg, const char *outcome)
{
    struct walk *walk = arg;
    assert_true(strcmp(outcome, "answered") == 0 || strcmp(outcome, "no_answer") == 0);
    walk->transfers_done++;
    assert_true(walk->transfers_done <= walk->transfers_begun);
}

static struct ve_call *running(struct walk *walk)
{
    return ve_calls_find(walk->rig.calls, VE_STR("1"));
}

/* The script's calls come from tasks: only between the start and the end. */
static bool has_script(struct walk *walk)
{
    struct ve_call *call = running(walk);
    return call && walk->rig.started > walk->rig.ended && ve_call_state(call) != VE_CALL_ENDED;
}

static void connect_call(struct walk *walk)
{
    struct ve_call *call = NULL;
    if (walk->rig.leg_count == LEGS_MAX)
        return;
    int err = connect_media(&walk->rig, "1", &call);
    assert_true(err == 0 || err == VE_EGONE);
    if (err)
        return;
    walk->call = call;
    walk->leg = last_leg(&walk->rig);
}

static void disconnect(struct walk *walk, bool normal)
{
    if (!walk->leg || walk->leg->closed)
        return;
    walk->leg->closed = true; /* nothing is sent on it any more */
    ve_call_media_closed(walk->call, walk->leg, normal);
    walk->leg = NULL;
}

static void transfer(struct walk *walk)
{
    if (!has_script(walk))
        return;
    int err =
        ve_call_transfer(running(walk), VE_STR("33184800000"), 5 * VE_SECOND, on_transferred, walk);
    assert_true(err == 0 || err == VE_EGONE || err == VE_EBUSY);
    walk->transfers_begun += err == 0;
}

static void take(struct walk *walk, enum step step)
{
    struct call_rig *rig = &walk->rig;
    switch (step) {
    case RINGING:
        assert_int_equal(post_event(rig, VE_EVENT_RINGING, "1", "10"), 0);
        break;
    case ANSWERED:
        assert_int_equal(post_event(rig, VE_EVENT_ANSWERED, "1", "10"), 0);
        break;
    case OTHER_ANSWERED:
        assert_int_equal(post_event(rig, VE_EVENT_ANSWERED, "1", "11"), 0);
        break;
    case HANGUP_EVENT:
        assert_int_equal(post_event(rig, VE_EVENT_HANGUP, "1", "10"), 0);
        break;
    case MISSED_EVENT:
        assert_int_equal(post_event(rig, VE_EVENT_MISSED, "1", ""), 0);
        break;
    case MEDIA:
        connect_call(walk);
        break;
    case MEDIA_LOST:
    case MEDIA_CLOSED:
        disconnect(walk, step == MEDIA_CLOSED);
        break;
    case SCRIPT_HANGUP:
        if (has_script(walk))
            ve_call_hangup(running(walk));
        break;
    case SCRIPT_FAILED:
        if (has_script(walk))
            ve_call_script_done(running(walk), true);
        break;
    case TRANSFER:
        transfer(walk);
        break;
    case END_ALL:
        ve_calls_end_all(rig->calls);
        break;
    case SOON:
        advance(rig, 20);
        break;
    default:
        advance(rig, 70000);
        break;
    }
}

/* Every call that came into being has ended once: after them all nothing is left but records. */
static void finish(struct walk *walk)
{
    struct call_rig *rig = &walk->rig;
    ve_calls_end_all(rig->calls);
    unsigned made_before = rig->ended + ve_calls_active(rig->calls);
    advance(rig, 1000);
    assert_int_equal(ve_calls_active(rig->calls), 0);
    assert_int_equal(rig->ended, made_before);
    assert_true(rig->started <= rig->ended);
    assert_true(rig->rung <= rig->ended);
    assert_true(walk->transfers_done <= walk->transfers_begun);
    if (walk->leg)
        assert_true(walk->leg->closed); /* no connection outlives its call */
    assert_int_equal(ve_calls_find(rig->calls, VE_STR("1")), NULL);
}

static void forget_leg(struct call_rig *rig, struct ve_call *call)
{
    struct walk *walk = (struct walk *)rig; /* its first member */
    (void)call;
    if (walk->leg && walk->leg->closed)
        walk->leg = NULL;
}

static void walk_once(const enum step *steps, unsigned count)
{
    struct walk walk = {.call = NULL};
    long before = test_alloc_live();
    rig_open(&walk.rig);
    walk.rig.on_ended = forget_leg;
    for (unsigned i = 0; i < count; i++)
        take(&walk, steps[i]);
    finish(&walk);
    rig_close(&walk.rig);
    if (test_alloc_live() != before) {
        for (unsigned i = 0; i < count; i++)
            print_message("step %d\n", steps[i]);
        fail_msg("%ld blocks were left", test_alloc_live() - before);
    }
}

/* All orders of `depth` steps behind `first`. */
static void walk_all(const enum step *first, unsigned first_count, unsigned depth)
{
    enum step steps[8];
    unsigned long total = 1;
    for (unsigned i = 0; i < first_count; i++)
        steps[i] = first[i];
    for (unsigned i = 0; i < depth; i++)
        total *= STEPS;
    for (unsigned long n = 0; n < total; n++) {
        unsigned long rest = n;
        for (unsigned i = 0; i < depth; i++, rest /= STEPS)
            steps[first_count + i] = (enum step)(rest % STEPS);
        walk_once(steps, first_count + depth);
    }
}

static void a_call_ends_once_in_every_order_of_events(void **state)
{
    (void)state;
    walk_all(NULL, 0, getenv("VE_TEST_SLOW") ? 5 : 4);
}

/* Where most can happen: the script runs. */
static void a_running_call_ends_once_in_every_order_of_events(void **state)
{
    (void)state;
    static const enum step begun[] = {RINGING, MEDIA, SOON};
    static const enum step transferring[] = {MEDIA, SOON, TRANSFER};
    walk_all(begun, 3, getenv("VE_TEST_SLOW") ? 4 : 3);
    walk_all(transferring, 3, getenv("VE_TEST_SLOW") ? 4 : 3);
}

static void end_as(struct walk *walk, enum step a, enum step b, const char *outcome)
{
    static const enum step begun[] = {RINGING, MEDIA, SOON};
    char text[8192];
    char wanted[64];
    memset(walk, 0, sizeof(*walk));
    rig_open(&walk->rig);
    walk->rig.on_ended = forget_leg;
    for (unsigned i = 0; i < 3; i++)
        take(walk, begun[i]);
    take(walk, a);
    take(walk, b);
    advance(&walk->rig, 40000);
    assert_int_equal(walk->rig.ended, 1);
    (void)snprintf(wanted, sizeof(wanted), "\"outcome\":\"%s\"", outcome);
    if (!strstr(record_of(&walk->rig, "1", text), wanted))
        fail_msg("%s: %s", outcome, text);
    rig_close(&walk->rig);
}

static void the_first_cause_names_the_outcome(void **state)
{
    (void)state;
    struct walk walk;
    end_as(&walk, HANGUP_EVENT, SCRIPT_HANGUP, "caller_hangup");
    end_as(&walk, MEDIA_CLOSED, SOON, "caller_hangup");
    end_as(&walk, MEDIA_LOST, LATER, "caller_hangup");
    end_as(&walk, SCRIPT_HANGUP, SOON, "hangup");
    end_as(&walk, SCRIPT_HANGUP, HANGUP_EVENT, "hangup");
    end_as(&walk, SCRIPT_HANGUP, MEDIA_CLOSED, "hangup");
    end_as(&walk, SCRIPT_FAILED, SOON, "failed");
    end_as(&walk, SCRIPT_FAILED, HANGUP_EVENT, "failed");
    end_as(&walk, END_ALL, SOON, "failed");
    end_as(&walk, TRANSFER, MEDIA_CLOSED, "transferred");
    end_as(&walk, TRANSFER, HANGUP_EVENT, "caller_hangup");
}

/* Whoever took the call keeps talking: our side ends when the carrier closes it. */
static void a_transfer_that_was_answered_stays_one(void **state)
{
    (void)state;
    static const enum step steps[] = {RINGING,        MEDIA, SOON,         TRANSFER,
                                      OTHER_ANSWERED, LATER, SCRIPT_HANGUP};
    struct walk walk = {.call = NULL};
    char text[8192];
    rig_open(&walk.rig);
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(walk.rig.ended, 0);
        take(&walk, steps[i]);
    }
    assert_int_equal(walk.transfers_done, 1);
    advance(&walk.rig, 40000);
    assert_non_null(strstr(record_of(&walk.rig, "1", text), "\"outcome\":\"transferred\""));
    rig_close(&walk.rig);
}

static void without_media_a_call_times_out(void **state)
{
    (void)state;
    struct call_rig rig;
    char text[8192];
    rig_open(&rig);
    assert_int_equal(post_event(&rig, VE_EVENT_RINGING, "1", "10"), 0);
    advance(&rig, 59999);
    assert_int_equal(rig.ended, 0);
    advance(&rig, 2);
    assert_int_equal(rig.ended, 1);
    assert_int_equal(rig.started, 0);
    assert_non_null(strstr(record_of(&rig, "1", text), "\"outcome\":\"timeout\""));
    rig_close(&rig);
}

static void lost_media_may_come_back_for_two_seconds(void **state)
{
    (void)state;
    struct call_rig rig;
    rig_open(&rig);
    struct ve_call *call = media(&rig, "1");
    advance(&rig, 100);
    ve_call_waits(call); /* or the silence would end it */
    rig.legs[0].closed = true;
    ve_call_media_closed(call, &rig.legs[0], false);
    advance(&rig, 1900);
    assert_ptr_equal(media(&rig, "1"), call);
    advance(&rig, 60000);
    assert_int_equal(rig.ended, 0);
    assert_int_equal(rig.started, 1); /* the script goes on, it is not begun again */
    rig.legs[1].closed = true;
    ve_call_media_closed(call, &rig.legs[1], false);
    advance(&rig, 2001);
    assert_int_equal(rig.ended, 1);
    rig_close(&rig);
}

/* The peer that went is the one that was replaced: the new one stays. */
static void a_replaced_connection_changes_nothing(void **state)
{
    (void)state;
    struct call_rig rig;
    rig_open(&rig);
    struct ve_call *call = media(&rig, "1");
    advance(&rig, 100);
    assert_ptr_equal(media(&rig, "1"), call);
    assert_true(rig.legs[0].closed);
    assert_int_equal(rig.legs[0].code, 1000);
    ve_call_media_closed(call, &rig.legs[0], true);
    advance(&rig, 10000);
    assert_int_equal(rig.ended, 0);
    assert_false(rig.legs[1].closed);
    rig_close(&rig);
}

static void an_ended_call_takes_no_media(void **state)
{
    (void)state;
    struct call_rig rig;
    struct ve_call *call = NULL;
    rig_open(&rig);
    (void)media(&rig, "1");
    advance(&rig, 100);
    assert_int_equal(post_event(&rig, VE_EVENT_HANGUP, "1", ""), 0);
    assert_int_equal(connect_media(&rig, "1", &call), VE_EGONE);
    advance(&rig, 1);
    assert_int_equal(rig.ended, 1);
    /* it is over, and its id is free again */
    assert_int_equal(connect_media(&rig, "1", &call), 0);
    advance(&rig, 1);
    assert_int_equal(rig.started, 2);
    rig_close(&rig);
}

static void hangup_plays_what_is_queued(void **state)
{
    (void)state;
    static int16_t samples[16000];
    struct call_rig rig;
    uint64_t id;
    rig_open(&rig);
    for (size_t i = 0; i < 16000; i++)
        samples[i] = (int16_t)(i % 100 * 100);
    struct ve_call *call = media(&rig, "1");
    advance(&rig, 100);
    struct ve_playout *playout = ve_session_playout(ve_call_session(call));
    struct ve_segment_options options = {.rate = 16000};
    assert_int_equal(ve_playout_begin(playout, &options, &id), 0);
    assert_in_range(ve_playout_write(playout, id, samples, 16000), VE_FLOW_MORE, VE_FLOW_PAUSE);
    ve_playout_finish(playout, id, 0);
    ve_call_hangup(call);
    assert_int_equal(ve_call_state(call), VE_CALL_ENDING);
    advance(&rig, 1000);
    assert_int_equal(rig.ended, 0);
    assert_int_equal(rig.legs[0].samples, 16000);
    advance(&rig, 1000);
    assert_int_equal(rig.ended, 1);
    assert_true(rig.legs[0].closed);
    assert_int_equal(rig.legs[0].code, 1000);
    rig_close(&rig);
}

/* A goodbye that never ends does not hold the line. */
static void an_ending_has_an_end(void **state)
{
    (void)state;
    struct call_rig rig;
    uint64_t id;
    rig_open(&rig);
    struct ve_call *call = media(&rig, "1");
    advance(&rig, 100);
    struct ve_segment_options options = {.rate = 16000};
    assert_int_equal(ve_playout_begin(ve_session_playout(ve_call_session(call)), &options, &id), 0);
    ve_call_hangup(call);
    advance(&rig, 29000);
    assert_int_equal(rig.ended, 0);
    advance(&rig, 1100);
    assert_int_equal(rig.ended, 1);
    rig_close(&rig);
}

static void a_failed_script_apologises(void **state)
{
    (void)state;
    static int16_t sorry[8000];
    struct call_rig rig;
    rig_open(&rig);
    for (size_t i = 0; i < 8000; i++)
        sorry[i] = (int16_t)(i % 50 * 200);
    struct ve_phrase apology = {.samples = sorry, .count = 8000, .rate = 8000};
    ve_calls_set_phrase(rig.calls, VE_PHRASE_APOLOGY, &apology);
    struct ve_call *call = media(&rig, "1");
    advance(&rig, 100);
    ve_call_script_done(call, true);
    advance(&rig, 3000);
    assert_int_equal(rig.ended, 1);
    assert_in_range(rig.legs[0].samples, 15900, 16100); /* a second at 16 kHz */
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_ends_once_in_every_order_of_events),
        cmocka_unit_test(a_running_call_ends_once_in_every_order_of_events),
        cmocka_unit_test(the_first_cause_names_the_outcome),
        cmocka_unit_test(a_transfer_that_was_answered_stays_one),
        cmocka_unit_test(without_media_a_call_times_out),
        cmocka_unit_test(lost_media_may_come_back_for_two_seconds),
        cmocka_unit_test(a_replaced_connection_changes_nothing),
        cmocka_unit_test(an_ended_call_takes_no_media),
        cmocka_unit_test(hangup_plays_what_is_queued),
        cmocka_unit_test(an_ending_has_an_end),
        cmocka_unit_test(a_failed_script_apologises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
