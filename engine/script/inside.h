/*
 * script/inside.h - inside of script/ only.
 */
#ifndef VE_SCRIPT_INSIDE_H
#define VE_SCRIPT_INSIDE_H

#include "script/shard.h"
#include "script/task.h"

#include <lauxlib.h>
#include <lua.h>

/* Which shard and task a lua_State is; its address lies in the state's extra space. */
struct ve_frame {
    struct ve_shard *shard;
    struct ve_task *task; /* NULL in the main state: loading, or no script code at all */
};

static inline struct ve_frame *ve_frame_of(lua_State *L)
{
    return *(struct ve_frame **)lua_getextraspace(L);
}

static inline void ve_frame_set(lua_State *L, struct ve_frame *frame)
{
    *(struct ve_frame **)lua_getextraspace(L) = frame;
}

/* The count hook of every state and coroutine. */
void ve_budget_hook(lua_State *L, lua_Debug *ar);
/* The sandbox's pcall and xpcall: as the stock ones, but a killed task is raised again. */
int ve_sandbox_pcall(lua_State *L);
int ve_sandbox_xpcall(lua_State *L);

/* Registry keys */
#define VE_REG_ENV     "ve.env"     /* the scripts' _ENV (a proxy) */
#define VE_REG_GLOBALS "ve.globals" /* what it stands for */
#define VE_REG_LIBENV  "ve.libenv"  /* lualib's _ENV */
#define VE_REG_LOADED  "ve.loaded"  /* module name -> value */
#define VE_REG_CORE    "ve.core"    /* bind/'s primitives */
#define VE_REG_RUNTIME "ve.runtime" /* what lualib/voice/runtime.lua returns */

/* Builds the environments. [-0, +0, m] */
void ve_sandbox_open(lua_State *L);
/* Turns the table on top into a proxy that can be read and not written. `name` is for the message.
 * While `frozen_flag` (may be NULL) is false, writing is allowed. [-1, +1, m] */
void ve_sandbox_protect(lua_State *L, const char *name);
int ve_sandbox_l_protect(lua_State *L);
/* Globals and module tables can no longer be written. */
void ve_sandbox_freeze(lua_State *L);
/* `require` */
int ve_sandbox_require(lua_State *L);
/* lualib's module: its value is left on the stack; raises. [-0, +1, e] */
void ve_lualib_require(lua_State *L, const char *name);

#endif
