/*
 * speech/decoder_pool.h - inside of speech/: decoders that wait for work, by grammar.
 *
 * Threads take one and give it back; a grammar that has none idle gets a new one. At most
 * VE_DECODERS_IDLE wait, the one not used for longest goes first. Guarded by a lock.
 */
#ifndef VE_SPEECH_DECODER_POOL_H
#define VE_SPEECH_DECODER_POOL_H

#include "speech/decoder.h"

#define VE_DECODERS_IDLE 8

struct ve_decoder_pool;

int ve_decoder_pool_new(struct ve_decoder_pool **out);
/* Every decoder must have come back. NULL is allowed. */
void ve_decoder_pool_free(struct ve_decoder_pool *pool);
/* May take 25 ms. VE_ENOMEM, or VE_EFAILED with the reason in `why`. */
int ve_decoder_take(struct ve_decoder_pool *pool, const struct ve_recipe *recipe,
                    struct ve_decoder **out, char why[static 96]);
void ve_decoder_give(struct ve_decoder_pool *pool, struct ve_decoder *decoder);
/* Decoders that wait, for metrics and tests. */
size_t ve_decoder_pool_idle(struct ve_decoder_pool *pool);

#endif
