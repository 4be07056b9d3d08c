#include "net/wsc_in.h"

#include "base/err.h"

#include <string.h>

/*
 * Pausing. The library may not be told to stop reading from within its own callback: with TLS, what
 * is left of a record then goes round in a circle inside of it, for ever (4.1.6). So it is told in
 * the next step, before the loop looks at sockets again, and the pieces of the one read that was
 * under way are kept here: a head, then the bytes. That is one TLS record at most, 16 KiB.
 */
struct piece {
    uint32_t len;
    uint8_t opcode;
    bool first;
    bool last;
};

static void give(struct ve_wsc_conn *c, const struct piece *piece, const void *bytes)
{
    c->conn.events->data(c->conn.arg, bytes, piece->len, piece->first, piece->last,
                         (enum ve_opcode)piece->opcode);
}

static void keep(struct ve_wsc_conn *c, const struct piece *piece, const void *bytes)
{
    size_t before = c->stash.len;
    if (!ve_buf_add(&c->stash, piece, sizeof(*piece)) && !ve_buf_add(&c->stash, bytes, piece->len))
        return;
    c->stash.len = before;
    ve_wsc_breach(c, VE_CLOSE_INTERNAL);
}

/* The user may close meanwhile, which drops the stash: what he is reading must stay. */
static void give_kept(struct ve_wsc_conn *c)
{
    struct ve_buf kept = c->stash;
    size_t at = 0;
    ve_buf_init(&c->stash, 0);
    while (at < kept.len && !c->paused && (c->state == VE_WSC_OPEN || c->state == VE_WSC_ENDING)) {
        struct piece piece;
        memcpy(&piece, kept.ptr + at, sizeof(piece));
        at += sizeof(piece) + piece.len;
        give(c, &piece, kept.ptr + at - piece.len);
    }
    ve_buf_consume(&kept, at);
    if (kept.len && (c->state == VE_WSC_OPEN || c->state == VE_WSC_ENDING))
        c->stash = kept;
    else
        ve_buf_free(&kept);
}

static void set_deaf(struct ve_wsc_conn *c, bool deaf)
{
    if (c->wsi && c->deaf != deaf)
        (void)lws_rx_flow_control(c->wsi, deaf ? 0 : 1);
    c->deaf = deaf;
}

void ve_wsc_read_on(struct ve_wsc_conn *c)
{
    ve_buf_free(&c->stash);
    set_deaf(c, false);
}

void ve_wsc_catch_up(struct ve_wsc_conn *c)
{
    give_kept(c);
    if (c->state == VE_WSC_OPEN)
        set_deaf(c, c->paused);
    if (c->state != VE_WSC_ENDING || c->stash.len || c->paused)
        return;
    if (c->wsi)
        c->state = VE_WSC_CLOSING;
    else
        ve_wsc_be_over(c);
}

void ve_wsc_pause(struct ve_conn *conn, bool paused)
{
    struct ve_wsc_conn *c = VE_CONTAINER(conn, struct ve_wsc_conn, conn);
    if (c->state == VE_WSC_CLOSING || c->state == VE_WSC_OVER)
        return;
    c->paused = paused;
    if (c->state == VE_WSC_OPEN || c->state == VE_WSC_ENDING)
        ve_timer_start(&c->step, 0);
}

/* Checks what the library leaves to us; false when the piece broke a rule. */
static bool check(struct ve_wsc_conn *c, const uint8_t *bytes, size_t len, bool last)
{
    size_t coming = lws_remaining_packet_payload(c->wsi);
    if (!c->begun && !c->message) {
        c->opcode = lws_frame_is_binary(c->wsi) ? VE_OP_BINARY : VE_OP_TEXT;
        c->utf8 = (struct ve_utf8){0};
    }
    if (len > c->max_message - c->message || coming > c->max_message - c->message - len) {
        ve_wsc_breach(c, VE_CLOSE_TOO_BIG);
        return false;
    }
    c->message += len;
    if (c->opcode == VE_OP_TEXT &&
        (!ve_utf8_feed(&c->utf8, bytes, len) || (last && c->utf8.need))) {
        ve_wsc_breach(c, VE_CLOSE_BAD_DATA);
        return false;
    }
    return true;
}

void ve_wsc_on_piece(struct ve_wsc_conn *c, const uint8_t *bytes, size_t len)
{
    bool last = lws_is_final_fragment(c->wsi) != 0;
    if (c->state != VE_WSC_OPEN || !check(c, bytes, len, last))
        return;
    if (!len && !last)
        return; /* an empty frame that ends nothing */
    struct piece piece = {(uint32_t)len, (uint8_t)c->opcode, !c->begun, last};
    c->begun = !last;
    if (last)
        c->message = 0;
    if (c->paused || c->stash.len)
        keep(c, &piece, bytes);
    else
        give(c, &piece, bytes);
}
