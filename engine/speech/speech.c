#include "speech/speech.h"

#include "base/alloc.h"
#include "base/err.h"
#include "speech/engine.h"
#include "speech/flite_voice.h"

#include <assert.h>
#include <sphinxbase/err.h>

int ve_speech_process_init(void)
{
    err_set_logfp(NULL);
    return ve_flite_init();
}

static void on_drain(void *arg)
{
    struct ve_speech *speech = arg;
    if (speech->drained && speech->users == 0)
        speech->drained(speech->drained_arg);
}

void ve_speech_release(struct ve_speech *speech)
{
    speech->users--;
    if (speech->users == 0 && speech->drained)
        ve_timer_start(&speech->drain, 0);
}

void ve_speech_drain(struct ve_speech *speech, void (*drained)(void *arg), void *arg)
{
    speech->drained = drained;
    speech->drained_arg = arg;
    ve_timer_start(&speech->drain, 0);
}

int ve_speech_new(struct ve_speech **out, struct ve_loop *loop, const struct ve_log *log)
{
    struct ve_speech *speech = ve_alloc(sizeof(*speech));
    if (!speech)
        return VE_ENOMEM;
    speech->loop = loop;
    speech->log = log;
    ve_timer_init(&speech->drain, loop, on_drain, speech);
    int err = ve_decoder_pool_new(&speech->decoders);
    if (err) {
        ve_free(speech);
        return err;
    }
    *out = speech;
    return 0;
}

void ve_speech_free(struct ve_speech *speech)
{
    if (!speech)
        return;
    assert(speech->users == 0);
    ve_timer_stop(&speech->drain);
    ve_decoder_pool_free(speech->decoders);
    ve_free(speech);
}
