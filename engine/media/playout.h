/*
 * media/playout.h - what the agent says, and how much of it was heard.
 *
 * Segments (a sentence, a file, a tone) queue up and leave in order, at most VE_PLAYOUT_LEAD ahead
 * of real time. Because the peer plays what it is sent in real time, the played position is known
 * from the clock; **it, not what was sent, is history**. Pausing takes back what was sent and not
 * yet played (the carrier's "break"), and resuming sends it again from the same sample.
 *
 * Segments are written in their own rate and resampled on the way in. A segment holds at most
 * VE_PLAYOUT_WINDOW of audio that is not yet sent: then its writer is paused.
 */
#ifndef VE_MEDIA_PLAYOUT_H
#define VE_MEDIA_PLAYOUT_H

#include "base/flow.h"
#include "base/list.h"
#include "loop/timer.h"
#include "media/fifo.h"

#define VE_PLAYOUT_LEAD         (400 * VE_MS)
#define VE_PLAYOUT_WINDOW       (2 * VE_SECOND)
#define VE_PLAYOUT_SEGMENTS_MAX 32

struct ve_resampler;

/* The way out, given by whoever holds the carrier's connection. */
struct ve_media_out {
    /* Sends samples at the output rate. A negative answer means that they did not fit: they are
     * tried again later. */
    int (*audio)(void *arg, const int16_t *samples, size_t count);
    /* Makes the peer drop what it has not played yet; NULL when it cannot. */
    void (*clear)(void *arg);
    void *arg;
    /* How this peer wants it; 0: as the playout is configured. */
    uint32_t chunk; /* samples at once */
    uint64_t lead;  /* ns ahead of real time */
};

struct ve_playout_config {
    uint32_t rate;  /* Hz, of what is sent */
    uint32_t chunk; /* samples sent at once */
    uint64_t lead;  /* ns ahead of real time, at most VE_PLAYOUT_LEAD */
};

/* How a segment ended. */
enum ve_segment_end {
    VE_SEGMENT_PLAYED,      /* to its last sample */
    VE_SEGMENT_INTERRUPTED, /* by the caller */
    VE_SEGMENT_CANCELED,    /* by its owner, or the call ended */
    VE_SEGMENT_FAILED,      /* its source failed; what had come was played */
};

struct ve_segment_events {
    /* The first audible sample of the segment leaves: it will be heard at `at` (ns of the loop). */
    void (*began)(void *arg, uint64_t id, uint64_t at);
    /* The writer may go on; see ve_playout_write. May be NULL. */
    void (*more)(void *arg, uint64_t id);
    /* Once, last, never inside a call of ours. `played_ms` of the segment's own time
     * (silence that was trimmed included) were heard. */
    void (*ended)(void *arg, uint64_t id, enum ve_segment_end how, uint32_t played_ms);
};

struct ve_segment_options {
    uint32_t rate; /* Hz of the samples that will be written */
    bool fixed;    /* not to be interrupted */
    bool held;     /* to be heard only after ve_playout_release; others pass it meanwhile */
    bool urgent;   /* in front of all others, as soon as what was sent has been heard */
    bool trim;     /* leave out silence before the first sound */
    const struct ve_segment_events *events;
    void *arg;
};

struct ve_playout;

int ve_playout_new(struct ve_playout **out, struct ve_loop *loop, struct ve_pool *blocks,
                   const struct ve_playout_config *config, const struct ve_media_out *sink);
/* Ends all segments as cancelled, without calling back. */
void ve_playout_free(struct ve_playout *playout);
/* Another peer took over (or none, NULL): what was not played is sent again. */
void ve_playout_attach(struct ve_playout *playout, const struct ve_media_out *sink);

/* Opens a segment behind the others. VE_EBUSY when too many wait. */
int ve_playout_begin(struct ve_playout *playout, const struct ve_segment_options *options,
                     uint64_t *id);
/* Appends samples of the segment's rate. VE_FLOW_MORE, VE_FLOW_PAUSE (wait for `more`; the samples
 * were taken), or an error: VE_EGONE when the segment has ended, VE_ENOMEM. */
int ve_playout_write(struct ve_playout *playout, uint64_t id, const int16_t *samples, size_t count);
/* A held segment was wanted: it goes behind those that queue now. Harmless on any other. */
void ve_playout_release(struct ve_playout *playout, uint64_t id);
/* No more samples will come; err is 0, or why the source failed. */
void ve_playout_finish(struct ve_playout *playout, uint64_t id, int err);
/* Ends a segment now; `ended` follows. */
void ve_playout_cancel(struct ve_playout *playout, uint64_t id);
/* Milliseconds of the segment that were heard so far. */
uint32_t ve_playout_played_ms(const struct ve_playout *playout, uint64_t id);

/* Stops within a frame, which fades out, and keeps the rest; resume goes on at the same sample,
 * fading in. */
void ve_playout_pause(struct ve_playout *playout);
void ve_playout_resume(struct ve_playout *playout);
/* Ends every segment that may be interrupted and is not held. */
void ve_playout_interrupt(struct ve_playout *playout);

struct ve_playout_state {
    bool busy;    /* something is queued or playing */
    bool playing; /* samples are being heard right now */
    bool paused;
    bool fixed;     /* the segment in front must not be interrupted */
    float level_db; /* loudest 20 ms heard in the last 400 ms, -120 for silence */
};
struct ve_playout_state ve_playout_state(struct ve_playout *playout);

/* Sound under what is said, and where nothing is: again and again until it is replaced. */
struct ve_bed {
    const int16_t *samples; /* at the output rate; borrowed until `release` */
    size_t count;
    void (*release)(void *arg); /* once, when it is not heard any more; may be NULL */
    void *arg;
};
/* Fades to another bed's beginning, or out (NULL). It is not speech: pauses and interruptions leave
 * it, and the agent does not count as speaking because of it. */
void ve_playout_bed(struct ve_playout *playout, const struct ve_bed *bed, float gain_db);

/* Hears what the peer plays, as it is played: for recordings. */
struct ve_heard_tap {
    /* At the output rate; the first sample is heard at `at` (ns of the loop). Told within the
     * playout's own steps, so up to 400 ms late; what was taken back is never told. */
    void (*heard)(void *arg, const int16_t *samples, size_t count, uint32_t rate, uint64_t at);
    void *arg;
    struct ve_link link;
};
int ve_playout_tap(struct ve_playout *playout, struct ve_heard_tap *tap);
void ve_heard_tap_close(struct ve_heard_tap *tap); /* harmless when it is not tapping */

#endif
