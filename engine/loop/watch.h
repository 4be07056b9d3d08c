/*
 * loop/watch.h - "something in this folder tree was saved".
 *
 * Editors rename over, truncate and write, or touch several files: all that happens within the
 * quiet time of the last change becomes one report. Only names ending in ".lua" and folders count.
 * The folder itself may be replaced too: the report comes when it is back.
 * In the sim driver nothing is watched; tests call ve_watch_touch.
 */
#ifndef VE_LOOP_WATCH_H
#define VE_LOOP_WATCH_H

#include "loop/loop.h"

struct ve_watch;

/* Watches `dir` and its subfolders (at most 1024 folders, those after are not watched and the
 * return value of ve_watch_folders stays at 1024). */
int ve_watch_new(struct ve_watch **out, struct ve_loop *loop, const char *dir, uint64_t quiet_ns,
                 void (*changed)(void *arg), void *arg);
/* As if a file had just been saved. */
void ve_watch_touch(struct ve_watch *watch);
unsigned ve_watch_folders(const struct ve_watch *watch);
/* NULL is allowed. `changed` is not called any more. */
void ve_watch_free(struct ve_watch *watch);

#endif
