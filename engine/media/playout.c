#include "media/playout.h"

#include "audio/level.h"
#include "audio/mix.h"
#include "audio/resample.h"
#include "base/alloc.h"
#include "base/err.h"

/* A source that does not stop when asked is cut here: this much may wait unsent. */
#define SEGMENT_HARD_LIMIT (60 * VE_SECOND)
/* With less than this in flight a short piece is sent rather than a gap heard. */
#define LOW_WATER (60 * VE_MS)
/* Silence left out at most before the first sound of a segment. */
#define TRIM_MAX (400 * VE_MS)
/* Sending failed (the peer's queue is full): try again after this. */
#define RETRY (20 * VE_MS)
/* Fade over the first samples after a resume, so that it does not click. */
#define FADE      (8 * VE_MS)
#define CHUNK_MAX 8192 /* samples */
#define PIECE_OUT 2048 /* samples that 20 ms, or a flush, can become */
#define LEVELS    64   /* of 20 ms each: lead plus look-back */
#define LEVEL_MS  20
#define LOOK_BACK (400 * VE_MS) /* over which the loudest level is told */

struct segment {
    struct ve_link link;
    uint64_t id;
    struct ve_segment_options options;
    struct ve_fifo fifo;            /* at the output rate */
    struct ve_resampler *resampler; /* owned; NULL until needed */
    uint64_t sent;                  /* position sent so far */
    uint64_t played;                /* position heard so far */
    uint64_t trimmed;               /* samples left out at the front */
    uint64_t began_at;              /* ns at which its first sound is heard, 0 = not yet */
    bool sounded;                   /* the first sound was found */
    bool began_told;
    bool finished;
    bool wants_more; /* the writer was paused */
    int err;
    enum ve_segment_end how;
};

struct ve_playout {
    struct ve_loop *loop;   /* borrowed */
    struct ve_pool *blocks; /* borrowed */
    struct ve_playout_config config;
    struct ve_media_out sink;
    bool attached;
    uint32_t chunk;          /* samples sent at once, as the sink wants it or as configured */
    uint64_t lead;           /* ns */
    struct ve_link segments; /* queued and playing, in order */
    struct ve_link over;     /* ended, `ended` not yet called */
    unsigned count;
    uint64_t next_id;
    bool paused;
    bool fade; /* the next samples fade in */
    struct ve_timer pump;
    struct ve_timer tell;
    /* The play clock: samples given to the peer, and how many of them it has played by now. */
    uint64_t sent_total;
    uint64_t played_total;
    uint64_t orphans;          /* samples in flight whose segment has ended */
    uint64_t stretch_at;       /* ns: the peer began to play `stretch_pos` then */
    uint64_t stretch_pos;      /* samples */
    float level[LEVELS];       /* of 20 ms each, by position in sent_total; 0 = none */
    uint64_t level_at[LEVELS]; /* ns from which each is heard */
};

static struct segment *segment_of(struct ve_link *link)
{
    return VE_CONTAINER(link, struct segment, link);
}

static uint64_t to_samples(const struct ve_playout *p, uint64_t ns)
{
    return ns * p->config.rate / VE_SECOND;
}

static uint64_t to_ns(const struct ve_playout *p, uint64_t samples)
{
    return samples * VE_SECOND / p->config.rate;
}

/* What was heard of a segment, on its own time: silence that was left out counts. */
static uint32_t heard_ms(const struct ve_playout *p, const struct segment *segment)
{
    uint64_t samples = segment->played ? segment->played + segment->trimmed : 0;
    return (uint32_t)(samples * 1000 / p->config.rate);
}

static struct segment *find(const struct ve_playout *p, uint64_t id)
{
    VE_LIST_EACH(&p->segments, it)
    {
        if (segment_of(it)->id == id)
            return segment_of(it);
    }
    return NULL;
}

/* --- ending and telling: always in a step of its own -------------------------------------------
 */

static void free_segment(struct ve_playout *p, struct segment *segment)
{
    ve_link_remove(&segment->link);
    ve_fifo_clear(&segment->fifo);
    ve_resampler_free(segment->resampler);
    ve_free(segment);
    p->count--;
}

static void end_segment(struct ve_playout *p, struct segment *segment, enum ve_segment_end how)
{
    /* A peer that cannot drop what it has will play it to the end. */
    p->orphans += segment->sent - segment->played;
    segment->played = segment->sent;
    segment->how = how;
    ve_link_remove(&segment->link);
    ve_list_push(&p->over, &segment->link);
    ve_fifo_clear(&segment->fifo);
    ve_timer_start(&p->tell, 0);
}

static void on_tell(void *arg)
{
    struct ve_playout *p = arg;
    VE_LIST_EACH(&p->segments, it)
    {
        struct segment *segment = segment_of(it);
        const struct ve_segment_events *events = segment->options.events;
        if (segment->began_at && !segment->began_told) {
            segment->began_told = true;
            if (events && events->began)
                events->began(segment->options.arg, segment->id, segment->began_at);
        }
        if (segment->wants_more &&
            segment->fifo.end - segment->sent < to_samples(p, VE_PLAYOUT_WINDOW) / 2) {
            segment->wants_more = false;
            if (events && events->more)
                events->more(segment->options.arg, segment->id);
        }
    }
    for (struct ve_link *link = ve_list_shift(&p->over); link; link = ve_list_shift(&p->over)) {
        struct segment *segment = segment_of(link);
        struct ve_segment_options options = segment->options;
        uint64_t id = segment->id;
        uint64_t began_at = segment->began_told ? 0 : segment->began_at;
        enum ve_segment_end how = segment->how;
        uint32_t ms = heard_ms(p, segment);
        free_segment(p, segment);
        if (options.events && options.events->began && began_at)
            options.events->began(options.arg, id, began_at);
        if (options.events && options.events->ended)
            options.events->ended(options.arg, id, how, ms);
    }
}

/* --- the play clock -----------------------------------------------------------------------------
 */

static uint64_t outstanding(const struct ve_playout *p)
{
    return p->sent_total - p->played_total;
}

static bool is_complete(const struct segment *segment)
{
    return segment->finished && segment->played == segment->fifo.end;
}

/* Credits newly heard samples to the segments, and ends those that are complete. */
static void credit(struct ve_playout *p, uint64_t heard)
{
    uint64_t orphans = heard < p->orphans ? heard : p->orphans;
    p->orphans -= orphans;
    heard -= orphans;
    VE_LIST_EACH(&p->segments, it)
    {
        struct segment *segment = segment_of(it);
        uint64_t n = segment->sent - segment->played;
        if (n > heard)
            n = heard;
        segment->played += n;
        heard -= n;
        ve_fifo_drop(&segment->fifo, segment->played);
        if (!is_complete(segment))
            return;
        end_segment(p, segment, segment->err ? VE_SEGMENT_FAILED : VE_SEGMENT_PLAYED);
    }
}

static void advance(struct ve_playout *p)
{
    uint64_t played = p->sent_total;
    if (outstanding(p)) {
        played = p->stretch_pos + to_samples(p, ve_loop_now(p->loop) - p->stretch_at);
        if (played > p->sent_total)
            played = p->sent_total;
    }
    uint64_t heard = played > p->played_total ? played - p->played_total : 0;
    p->played_total += heard;
    credit(p, heard);
}

/* What was sent and not heard counts as not sent; the peer is told to drop it. */
static void take_back(struct ve_playout *p)
{
    advance(p);
    if (!outstanding(p) || (p->attached && !p->sink.clear))
        return;
    if (p->attached)
        p->sink.clear(p->sink.arg);
    VE_LIST_EACH(&p->segments, it)
    {
        segment_of(it)->sent = segment_of(it)->played;
    }
    for (int i = 0; i < LEVELS; i++)
        p->level[i] = p->level_at[i] < ve_loop_now(p->loop) ? p->level[i] : 0.0f;
    p->sent_total = p->played_total;
    p->orphans = 0;
    p->fade = true;
}

/* --- sending ------------------------------------------------------------------------------------
 */

static void note_levels(struct ve_playout *p, const int16_t *samples, size_t count,
                        uint64_t heard_at)
{
    size_t step = (size_t)p->config.rate * LEVEL_MS / 1000;
    for (size_t at = 0; at < count; at += step) {
        size_t n = count - at < step ? count - at : step;
        uint64_t pos = p->sent_total + at;
        size_t slot = (size_t)(pos / step) % LEVELS;
        p->level[slot] = ve_level_rms(samples + at, n);
        p->level_at[slot] = heard_at + to_ns(p, at);
    }
}

/* The first sound of a segment: when will it be heard? */
static void note_sound(struct ve_playout *p, struct segment *segment, const int16_t *samples,
                       size_t count, uint64_t heard_at)
{
    if (segment->began_at)
        return;
    size_t at = ve_level_first(samples, count, p->config.rate, VE_AUDIBLE_DB);
    if (at == SIZE_MAX)
        return;
    segment->began_at = heard_at + to_ns(p, at);
    ve_timer_start(&p->tell, 0);
}

/* Copies what is to be sent next, at most a chunk, without counting it as sent yet. */
static size_t collect(struct ve_playout *p, int16_t *out, bool *more_expected)
{
    size_t n = 0;
    *more_expected = false;
    VE_LIST_EACH(&p->segments, it)
    {
        struct segment *segment = segment_of(it);
        n += ve_fifo_read(&segment->fifo, segment->sent, out + n, p->chunk - n);
        if (n == p->chunk)
            break;
        if (!segment->finished) {
            *more_expected = true;
            break;
        }
    }
    return n;
}

static void count_as_sent(struct ve_playout *p, const int16_t *samples, size_t count)
{
    uint64_t now = ve_loop_now(p->loop);
    if (!outstanding(p)) {
        p->stretch_at = now;
        p->stretch_pos = p->sent_total;
    }
    uint64_t heard_at = now + to_ns(p, outstanding(p));
    note_levels(p, samples, count, heard_at);
    p->sent_total += count;
    VE_LIST_EACH(&p->segments, it)
    {
        struct segment *segment = segment_of(it);
        uint64_t n = segment->fifo.end - segment->sent;
        if (n > count)
            n = count;
        note_sound(p, segment, samples, (size_t)n, heard_at);
        segment->sent += n;
        samples += n;
        count -= n;
        heard_at += to_ns(p, n);
        if (segment->wants_more)
            ve_timer_start(&p->tell, 0);
        if (!count)
            return;
    }
}

/* When the next look is due: at the end of what is in flight, or when there is room for more. */
static void sleep_until_below(struct ve_playout *p, uint64_t samples)
{
    uint64_t left = outstanding(p) > samples ? outstanding(p) - samples : 0;
    /* One sample more, so that rounding never wakes us a moment too early. */
    ve_timer_start(&p->pump, to_ns(p, left + 1));
}

/* Sends one chunk if it is time for one. False: nothing to do now, the timer is set. */
static bool pump_once(struct ve_playout *p)
{
    int16_t chunk[CHUNK_MAX];
    bool more_expected;
    uint64_t lead = to_samples(p, p->lead);
    uint64_t low = to_samples(p, LOW_WATER);
    if (outstanding(p) + p->chunk > lead && outstanding(p)) {
        sleep_until_below(p, lead > p->chunk ? lead - p->chunk : 0);
        return false;
    }
    size_t n = collect(p, chunk, &more_expected);
    bool piece = n < p->chunk && more_expected;
    if (n == 0 || (piece && (outstanding(p) > low || n < low))) {
        if (outstanding(p))
            sleep_until_below(p, piece && outstanding(p) > low ? low : 0);
        return false;
    }
    if (p->fade) {
        size_t fade = (size_t)to_samples(p, FADE);
        ve_mix_ramp(chunk, n < fade ? n : fade, 0, VE_GAIN_ONE);
    }
    if (p->sink.audio(p->sink.arg, chunk, n) < 0) {
        ve_timer_start(&p->pump, RETRY);
        return false;
    }
    p->fade = false;
    count_as_sent(p, chunk, n);
    return true;
}

static void on_pump(void *arg)
{
    struct ve_playout *p = arg;
    advance(p);
    if (p->paused || !p->attached) {
        if (outstanding(p))
            sleep_until_below(p, 0);
        return;
    }
    while (pump_once(p)) {
    }
}

/* --- the interface ------------------------------------------------------------------------------
 */

int ve_playout_new(struct ve_playout **out, struct ve_loop *loop, struct ve_pool *blocks,
                   const struct ve_playout_config *config, const struct ve_media_out *sink)
{
    if (config->rate < 8000 || config->rate > 48000 || !config->chunk ||
        config->chunk > CHUNK_MAX || config->lead > VE_PLAYOUT_LEAD)
        return VE_EINVAL;
    struct ve_playout *p = ve_alloc(sizeof(*p));
    if (!p)
        return VE_ENOMEM;
    p->loop = loop;
    p->blocks = blocks;
    p->config = *config;
    p->next_id = 1;
    ve_link_init(&p->segments);
    ve_link_init(&p->over);
    ve_timer_init(&p->pump, loop, on_pump, p);
    ve_timer_init(&p->tell, loop, on_tell, p);
    ve_playout_attach(p, sink);
    *out = p;
    return 0;
}

void ve_playout_free(struct ve_playout *p)
{
    if (!p)
        return;
    ve_timer_stop(&p->pump);
    ve_timer_stop(&p->tell);
    VE_LIST_EACH(&p->segments, it)
    {
        free_segment(p, segment_of(it));
    }
    VE_LIST_EACH(&p->over, it)
    {
        free_segment(p, segment_of(it));
    }
    ve_free(p);
}

void ve_playout_attach(struct ve_playout *p, const struct ve_media_out *sink)
{
    /* The old peer's clear is not called: it is gone, and with it what it had not played. */
    p->attached = false;
    take_back(p);
    if (sink) {
        bool chunk_ok = sink->chunk && sink->chunk <= CHUNK_MAX;
        bool lead_ok = sink->lead && sink->lead <= VE_PLAYOUT_LEAD;
        p->sink = *sink;
        p->attached = true;
        p->chunk = chunk_ok ? sink->chunk : p->config.chunk;
        p->lead = lead_ok ? sink->lead : p->config.lead;
        ve_timer_start(&p->pump, 0);
    }
}

int ve_playout_begin(struct ve_playout *p, const struct ve_segment_options *options, uint64_t *id)
{
    if (options->rate < 8000 || options->rate > 48000)
        return VE_EINVAL;
    if (p->count >= VE_PLAYOUT_SEGMENTS_MAX)
        return VE_EBUSY;
    struct segment *segment = ve_alloc(sizeof(*segment));
    if (!segment)
        return VE_ENOMEM;
    segment->id = p->next_id++;
    segment->options = *options;
    segment->sounded = !options->trim;
    ve_fifo_init(&segment->fifo, p->blocks);
    ve_list_push(&p->segments, &segment->link);
    p->count++;
    *id = segment->id;
    return 0;
}

/* Leaves out the silence before the first sound; keeps 10 ms of it. */
static void trim(const struct ve_playout *p, struct segment *segment, const int16_t **samples,
                 size_t *count)
{
    if (segment->sounded)
        return;
    size_t at = ve_level_first(*samples, *count, p->config.rate, VE_AUDIBLE_DB);
    size_t keep = p->config.rate / 100;
    size_t cut = at == SIZE_MAX ? *count : at > keep ? at - keep : 0;
    uint64_t room = to_samples(p, TRIM_MAX) - segment->trimmed;
    if (cut >= room)
        cut = (size_t)room;
    segment->trimmed += cut;
    segment->sounded = at != SIZE_MAX || cut == room;
    *samples += cut;
    *count -= cut;
}

static int append(struct ve_playout *p, struct segment *segment, const int16_t *samples,
                  size_t count)
{
    trim(p, segment, &samples, &count);
    if (segment->fifo.end - segment->sent > to_samples(p, SEGMENT_HARD_LIMIT))
        return VE_ETOOBIG;
    return ve_fifo_push(&segment->fifo, samples, count);
}

/* Through the resampler in pieces of at most 20 ms of input. */
static int append_resampled(struct ve_playout *p, struct segment *segment, const int16_t *samples,
                            size_t count)
{
    int16_t out[PIECE_OUT];
    int err = 0;
    if (segment->options.rate == p->config.rate)
        return append(p, segment, samples, count);
    if (!segment->resampler) {
        err = ve_resampler_new(&segment->resampler, segment->options.rate, p->config.rate);
        if (err)
            return err;
    }
    while (count && !err) {
        size_t piece = segment->options.rate / 50;
        if (piece > count)
            piece = count;
        size_t n = 0;
        err = ve_resample(segment->resampler, samples, piece, out, &n);
        if (!err)
            err = append(p, segment, out, n);
        samples += piece;
        count -= piece;
    }
    return err;
}

int ve_playout_write(struct ve_playout *p, uint64_t id, const int16_t *samples, size_t count)
{
    struct segment *segment = find(p, id);
    if (!segment || segment->finished)
        return VE_EGONE;
    int err = append_resampled(p, segment, samples, count);
    if (err)
        return err;
    ve_timer_start(&p->pump, 0);
    if (segment->fifo.end - segment->sent <= to_samples(p, VE_PLAYOUT_WINDOW))
        return VE_FLOW_MORE;
    segment->wants_more = true;
    return VE_FLOW_PAUSE;
}

/* What the resampler still holds belongs to the end of the last word. */
static void flush_resampler(struct ve_playout *p, struct segment *segment)
{
    int16_t out[PIECE_OUT];
    size_t n = 0;
    if (segment->resampler && ve_resample_flush(segment->resampler, out, &n) == 0)
        (void)append(p, segment, out, n);
    ve_resampler_free(segment->resampler);
    segment->resampler = NULL;
}

void ve_playout_finish(struct ve_playout *p, uint64_t id, int err)
{
    struct segment *segment = find(p, id);
    if (!segment || segment->finished)
        return;
    flush_resampler(p, segment);
    segment->finished = true;
    segment->wants_more = false;
    segment->err = err;
    advance(p); /* it may have been heard to its end already: no clock tick would end it */
    ve_timer_start(&p->pump, 0);
}

void ve_playout_cancel(struct ve_playout *p, uint64_t id)
{
    struct segment *segment = find(p, id);
    if (!segment)
        return;
    take_back(p);
    segment = find(p, id); /* it may just have been heard to its end */
    if (segment)
        end_segment(p, segment, VE_SEGMENT_CANCELED);
    ve_timer_start(&p->pump, 0);
}

uint32_t ve_playout_played_ms(const struct ve_playout *p, uint64_t id)
{
    const struct segment *segment = find(p, id);
    return segment ? heard_ms(p, segment) : 0;
}

void ve_playout_pause(struct ve_playout *p)
{
    if (p->paused)
        return;
    take_back(p);
    p->paused = true;
}

void ve_playout_resume(struct ve_playout *p)
{
    if (!p->paused)
        return;
    p->paused = false;
    ve_timer_start(&p->pump, 0);
}

void ve_playout_interrupt(struct ve_playout *p)
{
    take_back(p);
    p->paused = false;
    VE_LIST_EACH(&p->segments, it)
    {
        if (!segment_of(it)->options.fixed)
            end_segment(p, segment_of(it), VE_SEGMENT_INTERRUPTED);
    }
    ve_timer_start(&p->pump, 0);
}

/* By the clock and not by what was played: an agent that has long been silent has no echo. */
static float recent_level(const struct ve_playout *p)
{
    uint64_t now = ve_loop_now(p->loop);
    float loudest = -120.0f;
    for (int i = 0; i < LEVELS; i++) {
        bool heard =
            p->level[i] < 0.0f && p->level_at[i] < now && p->level_at[i] + LOOK_BACK >= now;
        if (heard && p->level[i] > loudest)
            loudest = p->level[i];
    }
    return loudest;
}

struct ve_playout_state ve_playout_state(struct ve_playout *p)
{
    advance(p);
    struct segment *front = ve_list_empty(&p->segments) ? NULL : segment_of(p->segments.next);
    return (struct ve_playout_state){
        .busy = front != NULL,
        .playing = outstanding(p) > 0,
        .paused = p->paused,
        .fixed = front && front->options.fixed,
        .level_db = recent_level(p),
    };
}
