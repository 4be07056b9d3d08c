#include "provider/event_stream.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

#define STREAM_MAX (16 * 1024 * 1024)

enum mode { EVENTS, LINES, WHOLE };

struct ve_event_stream {
    struct ve_event_stream_options options;
    struct ve_requests *requests;
    struct ve_request *request;
    struct ve_clocks clocks; /* of events */
    struct ve_timer freed;   /* a cancel from inside a callback frees in a step of its own */
    enum mode mode;
    struct ve_sse sse;
    struct ve_buf line;  /* of lines: the one under way */
    struct ve_buf whole; /* of an answer that is no stream */
    int err;             /* why we have ended it, or 0 */
    const char *why;
    unsigned busy; /* calls of ours on the stack */
    bool dead;
    bool gone; /* the request is over */
};

static void free_stream(void *arg)
{
    struct ve_event_stream *stream = arg;
    ve_clocks_stop(&stream->clocks);
    ve_timer_stop(&stream->freed);
    ve_sse_free(&stream->sse);
    ve_buf_free(&stream->line);
    ve_buf_free(&stream->whole);
    ve_free(stream);
}

/* --- events ----------------------------------------------------------------------------------- */

static int give(struct ve_event_stream *stream, struct ve_str name, struct ve_str data,
                struct ve_str id)
{
    if (stream->dead)
        return VE_ECANCELED;
    ve_clocks_progress(&stream->clocks);
    ve_request_scrub(stream->request, (char *)(uintptr_t)data.ptr, data.len);
    return stream->options.event(stream->options.arg, name, data, id);
}

static int on_event(void *arg, const struct ve_sse_event *event)
{
    return give(arg, event->event, event->data, event->id);
}

static int give_line(struct ve_event_stream *stream, struct ve_str line)
{
    line = ve_str_trim(line);
    return line.len ? give(stream, VE_STR("line"), line, VE_STR("")) : VE_FLOW_MORE;
}

/* As ve_sse_push: all the bytes are taken, also when somebody wants a pause. */
static int push_lines(struct ve_event_stream *stream, struct ve_str bytes)
{
    int flow = VE_FLOW_MORE;
    size_t end;
    while ((end = ve_str_find(bytes, '\n')) != SIZE_MAX) {
        int err = ve_buf_add(&stream->line, bytes.ptr, end);
        int said = err ? err : give_line(stream, ve_buf_str(&stream->line));
        ve_buf_clear(&stream->line);
        if (said < 0)
            return said;
        flow = said == VE_FLOW_PAUSE ? said : flow;
        bytes = ve_str_n(bytes.ptr + end + 1, bytes.len - end - 1);
    }
    int err = ve_buf_add(&stream->line, bytes.ptr, bytes.len);
    return err ? err : flow;
}

/* --- the request ------------------------------------------------------------------------------ */

static bool is_type(struct ve_str type, struct ve_str wanted)
{
    type = ve_str_trim(ve_str_cut(&type, ';'));
    return ve_str_ieq(type, wanted);
}

static int keep_whole(struct ve_event_stream *stream, const void *bytes, size_t len)
{
    ve_clocks_progress(&stream->clocks);
    return ve_buf_add(&stream->whole, bytes, len);
}

static int sink_write(void *self, const void *bytes, size_t len)
{
    struct ve_event_stream *stream = self;
    int flow = stream->err;
    stream->busy++;
    if (stream->dead)
        flow = VE_ECANCELED;
    else if (flow)
        ;
    else if (stream->mode == WHOLE)
        flow = keep_whole(stream, bytes, len);
    else if (stream->mode == LINES)
        flow = push_lines(stream, ve_str_n(bytes, len));
    else
        flow = ve_sse_push(&stream->sse, bytes, len);
    stream->busy--;
    if (flow == VE_FLOW_PAUSE && !stream->dead)
        ve_clocks_pause(&stream->clocks);
    return flow;
}

/* The last event may lack its end. */
static void sink_end(void *self, int err)
{
    struct ve_event_stream *stream = self;
    int last = 0;
    stream->busy++;
    if (err || stream->dead)
        ;
    else if (stream->mode == LINES)
        last = give_line(stream, ve_buf_str(&stream->line));
    else if (stream->mode == EVENTS)
        last = ve_sse_end(&stream->sse);
    stream->busy--;
    if (last < 0 && !stream->err)
        stream->err = last;
}

static const struct ve_sink_ops sink_ops = {sink_write, sink_end};

static void on_head(void *arg, struct ve_request *request, int status)
{
    struct ve_event_stream *stream = arg;
    struct ve_str type = ve_request_header(request, "content-type");
    bool lines = stream->options.format == VE_EVENTS_LINES;
    stream->mode = lines ? LINES : EVENTS;
    if (status < 200 || status >= 300) {
        ve_clocks_stop(&stream->clocks); /* the words of a refusal are no events */
        return;
    }
    bool json = is_type(type, VE_STR("application/json"));
    if (lines) {
        bool good = !type.len || json || is_type(type, VE_STR("application/x-ndjson")) ||
                    is_type(type, VE_STR("application/jsonl")) ||
                    is_type(type, VE_STR("application/octet-stream")) ||
                    is_type(type, VE_STR("text/plain"));
        stream->err = good ? 0 : VE_EPROTO;
    } else if (json) {
        stream->mode = WHOLE;
    } else if (type.len && !is_type(type, VE_STR("text/event-stream"))) {
        stream->err = VE_EPROTO;
    }
    if (stream->err)
        stream->why = "the answer is no stream of events";
}

static void finish(struct ve_event_stream *stream, struct ve_request_result *result)
{
    stream->gone = true;
    ve_clocks_stop(&stream->clocks);
    if (stream->dead)
        return;
    stream->busy++;
    stream->dead = true;
    stream->options.done(stream->options.arg, result);
    stream->busy--;
    free_stream(stream);
}

static void on_done(void *arg, const struct ve_request_result *http)
{
    struct ve_event_stream *stream = arg;
    struct ve_request_result result = *http;
    if (stream->err) {
        result.err = stream->err;
        result.why = stream->why                   ? stream->why
                     : stream->err == VE_ETOOBIG   ? "an event is too big"
                     : result.why && result.why[0] ? result.why
                                                   : "the stream was given up";
    }
    if (stream->mode == WHOLE && !result.err) {
        result.body = ve_buf_str(&stream->whole);
        ve_request_scrub(stream->request, stream->whole.ptr, stream->whole.len);
    }
    finish(stream, &result);
}

static void on_expired(void *arg, const char *why)
{
    struct ve_event_stream *stream = arg;
    struct ve_request_result result = {.err = VE_ETIMEDOUT, .why = why};
    ve_request_cancel(stream->request);
    finish(stream, &result);
}

int ve_event_stream_start(struct ve_requests *requests, const struct ve_request_options *request,
                          const struct ve_event_stream_options *options,
                          struct ve_event_stream **out, char why[static VE_REQUEST_WHY])
{
    struct ve_event_stream *stream = ve_alloc(sizeof(*stream));
    why[0] = '\0';
    if (!stream)
        return VE_ENOMEM;
    stream->options = *options;
    stream->requests = requests;
    ve_sse_init(&stream->sse, on_event, stream);
    ve_buf_init(&stream->line, VE_EVENT_MAX);
    ve_buf_init(&stream->whole, VE_EVENT_MAX);
    struct ve_loop *loop = ve_requests_loop(requests);
    ve_timer_init(&stream->freed, loop, free_stream, stream);
    ve_clocks_init(&stream->clocks, loop, on_expired, stream);
    struct ve_request_options http = *request;
    http.sink = (struct ve_sink){&sink_ops, stream};
    http.head = on_head;
    http.done = on_done;
    http.arg = stream;
    http.max_body = request->max_body ? request->max_body : STREAM_MAX;
    int err = ve_request_start(requests, &http, &stream->request, why);
    if (err) {
        free_stream(stream);
        return err;
    }
    struct ve_clock_limits limits = request->limits;
    limits.total = 0; /* the request keeps this one, and the one to the connection */
    ve_clocks_start(&stream->clocks, &limits);
    ve_clocks_connected(&stream->clocks);
    *out = stream;
    return 0;
}

void ve_event_stream_resume(struct ve_event_stream *stream)
{
    ve_clocks_progress(&stream->clocks);
    ve_request_resume(stream->request);
}

void ve_event_stream_cancel(struct ve_event_stream *stream)
{
    stream->dead = true;
    ve_clocks_stop(&stream->clocks);
    if (!stream->gone)
        ve_request_cancel(stream->request);
    stream->gone = true;
    if (stream->busy)
        ve_timer_start(&stream->freed, 0);
    else
        free_stream(stream);
}
