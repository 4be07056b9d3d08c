/*
 * The server's side of a WebSocket for scripts: the upgrade, and frames written byte by byte, so
 * that a test can also break the rules.
 */
#ifndef VE_TEST_WS_SCRIPT_H
#define VE_TEST_WS_SCRIPT_H

#include "script_server.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

struct ws_frame {
    bool fin;
    unsigned opcode;
    bool masked;
    size_t len;
    char payload[SCRIPT_READ_MAX / 2];
};

/* Sec-WebSocket-Accept for the key in a request. */
static inline void ws_accept_key(const char *request, char out[static 32])
{
    char text[128] = "";
    unsigned char digest[SHA_DIGEST_LENGTH];
    const char *key = strcasestr(request, "\r\nSec-WebSocket-Key: ");
    if (key)
        (void)snprintf(text, sizeof(text), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 21);
    SHA1((const unsigned char *)text, strlen(text), digest);
    EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest));
}

/* Reads the request and answers it; `extra` are header lines or "". */
static inline bool ws_upgrade(struct server *server, struct peer *peer, const char *extra)
{
    char key[32];
    char answer[512];
    size_t at = server->seen_len;
    if (!peer_request(server, peer))
        return false;
    ws_accept_key(server->seen + at, key);
    (void)snprintf(answer, sizeof(answer),
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                   key, extra);
    return peer_say(peer, answer);
}

static inline struct peer ws_accept(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer.fd >= 0 && !ws_upgrade(server, &peer, ""))
        atomic_store(&server->broken, true);
    return peer;
}

/* The head alone: `first` is the first byte, fin and opcode. */
static inline bool ws_send_head(struct peer *peer, unsigned first, uint64_t len)
{
    unsigned char head[10] = {(unsigned char)first};
    size_t n = 2;
    if (len < 126) {
        head[1] = (unsigned char)len;
    } else if (len < 65536) {
        head[1] = 126;
        head[2] = (unsigned char)(len >> 8);
        head[3] = (unsigned char)len;
        n = 4;
    } else {
        head[1] = 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (unsigned char)(len >> (56 - 8 * i));
        n = 10;
    }
    return peer_send(peer, head, n);
}

static inline bool ws_send(struct peer *peer, unsigned first, const void *payload, size_t len)
{
    return ws_send_head(peer, first, len) && peer_send(peer, payload, len);
}

static inline bool ws_close(struct peer *peer, unsigned code)
{
    const unsigned char payload[2] = {(unsigned char)(code >> 8), (unsigned char)code};
    return ws_send(peer, 0x88, payload, sizeof(payload));
}

static inline bool ws_need(struct server *server, struct peer *peer, size_t len)
{
    while (peer->len < len) {
        if (!peer_more(server, peer))
            return false;
    }
    return true;
}

/* Reads one frame and unmasks it; false when the client has closed. */
static inline bool ws_read(struct server *server, struct peer *peer, struct ws_frame *frame)
{
    const unsigned char *b = (const unsigned char *)peer->bytes;
    size_t head = 2;
    if (!ws_need(server, peer, 2))
        return false;
    frame->fin = b[0] & 0x80;
    frame->opcode = b[0] & 0x7f;
    frame->masked = b[1] & 0x80;
    frame->len = b[1] & 0x7f;
    size_t more = frame->len == 126 ? 2 : frame->len == 127 ? 8 : 0;
    if (!ws_need(server, peer, head + more))
        return false;
    if (more)
        frame->len = 0;
    for (size_t i = 0; i < more; i++)
        frame->len = frame->len << 8 | b[head + i];
    head += more;
    if (frame->len > sizeof(frame->payload) ||
        !ws_need(server, peer, head + (frame->masked ? 4 : 0) + frame->len))
        return false;
    const unsigned char *mask = b + head;
    head += frame->masked ? 4 : 0;
    for (size_t i = 0; i < frame->len; i++)
        frame->payload[i] = (char)(b[head + i] ^ (frame->masked ? mask[i % 4] : 0));
    peer_take(peer, head + frame->len);
    return true;
}

#endif
