#include "cli/env_text.h"

#include "base/err.h"

/* Some editors begin a file with a byte order mark. */
static struct ve_str without_mark(struct ve_str text)
{
    static const struct ve_str mark = {"\xef\xbb\xbf", 3};
    return ve_str_starts(text, mark) ? ve_str_n(text.ptr + 3, text.len - 3) : text;
}

static struct ve_str from(struct ve_str text, size_t at)
{
    return ve_str_n(text.ptr + at, text.len - at);
}

/* Cuts "NAME =" off the line; the rest is the value as it was written. */
static bool cut_name(struct ve_str line, struct ve_str *name, struct ve_str *rest)
{
    static const struct ve_str keyword = {"export", 6};
    line = ve_str_trim(line);
    size_t at = ve_str_find(line, '=');
    if (!line.len || line.ptr[0] == '#' || at == SIZE_MAX)
        return false;
    *name = ve_str_trim(ve_str_n(line.ptr, at));
    *rest = ve_str_trim(from(line, at + 1));
    bool exported = ve_str_starts(*name, keyword) && name->len > keyword.len &&
                    (name->ptr[keyword.len] == ' ' || name->ptr[keyword.len] == '\t');
    if (exported)
        *name = ve_str_trim(from(*name, keyword.len));
    return true;
}

static int read_quoted(struct ve_str rest, struct ve_str *value)
{
    struct ve_str inside = from(rest, 1);
    size_t end = ve_str_find(inside, rest.ptr[0]);
    if (end == SIZE_MAX)
        return VE_EPROTO;
    *value = ve_str_n(inside.ptr, end);
    struct ve_str behind = ve_str_trim(from(inside, end + 1));
    return !behind.len || behind.ptr[0] == '#' ? 0 : VE_EPROTO;
}

static struct ve_str without_comment(struct ve_str rest)
{
    for (size_t i = 0; i < rest.len; i++) {
        bool blank_before = i == 0 || rest.ptr[i - 1] == ' ' || rest.ptr[i - 1] == '\t';
        if (rest.ptr[i] == '#' && blank_before)
            return ve_str_trim(ve_str_n(rest.ptr, i));
    }
    return rest;
}

static int read_value(struct ve_str rest, struct ve_str *value)
{
    int err = 0;
    if (rest.len && (rest.ptr[0] == '"' || rest.ptr[0] == '\''))
        err = read_quoted(rest, value);
    else
        *value = without_comment(rest);
    if (!err && ve_str_find(*value, '\0') != SIZE_MAX)
        err = VE_EPROTO;
    return err;
}

int ve_env_find(struct ve_str text, struct ve_str name, struct ve_str *value, unsigned *line)
{
    struct ve_str rest = without_mark(text);
    int err = VE_ENOENT;
    for (unsigned n = 1; rest.ptr; n++) {
        struct ve_str own;
        struct ve_str written;
        if (!cut_name(ve_str_cut(&rest, '\n'), &own, &written) || !ve_str_eq(own, name))
            continue;
        *line = n;
        err = read_value(written, value);
    }
    return err;
}
