/*
 * admin/access.h - who may use the API, the metrics and the console.
 *
 * Once VE_API_TOKEN or VE_API_TOKEN_READ is set, a request needs one of them. While neither is,
 * only loopback peers may; a request that came through a proxy, or was meant for another host (a
 * page in a browser can do that), is no loopback peer.
 */
#ifndef VE_ADMIN_ACCESS_H
#define VE_ADMIN_ACCESS_H

#include "net/httpd.h"

struct ve_api_tokens {
    char operate[256]; /* VE_API_TOKEN; may be empty */
    char read[256];    /* VE_API_TOKEN_READ; may be empty */
};

enum ve_role { VE_ROLE_NONE, VE_ROLE_READ, VE_ROLE_OPERATE };

enum ve_role ve_access_role(const struct ve_api_tokens *tokens,
                            const struct ve_http_request *request);
/* Refuses the request with 401 or 403 unless its role is at least `needed`. */
bool ve_access_check(const struct ve_api_tokens *tokens, struct ve_http_request *request,
                     enum ve_role needed);

#endif
