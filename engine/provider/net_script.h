/*
 * provider/net_script.h - the network of simulated worlds: a function that is asked what comes.
 *
 * The sim driver has no sockets. A spec's function sees each request as the script made it (secrets
 * still as their handles) and says what answer arrives, in which pieces and when on the virtual
 * clock. The clocks of provider/clocks.h run as they do on a wire.
 */
#ifndef VE_PROVIDER_NET_SCRIPT_H
#define VE_PROVIDER_NET_SCRIPT_H

#include "provider/request.h"

struct ve_net_piece {
    uint64_t delay; /* ns after the one before it */
    size_t len;     /* bytes */
};

/* Filled in by the function; the request frees it. */
struct ve_net_answer {
    int err;       /* the exchange ends so, after the pieces: VE_EIO for a reset; 0: a good end */
    bool silent;   /* after the pieces nothing comes any more */
    uint64_t wait; /* ns to the connection */
    int status;
    struct ve_buf head;  /* header lines, without the status line */
    struct ve_buf bytes; /* of all pieces */
    struct ve_net_piece *pieces;
    size_t count;
};

struct ve_net_script {
    /* VE_ENOENT: nobody answers. `why` may say more. */
    int (*http)(void *arg, const struct ve_request_options *request, struct ve_net_answer *answer,
                char why[static VE_REQUEST_WHY]);
    void *arg;
};

void ve_net_answer_init(struct ve_net_answer *answer);
void ve_net_answer_free(struct ve_net_answer *answer);
/* Appends a piece. VE_ENOMEM, VE_ETOOBIG (4096 pieces, 16 MiB). */
int ve_net_answer_add(struct ve_net_answer *answer, uint64_t delay, struct ve_str bytes);

#endif
