#include "media/capture.h"

#include "audio/level.h"
#include "audio/resample.h"
#include "base/alloc.h"
#include "base/err.h"
#include "loop/loop.h"

#include <string.h>

#define PIECE_OUT 1024 /* samples that 20 ms can become at 8 kHz, with room to spare */

int ve_capture_init(struct ve_capture *capture, struct ve_pool *blocks, float gate_db)
{
    struct ve_vad_options options = ve_vad_defaults();
    options.gate_dbfs = gate_db;
    memset(capture, 0, sizeof(*capture));
    ve_fifo_init(&capture->fifo, blocks);
    return ve_vad_init(&capture->vad, &options);
}

void ve_capture_free(struct ve_capture *capture)
{
    ve_fifo_clear(&capture->fifo);
    ve_resampler_free(capture->down);
    ve_vad_close(&capture->vad);
    ve_free(capture->dtmf);
    memset(capture, 0, sizeof(*capture));
}

int ve_capture_detect_digits(struct ve_capture *capture, bool on)
{
    if (!on) {
        ve_free(capture->dtmf);
        capture->dtmf = NULL;
        return 0;
    }
    if (!capture->dtmf)
        capture->dtmf = ve_alloc(sizeof(*capture->dtmf));
    return capture->dtmf ? 0 : VE_ENOMEM;
}

/* A carrier may change its rate in mid-call: what was kept at the old rate is let go. */
static int change_rate(struct ve_capture *capture, uint32_t rate, uint64_t media_ms)
{
    struct ve_resampler *down = NULL;
    int err = rate == VE_VAD_RATE ? 0 : ve_resampler_new(&down, rate, VE_VAD_RATE);
    if (err)
        return err;
    ve_resampler_free(capture->down);
    capture->down = down;
    capture->rate = rate;
    ve_fifo_clear(&capture->fifo);
    capture->origin_pos = capture->fifo.end;
    capture->origin_ms = media_ms;
    capture->window_fill = 0;
    capture->window_energy = 0;
    return 0;
}

static void measure(struct ve_capture *capture, const int16_t *samples, size_t count, uint64_t now)
{
    uint32_t window = capture->rate / 100;
    uint64_t audible = ve_level_threshold(VE_AUDIBLE_DB, window);
    for (size_t i = 0; i < count; i++) {
        capture->window_energy += (uint64_t)((int32_t)samples[i] * samples[i]);
        if (++capture->window_fill < window)
            continue;
        if (capture->window_energy >= audible)
            capture->audible_ns = now - (count - 1 - i) * VE_SECOND / capture->rate;
        capture->window_energy = 0;
        capture->window_fill = 0;
    }
}

struct listener {
    const struct ve_capture_events *events;
    void *arg;
    uint64_t now; /* ns: when the last sample of the piece arrived */
};

static void detect(struct ve_capture *capture, const int16_t *samples, size_t count,
                   const struct listener *to)
{
    struct ve_vad_block block;
    while (ve_vad_push(&capture->vad, &block, &samples, &count)) {
        uint64_t behind = count * VE_SECOND / VE_VAD_RATE;
        to->events->block(to->arg, block.probability, block.level_dbfs, to->now - behind);
    }
}

static void detect_keys(struct ve_capture *capture, const int16_t *samples, size_t count,
                        const struct listener *to)
{
    struct ve_dtmf_event event;
    while (capture->dtmf && ve_dtmf_push(capture->dtmf, &event, &samples, &count)) {
        if (event.kind == VE_DTMF_BEGIN)
            to->events->digit(to->arg, event.digit);
    }
}

static int push_piece(struct ve_capture *capture, const int16_t *samples, size_t count,
                      const struct listener *to)
{
    int16_t narrow[PIECE_OUT];
    size_t n = 0;
    int err = ve_fifo_push(&capture->fifo, samples, count);
    if (err)
        return err;
    measure(capture, samples, count, to->now);
    if (capture->down) {
        err = ve_resample(capture->down, samples, count, narrow, &n);
        if (err)
            return err;
        samples = narrow;
        count = n;
    }
    detect(capture, samples, count, to);
    detect_keys(capture, samples, count, to);
    return 0;
}

int ve_capture_push(struct ve_capture *capture, const int16_t *samples, size_t count, uint32_t rate,
                    uint64_t now, uint64_t media_ms, const struct ve_capture_events *events,
                    void *arg)
{
    if (rate < 8000 || rate > 48000)
        return VE_EINVAL;
    int err = rate == capture->rate ? 0 : change_rate(capture, rate, media_ms);
    struct listener to = {events, arg, now};
    while (count && !err) {
        size_t piece = count < rate / 50 ? count : rate / 50;
        /* The last sample of the message arrived now, the ones before it earlier. */
        uint64_t behind = (uint64_t)(count - piece) * VE_SECOND / rate;
        to.now = now > behind ? now - behind : 0;
        err = push_piece(capture, samples, piece, &to);
        samples += piece;
        count -= piece;
    }
    return err;
}

uint64_t ve_capture_position(const struct ve_capture *capture, uint64_t media_ms)
{
    uint64_t since = media_ms > capture->origin_ms ? media_ms - capture->origin_ms : 0;
    uint64_t position = capture->origin_pos + since * capture->rate / 1000;
    if (position < capture->fifo.begin)
        return capture->fifo.begin;
    return position < capture->fifo.end ? position : capture->fifo.end;
}
