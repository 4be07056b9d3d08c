/*
 * cli/demo.h - a call that shows and checks itself, for `voiceengine call --demo`.
 *
 * The seed decides which department the caller wants and in which words; one sentence lies outside
 * the grammar and must be asked again. Afterwards everything is checked against the engine's record
 * and against the recording, read back from its file.
 */
#ifndef VE_CLI_DEMO_H
#define VE_CLI_DEMO_H

#include "cli/call_report.h"
#include "cli/caller.h"

#define VE_DEMO_ITEMS  4
#define VE_DEMO_GAP_MS 20 /* by which the recording and the engine may differ */

struct ve_demo {
    uint64_t seed;
    const char *department; /* as scripts/main.lua calls it in call.vars */
    struct ve_caller_item items[VE_DEMO_ITEMS];
    const char *expected[VE_DEMO_ITEMS]; /* words that the agent's answer must have */
    bool understood[VE_DEMO_ITEMS];
};

void ve_demo_draw(struct ve_demo *demo, uint64_t seed);
/* Appends what is wrong, a line each; nothing when all is as it should be. */
int ve_demo_check(const struct ve_demo *demo, const struct ve_report *report, const char *outcome,
                  const char *wav, struct ve_buf *problems);

/* Gaps of a stereo recording (caller left): after each utterance of the caller, the silence until
 * the agent is heard, in ms (-1: never). Returns how many utterances there are, at most `max`;
 * negative when the file cannot be read. */
int ve_demo_gaps(const char *wav, int64_t *gaps, size_t max);

#endif
