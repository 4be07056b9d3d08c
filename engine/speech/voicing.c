#include "speech/voicing.h"

#include <math.h>
#include <string.h>

#define DECIMATE 4
#define LAG_MIN  10 /* samples: 400 Hz */
#define LAG_MAX  66 /* 60 Hz */
#define SPAN     (VE_VOICING_WINDOW - LAG_MAX)
/* Of the correlation; noise stays below 0.4, vowels are above 0.7. */
#define VOICED 0.55f

static bool repeats(const int16_t *window)
{
    const int16_t *now = window + LAG_MAX;
    float energy = 1;
    for (int i = 0; i < SPAN; i++)
        energy += (float)now[i] * (float)now[i];
    for (int lag = LAG_MIN; lag <= LAG_MAX; lag++) {
        const int16_t *then = now - lag;
        float both = 0;
        float before = 1;
        for (int i = 0; i < SPAN; i++) {
            both += (float)now[i] * (float)then[i];
            before += (float)then[i] * (float)then[i];
        }
        if (both > VOICED * sqrtf(energy * before))
            return true;
    }
    return false;
}

/* A mean of four is filter enough: what it lets through lies far above any pitch. */
static void add(struct ve_voicing *v, int16_t sample)
{
    v->sum += sample;
    if (++v->summed < DECIMATE)
        return;
    v->window[VE_VOICING_WINDOW - VE_VOICING_STEP + v->fill++] = (int16_t)(v->sum / DECIMATE);
    v->sum = 0;
    v->summed = 0;
}

bool ve_voicing_push(struct ve_voicing *voicing, const int16_t **samples, size_t *count,
                     bool *voiced)
{
    while (*count > 0) {
        if (voicing->fill == 0 && voicing->summed == 0)
            memmove(voicing->window, voicing->window + VE_VOICING_STEP,
                    (VE_VOICING_WINDOW - VE_VOICING_STEP) * sizeof(voicing->window[0]));
        add(voicing, **samples);
        ++*samples;
        --*count;
        if (voicing->fill < VE_VOICING_STEP)
            continue;
        voicing->fill = 0;
        *voiced = repeats(voicing->window);
        return true;
    }
    return false;
}
