/*
 * bind/ask.h - events whose handler's return value goes back to the carrier: on_routing,
 * on_contact, on_contact_search, on_ivr_code.
 *
 * Each question runs as a task of its own; lualib/voice/answers.lua turns what the handler returns
 * into a status and JSON and gives it to core.answer. The loop's thread only.
 */
#ifndef VE_BIND_ASK_H
#define VE_BIND_ASK_H

#include "bind/dispatch.h"

struct ve_asks;

/* `status` from 200 to 599 and JSON or nothing; on an error both mean nothing. */
typedef void (*ve_ask_fn)(void *arg, int err, int status, struct ve_str body);

/* The dispatcher tells whose script answers; borrowed. */
int ve_asks_new(struct ve_asks **out, struct ve_loop *loop, const struct ve_log *log,
                struct ve_dispatch *dispatch);
/* Ends what is still running; nobody is told. Before the tenants go. */
void ve_asks_free(struct ve_asks *asks);

/* Starts the event's handler. VE_ENOENT: the script has none; VE_EBUSY, VE_ENOMEM. After 0 `done`
 * comes once, in a later step; `*run` ends with it. VE_EFAILED: the handler failed. */
int ve_ask_start(struct ve_asks *asks, const struct ve_event *event, ve_ask_fn done, void *arg,
                 void **run);
/* Ends the handler; `done` does not come. */
void ve_ask_cancel(struct ve_asks *asks, void *run);
/* core.answer: keeps the answer of the task's question, a copy. VE_ENOENT: the task is no answer to
 * anything. VE_ETOOBIG over 64 KiB. */
int ve_ask_answer(struct ve_asks *asks, const struct ve_task *task, int status, struct ve_str body);

#endif
