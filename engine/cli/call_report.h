/*
 * cli/call_report.h - what a call was like: the engine's record beside what the caller said.
 */
#ifndef VE_CLI_CALL_REPORT_H
#define VE_CLI_CALL_REPORT_H

#include "base/buf.h"

#define VE_REPORT_TURNS_MAX 512

struct ve_report_turn {
    struct ve_str caller;  /* what the engine heard; ptr NULL: nothing it understood */
    struct ve_str said;    /* the sentence that was sent; ptr NULL: none */
    struct ve_str agent;   /* words played */
    int64_t gap_ms;        /* measured on the audio; -1: none */
    int64_t engine_gap_ms; /* as the engine reports it; -1: none */
    bool interrupted;
};

struct ve_report {
    struct ve_json *record; /* owned: the texts lie in it */
    struct ve_report_turn turns[VE_REPORT_TURNS_MAX];
    size_t count;
};

/* A sentence of the caller, in the order in which they were said. */
struct ve_report_said {
    struct ve_str text;
    int64_t gap_ms;
};

/* Reads a record (GET /api/v1/calls/{id}) and puts each sentence beside the turn in which it was
 * spoken. VE_EPROTO when it is no record. */
int ve_report_read(struct ve_report *report, struct ve_str record,
                   const struct ve_report_said *said, size_t count);
void ve_report_free(struct ve_report *report);
/* {"call_id":...,"turns":[...],"outcome":...} without a line end. */
int ve_report_json(const struct ve_report *report, struct ve_str call_id, const char *outcome,
                   struct ve_buf *out);
/* The conversation as people read it. */
int ve_report_text(const struct ve_report *report, const char *outcome, struct ve_buf *out);

#endif
