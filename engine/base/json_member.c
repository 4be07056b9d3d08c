#include "base/json.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(struct ve_str text, size_t at)
{
    while (at < text.len && is_blank(text.ptr[at]))
        at++;
    return at;
}

/* From an opening quote to behind the closing one. */
static size_t skip_string(struct ve_str text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++) {
        if (text.ptr[at] == '\\')
            at++;
    }
    return at < text.len ? at + 1 : text.len;
}

/* Behind a value: to the comma or bracket that ends it, or the blank before that. */
static size_t skip_value(struct ve_str text, size_t at)
{
    unsigned depth = 0;
    while (at < text.len) {
        char c = text.ptr[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_blank(c)))
            return at;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
        if (depth == 0 && (c == '}' || c == ']'))
            return at;
    }
    return at;
}

struct ve_str ve_json_member(struct ve_str object, const char *key)
{
    size_t wanted = strlen(key);
    size_t at = skip_blanks(object, 0);
    if (at >= object.len || object.ptr[at] != '{')
        return ve_str_n(NULL, 0);
    at = skip_blanks(object, at + 1);
    while (at < object.len && object.ptr[at] == '"') {
        size_t name = at + 1;
        at = skip_string(object, at);
        bool found = at - name == wanted + 1 && memcmp(object.ptr + name, key, wanted) == 0;
        at = skip_blanks(object, skip_blanks(object, at) + 1); /* the colon */
        size_t value = at;
        at = skip_value(object, at < object.len ? at : object.len);
        if (found && value < at)
            return ve_str_n(object.ptr + value, at - value);
        at = skip_blanks(object, skip_blanks(object, at) + 1); /* the comma */
    }
    return ve_str_n(NULL, 0);
}
