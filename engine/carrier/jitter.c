#include "carrier/jitter.h"

#include "base/alloc.h"

#include <string.h>

#define MAX_DROPOUT  3000 /* RFC 3550 A.1: a larger step forward is another stream */
#define MAX_MISORDER 100

/* --- slots ------------------------------------------------------------------------------------ */

static void slot_clear(struct ve_jitter_slot *slot)
{
    ve_free(slot->bytes);
    *slot = (struct ve_jitter_slot){.bytes = NULL};
}

/* Without memory the slot stays free: the packet is lost, nothing else. */
static void slot_keep(struct ve_jitter_slot *slot, const struct ve_rtp_packet *packet, uint64_t now)
{
    slot_clear(slot);
    slot->bytes = ve_alloc(packet->len);
    if (!slot->bytes)
        return;
    if (packet->len)
        memcpy(slot->bytes, packet->payload, packet->len);
    slot->packet = *packet;
    slot->packet.payload = slot->bytes;
    slot->at = now;
}

void ve_jitter_init(struct ve_jitter *jitter, const struct ve_jitter_events *events, void *arg,
                    struct ve_carrier_stats *stats)
{
    *jitter = (struct ve_jitter){.events = events, .arg = arg, .stats = stats};
}

static void clear_held(struct ve_jitter *jitter)
{
    for (size_t i = 0; i < VE_JITTER_WINDOW; i++)
        slot_clear(&jitter->held[i]);
}

void ve_jitter_free(struct ve_jitter *jitter)
{
    clear_held(jitter);
    slot_clear(&jitter->candidate);
}

/* --- the order -------------------------------------------------------------------------------- */

static void deliver(struct ve_jitter *jitter, const struct ve_rtp_packet *packet)
{
    jitter->stats->packets++;
    jitter->events->packet(jitter->arg, packet);
}

static void tell_lost(struct ve_jitter *jitter, unsigned *count)
{
    if (!*count)
        return;
    jitter->stats->lost += *count;
    jitter->events->lost(jitter->arg, *count);
    *count = 0;
}

/* The number that is due is done with: the window moves on by one, and what it held for the next
 * number comes out in `slot`, which then owns it. */
static void step(struct ve_jitter *jitter, struct ve_jitter_slot *slot)
{
    *slot = jitter->held[0];
    for (size_t i = 0; i + 1 < VE_JITTER_WINDOW; i++)
        jitter->held[i] = jitter->held[i + 1];
    jitter->held[VE_JITTER_WINDOW - 1] = (struct ve_jitter_slot){.bytes = NULL};
    jitter->next++;
}

/* Behind a packet that was handed on: those that waited for it. */
static void drain(struct ve_jitter *jitter)
{
    struct ve_jitter_slot slot;
    for (step(jitter, &slot); slot.bytes; step(jitter, &slot)) {
        deliver(jitter, &slot.packet);
        slot_clear(&slot);
    }
}

/* Gives up on what is due, and on all that is missing behind it, until `count` numbers are done
 * with or a packet was there. Returns how many numbers it went on by. */
static unsigned give_up(struct ve_jitter *jitter, unsigned count)
{
    uint16_t from = jitter->next;
    unsigned missing = 0;
    struct ve_jitter_slot slot;
    for (unsigned done = 0; done < count; done++) {
        missing++;
        step(jitter, &slot);
        if (!slot.bytes)
            continue;
        tell_lost(jitter, &missing);
        deliver(jitter, &slot.packet);
        slot_clear(&slot);
        drain(jitter);
        break;
    }
    tell_lost(jitter, &missing);
    return (uint16_t)(jitter->next - from);
}

static void begin(struct ve_jitter *jitter, const struct ve_rtp_packet *packet)
{
    clear_held(jitter);
    if (jitter->started) {
        jitter->stats->resets++;
        jitter->events->reset(jitter->arg);
    }
    jitter->started = true;
    jitter->ssrc = packet->ssrc;
    jitter->next = packet->seq;
}

/* --- other streams ---------------------------------------------------------------------------- */

static bool in_a_row(const struct ve_jitter *jitter, const struct ve_rtp_packet *packet)
{
    const struct ve_rtp_packet *before = &jitter->candidate.packet;
    return jitter->candidate.bytes && before->ssrc == packet->ssrc &&
           (uint16_t)(before->seq + 1) == packet->seq;
}

/* Where a packet is counted that this stream does not take. */
static uint64_t *counter(struct ve_jitter *jitter, const struct ve_rtp_packet *packet)
{
    return packet->ssrc != jitter->ssrc ? &jitter->stats->foreign : &jitter->stats->late;
}

/* A packet that does not belong to the stream that flows: it may be the next stream's. `jumped`:
 * its number is one that this stream cannot have come to. */
static void take_other(struct ve_jitter *jitter, const struct ve_rtp_packet *packet, bool jumped,
                       uint64_t now)
{
    bool silent = now - jitter->heard_at >= VE_JITTER_SILENT;
    if (!in_a_row(jitter, packet) || !(jumped || silent)) {
        ++*counter(jitter, packet);
        slot_keep(&jitter->candidate, packet, now);
        return;
    }
    /* The one before was counted as dropped; now it is not. */
    --*counter(jitter, packet);
    struct ve_jitter_slot first = jitter->candidate;
    jitter->candidate = (struct ve_jitter_slot){.bytes = NULL};
    begin(jitter, &first.packet);
    jitter->heard_at = now;
    deliver(jitter, &first.packet);
    drain(jitter);
    deliver(jitter, packet);
    drain(jitter);
    slot_clear(&first);
}

void ve_jitter_put(struct ve_jitter *jitter, const struct ve_rtp_packet *packet, uint64_t now)
{
    if (!jitter->started)
        begin(jitter, packet);
    int ahead = (int16_t)(uint16_t)(packet->seq - jitter->next);
    bool foreign = packet->ssrc != jitter->ssrc;
    bool jumped = !foreign && (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER);
    if (foreign || jumped || ahead < 0) {
        take_other(jitter, packet, jumped, now);
        return;
    }
    jitter->heard_at = now;
    while (ahead > VE_JITTER_WINDOW)
        ahead -= (int)give_up(jitter, (unsigned)(ahead - VE_JITTER_WINDOW));
    if (ahead == 0) {
        deliver(jitter, packet);
        drain(jitter);
    } else if (ahead < 0 || jitter->held[ahead - 1].bytes) {
        jitter->stats->late++;
    } else {
        slot_keep(&jitter->held[ahead - 1], packet, now);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

uint64_t ve_jitter_due(const struct ve_jitter *jitter)
{
    uint64_t due = 0;
    for (size_t i = 0; i < VE_JITTER_WINDOW; i++) {
        const struct ve_jitter_slot *slot = &jitter->held[i];
        if (slot->bytes && (!due || slot->at + VE_JITTER_WAIT < due))
            due = slot->at + VE_JITTER_WAIT;
    }
    return due;
}

void ve_jitter_tick(struct ve_jitter *jitter, uint64_t now)
{
    for (uint64_t due = ve_jitter_due(jitter); due && due <= now; due = ve_jitter_due(jitter))
        (void)give_up(jitter, VE_JITTER_WINDOW);
}
