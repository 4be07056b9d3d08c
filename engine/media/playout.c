#include "audio/level.h"
#include "audio/mix.h"
#include "base/alloc.h"
#include "base/err.h"
#include "media/playout_inside.h"

/* With less than this in flight a short piece is sent rather than a gap heard. */
#define LOW_WATER (60 * VE_MS)
/* Sending failed (the peer's queue is full): try again after this. */
#define RETRY (20 * VE_MS)
/* Fade over the first samples after a resume, and the last ones before a pause: no clicks. */
#define FADE_IN  (8 * VE_MS)
#define FADE_OUT (20 * VE_MS)
/* The bed alone goes out in pieces of 20 ms and little ahead, so that speech need not wait for it.
 */
#define BED_PIECE (20 * VE_MS)
#define BED_LEAD  (60 * VE_MS)
/* Its gain reaches VE_GAIN_ONE in 400 ms. */
#define BED_STEP (VE_GAIN_ONE / 20)

struct ve_segment *ve_segment_find(const struct ve_playout *p, uint64_t id)
{
    VE_LIST_EACH(&p->segments, it)
    {
        if (ve_segment_of(it)->id == id)
            return ve_segment_of(it);
    }
    return NULL;
}

/* --- ending and telling: always in a step of its own -------------------------------------------
 */

void ve_segment_end(struct ve_playout *p, struct ve_segment *segment, enum ve_segment_end how)
{
    /* A peer that cannot drop what it has will play it to the end, for nobody. */
    for (unsigned i = 0; i < VE_RUNS; i++) {
        if (p->runs[i].id == segment->id)
            p->runs[i].id = 0;
    }
    segment->how = how;
    ve_link_remove(&segment->link);
    ve_list_push(&p->over, &segment->link);
    ve_fifo_clear(&segment->fifo);
    ve_timer_start(&p->tell, 0);
}

/* What was heard of a segment, on its own time: silence that was left out counts. */
static uint32_t heard_ms(const struct ve_playout *p, const struct ve_segment *segment)
{
    uint64_t samples = segment->played ? segment->played + segment->trimmed : 0;
    return (uint32_t)(samples * 1000 / p->config.rate);
}

static void on_tell(void *arg)
{
    struct ve_playout *p = arg;
    VE_LIST_EACH(&p->segments, it)
    {
        struct ve_segment *segment = ve_segment_of(it);
        const struct ve_segment_events *events = segment->options.events;
        if (segment->began_at && !segment->began_told) {
            segment->began_told = true;
            if (events && events->began)
                events->began(segment->options.arg, segment->id, segment->began_at);
        }
        if (segment->wants_more &&
            segment->fifo.end - segment->sent < ve_playout_samples(p, VE_PLAYOUT_WINDOW) / 2) {
            segment->wants_more = false;
            if (events && events->more)
                events->more(segment->options.arg, segment->id);
        }
    }
    for (struct ve_link *link = ve_list_shift(&p->over); link; link = ve_list_shift(&p->over)) {
        struct ve_segment *segment = ve_segment_of(link);
        struct ve_segment_options options = segment->options;
        uint64_t id = segment->id;
        uint64_t began_at = segment->began_told ? 0 : segment->began_at;
        enum ve_segment_end how = segment->how;
        uint32_t ms = heard_ms(p, segment);
        ve_segment_free(segment);
        p->count--;
        if (options.events && options.events->began && began_at)
            options.events->began(options.arg, id, began_at);
        if (options.events && options.events->ended)
            options.events->ended(options.arg, id, how, ms);
    }
}

/* --- the bed -------------------------------------------------------------------------------------
 */

static void drop_bed(struct ve_playout *p)
{
    struct ve_bed bed = p->bed;
    p->bed = (struct ve_bed){.samples = NULL};
    if (bed.release)
        bed.release(bed.arg);
}

/* Adds the bed to what is sent next. The gain moves in steps of 20 ms that are ramps themselves. */
static void add_bed(struct ve_playout *p, int16_t *samples, size_t count)
{
    int16_t piece[960];
    size_t step = (size_t)ve_playout_samples(p, BED_PIECE);
    for (size_t at = 0; at < count && p->bed.samples; at += step) {
        size_t n = count - at < step ? count - at : step;
        for (size_t i = 0; i < n; i++)
            piece[i] = p->bed.samples[(p->sent_total + at + i - p->bed_from) % p->bed.count];
        int32_t from = p->bed_gain;
        int32_t way = p->bed_target - from;
        p->bed_gain += way > BED_STEP ? BED_STEP : way < -BED_STEP ? -BED_STEP : way;
        ve_mix_ramp(piece, n, from, p->bed_gain);
        ve_mix_add(samples + at, piece, n);
    }
    if (p->bed.samples && !p->bed_gain && !p->bed_target)
        drop_bed(p);
}

void ve_playout_bed(struct ve_playout *p, const struct ve_bed *bed, float gain_db)
{
    p->bed_target = bed ? ve_gain_of_db(gain_db) : 0;
    if (bed) {
        drop_bed(p);
        p->bed = *bed;
        p->bed_from = p->sent_total;
        p->bed_gain = 0;
    }
    ve_timer_start(&p->pump, 0);
}

/* --- sending ------------------------------------------------------------------------------------
 */

/* The first sound of a segment: when will it be heard? */
static void note_sound(struct ve_playout *p, struct ve_segment *segment, const int16_t *samples,
                       size_t count, uint64_t heard_at)
{
    if (segment->began_at)
        return;
    size_t at = ve_level_first(samples, count, p->config.rate, VE_AUDIBLE_DB);
    if (at == SIZE_MAX)
        return;
    segment->began_at = heard_at + ve_playout_ns(p, at);
    ve_timer_start(&p->tell, 0);
}

/* Copies what is to be sent next, at most `most`, without counting it as sent yet. */
static size_t collect(struct ve_playout *p, int16_t *out, size_t most, bool *more_expected)
{
    size_t n = 0;
    *more_expected = false;
    VE_LIST_EACH(&p->segments, it)
    {
        struct ve_segment *segment = ve_segment_of(it);
        if (segment->held)
            continue;
        n += ve_fifo_read(&segment->fifo, segment->sent, out + n, most - n);
        if (n == most)
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
    VE_LIST_EACH(&p->segments, it)
    {
        struct ve_segment *segment = ve_segment_of(it);
        uint64_t n = segment->held ? 0 : segment->fifo.end - segment->sent;
        if (n > count)
            n = count;
        if (!n)
            continue;
        uint64_t heard_at = ve_playout_sent(p, segment->id, true, samples, (size_t)n);
        note_sound(p, segment, samples, (size_t)n, heard_at);
        segment->sent += n;
        samples += n;
        count -= n;
        if (segment->wants_more)
            ve_timer_start(&p->tell, 0);
        if (!count)
            return;
    }
}

/* When the next look is due: at the end of what is in flight, or when there is room for more. */
static void sleep_until_below(struct ve_playout *p, uint64_t samples)
{
    uint64_t in_flight = ve_playout_outstanding(p);
    uint64_t left = in_flight > samples ? in_flight - samples : 0;
    /* One sample more, so that rounding never wakes us a moment too early. */
    ve_timer_start(&p->pump, ve_playout_ns(p, left + 1));
}

/* What lies under the speech goes on where there is none. */
static bool send_bed(struct ve_playout *p)
{
    int16_t piece[960];
    size_t n = (size_t)ve_playout_samples(p, BED_PIECE);
    uint64_t lead = ve_playout_samples(p, BED_LEAD);
    if (ve_playout_outstanding(p) > lead || !ve_playout_may_send(p)) {
        sleep_until_below(p, lead);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        piece[i] = 0;
    int32_t gain = p->bed_gain;
    add_bed(p, piece, n);
    if (p->sink.audio(p->sink.arg, piece, n) < 0) {
        p->bed_gain = gain;
        ve_timer_start(&p->pump, RETRY);
        return false;
    }
    (void)ve_playout_sent(p, 0, false, piece, n);
    return true;
}

/* Nothing to say now: the bed alone, or a look at the end of what is in flight. */
static bool idle(struct ve_playout *p, uint64_t until)
{
    if (p->bed.samples)
        return send_bed(p);
    if (ve_playout_outstanding(p))
        sleep_until_below(p, until);
    return false;
}

/* Sends one chunk if it is time for one. False: nothing to do now, the timer is set. */
static bool pump_once(struct ve_playout *p)
{
    int16_t chunk[VE_CHUNK_MAX];
    bool more_expected;
    uint64_t low = ve_playout_samples(p, LOW_WATER);
    uint64_t in_flight = ve_playout_outstanding(p);
    size_t n = p->paused ? 0 : collect(p, chunk, p->chunk, &more_expected);
    if (n == 0)
        return idle(p, 0);
    if ((in_flight && in_flight + p->chunk > p->lead) || !ve_playout_may_send(p)) {
        sleep_until_below(p, p->lead > p->chunk ? p->lead - p->chunk : 0);
        return false;
    }
    bool piece = n < p->chunk && more_expected;
    if (piece && (in_flight > low || n < low))
        return idle(p, in_flight > low ? low : 0);
    if (p->fade) {
        size_t fade = (size_t)ve_playout_samples(p, FADE_IN);
        ve_mix_ramp(chunk, n < fade ? n : fade, 0, VE_GAIN_ONE);
    }
    int32_t gain = p->bed_gain;
    add_bed(p, chunk, n);
    if (p->sink.audio(p->sink.arg, chunk, n) < 0) {
        p->bed_gain = gain;
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
    ve_playout_advance(p);
    if (!p->attached) {
        if (ve_playout_outstanding(p))
            sleep_until_below(p, 0);
        return;
    }
    while (pump_once(p)) {
    }
}

/* Stops what is being heard: the peer drops the rest, and the next 20 ms fade out instead of being
 * cut. They are not counted as heard; a resume begins at the same sample. */
static void fall_silent(struct ve_playout *p)
{
    int16_t tail[960];
    bool more_expected;
    if (!ve_playout_take_back(p) || !p->attached)
        return;
    size_t n = collect(p, tail, (size_t)ve_playout_samples(p, FADE_OUT), &more_expected);
    if (!n)
        return;
    ve_mix_ramp(tail, n, VE_GAIN_ONE, 0);
    add_bed(p, tail, n);
    if (p->sink.audio(p->sink.arg, tail, n) >= 0)
        (void)ve_playout_sent(p, 0, true, tail, n);
}

/* --- the interface ------------------------------------------------------------------------------
 */

int ve_playout_new(struct ve_playout **out, struct ve_loop *loop, struct ve_pool *blocks,
                   const struct ve_playout_config *config, const struct ve_media_out *sink)
{
    if (config->rate < 8000 || config->rate > 48000 || !config->chunk ||
        config->chunk > VE_CHUNK_MAX || config->lead > VE_PLAYOUT_LEAD)
        return VE_EINVAL;
    struct ve_playout *p = ve_alloc(sizeof(*p));
    if (!p)
        return VE_ENOMEM;
    p->loop = loop;
    p->blocks = blocks;
    p->config = *config;
    p->chunk = config->chunk;
    p->lead = ve_playout_samples(p, config->lead);
    p->next_id = 1;
    ve_link_init(&p->taps);
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
        ve_segment_free(ve_segment_of(it));
    }
    VE_LIST_EACH(&p->over, it)
    {
        ve_segment_free(ve_segment_of(it));
    }
    VE_LIST_EACH(&p->taps, it)
    {
        ve_link_remove(it);
    }
    drop_bed(p);
    ve_free(p->recent);
    ve_free(p);
}

void ve_playout_attach(struct ve_playout *p, const struct ve_media_out *sink)
{
    /* The old peer's clear is not called: it is gone, and with it what it had not played. */
    p->attached = false;
    (void)ve_playout_take_back(p);
    if (sink) {
        bool chunk_ok = sink->chunk && sink->chunk <= VE_CHUNK_MAX;
        bool lead_ok = sink->lead && sink->lead <= VE_PLAYOUT_LEAD;
        p->sink = *sink;
        p->attached = true;
        p->chunk = chunk_ok ? sink->chunk : p->config.chunk;
        p->lead = ve_playout_samples(p, lead_ok ? sink->lead : p->config.lead);
        ve_timer_start(&p->pump, 0);
    }
}

int ve_playout_begin(struct ve_playout *p, const struct ve_segment_options *options, uint64_t *id)
{
    if (options->rate < 8000 || options->rate > 48000)
        return VE_EINVAL;
    if (p->count >= VE_PLAYOUT_SEGMENTS_MAX)
        return VE_EBUSY;
    struct ve_segment *segment = ve_alloc(sizeof(*segment));
    if (!segment)
        return VE_ENOMEM;
    segment->id = p->next_id++;
    segment->options = *options;
    segment->held = options->held;
    segment->sounded = !options->trim;
    ve_fifo_init(&segment->fifo, p->blocks);
    /* Before the first one is behind the list's head. */
    ve_list_push(options->urgent ? p->segments.next : &p->segments, &segment->link);
    p->count++;
    *id = segment->id;
    return 0;
}

int ve_playout_write(struct ve_playout *p, uint64_t id, const int16_t *samples, size_t count)
{
    struct ve_segment *segment = ve_segment_find(p, id);
    if (!segment || segment->finished)
        return VE_EGONE;
    int err = ve_segment_write(p, segment, samples, count);
    if (err)
        return err;
    ve_timer_start(&p->pump, 0);
    if (segment->fifo.end - segment->sent <= ve_playout_samples(p, VE_PLAYOUT_WINDOW))
        return VE_FLOW_MORE;
    segment->wants_more = true;
    return VE_FLOW_PAUSE;
}

void ve_playout_release(struct ve_playout *p, uint64_t id)
{
    struct ve_segment *segment = ve_segment_find(p, id);
    if (!segment || !segment->held)
        return;
    segment->held = false;
    ve_link_remove(&segment->link);
    ve_list_push(&p->segments, &segment->link);
    ve_playout_advance(p);
    ve_timer_start(&p->pump, 0);
}

void ve_playout_finish(struct ve_playout *p, uint64_t id, int err)
{
    struct ve_segment *segment = ve_segment_find(p, id);
    if (!segment || segment->finished)
        return;
    ve_segment_flush(p, segment);
    segment->finished = true;
    segment->wants_more = false;
    segment->err = err;
    ve_playout_advance(
        p); /* it may have been heard to its end already: no clock tick would end it */
    ve_timer_start(&p->pump, 0);
}

/* Is any of it being heard, or about to be? */
static bool in_flight(const struct ve_playout *p, uint64_t id)
{
    for (unsigned i = 0; i < p->run_count; i++) {
        if (p->runs[(p->run_first + i) % VE_RUNS].id == id)
            return true;
    }
    return false;
}

void ve_playout_cancel(struct ve_playout *p, uint64_t id)
{
    struct ve_segment *segment = ve_segment_find(p, id);
    if (!segment)
        return;
    if (in_flight(p, id))
        fall_silent(p);
    segment = ve_segment_find(p, id); /* it may just have been heard to its end */
    if (segment)
        ve_segment_end(p, segment, VE_SEGMENT_CANCELED);
    ve_timer_start(&p->pump, 0);
}

uint32_t ve_playout_played_ms(const struct ve_playout *p, uint64_t id)
{
    const struct ve_segment *segment = ve_segment_find(p, id);
    return segment ? heard_ms(p, segment) : 0;
}

void ve_playout_pause(struct ve_playout *p)
{
    if (p->paused)
        return;
    fall_silent(p);
    p->paused = true;
    if (p->bed.samples)
        ve_timer_start(&p->pump, 0);
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
    fall_silent(p);
    p->paused = false;
    VE_LIST_EACH(&p->segments, it)
    {
        if (!ve_segment_of(it)->options.fixed && !ve_segment_of(it)->held)
            ve_segment_end(p, ve_segment_of(it), VE_SEGMENT_INTERRUPTED);
    }
    ve_timer_start(&p->pump, 0);
}

struct ve_playout_state ve_playout_state(struct ve_playout *p)
{
    struct ve_segment *front = NULL;
    ve_playout_advance(p);
    VE_LIST_EACH(&p->segments, it)
    {
        front = front || ve_segment_of(it)->held ? front : ve_segment_of(it);
    }
    return (struct ve_playout_state){
        .busy = front != NULL,
        .playing = ve_playout_speaks(p),
        .paused = p->paused,
        .fixed = front && front->options.fixed,
        .level_db = ve_playout_level(p),
    };
}
