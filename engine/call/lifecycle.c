#include "call/inside.h"

/* Grace for a media connection that was lost without a close: the carrier may come back. */
#define MEDIA_GRACE (2 * VE_SECOND)
/* The last words must be played by then. */
#define ENDING_MAX (30 * VE_SECOND)
/* The peer plays a little behind our clock: the end of a goodbye must not be cut. */
#define GOODBYE_TAIL (300 * VE_MS)
#define FLUSH_LOOK   (20 * VE_MS)
/* How long the fallback number may ring. */
#define FALLBACK_RING (30 * VE_SECOND)

enum action {
    STAY,
    START,     /* -> ACTIVE, the script begins */
    GRACE,     /* stay, but not for long */
    SAY_BYE,   /* -> ENDING, outcome hangup */
    SAY_SORRY, /* -> ENDING, outcome failed */
    END_HANGUP,
    END_CALLER,
    END_FAILED,
    END_TIMEOUT,
    END_AS_SET, /* -> ENDED with the outcome that ENDING was given */
};

/* Rows: what comes. Columns: where the call is. ENDED takes nothing any more. */
static const unsigned char table[VE_INPUTS][VE_CALL_ENDED] = {
    /*                      ANNOUNCED    ACTIVE       ENDING */
    [VE_IN_WEBHOOK] = {STAY, STAY, STAY},
    [VE_IN_MEDIA] = {START, STAY, STAY},
    [VE_IN_MEDIA_LOST] = {STAY, GRACE, END_AS_SET},
    [VE_IN_MEDIA_CLOSED] = {STAY, END_CALLER, END_AS_SET},
    [VE_IN_CALLER_GONE] = {END_CALLER, END_CALLER, END_AS_SET},
    [VE_IN_HANGUP] = {END_HANGUP, SAY_BYE, STAY},
    [VE_IN_FLUSHED] = {STAY, STAY, END_AS_SET},
    [VE_IN_FAILED] = {END_FAILED, SAY_SORRY, STAY},
    [VE_IN_DEADLINE] = {END_TIMEOUT, END_CALLER, END_AS_SET},
};

static void end(struct ve_call *call, enum ve_call_outcome outcome)
{
    call->state = VE_CALL_ENDED;
    if (call->outcome == VE_OUTCOME_NONE)
        call->outcome = outcome; /* a transfer that went through stays one */
    ve_timer_stop(&call->deadline);
    ve_timer_stop(&call->flush);
    ve_timer_stop(&call->start);
    ve_timer_stop(&call->transfer_timer);
    ve_timer_start(&call->finish, 0);
}

static void begin_ending(struct ve_call *call, enum ve_call_outcome outcome)
{
    call->state = VE_CALL_ENDING;
    if (call->outcome == VE_OUTCOME_NONE)
        call->outcome = outcome;
    ve_timer_start(&call->deadline, ENDING_MAX);
    ve_timer_start(&call->flush, FLUSH_LOOK);
}

static void say_sorry(struct ve_call *call)
{
    ve_playout_interrupt(ve_session_playout(call->session));
    (void)ve_call_say_phrase(call, VE_PHRASE_APOLOGY);
    begin_ending(call, VE_OUTCOME_FAILED);
}

static void perform(struct ve_call *call, enum action action)
{
    switch (action) {
    case STAY:
        break;
    case START:
        call->state = VE_CALL_ACTIVE;
        ve_timer_stop(&call->deadline);
        ve_timer_start(&call->start, 0);
        break;
    case GRACE:
        ve_timer_start(&call->deadline, MEDIA_GRACE);
        break;
    case SAY_BYE:
        begin_ending(call, VE_OUTCOME_HANGUP);
        break;
    case SAY_SORRY:
        say_sorry(call);
        break;
    case END_HANGUP:
        end(call, VE_OUTCOME_HANGUP);
        break;
    case END_CALLER:
        end(call, VE_OUTCOME_CALLER_HANGUP);
        break;
    case END_FAILED:
        end(call, VE_OUTCOME_FAILED);
        break;
    case END_TIMEOUT:
        end(call, VE_OUTCOME_TIMEOUT);
        break;
    case END_AS_SET:
        end(call, call->outcome);
        break;
    }
}

void ve_call_input(struct ve_call *call, enum ve_call_input input)
{
    if (call->state == VE_CALL_ENDED)
        return;
    /* Media is back within the grace. */
    if (input == VE_IN_MEDIA && call->state == VE_CALL_ACTIVE)
        ve_timer_stop(&call->deadline);
    perform(call, (enum action)table[input][call->state]);
}

static void fallback_done(void *arg, const char *outcome)
{
    struct ve_call *call = arg;
    ve_log_event(call->calls->config.log, VE_LOG_INFO, "fallback", ve_ftext("call", call->id),
                 ve_ftext("number", call->fallback), ve_ftext("outcome", outcome));
    ve_call_input(call, VE_IN_FLUSHED);
}

/* A call that failed is not dropped while there is a person who could take it. */
static bool try_fallback(struct ve_call *call)
{
    if (call->outcome != VE_OUTCOME_FAILED || !call->fallback[0] || call->fallback_tried)
        return false;
    call->fallback_tried = true;
    if (ve_call_transfer(call, ve_str(call->fallback), FALLBACK_RING, fallback_done, call) != 0)
        return false;
    ve_timer_start(&call->deadline, FALLBACK_RING + ENDING_MAX);
    return true;
}

/* The timer of ENDING: waits for silence, then a little longer. */
void ve_call_flush_look(void *arg)
{
    struct ve_call *call = arg;
    if (ve_playout_state(ve_session_playout(call->session)).busy) {
        call->flushing = false;
        ve_timer_start(&call->flush, FLUSH_LOOK);
    } else if (!call->flushing) {
        call->flushing = true;
        ve_timer_start(&call->flush, GOODBYE_TAIL);
    } else if (!try_fallback(call)) {
        ve_call_input(call, VE_IN_FLUSHED);
    }
}
