#include "carrier/event.h"

#include "base/alloc.h"

#include <string.h>

const char *ve_event_kind_name(enum ve_event_kind kind)
{
    static const char *const names[VE_EVENT_KINDS] = {"ringing", "answered",  "hangup",
                                                      "missed",  "voicemail", "other"};
    return kind < VE_EVENT_KINDS ? names[kind] : "other";
}

struct ve_event *ve_event_new(struct ve_str raw)
{
    struct ve_event *event = ve_alloc(sizeof(*event) + raw.len + 1);
    if (!event)
        return NULL;
    char *copy = (char *)(event + 1);
    if (raw.len)
        memcpy(copy, raw.ptr, raw.len);
    event->kind = VE_EVENT_OTHER;
    event->duration_s = -1;
    event->raw = ve_str_n(copy, raw.len);
    return event;
}
