/*
 * script/tenant.h - a tenant's scripts through time: which generation is current, and how the next
 * one comes.
 *
 * A save builds the next generation aside on the loader's thread and swaps one pointer; a refusal
 * keeps the old one and says why. Calls hold the generation that they began with.
 */
#ifndef VE_SCRIPT_TENANT_H
#define VE_SCRIPT_TENANT_H

#include "script/generation.h"
#include "script/task.h"

struct ve_tenant;

struct ve_tenant_options {
    const char *id;            /* "default" */
    const char *dir;           /* scripts folder */
    const char *main_file;     /* "main.lua" */
    struct ve_str main_source; /* instead of the file, when ptr is not NULL */
    struct ve_loop *loop;
    struct ve_scheduler *scheduler;
    const struct ve_log *log;
    ve_open_core_fn open_core;
    void *context;
    uint64_t quiet_ns; /* after the last save of a burst; 0: do not watch the folder */
};

/* How a reload ended: 0 and the new number, or an error and why (the old one stays). */
typedef void (*ve_reloaded_fn)(void *arg, int err, uint64_t number,
                               const struct ve_load_error *why);

/* Loads the first generation at once (the engine is starting). */
int ve_tenant_new(struct ve_tenant **out, const struct ve_tenant_options *options,
                  struct ve_load_error *error);
/* No task may be left. A load that is under way is waited for by the loop's freeing. */
void ve_tenant_free(struct ve_tenant *tenant);
const char *ve_tenant_id(const struct ve_tenant *tenant);
struct ve_generation *ve_tenant_current(struct ve_tenant *tenant);

/* Loads the files as they are now. While a load is under way another one follows it. `done` may be
 * NULL. */
void ve_tenant_reload(struct ve_tenant *tenant, ve_reloaded_fn done, void *arg);

/* A shard of the current generation with room for one more call: holds the generation and counts
 * the call until it is given back. VE_ENOMEM, VE_EFAILED. */
int ve_tenant_take(struct ve_tenant *tenant, struct ve_shard **out);
void ve_tenant_give_back(struct ve_shard *shard);

#endif
