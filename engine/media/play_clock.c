#include "audio/level.h"
#include "base/alloc.h"
#include "base/err.h"
#include "media/playout_inside.h"

#define LOOK_BACK (400 * VE_MS) /* over which the loudest level is told */

/* --- what is in flight ---------------------------------------------------------------------------
 */

static struct ve_run *run_at(struct ve_playout *p, unsigned index)
{
    return &p->runs[(p->run_first + index) % VE_RUNS];
}

static void add_run(struct ve_playout *p, uint64_t id, bool speech, uint64_t count)
{
    struct ve_run *last = p->run_count ? run_at(p, p->run_count - 1) : NULL;
    if (last && last->id == id && last->speech == speech) {
        last->count += count;
        return;
    }
    *run_at(p, p->run_count++) = (struct ve_run){id, count, speech};
}

bool ve_playout_may_send(const struct ve_playout *p)
{
    return p->run_count + VE_PLAYOUT_SEGMENTS_MAX + 2 <= VE_RUNS;
}

bool ve_playout_speaks(const struct ve_playout *p)
{
    for (unsigned i = 0; i < p->run_count; i++) {
        if (p->runs[(p->run_first + i) % VE_RUNS].speech)
            return true;
    }
    return false;
}

/* --- what was heard ------------------------------------------------------------------------------
 */

static void tell_taps(struct ve_playout *p, uint64_t count)
{
    uint64_t at = p->stretch_at + ve_playout_ns(p, p->played_total - p->stretch_pos);
    uint64_t position = p->played_total;
    while (count && !ve_list_empty(&p->taps)) {
        size_t offset = (size_t)(position % p->recent_cap);
        size_t n = p->recent_cap - offset < count ? p->recent_cap - offset : (size_t)count;
        VE_LIST_EACH(&p->taps, it)
        {
            struct ve_heard_tap *tap = VE_CONTAINER(it, struct ve_heard_tap, link);
            tap->heard(tap->arg, p->recent + offset, n, p->config.rate, at);
        }
        at += ve_playout_ns(p, n);
        position += n;
        count -= n;
    }
}

/* Credits newly heard samples to the segments that they were of. */
static void credit(struct ve_playout *p, uint64_t heard)
{
    while (heard && p->run_count) {
        struct ve_run *run = run_at(p, 0);
        uint64_t n = run->count < heard ? run->count : heard;
        struct ve_segment *segment = run->id ? ve_segment_find(p, run->id) : NULL;
        if (segment) {
            segment->played += n;
            ve_fifo_drop(&segment->fifo, segment->played);
        }
        heard -= n;
        run->count -= n;
        if (!run->count) {
            p->run_first = (p->run_first + 1) % VE_RUNS;
            p->run_count--;
        }
    }
}

static void end_complete(struct ve_playout *p)
{
    VE_LIST_EACH(&p->segments, it)
    {
        struct ve_segment *segment = ve_segment_of(it);
        if (segment->held)
            continue;
        if (!segment->finished || segment->played != segment->fifo.end)
            return;
        ve_segment_end(p, segment, segment->err ? VE_SEGMENT_FAILED : VE_SEGMENT_PLAYED);
    }
}

void ve_playout_advance(struct ve_playout *p)
{
    uint64_t played = p->sent_total;
    if (ve_playout_outstanding(p)) {
        played = p->stretch_pos + ve_playout_samples(p, ve_loop_now(p->loop) - p->stretch_at);
        if (played > p->sent_total)
            played = p->sent_total;
    }
    uint64_t heard = played > p->played_total ? played - p->played_total : 0;
    tell_taps(p, heard);
    p->played_total += heard;
    credit(p, heard);
    end_complete(p);
}

/* --- sending -------------------------------------------------------------------------------------
 */

static void note_levels(struct ve_playout *p, const int16_t *samples, size_t count,
                        uint64_t heard_at)
{
    size_t step = (size_t)p->config.rate * VE_LEVEL_MS / 1000;
    for (size_t at = 0; at < count; at += step) {
        size_t n = count - at < step ? count - at : step;
        uint64_t pos = p->sent_total + at;
        size_t slot = (size_t)(pos / step) % VE_LEVELS;
        p->level[slot] = ve_level_rms(samples + at, n);
        p->level_at[slot] = heard_at + ve_playout_ns(p, at);
    }
}

static void keep_recent(struct ve_playout *p, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        p->recent[(p->sent_total + i) % p->recent_cap] = samples[i];
}

uint64_t ve_playout_sent(struct ve_playout *p, uint64_t id, bool speech, const int16_t *samples,
                         size_t count)
{
    uint64_t now = ve_loop_now(p->loop);
    if (!ve_playout_outstanding(p)) {
        p->stretch_at = now;
        p->stretch_pos = p->sent_total;
    }
    uint64_t heard_at = now + ve_playout_ns(p, ve_playout_outstanding(p));
    note_levels(p, samples, count, heard_at);
    if (p->recent)
        keep_recent(p, samples, count);
    p->sent_total += count;
    add_run(p, id, speech, count);
    return heard_at;
}

bool ve_playout_take_back(struct ve_playout *p)
{
    ve_playout_advance(p);
    bool speech = ve_playout_speaks(p);
    /* The bed goes on; a peer that cannot drop what it has will play it to the end. */
    if (!ve_playout_outstanding(p) || (p->attached && (!p->sink.clear || !speech)))
        return false;
    if (p->attached)
        p->sink.clear(p->sink.arg);
    VE_LIST_EACH(&p->segments, it)
    {
        ve_segment_of(it)->sent = ve_segment_of(it)->played;
    }
    for (int i = 0; i < VE_LEVELS; i++)
        p->level[i] = p->level_at[i] < ve_loop_now(p->loop) ? p->level[i] : 0.0f;
    p->sent_total = p->played_total;
    p->run_count = 0;
    p->fade = true;
    return speech;
}

/* By the clock and not by what was played: an agent that has long been silent has no echo. */
float ve_playout_level(const struct ve_playout *p)
{
    uint64_t now = ve_loop_now(p->loop);
    float loudest = -120.0f;
    for (int i = 0; i < VE_LEVELS; i++) {
        bool heard =
            p->level[i] < 0.0f && p->level_at[i] < now && p->level_at[i] + LOOK_BACK >= now;
        if (heard && p->level[i] > loudest)
            loudest = p->level[i];
    }
    return loudest;
}

/* --- those who hear it ---------------------------------------------------------------------------
 */

int ve_playout_tap(struct ve_playout *p, struct ve_heard_tap *tap)
{
    if (!p->recent) {
        /* As much as can ever be in flight. */
        p->recent_cap = (size_t)ve_playout_samples(p, VE_PLAYOUT_LEAD + 200 * VE_MS) + VE_CHUNK_MAX;
        p->recent = ve_alloc(p->recent_cap * sizeof(p->recent[0]));
        if (!p->recent)
            return VE_ENOMEM;
    }
    ve_list_push(&p->taps, &tap->link);
    return 0;
}

void ve_heard_tap_close(struct ve_heard_tap *tap)
{
    if (tap->link.next)
        ve_link_remove(&tap->link);
}
