#include "base/err.h"
#include "crypto/base64.h"
#include "net/http_head.h"

#include <openssl/evp.h>
#include <string.h>

#define KEY_CHARS 24 /* 16 bytes in base64 */

static int refuse(struct ve_http_verdict *verdict, int status, const char *code,
                  const char *message)
{
    *verdict = (struct ve_http_verdict){status, code, message};
    return VE_EPROTO;
}

static bool base64_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* Sixteen bytes. The four bits that the last character has to spare may be anything: there are
 * clients that make up characters instead of bytes. */
static bool key_valid(struct ve_str key)
{
    if (key.len != KEY_CHARS || !ve_str_ends(key, VE_STR("==")))
        return false;
    for (size_t i = 0; i < KEY_CHARS - 2; i++) {
        if (!base64_char(key.ptr[i]))
            return false;
    }
    return true;
}

/* "host:port" without the port that the scheme has anyway. */
static struct ve_str without_port(struct ve_str host, struct ve_str port)
{
    if (ve_str_ends(host, port))
        host.len -= port.len;
    return host;
}

/* Browsers always say from where a page comes and let any page open a WebSocket to us: only our own
 * pages may. Programs send no Origin, or the server's own. */
static bool origin_allowed(struct ve_str origin, struct ve_str host)
{
    static const struct {
        const char *scheme;
        const char *port;
    } known[] = {{"http://", ":80"}, {"https://", ":443"}, {"ws://", ":80"}, {"wss://", ":443"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct ve_str scheme = ve_str(known[i].scheme);
        struct ve_str port = ve_str(known[i].port);
        if (origin.len < scheme.len || !ve_str_ieq(ve_str_n(origin.ptr, scheme.len), scheme))
            continue;
        struct ve_str from = ve_str_n(origin.ptr + scheme.len, origin.len - scheme.len);
        return ve_str_ieq(without_port(from, port), without_port(host, port));
    }
    return false; /* "null" as well */
}

static int check_origin(const struct ve_http_head *head, struct ve_http_verdict *verdict)
{
    unsigned count = ve_http_head_count(head, "origin");
    struct ve_str origin = ve_http_head_find(head, "origin");
    if (!count)
        return 0;
    if (count > 1 || !origin_allowed(origin, ve_http_span_str(head, head->host)))
        return refuse(verdict, 403, "origin", "pages of another origin may not connect");
    return 0;
}

static int check_request(const struct ve_http_head *head, struct ve_http_verdict *verdict)
{
    if (!ve_str_eq(ve_http_span_str(head, head->method), VE_STR("GET")))
        return refuse(verdict, 405, "method", "a WebSocket is opened with GET");
    if (!head->minor)
        return refuse(verdict, 400, "upgrade", "a WebSocket needs HTTP/1.1");
    if (head->content_length)
        return refuse(verdict, 400, "upgrade", "a WebSocket request has no body");
    if (!ve_http_head_has(head, "connection", "upgrade"))
        return refuse(verdict, 400, "upgrade", "Connection does not say upgrade");
    return 0;
}

int ve_http_upgrade_check(const struct ve_http_head *head, struct ve_http_verdict *verdict)
{
    int err = check_request(head, verdict);
    if (err)
        return err;
    struct ve_str version = ve_http_head_find(head, "sec-websocket-version");
    if (ve_http_head_count(head, "sec-websocket-version") != 1 || !ve_str_eq(version, VE_STR("13")))
        return refuse(verdict, 426, "websocket_version", "only version 13 is spoken here");
    if (ve_http_head_count(head, "sec-websocket-key") != 1 ||
        !key_valid(ve_http_head_find(head, "sec-websocket-key")))
        return refuse(verdict, 400, "upgrade", "Sec-WebSocket-Key is not 16 bytes in base64");
    return check_origin(head, verdict);
}

int ve_http_accept_key(char out[static VE_HTTP_ACCEPT_TEXT], struct ve_str key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, section 1.3 */
    char text[KEY_CHARS + sizeof(guid)];
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (key.len != KEY_CHARS)
        return VE_EINVAL;
    memcpy(text, key.ptr, KEY_CHARS);
    memcpy(text + KEY_CHARS, guid, sizeof(guid));
    unsigned int len = 0;
    if (EVP_Digest(text, KEY_CHARS + sizeof(guid) - 1, digest, &len, EVP_sha1(), NULL) != 1 ||
        len != 20)
        return VE_EFAILED;
    out[ve_base64_encode(out, digest, len, VE_BASE64_STD)] = '\0';
    return 0;
}
