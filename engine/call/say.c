#include "call/say.h"

#include "base/alloc.h"
#include "base/err.h"
#include "call/inside.h"

#include <string.h>

#define WORDS_MAX 1024

struct ve_say {
    struct ve_link link;  /* in the call's list */
    struct ve_call *call; /* borrowed */
    struct ve_say_options options;
    struct ve_buf text;
    uint64_t segment;
    struct ve_say_word *words; /* owned */
    size_t word_count, word_cap;
    uint8_t odd; /* the first byte of a sample whose second is still to come */
    bool has_odd;
    uint64_t written; /* samples */
    bool closed;      /* the source has ended */
    bool recorded;    /* the transcript has what was heard */
    bool held;        /* waits for its take to be committed */
    int err;
};

static void free_say(struct ve_say *say)
{
    ve_link_remove(&say->link);
    ve_buf_free(&say->text);
    ve_free(say->words);
    ve_free(say);
}

/* --- what was heard ------------------------------------------------------------------------------
 */

/* Two thirds of a word are enough to have heard it. */
static bool was_heard(uint64_t from, uint64_t to, uint64_t played)
{
    return played > from && (played - from) * 3 >= (to - from) * 2;
}

static size_t heard_by_marks(const struct ve_say *say, uint64_t played)
{
    size_t end = 0;
    for (size_t i = 0; i < say->word_count; i++) {
        const struct ve_say_word *word = &say->words[i];
        if (was_heard(word->from, word->to, played) && word->begin + word->len > end)
            end = word->begin + word->len;
    }
    return end;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

static size_t heard_by_length(const struct ve_say *say, uint64_t played)
{
    const struct ve_buf *text = &say->text;
    size_t heard = 0;
    for (size_t at = 0; at < text->len && say->written;) {
        size_t begin = at;
        while (at < text->len && !is_blank(text->ptr[at]))
            at++;
        if (!was_heard(begin * say->written / text->len, at * say->written / text->len, played))
            break;
        heard = at;
        while (at < text->len && is_blank(text->ptr[at]))
            at++;
    }
    return heard;
}

/* The punctuation behind the last word that was heard belongs to it. */
static size_t with_punctuation(const struct ve_say *say, size_t end)
{
    while (end < say->text.len && strchr(".,;:!?\"')", say->text.ptr[end]))
        end++;
    return end;
}

static struct ve_str heard_text(const struct ve_say *say, enum ve_segment_end how,
                                uint32_t played_ms)
{
    if (how == VE_SEGMENT_PLAYED)
        return ve_str_trim(ve_buf_str(&say->text));
    uint64_t played = (uint64_t)played_ms * say->options.rate / 1000;
    size_t end = say->word_count ? heard_by_marks(say, played) : heard_by_length(say, played);
    return ve_str_trim(ve_str_n(say->text.ptr, end ? with_punctuation(say, end) : 0));
}

static void record(struct ve_say *say, struct ve_str heard, bool interrupted)
{
    if (!say->options.silent && !say->recorded)
        ve_call_said(say->call, heard, interrupted);
    say->recorded = true;
}

/* --- the segment's events ------------------------------------------------------------------------
 */

static void on_began(void *arg, uint64_t id, uint64_t at)
{
    struct ve_say *say = arg;
    (void)id;
    ve_call_answered_at(say->call, at);
    ve_watchdog_answered(say->call, say->options.filler);
    ve_call_log(say->call, VE_LOG_INFO, "audio_streamed", "Audio streamed to Ringover for call ID");
    if (say->options.began)
        say->options.began(say->options.arg, at);
}

static void on_more(void *arg, uint64_t id)
{
    struct ve_say *say = arg;
    (void)id;
    if (!say->closed && say->options.source.resume)
        say->options.source.resume(say->options.source.self);
}

static void on_ended(void *arg, uint64_t id, enum ve_segment_end how, uint32_t played_ms)
{
    struct ve_say *say = arg;
    (void)id;
    struct ve_say_result result = {heard_text(say, how, played_ms), how, played_ms, say->err};
    record(say, result.heard, how == VE_SEGMENT_INTERRUPTED);
    ve_watchdog_start(say->call);
    if (say->options.done)
        say->options.done(say->options.arg, &result);
    free_say(say);
}

static const struct ve_segment_events segment_events = {on_began, on_more, on_ended};

/* --- the sink ------------------------------------------------------------------------------------
 */

static int write_samples(struct ve_say *say, const int16_t *samples, size_t count)
{
    say->written += count;
    return ve_playout_write(ve_session_playout(say->call->session), say->segment, samples, count);
}

/* Bytes of a stream end anywhere, also inside a sample, and lie at odd addresses. */
static int sink_write(void *sink, const void *bytes, size_t len)
{
    struct ve_say *say = sink;
    const uint8_t *p = bytes;
    int16_t samples[512];
    int status = VE_FLOW_MORE;
    while (len && status >= 0) {
        size_t n = 0;
        if (say->has_odd) {
            samples[n++] = (int16_t)(say->odd | (uint16_t)(p[0] << 8));
            say->has_odd = false;
            p++;
            len--;
        }
        size_t whole = len / 2 < 511 ? len / 2 : 511;
        for (size_t i = 0; i < whole; i++)
            samples[n + i] = (int16_t)(p[2 * i] | (uint16_t)(p[2 * i + 1] << 8));
        n += whole;
        p += 2 * whole;
        len -= 2 * whole;
        if (len == 1) {
            say->odd = p[0];
            say->has_odd = true;
            len = 0;
        }
        if (n) {
            int result = write_samples(say, samples, n);
            status = result != VE_FLOW_MORE ? result : status;
        }
    }
    return status;
}

static void sink_end(void *sink, int err)
{
    struct ve_say *say = sink;
    say->closed = true;
    say->err = err;
    ve_playout_finish(ve_session_playout(say->call->session), say->segment, err);
}

static const struct ve_sink_ops sink_ops = {sink_write, sink_end};

/* --- the interface -------------------------------------------------------------------------------
 */

/* Is it to wait? VE_ECANCELED: its take was discarded, or never was. */
static int hold_of(const struct ve_call *call, const struct ve_say_options *options, bool *held)
{
    *held = options->turn && !ve_call_committed(call, options->turn, options->take);
    if (*held && !ve_session_on_trial(call->session, options->turn, options->take))
        return VE_ECANCELED;
    return 0;
}

int ve_say_begin(struct ve_call *call, const struct ve_say_options *options, struct ve_say **out)
{
    if (!call->session || call->state == VE_CALL_ENDED)
        return VE_EGONE;
    bool held;
    int err = hold_of(call, options, &held);
    if (err)
        return err;
    struct ve_say *say = ve_alloc(sizeof(*say));
    if (!say)
        return VE_ENOMEM;
    say->call = call;
    say->options = *options;
    say->held = held;
    ve_buf_init(&say->text, 0);
    ve_list_push(&call->says, &say->link);
    err = ve_buf_add_str(&say->text, options->text);
    struct ve_segment_options segment = {
        .rate = options->rate,
        .fixed = options->fixed,
        .held = held,
        .urgent = options->urgent,
        .trim = options->text.len > 0,
        .events = &segment_events,
        .arg = say,
    };
    if (!err)
        err = ve_playout_begin(ve_session_playout(call->session), &segment, &say->segment);
    if (err) {
        free_say(say);
        return err;
    }
    *out = say;
    return 0;
}

struct ve_sink ve_say_sink(struct ve_say *say)
{
    return (struct ve_sink){&sink_ops, say};
}

static bool make_room_for_word(struct ve_say *say)
{
    if (say->word_count == WORDS_MAX)
        return false;
    if (say->word_count < say->word_cap)
        return true;
    size_t cap = say->word_cap ? say->word_cap * 2 : 32;
    struct ve_say_word *grown = ve_realloc(say->words, cap * sizeof(*grown));
    if (!grown)
        return false;
    say->words = grown;
    say->word_cap = cap;
    return true;
}

/* Marks come from providers, and may point anywhere. */
static bool is_of_text(const struct ve_say *say, const struct ve_say_word *word)
{
    return word->begin <= say->text.len && word->len <= say->text.len - word->begin &&
           word->from <= word->to;
}

void ve_say_words(struct ve_say *say, const struct ve_say_word *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_of_text(say, &words[i]))
            continue;
        if (!make_room_for_word(say))
            return; /* those that are there, or lengths, will have to do */
        say->words[say->word_count++] = words[i];
    }
}

void ve_say_cancel(struct ve_say *say)
{
    if (!say)
        return;
    say->options.done = NULL;
    say->options.began = NULL;
    say->options.source.resume = NULL;
    ve_playout_cancel(ve_session_playout(say->call->session), say->segment);
}

void ve_says_commit(struct ve_call *call, uint32_t turn, uint32_t take)
{
    VE_LIST_EACH(&call->says, it)
    {
        struct ve_say *say = VE_CONTAINER(it, struct ve_say, link);
        if (!say->held || say->options.turn != turn || say->options.take != take)
            continue;
        say->held = false;
        ve_playout_release(ve_session_playout(call->session), say->segment);
    }
}

void ve_says_discard(struct ve_call *call, uint32_t turn, uint32_t take)
{
    VE_LIST_EACH(&call->says, it)
    {
        struct ve_say *say = VE_CONTAINER(it, struct ve_say, link);
        if (say->held && say->options.turn == turn && say->options.take == take)
            ve_playout_cancel(ve_session_playout(call->session), say->segment);
    }
}

void ve_says_record(struct ve_call *call)
{
    if (!call->session)
        return;
    struct ve_playout *playout = ve_session_playout(call->session);
    (void)ve_playout_state(playout); /* brings the play clock up to now */
    VE_LIST_EACH(&call->says, it)
    {
        struct ve_say *say = VE_CONTAINER(it, struct ve_say, link);
        uint32_t played_ms = ve_playout_played_ms(playout, say->segment);
        record(say, heard_text(say, VE_SEGMENT_CANCELED, played_ms), true);
    }
}

void ve_says_free(struct ve_call *call)
{
    VE_LIST_EACH(&call->says, it)
    {
        free_say(VE_CONTAINER(it, struct ve_say, link));
    }
}

void ve_says_heard(const struct ve_call *call, struct ve_buf *out)
{
    if (!call->session)
        return;
    struct ve_playout *playout = ve_session_playout(call->session);
    (void)ve_playout_state(playout);
    for (struct ve_link *it = call->says.next; it != &call->says; it = it->next) {
        struct ve_say *say = VE_CONTAINER(it, struct ve_say, link);
        if (say->recorded || say->options.silent)
            continue;
        uint32_t played_ms = ve_playout_played_ms(playout, say->segment);
        struct ve_str heard = heard_text(say, VE_SEGMENT_CANCELED, played_ms);
        if (heard.len && out->len)
            (void)ve_buf_add_char(out, ' ');
        (void)ve_buf_add_str(out, heard);
    }
}
