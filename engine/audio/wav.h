/*
 * audio/wav.h - WAV in memory: reading what others wrote, writing headers of our own.
 *
 * Reading looks at nothing but the bytes given and believes no length in them: a data chunk of 0 or
 * 0xFFFFFFFF bytes (streams) or longer than the file (a cut-off one) goes to the end of the bytes.
 * The result borrows the bytes. Samples are converted to s16 while they are read.
 */
#ifndef VE_AUDIO_WAV_H
#define VE_AUDIO_WAV_H

#include <stddef.h>
#include <stdint.h>

#define VE_WAV_HEADER       44 /* bytes of the headers we write */
#define VE_WAV_CHANNELS_MAX 32
#define VE_WAV_RATE_MAX     384000     /* Hz */
#define VE_WAV_STREAM       UINT32_MAX /* frames: not known yet */

enum ve_wav_format {
    VE_WAV_U8,
    VE_WAV_S16,
    VE_WAV_S24,
    VE_WAV_S32,
    VE_WAV_F32,
    VE_WAV_ALAW,
    VE_WAV_ULAW,
};

struct ve_wav {
    enum ve_wav_format format;
    uint32_t rate;       /* Hz */
    unsigned channels;   /* 1 to VE_WAV_CHANNELS_MAX */
    unsigned frame_size; /* bytes of one sample of every channel */
    size_t offset;       /* of the first sample in the bytes */
    size_t frames;       /* whole ones */
    const uint8_t *data; /* the first sample; borrowed */
};

/*
 * VE_EBUSY: so far a WAV header, but more bytes are needed to know where the samples begin (only
 * then are a stream's bytes to be collected further). VE_EPROTO: no WAV, or one that contradicts
 * itself. VE_ENOTSUP: a coding that is not in the list above.
 */
int ve_wav_parse(struct ve_wav *out, const void *bytes, size_t len);
/* Frames from `first` on as interleaved s16: how many were written, at most `count`. */
size_t ve_wav_read(const struct ve_wav *wav, size_t first, int16_t *out, size_t count);
/* As ve_wav_read, but the mean of all channels. */
size_t ve_wav_read_mono(const struct ve_wav *wav, size_t first, int16_t *out, size_t count);

/* The header of an s16 file, little-endian; VE_WAV_STREAM while its length is unknown, to be
 * overwritten at the end with the real one. More frames than a WAV can say become VE_WAV_STREAM. */
void ve_wav_header(uint8_t out[VE_WAV_HEADER], uint32_t rate, unsigned channels, uint64_t frames);

#endif
