#include "carrier/carrier.h"
#include "carrier/rtp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was heard may be anything but more than the bytes, and the time, can give. */
struct ear {
    uint64_t samples;
};

static void on_facts(void *arg, const struct ve_carrier_facts *facts)
{
    (void)arg;
    if (strlen(facts->call_id) >= sizeof(facts->call_id) || facts->channels > 2 ||
        (facts->rate && (facts->rate < VE_CARRIER_RATE_MIN || facts->rate > VE_CARRIER_RATE_MAX)))
        abort();
}

static void on_audio(void *arg, const int16_t *samples, size_t count, uint32_t rate)
{
    struct ear *ear = arg;
    volatile int16_t last;
    if (!count || rate < VE_CARRIER_RATE_MIN || rate > VE_CARRIER_RATE_MAX)
        abort();
    last = samples[count - 1];
    (void)last;
    ear->samples += count;
}

static void on_digit(void *arg, char digit)
{
    (void)arg;
    if (!digit || !strchr("0123456789*#ABCD", digit))
        abort();
}

static void on_stop(void *arg)
{
    (void)arg;
}

static const struct ve_carrier_events events = {on_facts, on_audio, on_digit, on_stop};

static const struct ve_carrier_ops *const dialects[] = {
    &ve_detect_stream,   &ve_detect_binary, &ve_ringover_stream,
    &ve_ringover_binary, &ve_rtp_stream,    &ve_json_audio,
};

static struct ve_carrier *take_next(struct ve_carrier *carrier)
{
    struct ve_carrier *next = carrier->next;
    if (!next)
        return carrier;
    carrier->ops->free(carrier);
    return next;
}

static void speak(struct ve_carrier *carrier, size_t count)
{
    static const int16_t samples[480] = {1000, -1000};
    bool text;
    size_t room = carrier->ops->audio_size(carrier, count);
    uint8_t *out = malloc(room ? room : 1);
    size_t len = out ? carrier->ops->audio(carrier, samples, count, out, &text) : 0;
    if (len != VE_CARRIER_LATER && len > room)
        abort();
    free(out);
}

static void wait(struct ve_carrier *carrier, uint64_t ns)
{
    uint64_t until = carrier->now + ns;
    for (int i = 0; carrier->due && carrier->due <= until; i++) {
        if (i > 1000)
            abort(); /* it would never end */
        carrier->now = carrier->due > carrier->now ? carrier->due : carrier->now;
        if (carrier->ops->tick(carrier))
            speak(carrier, 0);
    }
    carrier->now = until;
}

/*
 * The first byte chooses the dialect, the second the payload types; then messages:
 * kind, length (2 bytes), bytes. The kind's bits: text, first, last, and what happens behind it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear ear = {0};
    struct ve_rtp_map map;
    struct ve_carrier *carrier;
    if (size < 2)
        return 0;
    ve_rtp_map_default(&map);
    map.order = (enum ve_rtp_order)(data[1] % 3);
    map.formats[97] = (struct ve_rtp_format){VE_RTP_L16, 16000, 1 + data[1] / 3 % 2};
    struct ve_carrier_config config = {
        .rate_out = data[1] & 64 ? 8000 : 24000, .rtp = &map, .channels_in = data[1] >> 7};
    if (dialects[data[0] % 6]->new (&carrier, &config, &events, &ear) != 0)
        return 0;
    carrier->now = 1000000000;
    bool first = true;
    for (size_t at = 2; at + 3 <= size;) {
        uint8_t kind = data[at];
        size_t len = (size_t)(data[at + 1] << 8 | data[at + 2]);
        at += 3;
        len = len < size - at ? len : size - at;
        bool last = kind & 2;
        if (carrier->ops->data(carrier, data + at, len, first, last, kind & 1) != 0)
            break;
        first = last;
        at += len;
        carrier = take_next(carrier);
        if (kind & 4)
            speak(carrier, kind & 8 ? 480 : 160);
        if (kind & 16)
            wait(carrier, (uint64_t)(kind >> 5) * 30000000);
    }
    wait(carrier, 3000000000);
    carrier->ops->free(carrier);
    return 0;
}
