/*
 * admin/api.h - what operators and tools ask over HTTP.
 *
 *   GET /healthz               open: the process answers
 *   GET /readyz                open: it takes calls (503 while draining)
 *   GET /api/v1/health         what is up, and where the media port is
 *   GET /api/v1/calls          running calls, then the latest ended ones (?limit=, at most 1000)
 *   GET /api/v1/calls/{id}     one call's record
 */
#ifndef VE_ADMIN_API_H
#define VE_ADMIN_API_H

#include "admin/access.h"
#include "call/call.h"
#include "net/router.h"

struct ve_api;

struct ve_api_config {
    struct ve_calls *calls;
    const struct ve_api_tokens *tokens; /* borrowed */
    const char *media_url;              /* "ws://127.0.0.1:8001/stream/"; borrowed */
    uint64_t (*generation)(void *arg);  /* number of the scripts that the next call runs */
    void *arg;
};

int ve_api_new(struct ve_api **out, const struct ve_api_config *config, struct ve_router *router);
void ve_api_free(struct ve_api *api);

#endif
