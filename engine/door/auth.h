/*
 * door/auth.h - who may come in: the secrets, and the tokens of media connections. Signatures of
 * webhooks are door/signature.h.
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
    char webhook[VE_SECRET_MAX];      /* RINGOVER_WEBHOOK_SECRET; never empty */
    char stream_token[VE_SECRET_MAX]; /* RINGOVER_STREAMER_AUTH_TOKEN; never empty */
    /* All others may be empty. Sections of the carrier's account with a key of their own: */
    char contact[VE_SECRET_MAX];
    char search[VE_SECRET_MAX];
    char routing[VE_SECRET_MAX]; /* smart routing and IVR codes */
    /* A segment of the path, for IVR codes that come unsigned: */
    char path[VE_SECRET_MAX];
    /* The ones before, while they are being changed: */
    char webhook_previous[VE_SECRET_MAX];
    char contact_previous[VE_SECRET_MAX];
    char search_previous[VE_SECRET_MAX];
    char routing_previous[VE_SECRET_MAX];
    char path_previous[VE_SECRET_MAX];
};

enum ve_verdict {
    VE_VERDICT_VALID,
    VE_VERDICT_MISSING, /* no signature at all */
    VE_VERDICT_BAD,     /* a wrong one, a malformed one, or more than one */
};

/* The token of a media connection: "Authorization: Bearer ..." or "?token=...". */
bool ve_auth_stream(const struct ve_secrets *secrets, const struct ve_http_request *request);
/* "valid", "missing", "invalid" */
const char *ve_verdict_name(enum ve_verdict verdict);

#endif
