#include "speech/ear.h"

#include "audio/resample.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/rng.h"
#include "speech/voicing.h"

#include <math.h>
#include <sphinxbase/cmd_ln.h>
#include <sphinxbase/fe.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK        1600 /* samples of input taken at once */
#define BLOCK_FRAMES 80
#define FRAME        (VE_EAR_RATE / 100) /* 10 ms */

/* Line noise that is put under everything. Between words a digital line is perfectly silent, and
 * the logarithm of nothing pulls the mean of an utterance so far down that hardly a word is
 * recognised. 28 / sqrt(3) is -66 dBFS; from -75 to -60 it makes no difference (bench_recogniser).
 */
#define FLOOR 28 /* its largest sample */

#define SILENCE_DBFS (-57.0f) /* of the loudest tenth of a second */
#define STEADY_DB    4.0f     /* between the loudest and the softest tenth of a second */
#define SPREAD_MIN   8.0f     /* c0: about 7 dB */
#define LOUD_MIN     12       /* frames */
#define LOUD_RUN     4        /* frames in a row, else it was a click */
#define VOICED_MIN   0.2f     /* of the loud frames; a word has half of them and more */
#define VOICED_LATE  2        /* frames by which voicing tells of the past */
#define CUT_SHARE    0.4f     /* of the spread, counted from the softest frames */
/* Weight of the loud frames' mean; the soft frames have the rest, however many there are. */
#define LOUD_WEIGHT 0.5

struct ve_ear {
    fe_t *fe;                       /* owned */
    cmd_ln_t *config;               /* owned */
    struct ve_resampler *resampler; /* owned */
    int16_t *resampled;             /* owned: room for a block */
    struct ve_rng floor_rng;        /* for the noise; the same for every utterance */
    float (*vectors)[VE_EAR_DIMS];  /* owned */
    struct ve_voicing voicing;
    uint8_t voiced[VE_EAR_FRAMES_MAX + VOICED_LATE];
    size_t voiced_count;
    size_t count;
    size_t cap;
    float peak;    /* mean square of the loudest tenth of a second */
    float floor;   /* and of the softest */
    double energy; /* of the present tenth, so far */
    size_t energy_count;
};

int ve_ear_new(struct ve_ear **out, uint32_t rate)
{
    struct ve_ear *ear = ve_alloc(sizeof(*ear));
    if (!ear)
        return VE_ENOMEM;
    int err = ve_resampler_new(&ear->resampler, rate, VE_EAR_RATE);
    if (err)
        goto out;
    err = VE_ENOMEM;
    ear->resampled =
        ve_alloc_array(ve_resample_room(ear->resampler, BLOCK), sizeof(*ear->resampled));
    if (!ear->resampled)
        goto out;
    err = VE_EFAILED;
    /* The acoustic model's own settings (feat.params); every frame is kept, for silence too tells
     * something. */
    ear->config = cmd_ln_init(NULL, fe_get_args(), FALSE, "-lowerf", "130", "-upperf", "6800",
                              "-nfilt", "25", "-transform", "dct", "-lifter", "22", "-samprate",
                              "16000", "-remove_noise", "yes", "-remove_silence", "no", NULL);
    if (!ear->config)
        goto out;
    ear->fe = fe_init_auto_r(ear->config);
    if (!ear->fe)
        goto out;
    ve_ear_begin(ear);
    *out = ear;
    return 0;
out:
    ve_ear_free(ear);
    return err;
}

void ve_ear_free(struct ve_ear *ear)
{
    if (!ear)
        return;
    if (ear->fe)
        (void)fe_free(ear->fe);
    if (ear->config)
        (void)cmd_ln_free_r(ear->config);
    ve_resampler_free(ear->resampler);
    ve_free(ear->resampled);
    ve_free(ear->vectors);
    ve_free(ear);
}

void ve_ear_begin(struct ve_ear *ear)
{
    (void)ve_resampler_reset(ear->resampler);
    fe_start_stream(ear->fe);
    (void)fe_start_utt(ear->fe);
    ve_rng_seed(&ear->floor_rng, 1);
    memset(&ear->voicing, 0, sizeof(ear->voicing));
    ear->voiced_count = 0;
    ear->count = 0;
    ear->peak = 0;
    ear->floor = 0;
    ear->energy = 0;
    ear->energy_count = 0;
}

static int reserve(struct ve_ear *ear, size_t more)
{
    if (ear->count + more <= ear->cap)
        return 0;
    size_t cap = ear->cap ? ear->cap * 2 : 512;
    float(*grown)[VE_EAR_DIMS] = ve_realloc(ear->vectors, cap * sizeof(*grown));
    if (!grown)
        return VE_ENOMEM;
    ear->vectors = grown;
    ear->cap = cap;
    return 0;
}

static void measure(struct ve_ear *ear, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ear->energy += (double)samples[i] * samples[i];
        if (++ear->energy_count < 10 * FRAME)
            continue;
        float mean = (float)(ear->energy / (double)ear->energy_count);
        ear->floor = ear->peak == 0 || mean < ear->floor ? mean : ear->floor;
        ear->peak = mean > ear->peak ? mean : ear->peak;
        ear->energy = 0;
        ear->energy_count = 0;
    }
}

static void note_voice(struct ve_ear *ear, const int16_t *samples, size_t count)
{
    bool voiced;
    while (ve_voicing_push(&ear->voicing, &samples, &count, &voiced)) {
        if (ear->voiced_count < sizeof(ear->voiced))
            ear->voiced[ear->voiced_count++] = voiced;
    }
}

static void add_floor(struct ve_ear *ear, int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int v = samples[i] + (int)ve_rng_below(&ear->floor_rng, 2 * FLOOR + 1) - FLOOR;
        samples[i] = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
    }
}

/* At most BLOCK_FRAMES frames' worth of samples at 16 kHz. */
static int add_block(struct ve_ear *ear, int16_t *samples, size_t count)
{
    float *rows[BLOCK_FRAMES];
    const int16 *at = samples;
    size_t left = count;
    measure(ear, samples, count);
    add_floor(ear, samples, count);
    note_voice(ear, samples, count);
    while (left > 0 && ear->count < VE_EAR_FRAMES_MAX) {
        int err = reserve(ear, BLOCK_FRAMES);
        if (err)
            return err;
        for (size_t i = 0; i < BLOCK_FRAMES; i++)
            rows[i] = ear->vectors[ear->count + i];
        int32 frames = BLOCK_FRAMES;
        size_t before = left;
        if (fe_process_frames(ear->fe, &at, &left, rows, &frames, NULL) < 0)
            return VE_EFAILED;
        ear->count += (size_t)frames;
        if (left == before && frames == 0)
            return VE_EFAILED;
    }
    return 0;
}

int ve_ear_hear(struct ve_ear *ear, const int16_t *samples, size_t count)
{
    while (count > 0) {
        size_t part = count < BLOCK ? count : BLOCK;
        size_t got;
        int err = ve_resample(ear->resampler, samples, part, ear->resampled, &got);
        if (!err)
            err = add_block(ear, ear->resampled, got);
        if (err)
            return err;
        samples += part;
        count -= part;
    }
    return 0;
}

int ve_ear_end(struct ve_ear *ear)
{
    size_t got;
    int err = ve_resample_flush(ear->resampler, ear->resampled, &got);
    if (!err)
        err = add_block(ear, ear->resampled, got);
    if (!err)
        err = reserve(ear, 1);
    if (err)
        return err;
    int32 frames = 0;
    (void)fe_end_utt(ear->fe, ear->vectors[ear->count], &frames);
    if (frames > 0 && ear->count < VE_EAR_FRAMES_MAX)
        ear->count++;
    return 0;
}

size_t ve_ear_frames(const struct ve_ear *ear)
{
    return ear->count;
}

static float power_of_db(float db)
{
    return powf(10.0f, db / 10);
}

static bool is_voiced(const struct ve_ear *ear, size_t frame)
{
    size_t at = frame + VOICED_LATE;
    return at < ear->voiced_count && ear->voiced[at];
}

static int compare_floats(const void *a, const void *b)
{
    float left = *(const float *)a;
    float right = *(const float *)b;
    return (left > right) - (left < right);
}

/* Where the loud frames begin and end; false when there is no run of them. */
static bool find_loud(const struct ve_ear *ear, struct ve_ear_range *range)
{
    size_t run = 0;
    size_t first = 0;
    size_t last = 0;
    for (size_t i = 0; i < ear->count; i++) {
        run = ear->vectors[i][0] > range->cut ? run + 1 : 0;
        if (run < LOUD_RUN)
            continue;
        if (range->loud == 0)
            first = i + 1 - run;
        range->loud += run == LOUD_RUN ? LOUD_RUN : 1;
        for (size_t k = run == LOUD_RUN ? LOUD_RUN : 1; k > 0; k--)
            range->voiced += is_voiced(ear, i + 1 - k);
        last = i + 1;
    }
    if (range->loud == 0)
        return false;
    range->begin = first > VE_EAR_MARGIN ? first - VE_EAR_MARGIN : 0;
    range->end = last + VE_EAR_MARGIN < ear->count ? last + VE_EAR_MARGIN : ear->count;
    return true;
}

int ve_ear_range(const struct ve_ear *ear, struct ve_ear_range *out)
{
    memset(out, 0, sizeof(*out));
    out->sound = VE_EAR_SILENCE;
    if (ear->count == 0 || ear->peak < power_of_db(SILENCE_DBFS) * 32768.0f * 32768.0f)
        return 0;
    float *sorted = ve_alloc_array(ear->count, sizeof(*sorted));
    if (!sorted)
        return VE_ENOMEM;
    for (size_t i = 0; i < ear->count; i++)
        sorted[i] = ear->vectors[i][0];
    qsort(sorted, ear->count, sizeof(*sorted), compare_floats);
    float low = sorted[ear->count / 10];
    /* As many frames are as loud as a run needs. */
    size_t top = ear->count > LOUD_RUN ? ear->count - LOUD_RUN : 0;
    out->spread = sorted[top] - low;
    out->cut = low + CUT_SHARE * out->spread;
    ve_free(sorted);
    bool found = find_loud(ear, out);
    bool stands_out = found && out->loud >= LOUD_MIN && out->spread >= SPREAD_MIN &&
                      (float)out->voiced >= VOICED_MIN * (float)out->loud &&
                      ear->peak > power_of_db(STEADY_DB) * ear->floor;
    out->sound = stands_out ? VE_EAR_SPEECH : VE_EAR_NOISE;
    return 0;
}

void ve_ear_vectors(const struct ve_ear *ear, const struct ve_ear_range *range,
                    float (*out)[VE_EAR_DIMS])
{
    double sum[2][VE_EAR_DIMS] = {{0}};
    size_t count[2] = {0, 0};
    for (size_t i = range->begin; i < range->end; i++) {
        int loud = ear->vectors[i][0] > range->cut;
        count[loud]++;
        for (int d = 0; d < VE_EAR_DIMS; d++)
            sum[loud][d] += ear->vectors[i][d];
    }
    for (int d = 0; d < VE_EAR_DIMS; d++) {
        double soft = count[0] ? sum[0][d] / (double)count[0] : 0;
        double loud = count[1] ? sum[1][d] / (double)count[1] : soft;
        double mean = count[0] ? LOUD_WEIGHT * loud + (1 - LOUD_WEIGHT) * soft : loud;
        for (size_t i = range->begin; i < range->end; i++)
            out[i - range->begin][d] = (float)(ear->vectors[i][d] - mean);
    }
}
