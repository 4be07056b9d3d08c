/*
 * carrier/carrier.h - a media dialect: bytes of a WebSocket <-> samples and events.
 *
 * Pure: no sockets, no clock. The door gives it what arrives and asks it how to write what is to be
 * sent. A dialect is one struct of functions; adding one touches this room only.
 */
#ifndef VE_CARRIER_CARRIER_H
#define VE_CARRIER_CARRIER_H

#include "base/buf.h"

struct ve_carrier;

/* What the first text frame, the URL and the headers can tell. Empty or 0: unknown. */
struct ve_carrier_facts {
    char call_id[65];
    char from[40], to[40];
    uint32_t rate;     /* Hz of the caller's audio */
    uint32_t channels; /* 1, or 2 interleaved with the caller left */
};

/* Called from `data`, in the order of arrival. */
struct ve_carrier_events {
    void (*facts)(void *arg, const struct ve_carrier_facts *facts);
    void (*audio)(void *arg, const int16_t *samples, size_t count, uint32_t rate);
    void (*digit)(void *arg, char digit);
    void (*stop)(void *arg); /* the peer will send no more audio */
};

#define VE_CARRIER_RATE_MIN 8000 /* Hz */
#define VE_CARRIER_RATE_MAX 48000

struct ve_rtp_map;

struct ve_carrier_config {
    uint32_t rate_in;             /* Hz when nothing tells; 0: inferred from the first frames */
    uint32_t rate_out;            /* Hz of the samples that are given to `audio` */
    uint32_t channels_in;         /* when nothing tells; 0 and 1: mono, 2: the caller left */
    const struct ve_rtp_map *rtp; /* borrowed; NULL: ve_rtp_map_default */
    uint64_t seed;                /* of the numbers that RTP wants to be random */
};

/* What the peer did that cost audio, or would have. */
struct ve_carrier_stats {
    uint64_t packets;      /* taken, in order */
    uint64_t lost;         /* never came */
    uint64_t late;         /* came after their time, or twice */
    uint64_t foreign;      /* of another sender while this one flows */
    uint64_t unknown;      /* of a payload type that nothing here can read */
    uint64_t broken;       /* no packet, no JSON, no base64, no Opus */
    uint64_t resets;       /* the sender changed, or its numbers jumped */
    uint64_t filled_ms;    /* of sound made up where none came */
    uint64_t shortened_ms; /* left out, so that what was made up is no delay */
};

struct ve_carrier_ops {
    const char *name;
    int (*new)(struct ve_carrier **out, const struct ve_carrier_config *config,
               const struct ve_carrier_events *events, void *arg);
    void (*free)(struct ve_carrier *carrier);
    /* A piece of a message. VE_EPROTO: the connection is to be closed with 1007, VE_ETOOBIG 1009.
     */
    int (*data)(struct ve_carrier *carrier, const uint8_t *bytes, size_t len, bool first, bool last,
                bool text);
    /* Bytes that `count` samples need at most, and writing them there; *text tells the kind of
     * message. 0: taken, but there is nothing to send yet. VE_CARRIER_LATER: not taken. */
    size_t (*audio_size)(const struct ve_carrier *carrier, size_t count);
    size_t (*audio)(struct ve_carrier *carrier, const int16_t *samples, size_t count, uint8_t *out,
                    bool *text);
    /* Control messages, always text. VE_ENOTSUP where the dialect has none. */
    int (*clear)(struct ve_carrier *carrier, struct ve_buf *out);
    int (*digits)(struct ve_carrier *carrier, struct ve_str digits, struct ve_buf *out);
    int (*transfer)(struct ve_carrier *carrier, struct ve_str number, struct ve_buf *out);
    int (*play_url)(struct ve_carrier *carrier, struct ve_str url, struct ve_buf *out);
    /* The moment `due` has come. True: `audio` is to be asked, with no samples, for a message. */
    bool (*tick)(struct ve_carrier *carrier);
    /* How audio is to be given; 0: as the playout is configured. */
    uint32_t frame_ms; /* at once */
    uint32_t lead_ms;  /* ahead of real time */
};

#define VE_CARRIER_LATER SIZE_MAX

/* The head of every dialect's state. */
struct ve_carrier {
    const struct ve_carrier_ops *ops;
    uint64_t now; /* ns; the door sets it before every call */
    uint64_t due; /* ns at which `tick` wants to be called, 0: never. The dialect sets it. */
    /* Detection has ended: this one takes over, and the old one is to be freed. */
    struct ve_carrier *next; /* the door's, once it is set */
    bool next_is_other;      /* it sends in another form: what the peer got it did not understand */
    struct ve_carrier_stats stats;
};

/* Raw L16 in binary messages; answers as streamAudio JSON, or as binary messages of 20 ms. */
extern const struct ve_carrier_ops ve_ringover_stream;
extern const struct ve_carrier_ops ve_ringover_binary;
/* RTP packets in binary messages, both ways. */
extern const struct ve_carrier_ops ve_rtp_stream;
/* Base64 audio in JSON, both ways. */
extern const struct ve_carrier_ops ve_json_audio;
/* Finds out which of them it is; until then, and without any sign, raw L16. */
extern const struct ve_carrier_ops ve_detect_stream;
extern const struct ve_carrier_ops ve_detect_binary;

/* "auto", "l16", "rtp" or "json"; `binary` chooses how raw L16 is answered. NULL: no such one. */
const struct ve_carrier_ops *ve_carrier_find(struct ve_str name, bool binary);

#endif
