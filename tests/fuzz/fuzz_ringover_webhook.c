/*
 * carrier/ringover_webhook: whatever a body says, the event that comes out holds ended texts, ids
 * that are exact numbers or nothing, times and counts in their ranges, and the body itself; and
 * what scripts see of it is JSON again.
 */
#include "base/alloc.h"
#include "base/json.h"
#include "carrier/ringover_values.h"
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
    check_text(event->reason, sizeof(event->reason));
    check_text(event->key, sizeof(event->key));
    check(event->key[0] != '\0');
    check(event->at_ms >= 0);
    check(event->duration_s >= -1);
    check(ve_str_eq(event->raw, body));
}

/* Only its depth may be too much: the body stands one level deeper than it came. */
static void check_shape(const struct ve_event *event)
{
    char why[96] = "";
    struct ve_json *json = NULL;
    struct ve_buf out;
    ve_buf_init(&out, 0);
    check(ve_event_write(event, &out) == 0);
    if (ve_json_parse(&json, ve_buf_str(&out), why) != 0)
        check(strstr(why, "deep") != NULL);
    ve_json_free(json);
    ve_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[96] = "";
    char number[40];
    struct ve_event *event = NULL;
    struct ve_str body = ve_str_n((const char *)data, size);
    if (ve_ringover_decode(&event, body, why) == 0) {
        check_event(event, body);
        check_shape(event);
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
