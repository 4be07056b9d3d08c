#include "audio/dtmf.h"

#include "audio/g711.h"
#include "audio/mix.h"
#include "audio/resample.h"
#include "audio/tone.h"

#include <flite/flite.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALL_KEYS "123A456B789C*0#D"

cst_voice *register_cmu_us_slt(const char *folder);
cst_voice *register_cmu_us_rms(const char *folder);

static const double rows[4] = {697, 770, 852, 941};
static const double columns[4] = {1209, 1336, 1477, 1633};

/* Sound under construction. */
struct sound {
    int16_t samples[60000];
    size_t len;
};

struct key {
    double ms;
    double row_dbfs, column_dbfs;   /* RMS of each sine */
    double row_shift, column_shift; /* share of the frequency */
};

static void add_silence(struct sound *sound, size_t samples)
{
    memset(sound->samples + sound->len, 0, samples * sizeof(*sound->samples));
    sound->len += samples;
}

static void add_key(struct sound *sound, int index, const struct key *key)
{
    double row = rows[index / 4] * (1 + key->row_shift) * 2 * M_PI / 8000;
    double column = columns[index % 4] * (1 + key->column_shift) * 2 * M_PI / 8000;
    double loud_row = 32768 * sqrt(2) * pow(10, key->row_dbfs / 20);
    double loud_column = 32768 * sqrt(2) * pow(10, key->column_dbfs / 20);
    for (int i = 0; i < (int)(key->ms * 8); i++) {
        double x = loud_row * sin(row * i + index) + loud_column * sin(column * i + 2 * index);
        sound->samples[sound->len++] = (int16_t)lrint(fmax(-32768, fmin(32767, x)));
    }
}

/* All sixteen keys, `gap` ms apart, at every alignment with the blocks, through mu-law. */
static void make_keys(struct sound *sound, const struct key *key, double gap, size_t offset)
{
    uint8_t codes[60000];
    sound->len = 0;
    add_silence(sound, offset);
    for (int i = 0; i < 16; i++) {
        add_key(sound, i, key);
        add_silence(sound, (size_t)(gap * 8));
    }
    add_silence(sound, 800);
    ve_ulaw_encode(codes, sound->samples, sound->len);
    ve_ulaw_decode(sound->samples, codes, sound->len);
}

/* The keys heard, as a text; pushes blocks of `block` samples. */
static void hear(char *out, size_t size, const struct sound *sound, size_t block)
{
    struct ve_dtmf dtmf;
    struct ve_dtmf_event event;
    size_t count = 0;
    ve_dtmf_reset(&dtmf);
    for (size_t at = 0; at < sound->len; at += block) {
        const int16_t *samples = sound->samples + at;
        size_t n = sound->len - at < block ? sound->len - at : block;
        while (ve_dtmf_push(&dtmf, &event, &samples, &n)) {
            if (event.kind == VE_DTMF_BEGIN && count + 1 < size)
                out[count++] = event.digit;
        }
    }
    out[count] = '\0';
}

static void expect_keys(const struct key *key, double gap, const char *want)
{
    static struct sound sound;
    char heard[64];
    for (size_t offset = 0; offset < VE_DTMF_BLOCK; offset += 17) {
        make_keys(&sound, key, gap, offset);
        hear(heard, sizeof(heard), &sound, 160);
        assert_string_equal(heard, want);
    }
}

static void forty_milliseconds_suffice(void **state)
{
    (void)state;
    const double levels[] = {-6, -10, -20, -35};
    for (int i = 0; i < 4; i++)
        expect_keys(&(struct key){40, levels[i], levels[i], 0, 0}, 40, ALL_KEYS);
    expect_keys(&(struct key){200, -10, -10, 0, 0}, 100, ALL_KEYS);
}

static void quiet_or_short_tones_are_no_keys(void **state)
{
    (void)state;
    expect_keys(&(struct key){100, -46, -46, 0, 0}, 60, "");
    expect_keys(&(struct key){15, -10, -10, 0, 0}, 60, "");
}

static void twist_is_limited(void **state)
{
    (void)state;
    expect_keys(&(struct key){50, -20, -16, 0, 0}, 50, ALL_KEYS);
    expect_keys(&(struct key){50, -12, -19.5, 0, 0}, 50, ALL_KEYS);
    expect_keys(&(struct key){50, -20, -13, 0, 0}, 50, "");
    expect_keys(&(struct key){50, -10, -21, 0, 0}, 50, "");
    expect_keys(&(struct key){50, -10, -INFINITY, 0, 0}, 50, "");
}

static void frequencies_may_be_a_little_off(void **state)
{
    (void)state;
    for (int i = -3; i <= 3; i++)
        expect_keys(&(struct key){50, -12, -12, 0.005 * i, 0.005 * i}, 50, ALL_KEYS);
    expect_keys(&(struct key){50, -12, -12, 0.035, 0}, 50, "");
    expect_keys(&(struct key){50, -12, -12, 0, -0.035}, 50, "");
    expect_keys(&(struct key){50, -12, -12, -0.035, -0.035}, 50, "");
}

static void noise_is_borne(void **state)
{
    (void)state;
    static struct sound sound;
    static int16_t hiss[60000];
    char heard[64];
    struct ve_noise noise;
    make_keys(&sound, &(struct key){50, -12, -12, 0, 0}, 50, 5);
    ve_noise_init(&noise, VE_NOISE_WHITE, -27, 3);
    ve_noise_read(&noise, hiss, sound.len);
    ve_mix_add(sound.samples, hiss, sound.len);
    hear(heard, sizeof(heard), &sound, 160);
    assert_string_equal(heard, ALL_KEYS);
}

static void block_size_does_not_matter(void **state)
{
    (void)state;
    static struct sound sound;
    char heard[64];
    make_keys(&sound, &(struct key){50, -12, -12, 0, 0}, 50, 5);
    const size_t blocks[] = {1, 80, 101, 102, 103, 480, 60000};
    for (int i = 0; i < 7; i++) {
        hear(heard, sizeof(heard), &sound, blocks[i]);
        assert_string_equal(heard, ALL_KEYS);
    }
}

static void begin_and_end_are_told_with_their_places(void **state)
{
    (void)state;
    static struct sound sound;
    struct ve_dtmf dtmf = {.digit = 0};
    struct ve_dtmf_event event;
    sound.len = 0;
    add_silence(&sound, 1000);
    add_key(&sound, 5, &(struct key){100, -12, -12, 0, 0});
    add_silence(&sound, 80); /* a break of 10 ms does not make two of it */
    add_key(&sound, 5, &(struct key){100, -12, -12, 0, 0});
    add_silence(&sound, 1000);
    const int16_t *samples = sound.samples;
    size_t count = sound.len;
    assert_true(ve_dtmf_push(&dtmf, &event, &samples, &count));
    assert_int_equal(event.kind, VE_DTMF_BEGIN);
    assert_int_equal(event.digit, '5');
    assert_in_range(event.start, 1000 - VE_DTMF_BLOCK, 1000 + VE_DTMF_BLOCK);
    assert_in_range(event.end, event.start + 1, sound.len - count);
    assert_true(ve_dtmf_push(&dtmf, &event, &samples, &count));
    assert_int_equal(event.kind, VE_DTMF_END);
    assert_int_equal(event.digit, '5');
    assert_in_range(event.start, 1000 - VE_DTMF_BLOCK, 1000 + VE_DTMF_BLOCK);
    assert_in_range(event.end, 2680 - VE_DTMF_BLOCK, 2680 + VE_DTMF_BLOCK);
    assert_false(ve_dtmf_push(&dtmf, &event, &samples, &count));
    assert_int_equal(count, 0);
    assert_false(ve_dtmf_finish(&dtmf, &event));
}

static void a_key_held_to_the_end_is_ended(void **state)
{
    (void)state;
    static struct sound sound;
    struct ve_dtmf dtmf;
    struct ve_dtmf_event event;
    sound.len = 0;
    add_key(&sound, 15, &(struct key){100, -12, -12, 0, 0});
    ve_dtmf_reset(&dtmf);
    const int16_t *samples = sound.samples;
    size_t count = sound.len;
    assert_true(ve_dtmf_push(&dtmf, &event, &samples, &count));
    assert_false(ve_dtmf_push(&dtmf, &event, &samples, &count));
    assert_true(ve_dtmf_finish(&dtmf, &event));
    assert_int_equal(event.kind, VE_DTMF_END);
    assert_int_equal(event.digit, 'D');
    assert_int_equal(event.start, 0);
    assert_int_equal(event.end, 714);
    assert_false(ve_dtmf_finish(&dtmf, &event));
}

static void keys_without_a_pause_are_two(void **state)
{
    (void)state;
    static struct sound sound;
    char heard[64];
    sound.len = 0;
    add_key(&sound, 0, &(struct key){80, -12, -12, 0, 0});
    add_key(&sound, 10, &(struct key){80, -12, -12, 0, 0});
    add_silence(&sound, 800);
    hear(heard, sizeof(heard), &sound, 160);
    assert_string_equal(heard, "19");
}

static void our_own_keys_are_heard(void **state)
{
    (void)state;
    static struct sound sound;
    char heard[64];
    sound.len = 0;
    for (const char *digit = ALL_KEYS; *digit; digit++) {
        struct ve_tone_spec spec;
        struct ve_tone tone;
        assert_int_equal(ve_tone_dtmf(&spec, *digit, 80), 0);
        assert_int_equal(ve_tone_init(&tone, 8000, &spec), 0);
        sound.len += ve_tone_read(&tone, sound.samples + sound.len, 8000);
        add_silence(&sound, 480);
    }
    hear(heard, sizeof(heard), &sound, 160);
    assert_string_equal(heard, ALL_KEYS);
}

static void telephone_tones_are_no_keys(void **state)
{
    (void)state;
    static struct sound sound;
    char heard[64];
    const struct ve_tone_spec specs[] = {
        ve_tone_ringback(VE_TONE_EUROPE), ve_tone_ringback(VE_TONE_NORTH_AMERICA),
        ve_tone_busy(VE_TONE_EUROPE),     ve_tone_busy(VE_TONE_NORTH_AMERICA),
        ve_tone_beep(1209, 3000),         ve_tone_beep(697, 3000),
        {.hz = {350, 440}, .dbfs = -13},  {.hz = {2100, 0}, .dbfs = -12},
    };
    for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
        struct ve_tone tone;
        assert_int_equal(ve_tone_init(&tone, 8000, &specs[i]), 0);
        sound.len = ve_tone_read(&tone, sound.samples, 60000);
        hear(heard, sizeof(heard), &sound, 160);
        assert_string_equal(heard, "");
    }
}

/* Loud speech at another speed than it was spoken: told apart, the same text is new speech. */
static void listen_to(const int16_t *speech, size_t count, double speed)
{
    struct ve_dtmf dtmf = {.digit = 0};
    struct ve_dtmf_event event;
    for (size_t n = 0; (double)(n + 1) * speed + 1 < (double)count; n++) {
        double place = (double)n * speed;
        size_t at = (size_t)place;
        double x = speech[at] + (speech[at + 1] - speech[at]) * (place - (double)at);
        int16_t sample = (int16_t)fmax(-32768, fmin(32767, 2 * x));
        const int16_t *samples = &sample;
        size_t one = 1;
        assert_false(ve_dtmf_push(&dtmf, &event, &samples, &one));
    }
}

/* Some minutes of it; an hour, and two of human prompts, were listened to by hand. */
static void speech_is_no_keys(void **state)
{
    (void)state;
    static const char *texts[] = {
        "Thanks for calling our office. Your appointment is confirmed for Tuesday afternoon.",
        "Please stay on the line, all of our operators are busy, and we will be with you soon.",
        "One two three four five six seven eight nine zero, star and pound.",
        "You are number eleven in the queue; the estimated waiting time is seven minutes.",
        "We are open from Monday to Friday between eight thirty and half past five.",
        "Oh, really? I never knew that! Would you mind spelling the name for me once more?",
    };
    static int16_t speech[100000];
    flite_init();
    cst_voice *voices[] = {register_cmu_us_slt(NULL), register_cmu_us_rms(NULL)};
    for (size_t i = 0; i < 12; i++) {
        struct ve_resampler *resampler = NULL;
        size_t count = 0;
        cst_wave *wave = flite_text_to_wave(texts[i % 6], voices[i / 6]);
        assert_non_null(wave);
        size_t length = (size_t)wave->num_samples;
        assert_int_equal(ve_resampler_new(&resampler, (uint32_t)wave->sample_rate, 8000), 0);
        assert_in_range(ve_resample_room(resampler, length), 1, 100000);
        assert_int_equal(ve_resample(resampler, wave->samples, length, speech, &count), 0);
        ve_resampler_free(resampler);
        delete_wave(wave);
        for (int speed = 0; speed < 4; speed++)
            listen_to(speech, count, 0.82 + 0.11 * speed + 0.007 * (double)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forty_milliseconds_suffice),
        cmocka_unit_test(quiet_or_short_tones_are_no_keys),
        cmocka_unit_test(twist_is_limited),
        cmocka_unit_test(frequencies_may_be_a_little_off),
        cmocka_unit_test(noise_is_borne),
        cmocka_unit_test(block_size_does_not_matter),
        cmocka_unit_test(begin_and_end_are_told_with_their_places),
        cmocka_unit_test(a_key_held_to_the_end_is_ended),
        cmocka_unit_test(keys_without_a_pause_are_two),
        cmocka_unit_test(our_own_keys_are_heard),
        cmocka_unit_test(telephone_tones_are_no_keys),
        cmocka_unit_test(speech_is_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
