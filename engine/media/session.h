/*
 * media/session.h - one call's samples: what the caller says, what the agent says, whose turn it
 * is.
 *
 * In: samples from the carrier at any rate -> capture (with pre-roll) -> voice activity -> turns.
 * Out: the playout. Recognisers listen through an **ear**: it is given an utterance while it is
 * being spoken, from the pre-roll on, and is told what became of it. An utterance that nobody heard
 * because no ear was there yet is kept for the next one.
 *
 * One session per call; it survives a change of the media connection. The loop's thread only.
 */
#ifndef VE_MEDIA_SESSION_H
#define VE_MEDIA_SESSION_H

#include "base/str.h"
#include "media/playout.h"
#include "media/shape.h"
#include "media/turn.h"

/* What the calls of a worker share. */
struct ve_media {
    struct ve_loop *loop;  /* borrowed */
    struct ve_pool blocks; /* of struct ve_fifo_block */
};

void ve_media_init(struct ve_media *media, struct ve_loop *loop);
void ve_media_free(struct ve_media *media);

struct ve_session;

struct ve_ear {
    const struct ve_ear_ops *ops;
    void *arg;
    struct ve_link link;
    struct ve_session *session; /* NULL while not listening */
    bool partials;              /* it tells what it hears meanwhile: see ve_session_partial */
    bool open;                  /* in the middle of an utterance */
    uint64_t fed;               /* position given so far */
};

struct ve_ear_ops {
    /* An utterance begins; its samples follow, the first ones are its pre-roll. */
    void (*begin)(void *arg, uint32_t rate);
    void (*audio)(void *arg, const int16_t *samples, size_t count);
    /* It was no utterance (a cough over the agent's speech). */
    void (*drop)(void *arg);
    /* It is over. */
    void (*commit)(void *arg, uint32_t turn, uint32_t take);
    /* Text mode (simulated callers): what was said, before `speculate` and
     * `commit`. May be NULL. */
    void (*text)(void *arg, struct ve_str text);
    /* So far it sounds complete, and an answer may be begun on trial; the same utterance may go on
     * (a discard of that turn and take is told to the session's events). May be NULL. */
    void (*speculate)(void *arg, uint32_t turn, uint32_t take);
    /* Text mode: the words said so far, while they are being said. May be NULL. */
    void (*partial_text)(void *arg, struct ve_str text);
};

/* What the session tells the call. All may be NULL. */
struct ve_session_events {
    void (*speech)(void *arg, bool barge); /* the caller begins to speak */
    void (*speculate)(void *arg, uint32_t turn, uint32_t take);
    void (*discard)(void *arg, uint32_t turn, uint32_t take);
    void (*commit)(void *arg, uint32_t turn, uint32_t take);
    void (*heard)(void *arg, uint32_t turn); /* after the commit: somebody listened to it */
    void (*interrupted)(void *arg);          /* the agent was: its segments end as interrupted */
    void (*digit)(void *arg, char digit);    /* '0'-'9', '*', '#', 'A'-'D' */
    /* What is recognised of the open turn so far: where its script may set the endpoint. */
    void (*partial)(void *arg, uint32_t turn, struct ve_str text, enum ve_turn_shape shape);
};

struct ve_session_config {
    struct ve_playout_config playout;
    struct ve_turn_policy policy;
    float gate_db; /* quieter blocks are silence without asking the detector */
    const struct ve_session_events *events;
    void *arg;
};

int ve_session_new(struct ve_session **out, struct ve_media *media,
                   const struct ve_session_config *config);
void ve_session_free(struct ve_session *session);

/* The carrier's side: samples as they come, any count, any rate from 8 to 48 kHz. Rate changes are
 * followed. VE_ENOMEM loses these samples and nothing else. */
int ve_session_audio(struct ve_session *session, const int16_t *samples, size_t count,
                     uint32_t rate);
/* A key press that the carrier reported. */
void ve_session_digit(struct ve_session *session, char digit);
/* Where agent audio goes; NULL while there is no media connection. */
void ve_session_attach(struct ve_session *session, const struct ve_media_out *out);

struct ve_playout *ve_session_playout(struct ve_session *session);
int ve_session_set_policy(struct ve_session *session, const struct ve_turn_policy *policy);
struct ve_turn_policy ve_session_policy(const struct ve_session *session);
/* Also look for keys in the caller's audio itself (in-band), off by default. */
int ve_session_detect_digits(struct ve_session *session, bool on);
/* What a recogniser makes of the open utterance; `expected`: it is an answer that was asked for.
 * Its shape decides how long the end of the turn is waited for; what it was is returned. */
struct ve_shape ve_session_partial(struct ve_session *session, struct ve_str text, bool expected);
/* The language of the caller, and what kind of answer is expected. English at first. */
void ve_session_set_shape(struct ve_session *session, const struct ve_shape_options *options);
struct ve_shape_options ve_session_shape(const struct ve_session *session);
/* Has this answer been begun on trial, and neither been discarded nor committed yet? */
bool ve_session_on_trial(const struct ve_session *session, uint32_t turn, uint32_t take);
/* Silence (ms) after which the open turn would end. */
uint32_t ve_session_endpoint_ms(const struct ve_session *session);
/* The script's own endpoint for the open turn, in ms of silence; 0 takes it back. VE_EGONE when
 * `turn` is not open. */
int ve_session_wait(struct ve_session *session, uint32_t turn, uint32_t ms);
/* The open turn ends now. */
void ve_session_end_turn(struct ve_session *session);

/* Begins to listen. An utterance that is open, or that ended unheard in the last 10 s, is given to
 * the ear from its pre-roll on, in a later step. */
void ve_session_listen(struct ve_session *session, struct ve_ear *ear);
/* Harmless when it does not listen. */
void ve_ear_close(struct ve_ear *ear);

/* Hears every sample of the caller, utterance or not: for recordings. */
struct ve_tap {
    void (*audio)(void *arg, const int16_t *samples, size_t count, uint32_t rate);
    void *arg;
    struct ve_link link;
};
void ve_session_tap(struct ve_session *session, struct ve_tap *tap);
void ve_tap_close(struct ve_tap *tap); /* harmless when it is not tapping */

/* Echo test: samples that come in go straight back, frame by frame, not through the pacer. */
void ve_session_echo(struct ve_session *session, bool on);

/* Text mode: the caller says `text` for `ns`, beginning now, as blocks of sure speech. */
int ve_session_say_text(struct ve_session *session, struct ve_str text, uint64_t ns);

struct ve_session_stats {
    uint64_t samples_in;    /* from the carrier */
    uint64_t speech_end_ns; /* loop time of the last audible sample of the last committed turn; 0 */
    bool speaking;          /* the caller, now */
    bool listening;         /* somebody listens for the caller's words */
    uint32_t rate_in;       /* Hz, 0 before the first samples */
    float return_loss_db;   /* as learned */
};
struct ve_session_stats ve_session_stats(const struct ve_session *session);

#endif
