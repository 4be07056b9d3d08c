/*
 * door/admit.h - who may knock at all, and how often.
 *
 * Asked by the routers before any route, so a request that is turned away here costs no HMAC, no
 * JSON and no call. In this order: the address list of the door (403 address_not_allowed), the rate
 * of the address (429 too_many, for webhooks), the load of the loop (503 overloaded, for webhooks:
 * calls that are being spoken go first). 429 and 503 come with Retry-After.
 *
 * The address is the connection's, unless that is a trusted proxy: then it is the last one in
 * X-Forwarded-For that is no trusted proxy. Nobody else's header is believed.
 */
#ifndef VE_DOOR_ADMIT_H
#define VE_DOOR_ADMIT_H

#include "base/metric.h"
#include "call/call.h"
#include "net/cidr.h"
#include "net/httpd.h"

struct ve_admit;

/* Lists without a block allow everybody; the trusted proxies are then nobody. */
struct ve_admit_rules {
    struct ve_cidr_list webhooks;
    struct ve_cidr_list media;
    struct ve_cidr_list proxies;
    uint32_t webhooks_per_second; /* of one address, with a burst of as many; 0: any number */
};

struct ve_admit_config {
    struct ve_loop *loop;
    const struct ve_log *log;
    struct ve_metrics *metrics; /* borrowed; may be NULL */
    struct ve_calls *calls;     /* borrowed */
};

int ve_admit_new(struct ve_admit **out, const struct ve_admit_config *config,
                 const struct ve_admit_rules *rules);
void ve_admit_free(struct ve_admit *admit);
/* From the next request on. */
void ve_admit_set_rules(struct ve_admit *admit, const struct ve_admit_rules *rules);

/* Guards for ve_router_guard: of the HTTP port, and of the media port. */
bool ve_admit_http(void *admit, struct ve_http_request *request);
bool ve_admit_media(void *admit, struct ve_http_request *request);

/* The address that counts: see above. Borrowed from the request. */
struct ve_str ve_admit_client(const struct ve_admit *admit, const struct ve_http_request *request);

#endif
