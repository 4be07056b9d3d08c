/*
 * script/lualib.h - the Lua library inside the binary (made from lualib/ by engine/host/embed.c).
 */
#ifndef VE_SCRIPT_LUALIB_H
#define VE_SCRIPT_LUALIB_H

#include <stddef.h>

struct ve_lualib_file {
    const char *module; /* "voice.call"; NULL ends the table */
    const char *chunk;  /* "@lualib/voice/call.lua", as it shows in tracebacks */
    const char *source; /* Lua text with a NUL behind it */
    size_t len;         /* bytes without the NUL */
};

extern const struct ve_lualib_file ve_lualib_files[];

#endif
