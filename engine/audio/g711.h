/*
 * audio/g711.h - the telephone's two companding laws (ITU-T G.711), s16 on the linear side.
 *
 * Encoding clips as the laws do and never fails. Input and output must not overlap.
 */
#ifndef VE_AUDIO_G711_H
#define VE_AUDIO_G711_H

#include <stddef.h>
#include <stdint.h>

#define VE_ULAW_SILENCE 0xff /* the code of 0 */
#define VE_ALAW_SILENCE 0xd5

void ve_ulaw_encode(uint8_t *out, const int16_t *samples, size_t count);
void ve_ulaw_decode(int16_t *out, const uint8_t *codes, size_t count);
void ve_alaw_encode(uint8_t *out, const int16_t *samples, size_t count);
void ve_alaw_decode(int16_t *out, const uint8_t *codes, size_t count);

#endif
