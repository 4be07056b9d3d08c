#include "cli/call_session.h"

#include "cli/engine.h"
#include "cli/local_engine.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/random.h"
#include "loop/input.h"
#include "net/wsc.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- arguments -------------------------------------------------------------------------------- */

static int add_item(struct ve_call_arguments *args, struct ve_caller_item item)
{
    if (args->count >= VE_CALLER_ITEMS_MAX)
        return VE_ETOOBIG;
    item.at_s = -1;
    args->items[args->count++] = item;
    return 0;
}

/* "--at 2.5s" is for the item before it. */
static int set_moment(struct ve_call_arguments *args, const char *text)
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

static int parse_arguments(struct ve_call_arguments *args, int argc, char **argv)
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
        {"demo", no_argument, NULL, 'D'},
        {"seed", required_argument, NULL, 'S'},
        {NULL, 0, NULL, 0},
    };
    int err = 0;
    *args = (struct ve_call_arguments){.from = "33612345678", .to = "33184800000"};
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
        case 'D':
            args->demo = true;
            break;
        case 'S':
            err = ve_str_u64(&args->seed, ve_str(optarg), UINT64_MAX);
            break;
        default:
            err = VE_EINVAL;
        }
    }
    if (!err && (optind < argc || !args->script == !args->connect || (args->demo && args->count)))
        err = VE_EINVAL;
    return err;
}

/* --- the call --------------------------------------------------------------------------------- */

static void on_ended(void *arg, enum ve_phone_end how, const char *why)
{
    struct ve_call_session *s = arg;
    s->over = true;
    s->how = how;
    (void)snprintf(s->why, sizeof(s->why), "%s", why);
    if (how == VE_PHONE_FAILED) {
        s->code = VE_EXIT_FAILED;
        ve_loop_stop(s->loop);
        return;
    }
    if (s->input)
        ve_call_live_end(s);
    else
        ve_call_await_record(s);
}

static const struct ve_caller_events caller_events = {.ended = on_ended};

static int make_call_id(struct ve_call_session *s)
{
    uint64_t id;
    int err = ve_random_u64(&id);
    /* Like Ringover's: an unsigned 64-bit number, often above 2^63. */
    if (!err)
        (void)snprintf(s->call_id, sizeof(s->call_id), "%llu",
                       (unsigned long long)(id | 0x8000000000000000u));
    return err;
}

static int start_caller(struct ve_call_session *s, bool interactive)
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

/* --- where to call ---------------------------------------------------------------------------- */

static int use_own_engine(struct ve_call_session *s)
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

static int use_running_engine(struct ve_call_session *s)
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
    if (ve_call_find_media(s) != 0) {
        ve_complain("the engine cannot be reached", s->http_url,
                    "is it running? Give --connect its HTTP address, or --media its media address");
        return VE_ENOENT;
    }
    return 0;
}

static const char *outcome_of(const struct ve_call_session *s)
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

/* --- the report ------------------------------------------------------------------------------- */

static size_t collect_said(struct ve_call_session *s, struct ve_report_said *said)
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

/* The demo's own verdict, from the record and the recording. */
static int judge_demo(struct ve_call_session *s, const struct ve_report *report)
{
    struct ve_buf problems;
    ve_buf_init(&problems, 0);
    int err = ve_demo_check(&s->demo, report, outcome_of(s), s->args.out, &problems);
    bool fine = !err && problems.len == 0;
    if (!s->args.json)
        printf("recording: %s (caller left, agent right)\n", s->args.out);
    if (fine && !s->args.json)
        printf("demo: every turn was handled as expected (seed %llu)\n",
               (unsigned long long)s->demo.seed);
    if (!fine)
        fprintf(stderr, "demo (seed %llu): not as expected\n%.*s", (unsigned long long)s->demo.seed,
                VE_STR_ARG(ve_buf_str(&problems)));
    ve_buf_free(&problems);
    return fine ? 0 : VE_EFAILED;
}

static int print_report(struct ve_call_session *s)
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
    if (!err && s->args.demo)
        err = judge_demo(s, report);
    ve_report_free(report);
    ve_free(report);
    ve_buf_free(&out);
    return err;
}

static int finish(struct ve_call_session *s)
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

/* A caller drawn from a seed: a new one each time, and the same one again with --seed. */
static void draw_demo(struct ve_call_session *s)
{
    uint64_t seed = s->args.seed;
    if (!seed && ve_random_u64(&seed) == 0)
        seed = seed % 1000000 + 1;
    ve_demo_draw(&s->demo, seed);
    for (size_t i = 0; i < VE_DEMO_ITEMS; i++)
        s->args.items[i] = s->demo.items[i];
    s->args.count = VE_DEMO_ITEMS;
    if (!s->args.out)
        s->args.out = "demo.wav";
    if (!s->args.json)
        printf("demo: seed %llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
}

static int talk(struct ve_call_session *s)
{
    if (s->args.demo)
        draw_demo(s);
    bool interactive = s->args.count == 0;
    int err = s->args.script ? use_own_engine(s) : use_running_engine(s);
    if (!err)
        err = make_call_id(s);
    if (!err)
        err = start_caller(s, interactive);
    if (err)
        return VE_EXIT_FAILED;
    if (interactive) {
        if (ve_call_live_start(s) != 0)
            return VE_EXIT_FAILED;
    }
    ve_loop_run(s->loop);
    return finish(s);
}

static void on_drained(void *arg)
{
    ve_loop_stop(arg);
}

static void close_session(struct ve_call_session *s)
{
    ve_input_free(s->input);
    ve_timer_stop(&s->again);
    ve_httpc_free(s->http);
    if (s->caller)
        ve_caller_stop(s->caller);
    if (s->speech) {
        ve_speech_drain(s->speech, on_drained, s->loop);
        ve_loop_run(s->loop);
    }
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
    struct ve_call_session *s = ve_alloc(sizeof(*s));
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
    err = ve_httpc_new(&s->http, s->loop, &s->log.log);
    if (!err)
        err = ve_wsc_new(&s->ws, s->loop, &s->log.log);
    if (!err)
        err = ve_speech_new(&s->speech, s->loop, &s->log.log);
    int code = err ? VE_EXIT_FAILED : talk(s);
    close_session(s);
    return code;
}
