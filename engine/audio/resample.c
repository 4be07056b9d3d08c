#include "audio/resample.h"

#include "base/alloc.h"
#include "base/err.h"

#include <speex/speex_resampler.h>
#include <stdbool.h>
#include <string.h>

enum { QUALITY = 3, SILENCE = 64 };

struct ve_resampler {
    SpeexResamplerState *speex; /* owned; NULL while the rates are equal */
    uint32_t in_rate;           /* Hz */
    uint32_t out_rate;          /* Hz */
    size_t latency;             /* input samples that the filter holds back */
    uint64_t taken;             /* samples since the stream's beginning */
    uint64_t made;              /* samples since the stream's beginning */
};

static bool rate_ok(uint32_t rate)
{
    return rate >= VE_RESAMPLE_RATE_MIN && rate <= VE_RESAMPLE_RATE_MAX;
}

int ve_resampler_new(struct ve_resampler **out, uint32_t in_rate, uint32_t out_rate)
{
    int failed = 0;
    *out = NULL;
    if (!rate_ok(in_rate) || !rate_ok(out_rate))
        return VE_EINVAL;
    struct ve_resampler *resampler = ve_alloc(sizeof(*resampler));
    if (!resampler)
        return VE_ENOMEM;
    resampler->in_rate = in_rate;
    resampler->out_rate = out_rate;
    if (in_rate != out_rate) {
        resampler->speex = speex_resampler_init(1, in_rate, out_rate, QUALITY, &failed);
        if (!resampler->speex) {
            ve_free(resampler);
            return VE_ENOMEM;
        }
        resampler->latency = (size_t)speex_resampler_get_input_latency(resampler->speex);
        speex_resampler_skip_zeros(resampler->speex);
    }
    *out = resampler;
    return 0;
}

void ve_resampler_free(struct ve_resampler *resampler)
{
    if (!resampler)
        return;
    if (resampler->speex)
        speex_resampler_destroy(resampler->speex);
    ve_free(resampler);
}

int ve_resampler_reset(struct ve_resampler *resampler)
{
    resampler->taken = 0;
    resampler->made = 0;
    if (!resampler->speex)
        return 0;
    if (speex_resampler_reset_mem(resampler->speex) != RESAMPLER_ERR_SUCCESS)
        return VE_EFAILED;
    speex_resampler_skip_zeros(resampler->speex);
    return 0;
}

size_t ve_resample_room(const struct ve_resampler *resampler, size_t count)
{
    if (!resampler->speex || count > VE_RESAMPLE_MAX)
        return count;
    uint64_t in = (uint64_t)count + resampler->latency;
    return (size_t)(in * resampler->out_rate / resampler->in_rate) + 2;
}

/* Runs the filter; *count and *out_count come in as what there is and go out as what is left. */
static int run(struct ve_resampler *resampler, const int16_t *in, size_t *count, int16_t *out,
               size_t *out_left)
{
    while (*count > 0 && *out_left > 0) {
        spx_uint32_t used = (spx_uint32_t)*count;
        spx_uint32_t made = (spx_uint32_t)*out_left;
        if (speex_resampler_process_int(resampler->speex, 0, in, &used, out, &made) !=
            RESAMPLER_ERR_SUCCESS)
            return VE_EFAILED;
        if (used == 0 && made == 0)
            return VE_EFAILED; /* it would never end */
        in += used;
        out += made;
        *count -= used;
        *out_left -= made;
        resampler->made += made;
    }
    return 0;
}

int ve_resample(struct ve_resampler *resampler, const int16_t *in, size_t count, int16_t *out,
                size_t *out_count)
{
    *out_count = 0;
    if (count > VE_RESAMPLE_MAX)
        return VE_ETOOBIG;
    resampler->taken += count;
    if (!resampler->speex) {
        if (count)
            memcpy(out, in, count * sizeof(*out));
        *out_count = count;
        return 0;
    }
    size_t room = ve_resample_room(resampler, count);
    size_t left = room;
    int err = run(resampler, in, &count, out, &left);
    *out_count = room - left;
    return err || count == 0 ? err : VE_EFAILED;
}

int ve_resample_flush(struct ve_resampler *resampler, int16_t *out, size_t *out_count)
{
    static const int16_t silence[SILENCE];
    uint64_t due = resampler->taken * resampler->out_rate / resampler->in_rate;
    size_t room = resampler->speex ? ve_resample_room(resampler, 0) : 0;
    size_t left = due > resampler->made ? (size_t)(due - resampler->made) : 0;
    int err = 0;
    left = left < room ? left : room;
    room = left;
    while (!err && left > 0) {
        size_t count = SILENCE;
        err = run(resampler, silence, &count, out + (room - left), &left);
    }
    *out_count = room - left;
    return err ? err : ve_resampler_reset(resampler);
}
