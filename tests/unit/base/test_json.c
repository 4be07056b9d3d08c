#include "base/json.h"

#include "base/alloc.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ve_json *parse(const char *text)
{
    struct ve_json *json = NULL;
    char why[96];
    if (ve_json_parse(&json, ve_str(text), why) != 0)
        fail_msg("%s: %s", text, why);
    return json;
}

static void read_file(struct ve_buf *out, const char *path)
{
    char part[4096];
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    for (size_t n = fread(part, 1, sizeof(part), file); n; n = fread(part, 1, sizeof(part), file))
        assert_int_equal(ve_buf_add(out, part, n), 0);
    (void)fclose(file);
}

static void check_vector(const char *path, bool good)
{
    struct ve_buf text;
    struct ve_json *json = NULL;
    char why[96] = "?";
    ve_buf_init(&text, 0);
    read_file(&text, path);
    int err = ve_json_parse(&json, ve_buf_str(&text), why);
    if (good && err)
        fail_msg("%s is refused: %s", path, why);
    if (!good && err != VE_EPROTO)
        fail_msg("%s gives %s", path, ve_err_name(err));
    if (!good && (why[0] == '\0' || strlen(why) > 95))
        fail_msg("%s is refused without a reason", path);
    if (good)
        assert_string_equal(why, "");
    ve_json_free(json);
    ve_buf_free(&text);
}

/* tests/data/json: also read by the scripts' json module, so that both mean the same by JSON. */
static void check_vectors(const char *folder, bool good, int at_least)
{
    char path[4096];
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        check_vector(path, good);
        count++;
    }
    closedir(dir);
    assert_true(count >= at_least);
}

static void what_is_json(void **state)
{
    (void)state;
    check_vectors(TEST_DATA "/json/accept", true, 40);
}

static void what_is_not(void **state)
{
    (void)state;
    check_vectors(TEST_DATA "/json/reject", false, 120);
}

static void the_reason_says_where(void **state)
{
    (void)state;
    struct ve_json *json = NULL;
    char why[96];
    assert_int_equal(ve_json_parse(&json, VE_STR("{\"a\":012}"), why), VE_EPROTO);
    assert_string_equal(why, "a malformed number at byte 5");
    assert_int_equal(ve_json_parse(&json, VE_STR("{} x"), why), VE_EPROTO);
    assert_string_equal(why, "an unexpected character at byte 3");
    assert_int_equal(ve_json_parse(&json, VE_STR("{}{}"), why), VE_EPROTO);
    assert_string_equal(why, "bytes after the end at byte 2");
    assert_int_equal(ve_json_parse(&json, VE_STR("{\"a\":1,\"a\":2}"), why), VE_EPROTO);
    assert_string_equal(why, "a key that stands twice");
    assert_int_equal(ve_json_parse(&json, VE_STR(""), why), VE_EPROTO);
    assert_string_equal(why, "an empty text at byte 0");
    assert_int_equal(ve_json_parse(&json, VE_STR("[\"\xff\"]"), why), VE_EPROTO);
    assert_string_equal(why, "text that is not UTF-8");
    assert_null(json);
}

static void integers_stay_exact(void **state)
{
    (void)state;
    struct ve_json *json = parse("[18446744073709551615,10345678901234567890,9007199254740993,"
                                 "-9223372036854775808,9223372036854775807,0]");
    uint64_t u;
    int64_t i;
    assert_int_equal(ve_json_u64(ve_json_at(json, 0), &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(ve_json_u64(ve_json_at(json, 1), &u), 0);
    assert_true(u == 10345678901234567890u);
    assert_int_equal(ve_json_u64(ve_json_at(json, 2), &u), 0);
    assert_true(u == 9007199254740993u);
    assert_int_equal(ve_json_u64(ve_json_at(json, 3), &u), VE_ENOENT);
    assert_int_equal(ve_json_i64(ve_json_at(json, 3), &i), 0);
    assert_true(i == INT64_MIN);
    assert_int_equal(ve_json_i64(ve_json_at(json, 0), &i), VE_ENOENT);
    assert_int_equal(ve_json_i64(ve_json_at(json, 4), &i), 0);
    assert_true(i == INT64_MAX);
    assert_int_equal(ve_json_u64(ve_json_at(json, 5), &u), 0);
    assert_true(u == 0);
    ve_json_free(json);
}

static void each_type_answers_only_its_own(void **state)
{
    (void)state;
    struct ve_json *json = parse("{\"s\":\"text\",\"i\":7,\"d\":0.5,\"t\":true,\"n\":null,"
                                 "\"a\":[1,2,3],\"o\":{\"x\":1,\"y\":2}}");
    uint64_t u = 99;
    double d = 99;
    assert_int_equal(ve_json_type(json), VE_JSON_OBJECT);
    assert_int_equal(ve_json_type(ve_json_get(json, "s")), VE_JSON_STRING);
    assert_int_equal(ve_json_type(ve_json_get(json, "i")), VE_JSON_INT);
    assert_int_equal(ve_json_type(ve_json_get(json, "d")), VE_JSON_DOUBLE);
    assert_int_equal(ve_json_type(ve_json_get(json, "t")), VE_JSON_BOOL);
    assert_int_equal(ve_json_type(ve_json_get(json, "a")), VE_JSON_ARRAY);
    assert_null(ve_json_get(json, "n"));
    assert_null(ve_json_get(json, "absent"));
    assert_null(ve_json_get(ve_json_get(json, "a"), "0"));
    assert_null(ve_json_get(NULL, "a"));
    assert_int_equal(ve_json_type(NULL), VE_JSON_NULL);

    assert_true(ve_str_eq(ve_json_get_str(json, "s"), VE_STR("text")));
    assert_int_equal(ve_json_get_str(json, "i").len, 0);
    assert_int_equal(ve_json_get_str(NULL, "i").len, 0);
    assert_int_equal(ve_json_u64(ve_json_get(json, "d"), &u), VE_ENOENT);
    assert_int_equal(ve_json_u64(ve_json_get(json, "s"), &u), VE_ENOENT);
    assert_int_equal(ve_json_u64(ve_json_get(json, "t"), &u), VE_ENOENT);
    assert_int_equal(ve_json_u64(NULL, &u), VE_ENOENT);
    assert_true(u == 99);
    assert_int_equal(ve_json_double(ve_json_get(json, "i"), &d), 0);
    assert_true(d == 7);
    assert_int_equal(ve_json_double(ve_json_get(json, "d"), &d), 0);
    assert_true(d == 0.5);
    assert_int_equal(ve_json_double(ve_json_get(json, "s"), &d), VE_ENOENT);
    assert_true(ve_json_bool(ve_json_get(json, "t"), false));
    assert_true(ve_json_bool(ve_json_get(json, "i"), true));
    assert_false(ve_json_bool(NULL, false));

    const struct ve_json *array = ve_json_get(json, "a");
    assert_int_equal(ve_json_count(array), 3);
    assert_null(ve_json_at(array, 3));
    assert_null(ve_json_at(json, 0));
    assert_int_equal(ve_json_count(ve_json_get(json, "o")), 2);
    assert_int_equal(ve_json_count(ve_json_get(json, "s")), 0);
    ve_json_free(json);
}

static void walking_an_object(void **state)
{
    (void)state;
    struct ve_json *json = parse("{\"one\":1,\"two\":null,\"three\":[]}");
    static const char *const names[] = {"one", "two", "three"};
    void *at = NULL;
    const char *key;
    const struct ve_json *value;
    int n = 0;
    while (ve_json_each(json, &at, &key, &value)) {
        assert_in_range(n, 0, 2);
        assert_string_equal(key, names[n++]);
    }
    assert_int_equal(n, 3);
    at = NULL;
    assert_false(ve_json_each(NULL, &at, &key, &value));
    assert_false(ve_json_each(ve_json_get(json, "three"), &at, &key, &value));
    ve_json_free(json);
    json = parse("{}");
    assert_false(ve_json_each(json, &at, &key, &value));
    ve_json_free(json);
}

static void texts_may_hold_a_nul(void **state)
{
    (void)state;
    struct ve_json *json = parse("[\"a\\u0000b\",\"\\uD83D\\uDE00\"]");
    assert_true(ve_str_eq(ve_json_str(ve_json_at(json, 0)), VE_STR("a\0b")));
    assert_true(ve_str_eq(ve_json_str(ve_json_at(json, 1)), VE_STR("\xF0\x9F\x98\x80")));
    ve_json_free(json);
}

/* A text from outside has no NUL behind it: nothing may be read past its end. */
static void the_end_is_the_length(void **state)
{
    (void)state;
    static const char *const texts[] = {"[1,2,3]", "12345", "\"text\"", "{\"a\":true}", "null"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t len = 0; len <= strlen(texts[i]); len++) {
            char *exact = ve_alloc(len);
            struct ve_json *json = NULL;
            char why[96];
            /* a block of exactly that size, so that a sanitizer sees a step beyond it */
            assert_non_null(exact);
            memcpy(exact, texts[i], len);
            int err = ve_json_parse(&json, ve_str_n(exact, len), why);
            bool whole = len == strlen(texts[i]) || (i == 1 && len > 0);
            assert_int_equal(err, whole ? 0 : VE_EPROTO);
            ve_json_free(json);
            ve_free(exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json),
        cmocka_unit_test(what_is_not),
        cmocka_unit_test(the_reason_says_where),
        cmocka_unit_test(integers_stay_exact),
        cmocka_unit_test(each_type_answers_only_its_own),
        cmocka_unit_test(walking_an_object),
        cmocka_unit_test(texts_may_hold_a_nul),
        cmocka_unit_test(the_end_is_the_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
