#include "speech/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The whole text as the voice would get it, characters joined. */
static const char *plain(const char *text, char *out)
{
    struct ve_str rest = ve_str(text);
    size_t len = 0;
    while (rest.len > 0) {
        char ascii[VE_TEXT_ASCII_MAX];
        size_t count;
        size_t used = ve_text_ascii(rest, ascii, &count);
        assert_in_range(used, 1, rest.len);
        assert_in_range(count, 0, VE_TEXT_ASCII_MAX);
        memcpy(out + len, ascii, count);
        len += count;
        rest.ptr += used;
        rest.len -= used;
    }
    out[len] = '\0';
    return out;
}

static void test_letters_lose_their_accents(void **state)
{
    (void)state;
    char out[128];
    assert_string_equal(plain("Zo\xC3\xAB \xC3\x89mile \xC5\x81\xC3\xB3"
                              "d\xC5\xBA stra\xC3\x9F"
                              "e",
                              out),
                        "Zoe Emile Lodz strasse");
    assert_string_equal(plain("e\xCC\x81 n\xCC\x83", out), "e n"); /* combining marks */
}

static void test_marks_become_plain(void **state)
{
    (void)state;
    char out[128];
    assert_string_equal(plain("\xE2\x80\x9Cit\xE2\x80\x99s\xE2\x80\x9D\xE2\x80\xA6", out),
                        "\"it's\"...");
    assert_string_equal(plain("\xC2\xA3"
                              "5",
                              out),
                        " pound 5");
}

static void test_the_rest_becomes_a_blank(void **state)
{
    (void)state;
    char out[128];
    assert_string_equal(plain("a\xE4\xBD\xA0"
                              "b",
                              out),
                        "a b"); /* a letter of no Latin alphabet */
    assert_string_equal(plain("a\xF0\x9F\x98\x80"
                              "b",
                              out),
                        "a b");                                        /* a picture */
    assert_string_equal(plain("a\x01\x7F\tb", out), "a   b");          /* control characters */
    assert_string_equal(plain("a\xFF\xC3(b\xE4\xBD", out), "a  (b  "); /* broken UTF-8 */
}

static void test_words(void **state)
{
    (void)state;
    struct ve_str rest = ve_str("  I'd like, 'Caf\xC3\xA9' no. 12!");
    static const char *const expected[] = {"i'd", "like", "cafe", "no", "12"};
    for (size_t i = 0; i < 5; i++) {
        char word[16];
        size_t len = ve_text_word(&rest, word, sizeof(word));
        assert_int_equal(len, strlen(expected[i]));
        assert_memory_equal(word, expected[i], len);
    }
    char word[16];
    assert_int_equal(ve_text_word(&rest, word, sizeof(word)), 0);
}

static void test_long_words_are_cut_but_read_whole(void **state)
{
    (void)state;
    struct ve_str rest = VE_STR("abcdefghij next");
    char word[4];
    assert_int_equal(ve_text_word(&rest, word, sizeof(word)), 4);
    assert_memory_equal(word, "abcd", 4);
    assert_int_equal(ve_text_word(&rest, word, sizeof(word)), 4);
    assert_memory_equal(word, "next", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_lose_their_accents),
        cmocka_unit_test(test_marks_become_plain),
        cmocka_unit_test(test_the_rest_becomes_a_blank),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_long_words_are_cut_but_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
