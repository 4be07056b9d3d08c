/*
 * script/task.h - a coroutine of a script, and the only place that resumes one.
 *
 * A task belongs to a shard (a Lua state) and runs in slices: from one wait to the next, forced to
 * yield when a slice is long. Every way in is `task_resume` in task.c: set the budget, resume, look
 * at the outcome. Everything else in the engine only posts to the task's operations.
 *
 *   READY    in the run queue
 *   RUNNING  inside task_resume
 *   WAITING  suspended in `wait`
 *   FORCED   stopped in mid-slice; its shard runs no other task until it goes on
 *   OVER     returned, failed, or closed
 *
 * The loop's thread only; a state that is being loaded belongs to the loader's thread (load.h).
 */
#ifndef VE_SCRIPT_TASK_H
#define VE_SCRIPT_TASK_H

#include "base/log.h"
#include "loop/timer.h"
#include "script/op.h"

struct lua_State;
struct ve_shard;
struct ve_task;

/* Instructions. A count hook looks every VE_BUDGET_STEP. */
#define VE_BUDGET_STEP       10000
#define VE_BUDGET_SLICE      200000   /* then the loop goes round */
#define VE_BUDGET_UNYIELDING 2000000  /* in a C callback that cannot yield; then it is killed */
#define VE_BUDGET_WAIT       20000000 /* from one wait to the next; then it is killed */

enum ve_task_end {
    VE_TASK_RETURNED,
    VE_TASK_ERROR,  /* a Lua error nobody caught */
    VE_TASK_KILLED, /* ran too long, or needed too much memory */
};

struct ve_task_result {
    enum ve_task_end end;
    const char *message;   /* of an error, with file:line; NULL otherwise */
    const char *traceback; /* of an error */
};

/* The run queue of a worker: tasks that may go on. */
struct ve_scheduler {
    struct ve_loop *loop; /* borrowed */
    const struct ve_log *log;
    struct ve_timer turn;
    struct ve_link ready;
};

void ve_scheduler_init(struct ve_scheduler *scheduler, struct ve_loop *loop,
                       const struct ve_log *log);
void ve_scheduler_stop(struct ve_scheduler *scheduler);

/* The answer that a task works for: the `take`-th attempt at the answer of turn `turn`; zeros for
 * a task that works for none. */
struct ve_task_take {
    uint32_t turn, take;
};

struct ve_task_options {
    struct ve_shard *shard;
    void *owner; /* the call; see ve_task_owner */
    struct ve_task_take take;
    void *errand; /* what a task without a call works for; see ve_task_errand */
    /* Once, unless the task is closed before: never inside a call of ours. */
    void (*over)(void *arg, struct ve_task *task, const struct ve_task_result *result);
    void *arg;
};

/* Starts a task for the function and the `nargs` values on top of `from`, which are moved. It runs
 * in a later step. VE_ENOMEM, VE_EBUSY (the shard is full). [-(nargs+1), +0, -] */
int ve_task_start(const struct ve_task_options *options, struct lua_State *from, int nargs,
                  struct ve_task **out);
/* Ends a task that is not running: cancels its operations (spawned tasks are operations), runs its
 * <close> variables, never resumes it. `over` is not called. */
void ve_task_close(struct ve_task *task);

void *ve_task_owner(const struct ve_task *task);
void *ve_task_errand(const struct ve_task *task);
struct ve_task_take ve_task_take(const struct ve_task *task);
struct ve_shard *ve_task_shard(const struct ve_task *task);
struct lua_State *ve_task_lua(const struct ve_task *task);
/* The running task of a state, or NULL at load time. */
struct ve_task *ve_task_current(struct lua_State *L);
/* May this task have effects and wait? False while loading and while being closed. */
bool ve_task_may_act(const struct ve_task *task);

/* The body of the one waiting primitive: `wait(timeout, id...)`. Returns [id, kind, values...] of
 * the oldest message of one of the operations (all of the task's when none is named), or nil and
 * "timeout". A timeout below 0 waits for ever. Yields. */
int ve_task_wait(struct lua_State *L, double timeout_s, const uint32_t *ids, size_t count);

/* The task whose link in the shard's list this is. */
struct ve_task *ve_task_at(struct ve_link *link);

/* What it has started and not heard the end of: "say, request"; "script" when it does not wait. */
void ve_task_waits_for(const struct ve_task *task, char *out, size_t size);

/* For op.c */
unsigned ve_task_op_count(const struct ve_task *task);
void ve_task_add_op(struct ve_task *task, struct ve_op *op);
void ve_task_remove_op(struct ve_task *task, struct ve_op *op);
void ve_task_notify(struct ve_task *task, struct ve_op *op);
/* For the hook and the sandbox's pcall: has this task been condemned? */
bool ve_task_killed(const struct ve_task *task);

#endif
