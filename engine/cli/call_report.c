#include "cli/call_report.h"

#include "base/err.h"
#include "base/json.h"

/* Turns in which the caller spoke are the sentences in their order. */
static void read_turn(struct ve_report_turn *turn, const struct ve_json *json,
                      const struct ve_report_said *said, size_t count, size_t *next)
{
    int64_t gap;
    const struct ve_json *caller = ve_json_get(json, "caller");
    turn->caller = caller ? ve_json_str(caller) : ve_str_n(NULL, 0);
    turn->said = ve_str_n(NULL, 0);
    turn->agent = ve_json_get_str(json, "agent");
    turn->interrupted = ve_json_bool(ve_json_get(json, "interrupted"), false);
    turn->gap_ms = turn->engine_gap_ms = -1;
    if (ve_json_i64(ve_json_get(json, "gap_ms"), &gap) == 0)
        turn->engine_gap_ms = gap;
    if (!ve_json_bool(ve_json_get(json, "spoke"), false) || *next >= count)
        return;
    turn->said = said[*next].text;
    turn->gap_ms = said[*next].gap_ms;
    (*next)++;
}

int ve_report_read(struct ve_report *report, struct ve_str record,
                   const struct ve_report_said *said, size_t count)
{
    char why[96];
    size_t next = 0;
    report->record = NULL;
    report->count = 0;
    int err = ve_json_parse(&report->record, record, why);
    if (err)
        return err;
    const struct ve_json *turns = ve_json_get(report->record, "turns");
    if (ve_json_type(turns) != VE_JSON_ARRAY) {
        ve_report_free(report);
        return VE_EPROTO;
    }
    for (size_t i = 0; i < ve_json_count(turns) && i < VE_REPORT_TURNS_MAX; i++)
        read_turn(&report->turns[report->count++], ve_json_at(turns, i), said, count, &next);
    return 0;
}

void ve_report_free(struct ve_report *report)
{
    ve_json_free(report->record);
    report->record = NULL;
    report->count = 0;
}

static void write_text_or_null(struct ve_jsonw *w, const char *key, struct ve_str text)
{
    ve_jsonw_key(w, key);
    if (text.ptr)
        ve_jsonw_str(w, text);
    else
        ve_jsonw_null(w);
}

int ve_report_json(const struct ve_report *report, struct ve_str call_id, const char *outcome,
                   struct ve_buf *out)
{
    struct ve_jsonw w;
    ve_jsonw_init(&w, out);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "call_id", call_id);
    ve_jsonw_key(&w, "turns");
    ve_jsonw_array(&w);
    for (size_t i = 0; i < report->count; i++) {
        const struct ve_report_turn *turn = &report->turns[i];
        ve_jsonw_object(&w);
        write_text_or_null(&w, "caller", turn->caller);
        write_text_or_null(&w, "said", turn->said);
        ve_jsonw_kstr(&w, "agent", turn->agent);
        ve_jsonw_key(&w, "gap_ms");
        if (turn->gap_ms >= 0)
            ve_jsonw_i64(&w, turn->gap_ms);
        else
            ve_jsonw_null(&w);
        ve_jsonw_kbool(&w, "interrupted", turn->interrupted);
        ve_jsonw_object_end(&w);
    }
    ve_jsonw_array_end(&w);
    ve_jsonw_kstr(&w, "outcome", ve_str(outcome));
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

static int write_turn(const struct ve_report_turn *turn, struct ve_buf *out)
{
    int err = 0;
    if (turn->said.ptr)
        err = ve_buf_printf(out, "caller: %.*s\n", VE_STR_ARG(turn->said));
    if (!err && (turn->said.ptr || turn->caller.ptr))
        err = turn->caller.ptr
                  ? ve_buf_printf(out, "        heard as \"%.*s\"", VE_STR_ARG(turn->caller))
                  : ve_buf_printf(out, "        not understood");
    if (!err && (turn->said.ptr || turn->caller.ptr))
        err = turn->gap_ms >= 0
                  ? ve_buf_printf(out, ", answered after %lld ms\n", (long long)turn->gap_ms)
                  : ve_buf_printf(out, "\n");
    if (!err && turn->agent.len)
        err = ve_buf_printf(out, "agent:  %.*s%s\n", VE_STR_ARG(turn->agent),
                            turn->interrupted ? " [interrupted]" : "");
    return err;
}

int ve_report_text(const struct ve_report *report, const char *outcome, struct ve_buf *out)
{
    int err = 0;
    for (size_t i = 0; i < report->count && !err; i++)
        err = write_turn(&report->turns[i], out);
    return err ? err : ve_buf_printf(out, "outcome: %s\n", outcome);
}
