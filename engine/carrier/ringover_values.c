#include "carrier/ringover_values.h"

#include <stdio.h>
#include <string.h>

/* Epoch values from here on are milliseconds: as seconds it would be the year 5138. */
#define SECONDS_MAX 100000000000.0
/* Whole numbers up to here are exact in a double. */
#define EXACT_MAX 9007199254740992.0
/* The longest duration that makes sense; beyond, it is none. */
#define DURATION_MAX (1u << 31)

/* --- texts, ids, numbers ---------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_digits(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
    }
    return text.len > 0;
}

void ve_ringover_text(char *out, size_t size, const struct ve_json *value)
{
    uint64_t number;
    double real;
    out[0] = '\0';
    if (ve_json_type(value) == VE_JSON_STRING)
        (void)ve_str_copy(out, size, ve_json_str(value));
    else if (ve_json_u64(value, &number) == 0)
        (void)snprintf(out, size, "%llu", (unsigned long long)number);
    else if (ve_json_double(value, &real) == 0 && real >= 0 && real < EXACT_MAX &&
             real == (double)(uint64_t)real)
        (void)snprintf(out, size, "%llu", (unsigned long long)real); /* 3.3e10, written so */
}

void ve_ringover_id(char *out, size_t size, const struct ve_json *value)
{
    uint64_t number;
    struct ve_str text = ve_json_str(value);
    out[0] = '\0';
    if (ve_json_u64(value, &number) == 0)
        (void)snprintf(out, size, "%llu", (unsigned long long)number);
    else if (is_digits(text) && text.len < size && ve_str_u64(&number, text, UINT64_MAX) == 0)
        (void)ve_str_copy(out, size, text); /* whole: the front of an id is another one's */
}

void ve_ringover_number(char *out, size_t size, struct ve_str text)
{
    char digits[24];
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_digit(c) && n < sizeof(digits) - 1) {
            digits[n++] = c;
        } else if (!c || !strchr("+ .-()", c) || n == sizeof(digits) - 1) {
            (void)ve_str_copy(out, size, text); /* "anonymous", an extension with letters */
            return;
        }
    }
    digits[n] = '\0';
    /* E.164 has at most 15 digits; short ones are internal numbers. */
    bool whole = n >= 7 && n <= 15;
    (void)snprintf(out, size, "%s%s", whole ? "+" : "", digits);
}

void ve_ringover_phone(char *out, size_t size, const struct ve_json *value)
{
    char text[40];
    ve_ringover_text(text, sizeof(text), value);
    ve_ringover_number(out, size, ve_str(text));
}

bool ve_ringover_flag(const struct ve_json *value)
{
    uint64_t number;
    struct ve_str text = ve_json_str(value);
    if (ve_json_u64(value, &number) == 0)
        return number != 0;
    if (ve_json_type(value) == VE_JSON_STRING)
        return ve_str_ieq(text, VE_STR("true")) || ve_str_eq(text, VE_STR("1"));
    return ve_json_bool(value, false);
}

int64_t ve_ringover_seconds(const struct ve_json *value)
{
    double number;
    uint64_t whole;
    if (ve_json_double(value, &number) == 0)
        return number >= 0 && number < DURATION_MAX ? (int64_t)number : -1;
    struct ve_str text = ve_str_trim(ve_json_str(value));
    if (text.len && text.ptr[text.len - 1] == 's')
        text = ve_str_trim(ve_str_n(text.ptr, text.len - 1));
    return ve_str_u64(&whole, text, DURATION_MAX) == 0 ? (int64_t)whole : -1;
}

/* --- times ------------------------------------------------------------------------------------ */

static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Exactly `count` digits at the front of *text. */
static bool take_digits(struct ve_str *text, size_t count, int *out)
{
    uint64_t value;
    if (text->len < count || ve_str_u64(&value, ve_str_n(text->ptr, count), 9999) != 0)
        return false;
    *out = (int)value;
    text->ptr += count;
    text->len -= count;
    return true;
}

static bool take_char(struct ve_str *text, const char *set)
{
    if (!text->len || !text->ptr[0] || !strchr(set, text->ptr[0]))
        return false;
    text->ptr++;
    text->len--;
    return true;
}

/* ".125", ",5" or nothing; digits beyond the third count for nothing. */
static int take_millis(struct ve_str *text)
{
    int millis = 0;
    int scale = 100;
    if (!take_char(text, ".,"))
        return 0;
    for (; text->len && is_digit(text->ptr[0]); scale /= 10) {
        millis += (text->ptr[0] - '0') * scale;
        text->ptr++;
        text->len--;
    }
    return millis;
}

/* "Z", "+02:00", "+0200" or nothing (UTC): minutes east. */
static bool take_zone(struct ve_str *text, int *minutes)
{
    int hours = 0;
    int rest = 0;
    *minutes = 0;
    if (!text->len || take_char(text, "Zz"))
        return text->len == 0;
    bool west = text->ptr[0] == '-';
    if (!take_char(text, "+-") || !take_digits(text, 2, &hours))
        return false;
    (void)take_char(text, ":");
    if (text->len && !take_digits(text, 2, &rest))
        return false;
    *minutes = (hours * 60 + rest) * (west ? -1 : 1);
    return text->len == 0 && hours <= 14 && rest <= 59;
}

static int64_t parse_iso(struct ve_str text)
{
    int year, month, day, hour, minute, second, zone;
    bool date = take_digits(&text, 4, &year) && take_char(&text, "-") &&
                take_digits(&text, 2, &month) && take_char(&text, "-") &&
                take_digits(&text, 2, &day) && take_char(&text, "Tt ");
    bool time = date && take_digits(&text, 2, &hour) && take_char(&text, ":") &&
                take_digits(&text, 2, &minute) && take_char(&text, ":") &&
                take_digits(&text, 2, &second);
    if (!time || month < 1 || month > 12 || day < 1 || day > days_of(year, month) || hour > 23 ||
        minute > 59 || second > 60)
        return 0;
    int millis = take_millis(&text);
    if (!take_zone(&text, &zone))
        return 0;
    int64_t seconds = days_from_civil(year, (unsigned)month, (unsigned)day) * 86400 + hour * 3600 +
                      minute * 60 + second - zone * 60;
    return seconds > 0 ? seconds * 1000 + millis : 0;
}

static int64_t from_epoch(double value)
{
    if (!(value > 0 && value < SECONDS_MAX * 1000))
        return 0;
    return (int64_t)(value < SECONDS_MAX ? value * 1000.0 + 0.5 : value);
}

int64_t ve_ringover_time(struct ve_str text)
{
    uint64_t whole;
    text = ve_str_trim(text);
    struct ve_str rest = text;
    struct ve_str front = ve_str_cut(&rest, '.');
    if (ve_str_u64(&whole, front, 1000000000000000) != 0 || (rest.ptr && !is_digits(rest)))
        return parse_iso(text);
    /* below 2^53, so exact */
    int64_t ms = from_epoch((double)(int64_t)whole);
    struct ve_str fraction = ve_str_n(text.ptr + front.len, text.len - front.len);
    return ms && (double)(int64_t)whole < SECONDS_MAX ? ms + take_millis(&fraction) : ms;
}

int64_t ve_ringover_ms(const struct ve_json *value)
{
    double number;
    if (ve_json_double(value, &number) == 0)
        return from_epoch(number);
    return ve_json_type(value) == VE_JSON_STRING ? ve_ringover_time(ve_json_str(value)) : 0;
}
