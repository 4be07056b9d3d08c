#include "cli/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS (VE_TIMELINE_RATE / 1000)

static void add_agent(struct ve_timeline *timeline, uint64_t at, uint64_t count, int16_t loudness)
{
    int16_t *samples = calloc((size_t)count, sizeof(*samples));
    assert_non_null(samples);
    for (uint64_t i = 0; i < count; i++)
        samples[i] = i % 2 ? loudness : (int16_t)-loudness;
    assert_int_equal(ve_timeline_agent(timeline, at, samples, (size_t)count), 0);
    free(samples);
}

static void silence_begins_when_both_have_ended(void **state)
{
    struct ve_timeline timeline;
    (void)state;
    ve_timeline_init(&timeline);
    assert_int_equal(ve_timeline_silence(&timeline, 0, 500 * MS), 500 * MS);
    add_agent(&timeline, 100 * MS, 200 * MS, 5000);
    assert_int_equal(ve_timeline_silence(&timeline, 0, 250 * MS), 0);
    assert_in_range(ve_timeline_silence(&timeline, 0, 500 * MS), 190 * MS, 200 * MS);
    assert_int_equal(ve_timeline_silence(&timeline, 450 * MS, 500 * MS), 50 * MS);
    ve_timeline_free(&timeline);
}

/* The caller's frames leave a little early, so the end of his words may lie ahead. */
static void a_caller_who_still_speaks_is_not_silent(void **state)
{
    struct ve_timeline timeline;
    (void)state;
    ve_timeline_init(&timeline);
    assert_int_equal(ve_timeline_silence(&timeline, 500 * MS + 1, 500 * MS), 0);
    assert_int_equal(ve_timeline_silence(&timeline, 500 * MS, 500 * MS), 0);
    add_agent(&timeline, 0, 100 * MS, 5000);
    assert_int_equal(ve_timeline_silence(&timeline, 600 * MS, 500 * MS), 0);
    ve_timeline_free(&timeline);
}

/* Pauses inside what the telephone still has to play are no silence. */
static void an_agent_with_more_to_play_is_not_silent(void **state)
{
    struct ve_timeline timeline;
    (void)state;
    ve_timeline_init(&timeline);
    add_agent(&timeline, 0, 100 * MS, 5000);
    add_agent(&timeline, 0, 400 * MS, 0);
    add_agent(&timeline, 0, 100 * MS, 5000);
    assert_int_equal(ve_timeline_silence(&timeline, 0, 450 * MS), 0);
    assert_in_range(ve_timeline_silence(&timeline, 0, 700 * MS), 90 * MS, 100 * MS);
    ve_timeline_free(&timeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_begins_when_both_have_ended),
        cmocka_unit_test(a_caller_who_still_speaks_is_not_silent),
        cmocka_unit_test(an_agent_with_more_to_play_is_not_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
