/*
 * loop/process.h - what libraries keep once per process, initialised in one place.
 *
 * main.c hands over the rooms' init functions, always the same; the second engine of a process
 * finds all done. This is the only file with mutable file-scope state (tests/lint checks the
 * others).
 */
#ifndef VE_LOOP_PROCESS_H
#define VE_LOOP_PROCESS_H

#include <stddef.h>

struct ve_process_part {
    const char *name;  /* for the error message */
    int (*init)(void); /* 0 or a ve_err; called once per process */
};

/* Ignores SIGPIPE and SIGXFSZ, raises the descriptor limit, reads the time zone, then runs every
 * part once. Returns 0, or the error of the part whose name is then in *failed. */
int ve_process_init(const struct ve_process_part *parts, size_t count, const char **failed);

#endif
