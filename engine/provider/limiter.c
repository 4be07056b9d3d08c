#include "provider/limiter.h"

#include "base/alloc.h"
#include "base/err.h"
#include "loop/timer.h"

#include <math.h>

struct bucket {
    struct ve_link link; /* in limiter->buckets, the latest used first */
    struct ve_limiter *limiter;
    char name[VE_LIMITER_NAME_MAX];
    double rate; /* a second */
    double burst;
    double tokens;
    uint64_t at; /* ns, when `tokens` was right */
    struct ve_link waiting;
    struct ve_timer timer;
};

struct ve_limiter {
    struct ve_loop *loop;
    struct ve_link buckets;
    unsigned count;
};

int ve_limiter_new(struct ve_limiter **out, struct ve_loop *loop)
{
    struct ve_limiter *limiter = ve_alloc(sizeof(*limiter));
    if (!limiter)
        return VE_ENOMEM;
    limiter->loop = loop;
    ve_link_init(&limiter->buckets);
    *out = limiter;
    return 0;
}

static void free_bucket(struct bucket *bucket)
{
    VE_LIST_EACH(&bucket->waiting, it)
    {
        ve_link_remove(it);
    }
    ve_timer_stop(&bucket->timer);
    ve_link_remove(&bucket->link);
    bucket->limiter->count--;
    ve_free(bucket);
}

void ve_limiter_free(struct ve_limiter *limiter)
{
    if (!limiter)
        return;
    VE_LIST_EACH(&limiter->buckets, it)
    {
        free_bucket(VE_CONTAINER(it, struct bucket, link));
    }
    ve_free(limiter);
}

static void refill(struct bucket *bucket)
{
    uint64_t now = ve_loop_now(bucket->limiter->loop);
    bucket->tokens += (double)(now - bucket->at) / 1e9 * bucket->rate;
    if (bucket->tokens > bucket->burst)
        bucket->tokens = bucket->burst;
    bucket->at = now;
}

/* ns until the bucket holds a token for the n-th in the queue, from 1 */
static uint64_t delay(const struct bucket *bucket, unsigned n)
{
    double missing = (double)n - bucket->tokens;
    return missing <= 0 ? 0 : (uint64_t)ceil(missing / bucket->rate * 1e9);
}

/* Lets the first go; the others in steps of their own. */
static void on_timer(void *arg)
{
    struct bucket *bucket = arg;
    refill(bucket);
    if (ve_list_empty(&bucket->waiting))
        return;
    uint64_t left = delay(bucket, 1);
    if (left) {
        ve_timer_start(&bucket->timer, left);
        return;
    }
    struct ve_limiter_wait *wait = VE_CONTAINER(bucket->waiting.next, struct ve_limiter_wait, link);
    ve_link_remove(&wait->link);
    bucket->tokens -= 1;
    if (!ve_list_empty(&bucket->waiting))
        ve_timer_start(&bucket->timer, delay(bucket, 1));
    wait->go(wait->arg);
}

/* A bucket that is full again and at which nobody waits says nothing that a new one would not. */
static struct bucket *idle_bucket(struct ve_limiter *limiter)
{
    struct bucket *found = NULL;
    VE_LIST_EACH(&limiter->buckets, it)
    {
        struct bucket *bucket = VE_CONTAINER(it, struct bucket, link);
        refill(bucket);
        if (ve_list_empty(&bucket->waiting) && bucket->tokens >= bucket->burst)
            found = bucket; /* the last one is the one unused for longest */
    }
    return found;
}

static void use_now(struct bucket *bucket)
{
    ve_list_push(bucket->limiter->buckets.next, &bucket->link);
}

static int bucket_of(struct ve_limiter *limiter, struct ve_str name, double burst,
                     struct bucket **out)
{
    VE_LIST_EACH(&limiter->buckets, it)
    {
        struct bucket *bucket = VE_CONTAINER(it, struct bucket, link);
        if (ve_str_eq(ve_str(bucket->name), name)) {
            ve_link_remove(it);
            use_now(bucket);
            *out = bucket;
            return 0;
        }
    }
    if (limiter->count >= VE_LIMITER_NAMES_MAX) {
        struct bucket *idle = idle_bucket(limiter);
        if (!idle)
            return VE_EBUSY;
        free_bucket(idle);
    }
    struct bucket *bucket = ve_alloc(sizeof(*bucket));
    if (!bucket)
        return VE_ENOMEM;
    bucket->limiter = limiter;
    ve_str_copy(bucket->name, sizeof(bucket->name), name);
    bucket->burst = burst;
    bucket->tokens = burst;
    bucket->at = ve_loop_now(limiter->loop);
    ve_link_init(&bucket->waiting);
    ve_timer_init(&bucket->timer, limiter->loop, on_timer, bucket);
    use_now(bucket);
    limiter->count++;
    *out = bucket;
    return 0;
}

/* Who was cancelled has left the list without a word. */
static unsigned count_waiting(const struct bucket *bucket)
{
    unsigned n = 0;
    VE_LIST_EACH(&bucket->waiting, it)
    {
        n++;
    }
    return n;
}

int ve_limiter_ask(struct ve_limiter *limiter, struct ve_str name, double rate, double burst,
                   uint64_t max_wait, struct ve_limiter_wait *wait)
{
    struct bucket *bucket;
    if (!(rate > 0 && rate <= 1e6) || !(burst >= 1 && burst <= 1e6) || !name.len ||
        name.len >= VE_LIMITER_NAME_MAX)
        return VE_EINVAL;
    int err = bucket_of(limiter, name, burst, &bucket);
    if (err)
        return err;
    refill(bucket);
    bucket->rate = rate;
    bucket->burst = burst;
    unsigned before = count_waiting(bucket);
    if (before >= VE_LIMITER_QUEUE_MAX || delay(bucket, before + 1) > max_wait)
        return VE_EBUSY;
    ve_list_push(&bucket->waiting, &wait->link);
    if (!before)
        ve_timer_start(&bucket->timer, delay(bucket, 1));
    return 0;
}

void ve_limiter_cancel(struct ve_limiter_wait *wait)
{
    if (wait->link.next)
        ve_link_remove(&wait->link);
}
