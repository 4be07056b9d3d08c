#include "loop/job.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "loop/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <string.h>

#include <cmocka.h>

/* A gate that work can wait at, so that a test decides who runs when. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool open;
    bool reached;
};

static void gate_init(struct gate *gate)
{
    *gate = (struct gate){.open = false};
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->wake, NULL);
}

static void gate_free(struct gate *gate)
{
    pthread_mutex_destroy(&gate->lock);
    pthread_cond_destroy(&gate->wake);
}

static void gate_set(struct gate *gate, bool *flag)
{
    pthread_mutex_lock(&gate->lock);
    *flag = true;
    pthread_cond_broadcast(&gate->wake);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_wait(struct gate *gate, const bool *flag)
{
    pthread_mutex_lock(&gate->lock);
    while (!*flag)
        pthread_cond_wait(&gate->wake, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

struct bench {
    struct ve_loop *loop;
    pthread_t loop_thread;
    int expected;     /* jobs after which the loop stops */
    int done;         /* the loop's thread only */
    bool off_loop;    /* a `done` ran on another thread */
    bool in_submit;   /* a submit is on the stack */
    bool nested;      /* a `done` ran inside a submit */
    atomic_int order; /* of work */
};

struct task {
    struct ve_job job;
    struct bench *bench;
    int worked;       /* when it ran: 1, 2, ...; 0 = never */
    int completed;    /* how often `done` ran */
    uint64_t done_at; /* ns */
    struct gate *gate;
    struct task *next; /* submitted from `done` */
    enum ve_lane next_lane;
    int next_err;
};

static int submit(struct bench *bench, enum ve_lane lane, struct ve_strand *strand,
                  struct task *task)
{
    bench->in_submit = true;
    int err = ve_job_submit(bench->loop, lane, strand, &task->job);
    bench->in_submit = false;
    return err;
}

static void work(struct ve_job *job)
{
    struct task *task = VE_CONTAINER(job, struct task, job);
    task->worked = atomic_fetch_add(&task->bench->order, 1) + 1;
    if (!task->gate)
        return;
    gate_set(task->gate, &task->gate->reached);
    gate_wait(task->gate, &task->gate->open);
}

static void done(struct ve_job *job)
{
    struct task *task = VE_CONTAINER(job, struct task, job);
    struct bench *bench = task->bench;
    task->completed++;
    task->done_at = ve_loop_now(bench->loop);
    bench->nested = bench->nested || bench->in_submit;
    bench->off_loop = bench->off_loop || !pthread_equal(bench->loop_thread, pthread_self());
    if (task->next)
        task->next_err = submit(bench, task->next_lane, NULL, task->next);
    if (++bench->done == bench->expected)
        ve_loop_stop(bench->loop);
}

static void init(struct task *task, struct bench *bench)
{
    *task = (struct task){.bench = bench, .job = {.work = work, .done = done}};
}

static void open_bench(struct bench *bench, bool sim)
{
    *bench = (struct bench){.loop_thread = pthread_self()};
    assert_int_equal(sim ? ve_loop_new_sim(&bench->loop, 0) : ve_loop_new_live(&bench->loop), 0);
}

static void close_bench(struct bench *bench)
{
    ve_loop_free(bench->loop);
    assert_false(bench->off_loop);
    assert_false(bench->nested);
}

/* --- live ----------------------------------------------------------------------------------------
 */

#define STRANDS 6
#define IN_EACH 50

static void strands_keep_their_order(void **state)
{
    (void)state;
    static struct task tasks[STRANDS][IN_EACH];
    struct ve_strand strand[STRANDS];
    struct bench bench;
    open_bench(&bench, false);
    for (int s = 0; s < STRANDS; s++)
        ve_strand_init(&strand[s]);
    for (int i = 0; i < IN_EACH; i++) {
        for (int s = 0; s < STRANDS; s++) {
            init(&tasks[s][i], &bench);
            assert_int_equal(submit(&bench, VE_LANE_SPEECH, &strand[s], &tasks[s][i]), 0);
        }
    }
    assert_int_equal(ve_job_depth(bench.loop, VE_LANE_SPEECH), STRANDS * IN_EACH);
    bench.expected = STRANDS * IN_EACH;
    ve_loop_run(bench.loop);
    for (int s = 0; s < STRANDS; s++) {
        assert_false(strand[s].busy);
        for (int i = 0; i < IN_EACH; i++) {
            assert_int_equal(tasks[s][i].completed, 1);
            assert_false(tasks[s][i].job.canceled);
            assert_true(i == 0 || tasks[s][i].worked > tasks[s][i - 1].worked);
        }
    }
    assert_int_equal(ve_job_depth(bench.loop, VE_LANE_SPEECH), 0);
    close_bench(&bench);
}

/* A job of one lane waits for one of another: on one thread that would never end. */
static void lanes_run_side_by_side(void **state)
{
    (void)state;
    struct bench bench;
    struct gate gate;
    struct task waits;
    struct task opens;
    open_bench(&bench, false);
    gate_init(&gate);
    init(&waits, &bench);
    init(&opens, &bench);
    waits.gate = &gate;
    assert_int_equal(submit(&bench, VE_LANE_DISK, NULL, &waits), 0);
    gate_wait(&gate, &gate.reached);
    assert_int_equal(submit(&bench, VE_LANE_LOADER, NULL, &opens), 0);
    bench.expected = 1;
    ve_loop_run(bench.loop);
    assert_int_equal(opens.completed, 1);
    assert_int_equal(waits.completed, 0);
    gate_set(&gate, &gate.open);
    bench.expected = 2;
    ve_loop_run(bench.loop);
    assert_int_equal(waits.completed, 1);
    close_bench(&bench);
    gate_free(&gate);
}

static void waiting_work_is_skipped_when_cancelled(void **state)
{
    (void)state;
    struct bench bench;
    struct gate gate;
    struct task running;
    struct task cancelled;
    struct task behind;
    struct ve_strand strand;
    open_bench(&bench, false);
    gate_init(&gate);
    ve_strand_init(&strand);
    init(&running, &bench);
    init(&cancelled, &bench);
    init(&behind, &bench);
    running.gate = &gate;
    assert_int_equal(submit(&bench, VE_LANE_DISK, &strand, &running), 0);
    assert_int_equal(submit(&bench, VE_LANE_DISK, &strand, &cancelled), 0);
    assert_int_equal(submit(&bench, VE_LANE_DISK, &strand, &behind), 0);
    gate_wait(&gate, &gate.reached);
    ve_job_cancel(&cancelled.job);
    gate_set(&gate, &gate.open);
    bench.expected = 3;
    ve_loop_run(bench.loop);
    assert_true(cancelled.job.canceled);
    assert_int_equal(cancelled.worked, 0);
    assert_int_equal(cancelled.completed, 1);
    assert_false(behind.job.canceled);
    assert_int_equal(behind.completed, 1);
    assert_false(running.job.canceled);
    close_bench(&bench);
    gate_free(&gate);
}

static void work_until_stopped(struct ve_job *job)
{
    struct task *task = VE_CONTAINER(job, struct task, job);
    gate_set(task->gate, &task->gate->reached);
    while (!atomic_load(&job->stop)) {
    }
    task->worked = 1;
}

static void running_work_sees_the_cancellation(void **state)
{
    (void)state;
    struct bench bench;
    struct gate gate;
    struct task task;
    open_bench(&bench, false);
    gate_init(&gate);
    init(&task, &bench);
    task.gate = &gate;
    task.job.work = work_until_stopped;
    assert_int_equal(submit(&bench, VE_LANE_SPEECH, NULL, &task), 0);
    gate_wait(&gate, &gate.reached);
    ve_job_cancel(&task.job);
    bench.expected = 1;
    ve_loop_run(bench.loop);
    assert_int_equal(task.worked, 1);
    assert_false(task.job.canceled);
    close_bench(&bench);
    gate_free(&gate);
}

static void done_may_submit(void **state)
{
    (void)state;
    static struct task tasks[100];
    struct bench bench;
    open_bench(&bench, false);
    for (int i = 0; i < 100; i++) {
        init(&tasks[i], &bench);
        tasks[i].next = i < 99 ? &tasks[i + 1] : NULL;
        tasks[i].next_lane = i % 2 ? VE_LANE_DISK : VE_LANE_SPEECH;
    }
    assert_int_equal(submit(&bench, VE_LANE_STORE, NULL, &tasks[0]), 0);
    bench.expected = 100;
    ve_loop_run(bench.loop);
    for (int i = 0; i < 100; i++)
        assert_int_equal(tasks[i].completed, 1);
    close_bench(&bench);
}

/* Freed with work running, work waiting behind it, and an owner that submits again when told. */
static void freeing_completes_every_job_once(void **state)
{
    (void)state;
    struct bench bench;
    struct gate gate;
    struct ve_strand strand;
    struct task running;
    struct task waiting[20];
    struct task late;
    open_bench(&bench, false);
    gate_init(&gate);
    ve_strand_init(&strand);
    init(&running, &bench);
    init(&late, &bench);
    running.job.work = work_until_stopped;
    running.gate = &gate;
    assert_int_equal(submit(&bench, VE_LANE_DISK, &strand, &running), 0);
    for (int i = 0; i < 20; i++) {
        init(&waiting[i], &bench);
        assert_int_equal(submit(&bench, VE_LANE_DISK, i % 2 ? &strand : NULL, &waiting[i]), 0);
    }
    waiting[0].next = &late;
    waiting[0].next_lane = VE_LANE_LOADER; /* whose thread was never started */
    waiting[1].next = &late;
    waiting[1].next_lane = VE_LANE_DISK;
    gate_wait(&gate, &gate.reached);
    ve_job_cancel(&running.job);
    close_bench(&bench);
    assert_int_equal(running.completed, 1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(waiting[i].completed, 1);
    assert_int_equal(waiting[0].next_err, VE_EGONE);
    assert_int_equal(waiting[1].next_err, VE_EGONE);
    assert_int_equal(late.completed, 0);
    gate_free(&gate);
}

static int one_job(void *arg)
{
    struct bench bench;
    struct task task;
    (void)arg;
    bench = (struct bench){.loop_thread = pthread_self(), .expected = 1};
    int err = ve_loop_new_live(&bench.loop);
    if (err)
        return err;
    init(&task, &bench);
    err = submit(&bench, VE_LANE_SPEECH, NULL, &task);
    if (!err)
        ve_loop_run(bench.loop);
    assert_int_equal(task.completed, err ? 0 : 1);
    close_bench(&bench);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_int_equal(test_alloc_sweep(one_job, NULL), 2);
}

/* --- sim -----------------------------------------------------------------------------------------
 */

static void sim_answers_after_the_modelled_cost(void **state)
{
    (void)state;
    struct bench bench;
    struct task slow;
    struct task quick;
    open_bench(&bench, true);
    init(&slow, &bench);
    init(&quick, &bench);
    slow.job.sim_cost = 30 * VE_MS;
    quick.job.sim_cost = 10 * VE_MS;
    assert_int_equal(submit(&bench, VE_LANE_SPEECH, NULL, &slow), 0);
    assert_int_equal(submit(&bench, VE_LANE_SPEECH, NULL, &quick), 0);
    assert_int_equal(slow.worked, 1);
    assert_int_equal(slow.completed + quick.completed, 0);
    ve_sim_advance(bench.loop, VE_SECOND);
    assert_true(quick.done_at == 10 * VE_MS);
    assert_true(slow.done_at == 30 * VE_MS);
    close_bench(&bench);
}

/* As with threads: what was submitted later to a strand answers later, however cheap it is. */
static void sim_strands_keep_their_order(void **state)
{
    (void)state;
    struct bench bench;
    struct ve_strand strand;
    struct task slow;
    struct task quick;
    struct task later;
    open_bench(&bench, true);
    ve_strand_init(&strand);
    init(&slow, &bench);
    init(&quick, &bench);
    init(&later, &bench);
    slow.job.sim_cost = 30 * VE_MS;
    quick.job.sim_cost = 10 * VE_MS;
    later.job.sim_cost = 5 * VE_MS;
    assert_int_equal(submit(&bench, VE_LANE_SPEECH, &strand, &slow), 0);
    assert_int_equal(submit(&bench, VE_LANE_SPEECH, &strand, &quick), 0);
    ve_sim_advance(bench.loop, VE_SECOND);
    assert_true(slow.done_at == 30 * VE_MS);
    assert_true(quick.done_at == 40 * VE_MS);
    assert_int_equal(submit(&bench, VE_LANE_SPEECH, &strand, &later), 0);
    ve_sim_advance(bench.loop, VE_SECOND);
    assert_true(later.done_at == VE_SECOND + 5 * VE_MS);
    close_bench(&bench);
}

static void sim_done_is_a_step_of_its_own(void **state)
{
    (void)state;
    struct bench bench;
    struct task first;
    struct task second;
    open_bench(&bench, true);
    init(&first, &bench);
    init(&second, &bench);
    first.next = &second;
    assert_int_equal(submit(&bench, VE_LANE_DISK, NULL, &first), 0);
    assert_true(ve_sim_step(bench.loop, 0));
    assert_int_equal(first.completed, 1);
    assert_int_equal(second.completed, 0);
    assert_true(ve_sim_step(bench.loop, 0));
    assert_int_equal(second.completed, 1);
    close_bench(&bench);
}

static void sim_freeing_completes_every_job_once(void **state)
{
    (void)state;
    struct bench bench;
    struct task tasks[3];
    struct task late;
    open_bench(&bench, true);
    init(&late, &bench);
    for (int i = 0; i < 3; i++) {
        init(&tasks[i], &bench);
        tasks[i].job.sim_cost = (uint64_t)(3 - i) * VE_SECOND;
        assert_int_equal(submit(&bench, VE_LANE_DISK, NULL, &tasks[i]), 0);
    }
    tasks[0].next = &late;
    close_bench(&bench);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tasks[i].completed, 1);
    assert_int_equal(tasks[0].next_err, VE_EGONE);
    assert_int_equal(late.completed, 0);
}

static int one_sim_job(void *arg)
{
    struct bench bench = {.loop_thread = pthread_self()};
    struct task task;
    (void)arg;
    int err = ve_loop_new_sim(&bench.loop, 0);
    if (err)
        return err;
    init(&task, &bench);
    task.job.sim_cost = VE_MS;
    assert_int_equal(submit(&bench, VE_LANE_SPEECH, NULL, &task), 0);
    ve_sim_advance(bench.loop, VE_SECOND);
    /* without memory it may come early, but it comes */
    assert_int_equal(task.completed, 1);
    close_bench(&bench);
    return 0;
}

static void sim_without_memory(void **state)
{
    (void)state;
    assert_int_equal(test_alloc_sweep(one_sim_job, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strands_keep_their_order),
        cmocka_unit_test(lanes_run_side_by_side),
        cmocka_unit_test(waiting_work_is_skipped_when_cancelled),
        cmocka_unit_test(running_work_sees_the_cancellation),
        cmocka_unit_test(done_may_submit),
        cmocka_unit_test(freeing_completes_every_job_once),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(sim_answers_after_the_modelled_cost),
        cmocka_unit_test(sim_strands_keep_their_order),
        cmocka_unit_test(sim_done_is_a_step_of_its_own),
        cmocka_unit_test(sim_freeing_completes_every_job_once),
        cmocka_unit_test(sim_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
