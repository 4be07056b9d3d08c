/*
 * net/ws_frame.h - the frames of RFC 6455 as a server reads and writes them. No I/O, no memory.
 *
 * The reader is pulled: give it bytes in whatever pieces they came, take out pieces of messages and
 * whole control frames. It unmasks in place, so a piece points into the bytes it was given. What
 * breaks the protocol ends in the close code to answer with; the reader is then of no more use.
 */
#ifndef VE_NET_WS_FRAME_H
#define VE_NET_WS_FRAME_H

#include "net/conn.h"

#define VE_WS_CONTROL_MAX 125 /* payload bytes of a control frame */

/* Opcodes besides those of enum ve_opcode. */
enum ve_ws_opcode {
    VE_WS_CONTINUATION = 0,
    VE_WS_CLOSE = 8,
    VE_WS_PING = 9,
    VE_WS_PONG = 10,
};

/* How far a run of UTF-8 has come. All zero: between characters. */
struct ve_utf8 {
    uint8_t need;   /* continuation bytes still to come */
    uint8_t lo, hi; /* range of the next one */
};

/* False as soon as a byte cannot be. */
bool ve_utf8_feed(struct ve_utf8 *utf8, const uint8_t *bytes, size_t len);

struct ve_ws_reader {
    uint64_t left;       /* payload bytes of the frame still to come */
    uint64_t message;    /* payload bytes of the message so far, this frame included */
    uint64_t max;        /* payload bytes of a message allowed */
    uint32_t mask;       /* turned so that its first byte in memory is the next one to use */
    struct ve_utf8 utf8; /* of the text message */
    uint8_t in_payload;  /* the head of the frame is complete */
    uint8_t opcode;      /* of the frame */
    uint8_t kind;        /* opcode of the message under way, 0 between messages */
    bool fin;            /* of the frame */
    bool begun;          /* a piece of the message has been given out */
    uint8_t head_len;    /* bytes in `head` */
    uint8_t head[14];
    uint8_t control_len; /* bytes in `control` */
    uint8_t control[VE_WS_CONTROL_MAX];
};

struct ve_ws_piece {
    uint8_t opcode; /* text or binary: a piece of a message; close, ping, pong: a whole frame */
    bool first;     /* of the message */
    bool last;
    const uint8_t *bytes; /* in the bytes given, or in the reader (control) */
    size_t len;
};

void ve_ws_reader_init(struct ve_ws_reader *reader, size_t max_message);
/*
 * Reads on in `bytes`. *used tells how many of them are done with. Returns 1 with a piece (call
 * again with the rest, or later with it), 0 when more bytes are needed (all were used), or the
 * negated close code: -1002, -1007, -1009.
 */
int ve_ws_read(struct ve_ws_reader *reader, uint8_t *bytes, size_t len, size_t *used,
               struct ve_ws_piece *piece);
/* What a close frame's payload says: its code, VE_CLOSE_NONE without one, or -1002 or -1007. */
int ve_ws_close_code(const uint8_t *payload, size_t len);
/* Writes the head of a final, unmasked frame so that it ends at `end`; returns its length (2, 4 or
 * 10 bytes). */
size_t ve_ws_write_head(uint8_t *end, unsigned opcode, uint64_t len);

#endif
