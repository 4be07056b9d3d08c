#include "audio/level.h"
#include "audio/resample.h"
#include "base/alloc.h"
#include "base/err.h"
#include "media/playout_inside.h"

/* A source that does not stop when asked is cut here: this much may wait unsent. */
#define SEGMENT_HARD_LIMIT (60 * VE_SECOND)
/* Silence left out at most before the first sound of a segment. */
#define TRIM_MAX  (400 * VE_MS)
#define PIECE_OUT 2048 /* samples that 20 ms, or a flush, can become */

void ve_segment_free(struct ve_segment *segment)
{
    ve_link_remove(&segment->link);
    ve_fifo_clear(&segment->fifo);
    ve_resampler_free(segment->resampler);
    ve_free(segment);
}

/* Leaves out the silence before the first sound; keeps 10 ms of it. */
static void trim(const struct ve_playout *p, struct ve_segment *segment, const int16_t **samples,
                 size_t *count)
{
    if (segment->sounded)
        return;
    size_t at = ve_level_first(*samples, *count, p->config.rate, VE_AUDIBLE_DB);
    size_t keep = p->config.rate / 100;
    size_t cut = at == SIZE_MAX ? *count : at > keep ? at - keep : 0;
    uint64_t room = ve_playout_samples(p, TRIM_MAX) - segment->trimmed;
    if (cut >= room)
        cut = (size_t)room;
    segment->trimmed += cut;
    segment->sounded = at != SIZE_MAX || cut == room;
    *samples += cut;
    *count -= cut;
}

static int append(struct ve_playout *p, struct ve_segment *segment, const int16_t *samples,
                  size_t count)
{
    trim(p, segment, &samples, &count);
    if (segment->fifo.end - segment->sent > ve_playout_samples(p, SEGMENT_HARD_LIMIT))
        return VE_ETOOBIG;
    return ve_fifo_push(&segment->fifo, samples, count);
}

/* Through the resampler in pieces of at most 20 ms of input. */
int ve_segment_write(struct ve_playout *p, struct ve_segment *segment, const int16_t *samples,
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

void ve_segment_flush(struct ve_playout *p, struct ve_segment *segment)
{
    int16_t out[PIECE_OUT];
    size_t n = 0;
    if (segment->resampler && ve_resample_flush(segment->resampler, out, &n) == 0)
        (void)append(p, segment, out, n);
    ve_resampler_free(segment->resampler);
    segment->resampler = NULL;
}
