#include "carrier/ringover_webhook.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* Epoch values above this are milliseconds: as seconds it would be the year 5138. */
#define SECONDS_MAX 100000000000.0
/* Bytes of a resource and of an event that go into the event's name. */
#define NAME_PART_MAX 30

/* --- loose values ----------------------------------------------------------------------------- */

/* Text of a string or of a whole number, without passing through a double. False when it does not
 * fit whole. */
static bool copy_text(char *out, size_t size, const struct ve_json *value)
{
    uint64_t number;
    out[0] = '\0';
    if (ve_json_type(value) == VE_JSON_STRING)
        return ve_str_copy(out, size, ve_json_str(value));
    if (ve_json_u64(value, &number) == 0)
        (void)snprintf(out, size, "%llu", (unsigned long long)number);
    return true;
}

static bool is_digits(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return text.len > 0;
}

/* An id is digits and at most 2^64-1; anything else is no id. */
static void copy_id(char *out, size_t size, const struct ve_json *value)
{
    uint64_t number;
    bool is_text = ve_json_type(value) == VE_JSON_STRING;
    struct ve_str text = ve_json_str(value);
    if (is_text && (!is_digits(text) || ve_str_u64(&number, text, UINT64_MAX) != 0))
        value = NULL;
    if (!copy_text(out, size, value))
        out[0] = '\0'; /* the front of an id is another one's */
}

void ve_ringover_number(char *out, size_t size, struct ve_str text)
{
    char digits[24];
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= '0' && c <= '9' && n < sizeof(digits) - 1)
            digits[n++] = c;
        else if (!c || !strchr("+ .-()", c) || n == sizeof(digits) - 1) {
            ve_str_copy(out, size, text); /* "anonymous", an extension with letters */
            return;
        }
    }
    digits[n] = '\0';
    /* E.164 has at most 15 digits; short ones are internal numbers. */
    bool whole = n >= 7 && n <= 15;
    (void)snprintf(out, size, "%s%s", whole ? "+" : "", digits);
}

static void copy_number(char *out, size_t size, const struct ve_json *value)
{
    char text[40];
    (void)copy_text(text, sizeof(text), value);
    ve_ringover_number(out, size, ve_str(text));
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

static int take_millis(struct ve_str *text)
{
    int millis = 0;
    int scale = 100;
    if (!take_char(text, ".,"))
        return 0;
    for (; text->len && text->ptr[0] >= '0' && text->ptr[0] <= '9'; scale /= 10) {
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
    return text->len == 0;
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
    if (!time || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60)
        return 0;
    int millis = take_millis(&text);
    if (!take_zone(&text, &zone))
        return 0;
    int64_t seconds = days_from_civil(year, (unsigned)month, (unsigned)day) * 86400 + hour * 3600 +
                      minute * 60 + second - zone * 60;
    return seconds > 0 ? seconds * 1000 + millis : 0; /* no call is older than 1970 */
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
    struct ve_str fraction = text;
    struct ve_str head = ve_str_cut(&fraction, '.');
    if (ve_str_u64(&whole, head, 1000000000000000) != 0 || (fraction.ptr && !is_digits(fraction)))
        return parse_iso(text);
    int64_t ms = from_epoch((double)whole);
    bool seconds = (double)whole < SECONDS_MAX;
    text.ptr += head.len;
    text.len -= head.len;
    return ms && seconds ? ms + take_millis(&text) : ms;
}

static int64_t time_of(const struct ve_json *value)
{
    double number;
    if (ve_json_double(value, &number) == 0)
        return from_epoch(number);
    return ve_json_type(value) == VE_JSON_STRING ? ve_ringover_time(ve_json_str(value)) : 0;
}

/* --- the event -------------------------------------------------------------------------------- */

static enum ve_event_kind kind_of(struct ve_str resource, struct ve_str event)
{
    static const struct {
        const char *event;
        enum ve_event_kind kind;
    } calls[] = {
        {"ringing", VE_EVENT_RINGING},     {"answered", VE_EVENT_ANSWERED},
        {"hangup", VE_EVENT_HANGUP},       {"missed", VE_EVENT_MISSED},
        {"voicemail", VE_EVENT_VOICEMAIL},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (ve_str_eq(resource, VE_STR("call")) && ve_str_eq(event, ve_str(calls[i].event)))
            return calls[i].kind;
    }
    return VE_EVENT_OTHER;
}

static void fill_data(struct ve_event *event, const struct ve_json *data)
{
    uint64_t seconds;
    copy_id(event->call_id, sizeof(event->call_id), ve_json_get(data, "call_id"));
    copy_id(event->channel_id, sizeof(event->channel_id), ve_json_get(data, "channel_id"));
    copy_number(event->from, sizeof(event->from), ve_json_get(data, "from_number"));
    copy_number(event->to, sizeof(event->to), ve_json_get(data, "to_number"));
    ve_str_copy(event->direction, sizeof(event->direction), ve_json_get_str(data, "direction"));
    struct ve_str message = ve_json_get_str(data, "private_message");
    if (!message.len)
        message = ve_json_get_str(data, "message");
    if (!ve_str_copy(event->message_url, sizeof(event->message_url), message))
        event->message_url[0] = '\0'; /* half a link leads elsewhere */
    if (ve_json_u64(ve_json_get(data, "duration_in_seconds"), &seconds) == 0 && seconds < 1u << 31)
        event->duration_s = (int64_t)seconds;
}

/* At most `max` bytes, of whole characters. */
static struct ve_str front_of(struct ve_str text, size_t max)
{
    size_t len = 0;
    while (len < text.len) {
        size_t step = ve_str_utf8_char(ve_str_n(text.ptr + len, text.len - len));
        if (!step || len + step > max)
            break;
        len += step;
    }
    return ve_str_n(text.ptr, len);
}

static void fill(struct ve_event *event, const struct ve_json *json)
{
    uint64_t attempt;
    struct ve_str resource = ve_json_get_str(json, "resource");
    if (!resource.len)
        resource = ve_json_get_str(json, "ressource"); /* contact search spells it so */
    struct ve_str name = ve_json_get_str(json, "event");
    event->kind = kind_of(resource, name);
    resource = front_of(resource, NAME_PART_MAX);
    name = front_of(name, NAME_PART_MAX);
    (void)snprintf(event->name, sizeof(event->name), "%.*s/%.*s", VE_STR_ARG(resource),
                   VE_STR_ARG(name));
    event->at_ms = time_of(ve_json_get(json, "timestamp"));
    if (ve_json_u64(ve_json_get(json, "attempt"), &attempt) == 0 && attempt < 1u << 31)
        event->attempt = (uint32_t)attempt;
    fill_data(event, ve_json_get(json, "data"));
}

int ve_ringover_decode(struct ve_event **out, struct ve_str body, char why[static 96])
{
    struct ve_json *json;
    int err = ve_json_parse(&json, body, why);
    if (err)
        return err;
    if (!ve_json_get_str(json, "event").len) {
        (void)snprintf(why, 96, "no event: an object with \"resource\" and \"event\" is expected");
        ve_json_free(json);
        return VE_EPROTO;
    }
    struct ve_event *event = ve_event_new(body);
    if (event)
        fill(event, json);
    ve_json_free(json);
    if (!event)
        return VE_ENOMEM;
    *out = event;
    return 0;
}
