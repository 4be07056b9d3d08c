/*
 * cli/world_net.h - the network of a simulated world: a function of the spec answers requests.
 *
 * The spec's function is called while the spec lets time pass (core.advance), on its own Lua state;
 * lualib/voice/sim.lua puts its answer into the shape that is read here. Owned by the world.
 */
#ifndef VE_CLI_WORLD_NET_H
#define VE_CLI_WORLD_NET_H

#include "cli/outbound.h"

struct lua_State;

struct ve_world_net {
    struct ve_net_script script; /* for the worker */
    struct lua_State *L;         /* the spec's, while it lets time pass; NULL otherwise */
    int http;                    /* reference to its function, or LUA_NOREF */
};

void ve_world_net_init(struct ve_world_net *net);
/* Takes the function on top of the stack. [-1, +0, m] */
void ve_world_net_answer(struct ve_world_net *net, struct lua_State *L);
/* Reads { NAME = value } at `index` into what the worker takes; the texts belong to the table.
 * Raises on more than VE_OUTBOUND_SETTINGS_MAX. [-0, +0, v] */
void ve_world_net_settings(struct lua_State *L, int index,
                           struct ve_bind_setting out[static VE_OUTBOUND_SETTINGS_MAX],
                           size_t *count);
void ve_world_net_free(struct ve_world_net *net, struct lua_State *L);

#endif
