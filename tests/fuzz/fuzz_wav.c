#include "audio/wav.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parses, and reads all of it and from odd places, in both ways. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { PART = 100 };
    struct ve_wav wav;
    int16_t out[PART * VE_WAV_CHANNELS_MAX];
    if (ve_wav_parse(&wav, data, size) != 0)
        return 0;
    if (wav.frames * wav.frame_size > size - wav.offset || wav.data != data + wav.offset)
        abort();
    size_t at = 0;
    for (size_t got = PART; got == PART && at < 1 << 16; at += got)
        got = ve_wav_read(&wav, at, out, PART);
    for (size_t from = 0; from < wav.frames && from < 1 << 12; from += 77) {
        if (ve_wav_read_mono(&wav, from, out, PART) > wav.frames - from)
            abort();
    }
    if (ve_wav_read(&wav, wav.frames, out, PART) != 0)
        abort();
    return 0;
}
