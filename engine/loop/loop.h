/*
 * loop/loop.h - the clock, the timers and the order of things.
 *
 * One loop per worker thread. A **step** is one message handled: bytes from a transport, a timer, a
 * finished job. `ve_loop_now` is the only clock and stands still during a step. There are two
 * drivers behind the same functions:
 *
 *   live  libuv; time is the machine's monotonic clock (loop/live.c)
 *   sim   a virtual clock and one queue ordered by (due, sequence); jobs run inline and answer
 *         after a fixed modelled cost (loop/sim.c)
 *
 * Everything here belongs to the loop's thread, except ve_loop_post.
 */
#ifndef VE_LOOP_LOOP_H
#define VE_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define VE_MS     1000000ull /* nanoseconds */
#define VE_SECOND (1000 * VE_MS)

struct ve_loop;
struct uv_loop_s;

/* A message for the loop from another thread. The sender owns it until `fn` has run. */
struct ve_post {
    void (*fn)(struct ve_post *post); /* on the loop's thread, as a step of its own */
    struct ve_post *next;             /* the queue's; do not touch between post and fn */
};

int ve_loop_new_live(struct ve_loop **out);
/* A virtual loop whose wall clock starts at `wall_ms` (ms since 1970). */
int ve_loop_new_sim(struct ve_loop **out, int64_t wall_ms);
/* Ends the job threads (their jobs complete as cancelled), then frees. Everything that was
 * registered on the loop must have been closed by its owner. */
void ve_loop_free(struct ve_loop *loop);

/* Runs steps until ve_loop_stop. */
void ve_loop_run(struct ve_loop *loop);
/* The run in progress returns after this step. */
void ve_loop_stop(struct ve_loop *loop);
/* Any thread: runs post->fn on the loop soon. */
void ve_loop_post(struct ve_loop *loop, struct ve_post *post);

/* Nanoseconds since the loop's beginning of time; the same all through a step. */
uint64_t ve_loop_now(const struct ve_loop *loop);
/* Milliseconds since 1970, for people and signatures only; never for durations. */
int64_t ve_loop_wall_ms(const struct ve_loop *loop);
bool ve_loop_is_sim(const struct ve_loop *loop);
/* Longest and latest lateness of a timer (ns): how long something held the loop. */
uint64_t ve_loop_lag(const struct ve_loop *loop);
/* The largest lag since the last call of this function. */
uint64_t ve_loop_lag_peak(struct ve_loop *loop);

/* Live driver, for net/ only: libuv's loop, and the call that opens a step in a libuv callback. */
struct uv_loop_s *ve_loop_uv(struct ve_loop *loop);
void ve_loop_step(struct ve_loop *loop);

/* Sim driver, for tests, `voiceengine test` and replay. */
/* Performs the next due step, if it is due at or before `until`; else false and now = until. */
bool ve_sim_step(struct ve_loop *loop, uint64_t until);
/* Performs all steps due in the next `ns`, and moves the clock to their end. */
void ve_sim_advance(struct ve_loop *loop, uint64_t ns);

#endif
