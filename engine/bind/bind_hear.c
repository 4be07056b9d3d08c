#include "bind/bind.h"

#include "base/alloc.h"

/* Free speech of the caller, utterance after utterance. In text mode what was said comes with the
 * utterance itself. */
struct hear_op {
    struct ve_op op;
    struct ve_ear ear;
    struct ve_buf text; /* of the utterance so far */
};

static void post_text(struct hear_op *hear, uint32_t turn, uint32_t take)
{
    struct ve_value values[] = {ve_vint(turn), ve_vint(take), ve_vstr(ve_buf_str(&hear->text))};
    ve_op_post(&hear->op, "text", values, 3);
}

static void ear_begin(void *arg, uint32_t rate)
{
    (void)rate;
    ve_buf_clear(&((struct hear_op *)arg)->text);
}

static void ear_audio(void *arg, const int16_t *samples, size_t count)
{
    (void)arg;
    (void)samples;
    (void)count;
}

static void ear_drop(void *arg)
{
    ve_buf_clear(&((struct hear_op *)arg)->text);
}

static void ear_text(void *arg, struct ve_str text)
{
    struct hear_op *hear = arg;
    ve_buf_clear(&hear->text);
    (void)ve_buf_add_str(&hear->text, text);
}

static void ear_partial_text(void *arg, struct ve_str text)
{
    struct hear_op *hear = arg;
    struct ve_value values[] = {ve_vstr(text)};
    (void)ve_session_partial(hear->ear.session, text, false);
    ve_op_post(&hear->op, "partial", values, 1);
}

static void ear_take(void *arg, uint32_t turn, uint32_t take)
{
    post_text(arg, turn, take);
}

static const struct ve_ear_ops ear_ops = {
    .begin = ear_begin,
    .audio = ear_audio,
    .drop = ear_drop,
    .commit = ear_take,
    .text = ear_text,
    .speculate = ear_take,
    .partial_text = ear_partial_text,
};

static void hear_cancel(struct ve_op *op)
{
    struct hear_op *hear = (struct hear_op *)op;
    ve_ear_close(&hear->ear);
    ve_buf_free(&hear->text);
}

static const struct ve_op_type hear_type = {.name = "hear", .cancel = hear_cancel};

/* core.hear() -> id | nil, code ("unsupported" where words do not come with the audio)
 * Posts "partial" text while it is being said, and "text" turn take text: what was understood, on
 * trial and again when the turn is over. Never finishes. */
static int l_hear(lua_State *L)
{
    struct ve_call *call = ve_bind_task_call(L);
    struct ve_session *session = ve_call_session(call);
    if (!ve_bind_of(L)->text_mode)
        return ve_bind_fail(L, VE_ENOTSUP);
    if (!session)
        return ve_bind_fail(L, VE_EGONE);
    struct hear_op *hear = ve_op_new(ve_bind_task(L), &hear_type, sizeof(*hear));
    if (!hear)
        return ve_bind_fail(L, VE_EBUSY);
    ve_buf_init(&hear->text, 4096);
    hear->ear.ops = &ear_ops;
    hear->ear.arg = hear;
    hear->ear.partials = true;
    ve_session_listen(session, &hear->ear);
    ve_call_waits(call);
    lua_pushinteger(L, hear->op.id);
    return 1;
}

static const luaL_Reg functions[] = {
    {"hear", l_hear},
    {NULL, NULL},
};

void ve_bind_hear(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
