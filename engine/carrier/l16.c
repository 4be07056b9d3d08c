#include "carrier/l16.h"

#include <string.h>

#define PIECE 480 /* samples handed on at once */

void ve_l16_init(struct ve_l16 *l16, uint32_t channels)
{
    *l16 = (struct ve_l16){.channels = channels == 2 ? 2 : 1};
}

static int16_t sample_at(const uint8_t *p)
{
    return (int16_t)(p[0] | (uint16_t)(p[1] << 8));
}

static void hand_on(const struct ve_l16 *l16, const uint8_t *bytes, size_t len, uint32_t rate,
                    const struct ve_carrier_events *events, void *arg)
{
    int16_t samples[PIECE];
    size_t width = 2 * (size_t)l16->channels;
    while (len >= width) {
        size_t n = len / width < PIECE ? len / width : PIECE;
        for (size_t i = 0; i < n; i++)
            samples[i] = sample_at(bytes + i * width);
        events->audio(arg, samples, n, rate);
        bytes += n * width;
        len -= n * width;
    }
}

void ve_l16_take(struct ve_l16 *l16, const uint8_t *bytes, size_t len, uint32_t rate,
                 const struct ve_carrier_events *events, void *arg)
{
    size_t width = 2 * (size_t)l16->channels;
    if (!len)
        return;
    if (l16->odd_len) {
        uint8_t whole[4];
        size_t missing = width - l16->odd_len;
        if (len < missing) {
            memcpy(l16->odd + l16->odd_len, bytes, len);
            l16->odd_len += len;
            return;
        }
        memcpy(whole, l16->odd, l16->odd_len);
        memcpy(whole + l16->odd_len, bytes, missing);
        l16->odd_len = 0;
        hand_on(l16, whole, width, rate, events, arg);
        bytes += missing;
        len -= missing;
    }
    hand_on(l16, bytes, len, rate, events, arg);
    l16->odd_len = len % width;
    memcpy(l16->odd, bytes + (len - l16->odd_len), l16->odd_len);
}
