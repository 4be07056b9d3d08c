/*
 * Callers for the recogniser's benchmarks: flite's voices, fast and slow, near and on the
 * telephone, with and without noise, and sounds that are no words. Samples are s16 mono; owned by
 * struct clip.
 */
#ifndef VE_BENCH_CLIPS_H
#define VE_BENCH_CLIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clip {
    int16_t *samples; /* owned */
    size_t count;
    uint32_t rate; /* Hz */
};

struct line {
    const char *name;
    uint32_t rate;  /* Hz; 8000 is 200 to 3400 Hz through mu-law */
    float noise_db; /* of the clip's level; -INFINITY: none */
};

enum sound { SOUND_WHITE, SOUND_PINK, SOUND_BABBLE, SOUND_HUM, SOUND_COUGH, SOUND_CLICKS, SOUNDS };

/* False when there is no such voice. */
bool clip_voices_init(void);
bool clip_has_voice(const char *voice);
/* `stretch`: 1 is the voice's own pace, more is slower. */
struct clip clip_say(const char *voice, const char *text, float stretch);
/* 3 s of it, of 16 kHz. */
struct clip clip_sound(enum sound sound, float dbfs, uint64_t seed);
const char *sound_name(enum sound sound);
/* As it arrives over the line, with `before` and `after` ms of what the line sounds like. */
struct clip clip_over(const struct clip *clip, const struct line *line, uint32_t before,
                      uint32_t after, uint64_t seed);
void clip_free(struct clip *clip);

#endif
