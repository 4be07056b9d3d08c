/*
 * speech/engine.h - inside of speech/: what the room's files share.
 *
 * A ve_speech belongs to one worker and to its loop's thread. The libraries' own process-wide parts
 * are made ready by ve_speech_process_init and only read afterwards.
 */
#ifndef VE_SPEECH_ENGINE_H
#define VE_SPEECH_ENGINE_H

#include "loop/timer.h"
#include "speech/decoder_pool.h"
#include "speech/speech.h"

struct ve_speech {
    struct ve_loop *loop;             /* borrowed */
    const struct ve_log *log;         /* borrowed; may be NULL */
    struct ve_decoder_pool *decoders; /* owned */
    unsigned users;                   /* syntheses and recognisers alive */
    void (*drained)(void *arg);       /* NULL: nobody waits for the last of them */
    void *drained_arg;
    struct ve_timer drain;
};

/* A synthesis or recogniser is gone. */
void ve_speech_release(struct ve_speech *speech);

#endif
