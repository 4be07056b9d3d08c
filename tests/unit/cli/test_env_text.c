#include "cli/env_text.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct ve_str text, const char *value, unsigned line)
{
    struct ve_str found = {NULL, 0};
    unsigned at = 0;
    assert_int_equal(ve_env_find(text, VE_STR("NAME"), &found, &at), 0);
    if (!ve_str_eq(found, ve_str(value)))
        fail_msg("%.*s: %.*s", VE_STR_ARG(text), VE_STR_ARG(found));
    assert_int_equal(at, line);
}

static void values_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *value;
        unsigned line;
    } cases[] = {
        {"NAME=value", "value", 1},
        {"NAME=value\n", "value", 1},
        {"\r\n  NAME = value \r\n", "value", 2},
        {"export NAME=value", "value", 1},
        {"export\tNAME=value", "value", 1},
        {"\xef\xbb\xbfNAME=value", "value", 1},
        {"NAME=", "", 1},
        {"NAME=\"\"", "", 1},
        {"NAME=\"a b\"", "a b", 1},
        {"NAME=' a '", " a ", 1},
        {"NAME=\"it's\"", "it's", 1},
        {"NAME=it's", "it's", 1},
        {"NAME=a=b", "a=b", 1},
        {"NAME=8000 # the port", "8000", 1},
        {"NAME=8000\t#the port", "8000", 1},
        {"NAME=# nothing", "", 1},
        {"NAME=pass#word", "pass#word", 1},
        {"NAME=\"pass # word\" # it", "pass # word", 1},
        {"NAME=a\nOTHER=b\nNAME=c\n", "c", 3}, /* the last one counts */
        {"#NAME=a\n# NAME=b\nNAME=c", "c", 3},
        {"name=a\nNAMES=b\nNAME=c", "c", 3},
        {"NAME\nNAME=c", "c", 2},
        {"exportNAME=a\nNAME=b", "b", 2},
        {"NAME=\"open\nNAME=mended", "mended", 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(ve_str(cases[i].text), cases[i].value, cases[i].line);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const texts[] = {"",        "\n\n",    "=value",    "NAME",
                                        "#NAME=x", "XNAME=x", "export =x", "export\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ve_str value;
        unsigned line;
        assert_int_equal(ve_env_find(ve_str(texts[i]), VE_STR("NAME"), &value, &line), VE_ENOENT);
    }
    struct ve_str value;
    unsigned line;
    assert_int_equal(ve_env_find(ve_str_n(NULL, 0), VE_STR("NAME"), &value, &line), VE_ENOENT);
    /* a setting whose name is `export` is one all the same */
    assert_int_equal(ve_env_find(VE_STR("export=1"), VE_STR("export"), &value, &line), 0);
}

static void what_cannot_be_read_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct ve_str texts[] = {
        {"\nNAME=\"open", 11},        {"\nNAME='open\"", 12}, {"\nNAME=\"a\"b", 10},
        {"\nNAME=\"a\" OTHER=b", 17}, {"\nNAME=a\0b", 9},     {"\nNAME=\"a\0b\"", 11},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ve_str value;
        unsigned line = 0;
        assert_int_equal(ve_env_find(texts[i], VE_STR("NAME"), &value, &line), VE_EPROTO);
        assert_int_equal(line, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_as_people_write_them),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
