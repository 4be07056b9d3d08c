/*
 * cli/softphone.h - a telephone that calls an engine: signed webhooks, the media dialect at
 * real-time pace, and a record of both sides.
 *
 * What the carrier would do is done here, over the real wire: ringing, answered, the media
 * WebSocket, 20 ms of audio every 20 ms, hangup. Used by `voiceengine call` and by the load
 * generator.
 */
#ifndef VE_CLI_SOFTPHONE_H
#define VE_CLI_SOFTPHONE_H

#include "base/log.h"
#include "cli/timeline.h"
#include "door/auth.h"
#include "loop/loop.h"

struct ve_httpc;
struct ve_wsc;
struct ve_softphone;

enum ve_phone_end {
    VE_PHONE_AGENT_HUNG_UP,
    VE_PHONE_CALLER_HUNG_UP,
    VE_PHONE_TRANSFERRED,
    VE_PHONE_FAILED, /* see `why` */
};

struct ve_phone_events {
    /* The media connection is open; the clock of the timeline starts now. */
    void (*connected)(void *arg);
    /* Every 20 ms, before the next frame is sent: `now` is the timeline's position. */
    void (*tick)(void *arg, uint64_t now);
    /* The agent sent digits, or asked for a transfer to this number. */
    void (*digits)(void *arg, struct ve_str digits);
    void (*transfer)(void *arg, struct ve_str number);
    /* Once, last. */
    void (*ended)(void *arg, enum ve_phone_end how, const char *why);
};

struct ve_phone_options {
    struct ve_loop *loop;
    const struct ve_log *log;
    struct ve_httpc *http;   /* borrowed */
    struct ve_wsc *ws;       /* borrowed */
    struct ve_str http_url;  /* "http://127.0.0.1:8000" */
    struct ve_str media_url; /* "ws://127.0.0.1:8001/stream/" */
    const struct ve_secrets *secrets;
    struct ve_str call_id; /* digits */
    struct ve_str from, to;
    const struct ve_phone_events *events;
    void *arg;
};

/* Begins the call: ringing, answered, media. */
int ve_phone_new(struct ve_softphone **out, const struct ve_phone_options *options);
/* Samples (16 kHz) that the caller says next, behind what is queued; copied. */
int ve_phone_say(struct ve_softphone *phone, const int16_t *samples, size_t count);
/* Is something of it still to be sent? */
bool ve_phone_speaking(const struct ve_softphone *phone);
/* A key press, as a notice of the carrier. */
int ve_phone_press(struct ve_softphone *phone, char digit);
/* The caller hangs up: the webhook is sent, the media closed; `ended` follows. */
void ve_phone_hang_up(struct ve_softphone *phone);
/* Position of the timeline now. */
uint64_t ve_phone_now(const struct ve_softphone *phone);
struct ve_timeline *ve_phone_timeline(struct ve_softphone *phone);
/* Only after `ended`, or before anything was begun. */
void ve_phone_free(struct ve_softphone *phone);

#endif
