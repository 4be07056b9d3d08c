#include "cli/bench.h"

#include "base/err.h"
#include "base/json.h"
#include "cli/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * bench echo: what a frame in and out costs, at more and more calls, the engine and the bare loop
 * in turn, so that a machine whose speed drifts does not favour one of them.
 */

#define RATE_IN   16000
#define RATE_OUT  24000
#define ROUNDS    3
#define STEPS_MAX 8
#define SCRIPT    "return { on_call = function(call) call:echo({ as = \"streamAudio\" }) end }\n"

struct arguments {
    unsigned steps[STEPS_MAX];
    size_t count;
    double seconds;
    bool json;
};

/* One measurement. */
struct figure {
    double us;    /* CPU per frame in and out */
    double share; /* of the processor */
    struct ve_bench_load_result load;
};

struct marks {
    const struct ve_bench_server *server;
    double begin, end;
};

static void mark(void *arg, bool end)
{
    struct marks *marks = arg;
    *(end ? &marks->end : &marks->begin) = ve_bench_cpu(marks->server);
}

static int measure(const struct ve_bench_server *server, unsigned calls, double seconds,
                   uint64_t first_id, struct figure *out, char why[static 160])
{
    struct marks marks = {server, 0, 0};
    struct ve_bench_load_options options = {
        .port = server->port,
        .token = server->token,
        .connections = calls,
        .rate = RATE_IN,
        .warmup = 1.5,
        .seconds = seconds,
        .first_id = first_id,
        .talk = 1,
        .cpu = 1,
        .mark = mark,
        .arg = &marks,
    };
    int err = ve_bench_load(&options, &out->load, why);
    double cpu = marks.end - marks.begin;
    out->us = out->load.received ? cpu * 1e6 / (double)out->load.received : 0;
    out->share = cpu / seconds;
    return err;
}

static int compare(const void *a, const void *b)
{
    double x = ((const struct figure *)a)->us;
    double y = ((const struct figure *)b)->us;
    return (x > y) - (x < y);
}

/* Medians of rounds in which engine and peer take turns. */
static int step(struct ve_bench_server *engine, struct ve_bench_server *peer, unsigned calls,
                double seconds, struct figure *ours, struct figure *bare, char why[static 160])
{
    struct figure a[ROUNDS];
    struct figure b[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t id = (uint64_t)calls * 100000u + (uint64_t)round * 10000u + 1;
        int err = measure(engine, calls, seconds, id, &a[round], why);
        if (!err)
            err = measure(peer, calls, seconds, id, &b[round], why);
        if (err)
            return err;
    }
    qsort(a, ROUNDS, sizeof(a[0]), compare);
    qsort(b, ROUNDS, sizeof(b[0]), compare);
    *ours = a[ROUNDS / 2];
    *bare = b[ROUNDS / 2];
    return 0;
}

static void print_head(void)
{
    printf("echo, %d -> %d Hz, JSON out; CPU of the whole process, medians of %d rounds in turn\n",
           RATE_IN, RATE_OUT, ROUNDS);
    printf("%6s | %8s %6s | %8s | %5s | %21s | %5s %5s\n", "calls", "us/frame", "core", "bare us",
           "ratio", "gap p50/p99/p99.9 ms", "late", "lost");
}

static void print_row(unsigned calls, const struct figure *ours, const struct figure *bare)
{
    printf("%6u | %8.1f %5.1f%% | %8.1f | %5.2f | %6.1f %6.1f %6.1f  | %5llu %5llu\n", calls,
           ours->us, ours->share * 100, bare->us, bare->us > 0 ? ours->us / bare->us : 0,
           ours->load.gap_p50, ours->load.gap_p99, ours->load.gap_p999,
           (unsigned long long)ours->load.late, (unsigned long long)ours->load.lost);
    (void)fflush(stdout);
}

static void write_row(struct ve_jsonw *w, unsigned calls, const struct figure *ours,
                      const struct figure *bare)
{
    const struct {
        const char *key;
        double value;
    } figures[] = {
        {"us_per_frame", ours->us},         {"core_share", ours->share},
        {"bare_us_per_frame", bare->us},    {"gap_p50_ms", ours->load.gap_p50},
        {"gap_p99_ms", ours->load.gap_p99}, {"gap_p999_ms", ours->load.gap_p999},
    };
    ve_jsonw_object(w);
    ve_jsonw_ku64(w, "calls", calls);
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        ve_jsonw_key(w, figures[i].key);
        ve_jsonw_double(w, figures[i].value, 3);
    }
    ve_jsonw_ku64(w, "late", ours->load.late);
    ve_jsonw_ku64(w, "lost", ours->load.lost);
    ve_jsonw_object_end(w);
}

static int parse(struct arguments *args, int argc, char **argv)
{
    static const struct option options[] = {
        {"calls", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    *args = (struct arguments){.steps = {100, 200, 400, 800}, .count = 4, .seconds = 4};
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        struct ve_str rest = ve_str(optarg);
        if (c == 'c') {
            for (args->count = 0; rest.ptr && args->count < STEPS_MAX; args->count++) {
                uint64_t n;
                if (ve_str_u64(&n, ve_str_cut(&rest, ','), 10000) != 0 || !n)
                    return VE_EINVAL;
                args->steps[args->count] = (unsigned)n;
            }
        } else if (c == 's') {
            char *end;
            args->seconds = strtod(optarg, &end);
            if (end == optarg || *end)
                return VE_EINVAL;
        } else if (c == 'j') {
            args->json = true;
        } else {
            return VE_EINVAL;
        }
    }
    return optind == argc && args->seconds >= 0.5 && args->seconds <= 60 ? 0 : VE_EINVAL;
}

static int run(const struct arguments *args, struct ve_bench_server *engine,
               struct ve_bench_server *peer, char why[static 160])
{
    struct ve_buf out;
    struct ve_jsonw w;
    int err = 0;
    ve_buf_init(&out, 0);
    ve_jsonw_init(&w, &out);
    ve_jsonw_array(&w);
    if (!args->json)
        print_head();
    for (size_t i = 0; i < args->count && !err; i++) {
        struct figure ours;
        struct figure bare;
        err = step(engine, peer, args->steps[i], args->seconds, &ours, &bare, why);
        if (!err && args->json)
            write_row(&w, args->steps[i], &ours, &bare);
        else if (!err)
            print_row(args->steps[i], &ours, &bare);
    }
    ve_jsonw_array_end(&w);
    if (!err && args->json)
        printf("%.*s\n", (int)out.len, out.ptr);
    ve_buf_free(&out);
    return err;
}

int ve_bench_echo(int argc, char **argv)
{
    static const char *const settings[] = {"VE_STREAM_RATE=24000", "VE_LOG_LEVEL=info", NULL};
    struct arguments args;
    struct ve_bench_server engine;
    struct ve_bench_server peer;
    char why[160];
    if (parse(&args, argc, argv) != 0)
        return ve_usage("bench", "bench echo [--calls 100,200] [--seconds 4] [--json]");
    int err = ve_bench_engine(&engine, SCRIPT, settings, 0, why);
    if (err) {
        ve_complain(why, NULL, NULL);
        return VE_EXIT_FAILED;
    }
    err = ve_bench_peer(&peer, RATE_IN, RATE_OUT, 0, why);
    if (!err) {
        err = run(&args, &engine, &peer, why);
        ve_bench_stop(&peer);
    }
    ve_bench_stop(&engine);
    if (err)
        ve_complain(why, NULL, NULL);
    return err ? VE_EXIT_FAILED : VE_EXIT_OK;
}
