#include "cli/verbs.h"

#include "base/err.h"
#include "loop/logwriter.h"
#include "loop/loop.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct ve_verb ve_verbs[] = {
    {"run", "FILE", "run the engine with a script", ve_verb_run},
    {"check", "FILE [--json]", "load a script and say what is wrong with it", ve_verb_check},
    {"test", "[SPEC...]", "run specs inside the engine, with simulated callers", ve_verb_test},
    {"call", "--script FILE | --connect URL [--say TEXT]... [--json]",
     "talk to an agent as a caller", ve_verb_call},
    {"bench", "echo [OPTION]...", "measure this machine: calls, cost per frame", ve_verb_bench},
    {"version", "[--json]", "this version and the libraries it runs with", ve_verb_version},
    {"help", "[VERB]", "this text, or more about a verb", ve_verb_help},
    {NULL, NULL, NULL, NULL},
};

int ve_usage(const char *verb, const char *problem)
{
    if (problem)
        fprintf(stderr, "voiceengine %s: %s\n", verb, problem);
    for (const struct ve_verb *v = ve_verbs; v->name; v++) {
        if (strcmp(v->name, verb) == 0)
            fprintf(stderr, "usage: voiceengine %s %s\n", v->name, v->arguments);
    }
    fprintf(stderr, "More: voiceengine help %s\n", verb);
    return VE_EXIT_USAGE;
}

void ve_complain(const char *what, const char *where, const char *fix)
{
    fprintf(stderr, "voiceengine: %s\n", what);
    if (where && where[0])
        fprintf(stderr, "  WHERE %s\n", where);
    if (fix && fix[0])
        fprintf(stderr, "  FIX   %s\n", fix);
}

static int64_t wall_ms(void *clock)
{
    return ve_loop_wall_ms(clock);
}

int ve_cli_log_open(struct ve_cli_log *out, enum ve_log_format format, enum ve_log_level level)
{
    *out = (struct ve_cli_log){.writer = NULL};
    int err = ve_logwriter_new(&out->writer, STDERR_FILENO);
    if (err)
        return err;
    out->log = (struct ve_log){
        .level = level,
        .format = format,
        .wall_ms = wall_ms,
        .write = ve_logwriter_write,
        .writer = out->writer,
    };
    return 0;
}

void ve_cli_log_close(struct ve_cli_log *log)
{
    ve_logwriter_free(log->writer);
    log->writer = NULL;
}
