/*
 * A turn detector whose decisions become lines of text: "<now> <decision> <numbers>".
 */
#ifndef VE_TEST_TURN_RIG_H
#define VE_TEST_TURN_RIG_H

#include "media/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NEAR_DB (-24.0f) /* a caller as lines bring them */

struct rig {
    struct ve_turn turn;
    bool agent; /* speaks, as told before every block */
    bool fixed;
    float agent_db;
    char log[8192];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static inline void rig_note(struct rig *rig, const char *fmt,
                                                                  ...)
{
    va_list args;
    size_t room = sizeof(rig->log) - rig->len;
    int n = snprintf(rig->log + rig->len, room, "%u ", (unsigned)rig->turn.now_ms);
    rig->len += (size_t)n;
    room -= (size_t)n;
    va_start(args, fmt);
    n = vsnprintf(rig->log + rig->len, room, fmt, args);
    va_end(args);
    assert_true((size_t)n + 1 < room);
    rig->len += (size_t)n;
    rig->log[rig->len++] = '\n';
    rig->log[rig->len] = '\0';
}

static inline void rig_start(void *arg, uint64_t at, bool barge)
{
    rig_note(arg, "start %u%s", (unsigned)at, barge ? " barge" : "");
}

static inline void rig_speculate(void *arg, uint32_t turn, uint32_t take)
{
    rig_note(arg, "speculate %u.%u", turn, take);
}

static inline void rig_discard(void *arg, uint32_t turn, uint32_t take)
{
    rig_note(arg, "discard %u.%u", turn, take);
}

static inline void rig_commit(void *arg, uint32_t turn, uint32_t take, uint64_t at)
{
    rig_note(arg, "commit %u.%u %u", turn, take, (unsigned)at);
}

static inline void rig_pause(void *arg)
{
    rig_note(arg, "pause");
}

static inline void rig_confirm(void *arg)
{
    rig_note(arg, "confirm");
}

static inline void rig_resume(void *arg)
{
    rig_note(arg, "resume");
}

static const struct ve_turn_events rig_events = {
    rig_start, rig_speculate, rig_discard, rig_commit, rig_pause, rig_confirm, rig_resume,
};

static inline void rig_init_with(struct rig *rig, const struct ve_turn_policy *policy)
{
    memset(rig, 0, sizeof(*rig));
    rig->agent_db = -120.0f;
    ve_turn_init(&rig->turn, policy, &rig_events, rig);
}

static inline void rig_init(struct rig *rig)
{
    struct ve_turn_policy policy = ve_turn_policy_default();
    rig_init_with(rig, &policy);
}

/* As the session does: what the agent does now, then the block. */
static inline void rig_block(struct rig *rig, float p, float level_db)
{
    ve_turn_agent(&rig->turn, rig->agent, rig->fixed, rig->agent_db);
    ve_turn_block(&rig->turn, p, level_db);
}

static inline void rig_agent(struct rig *rig, bool speaks, float level_db)
{
    rig->agent = speaks;
    rig->agent_db = level_db;
}

/* `ms` of a caller who speaks, or is silent. */
static inline void rig_speech(struct rig *rig, unsigned ms)
{
    for (unsigned at = 0; at < ms; at += VE_TURN_BLOCK_MS)
        rig_block(rig, 0.95f, NEAR_DB);
}

static inline void rig_silence(struct rig *rig, unsigned ms)
{
    for (unsigned at = 0; at < ms; at += VE_TURN_BLOCK_MS)
        rig_block(rig, 0.01f, -75.0f);
}

/* Exactly these decisions since the last look. */
static inline void rig_expect(struct rig *rig, const char *lines)
{
    assert_string_equal(rig->log, lines);
    rig->len = 0;
    rig->log[0] = '\0';
}

static inline void rig_forget(struct rig *rig)
{
    rig->len = 0;
    rig->log[0] = '\0';
}

#endif
