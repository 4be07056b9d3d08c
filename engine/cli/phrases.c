#include "cli/phrases.h"

#include "base/err.h"

static const char *const texts[VE_PHRASES] = {
    [VE_PHRASE_FILLER] = "One moment, please.",
    [VE_PHRASE_APOLOGY] = "I am sorry, something went wrong on our side. Please call again in a "
                          "moment. Goodbye.",
};

static int rendering_write(void *sink, const void *bytes, size_t len)
{
    struct ve_rendering *rendering = sink;
    int err = ve_buf_add(&rendering->samples, bytes, len);
    return err ? err : VE_FLOW_MORE;
}

static void rendering_end(void *sink, int err)
{
    struct ve_rendering *rendering = sink;
    rendering->voice = NULL;
    if (err)
        return;
    struct ve_phrase phrase = {
        .text = ve_str(texts[rendering->kind]),
        .samples = (const int16_t *)(const void *)rendering->samples.ptr,
        .count = rendering->samples.len / sizeof(int16_t),
        .rate = VE_VOICE_RATE,
    };
    ve_calls_set_phrase(rendering->owner->calls, rendering->kind, &phrase);
}

static const struct ve_sink_ops rendering_sink = {rendering_write, rendering_end};

/* About 15 letters a second, as people speak. */
static void hum(struct ve_rendering *rendering)
{
    static const int16_t sound = 800;
    size_t count = ve_str(texts[rendering->kind]).len * VE_VOICE_RATE / 15;
    int err = 0;
    for (size_t i = 0; i < count && !err; i++)
        err = ve_buf_add(&rendering->samples, &sound, sizeof(sound));
    rendering_end(rendering, err);
}

void ve_phrases_open(struct ve_phrases *phrases, struct ve_calls *calls, struct ve_speech *speech,
                     const struct ve_log *log)
{
    phrases->calls = calls;
    for (int kind = 0; kind < VE_PHRASES; kind++) {
        struct ve_rendering *rendering = &phrases->all[kind];
        *rendering = (struct ve_rendering){.owner = phrases, .kind = (enum ve_phrase_kind)kind};
        ve_buf_init(&rendering->samples, 1024 * 1024);
        struct ve_voice_options options = {.text = ve_str(texts[kind]),
                                           .sink = {&rendering_sink, rendering}};
        if (!speech)
            hum(rendering);
        else if (ve_voice_start(speech, &options, &rendering->voice) != 0)
            ve_log_event(log, VE_LOG_WARN, "no_phrase", ve_ftext("text", texts[kind]),
                         ve_fmsg("The offline voice is not there: calls that fail end in silence"));
    }
}

void ve_phrases_cancel(struct ve_phrases *phrases)
{
    for (int kind = 0; kind < VE_PHRASES; kind++) {
        if (phrases->all[kind].voice)
            ve_voice_cancel(phrases->all[kind].voice);
    }
}

void ve_phrases_free(struct ve_phrases *phrases)
{
    for (int kind = 0; kind < VE_PHRASES; kind++)
        ve_buf_free(&phrases->all[kind].samples);
}
