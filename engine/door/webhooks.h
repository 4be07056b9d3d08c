/*
 * door/webhooks.h - the carrier's events come in here.
 *
 *   POST /api/v1/webhooks/ringover/event   signed; 200 once the event is on the disk
 *   POST /api/v1/webhooks/ringover/event/{secret}   the same; IVR codes need no signature here
 *   POST /api/v1/webhooks/ringover/test    unsigned allowed; says what it thinks of the signature
 */
#ifndef VE_DOOR_WEBHOOKS_H
#define VE_DOOR_WEBHOOKS_H

#include "door/answer.h"
#include "door/intake.h"
#include "door/verify.h"

struct ve_webhooks;

struct ve_webhooks_config {
    struct ve_verify verify;
    struct ve_answers *answers;
    struct ve_intake *intake;
};

int ve_webhooks_new(struct ve_webhooks **out, const struct ve_webhooks_config *config,
                    struct ve_router *router);
void ve_webhooks_free(struct ve_webhooks *webhooks);

#endif
