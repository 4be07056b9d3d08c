/*
 * The reader of WebSocket frames: whatever comes, and in whatever pieces it comes, it says the
 * same. The first byte of the input is the size of the pieces, the second one the limit of a
 * message.
 */
#include "net/ws_frame.h"

#include <stdlib.h>
#include <string.h>

struct heard {
    uint8_t *bytes; /* payloads one behind the other */
    size_t len;
    unsigned messages, controls;
    int err;
};

static void require(bool right)
{
    if (!right)
        abort();
}

static void hear(struct heard *heard, const struct ve_ws_piece *piece, bool *open, uint8_t *kind,
                 struct ve_utf8 *utf8)
{
    if (piece->opcode > VE_OP_BINARY) {
        require(piece->opcode >= VE_WS_CLOSE && piece->opcode <= VE_WS_PONG);
        require(piece->first && piece->last && piece->len <= VE_WS_CONTROL_MAX);
        if (piece->opcode == VE_WS_CLOSE) {
            int code = ve_ws_close_code(piece->bytes, piece->len);
            require(code == -VE_CLOSE_PROTOCOL || code == -VE_CLOSE_BAD_DATA || code >= 1000);
        }
        heard->controls++;
    } else {
        require(piece->first == !*open);
        if (piece->first) {
            *kind = piece->opcode;
            *utf8 = (struct ve_utf8){0};
        }
        require(piece->opcode == *kind && (piece->len || piece->last));
        if (*kind == VE_OP_TEXT)
            require(ve_utf8_feed(utf8, piece->bytes, piece->len) && !(piece->last && utf8->need));
        *open = !piece->last;
        heard->messages += piece->last;
    }
    if (piece->len)
        memcpy(heard->bytes + heard->len, piece->bytes, piece->len);
    heard->len += piece->len;
}

static void read_in_steps(struct heard *heard, const uint8_t *bytes, size_t len, size_t step,
                          size_t limit)
{
    struct ve_ws_reader reader;
    struct ve_utf8 utf8 = {0};
    bool open = false;
    uint8_t kind = 0;
    ve_ws_reader_init(&reader, limit);
    heard->bytes = malloc(len + 1);
    for (size_t at = 0; at < len && !heard->err; at += step) {
        size_t n = len - at < step ? len - at : step;
        uint8_t *copy = malloc(n);
        size_t done = 0;
        int got = 1;
        memcpy(copy, bytes + at, n);
        while (got > 0) {
            struct ve_ws_piece piece;
            size_t used;
            got = ve_ws_read(&reader, copy + done, n - done, &used, &piece);
            require(used <= n - done);
            done += used;
            if (got > 0)
                hear(heard, &piece, &open, &kind, &utf8);
        }
        require(got < 0 || done == n);
        require(got == 0 || got == -VE_CLOSE_PROTOCOL || got == -VE_CLOSE_BAD_DATA ||
                got == -VE_CLOSE_TOO_BIG);
        heard->err = got;
        free(copy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard whole = {0};
    struct heard pieces = {0};
    if (size < 3)
        return 0;
    size_t step = (size_t)data[0] + 1;
    size_t limit = (size_t)data[1] * 16;
    read_in_steps(&whole, data + 2, size - 2, size - 2, limit);
    read_in_steps(&pieces, data + 2, size - 2, step, limit);
    require(whole.err == pieces.err && whole.controls == pieces.controls);
    require(whole.messages == pieces.messages);
    /* Before an error in the middle of a piece more may have been given out in smaller ones. */
    require(whole.err ? whole.len <= pieces.len : whole.len == pieces.len);
    require(memcmp(whole.bytes, pieces.bytes, whole.len) == 0);
    free(whole.bytes);
    free(pieces.bytes);
    return 0;
}
