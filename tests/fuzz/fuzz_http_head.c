/*
 * The head of an HTTP request, from the search for its end to the verdict on an upgrade. The first
 * byte of the input is the size of the pieces that it comes in.
 */
#include "base/err.h"
#include "net/http_head.h"

#include <stdlib.h>
#include <string.h>

static void require(bool right)
{
    if (!right)
        abort();
}

struct found {
    int got;
    size_t used;
    size_t len;
};

static struct found scan_in_steps(const uint8_t *bytes, size_t len, size_t step)
{
    struct ve_http_scan scan = {0};
    struct found found = {0};
    while (found.used < len && !found.got) {
        size_t n = len - found.used < step ? len - found.used : step;
        size_t used;
        found.got = ve_http_scan(&scan, bytes + found.used, n, &used);
        require(used <= n && (used == n || found.got));
        found.used += used;
    }
    found.len = scan.len;
    require(found.len <= VE_HTTP_HEAD_MAX + 1 && found.len <= found.used);
    return found;
}

static bool inside(const struct ve_http_head *head, struct ve_http_span span)
{
    return (size_t)span.at + span.len <= head->len;
}

static bool clean(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

/* What a head that passed may be relied on for. */
static void check_good(const struct ve_http_head *head)
{
    require(head->line_count <= VE_HTTP_FIELDS_MAX);
    require(inside(head, head->method) && inside(head, head->path) && inside(head, head->query));
    require(ve_http_is_token(ve_http_span_str(head, head->method)));
    require(head->path.len > 0);
    for (unsigned i = 0; i < head->line_count; i++) {
        require(inside(head, head->lines[i].name) && inside(head, head->lines[i].value));
        require(ve_http_is_token(ve_http_span_str(head, head->lines[i].name)));
        require(clean(ve_http_span_str(head, head->lines[i].value)));
    }
    require(ve_http_head_count(head, "transfer-encoding") == 0);
    require(ve_http_head_count(head, "content-length") <= 1);
    require(ve_http_head_count(head, "host") <= 1);
    require(head->minor == 0 || ve_http_head_find(head, "host").ptr);
    require(head->content_length == 0 || ve_http_head_count(head, "content-length") == 1);
}

static void check_upgrade(const struct ve_http_head *head)
{
    struct ve_http_verdict verdict = {0};
    char accept[VE_HTTP_ACCEPT_TEXT];
    if (ve_http_upgrade_check(head, &verdict) != 0) {
        require(verdict.status >= 400 && verdict.code && verdict.message);
        return;
    }
    require(ve_http_accept_key(accept, ve_http_head_find(head, "sec-websocket-key")) == 0);
    require(strlen(accept) == VE_HTTP_ACCEPT_TEXT - 1);
}

static void check_query(const struct ve_http_head *head)
{
    char value[16];
    memset(value, 'x', sizeof(value));
    int err =
        ve_http_query_find(ve_http_span_str(head, head->query), VE_STR("a"), value, sizeof(value));
    require(err == 0 || err == VE_ENOENT || err == VE_EPROTO || err == VE_ETOOBIG);
    require(err || memchr(value, '\0', sizeof(value)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const uint8_t *bytes = data + 1;
    struct found whole = scan_in_steps(bytes, size - 1, size - 1);
    struct found pieces = scan_in_steps(bytes, size - 1, (size_t)data[0] + 1);
    require(whole.got == pieces.got && whole.used == pieces.used && whole.len == pieces.len);
    if (whole.got != 1)
        return 0;
    /* A block of its own, so that a look past its end shows. */
    char *text = malloc(whole.len);
    memcpy(text, bytes + whole.used - whole.len, whole.len);
    struct ve_http_head head;
    struct ve_http_verdict verdict = {0};
    if (ve_http_head_read(&head, text, whole.len, &verdict) == 0) {
        check_good(&head);
        check_upgrade(&head);
        check_query(&head);
    } else {
        require(verdict.status >= 400 && verdict.status <= 505 && verdict.code && verdict.message);
    }
    free(text);
    return 0;
}
