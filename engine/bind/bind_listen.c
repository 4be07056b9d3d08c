#include "bind/bind.h"
#include "bind/bind_grammar.h"

#include "base/alloc.h"

#include <string.h>

/* A recogniser that listens to the caller for a script: an ear on one side, the offline recogniser
 * on the other. In text mode there is no audio and the grammar is asked directly. */
struct listen_op {
    struct ve_op op;
    struct ve_call *call; /* borrowed */
    struct ve_speech *speech;
    struct ve_ear ear;
    struct ve_shared_grammar *grammar; /* a reference */
    struct ve_recogniser *recogniser;  /* owned; NULL until needed */
    uint32_t rate;                     /* Hz it was opened for */
    bool finishing;                    /* the utterance is over, its result is awaited */
    bool answered;
    struct ve_buf text; /* text mode */
};

/* --- results -------------------------------------------------------------------------------------
 */

static void answer(struct listen_op *listen, struct ve_str text, int phrase, float confidence,
                   const char *reason)
{
    struct ve_str tag = phrase >= 0 ? ve_grammar_tag(listen->grammar->grammar, phrase) : VE_STR("");
    struct ve_value values[] = {
        ve_vstr(text),
        ve_vstr(tag),
        ve_vnum(confidence),
        ve_vstr(ve_str(reason ? reason : "")),
    };
    listen->answered = true;
    ve_ear_close(&listen->ear);
    ve_op_finish(&listen->op, phrase >= 0 ? "match" : "no_match", values, 4);
}

static void on_result(void *arg, const struct ve_recogniser_result *result)
{
    answer(arg, result->text, result->phrase, result->confidence, result->reason);
}

static void on_partial(void *arg, struct ve_str text, int phrase)
{
    struct listen_op *listen = arg;
    struct ve_value values[] = {ve_vstr(text)};
    struct ve_session *session = ve_call_session(listen->call);
    (void)ve_session_partial(session, text, phrase >= 0);
    ve_op_post(&listen->op, "partial", values, 1);
}

static void on_failed(void *arg, int err, const char *why)
{
    struct listen_op *listen = arg;
    struct ve_value values[] = {ve_vstr(ve_str(ve_err_name(err))), ve_vstr(ve_str(why))};
    listen->answered = true;
    ve_ear_close(&listen->ear);
    ve_op_finish(&listen->op, "failed", values, 2);
}

/* --- the ear -------------------------------------------------------------------------------------
 */

static int open_recogniser(struct listen_op *listen, uint32_t rate)
{
    if (listen->recogniser && listen->rate == rate)
        return 0;
    if (listen->recogniser)
        ve_recogniser_close(listen->recogniser);
    listen->recogniser = NULL;
    listen->rate = rate;
    struct ve_recogniser_options options = {
        .grammar = listen->grammar->grammar,
        .rate = rate,
        .result = on_result,
        .partial = on_partial,
        .failed = on_failed,
        .arg = listen,
    };
    return ve_recogniser_open(listen->speech, &options, &listen->recogniser);
}

static void ear_begin(void *arg, uint32_t rate)
{
    struct listen_op *listen = arg;
    if (!rate || listen->finishing)
        return;
    int err = open_recogniser(listen, rate);
    if (err)
        on_failed(listen, err, "the recogniser could not be opened");
}

static void ear_audio(void *arg, const int16_t *samples, size_t count)
{
    struct listen_op *listen = arg;
    if (listen->recogniser && !listen->finishing)
        (void)ve_recogniser_feed(listen->recogniser, samples, count);
}

static void ear_drop(void *arg)
{
    struct listen_op *listen = arg;
    if (listen->recogniser && !listen->finishing)
        ve_recogniser_reset(listen->recogniser);
}

static void ear_text(void *arg, struct ve_str text)
{
    struct listen_op *listen = arg;
    ve_buf_clear(&listen->text);
    (void)ve_buf_add_str(&listen->text, text);
}

static void ear_partial_text(void *arg, struct ve_str text)
{
    struct listen_op *listen = arg;
    on_partial(listen, text, ve_grammar_match(listen->grammar->grammar, text));
}

static void ear_commit(void *arg, uint32_t turn, uint32_t take)
{
    struct listen_op *listen = arg;
    (void)turn;
    (void)take;
    if (listen->finishing || listen->answered)
        return;
    listen->finishing = true;
    if (listen->text.len) {
        struct ve_str text = ve_buf_str(&listen->text);
        int phrase = ve_grammar_match(listen->grammar->grammar, text);
        answer(listen, text, phrase, phrase >= 0 ? 1.0f : 0.0f, phrase >= 0 ? NULL : "outside");
    } else if (!listen->recogniser || ve_recogniser_finish(listen->recogniser) != 0) {
        on_failed(listen, VE_EFAILED, "the recogniser is not there");
    }
}

static const struct ve_ear_ops ear_ops = {
    .begin = ear_begin,
    .audio = ear_audio,
    .drop = ear_drop,
    .commit = ear_commit,
    .text = ear_text,
    .partial_text = ear_partial_text,
};

/* --- the script's side ------------------------------------------------------------------------ */

static void listen_cancel(struct ve_op *op)
{
    struct listen_op *listen = (struct listen_op *)op;
    ve_ear_close(&listen->ear);
    if (listen->recogniser)
        ve_recogniser_close(listen->recogniser);
    listen->recogniser = NULL;
    ve_shared_grammar_unref(listen->grammar);
    listen->grammar = NULL;
    ve_buf_free(&listen->text);
}

static const struct ve_op_type listen_type = {.name = "listen", .cancel = listen_cancel};

/* core.listen(grammar) -> id | nil, code
 * Hears one utterance. Posts "partial" text; finishes "match" text tag confidence, or "no_match"
 * text
 * "" confidence reason, or "failed" code message. */
static int l_listen(lua_State *L)
{
    struct ve_call *call = ve_bind_task_call(L);
    struct ve_bind *bind = ve_bind_of(L);
    struct ve_shared_grammar *grammar = ve_bind_grammar_of(L, 1);
    struct ve_session *session = ve_call_session(call);
    if (!session)
        return ve_bind_fail(L, VE_EGONE);
    struct listen_op *listen = ve_op_new(ve_bind_task(L), &listen_type, sizeof(*listen));
    if (!listen)
        return ve_bind_fail(L, VE_EBUSY);
    listen->call = call;
    listen->speech = bind->speech;
    listen->grammar = grammar;
    ve_shared_grammar_ref(grammar);
    ve_buf_init(&listen->text, 4096);
    listen->ear.ops = &ear_ops;
    listen->ear.arg = listen;
    listen->ear.partials = true;
    /* Loading the recogniser takes about as long as the caller takes to begin. */
    uint32_t rate = ve_session_stats(session).rate_in;
    int err = rate && !bind->text_mode ? open_recogniser(listen, rate) : 0;
    if (err) {
        ve_op_drop(&listen->op);
        return ve_bind_fail(L, err);
    }
    ve_session_listen(session, &listen->ear);
    ve_call_waits(call);
    lua_pushinteger(L, listen->op.id);
    return 1;
}

static const luaL_Reg functions[] = {
    {"listen", l_listen},
    {NULL, NULL},
};

void ve_bind_listen(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
