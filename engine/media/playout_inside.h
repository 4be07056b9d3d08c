/*
 * media/playout_inside.h - inside of media/ only: the structs behind playout.h, for its three
 * files.
 *
 *   playout.c     segments queue up, leave, are paused and ended
 *   play_clock.c  what of that was heard, and how loud it was
 *   segment.c     samples into a segment: rates, silence at its front
 */
#ifndef VE_MEDIA_PLAYOUT_INSIDE_H
#define VE_MEDIA_PLAYOUT_INSIDE_H

#include "media/playout.h"

#define VE_LEVELS    64 /* of 20 ms each: lead plus look-back */
#define VE_LEVEL_MS  20
#define VE_CHUNK_MAX 8192 /* samples sent at once */
/* Pieces in flight; what follows another piece of the same segment is one with it. */
#define VE_RUNS 64

struct ve_segment {
    struct ve_link link;
    uint64_t id;
    struct ve_segment_options options;
    struct ve_fifo fifo;            /* at the output rate */
    struct ve_resampler *resampler; /* owned; NULL until needed */
    uint64_t sent;                  /* position sent so far */
    uint64_t played;                /* position heard so far */
    uint64_t trimmed;               /* samples left out at the front */
    uint64_t began_at;              /* ns at which its first sound is heard, 0 = not yet */
    bool held;                      /* waits for its release; others pass it */
    bool sounded;                   /* the first sound was found */
    bool began_told;
    bool finished;
    bool wants_more; /* the writer was paused */
    int err;
    enum ve_segment_end how;
};

/* Whose samples are in flight, in the order in which they were sent. */
struct ve_run {
    uint64_t id; /* of the segment; 0: it has ended, or it is the bed alone, or a fading tail */
    uint64_t count;
    bool speech; /* false: the bed alone */
};

struct ve_playout {
    struct ve_loop *loop;   /* borrowed */
    struct ve_pool *blocks; /* borrowed */
    struct ve_playout_config config;
    struct ve_media_out sink;
    bool attached;
    uint32_t chunk;          /* samples sent at once, as the sink wants it or as configured */
    uint64_t lead;           /* samples */
    struct ve_link segments; /* queued and playing, in order */
    struct ve_link over;     /* ended, `ended` not yet called */
    unsigned count;
    uint64_t next_id;
    bool paused;
    bool fade; /* the next samples fade in */
    struct ve_timer pump;
    struct ve_timer tell;
    /* The play clock: samples given to the peer, and how many of them it has played by now. */
    uint64_t sent_total;
    uint64_t played_total;
    struct ve_run runs[VE_RUNS]; /* a ring */
    unsigned run_first, run_count;
    uint64_t stretch_at;          /* ns: the peer began to play `stretch_pos` then */
    uint64_t stretch_pos;         /* samples */
    float level[VE_LEVELS];       /* of 20 ms each, by position in sent_total; 0 = none */
    uint64_t level_at[VE_LEVELS]; /* ns from which each is heard */
    /* the bed */
    struct ve_bed bed;  /* samples NULL: there is none */
    uint64_t bed_from;  /* position in sent_total of its first sample */
    int32_t bed_gain;   /* where the ramp is */
    int32_t bed_target; /* where it goes */
    /* those who hear what is heard */
    struct ve_link taps;
    int16_t *recent;   /* owned; a ring by position in sent_total, while there are taps */
    size_t recent_cap; /* samples */
};

static inline uint64_t ve_playout_samples(const struct ve_playout *p, uint64_t ns)
{
    return ns * p->config.rate / VE_SECOND;
}

static inline uint64_t ve_playout_ns(const struct ve_playout *p, uint64_t samples)
{
    return samples * VE_SECOND / p->config.rate;
}

static inline uint64_t ve_playout_outstanding(const struct ve_playout *p)
{
    return p->sent_total - p->played_total;
}

static inline struct ve_segment *ve_segment_of(struct ve_link *link)
{
    return VE_CONTAINER(link, struct ve_segment, link);
}

/* --- playout.c -------------------------------------------------------------------------------- */
struct ve_segment *ve_segment_find(const struct ve_playout *p, uint64_t id);
/* Its `ended` follows in a step of its own. */
void ve_segment_end(struct ve_playout *p, struct ve_segment *segment, enum ve_segment_end how);

/* --- play_clock.c ----------------------------------------------------------------------------- */
/* Credits what was heard by now, and ends the segments that are complete. */
void ve_playout_advance(struct ve_playout *p);
/* Room for the runs of one more chunk? */
bool ve_playout_may_send(const struct ve_playout *p);
/* `count` samples were sent, `id` (0: nobody) to be credited; returns when the first is heard. */
uint64_t ve_playout_sent(struct ve_playout *p, uint64_t id, bool speech, const int16_t *samples,
                         size_t count);
/* Is anything but the bed in flight? */
bool ve_playout_speaks(const struct ve_playout *p);
/* What was sent and not heard counts as not sent; the peer is told to drop it. True when speech was
 * taken back that way. */
bool ve_playout_take_back(struct ve_playout *p);
float ve_playout_level(const struct ve_playout *p);

/* --- segment.c -------------------------------------------------------------------------------- */
void ve_segment_free(struct ve_segment *segment);
int ve_segment_write(struct ve_playout *p, struct ve_segment *segment, const int16_t *samples,
                     size_t count);
/* What the resampler still holds belongs to the end of the last word. */
void ve_segment_flush(struct ve_playout *p, struct ve_segment *segment);

#endif
