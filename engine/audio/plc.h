/*
 * audio/plc.h - sound for a gap: the last period of what was heard, again and again, fading out.
 *
 * Remembers the last 25 ms. A gap begins with the last period of 2.5 to 15 ms that fits what came
 * before it, bent so that it goes on from the last sample without a step; it is full for 10 ms and
 * silent from 60 ms on. The joint at the gap's end is a crossfade of the caller's.
 */
#ifndef VE_AUDIO_PLC_H
#define VE_AUDIO_PLC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VE_PLC_RATE_MAX 48000 /* Hz */
#define VE_PLC_HISTORY  (VE_PLC_RATE_MAX / 40)

struct ve_plc {
    uint32_t rate;                   /* Hz */
    size_t held;                     /* samples in `history` */
    size_t period;                   /* samples; 0: nothing to repeat */
    size_t made;                     /* samples of the gap so far */
    int16_t last;                    /* the sample before the gap */
    int32_t bend;                    /* from the repetition's own way to `last` */
    bool open;                       /* in a gap */
    int16_t history[VE_PLC_HISTORY]; /* the newest last; in a gap its end is the period */
};

void ve_plc_init(struct ve_plc *plc, uint32_t rate);
/* What was heard; a gap is over with it. */
void ve_plc_heard(struct ve_plc *plc, const int16_t *samples, size_t count);
/* The gap's next `count` samples. */
void ve_plc_conceal(struct ve_plc *plc, int16_t *out, size_t count);
/* Nothing but zeros would come. */
bool ve_plc_faded(const struct ve_plc *plc);

#endif
