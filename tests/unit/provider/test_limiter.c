#include "provider/limiter.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NAME VE_STR("service")

struct rig {
    struct ve_loop *loop;
    struct ve_limiter *limiter;
    unsigned went;
    unsigned order[16];
};

struct asker {
    struct ve_limiter_wait wait;
    struct rig *rig;
    unsigned number;
};

static void on_go(void *arg)
{
    struct asker *asker = arg;
    asker->rig->order[asker->rig->went++ % 16] = asker->number;
}

static void open_rig(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(ve_loop_new_sim(&rig->loop, 0), 0);
    assert_int_equal(ve_limiter_new(&rig->limiter, rig->loop), 0);
}

static void close_rig(struct rig *rig)
{
    ve_limiter_free(rig->limiter);
    ve_loop_free(rig->loop);
}

static int ask(struct rig *rig, struct asker *asker, unsigned number, uint64_t max_wait)
{
    *asker = (struct asker){.wait = {.go = on_go}, .rig = rig, .number = number};
    asker->wait.arg = asker;
    return ve_limiter_ask(rig->limiter, NAME, 2, 2, max_wait, &asker->wait);
}

static void a_burst_then_the_rate_in_order(void **state)
{
    struct rig rig;
    struct asker askers[6];
    (void)state;
    open_rig(&rig);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(ask(&rig, &askers[i], i, 10 * VE_SECOND), 0);
    assert_int_equal(rig.went, 0); /* never inside the call */
    ve_sim_advance(rig.loop, 0);
    assert_int_equal(rig.went, 2);
    ve_sim_advance(rig.loop, 499 * VE_MS);
    assert_int_equal(rig.went, 2);
    ve_sim_advance(rig.loop, 2 * VE_MS);
    assert_int_equal(rig.went, 3);
    ve_sim_advance(rig.loop, 2 * VE_SECOND);
    assert_int_equal(rig.went, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(rig.order[i], i);
    close_rig(&rig);
}

static void who_would_wait_too_long_is_refused(void **state)
{
    struct rig rig;
    struct asker askers[4];
    (void)state;
    open_rig(&rig);
    assert_int_equal(ask(&rig, &askers[0], 0, 0), 0);
    assert_int_equal(ask(&rig, &askers[1], 1, 0), 0);
    assert_int_equal(ask(&rig, &askers[2], 2, 400 * VE_MS), VE_EBUSY);
    assert_int_equal(ask(&rig, &askers[3], 3, 500 * VE_MS), 0);
    ve_sim_advance(rig.loop, VE_SECOND);
    assert_int_equal(rig.went, 3);
    close_rig(&rig);
}

static void who_leaves_the_queue_takes_no_token(void **state)
{
    struct rig rig;
    struct asker askers[4];
    (void)state;
    open_rig(&rig);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(ask(&rig, &askers[i], i, 10 * VE_SECOND), 0);
    ve_limiter_cancel(&askers[0].wait);
    ve_limiter_cancel(&askers[2].wait);
    ve_limiter_cancel(&askers[2].wait);
    ve_sim_advance(rig.loop, 0);
    assert_int_equal(rig.went, 2);
    assert_int_equal(rig.order[0], 1);
    assert_int_equal(rig.order[1], 3);
    close_rig(&rig);
}

static void queues_and_names_are_bounded(void **state)
{
    static struct asker askers[VE_LIMITER_QUEUE_MAX + 1];
    struct rig rig;
    char name[32];
    (void)state;
    open_rig(&rig);
    for (unsigned i = 0; i < VE_LIMITER_QUEUE_MAX; i++)
        assert_int_equal(ask(&rig, &askers[i], i, UINT64_MAX), 0);
    assert_int_equal(ask(&rig, &askers[VE_LIMITER_QUEUE_MAX], 0, UINT64_MAX), VE_EBUSY);
    /* more names than buckets: those that are full again make room */
    for (unsigned i = 0; i < 4 * VE_LIMITER_NAMES_MAX; i++) {
        struct asker once = {.wait = {.go = on_go}, .rig = &rig};
        once.wait.arg = &once;
        (void)snprintf(name, sizeof(name), "name-%u", i);
        assert_int_equal(ve_limiter_ask(rig.limiter, ve_str(name), 1000, 1, 0, &once.wait), 0);
        ve_sim_advance(rig.loop, 2 * VE_MS);
    }
    close_rig(&rig);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct rig rig;
    struct ve_limiter_wait wait = {.go = on_go};
    char name[VE_LIMITER_NAME_MAX + 1];
    (void)state;
    open_rig(&rig);
    memset(name, 'n', VE_LIMITER_NAME_MAX);
    name[VE_LIMITER_NAME_MAX] = '\0';
    assert_int_equal(ve_limiter_ask(rig.limiter, NAME, 0, 1, 0, &wait), VE_EINVAL);
    assert_int_equal(ve_limiter_ask(rig.limiter, NAME, -1, 1, 0, &wait), VE_EINVAL);
    assert_int_equal(ve_limiter_ask(rig.limiter, NAME, 1, 0.5, 0, &wait), VE_EINVAL);
    assert_int_equal(ve_limiter_ask(rig.limiter, NAME, 1e9, 1, 0, &wait), VE_EINVAL);
    assert_int_equal(ve_limiter_ask(rig.limiter, VE_STR(""), 1, 1, 0, &wait), VE_EINVAL);
    assert_int_equal(ve_limiter_ask(rig.limiter, ve_str(name), 1, 1, 0, &wait), VE_EINVAL);
    test_alloc_fail_at(0);
    assert_int_equal(ve_limiter_ask(rig.limiter, NAME, 1, 1, 0, &wait), VE_ENOMEM);
    test_alloc_fail_at(-1);
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_the_rate_in_order),
        cmocka_unit_test(who_would_wait_too_long_is_refused),
        cmocka_unit_test(who_leaves_the_queue_takes_no_token),
        cmocka_unit_test(queues_and_names_are_bounded),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
