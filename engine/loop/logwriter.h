/*
 * loop/logwriter.h - takes log lines off the loop.
 *
 * Lines go into a bounded buffer; a thread writes them to a descriptor. When the reader of that
 * descriptor is slower than the engine, lines are dropped and their number is logged in their
 * place: logging never blocks a call, and a reader that has stopped holds up the end by two seconds
 * at most. Any thread may log.
 */
#ifndef VE_LOOP_LOGWRITER_H
#define VE_LOOP_LOGWRITER_H

#include <stddef.h>

struct ve_logwriter;

/* Writes to `fd`, which stays the caller's. */
int ve_logwriter_new(struct ve_logwriter **out, int fd);
/* The `write` of a struct ve_log. */
void ve_logwriter_write(void *writer, const char *line, size_t len);
/* Writes what is left, then ends the thread. NULL is allowed. */
void ve_logwriter_free(struct ve_logwriter *writer);

#endif
