/*
 * carrier/ringover_stream: a connection's messages mean the same in whatever pieces they come. The
 * input's first byte chooses the pieces; then come messages: kind, two bytes of length, bytes.
 */
#include "carrier/carrier.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    uint64_t hash; /* FNV-1a over everything that was told, in order */
    uint64_t samples;
};

static void add(struct heard *heard, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++)
        heard->hash = (heard->hash ^ p[i]) * 0x100000001b3ull;
}

static void add_text(struct heard *heard, const char *text, size_t size)
{
    if (!memchr(text, '\0', size))
        abort();
    add(heard, text, strlen(text) + 1);
}

static void on_facts(void *arg, const struct ve_carrier_facts *facts)
{
    struct heard *heard = arg;
    add_text(heard, facts->call_id, sizeof(facts->call_id));
    add_text(heard, facts->from, sizeof(facts->from));
    add_text(heard, facts->to, sizeof(facts->to));
    add(heard, &facts->rate, sizeof(facts->rate));
    add(heard, &facts->channels, sizeof(facts->channels));
}

static void on_audio(void *arg, const int16_t *samples, size_t count, uint32_t rate)
{
    struct heard *heard = arg;
    if (count == 0 || rate < 8000 || rate > 48000)
        abort();
    add(heard, samples, count * sizeof(*samples));
    heard->samples += count;
}

static void on_digit(void *arg, char digit)
{
    if (!digit || !strchr("0123456789*#ABCD", digit))
        abort();
    add(arg, &digit, 1);
}

static void on_stop(void *arg)
{
    add(arg, "stop", 4);
}

static const struct ve_carrier_events events = {on_facts, on_audio, on_digit, on_stop};

static void give(struct ve_carrier *carrier, const uint8_t *bytes, size_t len, size_t step,
                 bool text)
{
    size_t at = 0;
    do {
        size_t n = len - at < step ? len - at : step;
        (void)carrier->ops->data(carrier, bytes + at, n, at == 0, at + n == len, text);
        at += n;
    } while (at < len);
}

static struct heard listen(const uint8_t *data, size_t size, size_t step)
{
    struct heard heard = {.hash = 0xcbf29ce484222325ull};
    struct ve_carrier_config config = {.rate_out = 16000};
    struct ve_carrier *carrier;
    if (ve_ringover_stream.new(&carrier, &config, &events, &heard) != 0)
        abort();
    while (size >= 3) {
        size_t len = data[1] | (size_t)data[2] << 8;
        bool text = data[0] & 1;
        data += 3;
        size -= 3;
        if (len > size)
            len = size;
        give(carrier, data, len, step, text);
        data += len;
        size -= len;
    }
    carrier->ops->free(carrier);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct heard whole = listen(data + 1, size - 1, SIZE_MAX);
    struct heard pieces = listen(data + 1, size - 1, data[0] % 64 + 1u);
    if (whole.hash != pieces.hash || whole.samples != pieces.samples)
        abort();
    return 0;
}
