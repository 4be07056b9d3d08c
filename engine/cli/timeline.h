/*
 * cli/timeline.h - both sides of a call on one time axis, as the caller's telephone knows it.
 *
 * Position 0 is the moment the caller's audio began; sample i lies i / rate seconds later. The
 * caller's samples stand where they were spoken, the agent's where they are heard: behind what is
 * still playing, or at once. Gaps are measured here, on the audio itself, and the stereo WAV is
 * written from here (caller left).
 */
#ifndef VE_CLI_TIMELINE_H
#define VE_CLI_TIMELINE_H

#include "base/buf.h"

#define VE_TIMELINE_RATE  16000 /* Hz of both sides */
#define VE_TIMELINE_MAX_S 3600  /* longer calls are not recorded to their end */

struct ve_timeline {
    struct ve_buf caller; /* s16 */
    struct ve_buf agent;  /* s16 */
};

void ve_timeline_init(struct ve_timeline *timeline);
void ve_timeline_free(struct ve_timeline *timeline);
/* The next samples of the caller. */
int ve_timeline_caller(struct ve_timeline *timeline, const int16_t *samples, size_t count);
/* Agent audio that arrived at position `now`: heard then, or behind what is queued. */
int ve_timeline_agent(struct ve_timeline *timeline, uint64_t now, const int16_t *samples,
                      size_t count);
/* The telephone was told at `now` to drop what it has not played. */
void ve_timeline_clear(struct ve_timeline *timeline, uint64_t now);
/* Position up to which the agent can be heard. */
uint64_t ve_timeline_agent_end(const struct ve_timeline *timeline);
/* Position after the last audible sample of the agent before `now`; 0 when there is none. */
uint64_t ve_timeline_agent_audible(const struct ve_timeline *timeline, uint64_t now);
/* Samples before `now` in which nobody was heard; the caller speaks until `caller_end`, which may
 * be still to come, as may the end of the agent. */
uint64_t ve_timeline_silence(const struct ve_timeline *timeline, uint64_t caller_end, uint64_t now);
/* From the last audible sample of the caller before `end` to the first of the agent after it, in
 * ms; -1 when the agent was not heard. */
int64_t ve_timeline_gap_ms(const struct ve_timeline *timeline, uint64_t begin, uint64_t end);
/* Stereo, caller left. VE_EIO. */
int ve_timeline_write(const struct ve_timeline *timeline, const char *path);

#endif
