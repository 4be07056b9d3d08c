/*
 * cli/env_text.h - the lines of a `.env` file.
 *
 *   # a comment
 *   NAME=value                  blanks around both are dropped, `export` may stand before
 *   NAME=value # a comment      behind a blank
 *   NAME="value # of it"        or '...'; nothing is escaped inside
 *
 * A line without '=' says nothing. Pure; any thread.
 */
#ifndef VE_CLI_ENV_TEXT_H
#define VE_CLI_ENV_TEXT_H

#include "base/str.h"

/* The value of the last line that sets `name`, as a shell would have it, and the number of that
 * line (from 1). The value is borrowed from the text. VE_ENOENT: no line does. VE_EPROTO: the quote
 * is not closed, text follows it, or the value holds a NUL; *line is set then too. */
int ve_env_find(struct ve_str text, struct ve_str name, struct ve_str *value, unsigned *line);

#endif
