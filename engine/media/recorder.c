#include "media/recorder.h"

#include "audio/wav.h"
#include "base/alloc.h"
#include "base/err.h"
#include "loop/job.h"
#include "loop/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCKS_MAX 20 /* waiting for the disk: ten seconds */

struct ve_recorder {
    struct ve_loop *loop; /* borrowed */
    char path[PATH_MAX];
    uint32_t rate;
    unsigned channels;
    struct ve_strand strand;
    int fd;       /* the disk thread's; -1 before the first block */
    int err;      /* the disk thread's */
    uint64_t put; /* frames on disk; the disk thread's */
    struct block *filling;
    struct block *last; /* owned until close: closing must not need memory */
    unsigned waiting;   /* blocks */
    uint64_t lost;
    bool closed;
    bool canceled; /* the last block was not written: the engine ends */
    int abandoned; /* the last block could not be submitted: why */
    struct ve_timer gone;
    void (*done)(void *arg, const struct ve_recorder_result *result);
    void *arg;
};

struct block {
    struct ve_job job;
    struct ve_recorder *recorder;
    bool last;
    size_t count; /* frames */
    size_t cap;
    int16_t samples[];
};

/* --- on the disk thread --------------------------------------------------------------------------
 */

static int write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return VE_EIO;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_header(struct ve_recorder *recorder, uint64_t frames)
{
    uint8_t header[VE_WAV_HEADER];
    ve_wav_header(header, recorder->rate, recorder->channels, frames);
    if (lseek(recorder->fd, 0, SEEK_SET) != 0)
        return VE_EIO;
    return write_all(recorder->fd, header, sizeof(header));
}

static int open_file(struct ve_recorder *recorder)
{
    recorder->fd =
        open(recorder->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return recorder->fd < 0 ? VE_EIO : write_header(recorder, VE_WAV_STREAM);
}

static void block_work(struct ve_job *job)
{
    struct block *block = VE_CONTAINER(job, struct block, job);
    struct ve_recorder *recorder = block->recorder;
    if (!recorder->err && recorder->fd < 0)
        recorder->err = open_file(recorder);
    if (!recorder->err)
        recorder->err = write_all(recorder->fd, block->samples,
                                  block->count * recorder->channels * sizeof(int16_t));
    if (!recorder->err)
        recorder->put += block->count;
    if (!block->last)
        return;
    if (!recorder->err)
        recorder->err = write_header(recorder, recorder->put);
    if (recorder->fd >= 0 && close(recorder->fd) != 0 && !recorder->err)
        recorder->err = VE_EIO;
    recorder->fd = -1;
}

/* --- on the loop ------------------------------------------------------------------------------ */

static void finish(struct ve_recorder *recorder)
{
    struct ve_recorder_result result = {
        .err = recorder->err         ? recorder->err
               : recorder->abandoned ? recorder->abandoned
               : recorder->canceled  ? VE_ECANCELED
                                     : 0,
        .frames = recorder->put,
        .lost = recorder->lost,
    };
    if (recorder->fd >= 0)
        (void)close(recorder->fd);
    if (recorder->done)
        recorder->done(recorder->arg, &result);
    ve_free(recorder);
}

static void block_done(struct ve_job *job)
{
    struct block *block = VE_CONTAINER(job, struct block, job);
    struct ve_recorder *recorder = block->recorder;
    recorder->canceled = recorder->canceled || (block->last && job->canceled);
    recorder->waiting--;
    ve_free(block);
    if (recorder->closed && !recorder->waiting)
        finish(recorder);
}

static void on_gone(void *arg)
{
    finish(arg);
}

static struct block *new_block(struct ve_recorder *recorder, size_t cap)
{
    struct block *block = ve_alloc(sizeof(*block) + cap * recorder->channels * sizeof(int16_t));
    if (!block)
        return NULL;
    block->recorder = recorder;
    block->cap = cap;
    block->job.work = block_work;
    block->job.done = block_done;
    block->job.sim_cost = VE_MS;
    return block;
}

static int submit(struct ve_recorder *recorder, struct block *block)
{
    recorder->waiting++;
    int err = ve_job_submit(recorder->loop, VE_LANE_DISK, &recorder->strand, &block->job);
    if (err)
        recorder->waiting--;
    return err;
}

static void pass_on(struct ve_recorder *recorder)
{
    struct block *block = recorder->filling;
    recorder->filling = NULL;
    if (recorder->waiting >= BLOCKS_MAX || submit(recorder, block) != 0) {
        recorder->lost += block->count;
        ve_free(block);
    }
}

int ve_recorder_new(struct ve_recorder **out, struct ve_loop *loop, const char *path, uint32_t rate,
                    unsigned channels)
{
    if (rate < 8000 || rate > 48000 || channels < 1 || channels > 2)
        return VE_EINVAL;
    struct ve_recorder *recorder = ve_alloc(sizeof(*recorder));
    if (!recorder)
        return VE_ENOMEM;
    recorder->loop = loop;
    recorder->rate = rate;
    recorder->channels = channels;
    recorder->fd = -1;
    ve_strand_init(&recorder->strand);
    ve_timer_init(&recorder->gone, loop, on_gone, recorder);
    int err = ve_str_copy(recorder->path, sizeof(recorder->path), ve_str(path)) ? 0 : VE_ETOOBIG;
    if (!err) {
        recorder->last = new_block(recorder, 0);
        err = recorder->last ? 0 : VE_ENOMEM;
    }
    if (err) {
        ve_free(recorder);
        return err;
    }
    *out = recorder;
    return 0;
}

int ve_recorder_write(struct ve_recorder *recorder, const int16_t *frames, size_t count)
{
    while (count) {
        if (!recorder->filling)
            recorder->filling = new_block(recorder, recorder->rate / 2);
        struct block *block = recorder->filling;
        if (!block) {
            recorder->lost += count;
            return VE_ENOMEM;
        }
        size_t n = block->cap - block->count < count ? block->cap - block->count : count;
        memcpy(block->samples + block->count * recorder->channels, frames,
               n * recorder->channels * sizeof(*frames));
        block->count += n;
        frames += n * recorder->channels;
        count -= n;
        if (block->count == block->cap)
            pass_on(recorder);
    }
    return 0;
}

void ve_recorder_close(struct ve_recorder *recorder,
                       void (*done)(void *arg, const struct ve_recorder_result *result), void *arg)
{
    struct block *last = recorder->last;
    recorder->done = done;
    recorder->arg = arg;
    recorder->closed = true;
    recorder->last = NULL;
    if (recorder->filling)
        pass_on(recorder);
    last->last = true;
    int err = submit(recorder, last);
    if (!err)
        return;
    /* No thread, or the loop is being freed: what was submitted still refers to the recorder. */
    ve_free(last);
    recorder->abandoned = err;
    if (recorder->waiting)
        return;
    if (err == VE_EGONE)
        finish(recorder); /* no later step will come */
    else
        ve_timer_start(&recorder->gone, 0);
}

void ve_recorder_forget(struct ve_recorder *recorder)
{
    recorder->done = NULL;
}
