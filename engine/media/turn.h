/*
 * media/turn.h - who is speaking, and when a turn is over.
 *
 * A pure state machine: it is given voice-activity blocks and what the agent's side is doing, and
 * reports decisions. It has no timers; its clock is the caller's audio (32 ms a block, silence put
 * in by the session when nothing arrives). Thresholds are policy (struct ve_turn_policy); where the
 * defaults come from is in docs/explanation/turn-taking.md.
 *
 *   LISTENING --speech--> SPEAKING --silence--> TRAILING --endpoint--> LISTENING (commit)
 *                             ^----- speech -------'
 *
 * While the agent speaks, speech has to be surer and louder than the agent's own echo; it then
 * pauses the agent at once (barge) and is confirmed as an interruption or taken back.
 */
#ifndef VE_MEDIA_TURN_H
#define VE_MEDIA_TURN_H

#include <stdbool.h>
#include <stdint.h>

#define VE_TURN_PAUSES   16 /* pauses remembered for the learned endpoint */
#define VE_TURN_BLOCK_MS 32

/* All of it can be set per tenant and per call. */
struct ve_turn_policy {
    float start_p;                /* probability from which a block counts as speech */
    uint32_t start_ms;            /* speech in a row that opens an utterance */
    float end_p;                  /* probability below which a block counts as silence */
    uint32_t speculate_ms;        /* silence after which the answer is begun on trial */
    uint32_t endpoint_ms;         /* silence that ends a turn */
    uint32_t endpoint_max_ms;     /* and never more than this */
    uint32_t endpoint_unheard_ms; /* silence that ends a turn in which nothing was recognised */
    uint32_t talk_max_ms;         /* an utterance longer than this is ended */
    float barge_p;                /* as start_p, while the agent speaks */
    uint32_t barge_ms;            /* as start_ms, while the agent speaks */
    float barge_margin_db;        /* above the agent's expected echo */
    float return_loss_db;         /* of the line, until it is learned */
    uint32_t confirm_ms;          /* speech that makes a barge an interruption */
    uint32_t confirm_words;       /* or so many words that are no backchannel */
    uint32_t backchannel_ms;      /* in place of confirm_ms while all words are backchannel */
    uint32_t resume_ms;           /* silence after which an unconfirmed barge is taken back */
    uint32_t watchdog_ms;         /* dead air after which the engine steps in; 0: never */
};

/* What the transcript so far looks like. */
enum ve_turn_shape {
    VE_TURN_UNHEARD,    /* nothing recognised yet, and a recogniser with partials is at work */
    VE_TURN_PLAIN,      /* no opinion, or no partial results to judge by */
    VE_TURN_COMPLETE,   /* a whole sentence, or an answer that was expected */
    VE_TURN_UNFINISHED, /* ends in a connective, a filler or an unfinished number */
};

struct ve_turn_events {
    /* Speech began at `at` (ms of the media clock). `barge`: while the agent was speaking. */
    void (*start)(void *arg, uint64_t at, bool barge);
    /* The answer may be begun on trial; a discard with the same numbers may follow. */
    void (*speculate)(void *arg, uint32_t turn, uint32_t take);
    void (*discard)(void *arg, uint32_t turn, uint32_t take);
    /* The caller's turn is over; speech ended at `at`. */
    void (*commit)(void *arg, uint32_t turn, uint32_t take, uint64_t at);
    /* The agent must be silent within a frame; one of the next two follows, or a commit. */
    void (*barge_pause)(void *arg);
    void (*barge_confirm)(void *arg); /* an interruption */
    void (*barge_resume)(void *arg);  /* a cough, an "uh-huh": the agent goes on */
};

enum ve_turn_state { VE_TURN_LISTENING, VE_TURN_SPEAKING, VE_TURN_TRAILING };
enum ve_barge_state { VE_BARGE_NONE, VE_BARGE_PENDING, VE_BARGE_CONFIRMED };

struct ve_turn {
    struct ve_turn_policy policy;
    const struct ve_turn_events *events;
    void *arg;
    enum ve_turn_state state;
    enum ve_barge_state barge;
    enum ve_turn_shape shape;
    uint64_t now_ms;      /* media clock: end of the last block */
    uint32_t run_ms;      /* speech in a row that has not yet opened an utterance */
    float run_db;         /* its loudest block, dBFS */
    uint64_t speech_from; /* ms: where the utterance began */
    uint64_t speech_to;   /* ms: end of its last speech block */
    uint32_t spoken_ms;   /* speech blocks in this utterance */
    uint32_t words;       /* recognised, without backchannel words */
    bool backchannel;     /* words were recognised, and all of them are a listener's */
    bool partials;        /* a recogniser that gives partial results listens */
    uint32_t wait_ms;     /* the script's own endpoint for this turn; 0: it has none */
    uint32_t turn;        /* number of the turn that is open or comes next, from 1 */
    uint32_t take;        /* number of the trial, from 1 */
    bool speculating;
    /* the agent's side */
    bool agent_speaking;
    bool agent_fixed;     /* this segment must not be interrupted */
    float agent_db;       /* loudest level of the last 400 ms, dBFS */
    uint64_t agent_since; /* ms when it began to speak */
    /* learned */
    float loss_db;                  /* echo return loss */
    uint32_t loss_windows;          /* measurements it was learned from */
    uint32_t loss_blocks;           /* blocks in the measurement under way */
    float loss_in_db;               /* the loudest of them that came in, dBFS */
    float loss_out_db;              /* the least of agent_db in them */
    float barge_loss_db;            /* as if the barge were an echo */
    uint16_t pause[VE_TURN_PAUSES]; /* ms, pauses inside turns */
    uint32_t pauses;
    uint32_t patience_ms; /* added after the agent talked over the caller */
};

struct ve_turn_policy ve_turn_policy_default(void);
/* 0, or VE_EINVAL when a value is outside its range (see docs/reference/turns.md). */
int ve_turn_policy_check(const struct ve_turn_policy *policy, const char **field);
void ve_turn_init(struct ve_turn *turn, const struct ve_turn_policy *policy,
                  const struct ve_turn_events *events, void *arg);
/* Takes a new policy; what is in progress goes on under it. */
void ve_turn_set_policy(struct ve_turn *turn, const struct ve_turn_policy *policy);

/* One block of the caller's audio: its speech probability and level (dBFS). */
void ve_turn_block(struct ve_turn *turn, float p, float level_db);
/* What the agent does now. `level_db` is the level of what is being played. */
void ve_turn_agent(struct ve_turn *turn, bool speaking, bool fixed, float level_db);
/* What the recogniser has so far: `words` without those of a listener; `backchannel` when there
 * are only those. */
void ve_turn_heard(struct ve_turn *turn, enum ve_turn_shape shape, uint32_t words,
                   bool backchannel);
/* A recogniser with partial results listens from now on: having heard nothing means something. */
void ve_turn_partials(struct ve_turn *turn, bool on);
/* The script's own opinion: turn `number` ends after so much silence (at most endpoint_max_ms), 0
 * takes it back. VE_EGONE when that turn is not the open one. */
int ve_turn_wait(struct ve_turn *turn, uint32_t number, uint32_t ms);
/* Ends the caller's turn now (a key was pressed, the provider said so). */
void ve_turn_end_now(struct ve_turn *turn);
/* Silence (ms) after which the open turn would end. */
uint32_t ve_turn_endpoint_ms(const struct ve_turn *turn);

#endif
