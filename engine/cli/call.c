#include "cli/call_report.h"
#include "cli/caller.h"
#include "cli/engine.h"
#include "cli/local_engine.h"
#include "cli/verbs.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/random.h"
#include "loop/input.h"
#include "loop/timer.h"
#include "net/httpc.h"
#include "net/wsc.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The record is complete when the call has ended at the engine's side; asked so often, so long. */
#define RECORD_TRIES 40
#define RECORD_PAUSE (50 * VE_MS)
/* Interactive: how often the agent's words are asked for. */
#define WATCH_PAUSE (150 * VE_MS)

struct arguments {
    const char *script, *connect, *media, *out, *from, *to, *voice;
    bool json;
    struct ve_caller_item items[VE_CALLER_ITEMS_MAX];
    size_t count;
};

struct session {
    struct arguments args;
    struct ve_cli_log log;
    struct ve_loop *loop;
    struct ve_httpc *http;
    struct ve_wsc *ws;
    struct ve_speech *speech;
    struct ve_local_engine *local;
    struct ve_settings settings;
    struct ve_input *input;
    struct ve_caller *caller;
    char http_url[256], media_url[256], call_id[24];
    enum ve_phone_end how;
    char why[160];
    bool over;
    struct ve_timer again; /* for the record, and for what the agent says */
    unsigned tries;
    struct ve_buf record;
    char *lines[VE_CALLER_ITEMS_MAX]; /* owned: interactive sentences */
    size_t line_count;
    size_t shown_turns, shown_words; /* interactive: of the agent's words */
    int code;
};

/* --- arguments
 * ------------------------------------------------------------------------------------- */

static int add_item(struct arguments *args, struct ve_caller_item item)
{
    if (args->count >= VE_CALLER_ITEMS_MAX)
        return VE_ETOOBIG;
    item.at_s = -1;
    args->items[args->count++] = item;
    return 0;
}

/* "--at 2.5s" is for the item before it. */
static int set_moment(struct arguments *args, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (*end == 's')
        end++;
    if (!args->count || *end || !(seconds >= 0 && seconds < 3600))
        return VE_EINVAL;
    args->items[args->count - 1].at_s = seconds;
    return 0;
}

static int parse_arguments(struct arguments *args, int argc, char **argv)
{
    static const struct option options[] = {
        {"script", required_argument, NULL, 's'},
        {"connect", required_argument, NULL, 'c'},
        {"media", required_argument, NULL, 'm'},
        {"say", required_argument, NULL, 'y'},
        {"wav", required_argument, NULL, 'w'},
        {"digits", required_argument, NULL, 'd'},
        {"at", required_argument, NULL, 'a'},
        {"out", required_argument, NULL, 'o'},
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"voice", required_argument, NULL, 'v'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int err = 0;
    *args = (struct arguments){.from = "33612345678", .to = "33184800000"};
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1 && !err;
         c = getopt_long(argc, argv, "", options, NULL)) {
        switch (c) {
        case 's':
            args->script = optarg;
            break;
        case 'c':
            args->connect = optarg;
            break;
        case 'm':
            args->media = optarg;
            break;
        case 'y':
            err = add_item(args, (struct ve_caller_item){.text = optarg});
            break;
        case 'w':
            err = add_item(args, (struct ve_caller_item){.text = optarg, .wav = optarg});
            break;
        case 'd':
            err = add_item(args, (struct ve_caller_item){.digits = optarg});
            break;
        case 'a':
            err = set_moment(args, optarg);
            break;
        case 'o':
            args->out = optarg;
            break;
        case 'f':
            args->from = optarg;
            break;
        case 't':
            args->to = optarg;
            break;
        case 'v':
            args->voice = optarg;
            break;
        case 'j':
            args->json = true;
            break;
        default:
            err = VE_EINVAL;
        }
    }
    if (!err && (optind < argc || !args->script == !args->connect))
        err = VE_EINVAL;
    return err;
}

/* --- the record
 * ------------------------------------------------------------------------------------ */

static void ask_record(struct session *s);

static bool is_ended(struct ve_str text)
{
    char why[96];
    struct ve_json *json;
    if (ve_json_parse(&json, text, why) != 0)
        return false;
    bool ended = ve_str_eq(ve_json_get_str(json, "state"), VE_STR("ended"));
    ve_json_free(json);
    return ended;
}

static void on_record(void *arg, const struct ve_httpc_result *result)
{
    struct session *s = arg;
    bool got = !result->err && result->status == 200;
    if (got && is_ended(ve_buf_str(&s->record))) {
        ve_loop_stop(s->loop);
        return;
    }
    if (++s->tries < RECORD_TRIES) {
        ve_timer_start(&s->again, RECORD_PAUSE);
        return;
    }
    (void)snprintf(s->why, sizeof(s->why), "the engine did not give the call's record");
    s->code = VE_EXIT_FAILED;
    ve_loop_stop(s->loop);
}

static int record_write(void *sink, const void *bytes, size_t len)
{
    int err = ve_buf_add(sink, bytes, len);
    return err ? err : VE_FLOW_MORE;
}

static void record_end(void *sink, int err)
{
    (void)sink;
    (void)err;
}

static int get_record(struct session *s, void (*done)(void *arg, const struct ve_httpc_result *))
{
    static const struct ve_sink_ops ops = {record_write, record_end};
    char url[320];
    char bearer[VE_SECRET_MAX + 16];
    struct ve_httpc_field field = {"Authorization", {NULL, 0}};
    const char *token =
        s->settings.tokens.operate[0] ? s->settings.tokens.operate : s->settings.tokens.read;
    (void)snprintf(url, sizeof(url), "%s/api/v1/calls/%s", s->http_url, s->call_id);
    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
    field.value = ve_str(bearer);
    ve_buf_clear(&s->record);
    struct ve_httpc_options options = {
        .url = ve_str(url),
        .fields = &field,
        .field_count = token[0] ? 1 : 0,
        .sink = {&ops, &s->record},
        .done = done,
        .arg = s,
    };
    struct ve_httpc_request *request;
    return ve_httpc_start(s->http, &options, &request);
}

static void ask_record(struct session *s)
{
    if (get_record(s, on_record) != 0) {
        s->code = VE_EXIT_FAILED;
        ve_loop_stop(s->loop);
    }
}

/* --- interactive: the agent's words as they are played
 * ----------------------------------------------- */

/* Prints what the agent has been heard to say since the last look. */
static void show_turn(struct session *s, const struct ve_json *turn, bool fresh)
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

static void show_words(struct session *s)
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
    struct session *s = arg;
    if (!result->err && result->status == 200)
        show_words(s);
    if (!s->over)
        ve_timer_start(&s->again, WATCH_PAUSE);
    else
        ask_record(s);
}

static void on_again(void *arg)
{
    struct session *s = arg;
    if (s->over)
        ask_record(s);
    else if (get_record(s, on_watch) != 0)
        ve_timer_start(&s->again, WATCH_PAUSE);
}

static void on_line(void *arg, const char *line, size_t len)
{
    struct session *s = arg;
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

/* --- the call
 * ----------------------------------------------------------------------------------------- */

static void on_ended(void *arg, enum ve_phone_end how, const char *why)
{
    struct session *s = arg;
    s->over = true;
    s->how = how;
    (void)snprintf(s->why, sizeof(s->why), "%s", why);
    if (how == VE_PHONE_FAILED) {
        s->code = VE_EXIT_FAILED;
        ve_loop_stop(s->loop);
        return;
    }
    if (!s->input)
        ask_record(s);
    else if (s->again.active) /* otherwise a request is under way and goes on from there */
        ve_timer_start(&s->again, 0);
}

static const struct ve_caller_events caller_events = {.ended = on_ended};

static int make_call_id(struct session *s)
{
    uint64_t id;
    int err = ve_random_u64(&id);
    /* Like Ringover's: an unsigned 64-bit number, often above 2^63. */
    if (!err)
        (void)snprintf(s->call_id, sizeof(s->call_id), "%llu",
                       (unsigned long long)(id | 0x8000000000000000u));
    return err;
}

static int start_caller(struct session *s, bool interactive)
{
    char why[160] = "";
    struct ve_caller_options options = {
        .phone =
            {
                .loop = s->loop,
                .log = &s->log.log,
                .http = s->http,
                .ws = s->ws,
                .http_url = ve_str(s->http_url),
                .media_url = ve_str(s->media_url),
                .secrets = &s->settings.secrets,
                .call_id = ve_str(s->call_id),
                .from = ve_str(s->args.from),
                .to = ve_str(s->args.to),
            },
        .speech = s->speech,
        .voice = s->args.voice,
        .items = s->args.items,
        .item_count = s->args.count,
        .stay = interactive,
        .events = &caller_events,
        .arg = s,
    };
    int err = ve_caller_new(&s->caller, &options, why);
    if (err)
        ve_complain(why, NULL, "are the --wav files there, and is --voice rms or slt?");
    return err;
}

/* The media address of a running engine, from its health page. */
static void on_health(void *arg, const struct ve_httpc_result *result)
{
    struct session *s = arg;
    char why[96];
    struct ve_json *json;
    if (!result->err && result->status == 200 &&
        ve_json_parse(&json, ve_buf_str(&s->record), why) == 0) {
        ve_str_copy(s->media_url, sizeof(s->media_url),
                    ve_json_get_str(ve_json_get(json, "media"), "url"));
        ve_json_free(json);
    }
    if (!s->media_url[0])
        (void)snprintf(s->why, sizeof(s->why), "%s",
                       result->err ? result->why : "no media address");
    ve_loop_stop(s->loop);
}

static int find_media(struct session *s)
{
    static const struct ve_sink_ops ops = {record_write, record_end};
    char url[320];
    struct ve_httpc_request *request;
    if (s->args.media) {
        ve_str_copy(s->media_url, sizeof(s->media_url), ve_str(s->args.media));
        size_t len = strlen(s->media_url);
        if (len && s->media_url[len - 1] != '/' && len + 1 < sizeof(s->media_url))
            memcpy(s->media_url + len, "/", 2);
        return 0;
    }
    (void)snprintf(url, sizeof(url), "%s/api/v1/health", s->http_url);
    struct ve_httpc_options options = {
        .url = ve_str(url), .sink = {&ops, &s->record}, .done = on_health, .arg = s};
    int err = ve_httpc_start(s->http, &options, &request);
    if (!err)
        ve_loop_run(s->loop);
    return s->media_url[0] ? 0 : VE_ENOENT;
}

/* --- where to call
 * -------------------------------------------------------------------------------------- */

static int use_own_engine(struct session *s)
{
    char why[1024];
    if (ve_local_engine_start(&s->local, s->args.script, &s->log.log, why) != 0) {
        ve_complain(why, NULL, NULL);
        return VE_EFAILED;
    }
    s->settings = *ve_local_engine_settings(s->local);
    (void)snprintf(s->http_url, sizeof(s->http_url), "http://127.0.0.1:%u",
                   ve_local_engine_http_port(s->local));
    (void)snprintf(s->media_url, sizeof(s->media_url), "ws://127.0.0.1:%u/stream/",
                   ve_local_engine_media_port(s->local));
    return 0;
}

static int use_running_engine(struct session *s)
{
    struct ve_setting_error error;
    bool made;
    size_t len = strlen(s->args.connect);
    while (len && s->args.connect[len - 1] == '/')
        len--;
    ve_str_copy(s->http_url, sizeof(s->http_url), ve_str_n(s->args.connect, len));
    /* The same secrets as the engine's: its settings, or dev.env of its data folder. */
    if (ve_settings_load_process(&s->settings, &error) != 0 ||
        ve_settings_complete(&s->settings, &made, &error) != 0) {
        ve_complain(error.what, error.where, error.fix);
        return VE_EINVAL;
    }
    if (find_media(s) != 0) {
        ve_complain("the engine cannot be reached", s->http_url,
                    "is it running? Give --connect its HTTP address, or --media its media address");
        return VE_ENOENT;
    }
    return 0;
}

static const char *outcome_of(const struct session *s)
{
    switch (s->how) {
    case VE_PHONE_AGENT_HUNG_UP:
        return "hangup";
    case VE_PHONE_TRANSFERRED:
        return "transferred";
    case VE_PHONE_CALLER_HUNG_UP:
        return "caller_hangup";
    default:
        return "failed";
    }
}

/* --- the report
 * ------------------------------------------------------------------------------------------- */

static size_t collect_said(struct session *s, struct ve_report_said *said)
{
    size_t n = 0;
    for (size_t i = 0; i < s->args.count; i++) {
        const struct ve_caller_item *item = &s->args.items[i];
        const char *text = item->text ? item->text : item->digits;
        said[n++] = (struct ve_report_said){ve_str(text), ve_caller_gap_ms(s->caller, i)};
    }
    for (size_t i = 0; i < s->line_count; i++)
        said[n++] = (struct ve_report_said){ve_str(s->lines[i]),
                                            ve_caller_gap_ms(s->caller, s->args.count + i)};
    return n;
}

static int print_report(struct session *s)
{
    struct ve_report_said said[2 * VE_CALLER_ITEMS_MAX];
    struct ve_report *report = ve_alloc(sizeof(*report));
    struct ve_buf out;
    if (!report)
        return VE_ENOMEM;
    ve_buf_init(&out, 0);
    size_t count = collect_said(s, said);
    int err = ve_report_read(report, ve_buf_str(&s->record), said, count);
    if (!err)
        err = s->args.json ? ve_report_json(report, ve_str(s->call_id), outcome_of(s), &out)
                           : ve_report_text(report, outcome_of(s), &out);
    if (!err)
        printf("%.*s%s", (int)out.len, out.ptr, s->args.json ? "\n" : "");
    ve_report_free(report);
    ve_free(report);
    ve_buf_free(&out);
    return err;
}

static int finish(struct session *s)
{
    if (s->code != VE_EXIT_OK) {
        ve_complain(s->why, NULL, NULL);
        return s->code;
    }
    if (s->args.out &&
        ve_timeline_write(ve_phone_timeline(ve_caller_phone(s->caller)), s->args.out) != 0) {
        ve_complain("the recording cannot be written", s->args.out, "is the folder there?");
        return VE_EXIT_FAILED;
    }
    if (s->input && !s->args.json) {
        printf("\noutcome: %s\n", outcome_of(s));
        return VE_EXIT_OK;
    }
    return print_report(s) == 0 ? VE_EXIT_OK : VE_EXIT_FAILED;
}

static int talk(struct session *s)
{
    bool interactive = s->args.count == 0;
    int err = s->args.script ? use_own_engine(s) : use_running_engine(s);
    if (!err)
        err = make_call_id(s);
    if (!err)
        err = start_caller(s, interactive);
    if (err)
        return VE_EXIT_FAILED;
    if (interactive) {
        printf("Type what the caller says; an empty line hangs up.\n");
        (void)ve_input_new(&s->input, s->loop, STDIN_FILENO, on_line, s);
        ve_timer_start(&s->again, WATCH_PAUSE);
    }
    ve_loop_run(s->loop);
    return finish(s);
}

static void close_session(struct session *s)
{
    ve_input_free(s->input);
    ve_timer_stop(&s->again);
    ve_httpc_free(s->http);
    ve_caller_free(s->caller);
    if (s->ws)
        ve_wsc_free(s->ws);
    ve_speech_free(s->speech);
    ve_local_engine_stop(s->local);
    ve_settings_wipe(&s->settings);
    for (size_t i = 0; i < s->line_count; i++)
        ve_free(s->lines[i]);
    ve_buf_free(&s->record);
    s->log.log.clock = NULL;
    s->log.log.wall_ms = NULL;
    ve_loop_free(s->loop);
    ve_cli_log_close(&s->log);
    ve_free(s);
}

int ve_verb_call(int argc, char **argv)
{
    const char *failed = "";
    struct session *s = ve_alloc(sizeof(*s));
    if (!s)
        return VE_EXIT_FAILED;
    if (parse_arguments(&s->args, argc, argv) != 0) {
        ve_free(s);
        return ve_usage("call", "either --script FILE or --connect URL; see the help for the rest");
    }
    ve_buf_init(&s->record, 16 * 1024 * 1024);
    int err = ve_engine_process_init(&failed);
    if (!err)
        err = ve_loop_new_live(&s->loop);
    if (err || ve_cli_log_open(&s->log, VE_LOG_TEXT, VE_LOG_WARN) != 0) {
        ve_complain("the caller cannot start", failed, NULL);
        ve_loop_free(s->loop);
        ve_free(s);
        return VE_EXIT_FAILED;
    }
    s->log.log.clock = s->loop;
    ve_timer_init(&s->again, s->loop, on_again, s);
    err = ve_httpc_new(&s->http, s->loop, &s->log.log);
    if (!err)
        err = ve_wsc_new(&s->ws, s->loop, &s->log.log);
    if (!err)
        err = ve_speech_new(&s->speech, s->loop, &s->log.log);
    int code = err ? VE_EXIT_FAILED : talk(s);
    close_session(s);
    return code;
}
