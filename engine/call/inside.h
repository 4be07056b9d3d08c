/*
 * call/inside.h - inside of call/ only: the structs behind call.h.
 */
#ifndef VE_CALL_INSIDE_H
#define VE_CALL_INSIDE_H

#include "base/map.h"
#include "base/rng.h"
#include "call/call.h"

#define VE_CALL_TURNS_MAX     500  /* the oldest are forgotten */
#define VE_CALL_TURN_TEXT_MAX 4000 /* bytes of one side */

struct ve_turn_record {
    struct ve_buf caller; /* what the engine heard */
    struct ve_buf agent;  /* words that were heard by the caller */
    struct ve_buf tools;  /* used by the agent: JSON objects, a comma between them */
    bool has_caller;      /* the caller spoke (heard or not) */
    bool heard;           /* and was understood */
    bool interrupted;
    int64_t gap_ms; /* -1 = none */
};

struct ve_call {
    struct ve_calls *calls; /* borrowed */
    uint64_t serial;
    char id[VE_CALL_ID_MAX + 1];
    char session_id[VE_CALL_ID_MAX + 1];
    char channel_id[VE_CALL_ID_MAX + 1]; /* of the leg that we are on */
    char from[40], to[40], direction[12];
    enum ve_call_state state;
    enum ve_call_outcome outcome;
    struct ve_link link; /* in calls->running */
    int64_t began_wall_ms, ended_wall_ms;
    uint64_t began_ns;
    bool ringing_told;
    struct ve_session *session; /* owned; NULL until media came */
    struct ve_leg leg;
    bool has_leg;
    bool script_running;
    void *task;         /* the script's */
    struct ve_buf vars; /* JSON text */
    struct ve_rng rng;
    struct ve_timer start;    /* tells the sink that media is there */
    struct ve_timer deadline; /* media, or the end, must come by then */
    struct ve_timer finish;   /* ends the call in a step of its own */
    struct ve_timer flush;    /* looks whether the last words were played */
    bool flushing;            /* they were; only the tail is waited for */
    struct ve_link watches;
    struct ve_link says; /* being spoken */
    /* transfer under way */
    bool transferring;
    void (*transfer_done)(void *arg, const char *outcome);
    void *transfer_arg;
    struct ve_timer transfer_timer;
    char fallback[24];   /* number; empty: none */
    bool fallback_tried; /* once is enough */
    /* dead air (watchdog.c) */
    struct ve_timer watchdog;
    bool owed;   /* the caller's turn was heard and has no answer yet */
    bool warned; /* the filler was said; next comes the end */
    /* the takes of the latest turns that were committed */
    struct {
        uint32_t turn, take;
    } takes[VE_CALL_TAKES_MAX];
    unsigned take_count;
    /* transcript */
    struct ve_turn_record *turns; /* owned, a ring once full */
    size_t turn_count, turn_cap;
    size_t turns_forgotten;
    bool answer_pending; /* the caller's turn was committed, the agent not heard since */
};

struct ve_calls {
    struct ve_calls_config config;
    struct ve_call_sink sink;
    struct ve_map by_id; /* id -> running call */
    struct ve_link running;
    unsigned count;
    uint64_t next_serial;
    struct ve_rng rng;
    struct ve_phrase phrases[VE_PHRASES];
    struct {
        struct ve_metric *started, *ended, *seconds, *gap, *interruptions;
    } counted;
    bool draining;
    void (*drained)(void *arg);
    void *drained_arg;
    struct ve_timer drain_timer;
    /* records of ended calls: JSON text by id, the oldest dropped first */
    struct ve_map records;
    struct ve_link record_list;
    unsigned record_count;
};

/* --- lifecycle.c: what may happen when -------------------------------------------------------- */
enum ve_call_input {
    VE_IN_WEBHOOK,      /* an event that only adds facts */
    VE_IN_MEDIA,        /* a media connection came */
    VE_IN_MEDIA_LOST,   /* it went without a proper close */
    VE_IN_MEDIA_CLOSED, /* it was closed properly */
    VE_IN_CALLER_GONE,  /* hangup, missed, voicemail */
    VE_IN_HANGUP,       /* the script wants to end */
    VE_IN_FLUSHED,      /* the last words were played */
    VE_IN_FAILED,
    VE_IN_DEADLINE,
    VE_INPUTS,
};
/* The one place where a call's state changes. */
void ve_call_input(struct ve_call *call, enum ve_call_input input);
/* Timer of an ending call: has it said its last word? */
void ve_call_flush_look(void *arg);

/* --- call.c ----------------------------------------------------------------------------------- */
int ve_call_new(struct ve_calls *calls, struct ve_str id, struct ve_call **out);
void ve_call_free(struct ve_call *call);
/* A log line about the call: the sentence, its id behind it. */
void ve_call_log(const struct ve_call *call, enum ve_log_level level, const char *event,
                 const char *msg);

/* --- say.c ------------------------------------------------------------------------------------ */
/* A take was committed: what was said for it on trial is heard now; or it was discarded: it never
 * will be. */
void ve_says_commit(struct ve_call *call, uint32_t turn, uint32_t take);
void ve_says_discard(struct ve_call *call, uint32_t turn, uint32_t take);
/* The call is over: what was heard of every say goes into the transcript. */
void ve_says_record(struct ve_call *call);
void ve_says_free(struct ve_call *call);
/* What has been heard of the says that are still being spoken. */
void ve_says_heard(const struct ve_call *call, struct ve_buf *out);

/* --- watchdog.c ------------------------------------------------------------------------------- */
void ve_watchdog_fire(void *arg); /* its timer */
void ve_watchdog_start(struct ve_call *call);
/* The caller's turn was heard: an answer is owed. */
void ve_watchdog_owe(struct ve_call *call);
/* The agent is heard; a filler does not answer anything. */
void ve_watchdog_answered(struct ve_call *call, bool filler);
/* Says one of the phrases kept in memory; false when it is not there. */
bool ve_call_say_phrase(struct ve_call *call, enum ve_phrase_kind kind);

/* --- transcript.c, record.c ------------------------------------------------------------------- */
void ve_transcript_free(struct ve_call *call);
void ve_transcript_write(const struct ve_call *call, struct ve_jsonw *w);
void ve_record_keep(struct ve_call *call);
void ve_records_free(struct ve_calls *calls);

#endif
