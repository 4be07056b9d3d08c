#include "store/inside.h"

#include <stdlib.h>
#include <string.h>

void ve_samples_add(struct ve_samples *samples, uint64_t value)
{
    samples->value[samples->count++ % VE_SAMPLES] =
        value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The values in ascending order; returns how many there are. */
static size_t sorted(const struct ve_samples *samples, uint32_t out[static VE_SAMPLES])
{
    size_t count = samples->count < VE_SAMPLES ? (size_t)samples->count : VE_SAMPLES;
    memcpy(out, samples->value, count * sizeof(out[0]));
    qsort(out, count, sizeof(out[0]), compare);
    return count;
}

static uint32_t percentile(const uint32_t *values, size_t count, unsigned percent)
{
    return count ? values[(count - 1) * percent / 100] : 0;
}

void ve_store_stats(const struct ve_store *store, struct ve_store_stats *out)
{
    uint32_t values[VE_SAMPLES];
    const int64_t *count = store->count;
    *out = (struct ve_store_stats){
        .queue = store->depth,
        .queue_bytes = store->bytes,
        .operations = store->operations,
        .refused = store->refused,
        .commits = store->commits,
        .failures = store->failures,
        .checkpoints = store->checkpoints,
        .wal_pages = store->wal_pages,
        .inbox_rows = (uint64_t)count[VE_COUNT_INBOX],
        .inbox_bytes = (uint64_t)count[VE_COUNT_INBOX_BYTES],
        .inbox_expired = (uint64_t)count[VE_COUNT_INBOX_EXPIRED],
        .seen_rows = (uint64_t)count[VE_COUNT_SEEN],
        .outbox_pending = (uint64_t)count[VE_COUNT_PENDING],
        .outbox_trying = (uint64_t)count[VE_COUNT_TRYING],
        .outbox_unknown = (uint64_t)count[VE_COUNT_UNKNOWN],
        .outbox_dead = (uint64_t)count[VE_COUNT_DEAD],
        .dead_dropped = (uint64_t)count[VE_COUNT_DEAD_DROPPED],
        .followups = (uint64_t)count[VE_COUNT_FOLLOWUPS],
        .kv_rows = (uint64_t)count[VE_COUNT_KV],
        .history_rows = (uint64_t)count[VE_COUNT_HISTORY],
    };
    size_t n = sorted(&store->commit_us, values);
    out->commit_p50_us = percentile(values, n, 50);
    out->commit_p99_us = percentile(values, n, 99);
    out->commit_max_us = percentile(values, n, 100);
    n = sorted(&store->batch_size, values);
    out->batch_p50 = percentile(values, n, 50);
    out->batch_max = percentile(values, n, 100);
}

int64_t ve_store_last_id(const struct ve_store *store)
{
    return store->count[VE_COUNT_SERIAL];
}

const char *ve_store_state_name(enum ve_store_state state)
{
    static const char *const names[VE_STORE_STATES] = {"opening", "ok",      "full",   "read_only",
                                                       "failing", "damaged", "refused"};
    return state < VE_STORE_STATES ? names[state] : "";
}

void ve_store_health(const struct ve_store *store, struct ve_store_health *out)
{
    *out = store->health;
}

static void log_change(struct ve_store *store, enum ve_store_state before)
{
    const struct ve_store_health *health = &store->health;
    if (health->state == VE_STORE_OK && before != VE_STORE_OPENING)
        ve_log_event(store->log, VE_LOG_INFO, "store_recovered", ve_fmsg("Events are stored again"),
                     ve_ftext("before", ve_store_state_name(before)));
    else if (health->state != VE_STORE_OK && health->state != VE_STORE_REFUSED)
        ve_log_event(store->log, VE_LOG_ERROR, "store_failing",
                     ve_fmsg("Nothing can be stored: webhooks are answered 503"),
                     ve_ftext("state", ve_store_state_name(health->state)),
                     ve_ftext("error", health->last_error));
}

void ve_health_note(struct ve_store *store, enum ve_store_state state, const char *why)
{
    struct ve_store_health *health = &store->health;
    enum ve_store_state before = health->state;
    int64_t now = ve_loop_wall_ms(store->loop);
    if (state != VE_STORE_OK) {
        health->last_error_ms = now;
        (void)ve_str_copy(health->last_error, sizeof(health->last_error), ve_str(why));
    }
    if (state == before)
        return;
    health->state = state;
    health->since_ms = now;
    log_change(store, before);
}
