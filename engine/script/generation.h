/*
 * script/generation.h - one loaded version of a tenant's scripts.
 *
 * Built aside on the loader's thread: sources are read, compiled, run once and checked; only a
 * generation that passed is ever seen by a call. It keeps the text of all its files, so that the
 * shards it makes later are the same version whatever has been saved since. Reference counted:
 * calls and open answers hold it.
 */
#ifndef VE_SCRIPT_GENERATION_H
#define VE_SCRIPT_GENERATION_H

#include "base/buf.h"
#include "script/shard.h"

#define VE_SOURCES_MAX      (4u * 1024 * 1024) /* bytes of all files of a tenant */
#define VE_SOURCE_FILES_MAX 256
#define VE_LOAD_BUDGET      50000000u /* instructions, about 500 ms */

struct ve_scheduler;

/* Why a load was refused. */
struct ve_load_error {
    char message[512];     /* "main.lua:12: unexpected symbol near 'end'" */
    char file[256];        /* "main.lua"; empty when unknown */
    int line;              /* 0 when unknown */
    char source_line[160]; /* the text of that line; empty when unknown */
};

struct ve_generation_options {
    const char *tenant;        /* "default" */
    const char *dir;           /* the scripts folder */
    const char *main_file;     /* file name within it: "main.lua" */
    struct ve_str main_source; /* instead of reading the file, when ptr is not NULL */
    uint64_t number;           /* monotone per tenant */
    ve_open_core_fn open_core;
    void *context;
};

struct ve_generation;

/* Loads and validates; any thread. On failure *error says why and nothing is made. */
int ve_generation_build(struct ve_generation **out, const struct ve_generation_options *options,
                        struct ve_load_error *error);
void ve_generation_ref(struct ve_generation *generation);
/* The last reference frees it with its shards; no task may be left in them. NULL is allowed. */
void ve_generation_unref(struct ve_generation *generation);
uint64_t ve_generation_number(const struct ve_generation *generation);
const char *ve_generation_tenant(const struct ve_generation *generation);
/* SHA-free hash of all sources: equal hashes mean the same scripts (for the journal). */
uint64_t ve_generation_hash(const struct ve_generation *generation);

/* A shard with room for one more call, or NULL: then make one. Loop thread. */
struct ve_shard *ve_generation_shard(struct ve_generation *generation);
/* How many more calls fit before a new shard is needed. */
unsigned ve_generation_room(const struct ve_generation *generation);
/* Makes another shard from the kept sources (any thread), and adds it (loop thread). */
int ve_generation_make_shard(struct ve_generation *generation, struct ve_shard **out,
                             struct ve_load_error *error);
void ve_generation_add_shard(struct ve_generation *generation, struct ve_shard *shard);
/* From now on the shards belong to the loop's thread and run tasks. */
void ve_generation_adopt(struct ve_generation *generation, struct ve_scheduler *scheduler);
/* Has the script this handler? */
bool ve_generation_has(const struct ve_generation *generation, const char *handler);

/* For `require`: text of a module's file, and its chunk name "@main.lua" (also set on failure).
 * While building, files are read from disk once; afterwards only what was kept is found. */
int ve_generation_source(struct ve_generation *generation, const char *module,
                         struct ve_str *source, char chunk[static 320]);

#endif
