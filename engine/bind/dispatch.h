/*
 * bind/dispatch.h - what happens on calls becomes tasks of scripts.
 *
 * The call sink of the engine: a call that starts runs `on_call` in a shard of the tenant's current
 * generation; an event runs the handler of its name; what a handler raises is logged with its
 * traceback and the caller hears the apology.
 */
#ifndef VE_BIND_DISPATCH_H
#define VE_BIND_DISPATCH_H

#include "bind/bind.h"
#include "bind/errand.h"
#include "script/tenant.h"

struct ve_dispatch;

int ve_dispatch_new(struct ve_dispatch **out, struct ve_loop *loop, const struct ve_log *log);
/* The calls must have been freed. */
void ve_dispatch_free(struct ve_dispatch *dispatch);
/* All calls go to this tenant (routing by number comes with several tenants). Borrowed. */
void ve_dispatch_set_tenant(struct ve_dispatch *dispatch, struct ve_tenant *tenant);
/* Whose script handles the event; NULL: nobody's. */
struct ve_tenant *ve_dispatch_tenant(struct ve_dispatch *dispatch, const struct ve_event *event);
struct ve_call_sink ve_dispatch_sink(struct ve_dispatch *dispatch);
/* Whom to tell that an event with an inbox_id needs no handling any more: its handler is over, or
 * there is none. */
void ve_dispatch_on_finished(struct ve_dispatch *dispatch,
                             void (*finished)(void *arg, int64_t inbox_id), void *arg);
/* Runs `runtime[entry](args...)` in the newest script for something that is not a call's; `handler`
 * names it in logs. `over` comes once when the task has ended, and not when the dispatcher is freed
 * before. VE_EBUSY: too much is running. */
int ve_dispatch_run(struct ve_dispatch *dispatch, const char *entry, const char *handler,
                    const struct ve_value *args, size_t count, int64_t origin,
                    void (*over)(void *arg, const struct ve_errand *errand), void *arg);
/* Handlers that are running without a call. */
unsigned ve_dispatch_events(const struct ve_dispatch *dispatch);

#endif
