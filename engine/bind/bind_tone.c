#include "bind/bind.h"

#include "audio/tone.h"
#include "call/say.h"

/* Tones are says without words. */
struct tone_op {
    struct ve_op op;
    struct ve_say *say; /* NULL once it is over */
};

static void tone_cancel(struct ve_op *op)
{
    struct tone_op *tone = (struct tone_op *)op;
    ve_say_cancel(tone->say);
    tone->say = NULL;
}

static const struct ve_op_type tone_type = {.name = "tone", .cancel = tone_cancel};

static void on_done(void *arg, const struct ve_say_result *result)
{
    struct tone_op *tone = arg;
    (void)result;
    tone->say = NULL;
    ve_op_finish(&tone->op, "done", NULL, 0);
}

static void write_tone(struct ve_say *say, const struct ve_tone_spec *spec)
{
    struct ve_sink sink = ve_say_sink(say);
    struct ve_tone tone;
    int16_t piece[320];
    if (ve_tone_init(&tone, VE_VOICE_RATE, spec) == 0) {
        for (size_t n = ve_tone_read(&tone, piece, 320); n; n = ve_tone_read(&tone, piece, 320))
            (void)sink.ops->write(sink.self, piece, n * sizeof(piece[0]));
    }
    sink.ops->end(sink.self, 0);
}

/* core.tone(hz, ms) -> id | nil, code; finishes "done" when it was heard */
static int l_tone(lua_State *L)
{
    double hz = luaL_checknumber(L, 1);
    lua_Integer ms = luaL_checkinteger(L, 2);
    luaL_argcheck(L, hz >= 50 && hz <= 3800, 1, "50 to 3800 Hz");
    luaL_argcheck(L, ms >= 20 && ms <= 10000, 2, "20 to 10000 ms");
    struct ve_call *call = ve_bind_task_call(L);
    struct tone_op *tone = ve_op_new(ve_bind_task(L), &tone_type, sizeof(*tone));
    if (!tone)
        return ve_bind_fail(L, VE_EBUSY);
    struct ve_tone_spec spec = ve_tone_beep((float)hz, (uint32_t)ms);
    struct ve_say_options options = {
        .rate = VE_VOICE_RATE,
        .fixed = true,
        .silent = true,
        .done = on_done,
        .arg = tone,
    };
    int err = ve_say_begin(call, &options, &tone->say);
    if (err) {
        ve_op_drop(&tone->op);
        return ve_bind_fail(L, err);
    }
    write_tone(tone->say, &spec);
    lua_pushinteger(L, tone->op.id);
    return 1;
}

static const luaL_Reg functions[] = {
    {"tone", l_tone},
    {NULL, NULL},
};

void ve_bind_tone(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
