#include "audio/dtmf.h"

#include "audio/level.h"

#include <string.h>

enum { TONES = 8, START_HITS = 2, END_MISSES = 3 };

/* The limits of Q.24, with room for noise and for what a block off in frequency loses. */
#define LEVEL_MIN   68000.0f /* mean square of one tone: -42 dBFS */
#define COLUMN_OVER 3.2f     /* at most 5 dB above the row ... */
#define ROW_OVER    9.0f     /* ... or 9.5 dB below it */
#define PEAK        6.3f     /* the tone is 8 dB above the others of its group */
#define SPILL       0.009f   /* of a tone's energy reaches the filters of the other group */
#define SHARE       0.66f    /* of all energy is in the two tones */
#define HARMONIC    0.2f     /* of a tone's energy may be in its second harmonic */
#define LEAK        0.35f /* of the column's energy reaches the row's harmonic, 60 Hz beside it */

/* 697 770 852 941, 1209 1336 1477 1633 Hz at 8 kHz: w = 2 pi f / 8000. */
static const float cosine[TONES] = {0.853868905f, 0.822640518f, 0.784343492f, 0.739102284f,
                                    0.582052012f, 0.498185105f, 0.399309195f, 0.284266353f};
static const float sine[TONES] = {0.520488130f, 0.568561851f, 0.620326758f, 0.673593211f,
                                  0.813151558f, 0.867070701f, 0.916816321f, 0.958745347f};
/* e^(j w 102): how far a tone turns in a block. */
static const float turn[TONES][2] = {{0.757337082f, -0.653024153f}, {0.411514359f, -0.911403277f},
                                     {0.651833725f, -0.758361915f}, {0.999900072f, -0.014136696f},
                                     {-0.859941365f, 0.510392838f}, {0.977268124f, 0.212007110f},
                                     {0.491359853f, -0.870956655f}, {0.430038445f, -0.902810576f}};
/* Cosine of the turn that a tone 2.3 % off makes beside it. */
static const float turn_min[TONES] = {0.2867f,  0.1542f,  0.0026f,  -0.1601f,
                                      -0.6145f, -0.7769f, -0.9058f, -0.9842f};
static const char digits[4][4] = {"123A", "456B", "789C", "*0#D"};

/* What the filters found in a block. */
struct bank {
    float value[TONES][2]; /* real, imaginary */
    float power[TONES];    /* their squares */
};

/* Four filters side by side. */
typedef float lanes __attribute__((vector_size(16)));

static lanes lanes_of(const float from[4])
{
    return (lanes){from[0], from[1], from[2], from[3]};
}

static void bank_run(struct bank *bank, const int16_t *block)
{
    lanes twice[2] = {2 * lanes_of(cosine), 2 * lanes_of(cosine + 4)};
    lanes now[2] = {{0}, {0}};
    lanes before[2] = {{0}, {0}};
    for (int n = 0; n < VE_DTMF_BLOCK; n++) {
        float x = (float)block[n];
        lanes low = (x - before[0]) + twice[0] * now[0];
        lanes high = (x - before[1]) + twice[1] * now[1];
        before[0] = now[0];
        before[1] = now[1];
        now[0] = low;
        now[1] = high;
    }
    for (int k = 0; k < TONES; k++) {
        float re = now[k / 4][k % 4] - cosine[k] * before[k / 4][k % 4];
        float im = sine[k] * before[k / 4][k % 4];
        bank->value[k][0] = re;
        bank->value[k][1] = im;
        bank->power[k] = re * re + im * im;
    }
}

/* Power at twice the frequency of tone k. */
static float harmonic_power(int k, const int16_t *block)
{
    float twice = 2 * (2 * cosine[k] * cosine[k] - 1);
    float now = 0;
    float before = 0;
    for (int n = 0; n < VE_DTMF_BLOCK; n++) {
        float next = (float)block[n] + twice * now - before;
        before = now;
        now = next;
    }
    return now * now + before * before - twice * now * before;
}

static int strongest(const float power[TONES], int first)
{
    int best = first;
    for (int k = first + 1; k < first + 4; k++)
        best = power[k] > power[best] ? k : best;
    return best;
}

/* Does the tone stand out from its group, but for what a tone of the other group spills into it? */
static bool stands_out(const float power[TONES], int tone, int other)
{
    int first = tone / 4 * 4;
    for (int k = first; k < first + 4; k++) {
        if (k != tone && (power[k] - SPILL * power[other]) * PEAK > power[tone])
            return false;
    }
    return true;
}

/* Is there a pair of tones, and nothing but them? */
static bool pair_find(int *row, int *column, const struct bank *bank, const int16_t *block,
                      uint64_t energy)
{
    /* A tone of mean square m has the power m N^2 / 2, and the energy m N. */
    const float level_min = LEVEL_MIN * VE_DTMF_BLOCK * VE_DTMF_BLOCK / 2;
    *row = strongest(bank->power, 0);
    *column = strongest(bank->power, 4);
    float low = bank->power[*row];
    float high = bank->power[*column];
    if (low < level_min || high < level_min)
        return false;
    if (high > low * COLUMN_OVER || low > high * ROW_OVER)
        return false;
    if (!stands_out(bank->power, *row, *column) || !stands_out(bank->power, *column, *row))
        return false;
    if ((low + high) * 2 < SHARE * (float)energy * VE_DTMF_BLOCK)
        return false;
    return harmonic_power(*row, block) < HARMONIC * low + LEAK * high &&
           harmonic_power(*column, block) < HARMONIC * high;
}

/* Has tone k turned since the block before as a tone of its frequency does? */
static bool turned(const float before[2], const float now[2], int k)
{
    float re = before[0] * turn[k][0] - before[1] * turn[k][1];
    float im = before[0] * turn[k][1] + before[1] * turn[k][0];
    float dot = re * now[0] + im * now[1];
    float norms = (re * re + im * im) * (now[0] * now[0] + now[1] * now[1]);
    float least = turn_min[k];
    if (dot >= 0)
        return least <= 0 || dot * dot >= least * least * norms;
    return least < 0 && dot * dot <= least * least * norms;
}

/* The digit that a block looks like, or 0. A second block must go on where the first stopped. */
static char look(struct ve_dtmf *dtmf)
{
    const int16_t *block = dtmf->pending;
    struct bank bank;
    int row = 0;
    int column = 0;
    uint64_t energy = ve_level_energy(block, VE_DTMF_BLOCK);
    if ((float)energy < LEVEL_MIN * VE_DTMF_BLOCK)
        return 0;
    bank_run(&bank, block);
    if (!pair_find(&row, &column, &bank, block, energy))
        return 0;
    char digit = digits[row][column - 4];
    bool steady = dtmf->last != digit || (turned(dtmf->turn[0], bank.value[row], row) &&
                                          turned(dtmf->turn[1], bank.value[column], column));
    memcpy(dtmf->turn[0], bank.value[row], sizeof(dtmf->turn[0]));
    memcpy(dtmf->turn[1], bank.value[column], sizeof(dtmf->turn[1]));
    if (!steady)
        return 0;
    return digit;
}

static void key_begin(struct ve_dtmf *dtmf, char digit)
{
    dtmf->digit = digit;
    dtmf->queued = digit;
    dtmf->misses = 0;
    dtmf->start = dtmf->position - (uint64_t)START_HITS * VE_DTMF_BLOCK;
    dtmf->end = dtmf->position;
}

static bool key_end(struct ve_dtmf *dtmf, struct ve_dtmf_event *out)
{
    *out = (struct ve_dtmf_event){
        .kind = VE_DTMF_END, .digit = dtmf->digit, .start = dtmf->start, .end = dtmf->end};
    dtmf->digit = 0;
    return true;
}

/* A block is full: true when a key has ended. A begin is left in dtmf->queued. */
static bool step(struct ve_dtmf *dtmf, struct ve_dtmf_event *out)
{
    char seen = look(dtmf);
    bool twice = seen && seen == dtmf->last;
    bool ended = false;
    dtmf->last = seen;
    dtmf->position += VE_DTMF_BLOCK;
    if (dtmf->digit && seen == dtmf->digit) {
        dtmf->misses = 0;
        dtmf->end = dtmf->position;
    } else if (dtmf->digit && (++dtmf->misses >= END_MISSES || twice)) {
        ended = key_end(dtmf, out);
    }
    if (twice && !dtmf->digit)
        key_begin(dtmf, seen);
    return ended;
}

void ve_dtmf_reset(struct ve_dtmf *dtmf)
{
    memset(dtmf, 0, sizeof(*dtmf));
}

bool ve_dtmf_push(struct ve_dtmf *dtmf, struct ve_dtmf_event *out, const int16_t **samples,
                  size_t *count)
{
    bool told = false;
    while (!told && !dtmf->queued && *count > 0) {
        size_t part = VE_DTMF_BLOCK - (size_t)dtmf->pending_count;
        if (part > *count)
            part = *count;
        memcpy(dtmf->pending + dtmf->pending_count, *samples, part * sizeof(**samples));
        dtmf->pending_count = (uint8_t)(dtmf->pending_count + part);
        *samples += part;
        *count -= part;
        if (dtmf->pending_count < VE_DTMF_BLOCK)
            return false;
        dtmf->pending_count = 0;
        told = step(dtmf, out);
    }
    if (told || !dtmf->queued)
        return told;
    *out = (struct ve_dtmf_event){
        .kind = VE_DTMF_BEGIN, .digit = dtmf->queued, .start = dtmf->start, .end = dtmf->end};
    dtmf->queued = 0;
    return true;
}

bool ve_dtmf_finish(struct ve_dtmf *dtmf, struct ve_dtmf_event *out)
{
    return dtmf->digit && key_end(dtmf, out);
}
