/*
 * door/verify.h - from a webhook request to the event that the carrier has really sent.
 *
 * The loop's thread only.
 */
#ifndef VE_DOOR_VERIFY_H
#define VE_DOOR_VERIFY_H

#include "base/log.h"
#include "door/signature.h"
#include "loop/loop.h"
#include "net/httpd.h"

struct ve_verify {
    struct ve_loop *loop;
    const struct ve_log *log;
    const struct ve_secrets *secrets; /* borrowed; may change between requests */
    struct ve_webhook_options options;
};

/*
 * Checks the signature, decodes the event, checks that its key may bring it and that it is fresh.
 * NULL: the request has been refused and is gone. `path_ok`: the path held the secret, which stands
 * for a signature of IVR codes. The caller frees the event with ve_free.
 *
 *   401 signature_missing   no signature at all
 *   401 signature_bad       a wrong one, one of several wrong, or one of another section's key
 *   401 stale               more than 300 s in the future, or older than VE_WEBHOOK_MAX_AGE
 *   400 bad_json            signed, but no event
 *   503 not_stored          no memory (Retry-After)
 */
struct ve_event *ve_verify_event(const struct ve_verify *verify, struct ve_http_request *request,
                                 bool path_ok);
/* What a request's signature is worth, for the test address: "valid", "missing", "invalid". */
const char *ve_verify_verdict(const struct ve_verify *verify,
                              const struct ve_http_request *request);

#endif
