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

int ve_speech_new(struct ve_speech **out, struct ve_loop *loop, const struct ve_log *log)
{
    struct ve_speech *speech = ve_alloc(sizeof(*speech));
    if (!speech)
        return VE_ENOMEM;
    speech->loop = loop;
    speech->log = log;
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
    ve_decoder_pool_free(speech->decoders);
    ve_free(speech);
}
