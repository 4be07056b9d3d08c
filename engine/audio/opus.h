/*
 * audio/opus.h - Opus for one direction of one call: 20 ms of telephone speech, libopus behind it.
 *
 * Mono; a stereo packet is mixed down by the decoder. The rates are Opus' own: 8, 12, 16, 24 or 48
 * kHz, and any packet decodes to any of them. A decoder takes 18 KB and an encoder 44 KB, so both
 * are made when they are needed and freed when they are idle.
 */
#ifndef VE_AUDIO_OPUS_H
#define VE_AUDIO_OPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VE_OPUS_CLOCK      48000 /* Hz of RTP timestamps, whatever the rate (RFC 7587) */
#define VE_OPUS_PACKET_MAX 1275  /* bytes of a packet that we write */
#define VE_OPUS_FRAME_MAX  5760  /* samples of a packet at most: 120 ms at 48 kHz */

bool ve_opus_rate_ok(uint32_t rate);
/* Samples of a packet at `rate`; 0: it is no Opus packet. */
size_t ve_opus_samples(const uint8_t *packet, size_t len, uint32_t rate);

struct ve_opus_decoder;

/* VE_EINVAL: not one of the rates. VE_ENOMEM. */
int ve_opus_decoder_new(struct ve_opus_decoder **out, uint32_t rate);
void ve_opus_decoder_free(struct ve_opus_decoder *decoder); /* NULL is allowed */
/* Another stream begins. */
void ve_opus_decoder_reset(struct ve_opus_decoder *decoder);
/* *count comes in as the room in `out` (samples) and goes out as what was written. VE_EPROTO: not
 * Opus; VE_ETOOBIG: more than fits. */
int ve_opus_decode(struct ve_opus_decoder *decoder, const uint8_t *packet, size_t len, int16_t *out,
                   size_t *count);
/* A lost packet's sound, made from what came before. `count` is a multiple of 2.5 ms. */
int ve_opus_conceal(struct ve_opus_decoder *decoder, int16_t *out, size_t count);
/* The same for the packet right before `packet`, which may bring a copy of it along (in-band
 * forward error correction); to be called before `packet` is decoded. */
int ve_opus_recover(struct ve_opus_decoder *decoder, const uint8_t *packet, size_t len,
                    int16_t *out, size_t count);

struct ve_opus_encoder;

int ve_opus_encoder_new(struct ve_opus_encoder **out, uint32_t rate);
void ve_opus_encoder_free(struct ve_opus_encoder *encoder); /* NULL is allowed */
/* One frame: `count` samples are 2.5, 5, 10, 20, 40 or 60 ms. *len comes in as the room in `out`.
 */
int ve_opus_encode(struct ve_opus_encoder *encoder, const int16_t *samples, size_t count,
                   uint8_t *out, size_t *len);

#endif
