#include "call/inside.h"

#include "base/alloc.h"
#include "base/err.h"

#define RECORDS_MAX 1000

struct record {
    struct ve_link link;
    char id[VE_CALL_ID_MAX + 1];
    struct ve_buf json;
};

const char *ve_call_state_name(enum ve_call_state state)
{
    static const char *const names[] = {"announced", "active", "ending", "ended"};
    return names[state];
}

const char *ve_call_outcome_name(enum ve_call_outcome outcome)
{
    static const char *const names[VE_OUTCOMES] = {
        "", "hangup", "transferred", "caller_hangup", "failed", "timeout"};
    return outcome < VE_OUTCOMES ? names[outcome] : "";
}

static void write_optional(struct ve_jsonw *w, const char *key, struct ve_str text)
{
    ve_jsonw_key(w, key);
    if (text.len)
        ve_jsonw_str(w, text);
    else
        ve_jsonw_null(w);
}

static void write_record(const struct ve_call *call, struct ve_jsonw *w)
{
    ve_jsonw_object(w);
    ve_jsonw_kstr(w, "call_id", ve_str(call->id));
    write_optional(w, "session_id", ve_str(call->session_id));
    write_optional(w, "channel_id", ve_str(call->channel_id));
    ve_jsonw_kstr(w, "state", ve_str(ve_call_state_name(call->state)));
    write_optional(w, "outcome", ve_str(ve_call_outcome_name(call->outcome)));
    write_optional(w, "from", ve_str(call->from));
    write_optional(w, "to", ve_str(call->to));
    ve_jsonw_kstr(w, "direction", ve_call_direction(call));
    ve_jsonw_ku64(w, "began_ms", (uint64_t)call->began_wall_ms);
    ve_jsonw_key(w, "ended_ms");
    if (call->ended_wall_ms)
        ve_jsonw_u64(w, (uint64_t)call->ended_wall_ms);
    else
        ve_jsonw_null(w);
    if (call->vars.len) {
        ve_jsonw_key(w, "vars");
        ve_jsonw_raw(w, ve_buf_str(&call->vars));
    }
    ve_transcript_write(call, w);
    ve_jsonw_object_end(w);
}

static struct record *record_of(struct ve_link *link)
{
    return VE_CONTAINER(link, struct record, link);
}

static void drop_record(struct ve_calls *calls, struct record *record)
{
    ve_map_remove(&calls->records, ve_str(record->id));
    ve_link_remove(&record->link);
    ve_buf_free(&record->json);
    ve_free(record);
    calls->record_count--;
}

void ve_record_keep(struct ve_call *call)
{
    struct ve_calls *calls = call->calls;
    struct record *old = ve_map_find(&calls->records, ve_str(call->id));
    if (old)
        drop_record(calls, old);
    if (calls->record_count >= RECORDS_MAX)
        drop_record(calls, record_of(calls->record_list.next));
    struct record *record = ve_alloc(sizeof(*record));
    if (!record)
        return;
    struct ve_jsonw w;
    ve_str_copy(record->id, sizeof(record->id), ve_str(call->id));
    ve_buf_init(&record->json, 0);
    ve_jsonw_init(&w, &record->json);
    write_record(call, &w);
    if (ve_jsonw_end(&w) != 0 || ve_map_add(&calls->records, ve_str(call->id), record) != 0) {
        ve_buf_free(&record->json);
        ve_free(record);
        return;
    }
    ve_list_push(&calls->record_list, &record->link);
    calls->record_count++;
}

void ve_records_free(struct ve_calls *calls)
{
    VE_LIST_EACH(&calls->record_list, it)
    {
        drop_record(calls, record_of(it));
    }
    ve_map_free(&calls->records);
}

int ve_calls_record(struct ve_calls *calls, struct ve_str call_id, struct ve_buf *out)
{
    struct ve_call *call = ve_calls_find(calls, call_id);
    struct ve_jsonw w;
    if (call) {
        ve_jsonw_init(&w, out);
        write_record(call, &w);
        return ve_jsonw_end(&w);
    }
    struct record *record = ve_map_find(&calls->records, call_id);
    return record ? ve_buf_add_str(out, ve_buf_str(&record->json)) : VE_ENOENT;
}

int ve_calls_list(struct ve_calls *calls, size_t limit, struct ve_buf *out)
{
    struct ve_jsonw w;
    size_t n = 0;
    ve_jsonw_init(&w, out);
    ve_jsonw_object(&w);
    ve_jsonw_ku64(&w, "active", calls->count);
    ve_jsonw_key(&w, "calls");
    ve_jsonw_array(&w);
    VE_LIST_EACH(&calls->running, it)
    {
        if (n++ < limit)
            write_record(VE_CONTAINER(it, struct ve_call, link), &w);
    }
    for (struct ve_link *it = calls->record_list.prev; it != &calls->record_list; it = it->prev) {
        if (n++ < limit)
            ve_jsonw_raw(&w, ve_buf_str(&record_of(it)->json));
    }
    ve_jsonw_array_end(&w);
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}
