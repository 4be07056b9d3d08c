/*
 * bind/bind_request.h - a request of a script read from its table; shared by the bindings that send
 * one.
 *
 * Texts are borrowed from the table, which must stay on the stack until the request has been
 * started.
 */
#ifndef VE_BIND_BIND_REQUEST_H
#define VE_BIND_BIND_REQUEST_H

#include "bind/bind.h"
#include "provider/request.h"

#define VE_BIND_FIELDS_MAX 64
#define VE_BIND_PARTS_MAX  32

struct ve_bind_request {
    struct ve_request_options options;
    struct ve_request_field fields[VE_BIND_FIELDS_MAX];
    struct ve_request_part parts[VE_BIND_PARTS_MAX];
};

/*
 * Reads { method, url, headers = { name, value, ... }, body | parts = { { name, filename, type,
 * data },
 * ... }, connect, first, progress, total (seconds), max_bytes, redirects } at `index`. Raises on
 * what makes no sense. Callbacks and sink are left empty. [-0, +0, v]
 */
void ve_bind_request_read(lua_State *L, int index, struct ve_bind_request *out);
/* A request is an effect outside: raises when the task works for an answer that was begun on trial,
 * unless the table at `index` says `trial = true` (what asks a model or a recogniser). [-0, +0, v]
 */
void ve_bind_request_check(lua_State *L, int index);
/* Starts it; on an error pushes nil, code, message and returns 3, else 0. [-0, +(0|3), m] */
int ve_bind_request_start(lua_State *L, const struct ve_bind_request *request,
                          struct ve_request **out);
/* Pushes nil, code, message of a start that was refused; returns 3. [-0, +3, m] */
int ve_bind_refuse(lua_State *L, int err, const char *why);
/* "timeout", "not_allowed", ...: the code of a failed request for scripts. */
const char *ve_bind_request_code(int err, bool denied);

/* Finishes the operation as a request ends: "failed" code message status, or "done" status headers
 * body connect first total (seconds). */
void ve_bind_request_finish(struct ve_op *op, const struct ve_request_result *result);

#endif
