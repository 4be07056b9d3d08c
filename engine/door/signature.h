/*
 * door/signature.h - did the carrier send this webhook, and which events may it bring?
 *
 * Ringover signs in several ways, by account and by age of the account. Each header that is there
 * is checked with every configured key, in constant time, before anything of the body is read:
 *
 *   X-Ringover-Signature            HMAC-SHA256 of the body, lower-case hex, "sha256=" may stand
 *                                   before it
 *   X-Ringover-Webhook-Signature    a JWT signed with HS512, whose payload is then the event; or
 *                                   the key; or the key in base64
 *   Authorization                   the same, with or without "Bearer "
 *   X-Ringover-Webhook-Signature-V3 base64 of HMAC-SHA256 over method, URL, body and
 *                                   X-Ringover-Request-Signature-V3-Timestamp; only when asked for
 *
 * One that fails, or that is there twice, fails them all. A key belongs to a section of the
 * carrier's account and lets in that section's events only; the main key also lets in those of the
 * sections that have no key of their own.
 *
 * Pure: no sockets, no clock. Secrets never leave here: neither `why` nor a step holds one.
 */
#ifndef VE_DOOR_SIGNATURE_H
#define VE_DOOR_SIGNATURE_H

#include "base/buf.h"
#include "carrier/event.h"
#include "door/auth.h"

/* Where webhooks come in; a secret may follow as one more segment. */
#define VE_WEBHOOK_PATH "/api/v1/webhooks/ringover/event"

/* Settings of the check. */
struct ve_webhook_options {
    char url[512];      /* RINGOVER_WEBHOOK_URL */
    bool v3;            /* VE_WEBHOOK_V3 */
    uint32_t max_age_s; /* VE_WEBHOOK_MAX_AGE */
};

struct ve_signature_policy {
    const struct ve_secrets *secrets;
    struct ve_str url; /* scheme, host, perhaps a path, of our public address; empty: not checked */
    bool v3;           /* is the V3 form accepted? */
    uint32_t max_age_s; /* of an event, and of a V3 timestamp; 0 means 96 h */
    int64_t now_ms;     /* since 1970 */
};

/* What is to be checked; borrowed until the check has returned. */
struct ve_signed_request {
    struct ve_str method, path, body;
    /* The i-th header field; false past the end. */
    bool (*header)(const void *arg, unsigned i, struct ve_str *name, struct ve_str *value);
    const void *arg;
};

#define VE_SIGNATURE_STEPS 4

/* One header that was looked at. */
struct ve_signature_step {
    const char *header;
    const char *form;    /* "hmac", "jwt", "key", "base64", "v3" */
    const char *key;     /* name of the setting whose value fits; NULL when it failed */
    const char *problem; /* what is wrong, in words; NULL when it is right */
};

struct ve_signature {
    enum ve_verdict verdict;
    unsigned sections;   /* enum ve_event_section: the events that it may bring */
    bool in_token;       /* the event is in `token`, not in the body */
    struct ve_buf token; /* owned: the event that a JWT holds */
    struct ve_signature_step steps[VE_SIGNATURE_STEPS];
    unsigned count;
};

/* Always gives a verdict; without memory it is BAD. The caller frees. */
void ve_signature_check(struct ve_signature *out, const struct ve_signature_policy *policy,
                        const struct ve_signed_request *request);
void ve_signature_free(struct ve_signature *signature);
/* The text of the event: what the token holds, or the body. */
struct ve_str ve_signature_event(const struct ve_signature *signature, struct ve_str body);
/* The first thing that is wrong, in words. */
const char *ve_signature_problem(const struct ve_signature *signature);

/* What stands for a signature where there is none: a secret as the last segment of the path. */
bool ve_signature_path(const struct ve_secrets *secrets, struct ve_str segment);

/* Is an event of that time neither from the future (300 s are allowed for clocks that differ) nor
 * too old? An unknown time (0) is fresh: the keys of events tell repeats. */
bool ve_signature_fresh(const struct ve_signature_policy *policy, int64_t at_ms);

#endif
