/*
 * script/shard.h - one Lua state: its memory quota, its tasks, its sandbox.
 *
 * A shard belongs to one generation of one tenant and holds at most VE_SHARD_CALLS calls, so that
 * heaps and garbage-collection pauses stay small. It is built on the loader's thread and then
 * handed to the loop's, never shared.
 */
#ifndef VE_SCRIPT_SHARD_H
#define VE_SCRIPT_SHARD_H

#include "base/list.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VE_SHARD_CALLS  64
#define VE_SHARD_TASKS  1024
#define VE_SHARD_MEMORY (8u * 1024 * 1024)
#define VE_TASK_MEMORY  (1024u * 1024) /* what one task may add while it runs */

struct lua_State;
struct ve_scheduler;
struct ve_task;
struct ve_generation;

struct ve_quota {
    size_t used;  /* bytes */
    size_t limit; /* bytes */
    bool closing; /* while a state is torn down nothing is refused */
};

struct ve_shard {
    struct lua_State *L; /* owned */
    struct ve_quota quota;
    struct ve_generation *generation; /* borrowed */
    struct ve_scheduler *scheduler;   /* borrowed; NULL while loading */
    const struct ve_log *log;         /* borrowed; NULL while loading */
    void *context;                    /* what bind/ needs: the worker's services */
    struct ve_link link;              /* in the generation's list */
    struct ve_link tasks;
    unsigned task_count;
    unsigned calls;         /* calls that run here */
    struct ve_task *forced; /* the task stopped in mid-slice, if any */
    uint64_t load_budget;   /* instructions left while loading */
    bool frozen;            /* loaded: globals and module tables can no longer be written */
    uint64_t serial;        /* for tostring of tables and functions */
};

/* How bind/ puts its primitives into a state: leaves one table on the stack. [-0, +1, m] */
typedef void (*ve_open_core_fn)(struct lua_State *L, void *context);

/* A state with the sandbox and lualib in it, no script loaded. */
int ve_shard_new(struct ve_shard **out, ve_open_core_fn open_core, void *context);
/* Closes all tasks and the state. */
void ve_shard_free(struct ve_shard *shard);
struct ve_shard *ve_shard_of(struct lua_State *L);

#endif
