/*
 * cli/verbs.h - what the first word of the command line can be. One file per verb.
 *
 * A verb gets its own arguments (argv[0] is the verb) and returns the exit code: 0 ok, 1 failed,
 * 2 usage, 3 waiting.
 */
#ifndef VE_CLI_VERBS_H
#define VE_CLI_VERBS_H

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>

enum { VE_EXIT_OK = 0, VE_EXIT_FAILED = 1, VE_EXIT_USAGE = 2, VE_EXIT_WAITING = 3 };

struct ve_verb {
    const char *name;
    const char *arguments; /* "FILE [--json]" */
    const char *summary;   /* one line */
    int (*run)(int argc, char **argv);
};

/* The verbs, in the order of the help; name NULL ends the table. */
extern const struct ve_verb ve_verbs[];

int ve_verb_run(int argc, char **argv);
int ve_verb_check(int argc, char **argv);
int ve_verb_test(int argc, char **argv);
int ve_verb_call(int argc, char **argv);
int ve_verb_bench(int argc, char **argv);
int ve_verb_version(int argc, char **argv);
int ve_verb_help(int argc, char **argv);

/* Prints how a verb is used to stderr; returns VE_EXIT_USAGE. `problem` may be NULL. */
int ve_usage(const char *verb, const char *problem);
/* Prints an error for people to stderr: what, where, and a FIX line. Parts may be NULL. */
void ve_complain(const char *what, const char *where, const char *fix);

/* A log to stderr with its writer thread. Made first, freed last. */
struct ve_cli_log {
    struct ve_log log;
    struct ve_logwriter *writer;
};
int ve_cli_log_open(struct ve_cli_log *out, enum ve_log_format format, enum ve_log_level level);
void ve_cli_log_close(struct ve_cli_log *log);

#endif
