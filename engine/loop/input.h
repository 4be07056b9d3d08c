/*
 * loop/input.h - lines that a person types, as steps of the loop. Live driver only.
 */
#ifndef VE_LOOP_INPUT_H
#define VE_LOOP_INPUT_H

#include "loop/loop.h"

#include <stddef.h>

#define VE_INPUT_LINE_MAX 4096 /* bytes; longer lines are cut */

struct ve_input;

/* Reads `fd` (a terminal, a pipe or a file), which stays the caller's. `line` gets a text without
 * its line end; NULL at the end of the input, once, last. */
int ve_input_new(struct ve_input **out, struct ve_loop *loop, int fd,
                 void (*line)(void *arg, const char *line, size_t len), void *arg);
/* NULL is allowed. */
void ve_input_free(struct ve_input *input);

#endif
