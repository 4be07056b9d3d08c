/*
 * base/json.h - JSON from outside, read strictly; JSON to outside, written in order.
 *
 * Reading stands on json-c with what it lets through refused: duplicate keys, trailing bytes, bad
 * UTF-8, lone surrogates, NaN and Infinity, numbers that do not fit, more than 32 levels. Integers
 * up to 2^64-1 stay exact. lua-cjson's wrapper in bind/ obeys the same vectors
 * (tests/data/json/).
 *
 * A `struct ve_json` is a tree; values found in it are borrowed from it.
 */
#ifndef VE_BASE_JSON_H
#define VE_BASE_JSON_H

#include "base/buf.h"

#define VE_JSON_DEPTH 32

struct ve_json;

enum ve_json_type {
    VE_JSON_NULL,
    VE_JSON_BOOL,
    VE_JSON_INT,    /* -2^63 .. 2^64-1, without fraction or exponent */
    VE_JSON_DOUBLE, /* finite */
    VE_JSON_STRING,
    VE_JSON_ARRAY,
    VE_JSON_OBJECT,
};

/* Parses a whole text. On VE_EPROTO `why` (may be NULL) tells what and where in words. */
int ve_json_parse(struct ve_json **out, struct ve_str text, char why[static 96]);
/* Frees a tree from ve_json_parse; NULL is allowed. */
void ve_json_free(struct ve_json *json);

/* All of these take NULL as the JSON null. */
enum ve_json_type ve_json_type(const struct ve_json *json);
/* The member of an object, or NULL when it is absent, null, or `json` is no object. */
const struct ve_json *ve_json_get(const struct ve_json *json, const char *key);
/* Text of a string; empty for every other type. */
struct ve_str ve_json_str(const struct ve_json *json);
/* Text of a member that is a string; empty otherwise. */
struct ve_str ve_json_get_str(const struct ve_json *json, const char *key);
/* VE_ENOENT when it is no integer of that range. */
int ve_json_u64(const struct ve_json *json, uint64_t *out);
int ve_json_i64(const struct ve_json *json, int64_t *out);
/* Any number as a double; VE_ENOENT when it is none. */
int ve_json_double(const struct ve_json *json, double *out);
bool ve_json_bool(const struct ve_json *json, bool fallback);
size_t ve_json_count(const struct ve_json *json); /* elements or members; 0 for scalars */
const struct ve_json *ve_json_at(const struct ve_json *json, size_t index); /* of an array */
/* The text of a member's value, borrowed from the text of the object, which ve_json_parse must have
 * taken. ptr NULL when there is none; a key that is spelled with escapes is not found. */
struct ve_str ve_json_member(struct ve_str object, const char *key);
/* Walks an object: start with *at = NULL; false at the end. */
bool ve_json_each(const struct ve_json *json, void **at, const char **key,
                  const struct ve_json **value);

/*
 * Writing: one pass into a buffer, commas handled. The first error sticks and is returned by
 * ve_jsonw_end. Keys are literals; texts are escaped, bytes that are not UTF-8 become U+FFFD.
 */
struct ve_jsonw {
    struct ve_buf *out; /* borrowed */
    int err;
    bool comma; /* the next value needs one */
};

void ve_jsonw_init(struct ve_jsonw *w, struct ve_buf *out);
int ve_jsonw_end(struct ve_jsonw *w);
void ve_jsonw_object(struct ve_jsonw *w);
void ve_jsonw_object_end(struct ve_jsonw *w);
void ve_jsonw_array(struct ve_jsonw *w);
void ve_jsonw_array_end(struct ve_jsonw *w);
void ve_jsonw_key(struct ve_jsonw *w, const char *key);
void ve_jsonw_str(struct ve_jsonw *w, struct ve_str text);
/* Behind a ve_jsonw_str that was a key. */
void ve_jsonw_colon(struct ve_jsonw *w);
void ve_jsonw_u64(struct ve_jsonw *w, uint64_t value);
void ve_jsonw_i64(struct ve_jsonw *w, int64_t value);
void ve_jsonw_double(struct ve_jsonw *w, double value, int decimals);
void ve_jsonw_bool(struct ve_jsonw *w, bool value);
void ve_jsonw_null(struct ve_jsonw *w);
/* A value that is JSON text already. */
void ve_jsonw_raw(struct ve_jsonw *w, struct ve_str json);
/* key + value in one line */
void ve_jsonw_kstr(struct ve_jsonw *w, const char *key, struct ve_str text);
void ve_jsonw_ku64(struct ve_jsonw *w, const char *key, uint64_t value);
void ve_jsonw_kbool(struct ve_jsonw *w, const char *key, bool value);

#endif
