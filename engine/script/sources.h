/*
 * script/sources.h - the text of a tenant's script files, read once and kept.
 */
#ifndef VE_SCRIPT_SOURCES_H
#define VE_SCRIPT_SOURCES_H

#include "base/buf.h"
#include "base/list.h"

#include <limits.h>

struct ve_sources {
    char dir[PATH_MAX];
    struct ve_link files;
    size_t bytes;
    unsigned count;
    bool sealed; /* nothing is read from disk any more */
};

int ve_sources_init(struct ve_sources *sources, const char *dir);
void ve_sources_free(struct ve_sources *sources);
/* Adds a text under a file name ("main.lua"). */
int ve_sources_add(struct ve_sources *sources, const char *file, struct ve_str text);
/* Text of a file of the folder: kept, or read now unless sealed. A symbolic link that leads out of
 * the folder is not followed. VE_ENOENT, VE_ETOOBIG, VE_EIO. */
int ve_sources_get(struct ve_sources *sources, const char *file, struct ve_str *text);
/* The text of a line (from 1) of a kept file; empty when there is none. */
struct ve_str ve_sources_line(const struct ve_sources *sources, const char *file, int line);
uint64_t ve_sources_hash(const struct ve_sources *sources);

#endif
