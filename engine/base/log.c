#include "base/log.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* A line longer than this is cut: a log is no place for bodies. */
#define LINE_MAX_BYTES 8192
/* One value at most, so that the fields behind it still show. */
#define VALUE_MAX_BYTES 4096

const char *ve_log_level_name(enum ve_log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}

static void format_time(char out[32], int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char date[24];
    if (!gmtime_r(&seconds, &tm))
        memset(&tm, 0, sizeof(tm));
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out, 32, "%s.%03dZ", date, (int)(wall_ms % 1000));
}

static struct ve_str clip(struct ve_str text)
{
    if (text.len > VALUE_MAX_BYTES)
        text.len = VALUE_MAX_BYTES;
    return text;
}

static int compose_json(struct ve_buf *line, const char *time, enum ve_log_level level,
                         const char *event, const struct ve_field *fields, size_t count)
{
    struct ve_jsonw w;
    ve_jsonw_init(&w, line);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "time", ve_str(time));
    ve_jsonw_kstr(&w, "level", ve_str(ve_log_level_name(level)));
    ve_jsonw_kstr(&w, "event", ve_str(event));
    for (size_t i = 0; i < count; i++) {
        ve_jsonw_key(&w, fields[i].key);
        if (fields[i].type == VE_FIELD_STR)
            ve_jsonw_str(&w, clip(fields[i].text));
        else if (fields[i].type == VE_FIELD_I64)
            ve_jsonw_i64(&w, (int64_t)fields[i].number);
        else
            ve_jsonw_u64(&w, fields[i].number);
    }
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

/* Quotes only what would blur into the next field; a sentence (quote false) stays as it is. */
static void add_text(struct ve_buf *line, struct ve_str text, bool quote)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '\n')
            (void)ve_buf_add(line, "\\n", 2);
        else if (c < 0x20 || c == 0x7F)
            (void)ve_buf_printf(line, "\\x%c%c", hex[c >> 4], hex[c & 15]);
        else if (quote && (c == '"' || c == '\\'))
            (void)ve_buf_printf(line, "\\%c", c);
        else
            (void)ve_buf_add_char(line, (char)c);
    }
}

static bool needs_quotes(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ' ' || text.ptr[i] == '"' || text.ptr[i] == '=')
            return true;
    }
    return text.len == 0;
}

static void add_field(struct ve_buf *line, const struct ve_field *field)
{
    (void)ve_buf_printf(line, " %s=", field->key);
    if (field->type == VE_FIELD_I64) {
        (void)ve_buf_printf(line, "%lld", (long long)field->number);
    } else if (field->type != VE_FIELD_STR) {
        (void)ve_buf_printf(line, "%llu", (unsigned long long)field->number);
    } else if (needs_quotes(field->text)) {
        (void)ve_buf_add_char(line, '"');
        add_text(line, clip(field->text), true);
        (void)ve_buf_add_char(line, '"');
    } else {
        add_text(line, clip(field->text), false);
    }
}

static void compose_text(struct ve_buf *line, const char *time, enum ve_log_level level,
                         const char *event, const struct ve_field *fields, size_t count)
{
    (void)ve_buf_printf(line, "%s %-5s %s", time, ve_log_level_name(level), event);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].key, "msg") != 0)
            continue;
        (void)ve_buf_add(line, " | ", 3);
        add_text(line, clip(fields[i].text), false);
        (void)ve_buf_add(line, " |", 2);
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].key, "msg") != 0)
            add_field(line, &fields[i]);
    }
}

void ve_log_fields(const struct ve_log *log, enum ve_log_level level, const char *event,
                   const struct ve_field *fields, size_t count)
{
    if (!log || level < log->level || !log->write)
        return;
    char time[32];
    struct ve_buf line;
    ve_buf_init(&line, LINE_MAX_BYTES);
    format_time(time, log->wall_ms ? log->wall_ms(log->clock) : 0);
    if (log->format == VE_LOG_TEXT) {
        compose_text(&line, time, level, event, fields, count);
    } else if (compose_json(&line, time, level, event, fields, count) != 0) {
        /* Half an object is no JSON: rather the event alone. */
        static const struct ve_field cut = {"cut", VE_FIELD_STR, {"too long", 8}, 0};
        ve_buf_clear(&line);
        (void)compose_json(&line, time, level, event, &cut, 1);
    }
    line.limit = 0;
    if (ve_buf_add_char(&line, '\n') == 0)
        log->write(log->writer, line.ptr, line.len);
    ve_buf_free(&line);
}
