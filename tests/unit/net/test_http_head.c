#include "base/err.h"
#include "net/http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Scans and reads a head. Returns the status that it would be answered with, 0 when it is good.
 * The text is given in every possible split into two, which must not matter. */
static int judge_len(struct ve_http_head *head, const char *text, size_t len)
{
    struct ve_http_verdict verdict = {0};
    size_t used = 0;
    int got = 0;
    for (size_t cut = 0; cut <= len; cut++) {
        struct ve_http_scan scan = {0};
        size_t first = 0;
        size_t second = 0;
        int now = ve_http_scan(&scan, (const uint8_t *)text, cut, &first);
        if (!now)
            now = ve_http_scan(&scan, (const uint8_t *)text + cut, len - cut, &second);
        if (cut) {
            assert_int_equal(now, got);
            assert_int_equal(first + second, used);
        }
        got = now;
        used = first + second;
    }
    if (got == VE_EPROTO)
        return 400;
    if (got == VE_ETOOBIG)
        return 431;
    if (got == 0)
        return -1;
    size_t blank = memcmp(text, "\r\n", 2) == 0 ? 2 : 0;
    int err = ve_http_head_read(head, text + blank, used - blank, &verdict);
    assert_int_equal(err != 0, verdict.status != 0);
    if (!err && head->wants_upgrade)
        (void)ve_http_upgrade_check(head, &verdict);
    if (verdict.status)
        assert_true(verdict.code && verdict.message);
    return verdict.status;
}

static int judge(const char *text)
{
    struct ve_http_head head;
    return judge_len(&head, text, strlen(text));
}

/* A GET with these lines behind the Host. */
static int judge_get(const char *lines)
{
    char text[4096];
    (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    return judge(text);
}

static void is(struct ve_str text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void a_request_is_taken_apart(void **state)
{
    (void)state;
    static const char text[] = "POST /a/b%20c?x=1&y HTTP/1.1\r\nHost: h:8000\r\n"
                               "Content-Length: 12\r\nX-Two:  spaced \t \r\nx-two:again\r\n"
                               "Empty:\r\n\r\n";
    struct ve_http_head head;
    assert_int_equal(judge_len(&head, text, sizeof(text) - 1), 0);
    is(ve_http_span_str(&head, head.method), "POST");
    is(ve_http_span_str(&head, head.path), "/a/b%20c");
    is(ve_http_span_str(&head, head.query), "x=1&y");
    is(ve_http_span_str(&head, head.host), "h:8000");
    is(ve_http_head_find(&head, "x-TWO"), "spaced");
    is(ve_http_head_find(&head, "empty"), "");
    assert_null(ve_http_head_find(&head, "absent").ptr);
    assert_int_equal(ve_http_head_count(&head, "X-Two"), 2);
    assert_int_equal(head.line_count, 5);
    assert_int_equal(head.content_length, 12);
    assert_true(head.keep_alive);
    assert_false(head.wants_upgrade);
    assert_false(head.wants_continue);
}

static void what_is_behind_the_head_is_not_touched(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next";
    struct ve_http_scan scan = {0};
    size_t used;
    assert_int_equal(ve_http_scan(&scan, (const uint8_t *)text, sizeof(text) - 1, &used), 1);
    assert_int_equal(used, 27);
    assert_int_equal(scan.len, 27);
}

static void one_empty_line_in_front_is_ignored(void **state)
{
    (void)state;
    assert_int_equal(judge("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    assert_int_equal(judge("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

static void an_unfinished_head_waits(void **state)
{
    (void)state;
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: a\r\n"), -1);
    assert_int_equal(judge("GET"), -1);
}

/* --- bytes --- */

static void bare_line_ends_are_refused(void **state)
{
    (void)state;
    assert_int_equal(judge("GET / HTTP/1.1\nHost: a\n\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: a\r\n\rX"), 400);
}

static void continued_lines_are_refused(void **state)
{
    (void)state;
    assert_int_equal(judge_get("X: one\r\n two\r\n"), 400);
    assert_int_equal(judge_get("X: one\r\n\ttwo\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
}

static void control_bytes_are_refused(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char lines[] = "X: a?b\r\n";
        lines[4] = (char)c;
        bool fine = (c >= 0x20 && c != 0x7F) || c == '\t';
        assert_int_equal(judge_get(lines), fine ? 0 : 400);
    }
    struct ve_http_head head;
    static const char nul[] = "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n";
    assert_int_equal(judge_len(&head, nul, sizeof(nul) - 1), 400);
}

static void a_tls_hello_is_refused_at_its_first_byte(void **state)
{
    (void)state;
    assert_int_equal(judge("\x16\x03\x01"), 400);
}

static void header_names_are_tokens(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char lines[] = "X?Y: a\r\n";
        lines[1] = (char)c;
        bool token = strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') ||
                     (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (c == ':')
            continue; /* "X" with the value "Y: a" */
        assert_int_equal(judge_get(lines), token ? 0 : 400);
    }
    assert_int_equal(judge_get(": nameless\r\n"), 400);
    assert_int_equal(judge_get("no colon\r\n"), 400);
}

static void a_blank_before_the_colon_is_refused(void **state)
{
    (void)state;
    assert_int_equal(judge_get("X : y\r\n"), 400);
    assert_int_equal(judge_get("X\t: y\r\n"), 400);
    assert_int_equal(judge_get("Content-Length : 5\r\n"), 400);
}

/* --- the request line --- */

static void request_lines_that_are_refused(void **state)
{
    (void)state;
    assert_int_equal(judge("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("GET /\r\n\r\n"), 400);
    assert_int_equal(judge("GET\r\n\r\n"), 400);
    assert_int_equal(judge("G@T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("GET / http/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTPS/1.1\r\nHost: a\r\n\r\n"), 400);
}

static void other_versions_are_505(void **state)
{
    (void)state;
    assert_int_equal(judge("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
    assert_int_equal(judge("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505);
    assert_int_equal(judge("PRI * HTTP/2.0\r\n\r\n"), 505);
}

static void unknown_methods_are_501(void **state)
{
    (void)state;
    assert_int_equal(judge("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
    assert_int_equal(judge("get / HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
    assert_int_equal(judge("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
    static const char *const known[] = {"GET",   "HEAD",   "POST",    "PUT",
                                        "PATCH", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char text[100];
        (void)snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n\r\n", known[i]);
        assert_int_equal(judge(text), 0);
    }
}

static int judge_target(const char *target)
{
    char text[300];
    (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    return judge(text);
}

static void targets_have_only_their_characters(void **state)
{
    (void)state;
    assert_int_equal(judge_target("/a-b._~!$&'()*+,;=:@/%C3%A9"), 0);
    assert_int_equal(judge_target("/?a[]=1&b={x|y}&c=?/:@"), 0);
    assert_int_equal(judge_target("/\xC3\xA9"), 400);
    assert_int_equal(judge_target("/?q=\xC3\xA9"), 400);
    assert_int_equal(judge_target("/a#b"), 400);
    assert_int_equal(judge_target("/?a#b"), 400);
    assert_int_equal(judge_target("/a\\b"), 400);
    assert_int_equal(judge_target("/a{b"), 400);
    assert_int_equal(judge_target("/<script>"), 400);
    assert_int_equal(judge_target("/%"), 400);
    assert_int_equal(judge_target("/%2"), 400);
    assert_int_equal(judge_target("/%zz"), 400);
    assert_int_equal(judge_target("/a%00b"), 400);
    assert_int_equal(judge_target("relative"), 400);
    assert_int_equal(judge_target("*"), 400);
    assert_int_equal(judge("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
}

static void a_whole_url_must_agree_with_host(void **state)
{
    (void)state;
    struct ve_http_head head;
    static const char text[] = "GET http://a/x?y HTTP/1.1\r\nHost: A\r\n\r\n";
    assert_int_equal(judge_len(&head, text, sizeof(text) - 1), 0);
    is(ve_http_span_str(&head, head.path), "/x");
    is(ve_http_span_str(&head, head.query), "y");
    assert_int_equal(judge_target("https://a/x"), 0);
    assert_int_equal(judge_target("http://b/x"), 400);
    assert_int_equal(judge_target("http://a"), 400);
    assert_int_equal(judge_target("ftp://a/x"), 400);
}

/* --- fields with rules of their own --- */

static void host_must_be_there_once(void **state)
{
    (void)state;
    assert_int_equal(judge("GET / HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400);
    assert_int_equal(judge("GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"), 0);
    assert_int_equal(judge("GET / HTTP/1.0\r\n\r\n"), 0);
}

static void content_length_is_one_number(void **state)
{
    (void)state;
    assert_int_equal(judge_get("Content-Length: 5\r\n"), 0);
    assert_int_equal(judge_get("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: 5, 5\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: +5\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: -5\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: 5 5\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: 0x5\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: 5\xA0\r\n"), 400);
    assert_int_equal(judge_get("Content-Length:\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: 99999999999999999999\r\n"), 400);
    assert_int_equal(judge_get("Content-Length: 18446744073709551615\r\n"), 400);
}

static void chunked_with_a_length_is_400(void **state)
{
    (void)state;
    assert_int_equal(judge_get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
    assert_int_equal(judge_get("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
    assert_int_equal(judge_get("Transfer-Encoding: identity\r\nContent-Length: 5\r\n"), 400);
    assert_int_equal(judge("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

static void chunked_alone_is_411(void **state)
{
    (void)state;
    assert_int_equal(judge_get("Transfer-Encoding: chunked\r\n"), 411);
    assert_int_equal(judge_get("transfer-encoding:Chunked\r\n"), 411);
}

static void a_body_without_length_is_411_in_http_10(void **state)
{
    (void)state;
    assert_int_equal(judge("POST / HTTP/1.0\r\n\r\n"), 411);
    assert_int_equal(judge("POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n"), 0);
    assert_int_equal(judge("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
}

static void too_large_a_head_is_431(void **state)
{
    (void)state;
    char *text = malloc(40000);
    int n = snprintf(text, 40000, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 99; i++)
        n += snprintf(text + n, 40000 - (size_t)n, "X: y\r\n");
    (void)snprintf(text + n, 40000 - (size_t)n, "\r\n");
    assert_int_equal(judge(text), 0);
    (void)snprintf(text + n, 40000 - (size_t)n, "X: y\r\n\r\n");
    assert_int_equal(judge(text), 431);

    struct ve_http_scan scan = {0};
    size_t used;
    memset(text, 'a', 40000);
    memcpy(text, "GET /", 5);
    assert_int_equal(ve_http_scan(&scan, (uint8_t *)text, VE_HTTP_HEAD_MAX, &used), 0);
    assert_int_equal(ve_http_scan(&scan, (uint8_t *)text, 1, &used), VE_ETOOBIG);
    free(text);
}

static bool keeps(const char *text)
{
    struct ve_http_head head;
    assert_int_equal(judge_len(&head, text, strlen(text)), 0);
    return head.keep_alive;
}

static void connections_stay_as_the_version_says(void **state)
{
    (void)state;
    assert_true(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_false(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n"));
    assert_false(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n"));
    assert_false(keeps("GET / HTTP/1.0\r\n\r\n"));
    assert_true(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    assert_false(keeps("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
}

static void expectations(void **state)
{
    (void)state;
    struct ve_http_head head;
    static const char text[] = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                               "Expect: 100-Continue\r\n\r\n";
    assert_int_equal(judge_len(&head, text, sizeof(text) - 1), 0);
    assert_true(head.wants_continue);
    assert_int_equal(judge_get("Expect: miracles\r\n"), 417);
    static const char old[] = "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n";
    assert_int_equal(judge_len(&head, old, sizeof(old) - 1), 0);
    assert_false(head.wants_continue);
}

/* --- upgrades --- */

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static void a_good_upgrade(void **state)
{
    (void)state;
    assert_int_equal(judge_get(UPGRADE KEY VERSION), 0);
    assert_int_equal(
        judge_get("UPGRADE: h2c, WebSocket\r\nConnection: keep-alive, uPgRaDe\r\n" KEY VERSION), 0);
}

static void the_request_of_mod_audio_stream_is_taken(void **state)
{
    (void)state;
    static const char text[] =
        "GET /stream/call_42 HTTP/1.1\r\nHost:127.0.0.1:8001\r\nUpgrade:websocket\r\n"
        "Connection:upgrade\r\nSec-WebSocket-Key:dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version:13\r\nSec-WebSocket-Extensions:permessage-deflate; "
        "client_no_context_takeover; server_no_context_takeover; client_max_window_bits=9\r\n"
        "Origin:http://127.0.0.1:8001\r\nAuthorization:Bearer x\r\n\r\n";
    struct ve_http_head head;
    assert_int_equal(judge_len(&head, text, sizeof(text) - 1), 0);
    assert_true(head.wants_upgrade);
}

static void another_upgrade_is_no_upgrade(void **state)
{
    (void)state;
    struct ve_http_head head;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n"
                               "Connection: Upgrade, HTTP2-Settings\r\n\r\n";
    assert_int_equal(judge_len(&head, text, sizeof(text) - 1), 0);
    assert_false(head.wants_upgrade);
}

static void an_upgrade_that_is_not_a_get_is_405(void **state)
{
    (void)state;
    assert_int_equal(judge("POST / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n"), 405);
}

static void an_upgrade_in_http_10_is_400(void **state)
{
    (void)state;
    assert_int_equal(judge("GET / HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n"), 400);
}

static void an_upgrade_with_a_body_is_400(void **state)
{
    (void)state;
    assert_int_equal(judge_get(UPGRADE KEY VERSION "Content-Length: 3\r\n"), 400);
    assert_int_equal(judge_get(UPGRADE KEY VERSION "Content-Length: 0\r\n"), 0);
}

static void an_upgrade_without_connection_is_400(void **state)
{
    (void)state;
    assert_int_equal(judge_get("Upgrade: websocket\r\n" KEY VERSION), 400);
    assert_int_equal(judge_get("Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION),
                     400);
}

static void keys_that_are_not_16_bytes_are_400(void **state)
{
    (void)state;
    assert_int_equal(judge_get(UPGRADE VERSION), 400);
    assert_int_equal(judge_get(UPGRADE VERSION KEY KEY), 400);
    assert_int_equal(judge_get(UPGRADE VERSION "Sec-WebSocket-Key: c2hvcnQ=\r\n"), 400);
    assert_int_equal(judge_get(UPGRADE VERSION "Sec-WebSocket-Key:\r\n"), 400);
    assert_int_equal(judge_get(UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTE=\r\n"),
                     400);
    assert_int_equal(judge_get(UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZ-_ub25jZQ==\r\n"),
                     400);
    /* spare bits in the last character are a sloppy client's, not an attack */
    assert_int_equal(judge_get(UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n"),
                     0);
}

static void versions_other_than_13_are_426(void **state)
{
    (void)state;
    assert_int_equal(judge_get(UPGRADE KEY), 426);
    assert_int_equal(judge_get(UPGRADE KEY "Sec-WebSocket-Version: 8\r\n"), 426);
    assert_int_equal(judge_get(UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n"), 426);
    assert_int_equal(judge_get(UPGRADE KEY VERSION VERSION), 426);
}

static int judge_origin(const char *host, const char *origin)
{
    char text[500];
    (void)snprintf(text, sizeof(text),
                   "GET / HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\n" UPGRADE KEY VERSION "\r\n", host,
                   origin);
    return judge(text);
}

static void another_origin_is_403(void **state)
{
    (void)state;
    assert_int_equal(judge_origin("a:8000", "http://a:8000"), 0);
    assert_int_equal(judge_origin("A", "https://a"), 0);
    assert_int_equal(judge_origin("a:443", "https://a"), 0);
    assert_int_equal(judge_origin("a", "http://a:80"), 0);
    assert_int_equal(judge_origin("a:8000", "http://a:8001"), 403);
    assert_int_equal(judge_origin("a:8000", "http://a"), 403);
    assert_int_equal(judge_origin("a", "https://evil.example"), 403);
    assert_int_equal(judge_origin("a", "https://a.evil.example"), 403);
    assert_int_equal(judge_origin("a", "null"), 403);
    assert_int_equal(judge_origin("a", "a"), 403);
    assert_int_equal(judge_origin("a", "file://a"), 403);
    assert_int_equal(judge_get(UPGRADE KEY VERSION "Origin: http://a\r\nOrigin: http://a\r\n"),
                     403);
    /* for other requests it says nothing */
    assert_int_equal(judge_get("Origin: http://evil.example\r\n"), 0);
}

static void the_accept_key_of_the_rfc(void **state)
{
    (void)state;
    char accept[VE_HTTP_ACCEPT_TEXT];
    assert_int_equal(ve_http_accept_key(accept, VE_STR("dGhlIHNhbXBsZSBub25jZQ==")), 0);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_int_equal(ve_http_accept_key(accept, VE_STR("short")), VE_EINVAL);
}

/* --- query parameters --- */

static void query_parameters_are_decoded(void **state)
{
    (void)state;
    char out[16];
    struct ve_str query = VE_STR("a=1&b=two+words&c=%C3%A9%26&d&=e&f%3D=g&a=again");
    assert_int_equal(ve_http_query_find(query, VE_STR("a"), out, sizeof(out)), 0);
    assert_string_equal(out, "1");
    assert_int_equal(ve_http_query_find(query, VE_STR("b"), out, sizeof(out)), 0);
    assert_string_equal(out, "two words");
    assert_int_equal(ve_http_query_find(query, VE_STR("c"), out, sizeof(out)), 0);
    assert_string_equal(out, "\xC3\xA9&");
    assert_int_equal(ve_http_query_find(query, VE_STR("d"), out, sizeof(out)), 0);
    assert_string_equal(out, "");
    assert_int_equal(ve_http_query_find(query, VE_STR("f="), out, sizeof(out)), 0);
    assert_string_equal(out, "g");
    assert_int_equal(ve_http_query_find(query, VE_STR("g"), out, sizeof(out)), VE_ENOENT);
    assert_int_equal(ve_http_query_find(VE_STR(""), VE_STR("a"), out, sizeof(out)), VE_ENOENT);
}

static void query_values_that_are_refused(void **state)
{
    (void)state;
    char out[4];
    assert_int_equal(ve_http_query_find(VE_STR("a=%"), VE_STR("a"), out, sizeof(out)), VE_EPROTO);
    assert_int_equal(ve_http_query_find(VE_STR("a=%4"), VE_STR("a"), out, sizeof(out)), VE_EPROTO);
    assert_int_equal(ve_http_query_find(VE_STR("a=%4x"), VE_STR("a"), out, sizeof(out)), VE_EPROTO);
    assert_int_equal(ve_http_query_find(VE_STR("a=%00"), VE_STR("a"), out, sizeof(out)), VE_EPROTO);
    assert_int_equal(ve_http_query_find(VE_STR("a=123"), VE_STR("a"), out, sizeof(out)), 0);
    assert_int_equal(ve_http_query_find(VE_STR("a=1234"), VE_STR("a"), out, sizeof(out)),
                     VE_ETOOBIG);
    assert_int_equal(ve_http_query_find(VE_STR("a="), VE_STR("a"), out, 0), VE_ETOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(what_is_behind_the_head_is_not_touched),
        cmocka_unit_test(one_empty_line_in_front_is_ignored),
        cmocka_unit_test(an_unfinished_head_waits),
        cmocka_unit_test(bare_line_ends_are_refused),
        cmocka_unit_test(continued_lines_are_refused),
        cmocka_unit_test(control_bytes_are_refused),
        cmocka_unit_test(a_tls_hello_is_refused_at_its_first_byte),
        cmocka_unit_test(header_names_are_tokens),
        cmocka_unit_test(a_blank_before_the_colon_is_refused),
        cmocka_unit_test(request_lines_that_are_refused),
        cmocka_unit_test(other_versions_are_505),
        cmocka_unit_test(unknown_methods_are_501),
        cmocka_unit_test(targets_have_only_their_characters),
        cmocka_unit_test(a_whole_url_must_agree_with_host),
        cmocka_unit_test(host_must_be_there_once),
        cmocka_unit_test(content_length_is_one_number),
        cmocka_unit_test(chunked_with_a_length_is_400),
        cmocka_unit_test(chunked_alone_is_411),
        cmocka_unit_test(a_body_without_length_is_411_in_http_10),
        cmocka_unit_test(too_large_a_head_is_431),
        cmocka_unit_test(connections_stay_as_the_version_says),
        cmocka_unit_test(expectations),
        cmocka_unit_test(a_good_upgrade),
        cmocka_unit_test(the_request_of_mod_audio_stream_is_taken),
        cmocka_unit_test(another_upgrade_is_no_upgrade),
        cmocka_unit_test(an_upgrade_that_is_not_a_get_is_405),
        cmocka_unit_test(an_upgrade_in_http_10_is_400),
        cmocka_unit_test(an_upgrade_with_a_body_is_400),
        cmocka_unit_test(an_upgrade_without_connection_is_400),
        cmocka_unit_test(keys_that_are_not_16_bytes_are_400),
        cmocka_unit_test(versions_other_than_13_are_426),
        cmocka_unit_test(another_origin_is_403),
        cmocka_unit_test(the_accept_key_of_the_rfc),
        cmocka_unit_test(query_parameters_are_decoded),
        cmocka_unit_test(query_values_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
