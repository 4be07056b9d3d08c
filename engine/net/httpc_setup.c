#include "net/httpc_in.h"

#include "base/alloc.h"
#include "base/err.h"
#include "net/field.h"

#include <string.h>

#define URL_MAX         8192
#define FIELDS_MAX      64
#define PARTS_MAX       64
#define BODY_MAX        (64 * 1024 * 1024)
#define BODY_IN_DEFAULT (16 * 1024 * 1024)
#define FIELD_LINE_MAX  (16 * 1024)

static int add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return VE_ENOMEM;
    *list = longer;
    return 0;
}

/* libcurl wants "Name;" for a field without a value. */
static int add_field(struct ve_httpc_request *request, const struct ve_httpc_field *field)
{
    struct ve_str name = ve_str(field->name);
    struct ve_str value = ve_str_trim(field->value);
    if (!ve_field_is_sendable(field->name, field->value))
        return VE_EINVAL;
    if (name.len + value.len > FIELD_LINE_MAX)
        return VE_ETOOBIG;
    struct ve_buf line;
    ve_buf_init(&line, 0);
    int err = value.len ? ve_buf_printf(&line, "%s: %.*s", field->name, VE_STR_ARG(value))
                        : ve_buf_printf(&line, "%s;", field->name);
    const char *text = err ? NULL : ve_buf_cstr(&line);
    err = text ? add_line(&request->fields, text) : VE_ENOMEM;
    if (!err && (ve_str_ieq(name, VE_STR("accept")) || ve_str_ieq(name, VE_STR("content-type"))))
        err = add_line(&request->plain_fields, text);
    ve_buf_free(&line);
    return err;
}

/* What libcurl would add by itself: a wait of a second before a large body, and a wrong type. */
static int add_silence(struct ve_httpc_request *request, bool typed)
{
    int err = add_line(&request->fields, "Expect:");
    if (!err)
        err = add_line(&request->plain_fields, "Expect:");
    if (!err && request->body && !typed)
        err = add_line(&request->fields, "Content-Type:");
    if (!err && request->body && !typed)
        err = add_line(&request->plain_fields, "Content-Type:");
    return err;
}

static int copy_fields(struct ve_httpc_request *request, const struct ve_httpc_options *options)
{
    bool typed = false;
    if (options->field_count > FIELDS_MAX)
        return VE_ETOOBIG;
    for (size_t i = 0; i < options->field_count; i++) {
        int err = add_field(request, &options->fields[i]);
        if (err)
            return err;
        if (ve_str_ieq(ve_str(options->fields[i].name), VE_STR("content-type")))
            typed = true;
    }
    return add_silence(request, typed);
}

static int add_part(curl_mime *mime, const struct ve_httpc_part *part)
{
    curl_mimepart *out = curl_mime_addpart(mime);
    if (!out)
        return VE_ENOMEM;
    if (!part->name || ve_has_control(ve_str(part->name)) ||
        ve_has_control(ve_str(part->filename)) || ve_has_control(ve_str(part->type)))
        return VE_EINVAL;
    bool failed =
        curl_mime_name(out, part->name) != CURLE_OK ||
        curl_mime_data(out, part->data.ptr ? part->data.ptr : "", part->data.len) != CURLE_OK ||
        (part->filename && curl_mime_filename(out, part->filename) != CURLE_OK) ||
        (part->type && curl_mime_type(out, part->type) != CURLE_OK);
    return failed ? VE_ENOMEM : 0;
}

static int copy_parts(struct ve_httpc_request *request, const struct ve_httpc_options *options)
{
    size_t total = 0;
    if (options->part_count > PARTS_MAX)
        return VE_ETOOBIG;
    request->mime = curl_mime_init(request->easy);
    if (!request->mime)
        return VE_ENOMEM;
    for (size_t i = 0; i < options->part_count; i++) {
        if (options->parts[i].data.len > BODY_MAX - total)
            return VE_ETOOBIG;
        total += options->parts[i].data.len;
        int err = add_part(request->mime, &options->parts[i]);
        if (err)
            return err;
    }
    return 0;
}

static int copy_body(struct ve_httpc_request *request, const struct ve_httpc_options *options)
{
    if (options->part_count)
        return options->body.len ? VE_EINVAL : copy_parts(request, options);
    if (options->body.len > BODY_MAX)
        return VE_ETOOBIG;
    bool wants_body = ve_str_eq(ve_str(request->method), VE_STR("POST")) ||
                      ve_str_eq(ve_str(request->method), VE_STR("PUT")) ||
                      ve_str_eq(ve_str(request->method), VE_STR("PATCH"));
    if (!options->body.len && !wants_body)
        return 0;
    request->body = ve_strndup(options->body.ptr ? options->body.ptr : "", options->body.len);
    if (!request->body)
        return VE_ENOMEM;
    curl_off_t len = (curl_off_t)options->body.len;
    return curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, len) ? VE_ENOMEM : 0;
}

static int copy_method(struct ve_httpc_request *request, const struct ve_httpc_options *options)
{
    bool body = options->body.len || options->part_count;
    const char *method = options->method ? options->method : body ? "POST" : "GET";
    if (!ve_is_token(method) ||
        !ve_str_copy(request->method, sizeof(request->method), ve_str(method)))
        return VE_EINVAL;
    if (ve_str_eq(ve_str(method), VE_STR("HEAD")) && body)
        return VE_EINVAL;
    return ve_str_eq(ve_str(method), VE_STR("CONNECT")) ? VE_EINVAL : 0;
}

/* Certificate, pool and resolver. */
static int set_connection(CURL *easy, const struct ve_httpc_options *options, uint64_t connect)
{
    long verify = options->insecure_tls ? 0 : 1;
    bool failed =
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") ||
        curl_easy_setopt(easy, CURLOPT_PROXY, "") ||
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "voiceengine/" VE_VERSION) ||
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) ||
        /* A request that ends while its name is being looked up must not wait for that. */
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) ||
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) ||
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) ||
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify) ||
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2) ||
        /* Certificates from one file alone are read once per ve_httpc (some 20 ms) and kept. With a
         * folder, as Debian sets it, they would be read for every connection, in the loop. */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) ||
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, -1L) ||
        /* Our own clock decides; this one shares the time among a host's addresses. */
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / VE_MS) + 1);
    if (!failed && options->ca_file)
        failed = curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    if (!failed && !options->sink.ops)
        failed = curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    return failed ? VE_ENOMEM : 0;
}

static void copy_callbacks(struct ve_httpc_request *request, const struct ve_httpc_options *options)
{
    request->allow_address = options->allow_address;
    request->allow_origin = options->allow_origin;
    request->sink = options->sink;
    request->head = options->head;
    request->done = options->done;
    request->arg = options->arg;
    request->redirects_left = options->max_redirects;
    request->follows = options->max_redirects > 0;
    request->max_body = options->max_body ? options->max_body : BODY_IN_DEFAULT;
}

int ve_httpc_setup(struct ve_httpc_request *request, const struct ve_httpc_options *options)
{
    if (options->url.len > URL_MAX)
        return VE_ETOOBIG;
    request->easy = curl_easy_init();
    if (!request->easy)
        return VE_ENOMEM;
    copy_callbacks(request, options);
    ve_httpc_clocks_init(request, options);
    int err = copy_method(request, options);
    if (!err)
        err = copy_body(request, options);
    if (!err)
        err = copy_fields(request, options);
    if (!err)
        err = set_connection(request->easy, options, request->connect_timeout);
    if (!err)
        err = ve_httpc_set_callbacks(request);
    if (!err)
        err = ve_httpc_set_message(request);
    if (err)
        return err;
    char *url = ve_strndup(options->url.ptr ? options->url.ptr : "", options->url.len);
    if (!url)
        return VE_ENOMEM;
    err = strlen(url) == options->url.len ? ve_httpc_set_url(request, url) : VE_EINVAL;
    ve_free(url);
    return err;
}

int ve_httpc_set_message(struct ve_httpc_request *request)
{
    CURL *easy = request->easy;
    struct ve_str method = ve_str(request->method);
    bool failed = curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
                                   request->strayed ? request->plain_fields : request->fields);
    if (ve_str_eq(method, VE_STR("HEAD")))
        return failed || curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) ? VE_ENOMEM : 0;
    if (request->mime)
        failed = failed || curl_easy_setopt(easy, CURLOPT_MIMEPOST, request->mime);
    else if (request->body)
        failed = failed || curl_easy_setopt(easy, CURLOPT_POST, 1L) ||
                 curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    else
        failed = failed || curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    /* The options above bring their own method. */
    bool usual = ve_str_eq(method, request->mime || request->body ? VE_STR("POST") : VE_STR("GET"));
    failed =
        failed || curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, usual ? NULL : request->method);
    return failed ? VE_ENOMEM : 0;
}

/* The parts of a URL that say where it leads; NULL without memory or when there is no such part. */
static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    char *copy = NULL;
    if (curl_url_get(url, part, &text, flags) == CURLUE_OK)
        copy = ve_strdup(text);
    curl_free(text);
    return copy;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

/* Sets host and origin; the old ones stay on an error. */
static int read_origin(struct ve_httpc_request *request, CURLU *url)
{
    struct ve_buf origin;
    ve_buf_init(&origin, 0);
    char *scheme = url_part(url, CURLUPART_SCHEME, 0);
    char *host = url_part(url, CURLUPART_HOST, 0);
    char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    char *text = NULL;
    int err = VE_ENOMEM;
    if (scheme && host && port && !ve_buf_printf(&origin, "%s://%s:%s", scheme, host, port))
        text = ve_strndup(origin.ptr, origin.len);
    if (text) {
        ve_free(request->host);
        ve_free(request->origin);
        request->host = host;
        request->origin = text;
        host = NULL;
        err = 0;
    }
    ve_free(scheme);
    ve_free(host);
    ve_free(port);
    ve_buf_free(&origin);
    return err;
}

static bool is_ours(CURLU *parsed, const char *url)
{
    for (const char *c = url; *c; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
            return false;
    }
    if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK)
        return false;
    char *scheme = NULL;
    bool ok = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    return ok && has_part(parsed, CURLUPART_HOST);
}

int ve_httpc_set_url(struct ve_httpc_request *request, const char *url)
{
    CURLU *parsed = curl_url();
    if (!parsed)
        return VE_ENOMEM;
    int err = strlen(url) <= URL_MAX && is_ours(parsed, url) ? 0 : VE_EINVAL;
    if (!err)
        err = read_origin(request, parsed);
    if (!err && request->allow_origin && !request->allow_origin(request->arg, request->origin))
        err = VE_EAUTH;
    /* Over TLS, wait for one HTTP/2 connection rather than open one per request. */
    if (!err && (curl_easy_setopt(request->easy, CURLOPT_URL, url) ||
                 curl_easy_setopt(request->easy, CURLOPT_PIPEWAIT,
                                  strncmp(request->origin, "https:", 6) == 0 ? 1L : 0L)))
        err = VE_ENOMEM;
    curl_url_cleanup(parsed);
    return err;
}
