#include "media/turn.h"

#include "base/err.h"

#include <string.h>

/* Blocks over which the return loss is measured once: half a second. */
#define LOSS_BLOCKS 16
/* Below it the agent's echo says nothing. */
#define LOSS_AGENT_DB (-45.0f)
#define LOSS_MAX_DB   60.0f
/* The agent is not heard at all. */
#define SILENT_DB (-119.0f)
/* An agent's start within this time of the caller's last word was too early. */
#define OVERLAP_MS       600
#define PATIENCE_STEP_MS 200
#define PATIENCE_MAX_MS  1000
/* What an undisturbed turn takes off again. */
#define PATIENCE_DECAY_MS 20

struct ve_turn_policy ve_turn_policy_default(void)
{
    return (struct ve_turn_policy){
        .start_p = 0.5f,
        .start_ms = 64,
        .end_p = 0.35f,
        .speculate_ms = 100,
        .endpoint_ms = 500,
        .endpoint_max_ms = 2500,
        .endpoint_unheard_ms = 1500,
        .talk_max_ms = 60000,
        .barge_p = 0.7f,
        .barge_ms = 160,
        .barge_margin_db = 6.0f,
        .return_loss_db = 12.0f,
        .confirm_ms = 500,
        .confirm_words = 2,
        .backchannel_ms = 1200,
        .resume_ms = 320,
        .watchdog_ms = 5000,
    };
}

static bool in_unit(float p)
{
    return p >= 0.0f && p <= 1.0f; /* false for NaN */
}

int ve_turn_policy_check(const struct ve_turn_policy *policy, const char **field)
{
    const struct {
        const char *name;
        bool ok;
    } rules[] = {
        {"start_p", in_unit(policy->start_p)},
        {"start_ms", policy->start_ms <= 1000},
        {"end_p", in_unit(policy->end_p) && policy->end_p <= policy->start_p},
        {"speculate_ms", policy->speculate_ms >= 32 && policy->speculate_ms <= 5000},
        {"endpoint_ms", policy->endpoint_ms >= 64 && policy->endpoint_ms <= 10000},
        {"endpoint_max_ms",
         policy->endpoint_max_ms >= policy->endpoint_ms && policy->endpoint_max_ms <= 20000},
        {"endpoint_unheard_ms", policy->endpoint_unheard_ms >= policy->endpoint_ms &&
                                    policy->endpoint_unheard_ms <= 20000},
        {"talk_max_ms", policy->talk_max_ms >= 1000 && policy->talk_max_ms <= 600000},
        {"barge_p", in_unit(policy->barge_p)},
        {"barge_ms", policy->barge_ms <= 2000},
        {"barge_margin_db", policy->barge_margin_db >= -60.0f && policy->barge_margin_db <= 60.0f},
        {"return_loss_db", policy->return_loss_db >= 0.0f && policy->return_loss_db <= 90.0f},
        {"confirm_ms", policy->confirm_ms >= 32 && policy->confirm_ms <= 5000},
        {"confirm_words", policy->confirm_words >= 1 && policy->confirm_words <= 20},
        {"backchannel_ms", policy->backchannel_ms >= 32 && policy->backchannel_ms <= 10000},
        {"resume_ms", policy->resume_ms >= 32 && policy->resume_ms <= 5000},
        {"watchdog_ms",
         !policy->watchdog_ms || (policy->watchdog_ms >= 1000 && policy->watchdog_ms <= 60000)},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (!rules[i].ok) {
            *field = rules[i].name;
            return VE_EINVAL;
        }
    }
    return 0;
}

void ve_turn_init(struct ve_turn *turn, const struct ve_turn_policy *policy,
                  const struct ve_turn_events *events, void *arg)
{
    *turn = (struct ve_turn){
        .policy = *policy,
        .events = events,
        .arg = arg,
        .turn = 1,
        .take = 1,
        .shape = VE_TURN_PLAIN,
        .agent_db = -120.0f,
        .loss_db = policy->return_loss_db,
    };
}

void ve_turn_set_policy(struct ve_turn *turn, const struct ve_turn_policy *policy)
{
    if (turn->loss_windows == 0)
        turn->loss_db = policy->return_loss_db;
    turn->policy = *policy;
}

/* --- the end rule ------------------------------------------------------------------------------
 */

/* 1.3 times the 80th percentile of the pauses that this caller made inside turns. */
static uint32_t learned_ms(const struct ve_turn *turn)
{
    uint16_t sorted[VE_TURN_PAUSES];
    uint32_t n = turn->pauses < VE_TURN_PAUSES ? turn->pauses : VE_TURN_PAUSES;
    if (n < 3)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > turn->pause[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = turn->pause[i];
    }
    return sorted[(n * 4) / 5] * 13u / 10u;
}

uint32_t ve_turn_endpoint_ms(const struct ve_turn *turn)
{
    const struct ve_turn_policy *policy = &turn->policy;
    if (turn->wait_ms)
        return turn->wait_ms < policy->endpoint_max_ms ? turn->wait_ms : policy->endpoint_max_ms;
    uint32_t learned = learned_ms(turn);
    uint32_t wait = learned > policy->endpoint_ms ? learned : policy->endpoint_ms;
    wait += turn->patience_ms;
    if (turn->shape == VE_TURN_COMPLETE)
        wait = policy->endpoint_ms;
    else if (turn->shape == VE_TURN_UNFINISHED)
        wait *= 2;
    else if (turn->shape == VE_TURN_UNHEARD && policy->endpoint_unheard_ms > wait)
        wait = policy->endpoint_unheard_ms;
    return wait < policy->endpoint_max_ms ? wait : policy->endpoint_max_ms;
}

static void discard(struct ve_turn *turn)
{
    if (!turn->speculating)
        return;
    turn->speculating = false;
    turn->events->discard(turn->arg, turn->turn, turn->take);
    turn->take++;
}

static void forget_words(struct ve_turn *turn)
{
    turn->shape = turn->partials ? VE_TURN_UNHEARD : VE_TURN_PLAIN;
    turn->words = 0;
    turn->backchannel = false;
    turn->wait_ms = 0;
}

static void commit(struct ve_turn *turn)
{
    if (!turn->speculating)
        turn->events->speculate(turn->arg, turn->turn, turn->take);
    turn->speculating = false;
    uint32_t number = turn->turn++;
    turn->patience_ms -=
        turn->patience_ms < PATIENCE_DECAY_MS ? turn->patience_ms : PATIENCE_DECAY_MS;
    uint32_t take = turn->take;
    turn->take = 1;
    turn->state = VE_TURN_LISTENING;
    turn->run_ms = 0;
    turn->barge = VE_BARGE_NONE;
    forget_words(turn);
    turn->events->commit(turn->arg, number, take, turn->speech_to);
}

void ve_turn_end_now(struct ve_turn *turn)
{
    if (turn->state == VE_TURN_LISTENING)
        return;
    if (turn->barge == VE_BARGE_PENDING) {
        turn->barge = VE_BARGE_CONFIRMED;
        turn->events->barge_confirm(turn->arg);
    }
    commit(turn);
}

/* --- the start rule ----------------------------------------------------------------------------
 */

static float echo_ceiling(const struct ve_turn *turn)
{
    return turn->agent_db - turn->loss_db + turn->policy.barge_margin_db;
}

/* No louder than the agent's own voice that comes back. agent_db looks back far enough to know of
 * the echo that still comes when the agent has just ended. */
static bool is_echo(const struct ve_turn *turn, float level_db)
{
    return turn->agent_db > SILENT_DB && level_db <= echo_ceiling(turn);
}

static bool is_caller(const struct ve_turn *turn, float p, float level_db)
{
    float need = turn->agent_speaking ? turn->policy.barge_p : turn->policy.start_p;
    return p >= need && !is_echo(turn, level_db);
}

/* While only the agent speaks, what comes in is its echo. It comes late, and neither sounds all the
 * time, so blocks are not compared one by one: the loudest of half a second of what came in, with
 * the least that was played lately. That never takes the line for better than it is. A block that
 * may be the caller (louder than the echo we expect) teaches nothing. */
static void learn_loss(struct ve_turn *turn, float level_db)
{
    if (!turn->agent_speaking || turn->agent_db < LOSS_AGENT_DB || !is_echo(turn, level_db)) {
        turn->loss_blocks = 0;
        return;
    }
    if (turn->loss_blocks == 0 || level_db > turn->loss_in_db)
        turn->loss_in_db = level_db;
    if (turn->loss_blocks == 0 || turn->agent_db < turn->loss_out_db)
        turn->loss_out_db = turn->agent_db;
    if (++turn->loss_blocks < LOSS_BLOCKS)
        return;
    float loss = turn->loss_out_db - turn->loss_in_db;
    loss = loss < 0 ? 0 : loss > LOSS_MAX_DB ? LOSS_MAX_DB : loss;
    /* Down faster than up: an echo that was underestimated interrupts the agent. */
    turn->loss_db += (loss < turn->loss_db ? 0.5f : 0.25f) * (loss - turn->loss_db);
    turn->loss_blocks = 0;
    turn->loss_windows++;
}

/* What we took for the caller may have been an echo that is louder than we knew: half of the way
 * there, so that a cough does not make us deaf, and never below what is assumed anyway. */
static void unlearn_loss(struct ve_turn *turn)
{
    float floor_db = turn->policy.return_loss_db;
    float loss = (turn->loss_db + turn->barge_loss_db) / 2;
    loss = loss > floor_db ? loss : floor_db;
    if (loss < turn->loss_db)
        turn->loss_db = loss;
}

/* Did the caller go on before, or just as, we began? Then the turn was not over. */
static bool was_overlap(const struct ve_turn *turn, uint64_t from)
{
    return turn->turn > 1 && from < turn->agent_since + OVERLAP_MS;
}

static void add_patience(struct ve_turn *turn)
{
    turn->patience_ms += PATIENCE_STEP_MS;
    if (turn->patience_ms > PATIENCE_MAX_MS)
        turn->patience_ms = PATIENCE_MAX_MS;
}

static void open_utterance(struct ve_turn *turn)
{
    bool barge = turn->agent_speaking;
    turn->state = VE_TURN_SPEAKING;
    turn->speech_from = turn->now_ms - turn->run_ms;
    turn->speech_to = turn->now_ms;
    turn->spoken_ms = turn->run_ms;
    forget_words(turn);
    if (barge && was_overlap(turn, turn->speech_from))
        add_patience(turn);
    turn->events->start(turn->arg, turn->speech_from, barge);
    if (barge) {
        turn->barge = VE_BARGE_PENDING;
        turn->barge_loss_db = turn->agent_db - turn->run_db;
        turn->events->barge_pause(turn->arg);
    }
}

static void listen_block(struct ve_turn *turn, float p, float level_db)
{
    uint32_t need = turn->agent_speaking ? turn->policy.barge_ms : turn->policy.start_ms;
    learn_loss(turn, level_db);
    if ((turn->agent_speaking && turn->agent_fixed) || !is_caller(turn, p, level_db)) {
        turn->run_ms = 0;
        return;
    }
    if (turn->run_ms == 0 || level_db > turn->run_db)
        turn->run_db = level_db;
    turn->run_ms += VE_TURN_BLOCK_MS;
    if (turn->run_ms >= need)
        open_utterance(turn);
}

/* --- inside an utterance -----------------------------------------------------------------------
 */

static void remember_pause(struct ve_turn *turn, uint64_t pause_ms)
{
    if (pause_ms < 100)
        return;
    turn->pause[turn->pauses % VE_TURN_PAUSES] = (uint16_t)(pause_ms < 5000 ? pause_ms : 5000);
    turn->pauses++;
}

static void speech_block(struct ve_turn *turn)
{
    if (turn->state == VE_TURN_TRAILING) {
        remember_pause(turn, turn->now_ms - VE_TURN_BLOCK_MS - turn->speech_to);
        discard(turn);
        turn->state = VE_TURN_SPEAKING;
    }
    turn->speech_to = turn->now_ms;
    turn->spoken_ms += VE_TURN_BLOCK_MS;
}

static bool take_back(struct ve_turn *turn, uint64_t silence_ms)
{
    if (turn->barge != VE_BARGE_PENDING || silence_ms < turn->policy.resume_ms)
        return false;
    turn->barge = VE_BARGE_NONE;
    unlearn_loss(turn);
    turn->state = VE_TURN_LISTENING;
    turn->run_ms = 0;
    forget_words(turn);
    turn->events->barge_resume(turn->arg);
    return true;
}

static void silent_block(struct ve_turn *turn)
{
    uint64_t silence_ms = turn->now_ms - turn->speech_to;
    turn->state = VE_TURN_TRAILING;
    if (take_back(turn, silence_ms))
        return;
    if (turn->barge == VE_BARGE_PENDING)
        return; /* not a turn yet */
    if (!turn->speculating && silence_ms >= turn->policy.speculate_ms) {
        turn->speculating = true;
        turn->events->speculate(turn->arg, turn->turn, turn->take);
    }
    if (silence_ms >= ve_turn_endpoint_ms(turn))
        commit(turn);
}

static void confirm(struct ve_turn *turn)
{
    if (turn->barge != VE_BARGE_PENDING)
        return;
    const struct ve_turn_policy *policy = &turn->policy;
    bool longer = turn->backchannel && policy->backchannel_ms > policy->confirm_ms;
    uint32_t need = longer ? policy->backchannel_ms : policy->confirm_ms;
    if (turn->spoken_ms < need && turn->words < policy->confirm_words)
        return;
    turn->barge = VE_BARGE_CONFIRMED;
    turn->events->barge_confirm(turn->arg);
}

void ve_turn_block(struct ve_turn *turn, float p, float level_db)
{
    turn->now_ms += VE_TURN_BLOCK_MS;
    if (turn->state == VE_TURN_LISTENING) {
        listen_block(turn, p, level_db);
        return;
    }
    /* When the agent begins while the caller's turn is open, its echo must not keep it open. */
    bool echo = turn->barge != VE_BARGE_PENDING && is_echo(turn, level_db);
    if (p >= turn->policy.end_p && !echo)
        speech_block(turn);
    else
        silent_block(turn);
    confirm(turn);
    if (turn->state != VE_TURN_LISTENING &&
        turn->now_ms - turn->speech_from >= turn->policy.talk_max_ms)
        ve_turn_end_now(turn);
}

void ve_turn_heard(struct ve_turn *turn, enum ve_turn_shape shape, uint32_t words, bool backchannel)
{
    if (turn->state == VE_TURN_LISTENING)
        return; /* a late word about an utterance that is over says nothing about the next one */
    turn->shape = shape;
    turn->words = words;
    turn->backchannel = backchannel;
    confirm(turn);
}

void ve_turn_partials(struct ve_turn *turn, bool on)
{
    turn->partials = on;
    if (turn->shape == VE_TURN_UNHEARD || turn->shape == VE_TURN_PLAIN)
        turn->shape = on && !turn->words && !turn->backchannel ? VE_TURN_UNHEARD : VE_TURN_PLAIN;
}

int ve_turn_wait(struct ve_turn *turn, uint32_t number, uint32_t ms)
{
    if (turn->state == VE_TURN_LISTENING || number != turn->turn)
        return VE_EGONE;
    turn->wait_ms = ms;
    return 0;
}

void ve_turn_agent(struct ve_turn *turn, bool speaking, bool fixed, float level_db)
{
    if (speaking && !turn->agent_speaking)
        turn->agent_since = turn->now_ms;
    if (!speaking && turn->barge == VE_BARGE_PENDING)
        turn->barge = VE_BARGE_NONE; /* it had finished anyway: an ordinary turn */
    turn->agent_speaking = speaking;
    turn->agent_fixed = fixed;
    turn->agent_db = level_db;
}
