#include "media/session.h"

#include "audio/level.h"
#include "audio/resample.h"
#include "base/alloc.h"
#include "base/err.h"
#include "media/inside.h"

/* Audio from before the detected start that the recogniser gets: detection takes its time. */
#define PREROLL_MS 300
/* Samples kept at most for an utterance without an ear. */
#define HELD_MAX_S 30
/* The detector's last speech block may lie this far before the true end of speech. */
#define TAIL      (150 * VE_MS)
#define PIECE_OUT 2048 /* samples that 20 ms can become */

void ve_media_init(struct ve_media *media, struct ve_loop *loop)
{
    media->loop = loop;
    ve_pool_init(&media->blocks, sizeof(struct ve_fifo_block), 1024);
}

void ve_media_free(struct ve_media *media)
{
    ve_pool_free(&media->blocks);
}

/* --- turns --------------------------------------------------------------------------------------
 */

static void on_start(void *arg, uint64_t at, bool barge)
{
    struct ve_session *s = arg;
    s->open = true;
    s->unheard = false;
    s->from = ve_capture_position(&s->capture, at > PREROLL_MS ? at - PREROLL_MS : 0);
    ve_ears_begin(s);
    if (s->config.events->speech)
        s->config.events->speech(s->config.arg, barge);
}

static void on_speculate(void *arg, uint32_t turn, uint32_t take)
{
    struct ve_session *s = arg;
    ve_ears_feed(s);
    ve_ears_speculate(s, turn, take);
    if (s->config.events->speculate)
        s->config.events->speculate(s->config.arg, turn, take);
}

static void on_discard(void *arg, uint32_t turn, uint32_t take)
{
    struct ve_session *s = arg;
    if (s->config.events->discard)
        s->config.events->discard(s->config.arg, turn, take);
}

/* The last sound of the turn, unless the line is noisy: then what the detector called speech. */
static uint64_t speech_end(const struct ve_session *s)
{
    uint64_t audible = s->capture.audible_ns;
    bool plausible = audible && audible <= s->speech_ns + TAIL && audible + 4 * TAIL > s->speech_ns;
    return plausible ? audible : s->speech_ns;
}

static void on_commit(void *arg, uint32_t turn, uint32_t take, uint64_t at)
{
    struct ve_session *s = arg;
    (void)at;
    s->speech_end_ns = speech_end(s);
    s->open = false;
    ve_ears_feed(s);
    bool heard = ve_ears_commit(s, turn, take);
    s->unheard = !heard;
    if (heard) {
        ve_buf_clear(&s->text);
    } else {
        s->to = s->capture.fifo.end;
        s->unheard_at = ve_loop_now(s->media->loop);
        s->unheard_turn = turn;
        s->unheard_take = take;
        if (!ve_list_empty(&s->ears))
            ve_timer_start(&s->catch_up, 0);
    }
    if (s->config.events->commit)
        s->config.events->commit(s->config.arg, turn, take);
    if (heard && s->config.events->heard)
        s->config.events->heard(s->config.arg, turn);
}

static void on_barge_pause(void *arg)
{
    struct ve_session *s = arg;
    ve_playout_pause(s->playout);
}

static void on_barge_confirm(void *arg)
{
    struct ve_session *s = arg;
    ve_playout_interrupt(s->playout);
    if (s->config.events->interrupted)
        s->config.events->interrupted(s->config.arg);
}

static void on_barge_resume(void *arg)
{
    struct ve_session *s = arg;
    s->open = false;
    ve_buf_clear(&s->text);
    ve_ears_drop(s);
    ve_playout_resume(s->playout);
}

static const struct ve_turn_events turn_events = {
    on_start,       on_speculate,     on_discard,      on_commit,
    on_barge_pause, on_barge_confirm, on_barge_resume,
};

void ve_session_block(struct ve_session *s, float p, float level_db, uint64_t at_ns)
{
    struct ve_playout_state agent = ve_playout_state(s->playout);
    bool speaking = agent.playing || (agent.paused && agent.busy);
    ve_turn_agent(&s->turn, speaking, agent.fixed, agent.level_db);
    if (agent.paused && !agent.busy)
        ve_playout_resume(s->playout); /* nothing was left to take back */
    if (p >= s->config.policy.end_p)
        s->speech_ns = at_ns;
    ve_turn_block(&s->turn, p, level_db);
}

static void on_block(void *arg, float p, float level_db, uint64_t at_ns)
{
    ve_session_block(arg, p, level_db, at_ns);
}

static void on_digit(void *arg, char digit)
{
    ve_session_digit(arg, digit);
}

static const struct ve_capture_events capture_events = {on_block, on_digit};

/* --- the carrier's side --------------------------------------------------------------------------
 */

/* Keeps what somebody may still want, and no more. */
static void drop_old(struct ve_session *s)
{
    struct ve_fifo *fifo = &s->capture.fifo;
    uint64_t preroll =
        (uint64_t)s->capture.rate * (PREROLL_MS + s->config.policy.barge_ms + 100) / 1000;
    uint64_t keep = fifo->end > preroll ? fifo->end - preroll : 0;
    if (((s->open && !ve_ears_open(s)) || s->unheard) && s->from < keep)
        keep = s->from;
    uint64_t most = (uint64_t)s->capture.rate * HELD_MAX_S;
    if (fifo->end > most && keep < fifo->end - most)
        keep = fifo->end - most;
    if (s->unheard && ve_loop_now(s->media->loop) - s->unheard_at > VE_UNHEARD_MAX)
        s->unheard = false;
    ve_fifo_drop(fifo, keep);
}

static void send_echo(struct ve_session *s, const int16_t *samples, size_t count, uint32_t rate)
{
    int16_t out[PIECE_OUT];
    uint32_t out_rate = s->config.playout.rate;
    if (rate != s->echo_rate) {
        ve_resampler_free(s->echo_resampler);
        s->echo_resampler = NULL;
        if (rate != out_rate && ve_resampler_new(&s->echo_resampler, rate, out_rate) != 0)
            return;
        s->echo_rate = rate;
    }
    for (size_t left = count; left;) {
        size_t piece = left < rate / 50 ? left : rate / 50;
        size_t n = 0;
        if (!s->echo_resampler)
            (void)s->out.audio(s->out.arg, samples, piece);
        else if (ve_resample(s->echo_resampler, samples, piece, out, &n) == 0 && n)
            (void)s->out.audio(s->out.arg, out, n);
        samples += piece;
        left -= piece;
    }
}

/* Echo mode: straight back; only the level gate looks at it, no detector and no turns. */
static void take_echo(struct ve_session *s, const int16_t *samples, size_t count, uint32_t rate)
{
    s->echo_loud = ve_level_energy(samples, count) >= ve_level_threshold(s->config.gate_db, count);
    if (s->attached)
        send_echo(s, samples, count, rate);
}

int ve_session_audio(struct ve_session *s, const int16_t *samples, size_t count, uint32_t rate)
{
    s->samples_in += count;
    if (s->echo) {
        take_echo(s, samples, count, rate);
        return 0;
    }
    VE_LIST_EACH(&s->taps, it)
    {
        struct ve_tap *tap = VE_CONTAINER(it, struct ve_tap, link);
        tap->audio(tap->arg, samples, count, rate);
    }
    int err = ve_capture_push(&s->capture, samples, count, rate, ve_loop_now(s->media->loop),
                              s->turn.now_ms, &capture_events, s);
    ve_ears_feed(s);
    drop_old(s);
    if (s->turn.state != VE_TURN_LISTENING)
        ve_timer_start(&s->stall, VE_STALL);
    return err;
}

void ve_session_digit(struct ve_session *s, char digit)
{
    if (s->config.events->digit)
        s->config.events->digit(s->config.arg, digit);
}

void ve_session_attach(struct ve_session *s, const struct ve_media_out *out)
{
    s->attached = out != NULL;
    if (out)
        s->out = *out;
    ve_playout_attach(s->playout, out);
}

/* --- the call's side -----------------------------------------------------------------------------
 */

int ve_session_new(struct ve_session **out, struct ve_media *media,
                   const struct ve_session_config *config)
{
    const char *field;
    if (ve_turn_policy_check(&config->policy, &field) != 0)
        return VE_EINVAL;
    struct ve_session *s = ve_alloc(sizeof(*s));
    if (!s)
        return VE_ENOMEM;
    s->media = media;
    s->config = *config;
    s->shape.language = ve_language_find(VE_STR("en"));
    ve_link_init(&s->ears);
    ve_link_init(&s->taps);
    ve_buf_init(&s->text, 4096);
    ve_timer_init(&s->catch_up, media->loop, ve_ears_catch_up, s);
    ve_timer_init(&s->stall, media->loop, ve_stall_block, s);
    ve_turn_init(&s->turn, &config->policy, &turn_events, s);
    int err = ve_capture_init(&s->capture, &media->blocks, config->gate_db);
    if (!err)
        err = ve_playout_new(&s->playout, media->loop, &media->blocks, &config->playout, NULL);
    if (err) {
        ve_session_free(s);
        return err;
    }
    *out = s;
    return 0;
}

void ve_session_free(struct ve_session *s)
{
    if (!s)
        return;
    VE_LIST_EACH(&s->ears, it)
    {
        ve_ear_close(VE_CONTAINER(it, struct ve_ear, link));
    }
    VE_LIST_EACH(&s->taps, it)
    {
        ve_link_remove(it);
    }
    ve_timer_stop(&s->catch_up);
    ve_timer_stop(&s->stall);
    ve_playout_free(s->playout);
    ve_capture_free(&s->capture);
    ve_resampler_free(s->echo_resampler);
    ve_buf_free(&s->text);
    ve_free(s);
}

struct ve_playout *ve_session_playout(struct ve_session *s)
{
    return s->playout;
}

int ve_session_set_policy(struct ve_session *s, const struct ve_turn_policy *policy)
{
    const char *field;
    if (ve_turn_policy_check(policy, &field) != 0)
        return VE_EINVAL;
    s->config.policy = *policy;
    ve_turn_set_policy(&s->turn, policy);
    return 0;
}

struct ve_turn_policy ve_session_policy(const struct ve_session *s)
{
    return s->config.policy;
}

int ve_session_detect_digits(struct ve_session *s, bool on)
{
    return ve_capture_detect_digits(&s->capture, on);
}

struct ve_shape ve_session_partial(struct ve_session *s, struct ve_str text, bool expected)
{
    struct ve_shape shape = ve_shape_of(&s->shape, text, expected);
    bool open = s->open;
    uint32_t turn = s->turn.turn;
    ve_turn_heard(&s->turn, shape.shape, shape.words, shape.backchannel);
    if (open && s->config.events->partial)
        s->config.events->partial(s->config.arg, turn, text, shape.shape);
    return shape;
}

void ve_session_set_shape(struct ve_session *s, const struct ve_shape_options *options)
{
    s->shape = *options;
}

struct ve_shape_options ve_session_shape(const struct ve_session *s)
{
    return s->shape;
}

bool ve_session_on_trial(const struct ve_session *s, uint32_t turn, uint32_t take)
{
    return s->turn.speculating && s->turn.turn == turn && s->turn.take == take;
}

uint32_t ve_session_endpoint_ms(const struct ve_session *s)
{
    return ve_turn_endpoint_ms(&s->turn);
}

int ve_session_wait(struct ve_session *s, uint32_t turn, uint32_t ms)
{
    return ve_turn_wait(&s->turn, turn, ms);
}

void ve_session_end_turn(struct ve_session *s)
{
    ve_turn_end_now(&s->turn);
}

void ve_session_tap(struct ve_session *s, struct ve_tap *tap)
{
    ve_list_push(&s->taps, &tap->link);
}

void ve_tap_close(struct ve_tap *tap)
{
    if (tap->link.next)
        ve_link_remove(&tap->link);
}

void ve_session_echo(struct ve_session *s, bool on)
{
    s->echo = on;
}

struct ve_session_stats ve_session_stats(const struct ve_session *s)
{
    return (struct ve_session_stats){
        .samples_in = s->samples_in,
        .speech_end_ns = s->speech_end_ns,
        .speaking = s->echo ? s->echo_loud : s->turn.state == VE_TURN_SPEAKING,
        .listening = !ve_list_empty(&s->ears),
        .rate_in = s->capture.rate,
        .return_loss_db = s->turn.loss_db,
    };
}
