/*
 * door/auth.h - who may come in: signatures of webhooks, tokens of media connections.
 *
 * Everything is compared in constant time and before anything is parsed. Secrets never leave here:
 * no error message, log line or metric holds one.
 */
#ifndef VE_DOOR_AUTH_H
#define VE_DOOR_AUTH_H

#include "base/str.h"

struct ve_http_request;

#define VE_SECRET_MAX 256

struct ve_secrets {
    char webhook[VE_SECRET_MAX];          /* RINGOVER_WEBHOOK_SECRET; never empty */
    char webhook_previous[VE_SECRET_MAX]; /* while a key is being changed; may be empty */
    char stream_token[VE_SECRET_MAX];     /* RINGOVER_STREAMER_AUTH_TOKEN; never empty */
};

enum ve_verdict {
    VE_VERDICT_VALID,
    VE_VERDICT_MISSING, /* no signature at all */
    VE_VERDICT_BAD,     /* a wrong one, a malformed one, or more than one */
};

/* The signature of a webhook over its raw body. */
enum ve_verdict ve_auth_webhook(const struct ve_secrets *secrets,
                                const struct ve_http_request *request);
/* The token of a media connection: "Authorization: Bearer ..." or "?token=...". */
bool ve_auth_stream(const struct ve_secrets *secrets, const struct ve_http_request *request);
/* "valid", "missing", "invalid" */
const char *ve_verdict_name(enum ve_verdict verdict);

#endif
