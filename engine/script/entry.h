/*
 * script/entry.h - how the engine enters a script: by a function of lualib/voice/runtime.lua.
 */
#ifndef VE_SCRIPT_ENTRY_H
#define VE_SCRIPT_ENTRY_H

#include "script/shard.h"
#include "script/task.h"

/* Starts a task in options->shard for runtime[entry](args...). VE_ENOMEM, VE_EBUSY. */
int ve_entry_start(const char *entry, const struct ve_value *args, size_t count,
                   struct ve_task_options *options, struct ve_task **out);

#endif
