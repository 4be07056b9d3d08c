#include "net/wsc_in.h"

#include "base/alloc.h"
#include "base/err.h"
#include "net/field.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_DEFAULT     (5 * VE_SECOND)
#define MAX_MESSAGE_DEFAULT (1024 * 1024)
#define MAX_QUEUE_DEFAULT   (256 * 1024)
#define FIELDS_MAX          (8 * 1024)

/* The library writes the request line and the Host field into places of 2048 and 128 bytes, and
 * cuts what does not fit, line end included. */
#define PATH_MAX_BYTES     1900
#define HOST_MAX_BYTES     100
#define PROTOCOL_MAX_BYTES 100
#define URL_MAX_BYTES      (PATH_MAX_BYTES + HOST_MAX_BYTES + 32)

/* NULL when the URL has no such part. */
static int get_part(char **out, CURLU *url, CURLUPart part)
{
    char *text = NULL;
    *out = NULL;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
        return 0;
    *out = ve_strdup(text);
    curl_free(text);
    return *out ? 0 : VE_ENOMEM;
}

static int set_path(struct ve_wsc_conn *c, CURLU *url)
{
    char *path = NULL;
    char *query = NULL;
    struct ve_buf text;
    ve_buf_init(&text, PATH_MAX_BYTES);
    int err = get_part(&path, url, CURLUPART_PATH);
    if (!err)
        err = get_part(&query, url, CURLUPART_QUERY);
    if (!err)
        err =
            ve_buf_printf(&text, "%s%s%s", path ? path : "/", query ? "?" : "", query ? query : "");
    if (!err) {
        c->path = ve_strndup(text.ptr, text.len);
        err = c->path ? 0 : VE_ENOMEM;
    }
    ve_buf_free(&text);
    ve_free(query);
    ve_free(path);
    return err;
}

static int set_port(struct ve_wsc_conn *c, const char *port)
{
    uint64_t number = c->tls ? 443 : 80;
    if (port && (ve_str_u64(&number, ve_str(port), UINT16_MAX) || !number))
        return VE_EINVAL;
    c->port = (uint16_t)number;
    return 0;
}

/* The host of "[::1]:80" is "::1" to the resolver and "[::1]" to the server. */
static int set_names(struct ve_wsc_conn *c, const char *host, const char *port)
{
    struct ve_buf authority;
    ve_buf_init(&authority, 0);
    int err = port ? ve_buf_printf(&authority, "%s:%s", host, port)
                   : ve_buf_printf(&authority, "%s", host);
    if (!err) {
        struct ve_str bare = ve_str(host);
        if (bare.len > 2 && bare.ptr[0] == '[')
            bare = ve_str_n(host + 1, bare.len - 2);
        c->host = ve_strndup(bare.ptr, bare.len);
        c->authority = ve_strndup(authority.ptr, authority.len);
        err = c->host && c->authority ? 0 : VE_ENOMEM;
    }
    ve_buf_free(&authority);
    return err;
}

static int set_host(struct ve_wsc_conn *c, CURLU *url)
{
    char *host = NULL;
    char *port = NULL;
    int err = get_part(&host, url, CURLUPART_HOST);
    if (!err)
        err = get_part(&port, url, CURLUPART_PORT);
    if (!err)
        err = !host ? VE_EINVAL : strlen(host) > HOST_MAX_BYTES ? VE_ETOOBIG : 0;
    if (!err)
        err = set_port(c, port);
    if (!err)
        err = set_names(c, host, port);
    ve_free(port);
    ve_free(host);
    return err;
}

static bool is_printable(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= 0x20 || (unsigned char)text.ptr[i] >= 0x7f)
            return false;
    }
    return text.len > 0;
}

static int parse(struct ve_wsc_conn *c, CURLU *url, const char *text)
{
    char *scheme = NULL;
    unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER;
    if (curl_url_set(url, CURLUPART_URL, text, flags) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return VE_EINVAL;
    bool plain = strcmp(scheme, "ws") == 0;
    c->tls = strcmp(scheme, "wss") == 0;
    curl_free(scheme);
    if (!plain && !c->tls)
        return VE_EINVAL;
    int err = set_host(c, url);
    return err ? err : set_path(c, url);
}

static int set_url(struct ve_wsc_conn *c, struct ve_str text)
{
    if (!is_printable(text))
        return VE_EINVAL;
    if (text.len > URL_MAX_BYTES)
        return VE_ETOOBIG;
    CURLU *url = curl_url();
    char *copy = ve_strndup(text.ptr, text.len);
    int err = url && copy ? parse(c, url, copy) : VE_ENOMEM;
    ve_free(copy);
    curl_url_cleanup(url);
    return err;
}

static int set_protocol(struct ve_wsc_conn *c, const char *protocol)
{
    if (!protocol)
        return 0;
    struct ve_str rest = ve_str(protocol);
    if (!rest.len || ve_has_control(rest))
        return VE_EINVAL;
    if (rest.len > PROTOCOL_MAX_BYTES)
        return VE_ETOOBIG;
    c->protocol = ve_strdup(protocol);
    return c->protocol ? 0 : VE_ENOMEM;
}

static int set_fields(struct ve_wsc_conn *c, const struct ve_wsc_options *options)
{
    ve_buf_init(&c->fields, FIELDS_MAX);
    for (size_t i = 0; i < options->field_count; i++) {
        const struct ve_wsc_field *field = &options->fields[i];
        struct ve_str value = ve_str_trim(field->value);
        if (!ve_field_is_sendable(field->name, field->value))
            return VE_EINVAL;
        int err = ve_buf_printf(&c->fields, "%s: %.*s\r\n", field->name, VE_STR_ARG(value));
        if (err)
            return err;
    }
    return 0;
}

static int set_address(struct ve_wsc_conn *c, const char *address)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    const char *fixed = address ? address : c->host;
    if (inet_pton(AF_INET, fixed, bytes) != 1 && inet_pton(AF_INET6, fixed, bytes) != 1)
        return address ? VE_EINVAL : 0;
    (void)ve_str_copy(c->addresses[0], sizeof(c->addresses[0]), ve_str(fixed));
    c->address_count = 1;
    return 0;
}

int ve_wsc_setup(struct ve_wsc_conn *c, const struct ve_wsc_options *options)
{
    uint64_t limit = options->connect_timeout ? options->connect_timeout : CONNECT_DEFAULT;
    c->deadline = ve_loop_now(c->wsc->loop) + limit;
    c->max_message = options->max_message ? options->max_message : MAX_MESSAGE_DEFAULT;
    c->max_queue = options->max_queue ? options->max_queue : MAX_QUEUE_DEFAULT;
    c->insecure = options->insecure_tls;
    c->allow_address = options->allow_address;
    c->opened = options->opened;
    int err = set_url(c, options->url);
    if (!err)
        err = set_protocol(c, options->protocol);
    if (!err)
        err = set_fields(c, options);
    if (!err)
        err = set_address(c, options->address);
    return err;
}
