#include "base/json.h"

#include "base/err.h"

#include <math.h>

void ve_jsonw_init(struct ve_jsonw *w, struct ve_buf *out)
{
    *w = (struct ve_jsonw){.out = out};
}

int ve_jsonw_end(struct ve_jsonw *w)
{
    return w->err;
}

static void add(struct ve_jsonw *w, struct ve_str text)
{
    if (!w->err)
        w->err = ve_buf_add_str(w->out, text);
}

static void before_value(struct ve_jsonw *w)
{
    if (w->comma)
        add(w, VE_STR(","));
    w->comma = true;
}

static void open_with(struct ve_jsonw *w, struct ve_str bracket)
{
    before_value(w);
    add(w, bracket);
    w->comma = false;
}

static void close_with(struct ve_jsonw *w, struct ve_str bracket)
{
    add(w, bracket);
    w->comma = true;
}

void ve_jsonw_object(struct ve_jsonw *w)
{
    open_with(w, VE_STR("{"));
}

void ve_jsonw_object_end(struct ve_jsonw *w)
{
    close_with(w, VE_STR("}"));
}

void ve_jsonw_array(struct ve_jsonw *w)
{
    open_with(w, VE_STR("["));
}

void ve_jsonw_array_end(struct ve_jsonw *w)
{
    close_with(w, VE_STR("]"));
}

static void escape_char(struct ve_jsonw *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"':
        add(w, VE_STR("\\\""));
        return;
    case '\\':
        add(w, VE_STR("\\\\"));
        return;
    case '\n':
        add(w, VE_STR("\\n"));
        return;
    case '\r':
        add(w, VE_STR("\\r"));
        return;
    case '\t':
        add(w, VE_STR("\\t"));
        return;
    default: {
        char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        add(w, ve_str_n(code, sizeof(code)));
    }
    }
}

/* How many bytes from the front need no change; at least one byte of `text` is left. */
static size_t plain_run(struct ve_str text)
{
    size_t n = 0;
    while (n < text.len) {
        unsigned char c = (unsigned char)text.ptr[n];
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7F)
            break;
        n++;
    }
    return n;
}

static void add_escaped(struct ve_jsonw *w, struct ve_str text)
{
    while (text.len && !w->err) {
        size_t n = plain_run(text);
        if (n) {
            add(w, ve_str_n(text.ptr, n));
        } else if ((unsigned char)text.ptr[0] <= 0x7F) {
            escape_char(w, (unsigned char)text.ptr[0]);
            n = 1;
        } else {
            n = ve_str_utf8_char(text);
            if (n)
                add(w, ve_str_n(text.ptr, n));
            else
                add(w, VE_STR("\xEF\xBF\xBD"));
            n = n ? n : 1;
        }
        text.ptr += n;
        text.len -= n;
    }
}

void ve_jsonw_str(struct ve_jsonw *w, struct ve_str text)
{
    before_value(w);
    add(w, VE_STR("\""));
    add_escaped(w, text);
    add(w, VE_STR("\""));
}

void ve_jsonw_key(struct ve_jsonw *w, const char *key)
{
    ve_jsonw_str(w, ve_str(key));
    ve_jsonw_colon(w);
}

void ve_jsonw_colon(struct ve_jsonw *w)
{
    add(w, VE_STR(":"));
    w->comma = false;
}

void ve_jsonw_u64(struct ve_jsonw *w, uint64_t value)
{
    before_value(w);
    if (!w->err)
        w->err = ve_buf_printf(w->out, "%llu", (unsigned long long)value);
}

void ve_jsonw_i64(struct ve_jsonw *w, int64_t value)
{
    before_value(w);
    if (!w->err)
        w->err = ve_buf_printf(w->out, "%lld", (long long)value);
}

void ve_jsonw_double(struct ve_jsonw *w, double value, int decimals)
{
    if (!isfinite(value)) {
        ve_jsonw_null(w);
        return;
    }
    before_value(w);
    if (!w->err)
        w->err = ve_buf_printf(w->out, "%.*f", decimals, value);
}

void ve_jsonw_bool(struct ve_jsonw *w, bool value)
{
    before_value(w);
    add(w, value ? VE_STR("true") : VE_STR("false"));
}

void ve_jsonw_null(struct ve_jsonw *w)
{
    before_value(w);
    add(w, VE_STR("null"));
}

void ve_jsonw_raw(struct ve_jsonw *w, struct ve_str json)
{
    before_value(w);
    add(w, json);
}

void ve_jsonw_kstr(struct ve_jsonw *w, const char *key, struct ve_str text)
{
    ve_jsonw_key(w, key);
    ve_jsonw_str(w, text);
}

void ve_jsonw_ku64(struct ve_jsonw *w, const char *key, uint64_t value)
{
    ve_jsonw_key(w, key);
    ve_jsonw_u64(w, value);
}

void ve_jsonw_kbool(struct ve_jsonw *w, const char *key, bool value)
{
    ve_jsonw_key(w, key);
    ve_jsonw_bool(w, value);
}
