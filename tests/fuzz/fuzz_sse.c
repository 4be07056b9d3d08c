/*
 * The events of a stream must not depend on the pieces in which it came. The first byte of the
 * input chooses the pieces.
 */
#include "base/err.h"
#include "net/sse.h"

#include <stdlib.h>

struct digest {
    uint64_t hash; /* FNV-1a */
    unsigned events;
};

static void add(struct digest *digest, struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++)
        digest->hash = (digest->hash ^ (uint8_t)text.ptr[i]) * 0x100000001b3ull;
    digest->hash = (digest->hash ^ 0x100) * 0x100000001b3ull;
}

static int note(void *arg, const struct ve_sse_event *event)
{
    struct digest *digest = arg;
    if (!event->event.len || event->data.len > VE_SSE_EVENT_MAX)
        abort();
    add(digest, event->event);
    add(digest, event->data);
    add(digest, event->id);
    digest->events++;
    return 0;
}

static struct digest read_in_pieces(const uint8_t *data, size_t size, size_t step)
{
    struct digest digest = {0};
    struct ve_sse sse;
    int err = 0;
    ve_sse_init(&sse, note, &digest);
    for (size_t at = 0; at < size && !err; at += step)
        err = ve_sse_push(&sse, data + at, size - at < step ? size - at : step);
    if (!err)
        err = ve_sse_end(&sse);
    if (err && err != VE_ETOOBIG)
        abort();
    ve_sse_free(&sse);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    size_t step = data[0] % 32 + 1u;
    struct digest whole = read_in_pieces(data + 1, size - 1, size);
    struct digest pieces = read_in_pieces(data + 1, size - 1, step);
    if (whole.hash != pieces.hash || whole.events != pieces.events)
        abort();
    return 0;
}
