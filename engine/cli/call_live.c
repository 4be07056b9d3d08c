#include "cli/call_session.h"

#include "base/alloc.h"
#include "base/json.h"
#include "loop/input.h"

#include <stdio.h>
#include <unistd.h>

/* How often the agent's words are asked for. */
#define WATCH_PAUSE (150 * VE_MS)

/* Prints what the agent has been heard to say since the last look. */
static void show_turn(struct ve_call_session *s, const struct ve_json *turn, bool fresh)
{
    struct ve_str agent = ve_json_get_str(turn, "agent");
    const struct ve_json *caller = ve_json_get(turn, "caller");
    int64_t gap;
    if (fresh && caller)
        printf("\n  (heard \"%.*s\"", VE_STR_ARG(ve_json_str(caller)));
    else if (fresh && ve_json_bool(ve_json_get(turn, "spoke"), false))
        printf("\n  (not understood");
    if (fresh && ve_json_bool(ve_json_get(turn, "spoke"), false))
        printf(ve_json_i64(ve_json_get(turn, "gap_ms"), &gap) == 0 ? ", %lld ms)\n" : ")\n",
               (long long)(ve_json_i64(ve_json_get(turn, "gap_ms"), &gap) == 0 ? gap : 0));
    if (s->shown_words == 0 && agent.len)
        printf("agent: ");
    if (agent.len > s->shown_words)
        printf("%.*s", (int)(agent.len - s->shown_words), agent.ptr + s->shown_words);
    s->shown_words = agent.len;
    (void)fflush(stdout);
}

static void show_words(struct ve_call_session *s)
{
    char why[96];
    struct ve_json *json;
    if (ve_json_parse(&json, ve_buf_str(&s->record), why) != 0)
        return;
    const struct ve_json *turns = ve_json_get(json, "turns");
    size_t count = ve_json_count(turns);
    for (size_t i = s->shown_turns ? s->shown_turns - 1 : 0; i < count; i++) {
        bool fresh = i >= s->shown_turns;
        /* A new turn is shown once its gap is known, that is, once the agent answers. */
        const struct ve_json *turn = ve_json_at(turns, i);
        if (fresh && !ve_json_get_str(turn, "agent").len)
            break;
        if (fresh) {
            s->shown_turns = i + 1;
            s->shown_words = 0;
        }
        show_turn(s, turn, fresh);
    }
    ve_json_free(json);
}

static void on_watch(void *arg, const struct ve_httpc_result *result)
{
    struct ve_call_session *s = arg;
    if (!result->err && result->status == 200)
        show_words(s);
    if (!s->over)
        ve_timer_start(&s->again, WATCH_PAUSE);
    else
        ve_call_await_record(s);
}

static void on_again(void *arg)
{
    struct ve_call_session *s = arg;
    if (s->over)
        ve_call_await_record(s);
    else if (ve_call_get_record(s, on_watch) != 0)
        ve_timer_start(&s->again, WATCH_PAUSE);
}

static void on_line(void *arg, const char *line, size_t len)
{
    struct ve_call_session *s = arg;
    struct ve_str text = ve_str_trim(ve_str_n(line, len));
    if (s->over)
        return;
    if (!line || !text.len) {
        ve_caller_hang_up(s->caller);
        return;
    }
    char *copy = ve_strndup(text.ptr, text.len);
    if (!copy || s->line_count >= VE_CALLER_ITEMS_MAX || ve_caller_say(s->caller, text) != 0) {
        printf("(too fast: wait until the sentence is spoken)\n");
        ve_free(copy);
        return;
    }
    s->lines[s->line_count++] = copy;
}

int ve_call_live_start(struct ve_call_session *s)
{
    printf("Type what the caller says; an empty line hangs up.\n");
    ve_timer_init(&s->again, s->loop, on_again, s);
    ve_timer_start(&s->again, WATCH_PAUSE);
    return ve_input_new(&s->input, s->loop, STDIN_FILENO, on_line, s);
}

void ve_call_live_end(struct ve_call_session *s)
{
    if (s->again.active) /* otherwise a request is under way and goes on from there */
        ve_timer_start(&s->again, 0);
}
