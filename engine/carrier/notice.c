#include "carrier/notice.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 192000
#define DIGITS_MAX 32 /* of one message */

void ve_notice_init(struct ve_notice *notice, size_t limit)
{
    ve_buf_init(&notice->text, limit);
    notice->too_long = false;
}

void ve_notice_free(struct ve_notice *notice)
{
    ve_buf_free(&notice->text);
}

static struct ve_json *parse(struct ve_str text)
{
    char why[96];
    struct ve_json *json = NULL;
    return ve_json_parse(&json, text, why) == 0 ? json : NULL;
}

struct ve_json *ve_notice_take(struct ve_notice *notice, const uint8_t *bytes, size_t len,
                               bool first, bool last)
{
    struct ve_json *json = NULL;
    if (first) {
        ve_buf_clear(&notice->text);
        notice->too_long = len > notice->text.limit;
        if (last && !notice->too_long)
            return parse(ve_str_n((const char *)bytes, len));
    }
    if (ve_buf_add(&notice->text, bytes, len) != 0)
        notice->too_long = true;
    if (!last)
        return NULL;
    if (!notice->too_long)
        json = parse(ve_buf_str(&notice->text));
    ve_buf_free(&notice->text);
    return json;
}

struct ve_str ve_notice_str(const struct ve_json *json, const char *const *keys)
{
    struct ve_str text = VE_STR("");
    for (; *keys && !text.len; keys++)
        text = ve_json_get_str(json, *keys);
    return text;
}

uint32_t ve_notice_number(const struct ve_json *json, const char *const *keys)
{
    for (; *keys; keys++) {
        const struct ve_json *value = ve_json_get(json, *keys);
        uint64_t n;
        if (ve_json_u64(value, &n) == 0 && n <= NUMBER_MAX)
            return (uint32_t)n;
        if (ve_str_u64(&n, ve_json_str(value), NUMBER_MAX) == 0)
            return (uint32_t)n;
    }
    return 0;
}

void ve_notice_id(char *out, size_t size, const struct ve_json *json, const char *const *keys)
{
    for (; *keys; keys++) {
        const struct ve_json *value = ve_json_get(json, *keys);
        char digits[24];
        uint64_t id;
        if (ve_json_str(value).len) {
            ve_str_copy(out, size, ve_json_str(value));
            return;
        }
        if (ve_json_u64(value, &id) != 0)
            continue;
        (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)id);
        ve_str_copy(out, size, ve_str(digits));
        return;
    }
}

/* Switches tell key presses in several spellings. */
bool ve_notice_digits(const struct ve_json *json, const struct ve_carrier_events *events, void *arg)
{
    static const char *const keys[] = {"digit", "dtmf", "digits", NULL};
    static const char *const names[] = {"event", "type", NULL};
    struct ve_str event = ve_notice_str(json, names);
    if (ve_str_starts(event, VE_STR("websocket:")))
        event = ve_str_n(event.ptr + 10, event.len - 10);
    if (!ve_str_ieq(event, VE_STR("dtmf")) && !ve_str_ieq(event, VE_STR("digit")))
        return false;
    char number[24] = "";
    struct ve_str digits = ve_notice_str(json, keys);
    if (!digits.len)
        digits = ve_notice_str(ve_json_get(json, "data"), keys);
    if (!digits.len)
        digits = ve_notice_str(ve_json_get(json, "dtmf"), keys);
    if (!digits.len) {
        ve_notice_id(number, sizeof(number), json, keys);
        digits = ve_str(number);
    }
    for (size_t i = 0; i < digits.len && i < DIGITS_MAX; i++) {
        if (strchr("0123456789*#ABCD", digits.ptr[i]) && digits.ptr[i])
            events->digit(arg, digits.ptr[i]);
    }
    return true;
}

/* "audio/l16;rate=16000", as Vonage names its samples. */
static uint32_t rate_of_type(struct ve_str type)
{
    uint64_t rate = 0;
    while (type.ptr) {
        struct ve_str part = ve_str_trim(ve_str_cut(&type, ';'));
        if (ve_str_starts(part, VE_STR("rate=")) &&
            ve_str_u64(&rate, ve_str_n(part.ptr + 5, part.len - 5), NUMBER_MAX) == 0)
            return (uint32_t)rate;
    }
    return 0;
}

void ve_notice_facts(const struct ve_json *json, struct ve_carrier_facts *facts)
{
    static const char *const ids[] = {"call_id", "callId", "uuid", NULL};
    static const char *const froms[] = {"from", "caller", "from_number", NULL};
    static const char *const tos[] = {"to", "callee", "to_number", NULL};
    static const char *const rates[] = {"sampleRate", "sample_rate", "rate", NULL};
    static const char *const channels[] = {"channels", NULL};
    memset(facts, 0, sizeof(*facts));
    ve_notice_id(facts->call_id, sizeof(facts->call_id), json, ids);
    ve_str_copy(facts->from, sizeof(facts->from), ve_notice_str(json, froms));
    ve_str_copy(facts->to, sizeof(facts->to), ve_notice_str(json, tos));
    uint32_t rate = ve_notice_number(json, rates);
    if (!rate)
        rate = rate_of_type(ve_json_get_str(json, "content-type"));
    if (rate >= VE_CARRIER_RATE_MIN && rate <= VE_CARRIER_RATE_MAX)
        facts->rate = rate;
    bool stereo = ve_str_eq(ve_json_get_str(json, "mixType"), VE_STR("stereo")) ||
                  ve_notice_number(json, channels) == 2;
    facts->channels = stereo ? 2 : 1;
}
