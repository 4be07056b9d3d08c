/*
 * What a transcript says about the end of the turn, in four languages.
 */
#include "base/rng.h"
#include "media/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    const char *language;
    const char *text;
    enum ve_turn_shape shape;
};

static struct ve_shape look(const char *language, uint32_t digits, const char *text)
{
    struct ve_shape_options options = {
        .language = language ? ve_language_find(ve_str(language)) : NULL,
        .digits = digits,
    };
    return ve_shape_of(&options, ve_str(text), false);
}

static void expect(const struct sample *samples, size_t count, uint32_t digits)
{
    for (size_t i = 0; i < count; i++) {
        enum ve_turn_shape got = look(samples[i].language, digits, samples[i].text).shape;
        if (got != samples[i].shape)
            fail_msg("%s \"%s\": %s, not %s", samples[i].language, samples[i].text,
                     ve_turn_shape_name(got), ve_turn_shape_name(samples[i].shape));
    }
}

#define EXPECT(samples, digits) expect(samples, sizeof(samples) / sizeof((samples)[0]), digits)

static void sentences_are_complete_at_their_mark(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"en", "I would like to speak to billing.", VE_TURN_COMPLETE},
        {"en", "when are you open?", VE_TURN_COMPLETE},
        {"en", "where is it you come from?", VE_TURN_COMPLETE},
        {"en", "that is what I am looking for.", VE_TURN_COMPLETE},
        {"en", "I need an appointment", VE_TURN_PLAIN},
        {"en", "he said \"stop!\"", VE_TURN_COMPLETE},
        {"fr", "Je voudrais parler à la comptabilité.", VE_TURN_COMPLETE},
        {"fr", "vous êtes ouverts quand ?", VE_TURN_COMPLETE},
        {"es", "¿A qué hora abren?", VE_TURN_COMPLETE},
        {"de", "Wann haben Sie geöffnet?", VE_TURN_COMPLETE},
        {"de", "Mein Auto ist kaputt", VE_TURN_PLAIN},
        {NULL, "unknown tongue.", VE_TURN_COMPLETE},
        {NULL, "unknown tongue and", VE_TURN_PLAIN},
    };
    EXPECT(samples, 0);
}

static void connectives_and_fillers_go_on(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"en", "I would like to", VE_TURN_UNFINISHED},
        {"en", "I want to book a table and", VE_TURN_UNFINISHED},
        {"en", "It's about the", VE_TURN_UNFINISHED},
        {"en", "It's about my.", VE_TURN_UNFINISHED}, /* recognisers put a stop behind everything */
        {"en", "well, um...", VE_TURN_UNFINISHED},
        {"en", "I was thinking\xe2\x80\xa6", VE_TURN_UNFINISHED},
        {"en", "on Tuesday,", VE_TURN_UNFINISHED},
        {"en", "what\xe2\x80\x99s", VE_TURN_UNFINISHED},
        {"en", "AND", VE_TURN_UNFINISHED},
        {"fr", "je voudrais un rendez-vous pour", VE_TURN_UNFINISHED},
        {"fr", "c'est pour ma", VE_TURN_UNFINISHED},
        {"fr", "EUH", VE_TURN_UNFINISHED},
        {"fr", "je viens À", VE_TURN_UNFINISHED},
        {"es", "quería una cita para el", VE_TURN_UNFINISHED},
        {"es", "mi coche pero", VE_TURN_UNFINISHED},
        {"de", "ich hätte gerne einen Termin für", VE_TURN_UNFINISHED},
        {"de", "Ähm", VE_TURN_UNFINISHED},
        {"de", "ich rufe an, weil", VE_TURN_UNFINISHED},
    };
    EXPECT(samples, 0);
}

static void answers_need_no_mark(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"en", "yes", VE_TURN_COMPLETE},
        {"en", "No, thank you", VE_TURN_COMPLETE},
        {"en", "That\xe2\x80\x99s all", VE_TURN_COMPLETE},
        {"fr", "Oui", VE_TURN_COMPLETE},
        {"fr", "s'il vous plaît", VE_TURN_COMPLETE},
        {"es", "Sí, por favor", VE_TURN_COMPLETE},
        {"de", "Nein danke", VE_TURN_COMPLETE},
        {"de", "oui", VE_TURN_PLAIN},
        {"en", "yes but", VE_TURN_UNFINISHED},
    };
    EXPECT(samples, 0);
}

static void dictation_and_spelling_go_on(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"en", "my number is oh six twelve", VE_TURN_UNFINISHED},
        {"en", "zero six one two three four five.", VE_TURN_PLAIN},
        {"en", "a table for two", VE_TURN_PLAIN},
        {"en", "it is D U P", VE_TURN_UNFINISHED},
        {"fr", "zéro six, douze, trente-quatre, cinq", VE_TURN_PLAIN},
        {"fr", "zéro six, douze", VE_TURN_UNFINISHED},
        {"de", "null sechs eins", VE_TURN_UNFINISHED},
    };
    EXPECT(samples, 0);
}

static void a_number_that_is_asked_for_has_its_length(void **state)
{
    (void)state;
    static const struct sample ten[] = {
        {"en", "0612345678", VE_TURN_COMPLETE},
        {"en", "06 12 34 56", VE_TURN_UNFINISHED},
        {"en", "06 12 34 56.", VE_TURN_UNFINISHED},
        {"en", "oh six twelve thirty four fifty six seventy eight", VE_TURN_COMPLETE},
        {"en", "oh six twelve thirty four fifty", VE_TURN_UNFINISHED},
        {"fr", "zéro six douze trente-quatre cinquante-six soixante-dix-huit", VE_TURN_COMPLETE},
        {"fr", "zéro six quatre-vingt-dix-sept vingt et un trente douze", VE_TURN_COMPLETE},
        {"fr", "zéro six quatre vingt dix sept vingt et un", VE_TURN_UNFINISHED},
        {"es", "seis uno dos treinta y cuatro cincuenta y seis", VE_TURN_UNFINISHED},
        {"de", "null eins siebzehn vierunddreißig", VE_TURN_UNFINISHED},
        {"de", "null sechs siebzehn vierunddreißig sechsundzwanzig elf", VE_TURN_COMPLETE},
        {"en", "I do not have one.", VE_TURN_UNFINISHED}, /* "one" is a digit; it costs a wait */
        {"en", "I do not know.", VE_TURN_COMPLETE},
    };
    EXPECT(ten, 10);
}

static void what_was_expected_is_complete(void **state)
{
    (void)state;
    struct ve_shape_options options = {.language = ve_language_find(VE_STR("en"))};
    assert_int_equal(ve_shape_of(&options, VE_STR("and the"), true).shape, VE_TURN_COMPLETE);
    assert_int_equal(ve_shape_of(&options, VE_STR(" ?!, "), true).shape, VE_TURN_UNHEARD);
    assert_int_equal(ve_shape_of(&options, VE_STR(""), false).shape, VE_TURN_UNHEARD);
}

static void listeners_words_are_no_words(void **state)
{
    (void)state;
    static const struct {
        const char *language, *text;
        uint32_t words;
        bool backchannel;
    } samples[] = {
        {"en", "uh-huh", 0, true},
        {"en", "Uh huh, okay, I see", 0, true},
        {"en", "no, wait", 2, false},
        {"en", "yeah but", 1, false},
        {"fr", "d'accord, oui", 0, true},
        {"fr",
         "d\xe2\x80\x99"
         "accord",
         0, true},
        {"fr", "non attendez", 2, false},
        {"es", "Ajá, vale", 0, true},
        {"es", "espere un momento", 3, false},
        {"de", "Ja, genau, verstehe", 0, true},
        {"de", "nein, Moment", 2, false},
        {"en", "", 0, false},
        {NULL, "uh-huh", 1, false},
    };
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct ve_shape got = look(samples[i].language, 0, samples[i].text);
        if (got.words != samples[i].words || got.backchannel != samples[i].backchannel)
            fail_msg("\"%s\": %u words, backchannel %d", samples[i].text, got.words,
                     got.backchannel);
    }
}

static void languages_go_by_their_tag(void **state)
{
    (void)state;
    assert_string_equal(ve_language_find(VE_STR("fr"))->code, "fr");
    assert_string_equal(ve_language_find(VE_STR("DE-at"))->code, "de");
    assert_string_equal(ve_language_find(VE_STR("es_MX"))->code, "es");
    assert_null(ve_language_find(VE_STR("")));
    assert_null(ve_language_find(VE_STR("e")));
    assert_null(ve_language_find(VE_STR("eng")));
    assert_null(ve_language_find(VE_STR("it-IT")));
}

/* Every list is lower case, has single blanks, and no word in it twice. */
static void the_lists_are_well_formed(void **state)
{
    (void)state;
    for (const struct ve_language *it = ve_languages(); it->code; it++) {
        const char *lists[] = {it->open,  it->leaning, it->backchannel,
                               it->units, it->teens,   it->decades};
        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
            struct ve_str rest = ve_str(lists[i]);
            assert_true(ve_str_utf8(rest));
            while (rest.ptr) {
                struct ve_str word = ve_str_cut(&rest, ' ');
                assert_true(word.len > 0);
                for (size_t c = 0; c < word.len; c++)
                    assert_false(word.ptr[c] >= 'A' && word.ptr[c] <= 'Z');
                struct ve_str others = rest;
                while (others.ptr) {
                    if (ve_str_eq(ve_str_cut(&others, ' '), word))
                        fail_msg("%s: \"%.*s\" twice", it->code, VE_STR_ARG(word));
                }
            }
        }
    }
}

/* Any bytes, of any length, in exactly their own memory. */
static void any_bytes_are_looked_at_safely(void **state)
{
    (void)state;
    static const char *const pieces[] = {"and ",    "\xe2\x80", "\xe2\x80\xa6", "\xc3", "'",
                                         "-",       "6",        "vingt-",       ". ",   "\0",
                                         "quatre ", "A "};
    struct ve_rng rng;
    ve_rng_seed(&rng, 11);
    for (int round = 0; round < 20000; round++) {
        char text[4096];
        size_t len = 0;
        size_t count = (size_t)ve_rng_below(&rng, round % 100 ? 12 : 600);
        for (size_t i = 0; i < count; i++) {
            const char *piece = pieces[ve_rng_below(&rng, 12)];
            size_t n = *piece ? strlen(piece) : 1;
            memcpy(text + len, piece, n);
            len += n;
        }
        const struct ve_language *language = ve_languages() + ve_rng_below(&rng, 4);
        struct ve_shape_options options = {language, (uint32_t)ve_rng_below(&rng, 12)};
        struct ve_shape got = ve_shape_of(&options, ve_str_n(text, len), false);
        assert_true(got.words <= len && (!got.backchannel || got.words == 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_are_complete_at_their_mark),
        cmocka_unit_test(connectives_and_fillers_go_on),
        cmocka_unit_test(answers_need_no_mark),
        cmocka_unit_test(dictation_and_spelling_go_on),
        cmocka_unit_test(a_number_that_is_asked_for_has_its_length),
        cmocka_unit_test(what_was_expected_is_complete),
        cmocka_unit_test(listeners_words_are_no_words),
        cmocka_unit_test(languages_go_by_their_tag),
        cmocka_unit_test(the_lists_are_well_formed),
        cmocka_unit_test(any_bytes_are_looked_at_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
