#include "loop/job.h"

#include "base/alloc.h"
#include "base/err.h"
#include "loop/driver.h"

#include <unistd.h>

#define LANE_THREADS_MAX 16

struct lane {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct ve_link ready; /* jobs that may run now; guarded by lock */
    bool closing;         /* guarded by lock */
    unsigned depth;       /* jobs not yet done; the loop's thread only */
    unsigned threads;     /* started; the loop's thread only */
    pthread_t thread[LANE_THREADS_MAX];
};

struct ve_job_threads {
    struct lane lane[VE_LANES];
};

void ve_strand_init(struct ve_strand *strand)
{
    *strand = (struct ve_strand){.busy = false};
    ve_link_init(&strand->waiting);
}

static void finish_on_loop(struct ve_post *post)
{
    struct ve_job *job = VE_CONTAINER(post, struct ve_job, post);
    if (job->loop->jobs)
        job->loop->jobs->lane[job->lane].depth--;
    job->done(job);
}

/* Under the lane's lock: the strand's next job, if any, becomes ready. */
static void release_strand(struct lane *lane, struct ve_strand *strand)
{
    if (!strand)
        return;
    struct ve_link *next = ve_list_shift(&strand->waiting);
    if (next) {
        ve_list_push(&lane->ready, next);
        pthread_cond_signal(&lane->wake);
    } else {
        strand->busy = false;
    }
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    pthread_mutex_lock(&lane->lock);
    for (;;) {
        struct ve_link *link = ve_list_shift(&lane->ready);
        if (!link) {
            if (lane->closing)
                break;
            pthread_cond_wait(&lane->wake, &lane->lock);
            continue;
        }
        struct ve_job *job = VE_CONTAINER(link, struct ve_job, link);
        bool skip = lane->closing || atomic_load(&job->stop);
        pthread_mutex_unlock(&lane->lock);
        job->canceled = skip;
        if (!skip)
            job->work(job);
        pthread_mutex_lock(&lane->lock);
        release_strand(lane, job->strand);
        /* After this post the job's memory may go. */
        ve_loop_post(job->loop, &job->post);
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

static unsigned lane_size(enum ve_lane lane)
{
    if (lane != VE_LANE_SPEECH)
        return 1;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores <= 2)
        return 1;
    return cores - 1 > LANE_THREADS_MAX ? LANE_THREADS_MAX : (unsigned)(cores - 1);
}

static int start_threads(struct lane *lane, enum ve_lane kind)
{
    for (unsigned wanted = lane_size(kind); lane->threads < wanted; lane->threads++) {
        if (pthread_create(&lane->thread[lane->threads], NULL, lane_main, lane) != 0)
            break;
    }
    return lane->threads ? 0 : VE_EIO;
}

static int make_lanes(struct ve_loop *loop)
{
    if (loop->jobs)
        return 0;
    loop->jobs = ve_alloc(sizeof(*loop->jobs));
    if (!loop->jobs)
        return VE_ENOMEM;
    for (int i = 0; i < VE_LANES; i++) {
        struct lane *lane = &loop->jobs->lane[i];
        pthread_mutex_init(&lane->lock, NULL);
        pthread_cond_init(&lane->wake, NULL);
        ve_link_init(&lane->ready);
    }
    return 0;
}

static int submit_live(struct ve_loop *loop, struct ve_job *job)
{
    int err = make_lanes(loop);
    if (err)
        return err;
    struct lane *lane = &loop->jobs->lane[job->lane];
    err = lane->threads ? 0 : start_threads(lane, job->lane);
    if (err)
        return err;
    pthread_mutex_lock(&lane->lock);
    lane->depth++;
    if (job->strand && job->strand->busy) {
        ve_list_push(&job->strand->waiting, &job->link);
    } else {
        if (job->strand)
            job->strand->busy = true;
        ve_list_push(&lane->ready, &job->link);
        pthread_cond_signal(&lane->wake);
    }
    pthread_mutex_unlock(&lane->lock);
    return 0;
}

/* The work is done at once; what takes its time is the answer. A strand's answers keep their order,
 * whatever each of them costs. */
static void submit_sim(struct ve_loop *loop, struct ve_job *job)
{
    struct ve_strand *strand = job->strand;
    uint64_t begin = strand && strand->sim_until > loop->now ? strand->sim_until : loop->now;
    uint64_t end = begin + job->sim_cost;
    if (strand)
        strand->sim_until = end;
    job->work(job);
    ve_sim_post_after(loop, &job->post, end - loop->now);
}

int ve_job_submit(struct ve_loop *loop, enum ve_lane lane, struct ve_strand *strand,
                  struct ve_job *job)
{
    if (loop->freeing)
        return VE_EGONE;
    job->lane = lane;
    job->loop = loop;
    job->strand = strand;
    job->canceled = false;
    atomic_init(&job->stop, false);
    ve_link_init(&job->link);
    job->post.fn = finish_on_loop;
    if (!ve_loop_is_sim(loop))
        return submit_live(loop, job);
    submit_sim(loop, job);
    return 0;
}

void ve_job_cancel(struct ve_job *job)
{
    atomic_store(&job->stop, true);
}

unsigned ve_job_depth(const struct ve_loop *loop, enum ve_lane lane)
{
    return loop->jobs ? loop->jobs->lane[lane].depth : 0;
}

void ve_job_threads_free(struct ve_loop *loop)
{
    if (!loop->jobs)
        return;
    for (int i = 0; i < VE_LANES; i++) {
        struct lane *lane = &loop->jobs->lane[i];
        pthread_mutex_lock(&lane->lock);
        lane->closing = true;
        pthread_cond_broadcast(&lane->wake);
        pthread_mutex_unlock(&lane->lock);
        for (unsigned t = 0; t < lane->threads; t++)
            pthread_join(lane->thread[t], NULL);
    }
    while (ve_loop_run_post(loop)) {
    }
    for (int i = 0; i < VE_LANES; i++) {
        pthread_mutex_destroy(&loop->jobs->lane[i].lock);
        pthread_cond_destroy(&loop->jobs->lane[i].wake);
    }
    ve_free(loop->jobs);
    loop->jobs = NULL;
}
