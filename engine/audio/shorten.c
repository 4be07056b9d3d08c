#include "audio/shorten.h"

#include "audio/mix.h"

#include <string.h>

enum { FADE_MAX = 192, SEARCH_RATE = 16000 };

/* Sum of the squared differences of the two runs that would be crossfaded. */
static int64_t distance(const int16_t *a, const int16_t *b, size_t count, size_t stride)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i += stride) {
        int64_t d = (int32_t)a[i] - b[i];
        sum += d * d;
    }
    return sum;
}

size_t ve_shorten(int16_t *samples, size_t count, uint32_t rate, size_t most)
{
    int16_t into[FADE_MAX];
    size_t fade = rate / 250;
    size_t shortest = rate / 400;
    size_t longest = rate * 3 / 200;
    size_t stride = rate > SEARCH_RATE ? 2 : 1;
    fade = fade < FADE_MAX ? fade : FADE_MAX;
    if (count < fade + shortest || most < shortest)
        return count;
    longest = longest < count - fade ? longest : count - fade;
    longest = longest < most ? longest : most;
    size_t best = longest;
    int64_t least = INT64_MAX;
    /* From the longest down: of equals the one that leaves out most. */
    for (size_t lag = longest; lag >= shortest; lag--) {
        int64_t is = distance(samples, samples + lag, fade, stride);
        if (is < least) {
            least = is;
            best = lag;
        }
    }
    memcpy(into, samples, fade * sizeof(*into));
    ve_mix_crossfade(into, samples + best, fade);
    memcpy(samples, into, fade * sizeof(*into));
    memmove(samples + fade, samples + best + fade, (count - best - fade) * sizeof(*samples));
    return count - best;
}
