#include "net/ws_frame.h"

#include <string.h>

/* What may follow a lead byte (Unicode 15, table 3-7): the first continuation byte is limited by
 * the lead, so that overlong forms, surrogates and values past U+10FFFF cannot be written. */
static bool utf8_lead(struct ve_utf8 *utf8, uint8_t byte)
{
    utf8->lo = 0x80;
    utf8->hi = 0xBF;
    if (byte < 0x80) {
        utf8->need = 0;
    } else if (byte >= 0xC2 && byte <= 0xDF) {
        utf8->need = 1;
    } else if (byte >= 0xE0 && byte <= 0xEF) {
        utf8->need = 2;
        utf8->lo = byte == 0xE0 ? 0xA0 : 0x80;
        utf8->hi = byte == 0xED ? 0x9F : 0xBF;
    } else if (byte >= 0xF0 && byte <= 0xF4) {
        utf8->need = 3;
        utf8->lo = byte == 0xF0 ? 0x90 : 0x80;
        utf8->hi = byte == 0xF4 ? 0x8F : 0xBF;
    } else {
        return false;
    }
    return true;
}

/* Bytes at the front that are ASCII, looked at in eights. */
static size_t ascii_run(const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    for (; len - at >= 8; at += 8) {
        uint64_t eight;
        memcpy(&eight, bytes + at, 8);
        if (eight & 0x8080808080808080ull)
            break;
    }
    while (at < len && bytes[at] < 0x80)
        at++;
    return at;
}

bool ve_utf8_feed(struct ve_utf8 *utf8, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        if (!utf8->need) {
            at += ascii_run(bytes + at, len - at);
            if (at == len)
                break;
            if (!utf8_lead(utf8, bytes[at]))
                return false;
            continue;
        }
        if (bytes[at] < utf8->lo || bytes[at] > utf8->hi)
            return false;
        utf8->lo = 0x80;
        utf8->hi = 0xBF;
        utf8->need--;
    }
    return true;
}

void ve_ws_reader_init(struct ve_ws_reader *reader, size_t max_message)
{
    *reader = (struct ve_ws_reader){.max = max_message};
}

/* The key is kept as it lies in memory; `mask` starts with the byte for bytes[0] and is left
 * turned for the byte after the last. */
static uint32_t unmask(uint8_t *bytes, size_t len, uint32_t mask)
{
    uint8_t key[8];
    memcpy(key, &mask, 4);
    memcpy(key + 4, &mask, 4);
    uint64_t wide;
    memcpy(&wide, key, 8);
    size_t at = 0;
    for (; len - at >= 8; at += 8) {
        uint64_t eight;
        memcpy(&eight, bytes + at, 8);
        eight ^= wide;
        memcpy(bytes + at, &eight, 8);
    }
    for (size_t i = 0; at < len; at++, i++)
        bytes[at] ^= key[i];
    uint32_t turned;
    memcpy(&turned, key + len % 4, 4);
    return turned;
}

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

/* The first byte of a frame: FIN, RSV1-3, opcode (section 5.2). */
static int check_first(const struct ve_ws_reader *reader, uint8_t byte)
{
    uint8_t opcode = byte & 0x0F;
    bool fin = (byte & 0x80) != 0;
    if (byte & 0x70) /* no extension was agreed on */
        return -VE_CLOSE_PROTOCOL;
    if (opcode > VE_WS_PONG || (opcode > VE_OP_BINARY && opcode < VE_WS_CLOSE))
        return -VE_CLOSE_PROTOCOL;
    if (is_control(opcode))
        return fin ? 0 : -VE_CLOSE_PROTOCOL;
    bool continues = opcode == VE_WS_CONTINUATION;
    return continues == (reader->kind != 0) ? 0 : -VE_CLOSE_PROTOCOL;
}

/* The second byte: MASK, and the length or how it is written. */
static int check_second(const struct ve_ws_reader *reader, uint8_t byte)
{
    if (!(byte & 0x80))
        return -VE_CLOSE_PROTOCOL;
    if (is_control(reader->head[0] & 0x0F) && (byte & 0x7F) > VE_WS_CONTROL_MAX)
        return -VE_CLOSE_PROTOCOL;
    return 0;
}

static unsigned length_bytes(uint8_t second)
{
    uint8_t len = second & 0x7F;
    return len == 126 ? 2 : len == 127 ? 8 : 0;
}

/* The length is there: is it written in the shortest way, and does the message stay in its limit?
 * Decided before the payload arrives, so that nothing is kept for a message that will be refused.
 */
static int check_length(struct ve_ws_reader *reader)
{
    unsigned bytes = length_bytes(reader->head[1]);
    uint64_t len = 0;
    for (unsigned i = 0; i < bytes; i++)
        len = len << 8 | reader->head[2 + i];
    if (!bytes)
        len = reader->head[1] & 0x7F;
    if ((bytes == 2 && len < 126) || (bytes == 8 && (len < 65536 || len >> 63)))
        return -VE_CLOSE_PROTOCOL;
    reader->left = len;
    if (is_control(reader->head[0] & 0x0F))
        return 0;
    if (len > reader->max || reader->message > reader->max - len)
        return -VE_CLOSE_TOO_BIG;
    reader->message += len;
    return 0;
}

static int check_head_byte(struct ve_ws_reader *reader)
{
    unsigned have = reader->head_len;
    if (have == 1)
        return check_first(reader, reader->head[0]);
    int err = have == 2 ? check_second(reader, reader->head[1]) : 0;
    if (!err && have == 2 + length_bytes(reader->head[1]))
        err = check_length(reader);
    return err;
}

static void begin_payload(struct ve_ws_reader *reader)
{
    memcpy(&reader->mask, reader->head + reader->head_len - 4, 4);
    reader->fin = (reader->head[0] & 0x80) != 0;
    reader->opcode = reader->head[0] & 0x0F;
    reader->head_len = 0;
    reader->control_len = 0;
    reader->in_payload = true;
    if (reader->opcode == VE_OP_TEXT || reader->opcode == VE_OP_BINARY) {
        reader->kind = reader->opcode;
        reader->begun = false;
        reader->utf8 = (struct ve_utf8){0};
    }
}

/* Every rule is applied to the byte that breaks it: a peer is told at once. */
static int read_head(struct ve_ws_reader *reader, const uint8_t *bytes, size_t len, size_t *used)
{
    while (*used < len && !reader->in_payload) {
        reader->head[reader->head_len++] = bytes[(*used)++];
        int err = check_head_byte(reader);
        if (err)
            return err;
        if (reader->head_len > 5 && reader->head_len == 6 + length_bytes(reader->head[1]))
            begin_payload(reader);
    }
    return 0;
}

static int read_control(struct ve_ws_reader *reader, const uint8_t *bytes, size_t len,
                        struct ve_ws_piece *piece)
{
    memcpy(reader->control + reader->control_len, bytes, len);
    reader->control_len += (uint8_t)len;
    if (reader->left)
        return 0;
    reader->in_payload = false;
    *piece = (struct ve_ws_piece){reader->opcode, true, true, reader->control, reader->control_len};
    return 1;
}

static int read_data(struct ve_ws_reader *reader, const uint8_t *bytes, size_t len,
                     struct ve_ws_piece *piece)
{
    bool last = reader->fin && !reader->left;
    bool text = reader->kind == VE_OP_TEXT;
    if (text && !ve_utf8_feed(&reader->utf8, bytes, len))
        return -VE_CLOSE_BAD_DATA;
    if (text && last && reader->utf8.need)
        return -VE_CLOSE_BAD_DATA;
    *piece = (struct ve_ws_piece){reader->kind, !reader->begun, last, bytes, len};
    if (!reader->left)
        reader->in_payload = false;
    if (last) {
        reader->kind = 0;
        reader->message = 0;
    }
    if (!len && !last)
        return 0; /* an empty fragment says nothing yet */
    reader->begun = true;
    return 1;
}

int ve_ws_read(struct ve_ws_reader *reader, uint8_t *bytes, size_t len, size_t *used,
               struct ve_ws_piece *piece)
{
    *used = 0;
    for (;;) {
        int err = read_head(reader, bytes, len, used);
        if (err)
            return err;
        if (!reader->in_payload || (*used == len && reader->left))
            return 0;
        size_t n = len - *used;
        if (n > reader->left)
            n = (size_t)reader->left;
        uint8_t *payload = bytes + *used;
        reader->mask = unmask(payload, n, reader->mask);
        reader->left -= n;
        *used += n;
        int got = is_control(reader->opcode) ? read_control(reader, payload, n, piece)
                                             : read_data(reader, payload, n, piece);
        if (got)
            return got;
    }
}

/* Section 7.4: what may stand in a close frame. 1004, 1005, 1006 and 1015 may not; 1012 to 1014 are
 * in IANA's registry; 3000 to 4999 are for libraries and applications. */
static bool close_code_valid(unsigned code)
{
    if (code >= 3000)
        return code <= 4999;
    if (code < 1000 || code > 1014)
        return false;
    return code != 1004 && code != VE_CLOSE_NONE && code != VE_CLOSE_ABNORMAL;
}

int ve_ws_close_code(const uint8_t *payload, size_t len)
{
    if (!len)
        return VE_CLOSE_NONE;
    if (len == 1)
        return -VE_CLOSE_PROTOCOL;
    unsigned code = (unsigned)payload[0] << 8 | payload[1];
    if (!close_code_valid(code))
        return -VE_CLOSE_PROTOCOL;
    struct ve_str reason = ve_str_n((const char *)payload + 2, len - 2);
    return ve_str_utf8(reason) ? (int)code : -VE_CLOSE_BAD_DATA;
}

size_t ve_ws_write_head(uint8_t *end, unsigned opcode, uint64_t len)
{
    unsigned extra = len < 126 ? 0 : len < 65536 ? 2 : 8;
    uint8_t *head = end - 2 - extra;
    head[0] = (uint8_t)(0x80 | opcode);
    head[1] = (uint8_t)(extra == 0 ? len : extra == 2 ? 126 : 127);
    for (unsigned i = 0; i < extra; i++)
        head[2 + i] = (uint8_t)(len >> (8 * (extra - 1 - i)));
    return 2 + extra;
}
