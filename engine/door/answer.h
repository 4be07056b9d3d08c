/*
 * door/answer.h - questions of the carrier: it waits, and what a script says goes back to it.
 *
 * Smart routing, the two kinds of contact look-up, and codes typed into a menu. The first of three
 * settles a question: the script's answer, its failure, or the deadline (1.5 s for routing, of the
 * carrier's 2 s; 1 s for the others). The last two give the default: 204 "no opinion", for a code
 * 200.
 *
 * A question is asked of the script once. The same one within 10 s gets the answer of the first;
 * later, or after a restart, it gets the default: its key is in the store's seen-set before the
 * script begins.
 *
 * Threads: the loop's thread only.
 */
#ifndef VE_DOOR_ANSWER_H
#define VE_DOOR_ANSWER_H

#include "base/log.h"
#include "carrier/event.h"
#include "loop/loop.h"
#include "net/router.h"
#include "store/store.h"

struct ve_answers;

/* An answer: `status` from 200 to 599, and JSON or nothing. On an error both mean nothing. */
typedef void (*ve_answer_fn)(void *arg, int err, int status, struct ve_str body);

/* Who knows the answers. */
struct ve_answer_script {
    /* Runs the event's handler. VE_ENOENT: there is none. After 0, `done` comes once, in a later
     * step, unless the run is cancelled before; the run ends with it. */
    int (*ask)(void *arg, const struct ve_event *event, ve_answer_fn done, void *done_arg,
               void **run);
    void (*cancel)(void *arg, void *run);
    void *arg;
};

struct ve_answers_config {
    struct ve_loop *loop; /* borrowed, as are the others */
    const struct ve_log *log;
    struct ve_store
        *store; /* NULL: nothing survives a restart; closed after the answers are freed */
    struct ve_answer_script script;
    uint64_t seed[2]; /* of the table of keys */
};

int ve_answers_new(struct ve_answers **out, const struct ve_answers_config *config);
/* Requests that wait for their answer must be gone. */
void ve_answers_free(struct ve_answers *answers);
/* Answers the request, at once or later, and takes the event (whose type `asks`). 503 `busy` when
 * too many questions are open, or were answered in the last 10 s. */
void ve_answers_take(struct ve_answers *answers, struct ve_http_request *request,
                     struct ve_event *event);
/* Questions that are not settled yet. */
unsigned ve_answers_open(const struct ve_answers *answers);

#endif
