#include "net/http_in.h"

static struct ve_str text_of(const struct ve_http_request *request, struct ve_http_span span)
{
    return ve_http_span_str(&request->head, span);
}

struct ve_str ve_http_method(const struct ve_http_request *request)
{
    return text_of(request, request->head.method);
}

struct ve_str ve_http_path(const struct ve_http_request *request)
{
    return text_of(request, request->head.path);
}

struct ve_str ve_http_query(const struct ve_http_request *request)
{
    return text_of(request, request->head.query);
}

struct ve_str ve_http_body(const struct ve_http_request *request)
{
    return ve_buf_str(&request->body);
}

struct ve_str ve_http_header(const struct ve_http_request *request, const char *name)
{
    return ve_http_head_find(&request->head, name);
}

unsigned ve_http_header_count(const struct ve_http_request *request, const char *name)
{
    return ve_http_head_count(&request->head, name);
}

bool ve_http_header_at(const struct ve_http_request *request, unsigned i, struct ve_str *name,
                       struct ve_str *value)
{
    if (i >= request->head.line_count)
        return false;
    *name = text_of(request, request->head.lines[i].name);
    *value = text_of(request, request->head.lines[i].value);
    return true;
}

struct ve_str ve_http_peer(const struct ve_http_request *request)
{
    return ve_str(ve_stream_peer(request->conn->stream));
}

bool ve_http_is_tls(const struct ve_http_request *request)
{
    return ve_stream_is_tls(request->conn->stream);
}

int ve_http_query_get(const struct ve_http_request *request, const char *key, char *out,
                      size_t size)
{
    return ve_http_query_find(ve_http_query(request), ve_str(key), out, size);
}

void ve_http_set_data(struct ve_http_request *request, void *data)
{
    request->data = data;
}

void *ve_http_data(const struct ve_http_request *request)
{
    return request->data;
}
