#include "audio/wav.h"

#include "audio/g711.h"
#include "base/err.h"

#include <stdbool.h>
#include <string.h>

enum {
    TAG_PCM = 1,
    TAG_FLOAT = 3,
    TAG_ALAW = 6,
    TAG_ULAW = 7,
    TAG_EXTENSIBLE = 0xfffe,
    RIFF_HEADER = 12, /* "RIFF", length, "WAVE" */
    CHUNK_HEADER = 8, /* name, length */
    FORMAT_MIN = 16,  /* bytes of a format chunk */
    FORMAT_EXTENSIBLE = 40,
    CHUNKS_MAX = 64, /* before the samples */
    MONO_PART = 64,  /* frames converted at a time */
};

static unsigned u16_at(const uint8_t *bytes)
{
    return (unsigned)bytes[0] | (unsigned)bytes[1] << 8;
}

static uint32_t u32_at(const uint8_t *bytes)
{
    return u16_at(bytes) | (uint32_t)u16_at(bytes + 2) << 16;
}

static bool named(const uint8_t *bytes, const char *name)
{
    return memcmp(bytes, name, 4) == 0;
}

static int format_of(enum ve_wav_format *out, unsigned tag, unsigned bits)
{
    static const struct {
        unsigned tag;
        unsigned bits;
        enum ve_wav_format format;
    } known[] = {
        {TAG_PCM, 8, VE_WAV_U8},    {TAG_PCM, 16, VE_WAV_S16},   {TAG_PCM, 24, VE_WAV_S24},
        {TAG_PCM, 32, VE_WAV_S32},  {TAG_FLOAT, 32, VE_WAV_F32}, {TAG_ALAW, 8, VE_WAV_ALAW},
        {TAG_ULAW, 8, VE_WAV_ULAW},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (known[i].tag == tag && known[i].bits == bits) {
            *out = known[i].format;
            return 0;
        }
    }
    return VE_ENOTSUP;
}

/* The format chunk, of at least FORMAT_MIN bytes: tag, channels, rate, bytes a second, bytes a
 * frame, bits; in the extensible form the tag is in the first bytes of an identifier. */
static int format_parse(struct ve_wav *out, const uint8_t *chunk, size_t len)
{
    unsigned tag = u16_at(chunk);
    unsigned bits = u16_at(chunk + 14);
    out->channels = u16_at(chunk + 2);
    out->rate = u32_at(chunk + 4);
    if (tag == TAG_EXTENSIBLE && len >= FORMAT_EXTENSIBLE)
        tag = u16_at(chunk + 24);
    if (out->channels == 0 || out->rate == 0)
        return VE_EPROTO;
    if (out->channels > VE_WAV_CHANNELS_MAX || out->rate > VE_WAV_RATE_MAX)
        return VE_ENOTSUP;
    int err = format_of(&out->format, tag, bits);
    if (err)
        return err;
    out->frame_size = out->channels * bits / 8;
    /* The field that says the same may be 0, but must not contradict. */
    unsigned stated = u16_at(chunk + 12);
    return stated == 0 || stated == out->frame_size ? 0 : VE_EPROTO;
}

static void data_found(struct ve_wav *out, const uint8_t *bytes, size_t at, size_t len,
                       uint32_t stated)
{
    size_t there = len - at;
    size_t size = stated == 0 || stated > there ? there : stated;
    out->offset = at;
    out->data = bytes + at;
    out->frames = size / out->frame_size;
}

int ve_wav_parse(struct ve_wav *out, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    size_t at = RIFF_HEADER;
    *out = (struct ve_wav){.channels = 0};
    if (len < RIFF_HEADER)
        return memcmp(from, "RIFF", len < 4 ? len : 4) == 0 ? VE_EBUSY : VE_EPROTO;
    if (!named(from, "RIFF") || !named(from + 8, "WAVE"))
        return VE_EPROTO;
    for (int chunk = 0; chunk < CHUNKS_MAX; chunk++) {
        if (len - at < CHUNK_HEADER)
            return VE_EBUSY;
        uint32_t size = u32_at(from + at + 4);
        const uint8_t *name = from + at;
        at += CHUNK_HEADER;
        if (named(name, "data")) {
            if (out->channels == 0)
                return VE_EPROTO;
            data_found(out, from, at, len, size);
            return 0;
        }
        bool format = named(name, "fmt ");
        if (format && size < FORMAT_MIN)
            return VE_EPROTO;
        size_t padded = (size_t)size + (size & 1);
        if (padded > len - at)
            return VE_EBUSY;
        int err = format ? format_parse(out, from + at, size) : 0;
        if (err)
            return err;
        at += padded;
    }
    return VE_EPROTO;
}

static int16_t float_sample(const uint8_t *at)
{
    uint32_t bits = u32_at(at);
    float x = 0;
    memcpy(&x, &bits, sizeof(x));
    x *= 32768.0f;
    if (!(x > -32768.0f)) /* also what is no number */
        return x <= -32768.0f ? INT16_MIN : 0;
    if (x >= 32767.0f)
        return INT16_MAX;
    return (int16_t)(x < 0 ? x - 0.5f : x + 0.5f);
}

static int16_t s16_at(const uint8_t *at)
{
    return (int16_t)u16_at(at);
}

/* `count` samples of any format; `in` has them all. */
static void convert(int16_t *out, enum ve_wav_format format, const uint8_t *in, size_t count)
{
    switch (format) {
    case VE_WAV_U8:
        for (size_t i = 0; i < count; i++)
            out[i] = (int16_t)((in[i] - 128) * 256);
        break;
    case VE_WAV_S16:
        for (size_t i = 0; i < count; i++)
            out[i] = s16_at(in + 2 * i);
        break;
    case VE_WAV_S24: /* the upper two bytes */
        for (size_t i = 0; i < count; i++)
            out[i] = s16_at(in + 3 * i + 1);
        break;
    case VE_WAV_S32:
        for (size_t i = 0; i < count; i++)
            out[i] = s16_at(in + 4 * i + 2);
        break;
    case VE_WAV_F32:
        for (size_t i = 0; i < count; i++)
            out[i] = float_sample(in + 4 * i);
        break;
    case VE_WAV_ALAW:
        ve_alaw_decode(out, in, count);
        break;
    case VE_WAV_ULAW:
        ve_ulaw_decode(out, in, count);
        break;
    default:
        memset(out, 0, count * sizeof(*out));
        break;
    }
}

size_t ve_wav_read(const struct ve_wav *wav, size_t first, int16_t *out, size_t count)
{
    size_t there = first < wav->frames ? wav->frames - first : 0;
    if (count > there)
        count = there;
    if (count)
        convert(out, wav->format, wav->data + first * wav->frame_size, count * wav->channels);
    return count;
}

size_t ve_wav_read_mono(const struct ve_wav *wav, size_t first, int16_t *out, size_t count)
{
    int16_t part[MONO_PART * VE_WAV_CHANNELS_MAX] = {0};
    size_t done = 0;
    while (wav->channels > 0 && done < count) {
        size_t want = count - done < MONO_PART ? count - done : MONO_PART;
        size_t got = ve_wav_read(wav, first + done, part, want);
        for (size_t i = 0; i < got; i++) {
            int32_t sum = 0;
            for (unsigned c = 0; c < wav->channels; c++)
                sum += part[i * wav->channels + c];
            out[done + i] = (int16_t)(sum / (int32_t)wav->channels);
        }
        done += got;
        if (got < want)
            break;
    }
    return done;
}

static void put_name(uint8_t *at, const char *name)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)name[i];
}

static void put_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value & 0xffff);
    put_u16(at + 2, value >> 16);
}

void ve_wav_header(uint8_t out[VE_WAV_HEADER], uint32_t rate, unsigned channels, uint64_t frames)
{
    unsigned frame = channels * 2;
    bool stream = frames >= VE_WAV_STREAM || frames * frame > UINT32_MAX - VE_WAV_HEADER;
    uint32_t size = stream ? UINT32_MAX : (uint32_t)(frames * frame);
    put_name(out, "RIFF");
    put_u32(out + 4, stream ? UINT32_MAX : size + VE_WAV_HEADER - 8);
    put_name(out + 8, "WAVE");
    put_name(out + 12, "fmt ");
    put_u32(out + 16, FORMAT_MIN);
    put_u16(out + 20, TAG_PCM);
    put_u16(out + 22, channels);
    put_u32(out + 24, rate);
    put_u32(out + 28, rate * frame);
    put_u16(out + 32, frame);
    put_u16(out + 34, 16);
    put_name(out + 36, "data");
    put_u32(out + 40, size);
}
