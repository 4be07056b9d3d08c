/*
 * cli/world.h - a simulated world for specs: a worker on a virtual clock, and the carrier played by
 * hand.
 *
 * `core` functions for lualib/voice/sim.lua, which gives specs their vocabulary (caller:says,
 * caller:hears). A spec's Lua state is not a script's: it has all of Lua's libraries.
 */
#ifndef VE_CLI_WORLD_H
#define VE_CLI_WORLD_H

struct lua_State;

/* Pushes the table of functions. [-0, +1, m] */
void ve_world_open(struct lua_State *L);

#endif
