/*
 * carrier/ringover_webhook: whatever a body says, the event that comes out holds ended texts, ids
 * that are exact numbers or nothing, times and counts in their ranges, and the body itself.
 */
#include "base/alloc.h"
#include "carrier/ringover_webhook.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* Ended within its room, and what is behind the end says nothing. */
static void check_text(const char *text, size_t size)
{
    check(memchr(text, '\0', size) != NULL);
}

static void check_id(const char *id, size_t size)
{
    uint64_t number;
    check_text(id, size);
    check(!id[0] || ve_str_u64(&number, ve_str(id), UINT64_MAX) == 0);
}

static void check_event(const struct ve_event *event, struct ve_str body)
{
    check(event->kind < VE_EVENT_KINDS);
    check_text(event->name, sizeof(event->name));
    check(ve_str_utf8(ve_str(event->name)));
    check_id(event->call_id, sizeof(event->call_id));
    check_id(event->channel_id, sizeof(event->channel_id));
    check_text(event->from, sizeof(event->from));
    check_text(event->to, sizeof(event->to));
    check_text(event->direction, sizeof(event->direction));
    check_text(event->message_url, sizeof(event->message_url));
    check(event->at_ms >= 0);
    check(event->duration_s >= -1);
    check(ve_str_eq(event->raw, body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[96] = "";
    char number[40];
    struct ve_event *event = NULL;
    struct ve_str body = ve_str_n((const char *)data, size);
    if (ve_ringover_decode(&event, body, why) == 0) {
        check_event(event, body);
        ve_free(event);
    } else {
        check_text(why, sizeof(why));
        check(why[0] != '\0');
    }
    ve_ringover_number(number, sizeof(number), body);
    check_text(number, sizeof(number));
    (void)ve_ringover_time(body);
    return 0;
}
