/*
 * door/media_conn.h - inside of the media door: one connection, between its carrier's dialect and
 * its call.
 */
#ifndef VE_DOOR_MEDIA_CONN_H
#define VE_DOOR_MEDIA_CONN_H

#include "door/media.h"

struct ve_media_door {
    struct ve_media_door_config config;
    struct ve_link connections;
    unsigned count;
};

/* What the upgrade asks for: ?dialect= ?out= ?rate= ?channels=, over the door's own settings. */
struct ve_media_choice {
    const struct ve_carrier_ops *carrier;
    struct ve_carrier_config stream;
};

struct ve_media_conn {
    struct ve_media_door *door; /* borrowed */
    struct ve_link link;
    struct ve_conn *conn;       /* NULL once closed */
    struct ve_carrier *carrier; /* owned */
    uint32_t rate_out;          /* Hz */
    struct ve_call *call;       /* NULL before it is open and after it let go of us */
    char call_id[VE_CALL_ID_MAX + 1];
    char session_id[VE_CALL_ID_MAX + 1];
    struct ve_carrier_facts facts;
    struct ve_timer naming; /* runs while the call is not known */
    struct ve_timer time;   /* tells the dialect what time it is */
    int16_t *held;          /* owned; audio that came before the call was known */
    size_t held_count;
    uint32_t held_rate;
    bool refused;
    bool warned; /* that nothing here can read what comes */
};

extern const struct ve_conn_events ve_media_conn_events;

/* VE_EPROTO with a sentence in `why` when the query makes no sense. */
int ve_media_choose(struct ve_media_choice *out, const struct ve_media_door *door,
                    const struct ve_http_request *request, const char **why);
/* Not yet in the door's list; NULL without memory. */
struct ve_media_conn *ve_media_conn_new(struct ve_media_door *door,
                                        const struct ve_media_choice *choice);
/* Before it was started. */
void ve_media_conn_free(struct ve_media_conn *c);
/* The upgrade is done, c->conn is there. */
void ve_media_conn_start(struct ve_media_conn *c);

#endif
