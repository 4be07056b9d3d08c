#include "bind/bind.h"

#include "media/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What the caller says, as a WAV file below the data folder. */
struct record_op {
    struct ve_op op;
    struct ve_loop *loop;
    struct ve_tap tap;
    struct ve_recorder *recorder; /* NULL before the first sample and after the end */
    uint32_t rate;                /* Hz; what comes at another rate afterwards is left out */
    uint64_t frames;
    struct ve_recorder *closing; /* writes the rest; NULL once it has told us */
    char path[512];
};

static void on_audio(void *arg, const int16_t *samples, size_t count, uint32_t rate)
{
    struct record_op *record = arg;
    if (!record->recorder && record->path[0] &&
        ve_recorder_new(&record->recorder, record->loop, record->path, rate, 1) != 0)
        record->path[0] = '\0';
    if (!record->recorder || (record->rate && rate != record->rate))
        return;
    record->rate = rate;
    record->frames += count;
    (void)ve_recorder_write(record->recorder, samples, count);
}

static void on_written(void *arg, const struct ve_recorder_result *result)
{
    struct record_op *record = arg;
    record->closing = NULL;
    struct ve_value values[] = {
        ve_vnum(record->rate ? (double)result->frames / record->rate : 0),
        ve_vstr(ve_str(record->path)),
        ve_vstr(ve_str(result->err ? ve_err_name(result->err) : "")),
    };
    ve_op_finish(&record->op, "done", values, 3);
}

static void record_cancel(struct ve_op *op)
{
    struct record_op *record = (struct record_op *)op;
    ve_tap_close(&record->tap);
    /* The caller hung up: what was said so far is kept. */
    if (record->recorder)
        ve_recorder_close(record->recorder, NULL, NULL);
    if (record->closing)
        ve_recorder_forget(record->closing);
    record->recorder = record->closing = NULL;
}

static const struct ve_op_type record_type = {.name = "record", .cancel = record_cancel};

/* The folder and a name that no other recording of the call has. */
static void choose_path(struct record_op *record, const struct ve_bind *bind, struct ve_call *call)
{
    char dir[400];
    if (!bind->data_dir)
        return;
    int n = snprintf(dir, sizeof(dir), "%s/messages", bind->data_dir);
    if (n >= (int)sizeof(dir) || (mkdir(dir, 0700) != 0 && errno != EEXIST))
        return;
    (void)snprintf(record->path, sizeof(record->path), "%s/%.*s-%lld.wav", dir,
                   VE_STR_ARG(ve_call_id(call)), (long long)ve_loop_wall_ms(bind->loop));
}

/* core.record() -> id | nil, code; core.record_stop(id) makes it finish "done" seconds path error
 */
static int l_record(lua_State *L)
{
    struct ve_call *call = ve_bind_task_call(L);
    struct ve_session *session = ve_call_session(call);
    if (!session)
        return ve_bind_fail(L, VE_EGONE);
    struct record_op *record = ve_op_new(ve_bind_task(L), &record_type, sizeof(*record));
    if (!record)
        return ve_bind_fail(L, VE_EBUSY);
    record->loop = ve_bind_of(L)->loop;
    record->tap.audio = on_audio;
    record->tap.arg = record;
    choose_path(record, ve_bind_of(L), call);
    ve_session_tap(session, &record->tap);
    ve_call_waits(call);
    lua_pushinteger(L, record->op.id);
    return 1;
}

static int l_record_stop(lua_State *L)
{
    struct ve_op *op = ve_op_find(ve_bind_task(L), (uint32_t)luaL_checkinteger(L, 1));
    if (!op || op->type != &record_type || op->finished || ((struct record_op *)op)->closing)
        return 0;
    struct record_op *record = (struct record_op *)op;
    struct ve_recorder *recorder = record->recorder;
    struct ve_recorder_result nothing = {0, 0, 0};
    record->recorder = NULL;
    ve_tap_close(&record->tap);
    if (recorder) {
        record->closing = recorder;
        ve_recorder_close(recorder, on_written, record);
    } else {
        record->path[0] = '\0';
        on_written(record, &nothing);
    }
    return 0;
}

static const luaL_Reg functions[] = {
    {"record", l_record},
    {"record_stop", l_record_stop},
    {NULL, NULL},
};

void ve_bind_record(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
