/*
 * net/field.h - header fields that callers may add to a request.
 *
 * Names and values come from scripts. A line end in a value would be a second header; a field that
 * says how the connection works would let a caller smuggle a request.
 */
#ifndef VE_NET_FIELD_H
#define VE_NET_FIELD_H

#include "base/str.h"

/* A token of RFC 9110: a method or a field's name. */
bool ve_is_token(const char *text);
/* Control characters other than the tab; NUL included. */
bool ve_has_control(struct ve_str text);
/* May a caller send this field? */
bool ve_field_is_sendable(const char *name, struct ve_str value);

#endif
