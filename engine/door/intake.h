/*
 * door/intake.h - from a verified event to the call directory, so that none is lost.
 *
 * An event is on the disk before its request is answered 2xx; then it goes to the directory, and
 * from there to a script. It stays in the inbox until whoever handles it says that it is finished.
 * What is unfinished when the engine ends is handed out again at the next start. A repeat of an
 * event is answered 2xx and goes nowhere.
 *
 * An event that was being handled at the end of ten engines in a row is set aside: it stays in the
 * inbox, and is not handed out any more.
 *
 * Threads: the loop's thread only.
 */
#ifndef VE_DOOR_INTAKE_H
#define VE_DOOR_INTAKE_H

#include "call/call.h"
#include "net/router.h"
#include "store/inbox.h"

struct ve_intake;

struct ve_intake_config {
    struct ve_loop *loop; /* borrowed, as are the others */
    const struct ve_log *log;
    struct ve_store *store; /* closed after the intake has been freed */
    struct ve_calls *calls;
    /* Decodes what the inbox gives back: the carrier's. */
    int (*decode)(struct ve_event **out, struct ve_str body, char why[static 96]);
    int64_t max_age_ms; /* of an event: older ones are refused; at most 96 h, which 0 means */
};

int ve_intake_new(struct ve_intake **out, const struct ve_intake_config *config);
/* Requests that wait for their answer must be gone. */
void ve_intake_free(struct ve_intake *intake);

/* Answers the request, at once or later, and frees the event. `body` is what it was decoded from;
 * borrowed. */
void ve_intake_take(struct ve_intake *intake, struct ve_http_request *request,
                    struct ve_event *event, struct ve_str body);
/* Hands out what the last engine left unfinished; once, at the start. */
void ve_intake_resume(struct ve_intake *intake);
/* The event with this inbox_id needs no handling any more. A void pointer, so that those who handle
 * events need not know us. */
void ve_intake_finished(void *intake, int64_t inbox_id);

#endif
