#include "cli/timeline.h"

#include "audio/level.h"
#include "audio/wav.h"
#include "base/err.h"
#include "media/fifo.h"

#include <stdio.h>
#include <string.h>

#define MAX_BYTES ((size_t)VE_TIMELINE_MAX_S * VE_TIMELINE_RATE * sizeof(int16_t))
/* An agent that is silent longer than this has finished; farther back nobody needs to look. */
#define LOOK_BACK (10 * VE_TIMELINE_RATE)

void ve_timeline_init(struct ve_timeline *timeline)
{
    ve_buf_init(&timeline->caller, MAX_BYTES);
    ve_buf_init(&timeline->agent, MAX_BYTES);
}

void ve_timeline_free(struct ve_timeline *timeline)
{
    ve_buf_free(&timeline->caller);
    ve_buf_free(&timeline->agent);
}

static const int16_t *samples_of(const struct ve_buf *side)
{
    return (const int16_t *)(const void *)side->ptr;
}

static uint64_t count_of(const struct ve_buf *side)
{
    return side->len / sizeof(int16_t);
}

int ve_timeline_caller(struct ve_timeline *timeline, const int16_t *samples, size_t count)
{
    return ve_buf_add(&timeline->caller, samples, count * sizeof(*samples));
}

static int add_silence(struct ve_buf *side, uint64_t count)
{
    size_t bytes = (size_t)count * sizeof(int16_t);
    int err = ve_buf_reserve(side, bytes);
    if (err)
        return err;
    memset(side->ptr + side->len, 0, bytes);
    side->len += bytes;
    return 0;
}

int ve_timeline_agent(struct ve_timeline *timeline, uint64_t now, const int16_t *samples,
                      size_t count)
{
    uint64_t end = count_of(&timeline->agent);
    int err = now > end ? add_silence(&timeline->agent, now - end) : 0;
    return err ? err : ve_buf_add(&timeline->agent, samples, count * sizeof(*samples));
}

void ve_timeline_clear(struct ve_timeline *timeline, uint64_t now)
{
    if (now < count_of(&timeline->agent))
        timeline->agent.len = (size_t)now * sizeof(int16_t);
}

uint64_t ve_timeline_agent_end(const struct ve_timeline *timeline)
{
    return count_of(&timeline->agent);
}

/* Position after the last audible sample in [begin, end) of a side; 0 when there is none. */
static uint64_t last_audible(const struct ve_buf *side, uint64_t begin, uint64_t end)
{
    if (end > count_of(side))
        end = count_of(side);
    if (begin >= end)
        return 0;
    size_t at = ve_level_last(samples_of(side) + begin, (size_t)(end - begin), VE_TIMELINE_RATE,
                              VE_AUDIBLE_DB);
    return at == SIZE_MAX ? 0 : begin + at + 1;
}

uint64_t ve_timeline_agent_audible(const struct ve_timeline *timeline, uint64_t now)
{
    return last_audible(&timeline->agent, now > LOOK_BACK ? now - LOOK_BACK : 0, now);
}

uint64_t ve_timeline_silence(const struct ve_timeline *timeline, uint64_t caller_end, uint64_t now)
{
    uint64_t since = ve_timeline_agent_audible(timeline, now);
    since = since > caller_end ? since : caller_end;
    if (ve_timeline_agent_end(timeline) > now || since > now)
        return 0;
    return now - since;
}

int64_t ve_timeline_gap_ms(const struct ve_timeline *timeline, uint64_t begin, uint64_t end)
{
    uint64_t spoken = last_audible(&timeline->caller, begin, end);
    uint64_t held = count_of(&timeline->agent);
    if (!spoken || spoken >= held)
        return -1;
    size_t at = ve_level_first(samples_of(&timeline->agent) + spoken, (size_t)(held - spoken),
                               VE_TIMELINE_RATE, VE_AUDIBLE_DB);
    return at == SIZE_MAX ? -1 : (int64_t)(at * 1000 / VE_TIMELINE_RATE);
}

static int16_t sample_at(const struct ve_buf *side, uint64_t position)
{
    return position < count_of(side) ? samples_of(side)[position] : 0;
}

int ve_timeline_write(const struct ve_timeline *timeline, const char *path)
{
    uint8_t header[VE_WAV_HEADER];
    int16_t frames[2 * 1024];
    uint64_t caller = count_of(&timeline->caller);
    uint64_t agent = count_of(&timeline->agent);
    uint64_t count = caller > agent ? caller : agent;
    FILE *file = fopen(path, "wb");
    if (!file)
        return VE_EIO;
    ve_wav_header(header, VE_TIMELINE_RATE, 2, count);
    bool ok = fwrite(header, 1, sizeof(header), file) == sizeof(header);
    for (uint64_t at = 0; at < count && ok;) {
        size_t n = count - at < 1024 ? (size_t)(count - at) : 1024;
        for (size_t i = 0; i < n; i++) {
            frames[2 * i] = sample_at(&timeline->caller, at + i);
            frames[2 * i + 1] = sample_at(&timeline->agent, at + i);
        }
        ok = fwrite(frames, 2 * sizeof(frames[0]), n, file) == n;
        at += n;
    }
    return fclose(file) == 0 && ok ? 0 : VE_EIO;
}
