/*
 * What a dialect told: the events of carrier/carrier.h, collected.
 */
#ifndef VE_TEST_HEARD_H
#define VE_TEST_HEARD_H

#include "base/err.h"
#include "carrier/carrier.h"

#include <stdlib.h>
#include <string.h>

#define HEARD_MS     1000000ull
#define HEARD_SECOND 1000000000ull

struct heard {
    int16_t samples[480000];
    size_t count;
    uint32_t rate;    /* of the last ones */
    unsigned changes; /* of the rate, the first one not counted */
    char keys[64];
    unsigned facts_told;
    struct ve_carrier_facts facts; /* the last ones */
    unsigned stops;
};

static inline void heard_facts(void *arg, const struct ve_carrier_facts *facts)
{
    struct heard *heard = arg;
    heard->facts_told++;
    heard->facts = *facts;
}

static inline void heard_audio(void *arg, const int16_t *samples, size_t count, uint32_t rate)
{
    struct heard *heard = arg;
    size_t room = sizeof(heard->samples) / sizeof(heard->samples[0]) - heard->count;
    heard->changes += heard->rate && heard->rate != rate;
    heard->rate = rate;
    count = count < room ? count : room;
    memcpy(heard->samples + heard->count, samples, count * sizeof(*samples));
    heard->count += count;
}

static inline void heard_digit(void *arg, char digit)
{
    struct heard *heard = arg;
    size_t len = strlen(heard->keys);
    if (len + 1 < sizeof(heard->keys))
        heard->keys[len] = digit;
}

static inline void heard_stop(void *arg)
{
    struct heard *heard = arg;
    heard->stops++;
}

static const struct ve_carrier_events heard_events = {heard_facts, heard_audio, heard_digit,
                                                      heard_stop};

/* The largest step between neighbours. */
static inline int heard_steepest(const int16_t *samples, size_t count)
{
    int most = 0;
    for (size_t i = 1; i < count; i++) {
        int step = abs(samples[i] - samples[i - 1]);
        most = step > most ? step : most;
    }
    return most;
}

static inline int heard_send(struct ve_carrier *carrier, const void *bytes, size_t len, bool text)
{
    return carrier->ops->data(carrier, bytes, len, true, true, text);
}

static inline int heard_text(struct ve_carrier *carrier, const char *text)
{
    return heard_send(carrier, text, strlen(text), true);
}

/* Lets the dialect's own moments come until `until`; what it wants sent goes to `send`. */
static inline void heard_wait(struct ve_carrier *carrier, uint64_t until,
                              void (*send)(void *arg, const uint8_t *bytes, size_t len), void *arg)
{
    uint8_t bytes[8192];
    bool text;
    while (carrier->due && carrier->due <= until) {
        if (carrier->due > carrier->now)
            carrier->now = carrier->due;
        if (!carrier->ops->tick(carrier))
            continue;
        size_t len = carrier->ops->audio(carrier, NULL, 0, bytes, &text);
        if (len && len != VE_CARRIER_LATER && send)
            send(arg, bytes, len);
    }
    carrier->now = until;
}

#endif
