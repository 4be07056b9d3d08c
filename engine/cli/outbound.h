/*
 * cli/outbound.h - the way out of a worker: its requests, the secrets they carry, the places they
 * may reach.
 *
 * Made from the settings that are the providers'. A secret may go to its provider's own hosts and
 * to the provider's base URLs of the settings; hosts that scripts may reach besides are listed in
 * VE_HTTP_ALLOW. Owned by the worker.
 */
#ifndef VE_CLI_OUTBOUND_H
#define VE_CLI_OUTBOUND_H

#include "bind/bind.h"
#include "provider/net_script.h"

#define VE_OUTBOUND_SETTINGS_MAX 64

struct ve_outbound_options {
    struct ve_loop *loop;
    const struct ve_log *log;
    /* Of the providers' settings, those that are set; borrowed until ve_outbound_open returns. */
    const struct ve_bind_setting *settings;
    size_t count;
    const struct ve_net_script *script; /* sim driver; NULL: nobody answers */
    bool anywhere; /* sim driver: no rules about places, as nothing is reached */
};

struct ve_outbound {
    struct ve_vault vault;
    struct ve_policy policy;
    struct ve_requests *requests;                           /* owned; NULL: closed */
    struct ve_bind_setting plain[VE_OUTBOUND_SETTINGS_MAX]; /* owned texts */
    size_t plain_count;
};

/* On failure `why` names the setting and what is wrong with it; nothing is left open. */
int ve_outbound_open(struct ve_outbound *outbound, const struct ve_outbound_options *options,
                     char why[static 256]);
void ve_outbound_close(struct ve_outbound *outbound);

#endif
