#include "script/tenant.h"

#include "base/alloc.h"
#include "base/err.h"
#include "loop/job.h"
#include "loop/watch.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A new shard is begun when so few calls fit into those that are there. */
#define ROOM_LOW 16

struct waiter {
    struct ve_link link;
    ve_reloaded_fn done;
    void *arg;
};

struct ve_tenant {
    struct ve_tenant_options options;
    char id[64];
    char dir[PATH_MAX];
    char main_file[256];
    struct ve_generation *current; /* a reference */
    uint64_t next_number;
    struct ve_watch *watch; /* owned; NULL when not watching */
    /* the load under way */
    struct ve_job load;
    bool loading;
    bool again;             /* saved meanwhile */
    struct ve_link waiting; /* for the load under way */
    struct ve_link later;   /* for the one after it */
    struct ve_generation *loaded;
    struct ve_load_error error;
    int err;
    /* another shard for the current generation */
    struct ve_job grow;
    bool growing;
    struct ve_generation *growing_generation; /* a reference */
    struct ve_shard *grown;
    bool freed; /* by its owner: goes when the jobs are back */
};

static struct ve_generation_options generation_options(struct ve_tenant *tenant)
{
    return (struct ve_generation_options){
        .tenant = tenant->id,
        .dir = tenant->dir,
        .main_file = tenant->main_file,
        .main_source = tenant->options.main_source,
        .number = tenant->next_number,
        .open_core = tenant->options.open_core,
        .context = tenant->options.context,
    };
}

static void free_waiters(struct ve_link *list)
{
    VE_LIST_EACH(list, it)
    {
        ve_link_remove(it);
        ve_free(VE_CONTAINER(it, struct waiter, link));
    }
}

static bool free_if_idle(struct ve_tenant *tenant)
{
    if (!tenant->freed || tenant->loading || tenant->growing)
        return false;
    free_waiters(&tenant->waiting);
    free_waiters(&tenant->later);
    ve_generation_unref(tenant->current);
    ve_free(tenant);
    return true;
}

/* --- reloading -------------------------------------------------------------------------------- */

static void log_refusal(struct ve_tenant *tenant)
{
    const struct ve_load_error *error = &tenant->error;
    ve_log_event(tenant->options.log, VE_LOG_ERROR, "reload_refused",
                 ve_fmsg("The saved script was refused; calls go on with the one before"),
                 ve_ftext("tenant", tenant->id), ve_ftext("error", error->message),
                 ve_ftext("file", error->file), ve_fi64("line", error->line),
                 ve_ftext("source", error->source_line));
}

static void swap_in(struct ve_tenant *tenant, struct ve_generation *next)
{
    ve_generation_adopt(next, tenant->options.scheduler);
    ve_generation_unref(tenant->current);
    tenant->current = next;
    ve_log_event(tenant->options.log, VE_LOG_INFO, "scripts_loaded",
                 ve_fmsg("The next call runs the saved script"), ve_ftext("tenant", tenant->id),
                 ve_fu64("generation", ve_generation_number(next)));
}

static void tell_waiting(struct ve_tenant *tenant)
{
    for (struct ve_link *link = ve_list_shift(&tenant->waiting); link;
         link = ve_list_shift(&tenant->waiting)) {
        struct waiter *waiter = VE_CONTAINER(link, struct waiter, link);
        waiter->done(waiter->arg, tenant->err,
                     tenant->current ? ve_generation_number(tenant->current) : 0,
                     tenant->err ? &tenant->error : NULL);
        ve_free(waiter);
    }
}

static void load_work(struct ve_job *job)
{
    struct ve_tenant *tenant = VE_CONTAINER(job, struct ve_tenant, load);
    struct ve_generation_options options = generation_options(tenant);
    tenant->loaded = NULL;
    tenant->err = ve_generation_build(&tenant->loaded, &options, &tenant->error);
}

static void start_load(struct ve_tenant *tenant);

static void load_done(struct ve_job *job)
{
    struct ve_tenant *tenant = VE_CONTAINER(job, struct ve_tenant, load);
    tenant->loading = false;
    if (job->canceled)
        tenant->err = VE_ECANCELED;
    if (tenant->freed) {
        ve_generation_unref(job->canceled ? NULL : tenant->loaded);
        (void)free_if_idle(tenant);
        return;
    }
    if (tenant->err)
        log_refusal(tenant);
    else
        swap_in(tenant, tenant->loaded);
    tell_waiting(tenant);
    if (tenant->again)
        start_load(tenant);
}

static void start_load(struct ve_tenant *tenant)
{
    tenant->again = false;
    for (struct ve_link *link = ve_list_shift(&tenant->later); link;
         link = ve_list_shift(&tenant->later))
        ve_list_push(&tenant->waiting, link);
    tenant->next_number++;
    tenant->load.work = load_work;
    tenant->load.done = load_done;
    tenant->load.sim_cost = 5 * VE_MS;
    tenant->loading = true;
    int err = ve_job_submit(tenant->options.loop, VE_LANE_LOADER, NULL, &tenant->load);
    if (!err)
        return;
    tenant->loading = false;
    tenant->err = err;
    (void)snprintf(tenant->error.message, sizeof(tenant->error.message),
                   "the loader could not be started: %s", ve_err_name(err));
    log_refusal(tenant);
    tell_waiting(tenant);
}

void ve_tenant_reload(struct ve_tenant *tenant, ve_reloaded_fn done, void *arg)
{
    struct waiter *waiter = done ? ve_alloc(sizeof(*waiter)) : NULL;
    if (waiter) {
        waiter->done = done;
        waiter->arg = arg;
        ve_list_push(&tenant->later, &waiter->link);
    } else if (done) {
        done(arg, VE_ENOMEM, 0, NULL);
    }
    if (tenant->loading)
        tenant->again = true;
    else
        start_load(tenant);
}

static void on_saved(void *arg)
{
    ve_tenant_reload(arg, NULL, NULL);
}

/* --- shards ----------------------------------------------------------------------------------- */

static void grow_work(struct ve_job *job)
{
    struct ve_tenant *tenant = VE_CONTAINER(job, struct ve_tenant, grow);
    struct ve_load_error error;
    tenant->grown = NULL;
    (void)ve_generation_make_shard(tenant->growing_generation, &tenant->grown, &error);
}

static void grow_done(struct ve_job *job)
{
    struct ve_tenant *tenant = VE_CONTAINER(job, struct ve_tenant, grow);
    tenant->growing = false;
    if (!job->canceled && tenant->grown)
        ve_generation_add_shard(tenant->growing_generation, tenant->grown);
    ve_generation_unref(tenant->growing_generation);
    tenant->growing_generation = NULL;
    (void)free_if_idle(tenant);
}

static void grow_if_low(struct ve_tenant *tenant)
{
    if (tenant->growing || ve_generation_room(tenant->current) > ROOM_LOW)
        return;
    tenant->grow.work = grow_work;
    tenant->grow.done = grow_done;
    tenant->grow.sim_cost = 2 * VE_MS;
    tenant->growing_generation = tenant->current;
    ve_generation_ref(tenant->current);
    tenant->growing = true;
    if (ve_job_submit(tenant->options.loop, VE_LANE_LOADER, NULL, &tenant->grow) != 0) {
        ve_generation_unref(tenant->current);
        tenant->growing = false;
    }
}

int ve_tenant_take(struct ve_tenant *tenant, struct ve_shard **out)
{
    struct ve_shard *shard = ve_generation_shard(tenant->current);
    if (!shard) {
        /* Calls came faster than the loader: rather a slow start than none. */
        struct ve_load_error error;
        int err = ve_generation_make_shard(tenant->current, &shard, &error);
        if (err)
            return err;
        ve_generation_add_shard(tenant->current, shard);
    }
    shard->calls++;
    ve_generation_ref(shard->generation);
    grow_if_low(tenant);
    *out = shard;
    return 0;
}

void ve_tenant_give_back(struct ve_shard *shard)
{
    shard->calls--;
    ve_generation_unref(shard->generation);
}

/* --- the tenant ------------------------------------------------------------------------------- */

int ve_tenant_new(struct ve_tenant **out, const struct ve_tenant_options *options,
                  struct ve_load_error *error)
{
    struct ve_tenant *tenant = ve_alloc(sizeof(*tenant));
    if (!tenant)
        return VE_ENOMEM;
    tenant->options = *options;
    tenant->next_number = 1;
    ve_str_copy(tenant->id, sizeof(tenant->id), ve_str(options->id));
    ve_str_copy(tenant->dir, sizeof(tenant->dir), ve_str(options->dir));
    ve_str_copy(tenant->main_file, sizeof(tenant->main_file), ve_str(options->main_file));
    ve_link_init(&tenant->waiting);
    ve_link_init(&tenant->later);
    struct ve_generation_options generation = generation_options(tenant);
    int err = ve_generation_build(&tenant->current, &generation, error);
    if (!err) {
        ve_generation_adopt(tenant->current, options->scheduler);
        if (options->quiet_ns)
            err = ve_watch_new(&tenant->watch, options->loop, options->dir, options->quiet_ns,
                               on_saved, tenant);
        if (err)
            (void)snprintf(error->message, sizeof(error->message),
                           "the folder %s cannot be watched: %s", options->dir, ve_err_name(err));
    }
    if (err) {
        ve_tenant_free(tenant);
        return err;
    }
    *out = tenant;
    return 0;
}

void ve_tenant_free(struct ve_tenant *tenant)
{
    if (!tenant)
        return;
    ve_watch_free(tenant->watch);
    tenant->watch = NULL;
    tenant->freed = true;
    (void)free_if_idle(tenant);
}

const char *ve_tenant_id(const struct ve_tenant *tenant)
{
    return tenant->id;
}

struct ve_generation *ve_tenant_current(struct ve_tenant *tenant)
{
    return tenant->current;
}
