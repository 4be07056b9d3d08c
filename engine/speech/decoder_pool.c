#include "speech/decoder_pool.h"

#include "base/alloc.h"
#include "base/err.h"

#include <pthread.h>
#include <stdio.h>

#ifndef VE_SPEECH_MODEL
#define VE_SPEECH_MODEL "/usr/share/pocketsphinx/model/en-us"
#endif

struct ve_decoder_pool {
    pthread_mutex_t lock;
    struct ve_link idle; /* the longest idle first; guarded by lock */
    size_t idle_count;   /* guarded by lock */
    struct ve_dictionary dictionary;
    bool has_dictionary;
};

int ve_decoder_pool_new(struct ve_decoder_pool **out)
{
    struct ve_decoder_pool *pool = ve_alloc(sizeof(*pool));
    if (!pool)
        return VE_ENOMEM;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        ve_free(pool);
        return VE_EIO;
    }
    ve_link_init(&pool->idle);
    /* Without the file there is still a voice: only recognisers will fail. */
    pool->has_dictionary =
        ve_dictionary_open(&pool->dictionary, VE_SPEECH_MODEL "/cmudict-en-us.dict") == 0;
    *out = pool;
    return 0;
}

void ve_decoder_pool_free(struct ve_decoder_pool *pool)
{
    if (!pool)
        return;
    for (struct ve_link *link; (link = ve_list_shift(&pool->idle)) != NULL;)
        ve_decoder_free(ve_decoder_of(link));
    ve_dictionary_close(&pool->dictionary);
    pthread_mutex_destroy(&pool->lock);
    ve_free(pool);
}

static struct ve_decoder *take_idle(struct ve_decoder_pool *pool, const struct ve_recipe *recipe)
{
    struct ve_decoder *found = NULL;
    pthread_mutex_lock(&pool->lock);
    VE_LIST_EACH(&pool->idle, link)
    {
        if (!found && ve_decoder_fits(ve_decoder_of(link), recipe))
            found = ve_decoder_of(link);
    }
    if (found) {
        ve_link_remove(ve_decoder_link(found));
        pool->idle_count--;
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

int ve_decoder_take(struct ve_decoder_pool *pool, const struct ve_recipe *recipe,
                    struct ve_decoder **out, char why[static 96])
{
    *out = take_idle(pool, recipe);
    if (*out)
        return 0;
    if (!pool->has_dictionary) {
        (void)snprintf(why, 96, "no %s", VE_SPEECH_MODEL "/cmudict-en-us.dict");
        return VE_EFAILED;
    }
    return ve_decoder_new(out, recipe, &pool->dictionary, VE_SPEECH_MODEL "/en-us", why);
}

void ve_decoder_give(struct ve_decoder_pool *pool, struct ve_decoder *decoder)
{
    struct ve_decoder *oldest = NULL;
    pthread_mutex_lock(&pool->lock);
    ve_list_push(&pool->idle, ve_decoder_link(decoder));
    if (++pool->idle_count > VE_DECODERS_IDLE) {
        oldest = ve_decoder_of(ve_list_shift(&pool->idle));
        pool->idle_count--;
    }
    pthread_mutex_unlock(&pool->lock);
    ve_decoder_free(oldest);
}

size_t ve_decoder_pool_idle(struct ve_decoder_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t count = pool->idle_count;
    pthread_mutex_unlock(&pool->lock);
    return count;
}
