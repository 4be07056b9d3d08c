#include "audio/opus.h"

#include "base/alloc.h"
#include "base/err.h"

#include <opus.h>

/*
 * Speech for telephones, over a transport that loses nothing: so no forward error correction is
 * sent, and little effort goes into the search for bits.
 */
enum { BIT_RATE = 24000, COMPLEXITY = 2 };

/* The library's state follows at once; it is plain memory. */
struct ve_opus_decoder {
    uint32_t rate; /* Hz */
    _Alignas(16) unsigned char state[];
};

struct ve_opus_encoder {
    uint32_t rate; /* Hz */
    _Alignas(16) unsigned char state[];
};

static OpusDecoder *decoder_of(struct ve_opus_decoder *decoder)
{
    return (OpusDecoder *)(void *)decoder->state;
}

static OpusEncoder *encoder_of(struct ve_opus_encoder *encoder)
{
    return (OpusEncoder *)(void *)encoder->state;
}

bool ve_opus_rate_ok(uint32_t rate)
{
    return rate == 8000 || rate == 12000 || rate == 16000 || rate == 24000 || rate == 48000;
}

size_t ve_opus_samples(const uint8_t *packet, size_t len, uint32_t rate)
{
    if (len == 0 || len > INT32_MAX || !ve_opus_rate_ok(rate))
        return 0;
    int n = opus_packet_get_nb_samples(packet, (opus_int32)len, (opus_int32)rate);
    return n > 0 ? (size_t)n : 0;
}

/* --- decoding --------------------------------------------------------------------------------- */

int ve_opus_decoder_new(struct ve_opus_decoder **out, uint32_t rate)
{
    *out = NULL;
    if (!ve_opus_rate_ok(rate))
        return VE_EINVAL;
    struct ve_opus_decoder *decoder = ve_alloc(sizeof(*decoder) + (size_t)opus_decoder_get_size(1));
    if (!decoder)
        return VE_ENOMEM;
    decoder->rate = rate;
    if (opus_decoder_init(decoder_of(decoder), (opus_int32)rate, 1) != OPUS_OK) {
        ve_free(decoder);
        return VE_EFAILED;
    }
    *out = decoder;
    return 0;
}

void ve_opus_decoder_free(struct ve_opus_decoder *decoder)
{
    ve_free(decoder);
}

void ve_opus_decoder_reset(struct ve_opus_decoder *decoder)
{
    (void)opus_decoder_ctl(decoder_of(decoder), OPUS_RESET_STATE);
}

int ve_opus_decode(struct ve_opus_decoder *decoder, const uint8_t *packet, size_t len, int16_t *out,
                   size_t *count)
{
    size_t samples = ve_opus_samples(packet, len, decoder->rate);
    size_t room = *count;
    *count = 0;
    if (!samples || samples > VE_OPUS_FRAME_MAX)
        return VE_EPROTO;
    if (samples > room)
        return VE_ETOOBIG;
    int n = opus_decode(decoder_of(decoder), packet, (opus_int32)len, out, (int)room, 0);
    if (n < 0)
        return VE_EPROTO;
    *count = (size_t)n;
    return 0;
}

static bool frame_ok(uint32_t rate, size_t count)
{
    return count > 0 && count <= VE_OPUS_FRAME_MAX && count % (rate / 400) == 0;
}

int ve_opus_conceal(struct ve_opus_decoder *decoder, int16_t *out, size_t count)
{
    if (!frame_ok(decoder->rate, count))
        return VE_EINVAL;
    int n = opus_decode(decoder_of(decoder), NULL, 0, out, (int)count, 0);
    return n == (int)count ? 0 : VE_EFAILED;
}

int ve_opus_recover(struct ve_opus_decoder *decoder, const uint8_t *packet, size_t len,
                    int16_t *out, size_t count)
{
    if (!frame_ok(decoder->rate, count))
        return VE_EINVAL;
    if (!ve_opus_samples(packet, len, decoder->rate))
        return VE_EPROTO;
    int n = opus_decode(decoder_of(decoder), packet, (opus_int32)len, out, (int)count, 1);
    return n == (int)count ? 0 : VE_EPROTO;
}

/* --- encoding --------------------------------------------------------------------------------- */

static int configure(OpusEncoder *encoder)
{
    int err = opus_encoder_ctl(encoder, OPUS_SET_BITRATE(BIT_RATE));
    if (err == OPUS_OK)
        err = opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
    if (err == OPUS_OK)
        err = opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    return err;
}

int ve_opus_encoder_new(struct ve_opus_encoder **out, uint32_t rate)
{
    *out = NULL;
    if (!ve_opus_rate_ok(rate))
        return VE_EINVAL;
    struct ve_opus_encoder *encoder = ve_alloc(sizeof(*encoder) + (size_t)opus_encoder_get_size(1));
    if (!encoder)
        return VE_ENOMEM;
    encoder->rate = rate;
    OpusEncoder *opus = encoder_of(encoder);
    if (opus_encoder_init(opus, (opus_int32)rate, 1, OPUS_APPLICATION_VOIP) != OPUS_OK ||
        configure(opus) != OPUS_OK) {
        ve_free(encoder);
        return VE_EFAILED;
    }
    *out = encoder;
    return 0;
}

void ve_opus_encoder_free(struct ve_opus_encoder *encoder)
{
    ve_free(encoder);
}

int ve_opus_encode(struct ve_opus_encoder *encoder, const int16_t *samples, size_t count,
                   uint8_t *out, size_t *len)
{
    size_t room = *len < VE_OPUS_PACKET_MAX ? *len : VE_OPUS_PACKET_MAX;
    *len = 0;
    if (!frame_ok(encoder->rate, count))
        return VE_EINVAL;
    int n = opus_encode(encoder_of(encoder), samples, (int)count, out, (opus_int32)room);
    if (n < 0)
        return n == OPUS_BUFFER_TOO_SMALL ? VE_ETOOBIG : VE_EINVAL;
    *len = (size_t)n;
    return 0;
}
