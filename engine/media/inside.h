/*
 * media/inside.h - inside of media/ only: the struct behind session.h, for its three files.
 *
 *   session.c  the carrier's side, the turns, the call's side
 *   ears.c     who listens to the caller
 *   stall.c    silence, or the text of a simulated caller, where no audio comes
 */
#ifndef VE_MEDIA_INSIDE_H
#define VE_MEDIA_INSIDE_H

#include "base/buf.h"
#include "media/capture.h"
#include "media/session.h"

/* An utterance that nobody heard waits so long for an ear. */
#define VE_UNHEARD_MAX (10 * VE_SECOND)
/* Without audio for so long, the caller counts as silent. */
#define VE_STALL (96 * VE_MS)

struct ve_session {
    struct ve_media *media; /* borrowed */
    struct ve_session_config config;
    struct ve_capture capture;
    struct ve_turn turn;
    struct ve_playout *playout; /* owned */
    struct ve_media_out out;
    bool attached;
    struct ve_link ears;
    struct ve_link taps;
    struct ve_timer catch_up; /* gives new ears what they missed */
    struct ve_timer stall;    /* puts silence (or text) in where no audio comes */
    /* the utterance that is open, or that ended without an ear */
    bool open;
    bool unheard;        /* it ended and nobody listened */
    uint64_t from;       /* position of its pre-roll */
    uint64_t to;         /* position of its end, when unheard */
    uint64_t unheard_at; /* ns */
    uint32_t unheard_turn, unheard_take;
    uint64_t speech_ns;     /* loop time of the end of the last speech block */
    uint64_t speech_end_ns; /* of the last committed turn */
    uint64_t samples_in;
    struct ve_shape_options shape;
    uint32_t text_ms;   /* pretended speech still to come */
    uint32_t text_all;  /* ms of it from the beginning */
    size_t text_begin;  /* bytes that were said before */
    size_t text_told;   /* bytes of what it says that were given as partial results */
    struct ve_buf text; /* what it says */
    bool echo;
    bool echo_loud;                      /* the last samples were above the level gate */
    struct ve_resampler *echo_resampler; /* owned */
    uint32_t echo_rate;
};

/* --- session.c -------------------------------------------------------------------------------- */
/* Decides about one block, knowing what the agent does at this moment. */
void ve_session_block(struct ve_session *session, float p, float level_db, uint64_t at_ns);

/* --- ears.c ----------------------------------------------------------------------------------- */
/* Timer: new ears get the open utterance, or the one that nobody heard. */
void ve_ears_catch_up(void *arg);
void ve_ears_begin(struct ve_session *session);
void ve_ears_feed(struct ve_session *session);
void ve_ears_drop(struct ve_session *session);
void ve_ears_speculate(struct ve_session *session, uint32_t turn, uint32_t take);
/* Tells those that hear it that it is over; false when there are none. */
bool ve_ears_commit(struct ve_session *session, uint32_t turn, uint32_t take);
bool ve_ears_open(const struct ve_session *session);
/* Text mode: what the caller has said so far. */
void ve_ears_partial(struct ve_session *session, struct ve_str text);

/* --- stall.c ---------------------------------------------------------------------------------- */
/* Timer: one block of silence or of pretended speech. */
void ve_stall_block(void *arg);

#endif
