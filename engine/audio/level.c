#include "audio/level.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define LN2           0.693147180559945309417
#define LN10          2.302585092994045684018
#define DB_MAX        200.0
#define FULL_SCALE    1073741824.0 /* 32768 squared */
#define WINDOWS_PER_S 100

/* Natural logarithm of a positive normal number, to 1e-14: the exponent, and the series of
 * 2 artanh((m - 1) / (m + 1)) for the mantissa. */
static double log_of(double x)
{
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof(bits));
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
    double m = 1;
    memcpy(&m, &bits, sizeof(m));
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    double s = (m - 1) / (m + 1);
    double square = s * s;
    double sum = 0;
    for (int n = 17; n >= 1; n -= 2)
        sum = sum * square + 1.0 / n;
    return exponent * LN2 + 2 * s * sum;
}

/* e^x for |x| < 100. */
static double exp_of(double x)
{
    int k = (int)(x / LN2 + (x < 0 ? -0.5 : 0.5));
    double r = x - k * LN2;
    double sum = 1;
    for (int n = 16; n >= 1; n--)
        sum = 1 + sum * r / n;
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double power = 1;
    memcpy(&power, &bits, sizeof(power));
    return sum * power;
}

uint64_t ve_level_energy(const int16_t *samples, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint32_t)((int32_t)samples[i] * samples[i]);
    return sum;
}

unsigned ve_level_peak(const int16_t *samples, size_t count)
{
    int low = 0;
    int high = 0;
    for (size_t i = 0; i < count; i++) {
        low = samples[i] < low ? samples[i] : low;
        high = samples[i] > high ? samples[i] : high;
    }
    return (unsigned)(-low > high ? -low : high);
}

static float dbfs_of(double power)
{
    if (power <= 0)
        return VE_LEVEL_FLOOR;
    float db = (float)(10 / LN10 * log_of(power / FULL_SCALE));
    return db > VE_LEVEL_FLOOR ? db : VE_LEVEL_FLOOR;
}

float ve_level_dbfs(uint64_t energy, size_t count)
{
    return count ? dbfs_of((double)energy / (double)count) : VE_LEVEL_FLOOR;
}

float ve_level_peak_dbfs(unsigned peak)
{
    return dbfs_of((double)peak * peak);
}

uint64_t ve_level_threshold(float dbfs, size_t count)
{
    double db = dbfs;
    if (!(db > -DB_MAX)) /* also NaN */
        return 0;
    double energy = exp_of((db < DB_MAX ? db : DB_MAX) * (LN10 / 10)) * FULL_SCALE * (double)count;
    return energy < 9e18 ? (uint64_t)energy : (uint64_t)9e18;
}

float ve_level_rms(const int16_t *samples, size_t count)
{
    return ve_level_dbfs(ve_level_energy(samples, count), count);
}

/* What makes a window of 10 ms audible. */
struct threshold {
    float dbfs;
    size_t window;   /* samples of 10 ms */
    uint64_t energy; /* of a whole window */
    uint64_t square; /* of one sample */
};

static struct threshold threshold_of(uint32_t rate, float dbfs)
{
    size_t window = rate / WINDOWS_PER_S ? rate / WINDOWS_PER_S : 1;
    return (struct threshold){
        .dbfs = dbfs,
        .window = window,
        .energy = ve_level_threshold(dbfs, window),
        .square = ve_level_threshold(dbfs, 1),
    };
}

/* `count` is less than a window at the outer end of the samples. */
static bool audible(const int16_t *samples, size_t count, const struct threshold *threshold)
{
    uint64_t energy = ve_level_energy(samples, count);
    if (energy == 0)
        return false;
    return energy >= (count == threshold->window ? threshold->energy
                                                 : ve_level_threshold(threshold->dbfs, count));
}

static bool reaches(int16_t sample, uint64_t square)
{
    uint64_t own = (uint32_t)((int32_t)sample * sample);
    return own > 0 && own >= square;
}

size_t ve_level_first(const int16_t *samples, size_t count, uint32_t rate, float dbfs)
{
    struct threshold threshold = threshold_of(rate, dbfs);
    for (size_t at = 0; at < count; at += threshold.window) {
        size_t len = count - at < threshold.window ? count - at : threshold.window;
        if (!audible(samples + at, len, &threshold))
            continue;
        while (at < count - 1 && !reaches(samples[at], threshold.square))
            at++;
        return at;
    }
    return SIZE_MAX;
}

size_t ve_level_last(const int16_t *samples, size_t count, uint32_t rate, float dbfs)
{
    struct threshold threshold = threshold_of(rate, dbfs);
    size_t end = count;
    while (end > 0) {
        size_t len = end < threshold.window ? end : threshold.window;
        if (!audible(samples + end - len, len, &threshold)) {
            end -= len;
            continue;
        }
        while (end > 1 && !reaches(samples[end - 1], threshold.square))
            end--;
        return end - 1;
    }
    return SIZE_MAX;
}
