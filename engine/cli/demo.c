#include "cli/demo.h"

#include "audio/level.h"
#include "audio/wav.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "media/fifo.h"

#include <stdio.h>
#include <string.h>

/* Silence that ends an utterance of the caller; he makes shorter pauses between words. */
#define PAUSE_MS  800
#define WINDOW_MS 10

struct wish {
    const char *department;
    const char *phrase;
    const char *answer;
};

static const struct wish wishes[] = {
    {"sales", "I would like to speak to the sales department please", "through to sales"},
    {"sales", "sales please", "through to sales"},
    {"billing", "billing please", "through to billing"},
    {"billing", "I have a question about my bill", "through to billing"},
    {"support", "technical support please", "through to the service department"},
    {"person", "I want to speak to a real person please", "through to a colleague"},
};

static const struct wish questions[] = {
    {NULL, "opening hours please", "Monday to Friday"},
    {NULL, "where are you", "Station Road"},
};

static const char *const nonsense[] = {
    "the yellow submarine sleeps under a purple tree",
    "tomorrow my grandmother will bake seven cakes",
    "elephants never forget where they put the umbrella",
};

#define PICK(rng, list) (&(list)[ve_rng_below((rng), sizeof(list) / sizeof((list)[0]))])

static void set(struct ve_demo *demo, size_t at, const char *phrase, const char *expected)
{
    demo->items[at] = (struct ve_caller_item){.text = phrase, .at_s = -1};
    demo->expected[at] = expected;
    demo->understood[at] = true;
}

void ve_demo_draw(struct ve_demo *demo, uint64_t seed)
{
    struct ve_rng rng;
    ve_rng_seed(&rng, seed);
    const struct wish *question = PICK(&rng, questions);
    const struct wish *wish = PICK(&rng, wishes);
    *demo = (struct ve_demo){.seed = seed, .department = wish->department};
    set(demo, 0, *PICK(&rng, nonsense), "did not understand");
    demo->understood[0] = false;
    set(demo, 1, question->phrase, question->answer);
    set(demo, 2, wish->phrase, wish->answer);
    set(demo, 3, "yes please", "One moment");
}

/* --- the recording ---------------------------------------------------------------------------- */

static int read_file(const char *path, struct ve_buf *out)
{
    FILE *file = fopen(path, "rb");
    int err = 0;
    ve_buf_init(out, 512u * 1024 * 1024);
    if (!file)
        return VE_EIO;
    while (!err && !feof(file) && !ferror(file)) {
        err = ve_buf_reserve(out, 65536);
        if (!err)
            out->len += fread(out->ptr + out->len, 1, 65536, file);
    }
    (void)fclose(file);
    return err;
}

/* One side of an interleaved recording. */
static int16_t *take_side(const struct ve_wav *wav, unsigned side)
{
    int16_t frames[2 * 512];
    int16_t *out = ve_alloc_array(wav->frames + 1, sizeof(*out));
    for (size_t at = 0; out && at < wav->frames;) {
        size_t n = ve_wav_read(wav, at, frames, 512);
        for (size_t i = 0; i < n; i++)
            out[at + i] = frames[2 * i + side];
        at += n;
    }
    return out;
}

/* Finds the utterances by their pauses, and after each the first sound of the agent. */
static int measure(const int16_t *caller, const int16_t *agent, size_t count, uint32_t rate,
                   int64_t *gaps, size_t max)
{
    size_t window = (size_t)rate * WINDOW_MS / 1000;
    size_t pause = (size_t)rate * PAUSE_MS / 1000;
    size_t n = 0;
    size_t last = 0; /* position after the last sound of the utterance, 0 = none */
    for (size_t at = 0; at <= count; at += window) {
        size_t len = count - at < window ? count - at : window;
        size_t sound = len ? ve_level_last(caller + at, len, rate, VE_AUDIBLE_DB) : SIZE_MAX;
        if (sound != SIZE_MAX) {
            last = at + sound + 1;
        } else if (last && (at - last >= pause || at + window > count)) {
            size_t first = ve_level_first(agent + last, count - last, rate, VE_AUDIBLE_DB);
            if (n < max)
                gaps[n++] = first == SIZE_MAX ? -1 : (int64_t)(first * 1000 / rate);
            last = 0;
        }
    }
    return (int)n;
}

int ve_demo_gaps(const char *path, int64_t *gaps, size_t max)
{
    struct ve_buf bytes;
    struct ve_wav wav;
    int result = read_file(path, &bytes);
    if (!result)
        result = ve_wav_parse(&wav, bytes.ptr, bytes.len);
    if (!result && wav.channels != 2)
        result = VE_EPROTO;
    if (!result) {
        int16_t *caller = take_side(&wav, 0);
        int16_t *agent = take_side(&wav, 1);
        result =
            caller && agent ? measure(caller, agent, wav.frames, wav.rate, gaps, max) : VE_ENOMEM;
        ve_free(caller);
        ve_free(agent);
    }
    ve_buf_free(&bytes);
    return result;
}

/* --- the checks ------------------------------------------------------------------------------- */

static bool contains(struct ve_str text, const char *words)
{
    size_t len = strlen(words);
    for (size_t at = 0; at + len <= text.len; at++) {
        if (ve_str_ieq(ve_str_n(text.ptr + at, len), ve_str(words)))
            return true;
    }
    return false;
}

/* The k-th turn in which the caller said something of the list. */
static const struct ve_report_turn *said_turn(const struct ve_report *report, size_t k)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->turns[i].said.ptr && k-- == 0)
            return &report->turns[i];
    }
    return NULL;
}

static int check_turn(const struct ve_demo *demo, size_t k, const struct ve_report_turn *turn,
                      int64_t wav_gap, struct ve_buf *problems)
{
    const char *said = demo->items[k].text;
    int err = 0;
    if (!turn)
        return ve_buf_printf(problems, "\"%s\" was not heard at all\n", said);
    if (demo->understood[k] != (turn->caller.ptr != NULL))
        err = ve_buf_printf(problems, "\"%s\" was %s\n", said,
                            turn->caller.ptr ? "taken for an answer" : "not understood");
    if (!err && !contains(turn->agent, demo->expected[k]))
        err = ve_buf_printf(problems, "\"%s\" was not answered with \"%s\"\n", said,
                            demo->expected[k]);
    int64_t apart = wav_gap > turn->engine_gap_ms ? wav_gap - turn->engine_gap_ms
                                                  : turn->engine_gap_ms - wav_gap;
    if (!err && (wav_gap < 0 || turn->engine_gap_ms < 0 || apart > VE_DEMO_GAP_MS))
        err = ve_buf_printf(problems,
                            "\"%s\": the gap is %lld ms on the recording and %lld ms in "
                            "the engine's record\n",
                            said, (long long)wav_gap, (long long)turn->engine_gap_ms);
    return err;
}

int ve_demo_check(const struct ve_demo *demo, const struct ve_report *report, const char *outcome,
                  const char *wav, struct ve_buf *problems)
{
    int64_t gaps[VE_DEMO_ITEMS] = {-1, -1, -1, -1};
    int err = 0;
    int found = ve_demo_gaps(wav, gaps, VE_DEMO_ITEMS);
    if (found != VE_DEMO_ITEMS)
        err = ve_buf_printf(problems, "the recording has %d utterances of the caller, not %d\n",
                            found, VE_DEMO_ITEMS);
    for (size_t k = 0; k < VE_DEMO_ITEMS && !err; k++)
        err = check_turn(demo, k, said_turn(report, k), gaps[k], problems);
    struct ve_str department = ve_json_get_str(ve_json_get(report->record, "vars"), "department");
    if (!err && !ve_str_eq(department, ve_str(demo->department)))
        err = ve_buf_printf(problems, "the department is \"%.*s\", not \"%s\"\n",
                            VE_STR_ARG(department), demo->department);
    if (!err && strcmp(outcome, "transferred") != 0)
        err = ve_buf_printf(problems, "the outcome is \"%s\", not \"transferred\"\n", outcome);
    return err;
}
