/*
 * speech/engine.h - inside of speech/: what the room's files share.
 *
 * A ve_speech belongs to one worker and to its loop's thread. The libraries' own process-wide parts
 * are made ready by ve_speech_process_init and only read afterwards.
 */
#ifndef VE_SPEECH_ENGINE_H
#define VE_SPEECH_ENGINE_H

#include "speech/decoder_pool.h"
#include "speech/speech.h"

struct ve_speech {
    struct ve_loop *loop;             /* borrowed */
    const struct ve_log *log;         /* borrowed; may be NULL */
    struct ve_decoder_pool *decoders; /* owned */
    unsigned users;                   /* syntheses and recognisers alive */
};

#endif
