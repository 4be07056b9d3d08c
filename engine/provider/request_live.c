#include "provider/request_in.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/equal.h"

#include <stdio.h>
#include <string.h>

#define FIELDS_MAX  64
#define PARTS_MAX   32
#define HEADERS_MAX (64 * 1024) /* bytes of all values, with their secrets */

/* --- where it leads --------------------------------------------------------------------------- */

/* libcurl's own reading of the URL decides, not ours. */
static bool allow_origin(void *arg, const char *text)
{
    struct ve_request *request = arg;
    struct ve_origin origin;
    enum ve_policy_answer answer = VE_POLICY_NO;
    if (ve_origin_parse(&origin, ve_str(text)) == 0)
        answer = ve_request_ask(request, &origin);
    request->moved = true; /* whatever comes next is a redirect */
    request->base = answer == VE_POLICY_BASE;
    if (answer == VE_POLICY_NO)
        request->denied = true;
    return answer != VE_POLICY_NO;
}

static bool allow_address(void *arg, const char *host, const char *ip)
{
    struct ve_request *request = arg;
    (void)host;
    if (request->base || ve_address_is_public(ip))
        return true;
    request->denied = true;
    return false;
}

/* --- what comes ------------------------------------------------------------------------------- */

static int sink_write(void *self, const void *bytes, size_t len)
{
    struct ve_request *request = self;
    if (request->dead)
        return VE_ECANCELED;
    return request->sink.ops->write(request->sink.self, bytes, len);
}

static void sink_end(void *self, int err)
{
    struct ve_request *request = self;
    if (!request->dead)
        request->sink.ops->end(request->sink.self, request->expired ? VE_ETIMEDOUT : err);
}

static const struct ve_sink_ops sink_ops = {sink_write, sink_end};

static void on_head(void *arg, struct ve_httpc_request *http, int status)
{
    struct ve_request *request = arg;
    (void)http;
    if (!request->dead && request->head)
        request->head(request->arg, request, status);
}

/* The bytes are collected for us alone: what stands in them may be overwritten. */
static struct ve_str scrubbed(struct ve_request *request, struct ve_str text)
{
    ve_request_scrub(request, (char *)(uintptr_t)text.ptr, text.len);
    return text;
}

static void on_done(void *arg, const struct ve_httpc_result *http)
{
    struct ve_request *request = arg;
    struct ve_request_result result = {
        .err = http->err,
        .status = http->status,
        .why = http->why,
        .connect = http->connect,
        .first = http->first,
        .received = http->received,
        .retry = http->retry,
    };
    if (!request->dead) {
        result.head = scrubbed(request, ve_httpc_head(request->http));
        result.body = scrubbed(request, ve_httpc_body(request->http));
    }
    ve_request_end(request, &result);
}

/* --- what is sent ----------------------------------------------------------------------------- */

/* The header fields of one request, secrets put in. Wiped after the start. */
struct fields {
    struct ve_httpc_field list[FIELDS_MAX];
    size_t end[FIELDS_MAX]; /* of each value in `values` */
    struct ve_buf values;
};

static void explain_secret(char why[static VE_REQUEST_WHY], int err, const char *header,
                           const char *name, const char *host)
{
    if (err == VE_ENOENT)
        (void)snprintf(why, VE_REQUEST_WHY,
                       "the header %.40s needs the secret %s, which is not set", header, name);
    else if (err == VE_EAUTH)
        (void)snprintf(why, VE_REQUEST_WHY, "the secret %s does not belong to %.80s", name, host);
    else
        (void)snprintf(why, VE_REQUEST_WHY, "the header %.40s cannot be sent: %s", header,
                       err == VE_EINVAL ? "a secret is named like ${OPENAI_API_KEY}"
                                        : ve_err_name(err));
}

static int fill_fields(struct ve_request *request, const struct ve_request_options *options,
                       struct fields *fields, char why[static VE_REQUEST_WHY])
{
    const struct ve_vault *vault = request->owner->options.vault;
    char name[VE_VAULT_NAME_MAX];
    if (options->field_count > FIELDS_MAX) {
        (void)snprintf(why, VE_REQUEST_WHY, "at most %d headers", FIELDS_MAX);
        return VE_ETOOBIG;
    }
    /* In one piece, so that no copy of a secret is left behind by growing. */
    int err = ve_buf_reserve(&fields->values, HEADERS_MAX);
    for (size_t i = 0; i < options->field_count && !err; i++) {
        const struct ve_request_field *field = &options->fields[i];
        err = ve_vault_expand(vault, field->value, &request->origin, &fields->values, name);
        if (err)
            explain_secret(why, err, field->name, name, request->origin.host);
        fields->end[i] = fields->values.len;
    }
    for (size_t i = 0; i < options->field_count && !err; i++) {
        size_t begin = i ? fields->end[i - 1] : 0;
        struct ve_str value = ve_str_n(fields->values.ptr + begin, fields->end[i] - begin);
        fields->list[i] = (struct ve_httpc_field){options->fields[i].name, value};
    }
    return err;
}

static int fill_parts(const struct ve_request_options *options, struct ve_httpc_part *parts,
                      char why[static VE_REQUEST_WHY])
{
    if (options->part_count > PARTS_MAX) {
        (void)snprintf(why, VE_REQUEST_WHY, "at most %d parts", PARTS_MAX);
        return VE_ETOOBIG;
    }
    for (size_t i = 0; i < options->part_count; i++) {
        const struct ve_request_part *part = &options->parts[i];
        parts[i] = (struct ve_httpc_part){part->name, part->filename, part->type, part->data};
    }
    return 0;
}

static int start(struct ve_request *request, const struct ve_request_options *options,
                 const struct fields *fields, const struct ve_httpc_part *parts)
{
    struct ve_httpc_options http = {
        .method = options->method,
        .url = options->url,
        .fields = fields->list,
        .field_count = options->field_count,
        .body = options->body,
        .parts = parts,
        .part_count = options->part_count,
        .connect_timeout = options->limits.connect,
        .first_timeout = options->limits.first,
        .progress_timeout = options->limits.progress,
        .max_body = request->max_body,
        .max_redirects = options->max_redirects,
        .allow_address = allow_address,
        .allow_origin = allow_origin,
        .sink = {options->sink.ops ? &sink_ops : NULL, request},
        .head = on_head,
        .done = on_done,
        .arg = request,
    };
    return ve_httpc_start(request->owner->httpc, &http, &request->http);
}

int ve_request_live_start(struct ve_request *request, const struct ve_request_options *options,
                          char why[static VE_REQUEST_WHY])
{
    struct fields fields = {.end = {0}};
    struct ve_httpc_part parts[PARTS_MAX];
    ve_buf_init(&fields.values, HEADERS_MAX);
    int err = fill_fields(request, options, &fields, why);
    if (!err)
        err = fill_parts(options, parts, why);
    if (!err)
        err = start(request, options, &fields, parts);
    if (fields.values.ptr)
        ve_secret_wipe(fields.values.ptr, fields.values.len);
    ve_buf_free(&fields.values);
    if (!err)
        ve_clocks_start_total(&request->clocks, options->limits.total);
    else if (err == VE_EINVAL && !why[0])
        (void)snprintf(why, VE_REQUEST_WHY,
                       "the method, the URL or a header is none that may be sent");
    return err;
}

void ve_request_live_warm(struct ve_request *request, struct ve_str url)
{
    /* The rules are asked through `arg`; the request stays until that has ended. */
    struct ve_httpc_options http = {
        .url = url,
        .allow_address = allow_address,
        .allow_origin = allow_origin,
        .done = on_done,
        .arg = request,
    };
    if (ve_httpc_warm(request->owner->httpc, &http) != 0)
        ve_request_free(request);
}
