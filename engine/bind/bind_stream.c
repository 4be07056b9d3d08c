#include "bind/bind_request.h"
#include "provider/event_stream.h"

#include <string.h>

/* A request of a script whose answer comes as events. None is lost: what waits for the script is
 * bounded, and then the connection waits. */

#define CREDIT_BYTES  (64 * 1024)
#define CREDIT_EVENTS 512
#define EVENTS_MAX    8192 /* what one read may hold on top of the credit: a few thousand */

struct stream_op {
    struct ve_op op;
    struct ve_event_stream *stream; /* NULL once it is over */
    size_t waiting;                 /* bytes */
    bool paused;
};

static int on_event(void *arg, struct ve_str name, struct ve_str data, struct ve_str id)
{
    struct stream_op *stream = arg;
    struct ve_value values[] = {ve_vstr(name), ve_vstr(data), ve_vstr(id)};
    if (stream->op.waiting >= EVENTS_MAX)
        return VE_ETOOBIG;
    int err = ve_op_post(&stream->op, "event", values, 3);
    if (err)
        return err;
    stream->waiting += name.len + data.len + id.len;
    stream->paused = stream->waiting >= CREDIT_BYTES || stream->op.waiting >= CREDIT_EVENTS;
    return stream->paused ? VE_FLOW_PAUSE : VE_FLOW_MORE;
}

static void on_done(void *arg, const struct ve_request_result *result)
{
    struct stream_op *stream = arg;
    stream->stream = NULL;
    ve_bind_request_finish(&stream->op, result);
}

static void stream_cancel(struct ve_op *op)
{
    struct stream_op *stream = (struct stream_op *)op;
    if (stream->stream)
        ve_event_stream_cancel(stream->stream);
    stream->stream = NULL;
}

static void stream_drained(struct ve_op *op)
{
    struct stream_op *stream = (struct stream_op *)op;
    stream->waiting = 0;
    if (stream->paused && stream->stream)
        ve_event_stream_resume(stream->stream);
    stream->paused = false;
}

static const struct ve_op_type stream_type = {
    .name = "http_stream",
    .cancel = stream_cancel,
    .drained = stream_drained,
    .limit = EVENTS_MAX + 1,
};

static enum ve_event_format read_format(lua_State *L)
{
    struct ve_str format = ve_bind_field_str(L, 1, "format");
    if (ve_str_eq(format, VE_STR("lines")))
        return VE_EVENTS_LINES;
    if (format.len && !ve_str_eq(format, VE_STR("sse")))
        luaL_error(L, "http: the format of a stream is \"sse\" or \"lines\"");
    return VE_EVENTS_SSE;
}

/* core.http_stream(request) -> id | nil, code, message
 * `request` as for core.http, and format = "sse" | "lines". Posts "event" name data id; finishes
 * "done" status headers body connect first total (the body of a refusal, or of an answer that is
 * plain JSON), or "failed" code message status. */
static int l_http_stream(lua_State *L)
{
    char why[VE_REQUEST_WHY] = "this engine has no way out";
    struct ve_bind_request request;
    struct ve_task *task = ve_bind_task(L);
    struct ve_bind *bind = ve_bind_of(L);
    ve_bind_request_read(L, 1, &request);
    ve_bind_request_check(L, 1);
    struct ve_event_stream_options options = {
        .format = read_format(L), .event = on_event, .done = on_done};
    struct stream_op *stream = ve_op_new(task, &stream_type, sizeof(*stream));
    if (!stream)
        return ve_bind_fail(L, VE_EBUSY);
    options.arg = stream;
    int err = VE_ENOTSUP;
    if (bind->requests)
        err =
            ve_event_stream_start(bind->requests, &request.options, &options, &stream->stream, why);
    if (err) {
        ve_op_drop(&stream->op);
        return ve_bind_refuse(L, err, why);
    }
    lua_pushinteger(L, stream->op.id);
    return 1;
}

static const luaL_Reg functions[] = {
    {"http_stream", l_http_stream},
    {NULL, NULL},
};

void ve_bind_stream(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
