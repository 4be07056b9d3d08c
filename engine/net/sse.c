#include "net/sse.h"

#include "base/err.h"
#include "base/flow.h"

#define BOM       "\xEF\xBB\xBF"
#define BOM_BYTES 3
#define BOM_PAST  4 /* the value of `bom` once the beginning is behind us */

void ve_sse_init(struct ve_sse *sse, int (*fn)(void *arg, const struct ve_sse_event *event),
                 void *arg)
{
    *sse = (struct ve_sse){.fn = fn, .arg = arg};
}

void ve_sse_free(struct ve_sse *sse)
{
    ve_buf_free(&sse->line);
    ve_buf_free(&sse->data);
    ve_buf_free(&sse->name);
    ve_buf_free(&sse->id);
}

static int dispatch(struct ve_sse *sse)
{
    int answer = VE_FLOW_MORE;
    if (sse->has_data) {
        struct ve_sse_event event = {
            .event = sse->name.len ? ve_buf_str(&sse->name) : VE_STR("message"),
            .data = ve_str_n(sse->data.ptr, sse->data.len - 1),
            .id = ve_buf_str(&sse->id),
        };
        answer = sse->fn(sse->arg, &event);
    }
    ve_buf_clear(&sse->data);
    ve_buf_clear(&sse->name);
    sse->has_data = false;
    sse->event_bytes = 0;
    return answer;
}

static int set_text(struct ve_buf *buf, struct ve_str value)
{
    ve_buf_clear(buf);
    return ve_buf_add_str(buf, value);
}

static int take_data(struct ve_sse *sse, struct ve_str value)
{
    int err = ve_buf_reserve(&sse->data, value.len + 1);
    if (err)
        return err;
    (void)ve_buf_add_str(&sse->data, value);
    (void)ve_buf_add_char(&sse->data, '\n');
    sse->has_data = true;
    return 0;
}

static int take_field(struct ve_sse *sse, struct ve_str line)
{
    size_t colon = ve_str_find(line, ':');
    struct ve_str name = line;
    struct ve_str value = VE_STR("");
    if (colon != SIZE_MAX) {
        name.len = colon;
        value = ve_str_n(line.ptr + colon + 1, line.len - colon - 1);
        if (value.len && value.ptr[0] == ' ')
            value = ve_str_n(value.ptr + 1, value.len - 1);
    }
    if (ve_str_eq(name, VE_STR("data")))
        return take_data(sse, value);
    if (ve_str_eq(name, VE_STR("event")))
        return set_text(&sse->name, value);
    if (ve_str_eq(name, VE_STR("id")) && ve_str_find(value, '\0') == SIZE_MAX)
        return set_text(&sse->id, value);
    return 0; /* a comment has an empty name; "retry" is for those who reconnect */
}

static int take_line(struct ve_sse *sse, struct ve_str line)
{
    return line.len ? take_field(sse, line) : dispatch(sse);
}

/* Counts against the limit of an event. */
static int admit(struct ve_sse *sse, size_t len)
{
    if (len > VE_SSE_EVENT_MAX - sse->event_bytes)
        return VE_ETOOBIG;
    sse->event_bytes += len;
    return 0;
}

/* The line is complete: `last` is what came of it just now. */
static int end_line(struct ve_sse *sse, struct ve_str last)
{
    if (!sse->line.len)
        return take_line(sse, last);
    int err = ve_buf_add_str(&sse->line, last);
    if (err)
        return err;
    int answer = take_line(sse, ve_buf_str(&sse->line));
    ve_buf_clear(&sse->line);
    return answer;
}

/* A byte order mark may stand at the very beginning, and be split like anything else. What only
 * looked like one is content. */
static int skip_bom(struct ve_sse *sse, struct ve_str *bytes)
{
    while (sse->bom < BOM_BYTES && bytes->len && bytes->ptr[0] == BOM[sse->bom]) {
        sse->bom++;
        bytes->ptr++;
        bytes->len--;
    }
    if (sse->bom < BOM_BYTES && !bytes->len)
        return 0;
    size_t seen = sse->bom == BOM_BYTES ? 0 : sse->bom;
    sse->bom = BOM_PAST;
    sse->event_bytes += seen;
    return ve_buf_add(&sse->line, BOM, seen);
}

static size_t find_end(struct ve_str bytes)
{
    size_t len = 0;
    while (len < bytes.len && bytes.ptr[len] != '\n' && bytes.ptr[len] != '\r')
        len++;
    return len;
}

/* Takes one line, or the beginning of one, off the front of *rest. */
static int push_line(struct ve_sse *sse, struct ve_str *rest)
{
    size_t len = find_end(*rest);
    struct ve_str part = ve_str_n(rest->ptr, len);
    int err = admit(sse, len);
    if (err)
        return err;
    if (len == rest->len) {
        rest->len = 0;
        return ve_buf_add_str(&sse->line, part);
    }
    sse->after_cr = rest->ptr[len] == '\r';
    rest->ptr += len + 1;
    rest->len -= len + 1;
    return end_line(sse, part);
}

int ve_sse_push(struct ve_sse *sse, const void *bytes, size_t len)
{
    struct ve_str rest = ve_str_n(bytes, len);
    int result = VE_FLOW_MORE;
    if (sse->bom < BOM_PAST && len) {
        int err = skip_bom(sse, &rest);
        if (err)
            return err;
    }
    while (rest.len) {
        if (sse->after_cr) {
            sse->after_cr = false;
            if (rest.ptr[0] == '\n') {
                rest.ptr++;
                rest.len--;
                continue;
            }
        }
        int answer = push_line(sse, &rest);
        if (answer < 0)
            return answer;
        if (answer == VE_FLOW_PAUSE)
            result = VE_FLOW_PAUSE;
    }
    return result;
}

int ve_sse_end(struct ve_sse *sse)
{
    if (sse->line.len) {
        int err = end_line(sse, VE_STR(""));
        if (err < 0)
            return err;
    }
    return dispatch(sse);
}
