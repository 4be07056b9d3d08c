#include "call/inside.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

static void free_turn(struct ve_turn_record *turn)
{
    ve_buf_free(&turn->caller);
    ve_buf_free(&turn->agent);
    ve_buf_free(&turn->tools);
}

void ve_transcript_free(struct ve_call *call)
{
    for (size_t i = 0; i < call->turn_count; i++)
        free_turn(&call->turns[i]);
    ve_free(call->turns);
    call->turns = NULL;
    call->turn_count = call->turn_cap = 0;
}

static struct ve_turn_record *last_turn(struct ve_call *call)
{
    return call->turn_count ? &call->turns[call->turn_count - 1] : NULL;
}

static struct ve_turn_record *add_turn(struct ve_call *call)
{
    if (call->turns && call->turn_count == VE_CALL_TURNS_MAX) {
        free_turn(&call->turns[0]);
        memmove(call->turns, call->turns + 1, (VE_CALL_TURNS_MAX - 1) * sizeof(*call->turns));
        call->turn_count--;
        call->turns_forgotten++;
    }
    if (!call->turns || call->turn_count == call->turn_cap) {
        size_t cap = call->turn_cap ? call->turn_cap * 2 : 4;
        struct ve_turn_record *grown = ve_realloc(call->turns, cap * sizeof(*grown));
        if (!grown)
            return NULL;
        call->turns = grown;
        call->turn_cap = cap;
    }
    struct ve_turn_record *turn = &call->turns[call->turn_count++];
    *turn = (struct ve_turn_record){.gap_ms = -1};
    ve_buf_init(&turn->caller, VE_CALL_TURN_TEXT_MAX);
    ve_buf_init(&turn->agent, VE_CALL_TURN_TEXT_MAX);
    ve_buf_init(&turn->tools, VE_CALL_TURN_TEXT_MAX);
    return turn;
}

/* The front of a text that fits into `max` bytes, without half a character at its end. */
static struct ve_str front(struct ve_str text, size_t max)
{
    if (text.len <= max)
        return text;
    size_t len = max;
    while (len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    return ve_str_n(text.ptr, len);
}

/* What does not fit is left out: the record is for people, not for the history of a model. */
static void append_words(struct ve_buf *buf, struct ve_str words)
{
    size_t blank = buf->len ? 1 : 0;
    if (buf->limit)
        words = front(words, buf->limit - buf->len > blank ? buf->limit - buf->len - blank : 0);
    if (!words.len || ve_buf_reserve(buf, blank + words.len) != 0)
        return;
    if (blank)
        (void)ve_buf_add_char(buf, ' ');
    (void)ve_buf_add_str(buf, words);
}

void ve_call_heard(struct ve_call *call, struct ve_str text)
{
    struct ve_turn_record *turn = add_turn(call);
    if (!turn)
        return;
    turn->has_caller = true;
    turn->heard = text.len > 0;
    append_words(&turn->caller, text);
}

/* The agent speaks first, or the turn has not been told yet what the caller said. */
static struct ve_turn_record *agent_turn(struct ve_call *call)
{
    struct ve_turn_record *turn = last_turn(call);
    return turn ? turn : add_turn(call);
}

void ve_call_said(struct ve_call *call, struct ve_str words, bool interrupted)
{
    struct ve_turn_record *turn = agent_turn(call);
    if (!turn)
        return;
    append_words(&turn->agent, words);
    turn->interrupted = turn->interrupted || interrupted;
}

void ve_call_used(struct ve_call *call, struct ve_str name, struct ve_str args,
                  struct ve_str answer)
{
    struct ve_turn_record *turn = agent_turn(call);
    struct ve_buf one;
    struct ve_jsonw w;
    if (!turn)
        return;
    ve_buf_init(&one, VE_CALL_TURN_TEXT_MAX / 2);
    ve_jsonw_init(&w, &one);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "name", name);
    ve_jsonw_kstr(&w, "arguments", args);
    ve_jsonw_kstr(&w, "answer", answer);
    ve_jsonw_object_end(&w);
    /* One that is too long is left out whole. */
    if (ve_jsonw_end(&w) == 0 && turn->tools.len + one.len + 1 <= VE_CALL_TURN_TEXT_MAX) {
        if (turn->tools.len)
            (void)ve_buf_add_char(&turn->tools, ',');
        (void)ve_buf_add_str(&turn->tools, ve_buf_str(&one));
    }
    ve_buf_free(&one);
}

void ve_call_answered_at(struct ve_call *call, uint64_t at_ns)
{
    if (!call->answer_pending)
        return;
    call->answer_pending = false;
    struct ve_turn_record *turn = agent_turn(call);
    uint64_t end = ve_session_stats(call->session).speech_end_ns;
    if (!turn || !end || turn->gap_ms >= 0)
        return;
    turn->gap_ms = at_ns > end ? (int64_t)((at_ns - end) / VE_MS) : 0;
    ve_metric_observe(call->calls->counted.gap, (double)turn->gap_ms / 1e3, NULL);
}

size_t ve_call_turns(const struct ve_call *call)
{
    return call->turn_count;
}

/* `live` is what is being heard at this moment. */
static void write_turn(const struct ve_turn_record *turn, struct ve_str live, struct ve_jsonw *w)
{
    struct ve_buf agent;
    ve_buf_init(&agent, 0);
    append_words(&agent, ve_buf_str(&turn->agent));
    append_words(&agent, live);
    ve_jsonw_object(w);
    ve_jsonw_key(w, "caller");
    if (turn->heard)
        ve_jsonw_str(w, ve_buf_str(&turn->caller));
    else
        ve_jsonw_null(w);
    ve_jsonw_kbool(w, "spoke", turn->has_caller);
    ve_jsonw_kstr(w, "agent", ve_buf_str(&agent));
    ve_jsonw_key(w, "gap_ms");
    if (turn->gap_ms >= 0)
        ve_jsonw_i64(w, turn->gap_ms);
    else
        ve_jsonw_null(w);
    ve_jsonw_kbool(w, "interrupted", turn->interrupted);
    if (turn->tools.len) {
        ve_jsonw_key(w, "tools");
        ve_jsonw_array(w);
        ve_jsonw_raw(w, ve_buf_str(&turn->tools));
        ve_jsonw_array_end(w);
    }
    ve_jsonw_object_end(w);
    ve_buf_free(&agent);
}

void ve_transcript_write(const struct ve_call *call, struct ve_jsonw *w)
{
    static const struct ve_turn_record nothing = {.gap_ms = -1};
    struct ve_buf live;
    ve_buf_init(&live, VE_CALL_TURN_TEXT_MAX);
    ve_says_heard(call, &live);
    ve_jsonw_key(w, "turns");
    ve_jsonw_array(w);
    for (size_t i = 0; i < call->turn_count; i++) {
        bool last = i + 1 == call->turn_count;
        write_turn(&call->turns[i], last ? ve_buf_str(&live) : VE_STR(""), w);
    }
    if (!call->turn_count && live.len)
        write_turn(&nothing, ve_buf_str(&live), w);
    ve_jsonw_array_end(w);
    ve_jsonw_ku64(w, "turns_forgotten", call->turns_forgotten);
    ve_buf_free(&live);
}
