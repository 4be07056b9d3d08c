#include "speech/phones.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Costs, where a change to a phone that has nothing in common is 1. */
#define LEFT_OUT 0.7f /* or put in */

enum manner { VOWEL, STOP, FRICATIVE, AFFRICATE, NASAL, LIQUID };

/* Vowels: height of the tongue (0 high to 4 low) and how far back (0 to 4), of their middle.
 * Consonants: where they are made (0 lips to 6 throat) and whether the voice sounds. */
struct phone {
    char name[4];
    uint8_t manner;
    uint8_t place;
    uint8_t more;
};

static const struct phone phones[] = {
    {"AA", VOWEL, 4, 3},     {"AE", VOWEL, 4, 0},     {"AH", VOWEL, 3, 2},
    {"AO", VOWEL, 3, 4},     {"AW", VOWEL, 3, 3},     {"AY", VOWEL, 3, 1},
    {"B", STOP, 0, 1},       {"CH", AFFRICATE, 3, 0}, {"D", STOP, 2, 1},
    {"DH", FRICATIVE, 1, 1}, {"EH", VOWEL, 3, 0},     {"ER", VOWEL, 2, 2},
    {"EY", VOWEL, 1, 0},     {"F", FRICATIVE, 0, 0},  {"G", STOP, 5, 1},
    {"HH", FRICATIVE, 6, 0}, {"IH", VOWEL, 1, 1},     {"IY", VOWEL, 0, 0},
    {"JH", AFFRICATE, 3, 1}, {"K", STOP, 5, 0},       {"L", LIQUID, 2, 1},
    {"M", NASAL, 0, 1},      {"N", NASAL, 2, 1},      {"NG", NASAL, 5, 1},
    {"OW", VOWEL, 2, 4},     {"OY", VOWEL, 2, 3},     {"P", STOP, 0, 0},
    {"R", LIQUID, 3, 1},     {"S", FRICATIVE, 2, 0},  {"SH", FRICATIVE, 3, 0},
    {"T", STOP, 2, 0},       {"TH", FRICATIVE, 1, 0}, {"UH", VOWEL, 1, 3},
    {"UW", VOWEL, 0, 4},     {"V", FRICATIVE, 0, 1},  {"W", LIQUID, 0, 1},
    {"Y", LIQUID, 4, 1},     {"Z", FRICATIVE, 2, 1},  {"ZH", FRICATIVE, 3, 1},
};
enum { PHONES = sizeof(phones) / sizeof(phones[0]) };

uint8_t ve_phone_of(struct ve_str name)
{
    for (unsigned i = 0; i < PHONES; i++) {
        if (ve_str_eq(name, ve_str(phones[i].name)))
            return (uint8_t)(i + 1);
    }
    return VE_PHONE_NONE;
}

size_t ve_phones_read(struct ve_str text, uint8_t *out, size_t max)
{
    size_t count = 0;
    while (text.ptr && count < max) {
        uint8_t phone = ve_phone_of(ve_str_trim(ve_str_cut(&text, ' ')));
        if (phone != VE_PHONE_NONE)
            out[count++] = phone;
    }
    return count;
}

static float change(uint8_t from, uint8_t to)
{
    if (from == to)
        return 0;
    if (from == VE_PHONE_NONE || to == VE_PHONE_NONE || from > PHONES || to > PHONES)
        return 1;
    const struct phone *a = &phones[from - 1];
    const struct phone *b = &phones[to - 1];
    float place = (float)abs(a->place - b->place);
    float more = (float)abs(a->more - b->more);
    if ((a->manner == VOWEL) != (b->manner == VOWEL))
        return 1;
    if (a->manner == VOWEL)
        return fminf(0.15f + 0.12f * (place + more), 0.8f);
    /* The voice of a consonant is the first thing that a telephone takes away. */
    float cost = 0.1f * more + (a->manner == b->manner ? 0.1f : 0.45f);
    return fminf(cost + (place > 0 ? 0.15f + 0.05f * place : 0), 1);
}

static float least(float a, float b, float c)
{
    return fminf(a, fminf(b, c));
}

float ve_phones_apart(const uint8_t *a, size_t a_count, const uint8_t *b, size_t b_count)
{
    float row[VE_PHONES_MAX + 1]; /* costs of turning the a so far into each front part of b */
    a_count = a_count < VE_PHONES_MAX ? a_count : VE_PHONES_MAX;
    b_count = b_count < VE_PHONES_MAX ? b_count : VE_PHONES_MAX;
    size_t longer = a_count > b_count ? a_count : b_count;
    if (longer == 0)
        return 0;
    for (size_t j = 0; j <= b_count; j++)
        row[j] = LEFT_OUT * (float)j;
    for (size_t i = 1; i <= a_count; i++) {
        float diagonal = row[0];
        row[0] = LEFT_OUT * (float)i;
        for (size_t j = 1; j <= b_count; j++) {
            float above = row[j];
            row[j] = least(diagonal + change(a[i - 1], b[j - 1]), above + LEFT_OUT,
                           row[j - 1] + LEFT_OUT);
            diagonal = above;
        }
    }
    return fminf(row[b_count] / (float)longer, 1);
}
