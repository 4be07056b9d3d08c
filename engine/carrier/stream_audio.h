/*
 * carrier/stream_audio.h - the message {"type":"streamAudio","data":{"audioDataType":"raw",
 * "sampleRate":16000,"audioData":"<base64>"}}, as two dialects send it.
 */
#ifndef VE_CARRIER_STREAM_AUDIO_H
#define VE_CARRIER_STREAM_AUDIO_H

#include "base/buf.h"

/* Bytes that `count` samples need at most. */
size_t ve_stream_audio_size(size_t count);
/* Returns the bytes written. `rate` in Hz. */
size_t ve_stream_audio_write(uint8_t *out, const int16_t *samples, size_t count, uint32_t rate);
/* {"event":"break"}: the peer is to drop what it has not played. */
int ve_stream_audio_break(struct ve_buf *out);

#endif
