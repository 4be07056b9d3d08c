#include "script/task.h"

#include "base/alloc.h"
#include "base/err.h"
#include "script/inside.h"

#include <assert.h>
#include <stdio.h>

#define WAIT_IDS_MAX 16

enum state { READY, RUNNING, WAITING, FORCED, OVER };

struct ve_task {
    struct ve_frame frame;
    lua_State *co; /* anchored by `ref` in the registry */
    int ref;
    struct ve_task_options options;
    struct ve_link link;       /* in the shard's list */
    struct ve_link ready_link; /* in the run queue */
    enum state state;
    int args; /* values on the stack for the first resume */
    struct ve_link ops;
    unsigned op_count;
    uint32_t next_op;
    /* the wait */
    uint32_t wait_ids[WAIT_IDS_MAX];
    size_t wait_count; /* 0: any operation */
    bool timed_out;
    struct ve_timer timer;
    /* the budget, in instructions */
    uint64_t slice;
    uint64_t since_wait;
    bool forced; /* the hook has just made it yield */
    bool killed;
    bool closing;
};

/* --- the run queue -------------------------------------------------------------------------------
 */

static void task_resume(struct ve_task *task);

static struct ve_task *next_ready(struct ve_scheduler *scheduler)
{
    VE_LIST_EACH(&scheduler->ready, it)
    {
        struct ve_task *task = VE_CONTAINER(it, struct ve_task, ready_link);
        struct ve_task *forced = task->frame.shard->forced;
        /* A state that was stopped in mid-slice is consistent only for the task that was stopped.
         */
        if (!forced || forced == task)
            return task;
    }
    return NULL;
}

/* One slice per step, so that the loop can go round between two. */
static void on_turn(void *arg)
{
    struct ve_scheduler *scheduler = arg;
    struct ve_task *task = next_ready(scheduler);
    if (!task)
        return;
    ve_link_remove(&task->ready_link);
    if (!ve_list_empty(&scheduler->ready))
        ve_timer_start(&scheduler->turn, 0);
    task_resume(task);
}

void ve_scheduler_init(struct ve_scheduler *scheduler, struct ve_loop *loop,
                       const struct ve_log *log)
{
    scheduler->loop = loop;
    scheduler->log = log;
    ve_link_init(&scheduler->ready);
    ve_timer_init(&scheduler->turn, loop, on_turn, scheduler);
}

void ve_scheduler_stop(struct ve_scheduler *scheduler)
{
    ve_timer_stop(&scheduler->turn);
}

static void make_ready(struct ve_task *task)
{
    struct ve_scheduler *scheduler = task->frame.shard->scheduler;
    ve_timer_stop(&task->timer);
    if (task->state != FORCED)
        task->state = READY;
    ve_list_push(&scheduler->ready, &task->ready_link);
    ve_timer_start(&scheduler->turn, 0);
}

/* --- the budget ----------------------------------------------------------------------------------
 */

/* Raises with the place where the script is now (luaL_error would name the caller of it). */
static void raise_here(lua_State *L, lua_Debug *ar, const char *message)
{
    (void)lua_getinfo(L, "Sl", ar);
    if (ar->currentline > 0)
        (void)luaL_error(L, "%s:%d: %s", ar->short_src, ar->currentline, message);
    (void)luaL_error(L, "%s", message);
}

static void kill_task(lua_State *L, lua_Debug *ar, struct ve_task *task)
{
    task->killed = true;
    /* From now on at every instruction: no handler of the script gets anywhere. */
    lua_sethook(L, ve_budget_hook, LUA_MASKCOUNT, 1);
    raise_here(L, ar, "the script ran too long without waiting and was stopped");
}

void ve_budget_hook(lua_State *L, lua_Debug *ar)
{
    struct ve_frame *frame = ve_frame_of(L);
    struct ve_task *task = frame->task;
    if (!task) {
        if (frame->shard->load_budget < VE_BUDGET_STEP)
            raise_here(L, ar, "the script takes too long to load");
        frame->shard->load_budget -= VE_BUDGET_STEP;
        return;
    }
    if (task->killed)
        raise_here(L, ar, "the script ran too long without waiting and was stopped");
    task->slice += VE_BUDGET_STEP;
    task->since_wait += VE_BUDGET_STEP;
    bool stuck = task->slice >= VE_BUDGET_UNYIELDING && !lua_isyieldable(L);
    if (stuck || task->since_wait >= VE_BUDGET_WAIT)
        kill_task(L, ar, task);
    if (task->slice >= VE_BUDGET_SLICE && lua_isyieldable(L)) {
        task->forced = true;
        lua_yield(L, 0);
    }
}

/* --- starting and ending -------------------------------------------------------------------------
 */

static void on_timeout(void *arg)
{
    struct ve_task *task = arg;
    task->timed_out = true;
    make_ready(task);
}

/* Protected: makes and anchors a coroutine with room for the function and its arguments. */
static int start_protected(lua_State *L)
{
    struct ve_task *task = lua_touserdata(L, 1);
    lua_State *co = lua_newthread(L);
    ve_frame_set(co, &task->frame);
    if (!lua_checkstack(co, task->args + 2))
        return luaL_error(L, "no memory for a task");
    task->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    task->co = co;
    lua_sethook(co, ve_budget_hook, LUA_MASKCOUNT, VE_BUDGET_STEP);
    return 0;
}

int ve_task_start(const struct ve_task_options *options, lua_State *from, int nargs,
                  struct ve_task **out)
{
    struct ve_shard *shard = options->shard;
    if (shard->task_count >= VE_SHARD_TASKS)
        return VE_EBUSY;
    struct ve_task *task = ve_alloc(sizeof(*task));
    if (!task)
        return VE_ENOMEM;
    task->frame = (struct ve_frame){shard, task};
    task->options = *options;
    task->next_op = 1;
    task->args = nargs;
    ve_link_init(&task->ops);
    ve_link_init(&task->ready_link);
    ve_timer_init(&task->timer, shard->scheduler->loop, on_timeout, task);
    lua_State *L = shard->L;
    if (!lua_checkstack(L, 4)) {
        ve_free(task);
        return VE_ENOMEM;
    }
    lua_pushcfunction(L, start_protected);
    lua_pushlightuserdata(L, task);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        ve_free(task);
        return VE_ENOMEM;
    }
    lua_xmove(from, task->co, nargs + 1);
    ve_list_push(&shard->tasks, &task->link);
    shard->task_count++;
    task->state = READY;
    make_ready(task);
    *out = task;
    return 0;
}

static void cancel_ops(struct ve_task *task)
{
    while (!ve_list_empty(&task->ops))
        ve_op_drop(VE_CONTAINER(task->ops.next, struct ve_op, link));
}

static void free_task(struct ve_task *task)
{
    struct ve_shard *shard = task->frame.shard;
    ve_timer_stop(&task->timer);
    ve_link_remove(&task->ready_link);
    ve_link_remove(&task->link);
    shard->task_count--;
    if (shard->forced == task)
        shard->forced = NULL;
    luaL_unref(shard->L, LUA_REGISTRYINDEX, task->ref);
    ve_free(task);
}

void ve_task_close(struct ve_task *task)
{
    assert(task->state != RUNNING);
    task->closing = true;
    cancel_ops(task);
    task->slice = 0;
    task->since_wait = 0;
    (void)lua_resetthread(task->co);
    free_task(task);
}

/* Protected: the traceback of a failed coroutine, as one text. */
static int traceback_protected(lua_State *L)
{
    lua_State *co = lua_touserdata(L, 1);
    const char *message = lua_tostring(co, -1);
    luaL_traceback(L, co, message ? message : "(error object is not a string)", 0);
    return 1;
}

/* The message of an error value: its text, or the `message` of a fault table. */
static int message_protected(lua_State *L)
{
    lua_State *co = lua_touserdata(L, 1);
    if (lua_type(co, -1) == LUA_TTABLE && lua_checkstack(co, 2)) {
        lua_pushstring(co, "message");
        lua_rawget(co, -2);
        const char *text = lua_tostring(co, -1);
        lua_pushstring(L, text ? text : "(error table without a message)");
        lua_pop(co, 1);
        return 1;
    }
    lua_pushstring(L, lua_tostring(co, -1) ? lua_tostring(co, -1) : "(error without a message)");
    return 1;
}

static const char *describe(struct ve_task *task, lua_CFunction how)
{
    lua_State *L = task->frame.shard->L;
    if (!lua_checkstack(L, 4))
        return "not enough memory";
    lua_pushcfunction(L, how);
    lua_pushlightuserdata(L, task->co);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        lua_pop(L, 1);
        lua_pushnil(L); /* keeps the number of values that the caller pops */
        return "not enough memory";
    }
    return lua_tostring(L, -1);
}

static void end_task(struct ve_task *task, int status)
{
    struct ve_task_result result = {VE_TASK_RETURNED, NULL, NULL};
    lua_State *L = task->frame.shard->L;
    int top = lua_gettop(L);
    task->state = OVER;
    if (status != LUA_OK) {
        result.end = task->killed || status == LUA_ERRMEM ? VE_TASK_KILLED : VE_TASK_ERROR;
        result.message = describe(task, message_protected);
        result.traceback = describe(task, traceback_protected);
    }
    task->closing = true;
    cancel_ops(task);
    (void)lua_resetthread(task->co);
    if (task->options.over)
        task->options.over(task->options.arg, task, &result);
    lua_settop(L, top);
    free_task(task);
}

/* The only lua_resume of the engine. */
static void task_resume(struct ve_task *task)
{
    struct ve_shard *shard = task->frame.shard;
    bool was_forced = task->state == FORCED;
    int results = 0;
    task->state = RUNNING;
    task->slice = 0;
    task->forced = false;
    if (!was_forced)
        task->since_wait = 0;
    shard->forced = NULL;
    int status = lua_resume(task->co, NULL, task->args, &results);
    task->args = 0;
    if (status != LUA_YIELD) {
        end_task(task, status);
        return;
    }
    lua_pop(task->co, results);
    if (task->forced) {
        task->state = FORCED;
        shard->forced = task;
        make_ready(task);
        return;
    }
    task->state = WAITING;
}

/* --- waiting -------------------------------------------------------------------------------------
 */

static bool is_waited_for(const struct ve_task *task, uint32_t id)
{
    for (size_t i = 0; i < task->wait_count; i++) {
        if (task->wait_ids[i] == id)
            return true;
    }
    return task->wait_count == 0;
}

static int take_message(lua_State *L, struct ve_task *task)
{
    VE_LIST_EACH(&task->ops, it)
    {
        struct ve_op *op = VE_CONTAINER(it, struct ve_op, link);
        if (op->first && is_waited_for(task, op->id))
            return ve_op_take(op, L);
    }
    return 0;
}

static int push_timeout(lua_State *L)
{
    lua_pushnil(L);
    lua_pushliteral(L, "timeout");
    return 2;
}

static int after_wait(lua_State *L, int status, lua_KContext ctx)
{
    struct ve_task *task = ve_frame_of(L)->task;
    (void)status;
    (void)ctx;
    ve_timer_stop(&task->timer);
    int n = take_message(L, task);
    if (n)
        return n;
    if (task->timed_out)
        return push_timeout(L);
    return lua_yieldk(L, 0, 0, after_wait);
}

int ve_task_wait(lua_State *L, double timeout_s, const uint32_t *ids, size_t count)
{
    struct ve_task *task = ve_frame_of(L)->task;
    if (!task || task->closing)
        return luaL_error(L, "waiting is not possible here");
    if (count > WAIT_IDS_MAX)
        return luaL_error(L, "waiting for too many things at once");
    for (size_t i = 0; i < count; i++)
        task->wait_ids[i] = ids[i];
    task->wait_count = count;
    int n = take_message(L, task);
    if (n)
        return n;
    if (timeout_s == 0)
        return push_timeout(L);
    task->timed_out = false;
    if (timeout_s > 0) {
        double ns = timeout_s < 1e8 ? timeout_s * 1e9 : 1e17;
        ve_timer_start(&task->timer, (uint64_t)ns);
    }
    return lua_yieldk(L, 0, 0, after_wait);
}

void ve_task_notify(struct ve_task *task, struct ve_op *op)
{
    bool queued = !ve_list_empty(&task->ready_link);
    if (task->state == WAITING && !queued && is_waited_for(task, op->id))
        make_ready(task);
}

/* --- facts ---------------------------------------------------------------------------------------
 */

struct ve_task *ve_task_at(struct ve_link *link)
{
    return VE_CONTAINER(link, struct ve_task, link);
}

struct ve_task_take ve_task_take(const struct ve_task *task)
{
    return task->options.take;
}

void *ve_task_owner(const struct ve_task *task)
{
    return task->options.owner;
}

void *ve_task_errand(const struct ve_task *task)
{
    return task->options.errand;
}

struct ve_shard *ve_task_shard(const struct ve_task *task)
{
    return task->frame.shard;
}

lua_State *ve_task_lua(const struct ve_task *task)
{
    return task->co;
}

struct ve_task *ve_task_current(lua_State *L)
{
    return ve_frame_of(L)->task;
}

bool ve_task_may_act(const struct ve_task *task)
{
    return task && !task->closing;
}

bool ve_task_killed(const struct ve_task *task)
{
    return task && task->killed;
}

void ve_task_waits_for(const struct ve_task *task, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    if (task->state != WAITING) {
        ve_str_copy(out, size, VE_STR("script"));
        return;
    }
    for (struct ve_link *it = task->ops.next; it != &task->ops && len + 1 < size; it = it->next) {
        const struct ve_op *op = VE_CONTAINER(it, struct ve_op, link);
        if (op->finished)
            continue;
        int n = snprintf(out + len, size - len, "%s%s", len ? ", " : "", op->type->name);
        len += n > 0 ? (size_t)n : 0;
    }
    if (!len)
        ve_str_copy(out, size, VE_STR("nothing"));
}

unsigned ve_task_op_count(const struct ve_task *task)
{
    return task->op_count;
}

void ve_task_add_op(struct ve_task *task, struct ve_op *op)
{
    op->id = task->next_op++;
    ve_list_push(&task->ops, &op->link);
    task->op_count++;
}

void ve_task_remove_op(struct ve_task *task, struct ve_op *op)
{
    ve_link_remove(&op->link);
    task->op_count--;
}

struct ve_op *ve_op_find(struct ve_task *task, uint32_t id)
{
    VE_LIST_EACH(&task->ops, it)
    {
        struct ve_op *op = VE_CONTAINER(it, struct ve_op, link);
        if (op->id == id)
            return op;
    }
    return NULL;
}
