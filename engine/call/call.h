/*
 * call/call.h - a call's life, from the first sign of it to its record.
 *
 * A call is known by the carrier's call id (or its session id when it has none). It is made by a
 * webhook or by a media connection, whichever comes first; it becomes active when both its media
 * and its script are there; it ends exactly once. What may happen when is one table in
 * call/lifecycle.c.
 *
 * call/ knows neither scripts nor sockets: it tells a **sink** what happens, and speaks to the
 * carrier through the **leg** that the media connection gives.
 */
#ifndef VE_CALL_CALL_H
#define VE_CALL_CALL_H

#include "base/json.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/rng.h"
#include "carrier/event.h"
#include "media/session.h"

struct ve_calls;
struct ve_call;
struct ve_say;

enum ve_call_state {
    VE_CALL_ANNOUNCED, /* webhooks, no media yet */
    VE_CALL_ACTIVE,    /* media is connected, the script runs */
    VE_CALL_ENDING,    /* the agent hung up or transferred; the last words play */
    VE_CALL_ENDED,
};

enum ve_call_outcome {
    VE_OUTCOME_NONE,
    VE_OUTCOME_HANGUP, /* the agent hung up */
    VE_OUTCOME_TRANSFERRED,
    VE_OUTCOME_CALLER_HANGUP,
    VE_OUTCOME_FAILED,
    VE_OUTCOME_TIMEOUT, /* its media never came, or its end never did */
    VE_OUTCOMES,
};

/* What the carrier's connection can do for a call; any may be NULL. */
struct ve_leg {
    struct ve_media_out out;
    int (*digits)(void *arg, struct ve_str digits);
    int (*transfer)(void *arg, struct ve_str number);
    int (*play_url)(void *arg, struct ve_str url);
    /* Closes the connection after what is queued; code is a close code of RFC 6455. */
    void (*close)(void *arg, int code);
    void *arg;
};

/* Who runs the call's policy. Callbacks are steps of their own. */
struct ve_call_sink {
    void (*ringing)(void *arg, struct ve_call *call);
    /* Media is there: the script begins. */
    void (*started)(void *arg, struct ve_call *call);
    /* An event for this call, after the call itself has taken note of it. VE_EBUSY: it cannot be
     * handled now. */
    int (*event)(void *arg, struct ve_call *call, const struct ve_event *event);
    /* What is recognised of the caller's open turn so far; may be NULL. */
    void (*partial)(void *arg, struct ve_call *call, uint32_t turn, struct ve_str text,
                    enum ve_turn_shape shape);
    /* The script is not wanted any more: its task must be closed now. May be NULL. */
    void (*stop)(void *arg, struct ve_call *call);
    /* What the script waits for ("request, hear"), for the log. May be NULL. */
    void (*cause)(void *arg, struct ve_call *call, char *out, size_t size);
    /* Last. The script's task must be closed now; the call is freed afterwards. */
    void (*ended)(void *arg, struct ve_call *call);
    void *arg;
};

struct ve_calls_config {
    struct ve_loop *loop;
    struct ve_media *media;
    const struct ve_log *log;
    struct ve_session_config session; /* events and arg are set by the call */
    unsigned max_calls;
    uint64_t media_deadline;    /* ns from the first webhook to the media; 0 means 60 s */
    const char *instance;       /* internal ids are "instance.serial" */
    struct ve_metrics *metrics; /* borrowed; NULL: nothing is counted */
    uint64_t seed[2];           /* of the id table */
    uint64_t rng_seed;          /* of the calls' random numbers */
};

/* What is said when nothing else is left, ready in memory. All borrowed until ve_calls_free. */
enum ve_phrase_kind {
    VE_PHRASE_FILLER,  /* "One moment, please." */
    VE_PHRASE_APOLOGY, /* "I am sorry, something went wrong." */
    VE_PHRASES,
};

struct ve_phrase {
    struct ve_str text; /* for the transcript */
    const int16_t *samples;
    size_t count;  /* 0: there is none */
    uint32_t rate; /* Hz */
};

int ve_calls_new(struct ve_calls **out, const struct ve_calls_config *config,
                 const struct ve_call_sink *sink);
/* Ends all calls without waiting. */
void ve_calls_free(struct ve_calls *calls);
void ve_calls_set_phrase(struct ve_calls *calls, enum ve_phrase_kind kind,
                         const struct ve_phrase *phrase);
unsigned ve_calls_active(const struct ve_calls *calls);
/* No new calls; `drained` is called once none is left. Repeating it only replaces the callback. */
void ve_calls_drain(struct ve_calls *calls, void (*drained)(void *arg), void *arg);
/* Ends every call as failed, now. */
void ve_calls_end_all(struct ve_calls *calls);
bool ve_calls_draining(const struct ve_calls *calls);
struct ve_call *ve_calls_find(struct ve_calls *calls, struct ve_str call_id);
struct ve_call *ve_calls_find_serial(struct ve_calls *calls, uint64_t serial);

/*
 * The directory: the one way in for events (design: an event reaches a call only so). Finds or
 * makes the call; completes by callback, because another process may own the call. The event is
 * freed.
 */
int ve_directory_post(struct ve_calls *calls, struct ve_event *event,
                      void (*done)(void *arg, int err), void *arg);

/* Would a call that this event opens be refused now? Asked before an event is taken on. */
bool ve_directory_has_room(const struct ve_calls *calls, const struct ve_event *event);

/* Facts that a media connection brings along; empty texts are unknown. */
struct ve_call_facts {
    struct ve_str call_id, session_id, from, to;
};
/* A media connection for a call (found or made). VE_EBUSY over max_calls or while draining,
 * VE_EINVAL when its id is empty or over VE_CALL_ID_MAX, VE_EGONE when it has just ended. A second
 * connection takes over; the first one's leg is closed with 1000. */
int ve_call_media_open(struct ve_calls *calls, const struct ve_call_facts *facts,
                       const struct ve_leg *leg, struct ve_call **out);
/* That connection is gone. `leg_arg` tells which one, so that a replaced one changes nothing. */
void ve_call_media_closed(struct ve_call *call, void *leg_arg, bool normal);

/* --- facts ------------------------------------------------------------------------------------ */
uint64_t ve_call_serial(const struct ve_call *call);
struct ve_str ve_call_id(const struct ve_call *call);
struct ve_str ve_call_from(const struct ve_call *call);
struct ve_str ve_call_to(const struct ve_call *call);
struct ve_str ve_call_direction(const struct ve_call *call);
enum ve_call_state ve_call_state(const struct ve_call *call);
struct ve_session *ve_call_session(struct ve_call *call); /* NULL until media came */
struct ve_calls *ve_call_owner(struct ve_call *call);
struct ve_rng *ve_call_rng(struct ve_call *call);
/* The script's own handle on the call; the call does not look at it. */
void ve_call_set_task(struct ve_call *call, void *task);
void *ve_call_task(const struct ve_call *call);
/* The script's `vars`, as JSON text; empty at first. */
struct ve_str ve_call_vars(const struct ve_call *call);
/* On an error, VE_ETOOBIG over 64 KiB, the old ones stay. */
int ve_call_set_vars(struct ve_call *call, struct ve_str json);

/* --- what the script does --------------------------------------------------------------------- */
/* Ends the call once what is queued has been played. */
void ve_call_hangup(struct ve_call *call);
/* Where the caller goes when the script failed, after the apology: a number, or empty for nowhere.
 * VE_ETOOBIG. */
int ve_call_set_fallback(struct ve_call *call, struct ve_str number);
/* The script waits of its own will (for the caller, for a while, for a transfer): the silence that
 * follows is no dead air. */
void ve_call_waits(struct ve_call *call);
/* The script is over. By itself: the call is hung up. By an error: the caller hears the apology
 * first, and the outcome is "failed". */
void ve_call_script_done(struct ve_call *call, bool failed);
int ve_call_digits(struct ve_call *call, struct ve_str digits);
/* `done` gets "answered", "busy", "no_answer" or "failed" once, unless the call ends before. */
int ve_call_transfer(struct ve_call *call, struct ve_str number, uint64_t timeout_ns,
                     void (*done)(void *arg, const char *outcome), void *arg);
void ve_call_transfer_forget(struct ve_call *call);

/* What happens on the call, for whoever waits in the script. One listener list; see call/tap. */
struct ve_call_watch {
    const struct ve_session_events *events;
    void *arg;
    struct ve_link link;
};
void ve_call_watch(struct ve_call *call, struct ve_call_watch *watch);
void ve_call_unwatch(struct ve_call_watch *watch); /* harmless when it does not watch */

/* Was the answer of this turn that was begun as `take` let go ahead? Nothing with an effect may
 * run for one that was not. Turns long past (VE_CALL_TAKES_MAX) answer no. */
#define VE_CALL_TAKES_MAX 16
bool ve_call_committed(const struct ve_call *call, uint32_t turn, uint32_t take);

/* --- the transcript (call/transcript.c) ------------------------------------------------------- */
/* What a recogniser, or the keypad, made of the caller's turn; empty: it could not tell. */
void ve_call_heard(struct ve_call *call, struct ve_str text);
/* Words of the agent that were heard by the caller. */
void ve_call_said(struct ve_call *call, struct ve_str words, bool interrupted);
/* The agent has used a tool: its name, its arguments and what it answered, JSON or plain text. */
void ve_call_used(struct ve_call *call, struct ve_str name, struct ve_str args,
                  struct ve_str answer);
/* The agent's first sound after the caller's turn is heard at `at_ns`. */
void ve_call_answered_at(struct ve_call *call, uint64_t at_ns);
size_t ve_call_turns(const struct ve_call *call);

/* --- records (call/record.c) ------------------------------------------------------------------ */
/* The call's record as JSON, running or ended (the latest 1,000 are kept). VE_ENOENT. */
int ve_calls_record(struct ve_calls *calls, struct ve_str call_id, struct ve_buf *out);
/* {"calls":[...]}: the running ones, then the ended ones, newest first, at most `limit`. */
int ve_calls_list(struct ve_calls *calls, size_t limit, struct ve_buf *out);
const char *ve_call_state_name(enum ve_call_state state);
const char *ve_call_outcome_name(enum ve_call_outcome outcome);

#endif
