#include "bind/bind.h"

#include "base/alloc.h"
#include "call/say.h"

/*
 * A say of the offline voice. Three things live on their own here and end in any order: the
 * script's operation, the say in the playout, and the synthesis on the speech thread. The speaker
 * stands between them and goes when the last two are over.
 */
struct speaker {
    struct say_op *op;      /* NULL once the script does not listen any more */
    struct ve_say *say;     /* NULL once it is over */
    struct ve_voice *voice; /* NULL before it starts and once it is over */
    uint64_t pretend;       /* text mode: samples still to be written */
};

struct say_op {
    struct ve_op op;
    struct speaker *speaker; /* NULL once the say is over */
};

static void free_if_over(struct speaker *speaker)
{
    if (!speaker->say && !speaker->voice)
        ve_free(speaker);
}

/* --- the synthesis writes --------------------------------------------------------------------- */

static int voice_write(void *sink, const void *bytes, size_t len)
{
    struct speaker *speaker = sink;
    if (!speaker->say)
        return VE_ECANCELED;
    struct ve_sink say = ve_say_sink(speaker->say);
    return say.ops->write(say.self, bytes, len);
}

static void voice_end(void *sink, int err)
{
    struct speaker *speaker = sink;
    speaker->voice = NULL;
    if (speaker->say) {
        struct ve_sink say = ve_say_sink(speaker->say);
        say.ops->end(say.self, err);
    }
    free_if_over(speaker);
}

static const struct ve_sink_ops voice_sink = {voice_write, voice_end};

static void voice_words(void *arg, const struct ve_voice_word *words, size_t count)
{
    struct speaker *speaker = arg;
    for (size_t i = 0; i < count && speaker->say; i++) {
        struct ve_say_word word = {words[i].begin, words[i].len, words[i].from, words[i].to};
        ve_say_words(speaker->say, &word, 1);
    }
}

/* --- the say tells -------------------------------------------------------------------------------
 */

static void on_began(void *arg, uint64_t at_ns)
{
    struct speaker *speaker = arg;
    struct ve_value values[] = {ve_vnum((double)at_ns / 1e9)};
    if (speaker->op)
        ve_op_post(&speaker->op->op, "began", values, 1);
}

static const char *how_name(enum ve_segment_end how)
{
    switch (how) {
    case VE_SEGMENT_PLAYED:
        return "played";
    case VE_SEGMENT_INTERRUPTED:
        return "interrupted";
    case VE_SEGMENT_CANCELED:
        return "canceled";
    default:
        return "failed";
    }
}

static void on_done(void *arg, const struct ve_say_result *result)
{
    struct speaker *speaker = arg;
    struct say_op *op = speaker->op;
    speaker->say = NULL;
    if (speaker->voice)
        ve_voice_cancel(speaker->voice);
    if (op) {
        struct ve_value values[] = {
            ve_vstr(ve_str(how_name(result->how))),
            ve_vstr(result->heard),
            ve_vint(result->played_ms),
            ve_vstr(ve_str(result->err ? ve_err_name(result->err) : "")),
        };
        op->speaker = NULL;
        ve_op_finish(&op->op, "done", values, 4);
    }
    free_if_over(speaker);
}

/* Text mode: a sound as long as the words would take, a second at a time. */
static void pretend(void *self)
{
    struct speaker *speaker = self;
    int16_t hum[VE_VOICE_RATE / 10];
    struct ve_sink say = ve_say_sink(speaker->say);
    int flow = VE_FLOW_MORE;
    for (size_t i = 0; i < sizeof(hum) / sizeof(hum[0]); i++)
        hum[i] = 800;
    while (speaker->pretend && flow == VE_FLOW_MORE) {
        size_t n = sizeof(hum) / sizeof(hum[0]);
        if (n > speaker->pretend)
            n = (size_t)speaker->pretend;
        flow = say.ops->write(say.self, hum, n * sizeof(hum[0]));
        speaker->pretend -= n;
    }
    if (!speaker->pretend)
        say.ops->end(say.self, 0);
}

static void resume(void *self)
{
    struct speaker *speaker = self;
    if (speaker->voice)
        ve_voice_resume(speaker->voice);
    else if (speaker->say && speaker->pretend)
        pretend(speaker);
}

/* --- the script's side ---------------------------------------------------------------------------
 */

static void say_cancel(struct ve_op *op)
{
    struct say_op *say = (struct say_op *)op;
    struct speaker *speaker = say->speaker;
    if (!speaker)
        return;
    say->speaker = NULL;
    speaker->op = NULL;
    ve_say_cancel(speaker->say);
    speaker->say = NULL;
    if (speaker->voice)
        ve_voice_cancel(speaker->voice);
    free_if_over(speaker);
}

static const struct ve_op_type say_type = {.name = "say", .cancel = say_cancel};

static int start_voice(struct ve_bind *bind, struct speaker *speaker, struct ve_str text,
                       const char *voice)
{
    if (bind->text_mode) {
        /* About 15 letters a second, as people speak. */
        speaker->pretend = (text.len + 1) * VE_VOICE_RATE / 15;
        pretend(speaker);
        return 0;
    }
    struct ve_voice_options options = {
        .text = text,
        .voice = voice,
        .sink = {&voice_sink, speaker},
        .words = voice_words,
        .arg = speaker,
    };
    return ve_voice_start(bind->speech, &options, &speaker->voice);
}

static int start_say(lua_State *L, struct say_op *op, struct ve_str text)
{
    struct ve_bind *bind = ve_bind_of(L);
    struct speaker *speaker = ve_alloc(sizeof(*speaker));
    if (!speaker)
        return VE_ENOMEM;
    struct ve_say_options options = {
        .text = text,
        .rate = VE_VOICE_RATE,
        .fixed = ve_bind_field_bool(L, 2, "fixed", false),
        .silent = ve_bind_field_bool(L, 2, "silent", false),
        .filler = ve_bind_field_bool(L, 2, "filler", false),
        .turn = (uint32_t)ve_bind_field_num(L, 2, "turn", 0),
        .take = (uint32_t)ve_bind_field_num(L, 2, "take", 0),
        .source = {resume, speaker},
        .began = on_began,
        .done = on_done,
        .arg = speaker,
    };
    int err = ve_say_begin(ve_bind_task_call(L), &options, &speaker->say);
    if (err) {
        ve_free(speaker);
        return err;
    }
    speaker->op = op;
    op->speaker = speaker;
    struct ve_str voice = ve_bind_field_str(L, 2, "voice");
    return start_voice(bind, speaker, text, voice.ptr);
}

/* core.say(text, { voice, fixed, silent, filler, turn, take }) -> id | nil, code
 * With a turn and its take it is made at once and heard only when that take is committed; a discard
 * ends it ("canceled").
 * Posts "began" t; finishes "done" how heard played_ms error. */
static int l_say(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    luaL_checktype(L, 2, LUA_TTABLE);
    (void)ve_bind_task_call(L);
    struct say_op *op = ve_op_new(ve_bind_task(L), &say_type, sizeof(*op));
    if (!op)
        return ve_bind_fail(L, VE_EBUSY);
    int err = start_say(L, op, ve_str_n(text, len));
    if (err) {
        ve_op_drop(&op->op);
        return ve_bind_fail(L, err);
    }
    lua_pushinteger(L, op->op.id);
    return 1;
}

static const luaL_Reg functions[] = {
    {"say", l_say},
    {NULL, NULL},
};

void ve_bind_say(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
