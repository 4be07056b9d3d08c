/*
 * base/log.h - one event name and its fields per line.
 *
 * Text for people, JSON for machines. This file only composes lines; a writer given at start takes
 * them away (loop/logwriter.h: a ring and a thread, so that a slow terminal never holds the loop).
 * Control characters in values are escaped: no value can forge a line, a field or a terminal's
 * command. A line that would get too long loses its last fields and gains cut=true. Never log a
 * secret.
 */
#ifndef VE_BASE_LOG_H
#define VE_BASE_LOG_H

#include "base/str.h"

enum ve_log_level { VE_LOG_DEBUG, VE_LOG_INFO, VE_LOG_WARN, VE_LOG_ERROR };
enum ve_log_format { VE_LOG_TEXT, VE_LOG_JSON };

struct ve_log {
    enum ve_log_level level; /* lines below it are dropped */
    enum ve_log_format format;
    int64_t (*wall_ms)(void *clock); /* ms since 1970 */
    void *clock;
    void (*write)(void *writer, const char *line, size_t len); /* line ends with LF */
    void *writer;
};

enum ve_field_type { VE_FIELD_STR, VE_FIELD_U64, VE_FIELD_I64 };

struct ve_field {
    const char *key;
    enum ve_field_type type;
    struct ve_str text; /* borrowed until the call returns */
    uint64_t number;
};

static inline struct ve_field ve_fstr(const char *key, struct ve_str text)
{
    return (struct ve_field){.key = key, .type = VE_FIELD_STR, .text = text};
}

static inline struct ve_field ve_ftext(const char *key, const char *text)
{
    return ve_fstr(key, ve_str(text));
}

static inline struct ve_field ve_fu64(const char *key, uint64_t number)
{
    return (struct ve_field){.key = key, .type = VE_FIELD_U64, .number = number};
}

static inline struct ve_field ve_fi64(const char *key, int64_t number)
{
    return (struct ve_field){.key = key, .type = VE_FIELD_I64, .number = (uint64_t)number};
}

/* A field named "msg" is the sentence for people: it stands right behind the event name. */
static inline struct ve_field ve_fmsg(const char *text)
{
    return ve_ftext("msg", text);
}

void ve_log_fields(const struct ve_log *log, enum ve_log_level level, const char *event,
                   const struct ve_field *fields, size_t count);

/* ve_log_event(log, VE_LOG_INFO, "call_started", ve_fstr("call", id), ve_fu64("turn", 3)) */
#define ve_log_event(log, level, event, ...)                                                       \
    ve_log_fields((log), (level), (event), (struct ve_field[]){__VA_ARGS__},                       \
                  sizeof((struct ve_field[]){__VA_ARGS__}) / sizeof(struct ve_field))

const char *ve_log_level_name(enum ve_log_level level);

#endif
