/*
 * cli/call_session.h - inside of the verb `call`: what its files share.
 */
#ifndef VE_CLI_CALL_SESSION_H
#define VE_CLI_CALL_SESSION_H

#include "cli/caller.h"
#include "cli/demo.h"
#include "cli/settings.h"
#include "cli/verbs.h"
#include "loop/timer.h"
#include "net/httpc.h"

struct ve_input;
struct ve_local_engine;
struct ve_wsc;

struct ve_call_arguments {
    const char *script, *connect, *media, *out, *from, *to, *voice;
    bool json;
    bool demo;
    uint64_t seed; /* of the demo */
    struct ve_caller_item items[VE_CALLER_ITEMS_MAX];
    size_t count;
};

struct ve_call_session {
    struct ve_call_arguments args;
    struct ve_cli_log log;
    struct ve_loop *loop;
    struct ve_httpc *http;
    struct ve_wsc *ws;
    struct ve_speech *speech;
    struct ve_local_engine *local;
    struct ve_settings settings;
    struct ve_input *input;
    struct ve_caller *caller;
    char http_url[256], media_url[256], call_id[24];
    enum ve_phone_end how;
    char why[160];
    bool over;
    struct ve_timer again; /* for the record, and for what the agent says */
    unsigned tries;
    struct ve_buf record;
    char *lines[VE_CALLER_ITEMS_MAX]; /* owned: interactive sentences */
    size_t line_count;
    size_t shown_turns, shown_words; /* interactive: of the agent's words */
    struct ve_demo demo;
    int code;
};

/* call_record.c: asks the engine for the call's record into session->record. */
int ve_call_get_record(struct ve_call_session *session,
                       void (*done)(void *arg, const struct ve_httpc_result *result));
/* Asks until the call has ended there; then the loop stops (session->code tells). */
void ve_call_await_record(struct ve_call_session *session);
/* The media address of the engine that --connect names; runs the loop meanwhile. */
int ve_call_find_media(struct ve_call_session *session);

/* call_live.c: a person types what the caller says. */
int ve_call_live_start(struct ve_call_session *session);
/* The call is over: the last words are shown, then the record is awaited. */
void ve_call_live_end(struct ve_call_session *session);

#endif
