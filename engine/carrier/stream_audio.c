#include "carrier/stream_audio.h"

#include "crypto/base64.h"

#include <string.h>

static const char audio_head[] = "{\"type\":\"streamAudio\",\"data\":{\"audioDataType\":\"raw\","
                                 "\"sampleRate\":";
static const char audio_middle[] = ",\"audioData\":\"";
static const char audio_tail[] = "\"}}";

#define RATE_DIGITS 10

size_t ve_stream_audio_size(size_t count)
{
    return sizeof(audio_head) + RATE_DIGITS + sizeof(audio_middle) +
           ve_base64_size(count * 2, VE_BASE64_STD) + sizeof(audio_tail);
}

static uint8_t *append(uint8_t *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

size_t ve_stream_audio_write(uint8_t *out, const int16_t *samples, size_t count, uint32_t rate)
{
    char digits[RATE_DIGITS];
    size_t n = 0;
    for (; rate; rate /= 10)
        digits[n++] = (char)('0' + rate % 10);
    uint8_t *at = append(out, audio_head, sizeof(audio_head) - 1);
    while (n)
        *at++ = (uint8_t)digits[--n];
    at = append(at, audio_middle, sizeof(audio_middle) - 1);
    /* s16 little-endian: this machine's own order, see the assertion below */
    at += ve_base64_encode((char *)at, samples, count * 2, VE_BASE64_STD);
    at = append(at, audio_tail, sizeof(audio_tail) - 1);
    return (size_t)(at - out);
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "samples are sent in the machine's byte order, which must be little-endian"
#endif

int ve_stream_audio_break(struct ve_buf *out)
{
    return ve_buf_add_str(out, VE_STR("{\"event\":\"break\"}"));
}
