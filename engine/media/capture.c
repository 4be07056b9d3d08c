#include "media/capture.h"

#include "audio/resample.h"
#include "base/err.h"
#include "loop/loop.h"

#define VAD_RATE 8000
/* From here on a 10 ms window is audible; playout.c uses the same threshold for the agent. */
#define AUDIBLE_DB -50.0
#define PIECE_MAX 960 /* samples: 20 ms at 48 kHz */

int ve_capture_init(struct ve_capture *capture, struct ve_pool *blocks, float gate_db)
{
    *capture = (struct ve_capture){0};
    ve_fifo_init(&capture->fifo, blocks);
    return ve_vad_new(&capture->vad, VE_VAD_BEST, gate_db);
}

void ve_capture_free(struct ve_capture *capture)
{
    ve_fifo_clear(&capture->fifo);
    ve_resampler_free(capture->down);
    ve_vad_free(capture->vad);
    ve_dtmf_free(capture->dtmf);
    *capture = (struct ve_capture){0};
}

int ve_capture_detect_digits(struct ve_capture *capture, bool on)
{
    if (!on) {
        ve_dtmf_free(capture->dtmf);
        capture->dtmf = NULL;
        return 0;
    }
    return capture->dtmf ? 0 : ve_dtmf_new(&capture->dtmf);
}

/* A carrier may change its rate in mid-call: what was kept at the old rate is let go. */
static int change_rate(struct ve_capture *capture, uint32_t rate, uint64_t media_ms)
{
    struct ve_resampler *down = NULL;
    if (rate < 8000 || rate > 48000)
        return VE_EINVAL;
    int err = rate == VAD_RATE ? 0 : ve_resampler_new(&down, rate, VAD_RATE);
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

/* 20 log10(rms / 32768) >= AUDIBLE_DB, without a logarithm per window */
static bool is_audible(uint64_t energy, uint32_t count)
{
    const double floor_square = 32768.0 * 32768.0 * 1e-5; /* 10^(AUDIBLE_DB / 10) */
    return (double)energy >= floor_square * count;
}

_Static_assert(AUDIBLE_DB == -50.0, "is_audible has the power ratio 1e-5 of -50 dB");

static void measure(struct ve_capture *capture, const int16_t *samples, size_t count, uint64_t now)
{
    uint32_t window = capture->rate / 100;
    for (size_t i = 0; i < count; i++) {
        capture->window_energy += (uint64_t)((int32_t)samples[i] * samples[i]);
        if (++capture->window_fill < window)
            continue;
        if (is_audible(capture->window_energy, window))
            capture->audible_ns = now - (count - 1 - i) * VE_SECOND / capture->rate;
        capture->window_energy = 0;
        capture->window_fill = 0;
    }
}

struct block_context {
    struct ve_capture *capture;
    const struct ve_capture_events *events;
    void *arg;
    uint64_t now;
    uint64_t end_8k; /* samples given to the detector so far, this piece included */
};

static void on_vad_block(void *arg, const struct ve_vad_block *block)
{
    struct block_context *ctx = arg;
    uint64_t behind = (ctx->end_8k - block->end) * VE_SECOND / VAD_RATE;
    ctx->events->block(ctx->arg, block->p, block->level_db, ctx->now - behind);
}

static void on_dtmf(void *arg, const struct ve_dtmf_event *event)
{
    struct block_context *ctx = arg;
    ctx->events->digit(ctx->arg, event->digit);
}

static int push_piece(struct block_context *ctx, const int16_t *samples, size_t count)
{
    struct ve_capture *capture = ctx->capture;
    int16_t narrow[VE_RESAMPLE_OUT_MAX];
    size_t n = VE_RESAMPLE_OUT_MAX;
    int err = ve_fifo_push(&capture->fifo, samples, count);
    if (err)
        return err;
    measure(capture, samples, count, ctx->now);
    if (capture->down) {
        err = ve_resample(capture->down, samples, count, narrow, &n);
        if (err)
            return err;
        samples = narrow;
        count = n;
    }
    ctx->end_8k += count;
    ve_vad_push(capture->vad, samples, count, on_vad_block, ctx);
    if (capture->dtmf)
        ve_dtmf_push(capture->dtmf, samples, count, on_dtmf, ctx);
    return 0;
}

int ve_capture_push(struct ve_capture *capture, const int16_t *samples, size_t count, uint32_t rate,
                    uint64_t now, uint64_t media_ms, const struct ve_capture_events *events,
                    void *arg)
{
    int err = rate == capture->rate ? 0 : change_rate(capture, rate, media_ms);
    struct block_context ctx = {capture, events, arg, 0, ve_vad_position(capture->vad)};
    while (count && !err) {
        size_t piece = count < PIECE_MAX ? count : PIECE_MAX;
        /* The last sample of the message arrived now, the ones before it earlier. */
        ctx.now = now - (uint64_t)(count - piece) * VE_SECOND / rate;
        err = push_piece(&ctx, samples, piece);
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
