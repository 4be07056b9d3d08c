#include "cli/caller.h"

#include "audio/resample.h"
#include "audio/wav.h"
#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#define AGENT_SILENT   (VE_TIMELINE_RATE * 300 / 1000) /* then the caller speaks */
#define HANG_UP_SILENT (VE_TIMELINE_RATE * 3)          /* then the caller has had the last answer */
#define PATIENCE       (VE_TIMELINE_RATE * 12)         /* without a word of the agent */
#define WAV_MAX        (64 * 1024 * 1024)

struct said {
    struct ve_buf samples; /* s16, 16 kHz */
    uint64_t begin, end;   /* position on the timeline; 0 until it is said */
    bool done;
};

struct ve_caller {
    struct ve_caller_options options;
    struct ve_softphone *phone;
    struct ve_voice *voice; /* the synthesis under way */
    struct said *said;      /* owned, one per item and extra sentence */
    size_t count;           /* of said */
    size_t prepared;        /* sentences made so far */
    size_t next;            /* item to say next */
    size_t extra;           /* the sentence that ve_caller_say is making */
    bool making_extra;
    uint64_t last_end; /* position where the caller last fell silent */
    bool heard_since;  /* the agent was heard after that */
    bool leaving;
};

/* --- preparing the audio -------------------------------------------------------------------------
 */

static int prepare_next(struct ve_caller *caller);
static int begin_call(struct ve_caller *caller);

static int voice_write(void *sink, const void *bytes, size_t len)
{
    struct ve_caller *caller = sink;
    size_t at = caller->making_extra ? caller->extra : caller->prepared;
    int err = ve_buf_add(&caller->said[at].samples, bytes, len);
    return err ? err : VE_FLOW_MORE;
}

static void fail(struct ve_caller *caller, const char *why)
{
    if (caller->leaving)
        return;
    caller->leaving = true;
    caller->options.events->ended(caller->options.arg, VE_PHONE_FAILED, why);
}

static void voice_end(void *sink, int err)
{
    struct ve_caller *caller = sink;
    caller->voice = NULL;
    if (caller->making_extra) {
        caller->making_extra = false;
        return;
    }
    caller->prepared++;
    if (!err && !caller->leaving)
        err = prepare_next(caller);
    if (err)
        fail(caller, "the caller's voice failed");
}

static int start_voice(struct ve_caller *caller, struct ve_str text)
{
    static const struct ve_sink_ops ops = {voice_write, voice_end};
    struct ve_voice_options options = {
        .text = text,
        .voice = caller->options.voice ? caller->options.voice : "rms",
        .sink = {&ops, caller},
    };
    return ve_voice_start(caller->options.speech, &options, &caller->voice);
}

static int read_file(const char *path, struct ve_buf *out)
{
    FILE *file = fopen(path, "rb");
    int err = 0;
    ve_buf_init(out, WAV_MAX);
    if (!file)
        return VE_ENOENT;
    while (!err && !feof(file) && !ferror(file)) {
        err = ve_buf_reserve(out, 65536);
        if (!err)
            out->len += fread(out->ptr + out->len, 1, 65536, file);
    }
    (void)fclose(file);
    return err;
}

static int add_resampled(struct ve_buf *out, const struct ve_wav *wav)
{
    struct ve_resampler *resampler;
    int16_t in[1024];
    int16_t piece[8192];
    int err = ve_resampler_new(&resampler, wav->rate, VE_TIMELINE_RATE);
    for (size_t at = 0; at < wav->frames && !err;) {
        size_t n = ve_wav_read_mono(wav, at, in, 1024);
        size_t made = 0;
        err = ve_resample(resampler, in, n, piece, &made);
        if (!err)
            err = ve_buf_add(out, piece, made * sizeof(piece[0]));
        at += n;
    }
    ve_resampler_free(resampler);
    return err;
}

static int load_wav(const char *path, struct ve_buf *out)
{
    struct ve_buf bytes;
    struct ve_wav wav;
    int err = read_file(path, &bytes);
    if (err)
        return err;
    err = ve_wav_parse(&wav, bytes.ptr, bytes.len);
    if (!err)
        err = wav.rate >= 8000 && wav.rate <= 48000 ? add_resampled(out, &wav) : VE_EPROTO;
    ve_buf_free(&bytes);
    return err;
}

/* Speaks or loads one item after the other; with the last one the call begins. */
static int prepare_next(struct ve_caller *caller)
{
    for (; caller->prepared < caller->options.item_count; caller->prepared++) {
        const struct ve_caller_item *item = &caller->options.items[caller->prepared];
        if (item->wav) {
            int err = load_wav(item->wav, &caller->said[caller->prepared].samples);
            if (err)
                return err;
        } else if (item->text) {
            return start_voice(caller, ve_str(item->text));
        }
    }
    return begin_call(caller);
}

/* --- following the list --------------------------------------------------------------------------
 */

static void say_item(struct ve_caller *caller, size_t at, uint64_t now)
{
    struct said *said = &caller->said[at];
    const struct ve_caller_item *item =
        at < caller->options.item_count ? &caller->options.items[at] : NULL;
    said->begin = now;
    said->done = true;
    if (item && item->digits) {
        for (const char *key = item->digits; *key; key++)
            (void)ve_phone_press(caller->phone, *key);
        said->end = now;
    } else {
        size_t count = said->samples.len / sizeof(int16_t);
        (void)ve_phone_say(caller->phone, (const int16_t *)(const void *)said->samples.ptr, count);
        said->end = now + count;
        ve_buf_free(&said->samples);
    }
    caller->last_end = said->end;
    caller->heard_since = false;
    if (caller->options.events->said)
        caller->options.events->said(caller->options.arg, at);
}

/* How long nobody has been heard; notes that the agent was, since the caller spoke last. */
static uint64_t silence_until(struct ve_caller *caller, uint64_t now)
{
    struct ve_timeline *timeline = ve_phone_timeline(caller->phone);
    if (ve_timeline_agent_end(timeline) <= now &&
        ve_timeline_agent_audible(timeline, now) > caller->last_end)
        caller->heard_since = true;
    return ve_timeline_silence(timeline, caller->last_end, now);
}

static bool is_due(const struct ve_caller *caller, const struct ve_caller_item *item, uint64_t now,
                   uint64_t silent)
{
    if (item && item->at_s >= 0)
        return now >= (uint64_t)(item->at_s * VE_TIMELINE_RATE);
    if (ve_phone_speaking(caller->phone))
        return false;
    return silent >= PATIENCE || (caller->heard_since && silent >= AGENT_SILENT);
}

static void on_tick(void *arg, uint64_t now)
{
    struct ve_caller *caller = arg;
    uint64_t silent = silence_until(caller, now);
    if (caller->next < caller->count) {
        const struct ve_caller_item *item =
            caller->next < caller->options.item_count ? &caller->options.items[caller->next] : NULL;
        bool ready = !(caller->making_extra && caller->next == caller->extra);
        if (ready && is_due(caller, item, now, silent))
            say_item(caller, caller->next++, now);
        return;
    }
    if (caller->options.stay || ve_phone_speaking(caller->phone))
        return;
    uint64_t patience = caller->heard_since ? HANG_UP_SILENT : PATIENCE;
    if (silent >= patience)
        ve_caller_hang_up(caller);
}

static void on_connected(void *arg)
{
    (void)arg;
}

static void on_ended(void *arg, enum ve_phone_end how, const char *why)
{
    struct ve_caller *caller = arg;
    caller->leaving = true;
    caller->options.events->ended(caller->options.arg, how, why);
}

static const struct ve_phone_events phone_events = {
    .connected = on_connected,
    .tick = on_tick,
    .ended = on_ended,
};

static int begin_call(struct ve_caller *caller)
{
    struct ve_phone_options options = caller->options.phone;
    options.events = &phone_events;
    options.arg = caller;
    return ve_phone_new(&caller->phone, &options);
}

/* --- the interface -------------------------------------------------------------------------------
 */

int ve_caller_new(struct ve_caller **out, const struct ve_caller_options *options, char why[160])
{
    if (options->item_count > VE_CALLER_ITEMS_MAX)
        return VE_ETOOBIG;
    struct ve_caller *caller = ve_alloc(sizeof(*caller));
    if (caller)
        caller->said = ve_alloc_array(VE_CALLER_ITEMS_MAX, sizeof(*caller->said));
    if (!caller || !caller->said) {
        ve_free(caller);
        return VE_ENOMEM;
    }
    caller->options = *options;
    caller->count = options->item_count;
    int err = prepare_next(caller);
    if (err) {
        (void)snprintf(why, 160, "the call cannot begin: %s", ve_err_name(err));
        ve_caller_free(caller);
        return err;
    }
    *out = caller;
    return 0;
}

int ve_caller_say(struct ve_caller *caller, struct ve_str text)
{
    if (caller->count >= VE_CALLER_ITEMS_MAX || caller->making_extra)
        return VE_EBUSY;
    caller->extra = caller->count;
    caller->making_extra = true;
    int err = start_voice(caller, text);
    if (err) {
        caller->making_extra = false;
        return err;
    }
    caller->count++;
    return 0;
}

void ve_caller_hang_up(struct ve_caller *caller)
{
    caller->leaving = true;
    if (caller->phone)
        ve_phone_hang_up(caller->phone);
}

void ve_caller_stop(struct ve_caller *caller)
{
    caller->leaving = true;
    if (caller->voice)
        ve_voice_cancel(caller->voice);
}

struct ve_softphone *ve_caller_phone(struct ve_caller *caller)
{
    return caller->phone;
}

int64_t ve_caller_gap_ms(struct ve_caller *caller, size_t item)
{
    const struct said *said = item < caller->count ? &caller->said[item] : NULL;
    if (!said || !caller->phone || said->end == said->begin)
        return -1;
    return ve_timeline_gap_ms(ve_phone_timeline(caller->phone), said->begin, said->end);
}

void ve_caller_free(struct ve_caller *caller)
{
    if (!caller)
        return;
    for (size_t i = 0; i < VE_CALLER_ITEMS_MAX; i++)
        ve_buf_free(&caller->said[i].samples);
    ve_phone_free(caller->phone);
    ve_free(caller->said);
    ve_free(caller);
}
