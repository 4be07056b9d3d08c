#include "bind/followups.h"

#include "base/alloc.h"
#include "base/err.h"
#include "store/followup.h"

#define RUNS_AT_ONCE 32
/* After the store, or the scripts, had no room. */
#define AGAIN VE_SECOND

struct ve_followups {
    struct ve_followups_config config;
    struct ve_link runs;
    unsigned busy; /* in the list */
    struct ve_timer timer;
    bool looking; /* the store is asked what is due */
    bool kicked;  /* meanwhile something has come */
    bool stopped;
    bool freed; /* only the look is still to come back */
};

struct run {
    struct ve_link link;
    struct ve_followups *followups; /* NULL: it has been freed */
    struct ve_timer again;          /* the store refused to delete it */
    bool asked;                     /* the store will call back */
    int64_t id;
};

static void look(struct ve_followups *followups);

static void drop(struct run *run)
{
    if (run->followups)
        run->followups->busy--;
    ve_timer_stop(&run->again);
    ve_link_remove(&run->link);
    ve_free(run);
}

static int64_t now_ms(const struct ve_followups *followups)
{
    return ve_loop_wall_ms(followups->config.loop);
}

/* --- the end of one --------------------------------------------------------------------------- */

static void on_deleted(void *arg, int err)
{
    struct run *run = arg;
    struct ve_followups *followups = run->followups;
    run->asked = false;
    if (followups && err && err != VE_ENOENT) {
        ve_timer_start(&run->again, AGAIN);
        return;
    }
    drop(run);
    if (followups)
        look(followups);
}

static void delete_it(void *arg)
{
    struct run *run = arg;
    struct ve_followups *followups = run->followups;
    int err =
        ve_followup_delete(followups->config.store, run->id, now_ms(followups), on_deleted, run);
    run->asked = !err;
    if (err)
        ve_timer_start(&run->again, AGAIN);
}

static void on_over(void *arg, const struct ve_errand *errand)
{
    (void)errand; /* what it raised is in the log; it would do so again */
    delete_it(arg);
}

/* --- those that are due ----------------------------------------------------------------------- */

static bool under_way(struct ve_followups *followups, int64_t id)
{
    VE_LIST_EACH(&followups->runs, it)
    {
        if (VE_CONTAINER(it, struct run, link)->id == id)
            return true;
    }
    return false;
}

static int begin(struct ve_followups *followups, const struct ve_followup *row)
{
    char handler[VE_STORE_NAME_MAX + 1];
    if (under_way(followups, row->id))
        return 0;
    struct run *run = ve_alloc(sizeof(*run));
    if (!run)
        return VE_ENOMEM;
    run->followups = followups;
    run->id = row->id;
    ve_timer_init(&run->again, followups->config.loop, delete_it, run);
    ve_list_push(&followups->runs, &run->link);
    followups->busy++;
    (void)ve_str_copy(handler, sizeof(handler), row->handler);
    struct ve_value args[] = {ve_vstr(row->handler), ve_vstr(row->data)};
    int err = ve_dispatch_run(followups->config.dispatch, "followup", handler, args, 2, row->id,
                              on_over, run);
    if (err)
        drop(run);
    return err;
}

static uint64_t until(const struct ve_followups *followups, int64_t due_ms)
{
    int64_t now = now_ms(followups);
    if (due_ms <= now)
        return 0;
    /* The wall clock may be set: it is looked at again after a minute. */
    int64_t wait = due_ms - now;
    return (uint64_t)(wait > 60000 ? 60000 : wait) * VE_MS;
}

static void on_due(void *arg, int err, const struct ve_followup_page *page)
{
    struct ve_followups *followups = arg;
    followups->looking = false;
    if (followups->freed) {
        ve_free(followups);
        return;
    }
    for (size_t i = 0; i < page->count && !err && !followups->stopped; i++)
        err = begin(followups, &page->rows[i]);
    if (followups->stopped)
        return;
    if (err)
        ve_timer_start(&followups->timer, AGAIN);
    else if (followups->kicked)
        look(followups);
    else if (page->next_due_ms != INT64_MAX)
        ve_timer_start(&followups->timer, until(followups, page->next_due_ms));
    /* With more that is due now: the end of a run looks again. */
}

static void look(struct ve_followups *followups)
{
    if (followups->stopped)
        return;
    if (followups->looking || followups->busy >= RUNS_AT_ONCE) {
        followups->kicked = true;
        return;
    }
    followups->kicked = false;
    int err = ve_followup_due(followups->config.store, now_ms(followups), RUNS_AT_ONCE, on_due,
                              followups);
    followups->looking = !err;
    if (err)
        ve_timer_start(&followups->timer, AGAIN);
}

static void on_timer(void *arg)
{
    look(arg);
}

/* --- the whole -------------------------------------------------------------------------------- */

int ve_followups_new(struct ve_followups **out, const struct ve_followups_config *config)
{
    struct ve_followups *followups = ve_alloc(sizeof(*followups));
    if (!followups)
        return VE_ENOMEM;
    followups->config = *config;
    ve_link_init(&followups->runs);
    ve_timer_init(&followups->timer, config->loop, on_timer, followups);
    *out = followups;
    return 0;
}

void ve_followups_free(struct ve_followups *followups)
{
    if (!followups)
        return;
    ve_followups_stop(followups);
    VE_LIST_EACH(&followups->runs, it)
    {
        struct run *run = VE_CONTAINER(it, struct run, link);
        ve_link_remove(&run->link);
        run->followups = NULL;
        if (!run->asked)
            drop(run);
    }
    if (followups->looking)
        followups->freed = true;
    else
        ve_free(followups);
}

void ve_followups_kick(struct ve_followups *followups)
{
    look(followups);
}

void ve_followups_stop(struct ve_followups *followups)
{
    followups->stopped = true;
    ve_timer_stop(&followups->timer);
}
