#include "audio/plc.h"

#include <string.h>

enum {
    FULL_MS = 10,
    FADED_MS = 60,
    SEARCH_RATE = 16000, /* Hz: more than that is not looked at one by one */
};

void ve_plc_init(struct ve_plc *plc, uint32_t rate)
{
    memset(plc, 0, sizeof(*plc));
    plc->rate = rate < VE_PLC_RATE_MAX ? rate : VE_PLC_RATE_MAX;
}

static size_t capacity(const struct ve_plc *plc)
{
    return plc->rate / 40;
}

void ve_plc_heard(struct ve_plc *plc, const int16_t *samples, size_t count)
{
    size_t room = capacity(plc);
    plc->open = false;
    if (count == 0)
        return;
    if (count > room) {
        samples += count - room;
        count = room;
    }
    size_t keep = plc->held + count > room ? room - count : plc->held;
    memmove(plc->history, plc->history + (plc->held - keep), keep * sizeof(*samples));
    memcpy(plc->history + keep, samples, count * sizeof(*samples));
    plc->held = keep + count;
}

/* How well the samples at `a` go with those at `b`: the correlation with its sign, squared, over
 * the energy at `b`. */
static float likeness(const int16_t *a, const int16_t *b, size_t count, size_t stride)
{
    int64_t product = 0;
    int64_t energy = 1;
    for (size_t i = 0; i < count; i += stride) {
        product += (int32_t)a[i] * b[i];
        energy += (int32_t)b[i] * b[i];
    }
    float p = (float)product;
    return product > 0 ? p * p / (float)energy : 0.0f;
}

/* The distance at which the end of the history repeats itself best. */
static size_t find_period(const struct ve_plc *plc)
{
    size_t window = plc->rate / 200;
    size_t longest = plc->rate * 3 / 200;
    size_t shortest = plc->rate / 400;
    size_t stride = plc->rate > SEARCH_RATE ? 2 : 1;
    if (plc->held < window + longest)
        return 0;
    const int16_t *end = plc->history + plc->held - window;
    size_t best = longest;
    float best_likeness = 0.0f;
    for (size_t lag = shortest; lag <= longest; lag++) {
        float is = likeness(end, end - lag, window, stride);
        if (is > best_likeness) {
            best_likeness = is;
            best = lag;
        }
    }
    return best;
}

/* The period's last quarter flows into what came before its beginning, so that it can be repeated
 * without a seam. */
static void close_period(struct ve_plc *plc)
{
    size_t quarter = plc->period / 4;
    int16_t *tail = plc->history + plc->held - quarter;
    const int16_t *before = tail - plc->period;
    for (size_t i = 0; i < quarter; i++) {
        int32_t in = (int32_t)((i + 1) * 256 / (quarter + 1));
        tail[i] = (int16_t)((before[i] * in + tail[i] * (256 - in)) / 256);
    }
}

static void open_gap(struct ve_plc *plc)
{
    plc->open = true;
    plc->made = 0;
    plc->last = plc->held ? plc->history[plc->held - 1] : 0;
    plc->period = find_period(plc);
    plc->bend = plc->last;
    if (!plc->period)
        return;
    /* The repetition continues from one period ago; it has to continue from `last`. */
    plc->bend -= plc->history[plc->held - 1 - plc->period];
    close_period(plc);
}

/* 0 to 256 */
static int32_t gain_at(const struct ve_plc *plc, size_t made)
{
    size_t full = plc->rate / 1000 * FULL_MS;
    size_t faded = plc->rate / 1000 * FADED_MS;
    if (made <= full)
        return 256;
    return made < faded ? (int32_t)((faded - made) * 256 / (faded - full)) : 0;
}

static int16_t clamp(int32_t x)
{
    x = x > INT16_MAX ? INT16_MAX : x;
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x);
}

void ve_plc_conceal(struct ve_plc *plc, int16_t *out, size_t count)
{
    if (!plc->open)
        open_gap(plc);
    const int16_t *cycle = plc->history + (plc->held - plc->period);
    int32_t bent = (int32_t)(plc->rate / 200);
    for (size_t i = 0; i < count; i++) {
        int32_t x = plc->period ? cycle[plc->made % plc->period] : 0;
        if (plc->made < (size_t)bent)
            x += plc->bend * (bent - 1 - (int32_t)plc->made) / bent;
        out[i] = clamp(x * gain_at(plc, plc->made) / 256);
        plc->made += !ve_plc_faded(plc);
    }
}

bool ve_plc_faded(const struct ve_plc *plc)
{
    return plc->open && plc->made >= plc->rate / 1000 * FADED_MS;
}
