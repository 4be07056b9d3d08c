/*
 * What the offline recogniser makes of callers, of sentences outside its grammar, and of sounds.
 *
 *   bench_recogniser [--every N] [--offset K] [--voices rms,slt,awb,kal] [--speeds 1,0.85]
 *                    [--traits FILE] [--wrong]
 *
 * Every clip goes the way of a call: 20 ms at a time into a ve_session, whose detector opens and
 * ends the turn, through an ear with its pre-roll into the recogniser; only the clock is virtual.
 * Sounds go to the recogniser directly, as if the detector had taken them for speech. The words are
 * all that scripts/main.lua understands, each alone, with a tail, and with a lead.
 *
 *   --every N    only every N-th saying and sentence, from the K-th on
 *   --traits     appends what the verdict judged by, one line a clip, for
 * tests/bench/fit_verdict.py
 *   --wrong      prints every clip that was not judged as it should be
 */
#include "audio/vad.h"
#include "base/buf.h"
#include "media/session.h"
#include "speech/hearer.h"
#include "speech/speech.h"

#include "clips.h"
#include "menus.h"
#include "sentences.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MS 20

static const struct line lines[] = {
    {"16 kHz", 16000, -INFINITY},
    {"16 kHz -30", 16000, -30},
    {"phone", 8000, -INFINITY},
    {"phone -30", 8000, -30},
};
enum { LINES = sizeof(lines) / sizeof(*lines), VOICES_MAX = 8, SPEEDS_MAX = 8 };

struct score {
    unsigned right, wrong, rejected, unheard;
};

struct bench {
    struct ve_loop *loop;
    struct ve_media media;
    struct ve_speech *speech;
    struct menu menus[2];
    size_t every, offset;
    char voices[VOICES_MAX][8];
    size_t voice_count;
    float speeds[SPEEDS_MAX];
    size_t speed_count;
    FILE *traits; /* NULL: not wanted */
    bool show_wrong;
    struct ve_decoder_pool *pool; /* for the traits */
};

/* One utterance on its way through a call. */
struct listener {
    struct bench *bench;
    const struct ve_grammar *grammar;
    struct ve_session *session;
    struct ve_ear ear;
    struct ve_recogniser *recogniser;
    struct ve_buf heard; /* the samples that the ear was given */
    uint32_t rate;       /* Hz */
    bool finishing;
    bool answered;
    int phrase;
    char text[256];
    char reason[16];
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_recogniser: %s\n", what);
    exit(1);
}

/* --- as bind_listen does it ------------------------------------------------------------------- */

static void on_result(void *arg, const struct ve_recogniser_result *result)
{
    struct listener *l = arg;
    l->answered = true;
    l->phrase = result->phrase;
    (void)ve_str_copy(l->text, sizeof(l->text), result->text);
    (void)ve_str_copy(l->reason, sizeof(l->reason), ve_str(result->reason ? result->reason : ""));
    if (l->session)
        ve_ear_close(&l->ear);
}

static void on_partial(void *arg, struct ve_str text, int phrase)
{
    struct listener *l = arg;
    if (l->session)
        (void)ve_session_partial(l->session, text, phrase >= 0);
}

static void on_failed(void *arg, int err, const char *why)
{
    (void)arg;
    (void)err;
    die(why);
}

static void ear_begin(void *arg, uint32_t rate)
{
    struct listener *l = arg;
    if (rate != l->rate)
        die("the rate changed");
}

static void ear_audio(void *arg, const int16_t *samples, size_t count)
{
    struct listener *l = arg;
    if (l->finishing)
        return;
    if (ve_recogniser_feed(l->recogniser, samples, count) != 0 ||
        ve_buf_add(&l->heard, samples, count * sizeof(*samples)) != 0)
        die("the recogniser takes no samples");
}

static void ear_drop(void *arg)
{
    struct listener *l = arg;
    if (!l->finishing)
        ve_recogniser_reset(l->recogniser);
    ve_buf_clear(&l->heard);
}

static void ear_commit(void *arg, uint32_t turn, uint32_t take)
{
    struct listener *l = arg;
    (void)turn;
    (void)take;
    if (l->finishing)
        return;
    l->finishing = true;
    if (ve_recogniser_finish(l->recogniser) != 0)
        die("the recogniser cannot finish");
}

static const struct ve_ear_ops ear_ops = {
    .begin = ear_begin, .audio = ear_audio, .drop = ear_drop, .commit = ear_commit};

static struct listener *listen(struct bench *bench, const struct ve_grammar *grammar,
                               struct ve_session *session, uint32_t rate)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (!l)
        die("no memory");
    l->bench = bench;
    l->grammar = grammar;
    l->session = session;
    l->rate = rate;
    l->phrase = -1;
    ve_buf_init(&l->heard, 0);
    struct ve_recogniser_options options = {
        .grammar = grammar,
        .rate = rate,
        .result = on_result,
        .partial = on_partial,
        .failed = on_failed,
        .arg = l,
    };
    if (ve_recogniser_open(bench->speech, &options, &l->recogniser) != 0)
        die("no recogniser");
    l->ear.ops = &ear_ops;
    l->ear.arg = l;
    l->ear.partials = true;
    if (session)
        ve_session_listen(session, &l->ear);
    return l;
}

static void stop_listening(struct listener *l)
{
    ve_ear_close(&l->ear);
    ve_recogniser_close(l->recogniser);
    ve_sim_advance(l->bench->loop, VE_SECOND);
    ve_buf_free(&l->heard);
    free(l);
}

/* --- one clip --------------------------------------------------------------------------------- */

static struct ve_session *open_call(struct bench *bench)
{
    struct ve_session *session;
    static const struct ve_session_events events;
    struct ve_session_config config = {
        .playout = {.rate = 16000, .chunk = 2048, .lead = VE_PLAYOUT_LEAD},
        .policy = ve_turn_policy_default(),
        .gate_db = VE_VAD_GATE_DBFS,
        .events = &events,
    };
    if (ve_session_new(&session, &bench->media, &config) != 0)
        die("no session");
    return session;
}

static void send(struct listener *l, const struct clip *clip)
{
    size_t frame = (size_t)clip->rate * FRAME_MS / 1000;
    for (size_t at = 0; at < clip->count; at += frame) {
        size_t n = clip->count - at < frame ? clip->count - at : frame;
        ve_sim_advance(l->bench->loop, FRAME_MS * VE_MS);
        if (l->session)
            (void)ve_session_audio(l->session, clip->samples + at, n, clip->rate);
        else
            ear_audio(l, clip->samples + at, n);
    }
    if (!l->session)
        ear_commit(l, 0, 0);
    ve_sim_advance(l->bench->loop, VE_SECOND);
}

struct task {
    struct bench *bench;
    const struct menu *menu;
    struct ve_session *session; /* NULL: straight to the recogniser */
    const char *kind;
    const char *line;
    const char *voice;
    const char *said;
    const char *expected; /* tag; NULL: none */
    size_t index;
    unsigned half; /* 0: may be used for tuning */
};

static void note(const struct task *task, const struct listener *l, struct score *score)
{
    struct ve_str tag = ve_grammar_tag(l->grammar, l->phrase);
    bool accepted = l->answered && l->phrase >= 0;
    bool right = accepted && task->expected && ve_str_eq(tag, ve_str(task->expected));
    score->right += right;
    score->wrong += accepted && !right;
    score->rejected += l->answered && !accepted;
    score->unheard += !l->answered;
    if (task->bench->show_wrong && (task->expected ? !right : accepted))
        printf("  %s, %s: \"%s\" -> \"%s\" %s\n", task->voice, task->line, task->said, l->text,
               l->answered ? l->reason : "(no turn)");
}

/* What the verdict saw, by hearing the same samples once more. */
static void write_traits(const struct task *task, struct listener *l)
{
    struct ve_hearer *hearer;
    struct ve_heard heard;
    char why[96];
    if (ve_hearer_new(&hearer, l->bench->pool, l->grammar, l->rate) != 0 ||
        ve_hearer_warm(hearer, why) != 0)
        die("no hearer");
    ve_hearer_begin(hearer);
    if (ve_hearer_hear(hearer, (const int16_t *)(const void *)l->heard.ptr,
                       l->heard.len / sizeof(int16_t), true, &heard, why) != 0)
        die(why);
    int phrase = ve_grammar_match(l->grammar, heard.text);
    bool right = task->expected && phrase >= 0 &&
                 ve_str_eq(ve_grammar_tag(l->grammar, phrase), ve_str(task->expected));
    (void)fprintf(l->bench->traits, "%s\t%u\t%s\t%s\t%d\t%s\t%.*s\t%s", task->kind, task->half,
                  task->line, task->voice, right, task->said, VE_STR_ARG(heard.text),
                  heard.reason ? heard.reason : "");
    const struct ve_verdict *verdict = ve_hearer_verdict(hearer);
    for (size_t i = 0; i < VE_VERDICT_TRAITS; i++)
        (void)fprintf(l->bench->traits, "\t%.5g", (double)verdict->traits[i]);
    (void)fprintf(l->bench->traits, "\n");
    ve_hearer_free(hearer);
}

static void run(const struct task *task, const struct clip *clip, struct score *score)
{
    struct listener *l = listen(task->bench, task->menu->grammar, task->session, clip->rate);
    send(l, clip);
    note(task, l, score);
    if (task->bench->traits && l->heard.len)
        write_traits(task, l);
    stop_listening(l);
}

static void say(struct task *task, const struct line *line, float speed, struct score *score)
{
    struct clip spoken = clip_say(task->voice, task->said, speed);
    struct clip clip = clip_over(&spoken, line, 700, 1600, task->index);
    task->line = line->name;
    run(task, &clip, score);
    clip_free(&clip);
    clip_free(&spoken);
}

/* --- the tables ------------------------------------------------------------------------------- */

static bool is_due(const struct bench *bench, size_t index)
{
    return index % bench->every == bench->offset % bench->every;
}

static void say_inside(struct task *task, const struct menu *menu, const struct line *line,
                       float speed, struct score *score)
{
    struct bench *bench = task->bench;
    task->menu = menu;
    task->kind = "in";
    for (size_t i = 0; i < menu->count; i++) {
        int phrase = ve_grammar_match(menu->grammar, ve_str(menu->sayings[i]));
        char tag[64];
        if (!is_due(bench, i))
            continue;
        (void)ve_str_copy(tag, sizeof(tag), ve_grammar_tag(menu->grammar, phrase));
        task->index = i;
        task->half = i / bench->every % 2;
        task->said = menu->sayings[i];
        task->expected = tag;
        say(task, line, speed, score);
    }
    task->expected = NULL;
}

static void say_outside(struct task *task, const struct menu *menu, const struct line *line,
                        float speed, struct score *even, struct score *odd)
{
    size_t count = sizeof(outside_sentences) / sizeof(outside_sentences[0]);
    task->menu = menu;
    task->kind = "out";
    for (size_t i = 0; i < count; i++) {
        if (!is_due(task->bench, i / 2))
            continue;
        task->index = i;
        task->half = i % 2;
        task->said = outside_sentences[i];
        say(task, line, speed, i % 2 ? odd : even);
    }
}

static void add(struct score *sum, const struct score *more)
{
    sum->right += more->right;
    sum->wrong += more->wrong;
    sum->rejected += more->rejected;
    sum->unheard += more->unheard;
}

static void print_line(const char *voice, const char *line, const struct score *in,
                       const struct score out[2])
{
    unsigned said = in->right + in->wrong + in->rejected + in->unheard;
    unsigned lost = out[0].rejected + out[0].unheard + out[1].rejected + out[1].unheard;
    unsigned accepted[2] = {out[0].wrong, out[1].wrong};
    printf("%-5s %-11s | %5u  %5.1f %%  %5.1f %%  %5.1f %% | %5u   %u + %u = %.1f %%\n", voice,
           line, said, 100.0 * in->right / (said ? said : 1), 100.0 * in->wrong / (said ? said : 1),
           100.0 * (in->rejected + in->unheard) / (said ? said : 1),
           lost + accepted[0] + accepted[1], accepted[0], accepted[1],
           100.0 * (accepted[0] + accepted[1]) /
               (lost + accepted[0] + accepted[1] ? lost + accepted[0] + accepted[1] : 1));
    (void)fflush(stdout);
}

static void speak(struct bench *bench, const char *voice, struct score *in_sum,
                  struct score out_sum[2])
{
    for (size_t i = 0; i < LINES; i++) {
        struct score in = {0};
        struct score out[2] = {{0}, {0}};
        struct task task = {.bench = bench, .session = open_call(bench), .voice = voice};
        for (size_t m = 0; m < 2; m++) {
            for (size_t k = 0; k < bench->speed_count; k++) {
                say_inside(&task, &bench->menus[m], &lines[i], bench->speeds[k], &in);
                say_outside(&task, &bench->menus[m], &lines[i], bench->speeds[k], &out[0], &out[1]);
            }
        }
        ve_session_free(task.session);
        print_line(voice, lines[i].name, &in, out);
        add(in_sum, &in);
        add(&out_sum[0], &out[0]);
        add(&out_sum[1], &out[1]);
    }
}

/* As if the detector had heard speech in it: the recogniser alone has to refuse it. */
static void make_sound(struct bench *bench, enum sound sound, struct score *score)
{
    static const float levels[] = {-20, -30, -45};
    struct task task = {.bench = bench, .kind = "sound", .voice = "-", .said = sound_name(sound)};
    for (unsigned seed = 0; seed < 4; seed++) {
        for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
            struct clip made = clip_sound(sound, levels[i], seed + 1);
            for (size_t k = 0; k < LINES; k += 2) {
                struct clip clip = clip_over(&made, &lines[k], 300, 500, seed);
                task.line = lines[k].name;
                task.half = seed % 2;
                for (size_t m = 0; m < 2; m++) {
                    task.menu = &bench->menus[m];
                    run(&task, &clip, score);
                }
                clip_free(&clip);
            }
            clip_free(&made);
        }
    }
}

static void make_silence(struct bench *bench, struct score *score)
{
    struct task task = {.bench = bench, .kind = "sound", .voice = "-", .said = "silence"};
    for (size_t i = 0; i < LINES; i += 2) {
        struct clip clip = {calloc(3 * lines[i].rate, sizeof(int16_t)), 3 * lines[i].rate,
                            lines[i].rate};
        task.line = lines[i].name;
        for (size_t m = 0; m < 2 && clip.samples; m++) {
            task.menu = &bench->menus[m];
            run(&task, &clip, score);
        }
        clip_free(&clip);
    }
}

static void make_sounds(struct bench *bench)
{
    printf("\nsounds of 3 s, given to the recogniser as speech: accepted of\n");
    for (int sound = 0; sound <= SOUNDS; sound++) {
        struct score score = {0};
        if (sound < SOUNDS)
            make_sound(bench, (enum sound)sound, &score);
        else
            make_silence(bench, &score);
        printf("%-8s %u of %u\n", sound < SOUNDS ? sound_name((enum sound)sound) : "silence",
               score.wrong, score.wrong + score.rejected + score.unheard);
    }
}

/* --- */

static size_t split(char *list, char *out[], size_t max)
{
    size_t n = 0;
    for (char *at = list; at && n < max;) {
        out[n++] = at;
        at = strchr(at, ',');
        if (at)
            *at++ = '\0';
    }
    return n;
}

static void read_options(struct bench *bench, int argc, char **argv)
{
    char voices[] = "rms,slt,awb,kal";
    char speeds[] = "1";
    char *voice_list = voices;
    char *speed_list = speeds;
    char *parts[VOICES_MAX];
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--wrong") == 0) {
            bench->show_wrong = true;
            continue;
        }
        if (strcmp(argv[i], "--every") == 0)
            bench->every = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--offset") == 0)
            bench->offset = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--voices") == 0)
            voice_list = argv[i + 1];
        else if (strcmp(argv[i], "--speeds") == 0)
            speed_list = argv[i + 1];
        else if (strcmp(argv[i], "--traits") == 0)
            bench->traits = fopen(value, "a");
        else
            die("see the head of bench_recogniser.c for its options");
        i++;
    }
    bench->every = bench->every ? bench->every : 1;
    bench->voice_count = split(voice_list, parts, VOICES_MAX);
    for (size_t i = 0; i < bench->voice_count; i++) {
        (void)ve_str_copy(bench->voices[i], sizeof(bench->voices[i]), ve_str(parts[i]));
        if (!clip_has_voice(bench->voices[i]))
            die("the voices are rms, slt, awb and kal");
    }
    bench->speed_count = split(speed_list, parts, SPEEDS_MAX);
    for (size_t i = 0; i < bench->speed_count; i++)
        bench->speeds[i] = strtof(parts[i], NULL);
}

int main(int argc, char **argv)
{
    struct bench bench = {.every = 1};
    struct score in = {0};
    struct score out[2] = {{0}, {0}};
    if (ve_speech_process_init() != 0 || !clip_voices_init())
        die("no voices");
    read_options(&bench, argc, argv);
    if (ve_loop_new_sim(&bench.loop, 0) != 0 ||
        ve_speech_new(&bench.speech, bench.loop, NULL) != 0 ||
        ve_decoder_pool_new(&bench.pool) != 0)
        die("no memory");
    ve_media_init(&bench.media, bench.loop);
    bench.menus[0] = menu_load("intents");
    bench.menus[1] = menu_load("yes_no");
    printf(
        "                  | in the grammar                      | outside it\n"
        "voice line        |  said    right    wrong  refused |  said   accepted (tuned + not)\n");
    for (size_t i = 0; i < bench.voice_count; i++)
        speak(&bench, bench.voices[i], &in, out);
    print_line("all", "", &in, out);
    make_sounds(&bench);
    menu_free(&bench.menus[0]);
    menu_free(&bench.menus[1]);
    ve_decoder_pool_free(bench.pool);
    ve_speech_free(bench.speech);
    ve_media_free(&bench.media);
    ve_loop_free(bench.loop);
    if (bench.traits)
        (void)fclose(bench.traits);
    return 0;
}
