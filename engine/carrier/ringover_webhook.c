#include "carrier/ringover_webhook.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "carrier/ringover_facts.h"
#include "carrier/ringover_values.h"
#include "crypto/hex.h"
#include "crypto/hmac.h"

#include <stdio.h>

/* Bytes of a resource and of an event that go into the event's name; the longest known has 23. */
#define NAME_PART_MAX 30

static const struct {
    const char *resource, *event, *name;
    enum ve_event_kind kind;
} catalogue[] = {
    {"call", "ringing", "call/ringing", VE_EVENT_RINGING},
    {"call", "answered", "call/answered", VE_EVENT_ANSWERED},
    {"call", "hangup", "call/hangup", VE_EVENT_HANGUP},
    {"call", "missed", "call/missed", VE_EVENT_MISSED},
    {"call", "voicemail", "call/voicemail", VE_EVENT_VOICEMAIL},
    {"call", "contact", "call/contact", VE_EVENT_CONTACT},
    {"call", "routing", "call/routing", VE_EVENT_ROUTING},
    {"call", "ivr_response_code", "call/ivr_response_code", VE_EVENT_IVR_CODE},
    {"search", "contact", "search/contact", VE_EVENT_CONTACT_SEARCH},
    {"contact", "contact", "contact/contact", VE_EVENT_CONTACT_SEARCH},
    {"aftercall", "aftercall", "aftercall/aftercall", VE_EVENT_AFTERCALL},
    {"aftercall", "comments_updated", "aftercall/comments_updated", VE_EVENT_COMMENTS_UPDATED},
    {"aftercall", "tags_updated", "aftercall/tags_updated", VE_EVENT_TAGS_UPDATED},
    {"aftercall", "record_available", "aftercall/record_available", VE_EVENT_RECORD_AVAILABLE},
    {"aftercall", "voicemail_available", "aftercall/voicemail_available",
     VE_EVENT_VOICEMAIL_AVAILABLE},
    {"aftercall", "transcription_available", "aftercall/transcription_available",
     VE_EVENT_TRANSCRIPTION_AVAILABLE},
    {"aftercall", "summary_available", "aftercall/summary_available", VE_EVENT_SUMMARY_AVAILABLE},
    {"sms", "received", "sms/received", VE_EVENT_SMS_RECEIVED},
    {"sms", "sent", "sms/sent", VE_EVENT_SMS_SENT},
};

#define CATALOGUE (sizeof(catalogue) / sizeof(catalogue[0]))

bool ve_ringover_catalogue(size_t i, const char **name, enum ve_event_kind *kind)
{
    if (i >= CATALOGUE)
        return false;
    *name = catalogue[i].name;
    *kind = catalogue[i].kind;
    return true;
}

static enum ve_event_kind kind_of(struct ve_str resource, struct ve_str event)
{
    for (size_t i = 0; i < CATALOGUE; i++) {
        if (ve_str_eq(resource, ve_str(catalogue[i].resource)) &&
            ve_str_eq(event, ve_str(catalogue[i].event)))
            return catalogue[i].kind;
    }
    return VE_EVENT_OTHER;
}

/* --- the common fields ------------------------------------------------------------------------ */

/* Webhooks say inbound and outbound, the REST API in and out. */
static void copy_direction(struct ve_event *event, struct ve_str text)
{
    const char *word = "";
    if (ve_str_ieq(text, VE_STR("inbound")) || ve_str_ieq(text, VE_STR("in")))
        word = "inbound";
    else if (ve_str_ieq(text, VE_STR("outbound")) || ve_str_ieq(text, VE_STR("out")))
        word = "outbound";
    (void)ve_str_copy(event->direction, sizeof(event->direction), ve_str(word));
}

static int64_t duration_of(const struct ve_json *data)
{
    static const char *const names[] = {"duration_in_seconds", "record_duration",
                                        "voicemail_duration"};
    int64_t seconds = -1;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && seconds < 0; i++)
        seconds = ve_ringover_seconds(ve_json_get(data, names[i]));
    return seconds;
}

static void fill_data(struct ve_event *event, const struct ve_json *data)
{
    ve_ringover_id(event->call_id, sizeof(event->call_id), ve_json_get(data, "call_id"));
    ve_ringover_id(event->channel_id, sizeof(event->channel_id), ve_json_get(data, "channel_id"));
    ve_ringover_phone(event->from, sizeof(event->from), ve_json_get(data, "from_number"));
    ve_ringover_phone(event->to, sizeof(event->to), ve_json_get(data, "to_number"));
    copy_direction(event, ve_json_get_str(data, "direction"));
    (void)ve_str_copy(event->reason, sizeof(event->reason), ve_json_get_str(data, "reason"));
    event->duration_s = duration_of(data);
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
    char count[24];
    struct ve_str resource = ve_json_get_str(json, "resource");
    if (!resource.len)
        resource = ve_json_get_str(json, "ressource"); /* contact search spells it so */
    struct ve_str name = ve_json_get_str(json, "event");
    event->kind = kind_of(resource, name);
    resource = front_of(resource, NAME_PART_MAX);
    name = front_of(name, NAME_PART_MAX);
    (void)snprintf(event->name, sizeof(event->name), "%.*s/%.*s", VE_STR_ARG(resource),
                   VE_STR_ARG(name));
    event->at_ms = ve_ringover_ms(ve_json_get(json, "timestamp"));
    ve_ringover_text(count, sizeof(count), ve_json_get(json, "attempt"));
    if (ve_str_u64(&attempt, ve_str(count), UINT32_MAX) == 0)
        event->attempt = (uint32_t)attempt;
    fill_data(event, ve_json_get(json, "data"));
}

/* --- the key ---------------------------------------------------------------------------------- */

/* A fingerprint of the data, for events whose ids and time do not tell them apart. The whole body
 * would not do: `attempt` changes it with every delivery. */
static void fingerprint(char out[static 33], struct ve_str raw)
{
    uint8_t mac[VE_HMAC_SHA256_BYTES];
    struct ve_str data = ve_json_member(raw, "data");
    out[0] = '\0';
    if (ve_hmac_sha256(mac, VE_STR("event"), data.len ? &data : &raw, 1) == 0)
        ve_hex_encode(out, mac, 16);
}

static void fill_key(struct ve_event *event, const struct ve_json *json)
{
    char more[33] = "";
    ve_ringover_id(more, sizeof(more), ve_json_get(ve_json_get(json, "data"), "message_id"));
    bool known = event->kind != VE_EVENT_OTHER && (event->call_id[0] || more[0]);
    if (!known || !event->at_ms)
        fingerprint(more, event->raw);
    (void)snprintf(event->key, sizeof(event->key), "%s|%s|%s|%s|%lld", event->name, event->call_id,
                   event->channel_id, more, (long long)event->at_ms);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int build(struct ve_event **out, struct ve_str body, const struct ve_json *json)
{
    struct ve_buf facts;
    ve_buf_init(&facts, 0);
    int err = ve_ringover_facts(ve_json_get(json, "data"), &facts);
    if (!err) {
        *out = ve_event_new(body, ve_buf_str(&facts));
        err = *out ? 0 : VE_ENOMEM;
    }
    ve_buf_free(&facts);
    if (!err) {
        fill(*out, json);
        fill_key(*out, json);
    }
    return err;
}

int ve_ringover_decode(struct ve_event **out, struct ve_str body, char why[static 96])
{
    struct ve_json *json;
    int err = ve_json_parse(&json, body, why);
    if (err)
        return err;
    if (ve_json_get_str(json, "event").len) {
        err = build(out, body, json);
    } else {
        (void)snprintf(why, 96, "no event: an object with \"resource\" and \"event\" is expected");
        err = VE_EPROTO;
    }
    ve_json_free(json);
    return err;
}
