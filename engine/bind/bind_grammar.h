/*
 * bind/bind_grammar.h - grammars as Lua values, for the bindings that listen.
 */
#ifndef VE_BIND_BIND_GRAMMAR_H
#define VE_BIND_BIND_GRAMMAR_H

#include "base/alloc.h"
#include "speech/grammar.h"

struct lua_State;

/* Held by the Lua value and by every recogniser that uses it; the loop's thread only. */
struct ve_shared_grammar {
    struct ve_grammar *grammar; /* owned */
    unsigned refs;
};

void ve_shared_grammar_ref(struct ve_shared_grammar *shared);
void ve_shared_grammar_unref(struct ve_shared_grammar *shared);
/* The grammar at a stack index; raises when it is none. [-0, +0, v] */
struct ve_shared_grammar *ve_bind_grammar_of(struct lua_State *L, int arg);

#endif
