#include "base/json.h"

#include "base/alloc.h"
#include "base/err.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* struct ve_json is never defined: a pointer to it is json-c's object under our own name. */
static struct json_object *raw(const struct ve_json *json)
{
    return (struct json_object *)(uintptr_t)json;
}

static const struct ve_json *wrap(struct json_object *object)
{
    return (const struct ve_json *)object;
}

/* What json-c cannot be told to refuse is found by one pass over the text before it. */
struct prescan {
    struct ve_str text;
    size_t at;
    size_t members; /* colons outside strings: as many keys as the text has */
    bool nul;       /* the last string had a NUL in it */
    const char *problem;
};

static int hex4(const char *p)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = ve_hex_value(p[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* At the 'u' of an escape. Surrogates must come in pairs. Leaves `at` on the last digit. */
static bool scan_unicode_escape(struct prescan *scan)
{
    const char *p = scan->text.ptr;
    size_t len = scan->text.len;
    int unit = scan->at + 4 < len ? hex4(p + scan->at + 1) : -1;
    if (unit < 0) {
        scan->problem = "a broken \\u escape";
        return false;
    }
    scan->at += 4;
    scan->nul = scan->nul || unit == 0;
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;
    bool paired =
        unit < 0xDC00 && scan->at + 6 < len && p[scan->at + 1] == '\\' && p[scan->at + 2] == 'u';
    int low = paired ? hex4(p + scan->at + 3) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        scan->problem = "a lone surrogate";
        return false;
    }
    scan->at += 6;
    return true;
}

/* At the opening quote; leaves `at` on the closing one. */
static bool scan_string(struct prescan *scan)
{
    scan->nul = false;
    for (scan->at++; scan->at < scan->text.len; scan->at++) {
        unsigned char c = (unsigned char)scan->text.ptr[scan->at];
        if (c == '"')
            return true;
        if (c < 0x20) {
            scan->problem = "a control character in a string";
            return false;
        }
        if (c != '\\')
            continue;
        scan->at++;
        if (scan->at < scan->text.len && scan->text.ptr[scan->at] == 'u' &&
            !scan_unicode_escape(scan))
            return false;
    }
    scan->problem = "a string without end";
    return false;
}

static size_t count_digits(struct prescan *scan)
{
    size_t n = 0;
    while (scan->at < scan->text.len && scan->text.ptr[scan->at] >= '0' &&
           scan->text.ptr[scan->at] <= '9') {
        scan->at++;
        n++;
    }
    return n;
}

static char peek(const struct prescan *scan)
{
    return scan->at < scan->text.len ? scan->text.ptr[scan->at] : '\0';
}

/* The grammar of RFC 8259 section 6, and the range that we promise. Leaves `at` on the last byte.
 */
static bool scan_number(struct prescan *scan)
{
    bool negative = peek(scan) == '-';
    scan->at += negative;
    size_t start = scan->at;
    size_t digits = count_digits(scan);
    bool whole = true;
    bool ok = digits > 0 && (digits == 1 || scan->text.ptr[start] != '0');
    if (ok && peek(scan) == '.') {
        scan->at++;
        whole = false;
        ok = count_digits(scan) > 0;
    }
    if (ok && (peek(scan) == 'e' || peek(scan) == 'E')) {
        scan->at++;
        whole = false;
        if (peek(scan) == '+' || peek(scan) == '-')
            scan->at++;
        ok = count_digits(scan) > 0;
    }
    if (!ok) {
        scan->at = start;
        scan->problem = "a malformed number";
        return false;
    }
    uint64_t max = negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX;
    uint64_t value;
    if (whole && ve_str_u64(&value, ve_str_n(scan->text.ptr + start, digits), max) != 0) {
        scan->at = start;
        scan->problem = "an integer out of range";
        return false;
    }
    scan->at--;
    return true;
}

static bool prescan(struct prescan *scan)
{
    for (scan->at = 0; scan->at < scan->text.len; scan->at++) {
        char c = scan->text.ptr[scan->at];
        if (c == '"') {
            if (!scan_string(scan))
                return false;
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            if (!scan_number(scan))
                return false;
        } else if (c == ':') {
            if (scan->nul) {
                /* json-c would end the key there */
                scan->problem = "a NUL in a key";
                return false;
            }
            scan->members++;
        } else if (strchr("{}[],truefalsn \t\r\n", c) == NULL || c == '\0') {
            /* comments, single quotes, NaN, Infinity: json-c knows them, JSON does not */
            scan->problem = "an unexpected character";
            return false;
        }
    }
    return true;
}

static struct json_object *entry_value(const struct lh_entry *entry)
{
    return (struct json_object *)(uintptr_t)lh_entry_v(entry);
}

/* How many keys the tree kept, and whether every double is finite. */
static size_t count_members(struct json_object *object, bool *finite)
{
    size_t n = 0;
    switch (json_object_get_type(object)) {
    case json_type_object:
        n = (size_t)json_object_object_length(object);
        for (struct lh_entry *it = json_object_get_object(object)->head; it; it = lh_entry_next(it))
            n += count_members(entry_value(it), finite);
        break;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(object); i++)
            n += count_members(json_object_array_get_idx(object, i), finite);
        break;
    case json_type_double:
        *finite = *finite && isfinite(json_object_get_double(object));
        break;
    default:
        break;
    }
    return n;
}

#define SOMEWHERE SIZE_MAX

static int refuse(char *why, const char *problem, size_t at)
{
    if (at == SOMEWHERE)
        (void)snprintf(why, 96, "%s", problem);
    else
        (void)snprintf(why, 96, "%s at byte %zu", problem, at);
    return VE_EPROTO;
}

static int parse_with(struct json_tokener *tokener, struct json_object **out, struct ve_str text,
                      char *why)
{
    struct json_object *object = json_tokener_parse_ex(tokener, text.ptr, (int)text.len);
    enum json_tokener_error status = json_tokener_get_error(tokener);
    if (status == json_tokener_continue && text.len > 0) {
        /* A bare number at the end of the text could go on; a NUL tells that it does not. */
        object = json_tokener_parse_ex(tokener, "", 1);
        status = json_tokener_get_error(tokener);
        if (status == json_tokener_success) {
            *out = object;
            return 0;
        }
    }
    size_t end = json_tokener_get_parse_end(tokener);
    if (status != json_tokener_success) {
        json_object_put(object);
        return refuse(why, text.len ? json_tokener_error_desc(status) : "an empty text", end);
    }
    if (ve_str_trim(ve_str_n(text.ptr + end, text.len - end)).len) {
        json_object_put(object);
        return refuse(why, "bytes after the end", end);
    }
    *out = object;
    return 0;
}

int ve_json_parse(struct ve_json **out, struct ve_str text, char why[static 96])
{
    struct prescan scan = {.text = text};
    why[0] = '\0';
    if (text.len > INT32_MAX)
        return VE_ETOOBIG;
    if (!ve_str_utf8(text))
        return refuse(why, "text that is not UTF-8", SOMEWHERE);
    if (!prescan(&scan))
        return refuse(why, scan.problem, scan.at);
    struct json_tokener *tokener = json_tokener_new_ex(VE_JSON_DEPTH);
    if (!tokener)
        return VE_ENOMEM;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    struct json_object *object = NULL;
    int err = parse_with(tokener, &object, text, why);
    json_tokener_free(tokener);
    if (err)
        return err;
    bool finite = true;
    if (count_members(object, &finite) != scan.members)
        err = refuse(why, "a key that stands twice", SOMEWHERE);
    else if (!finite)
        err = refuse(why, "a number out of range", SOMEWHERE);
    if (err) {
        json_object_put(object);
        return err;
    }
    *out = (struct ve_json *)object;
    return 0;
}

void ve_json_free(struct ve_json *json)
{
    json_object_put(raw(json));
}

enum ve_json_type ve_json_type(const struct ve_json *json)
{
    switch (json_object_get_type(raw(json))) {
    case json_type_boolean:
        return VE_JSON_BOOL;
    case json_type_int:
        return VE_JSON_INT;
    case json_type_double:
        return VE_JSON_DOUBLE;
    case json_type_string:
        return VE_JSON_STRING;
    case json_type_array:
        return VE_JSON_ARRAY;
    case json_type_object:
        return VE_JSON_OBJECT;
    default:
        return VE_JSON_NULL;
    }
}

const struct ve_json *ve_json_get(const struct ve_json *json, const char *key)
{
    struct json_object *value = NULL;
    if (ve_json_type(json) == VE_JSON_OBJECT)
        json_object_object_get_ex(raw(json), key, &value);
    return wrap(value);
}

struct ve_str ve_json_str(const struct ve_json *json)
{
    if (ve_json_type(json) != VE_JSON_STRING)
        return ve_str_n(NULL, 0);
    return ve_str_n(json_object_get_string(raw(json)),
                    (size_t)json_object_get_string_len(raw(json)));
}

struct ve_str ve_json_get_str(const struct ve_json *json, const char *key)
{
    return ve_json_str(ve_json_get(json, key));
}

int ve_json_u64(const struct ve_json *json, uint64_t *out)
{
    if (ve_json_type(json) != VE_JSON_INT)
        return VE_ENOENT;
    /* json-c clamps a negative number to 0 here, so the sign is asked first. */
    if (json_object_get_int64(raw(json)) < 0)
        return VE_ENOENT;
    *out = json_object_get_uint64(raw(json));
    return 0;
}

int ve_json_i64(const struct ve_json *json, int64_t *out)
{
    if (ve_json_type(json) != VE_JSON_INT)
        return VE_ENOENT;
    int64_t value = json_object_get_int64(raw(json));
    if (value == INT64_MAX && json_object_get_uint64(raw(json)) > INT64_MAX)
        return VE_ENOENT;
    *out = value;
    return 0;
}

int ve_json_double(const struct ve_json *json, double *out)
{
    enum ve_json_type type = ve_json_type(json);
    if (type != VE_JSON_INT && type != VE_JSON_DOUBLE)
        return VE_ENOENT;
    *out = json_object_get_double(raw(json));
    return 0;
}

bool ve_json_bool(const struct ve_json *json, bool fallback)
{
    return ve_json_type(json) == VE_JSON_BOOL ? json_object_get_boolean(raw(json)) : fallback;
}

size_t ve_json_count(const struct ve_json *json)
{
    switch (ve_json_type(json)) {
    case VE_JSON_ARRAY:
        return json_object_array_length(raw(json));
    case VE_JSON_OBJECT:
        return (size_t)json_object_object_length(raw(json));
    default:
        return 0;
    }
}

const struct ve_json *ve_json_at(const struct ve_json *json, size_t index)
{
    if (ve_json_type(json) != VE_JSON_ARRAY || index >= ve_json_count(json))
        return NULL;
    return wrap(json_object_array_get_idx(raw(json), index));
}

bool ve_json_each(const struct ve_json *json, void **at, const char **key,
                  const struct ve_json **value)
{
    if (ve_json_type(json) != VE_JSON_OBJECT)
        return false;
    struct lh_entry *entry =
        *at ? lh_entry_next((struct lh_entry *)*at) : json_object_get_object(raw(json))->head;
    if (!entry)
        return false;
    *at = entry;
    *key = (const char *)lh_entry_k(entry);
    *value = wrap(entry_value(entry));
    return true;
}
