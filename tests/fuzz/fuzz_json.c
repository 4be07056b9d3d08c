/*
 * base/json: a text that is accepted, written out and read again must be the same tree.
 */
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(struct ve_jsonw *w, const struct ve_json *json);

static void write_object(struct ve_jsonw *w, const struct ve_json *json)
{
    void *at = NULL;
    const char *key;
    const struct ve_json *value;
    ve_jsonw_object(w);
    while (ve_json_each(json, &at, &key, &value)) {
        ve_jsonw_key(w, key);
        write_value(w, value);
    }
    ve_jsonw_object_end(w);
}

static void write_array(struct ve_jsonw *w, const struct ve_json *json)
{
    ve_jsonw_array(w);
    for (size_t i = 0; i < ve_json_count(json); i++)
        write_value(w, ve_json_at(json, i));
    ve_jsonw_array_end(w);
}

static void write_number(struct ve_jsonw *w, const struct ve_json *json)
{
    uint64_t natural;
    int64_t integer;
    double real;
    if (ve_json_u64(json, &natural) == 0)
        ve_jsonw_u64(w, natural);
    else if (ve_json_i64(json, &integer) == 0)
        ve_jsonw_i64(w, integer);
    else if (ve_json_double(json, &real) == 0)
        ve_jsonw_double(w, real, 17);
    else
        abort(); /* a number that is none of the three */
}

static void write_value(struct ve_jsonw *w, const struct ve_json *json)
{
    switch (ve_json_type(json)) {
    case VE_JSON_NULL:
        ve_jsonw_null(w);
        return;
    case VE_JSON_BOOL:
        ve_jsonw_bool(w, ve_json_bool(json, false));
        return;
    case VE_JSON_STRING:
        if (!ve_str_utf8(ve_json_str(json)))
            abort();
        ve_jsonw_str(w, ve_json_str(json));
        return;
    case VE_JSON_ARRAY:
        write_array(w, json);
        return;
    case VE_JSON_OBJECT:
        write_object(w, json);
        return;
    default:
        write_number(w, json);
    }
}

static bool same(const struct ve_json *a, const struct ve_json *b)
{
    enum ve_json_type type = ve_json_type(a);
    if (type != ve_json_type(b) || ve_json_count(a) != ve_json_count(b))
        return false;
    if (type == VE_JSON_STRING)
        return ve_str_eq(ve_json_str(a), ve_json_str(b));
    if (type == VE_JSON_ARRAY) {
        for (size_t i = 0; i < ve_json_count(a); i++) {
            if (!same(ve_json_at(a, i), ve_json_at(b, i)))
                return false;
        }
    }
    if (type == VE_JSON_OBJECT) {
        void *at = NULL;
        const char *key;
        const struct ve_json *value;
        while (ve_json_each(a, &at, &key, &value)) {
            if (!same(value, ve_json_get(b, key)))
                return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[96];
    struct ve_json *json = NULL;
    struct ve_json *again = NULL;
    if (ve_json_parse(&json, ve_str_n((const char *)data, size), why) != 0)
        return 0;
    struct ve_buf text;
    struct ve_jsonw w;
    ve_buf_init(&text, 0);
    ve_jsonw_init(&w, &text);
    write_value(&w, json);
    if (ve_jsonw_end(&w) != 0 || ve_json_parse(&again, ve_buf_str(&text), why) != 0)
        abort();
    if (!same(json, again))
        abort();
    ve_json_free(json);
    ve_json_free(again);
    ve_buf_free(&text);
    return 0;
}
