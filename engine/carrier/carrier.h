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

struct ve_carrier_config {
    uint32_t rate_in;  /* Hz when nothing tells; 0: inferred from the first frames */
    uint32_t rate_out; /* Hz of what is sent */
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
    /* Bytes that `count` samples need, and writing them there; *text tells the kind of message. */
    size_t (*audio_size)(const struct ve_carrier *carrier, size_t count);
    size_t (*audio)(struct ve_carrier *carrier, const int16_t *samples, size_t count, uint8_t *out,
                    bool *text);
    /* Control messages, always text. VE_ENOTSUP where the dialect has none. */
    int (*clear)(struct ve_carrier *carrier, struct ve_buf *out);
    int (*digits)(struct ve_carrier *carrier, struct ve_str digits, struct ve_buf *out);
    int (*transfer)(struct ve_carrier *carrier, struct ve_str number, struct ve_buf *out);
    int (*play_url)(struct ve_carrier *carrier, struct ve_str url, struct ve_buf *out);
};

/* The head of every dialect's state. */
struct ve_carrier {
    const struct ve_carrier_ops *ops;
};

/* Raw L16 in binary messages, answers as streamAudio JSON. */
extern const struct ve_carrier_ops ve_ringover_stream;

#endif
