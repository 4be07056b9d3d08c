/*
 * A playout with a peer that plays what it is sent in real time, on the virtual clock, and drops
 * what it has not played when it is told to: what it has played is what a caller heard.
 */
#ifndef VE_TEST_PLAYOUT_RIG_H
#define VE_TEST_PLAYOUT_RIG_H

#include "media/playout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RATE      16000
#define PEER_MAX  (RATE * 30)
#define RIG_NOTES 4096
#define OPENED    1000 /* ms of the loop */

struct peer {
    int16_t heard[PEER_MAX]; /* played, then queued */
    size_t played;
    size_t end;
    uint64_t since; /* ns: the last look at the clock */
    double rest;    /* of a sample */
    size_t silent;  /* samples for which nothing was there to play, since the first */
};

struct prig {
    struct ve_loop *loop;
    struct ve_pool blocks;
    struct ve_playout *playout;
    struct peer peer;
    unsigned clears;
    bool full; /* the peer's queue takes nothing */
    char notes[RIG_NOTES];
    size_t len;
};

/* The peer plays on until now. */
static inline void peer_play(struct prig *rig)
{
    struct peer *peer = &rig->peer;
    uint64_t now = ve_loop_now(rig->loop);
    double due = (double)(now - peer->since) * RATE / 1e9 + peer->rest;
    size_t n = (size_t)due;
    peer->rest = due - (double)n;
    peer->since = now;
    size_t queued = peer->end - peer->played;
    if (n > queued) {
        peer->silent += peer->end ? n - queued : 0;
        n = queued;
        peer->rest = 0;
    }
    peer->played += n;
}

static inline int prig_audio(void *arg, const int16_t *samples, size_t count)
{
    struct prig *rig = arg;
    struct peer *peer = &rig->peer;
    if (rig->full)
        return -1;
    peer_play(rig);
    assert_true(peer->end + count <= PEER_MAX);
    memcpy(peer->heard + peer->end, samples, count * sizeof(*samples));
    peer->end += count;
    return 0;
}

static inline void prig_clear(void *arg)
{
    struct prig *rig = arg;
    peer_play(rig);
    rig->peer.end = rig->peer.played;
    rig->clears++;
}

static inline struct ve_media_out prig_out(struct prig *rig)
{
    return (struct ve_media_out){.audio = prig_audio, .clear = prig_clear, .arg = rig};
}

__attribute__((format(printf, 2, 3))) static inline void prig_note(struct prig *rig,
                                                                   const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(rig->notes + rig->len, sizeof(rig->notes) - rig->len, fmt, args);
    va_end(args);
    rig->len += (size_t)n;
    assert_true(rig->len + 1 < sizeof(rig->notes));
}

static inline void prig_began(void *arg, uint64_t id, uint64_t at)
{
    prig_note(arg, "began %u %u\n", (unsigned)id, (unsigned)(at / VE_MS - OPENED));
}

static inline void prig_ended(void *arg, uint64_t id, enum ve_segment_end how, uint32_t played_ms)
{
    static const char *const names[] = {"played", "interrupted", "canceled", "failed"};
    prig_note(arg, "%s %u %u\n", names[how], (unsigned)id, (unsigned)played_ms);
}

static const struct ve_segment_events prig_events = {.began = prig_began, .ended = prig_ended};

static inline void prig_open(struct prig *rig)
{
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(ve_loop_new_sim(&rig->loop, 0), 0);
    ve_sim_advance(rig->loop, OPENED * VE_MS);
    rig->peer.since = ve_loop_now(rig->loop);
    ve_pool_init(&rig->blocks, sizeof(struct ve_fifo_block), 1024);
    const struct ve_playout_config config = {.rate = RATE, .chunk = 2048, .lead = VE_PLAYOUT_LEAD};
    const struct ve_media_out out = prig_out(rig);
    assert_int_equal(ve_playout_new(&rig->playout, rig->loop, &rig->blocks, &config, &out), 0);
}

static inline void prig_close(struct prig *rig)
{
    ve_playout_free(rig->playout);
    assert_int_equal(rig->blocks.live, 0);
    ve_pool_free(&rig->blocks);
    ve_loop_free(rig->loop);
}

static inline uint64_t prig_begin(struct prig *rig, const struct ve_segment_options *more)
{
    struct ve_segment_options options = *more;
    uint64_t id;
    options.rate = options.rate ? options.rate : RATE;
    options.events = &prig_events;
    options.arg = rig;
    assert_int_equal(ve_playout_begin(rig->playout, &options, &id), 0);
    return id;
}

/* `ms` of a rising count: sample n of a segment is 1000 * tag + n % 1000, so that a test sees which
 * sample of which segment was heard. */
static inline void prig_write(struct prig *rig, uint64_t id, int tag, uint32_t from_ms, uint32_t ms)
{
    for (uint32_t at = from_ms * (RATE / 1000); at < (from_ms + ms) * (RATE / 1000); at += 160) {
        int16_t piece[160];
        for (uint32_t i = 0; i < 160; i++)
            piece[i] = (int16_t)(1000 * tag + (int)((at + i) % 1000));
        assert_true(ve_playout_write(rig->playout, id, piece, 160) >= 0);
    }
}

static inline uint64_t prig_say(struct prig *rig, int tag, uint32_t ms,
                                const struct ve_segment_options *more)
{
    static const struct ve_segment_options plain = {.fixed = false};
    uint64_t id = prig_begin(rig, more ? more : &plain);
    prig_write(rig, id, tag, 0, ms);
    ve_playout_finish(rig->playout, id, 0);
    return id;
}

static inline void prig_pass(struct prig *rig, uint64_t ms)
{
    ve_sim_advance(rig->loop, ms * VE_MS);
    peer_play(rig);
}

static inline void prig_expect(struct prig *rig, const char *notes)
{
    rig->notes[rig->len] = '\0';
    assert_string_equal(rig->notes, notes);
    rig->len = 0;
}

/* Largest step between neighbouring samples that were heard. */
static inline int prig_step(const struct prig *rig)
{
    int step = 0;
    int before = 0;
    for (size_t i = 0; i < rig->peer.played; i++) {
        int now = abs(rig->peer.heard[i] - before);
        step = now > step ? now : step;
        before = rig->peer.heard[i];
    }
    return step;
}

#endif
