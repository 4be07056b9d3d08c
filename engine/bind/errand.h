/*
 * bind/errand.h - what a task without a call works for: an event, a follow-up, an effect.
 *
 * Lives as long as the task and those it has spawned, on the loop's thread; reached from a running
 * task by ve_task_errand.
 */
#ifndef VE_BIND_ERRAND_H
#define VE_BIND_ERRAND_H

#include "store/outbox.h"

/* How the carrying out of an effect ended, as its sink says. */
enum ve_outcome_of_effect {
    VE_EFFECT_DONE,
    VE_EFFECT_RETRY,   /* it certainly did not arrive, or the sink knows it again by its key */
    VE_EFFECT_UNKNOWN, /* it may have arrived */
    VE_EFFECT_DEAD,    /* it did not, and never will */
};

struct ve_errand {
    int64_t origin; /* of the effects that the task asks for (store/outbox.h); 0: none is asked for
                       a second time */
    uint32_t effects; /* asked for so far */
    bool failed;      /* the task raised, or was killed */
    /* of an effect */
    bool told; /* the sink has said how it ended: */
    enum ve_outcome_of_effect outcome;
    double retry_s; /* for RETRY; 0: the engine decides */
    char why[VE_OUTBOX_WHY_MAX + 1];
};

#endif
