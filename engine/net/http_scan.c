#include "base/err.h"
#include "net/http_head.h"

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* A control byte in a line means that the peer and we would read different lines. */
static bool may_stand_in_line(uint8_t byte)
{
    return byte >= 0x20 ? byte != 0x7F : byte == '\t';
}

static int next_state(enum ve_http_scan_state *state, uint8_t byte)
{
    switch (*state) {
    case VE_SCAN_START:
    case VE_SCAN_LINE:
        if (byte == '\r') {
            *state = VE_SCAN_CR;
            return 0;
        }
        *state = VE_SCAN_LINE;
        return may_stand_in_line(byte) ? 0 : VE_EPROTO;
    case VE_SCAN_CR:
        *state = VE_SCAN_LF;
        return byte == '\n' ? 0 : VE_EPROTO;
    case VE_SCAN_LF:
        if (byte == '\r') {
            *state = VE_SCAN_FINAL_CR;
            return 0;
        }
        /* A line that starts with a blank continues the one before (obs-fold): refused. */
        *state = VE_SCAN_LINE;
        return may_stand_in_line(byte) && !is_blank(byte) ? 0 : VE_EPROTO;
    default:
        return byte == '\n' ? 1 : VE_EPROTO;
    }
}

/* RFC 9112 section 2.2: an empty line before the request line is to be ignored. One is. */
static size_t skip_blank(struct ve_http_scan *scan, const uint8_t *bytes, size_t len)
{
    static const uint8_t blank[2] = {'\r', '\n'};
    size_t at = 0;
    while (at < len && !scan->len && scan->blank < 2 && bytes[at] == blank[scan->blank]) {
        scan->blank++;
        at++;
    }
    return at;
}

int ve_http_scan(struct ve_http_scan *scan, const uint8_t *bytes, size_t len, size_t *used)
{
    size_t at = skip_blank(scan, bytes, len);
    int ret = 0;
    if (scan->blank == 1 && at < len)
        ret = VE_EPROTO;
    for (; at < len && !ret; at++) {
        if (scan->len == VE_HTTP_HEAD_MAX) {
            ret = VE_ETOOBIG;
            break;
        }
        if (!scan->len && (bytes[at] == '\r' || is_blank(bytes[at])))
            ret = VE_EPROTO;
        else
            ret = next_state(&scan->state, bytes[at]);
        scan->len++;
    }
    *used = at;
    return ret;
}
