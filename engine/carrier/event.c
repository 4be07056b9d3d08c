#include "carrier/event.h"

#include "base/alloc.h"
#include "base/json.h"

#include <string.h>

static const struct ve_event_type types[VE_EVENT_KINDS] = {
    [VE_EVENT_RINGING] = {"ringing", "on_ringing", VE_SECTION_CALLS, false},
    [VE_EVENT_ANSWERED] = {"answered", "on_event", VE_SECTION_CALLS, false},
    [VE_EVENT_HANGUP] = {"hangup", "on_event", VE_SECTION_CALLS, false},
    [VE_EVENT_MISSED] = {"missed", "on_missed_call", VE_SECTION_CALLS, false},
    [VE_EVENT_VOICEMAIL] = {"voicemail", "on_voicemail", VE_SECTION_CALLS, false},
    [VE_EVENT_CONTACT] = {"contact", "on_contact", VE_SECTION_CONTACT, true},
    [VE_EVENT_ROUTING] = {"routing", "on_routing", VE_SECTION_ROUTING, true},
    [VE_EVENT_IVR_CODE] = {"ivr_code", "on_ivr_code", VE_SECTION_IVR_CODE, true},
    [VE_EVENT_CONTACT_SEARCH] = {"contact_search", "on_contact_search", VE_SECTION_SEARCH, true},
    [VE_EVENT_AFTERCALL] = {"aftercall", "on_call_ended", VE_SECTION_CALLS, false},
    [VE_EVENT_COMMENTS_UPDATED] = {"comments_updated", "on_call_ended", VE_SECTION_CALLS, false},
    [VE_EVENT_TAGS_UPDATED] = {"tags_updated", "on_call_ended", VE_SECTION_CALLS, false},
    [VE_EVENT_RECORD_AVAILABLE] = {"record_available", "on_call_ended", VE_SECTION_CALLS, false},
    [VE_EVENT_VOICEMAIL_AVAILABLE] = {"voicemail_available", "on_call_ended", VE_SECTION_CALLS,
                                      false},
    [VE_EVENT_TRANSCRIPTION_AVAILABLE] = {"transcription_available", "on_call_ended",
                                          VE_SECTION_CALLS, false},
    [VE_EVENT_SUMMARY_AVAILABLE] = {"summary_available", "on_call_ended", VE_SECTION_CALLS, false},
    [VE_EVENT_SMS_RECEIVED] = {"sms_received", "on_sms", VE_SECTION_CALLS, false},
    /* Not on_sms: it also comes for what the script itself has sent, and would go round for ever.
     */
    [VE_EVENT_SMS_SENT] = {"sms_sent", "on_event", VE_SECTION_CALLS, false},
    [VE_EVENT_OTHER] = {"other", "on_event", VE_SECTION_CALLS, false},
};

const struct ve_event_type *ve_event_type(enum ve_event_kind kind)
{
    return &types[(unsigned)kind < VE_EVENT_KINDS ? kind : VE_EVENT_OTHER];
}

const char *ve_event_kind_name(enum ve_event_kind kind)
{
    return ve_event_type(kind)->name;
}

static struct ve_str keep(char **at, struct ve_str text)
{
    char *copy = *at;
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    *at += text.len;
    return ve_str_n(copy, text.len);
}

struct ve_event *ve_event_new(struct ve_str raw, struct ve_str facts)
{
    struct ve_event *event = ve_alloc(sizeof(*event) + raw.len + facts.len);
    if (!event)
        return NULL;
    char *at = (char *)(event + 1);
    event->kind = VE_EVENT_OTHER;
    event->duration_s = -1;
    event->raw = keep(&at, raw);
    event->facts = keep(&at, facts);
    return event;
}

/* The members of an object, without its braces, as members of the object that is being written. */
static void write_members(struct ve_jsonw *w, struct ve_str object)
{
    if (object.len > 2)
        ve_jsonw_raw(w, ve_str_n(object.ptr + 1, object.len - 2));
}

int ve_event_write(const struct ve_event *event, struct ve_buf *out)
{
    const struct {
        const char *key;
        const char *value;
    } texts[] = {
        {"call_id", event->call_id}, {"channel_id", event->channel_id}, {"from", event->from},
        {"to", event->to},           {"direction", event->direction},   {"reason", event->reason},
    };
    struct ve_jsonw w;
    ve_jsonw_init(&w, out);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "kind", ve_str(ve_event_kind_name(event->kind)));
    ve_jsonw_kstr(&w, "name", ve_str(event->name));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].value[0])
            ve_jsonw_kstr(&w, texts[i].key, ve_str(texts[i].value));
    }
    if (event->at_ms) {
        ve_jsonw_key(&w, "at");
        ve_jsonw_double(&w, (double)event->at_ms / 1000.0, 3);
    }
    if (event->attempt)
        ve_jsonw_ku64(&w, "attempt", event->attempt);
    if (event->duration_s >= 0)
        ve_jsonw_ku64(&w, "duration", (uint64_t)event->duration_s);
    write_members(&w, event->facts);
    if (event->raw.len) {
        ve_jsonw_key(&w, "raw");
        ve_jsonw_raw(&w, event->raw);
    }
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}
