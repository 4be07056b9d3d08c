/*
 * speech/voicing.h - inside of speech/: does a voice sound, or only noise?
 *
 * Every vowel repeats itself with the pitch of the voice; a cough, a click or the hiss of a line
 * does not. For each 10 ms of 16 kHz the last 40 ms are compared with themselves, shifted by every
 * pitch from 60 to 400 Hz. The struct is its owner's; zero it before the first sample of a stream.
 */
#ifndef VE_SPEECH_VOICING_H
#define VE_SPEECH_VOICING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VE_VOICING_WINDOW 160 /* samples at 4 kHz: 40 ms */
#define VE_VOICING_STEP   40  /* 10 ms */

struct ve_voicing {
    int16_t window[VE_VOICING_WINDOW]; /* at 4 kHz, the newest last */
    unsigned fill;                     /* samples of the next step */
    int32_t sum;                       /* of 16 kHz samples that become the next one */
    unsigned summed;
};

/* Takes samples until a step is full; then true, and *voiced tells. */
bool ve_voicing_push(struct ve_voicing *voicing, const int16_t **samples, size_t *count,
                     bool *voiced);

#endif
