#include "base/log.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* A line longer than this is cut: a log is no place for bodies. */
#define LINE_MAX_BYTES 8192
/* One value at most, so that the fields behind it still show. */
#define VALUE_MAX_BYTES 4096
/* Room for the mark of a cut line and its end. */
#define CUT_BYTES 16

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

/* Never in the middle of a character. */
static struct ve_str clip(struct ve_str text)
{
    if (text.len <= VALUE_MAX_BYTES)
        return text;
    text.len = VALUE_MAX_BYTES;
    while (text.len > VALUE_MAX_BYTES - 4 && ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80)
        text.len--;
    return text;
}

static void json_value(struct ve_jsonw *w, const struct ve_field *field)
{
    if (field->type == VE_FIELD_STR)
        ve_jsonw_str(w, clip(field->text));
    else if (field->type == VE_FIELD_I64)
        ve_jsonw_i64(w, (int64_t)field->number);
    else
        ve_jsonw_u64(w, field->number);
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
    for (size_t i = 0; i < count && !w.err; i++) {
        struct ve_jsonw before = w;
        size_t len = line->len;
        ve_jsonw_key(&w, fields[i].key);
        json_value(&w, &fields[i]);
        if (w.err) {
            /* rather without this field and those behind it than half an object */
            w = before;
            line->len = len;
            line->limit = 0;
            ve_jsonw_kbool(&w, "cut", true);
            break;
        }
    }
    line->limit = 0;
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

/* Characters that move a terminal's cursor, end a line or turn the direction of writing: the
 * control characters of both halves, U+2028 to U+202E, U+2066 to U+2069. */
static bool moves_text(struct ve_str c)
{
    const unsigned char *p = (const unsigned char *)c.ptr;
    if (c.len == 1)
        return p[0] < 0x20 || p[0] == 0x7F;
    if (c.len == 2)
        return p[0] == 0xC2 && p[1] < 0xA0;
    if (c.len != 3 || p[0] != 0xE2)
        return false;
    return (p[1] == 0x80 && p[2] >= 0xA8 && p[2] <= 0xAE) ||
           (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9);
}

/* The length of the character at the front, and whether it may stand in a line as it is. */
static size_t look(struct ve_str text, bool *plain)
{
    size_t n = ve_str_utf8_char(text);
    *plain = n > 0 && !moves_text(ve_str_n(text.ptr, n));
    return n ? n : 1;
}

/* `special` is what would blur into the rest of the line. A backslash is always one: what looks
 * like an escape must be one. */
static int add_text(struct ve_buf *line, struct ve_str text, char special)
{
    int err = 0;
    while (text.len && !err) {
        bool plain;
        size_t n = look(text, &plain);
        char c = text.ptr[0];
        if (c == '\n')
            err = ve_buf_add(line, "\\n", 2);
        else if (c == '\\' || (c == '"' && special == '"'))
            err = ve_buf_printf(line, "\\%c", c);
        else if (plain && c != special)
            err = ve_buf_add(line, text.ptr, n);
        else
            for (size_t i = 0; i < n && !err; i++)
                err = ve_buf_printf(line, "\\x%02x", (unsigned char)text.ptr[i]);
        text.ptr += n;
        text.len -= n;
    }
    return err;
}

static bool needs_quotes(struct ve_str text)
{
    if (text.len == 0)
        return true;
    while (text.len) {
        bool plain;
        size_t n = look(text, &plain);
        if (!plain || strchr(" \"=\\|", text.ptr[0]))
            return true;
        text.ptr += n;
        text.len -= n;
    }
    return false;
}

static int add_field(struct ve_buf *line, const struct ve_field *field)
{
    if (field->type == VE_FIELD_I64)
        return ve_buf_printf(line, " %s=%lld", field->key, (long long)field->number);
    if (field->type == VE_FIELD_U64)
        return ve_buf_printf(line, " %s=%llu", field->key, (unsigned long long)field->number);
    struct ve_str text = clip(field->text);
    const char *quote = needs_quotes(text) ? "\"" : "";
    int err = ve_buf_printf(line, " %s=%s", field->key, quote);
    if (!err)
        err = add_text(line, text, '"');
    if (!err)
        err = ve_buf_add_str(line, ve_str(quote));
    return err;
}

static int add_sentence(struct ve_buf *line, struct ve_str text)
{
    int err = ve_buf_add(line, " | ", 3);
    if (!err)
        err = add_text(line, clip(text), '|');
    if (!err)
        err = ve_buf_add(line, " |", 2);
    return err;
}

/* The sentences on the first round, the fields on the second. */
static int add_fields(struct ve_buf *line, const struct ve_field *fields, size_t count,
                      bool sentences)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = line->len;
        bool sentence = strcmp(fields[i].key, "msg") == 0;
        int err = 0;
        if (sentence && sentences)
            err = add_sentence(line, fields[i].text);
        else if (!sentence && !sentences)
            err = add_field(line, &fields[i]);
        if (err) {
            line->len = len; /* no half fields */
            return err;
        }
    }
    return 0;
}

static int compose_text(struct ve_buf *line, const char *time, enum ve_log_level level,
                        const char *event, const struct ve_field *fields, size_t count)
{
    int err = ve_buf_printf(line, "%s %-5s %s", time, ve_log_level_name(level), event);
    if (err)
        return err;
    err = add_fields(line, fields, count, true);
    if (!err)
        err = add_fields(line, fields, count, false);
    line->limit = 0;
    return err ? ve_buf_add(line, " cut=true", 9) : 0;
}

void ve_log_fields(const struct ve_log *log, enum ve_log_level level, const char *event,
                   const struct ve_field *fields, size_t count)
{
    if (!log || level < log->level || !log->write)
        return;
    char time[32];
    struct ve_buf line;
    ve_buf_init(&line, LINE_MAX_BYTES - CUT_BYTES);
    format_time(time, log->wall_ms ? log->wall_ms(log->clock) : 0);
    int err = log->format == VE_LOG_JSON ? compose_json(&line, time, level, event, fields, count)
                                         : compose_text(&line, time, level, event, fields, count);
    if (!err && ve_buf_add_char(&line, '\n') == 0)
        log->write(log->writer, line.ptr, line.len);
    ve_buf_free(&line);
}
