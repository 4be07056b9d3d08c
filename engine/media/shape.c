#include "media/shape.h"

#include <string.h>

/* A word longer than this is none that any list knows. */
#define WORD_MAX 48
/* A run of so many number words is somebody dictating ... */
#define DICTATION_MIN 3
/* ... until it has the digits of a short telephone number. */
#define DICTATION_DIGITS 7

struct word {
    char text[WORD_MAX]; /* lower case */
    size_t len;
    bool stop;  /* '.', '!' or '?' behind it */
    bool query; /* '!' or '?' */
    bool comma; /* ',', ';', ':', '-' or an ellipsis behind it: more is coming */
};

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

/* Inside a word: "what's", "uh-huh". */
static bool is_joiner(unsigned char c)
{
    return c == '\'' || c == '-';
}

/* Lower case of ASCII and of the letters of Latin-1 (U+00C0 to U+00DE are C3 80 to C3 9E). */
static void lower(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool accented =
            i > 0 && (unsigned char)text[i - 1] == 0xc3 && c >= 0x80 && c <= 0x9e && c != 0x97;
        if ((c >= 'A' && c <= 'Z') || accented)
            text[i] = (char)(c + 0x20);
    }
}

/* The typographic apostrophe (E2 80 99) and ellipsis (E2 80 A6) are three bytes each. */
static bool is_mark(struct ve_str rest, unsigned char last)
{
    return rest.len >= 3 && memcmp(rest.ptr, "\xe2\x80", 2) == 0 &&
           (unsigned char)rest.ptr[2] == last;
}

static struct ve_str skip(struct ve_str text, size_t n)
{
    return ve_str_n(text.ptr + n, text.len - n);
}

static void note_mark(struct word *word, struct ve_str rest)
{
    char c = rest.ptr[0];
    bool dots = is_mark(rest, 0xa6) || (rest.len >= 2 && c == '.' && rest.ptr[1] == '.');
    if (dots || c == ',' || c == ';' || c == ':' || c == '-')
        word->comma = true;
    else if (c == '?' || c == '!')
        word->stop = word->query = true;
    else if (c == '.' && !word->comma)
        word->stop = true;
}

/* Cuts one word with the marks behind it off the front; false at the end. */
static bool next_word(struct ve_str *rest, struct word *word)
{
    struct ve_str at = *rest;
    memset(word, 0, sizeof(*word));
    while (at.len && (is_mark(at, 0xa6) || !is_letter((unsigned char)at.ptr[0])))
        at = skip(at, is_mark(at, 0xa6) ? 3 : 1);
    while (at.len) {
        bool apostrophe = is_mark(at, 0x99);
        unsigned char c = apostrophe ? '\'' : (unsigned char)at.ptr[0];
        bool inside = is_letter(c) && !is_mark(at, 0xa6);
        struct ve_str after = skip(at, apostrophe ? 3 : 1);
        if (!inside && !(is_joiner(c) && after.len && is_letter((unsigned char)after.ptr[0])))
            break;
        if (word->len + 1 < sizeof(word->text))
            word->text[word->len++] = (char)c;
        at = after;
    }
    while (at.len && (is_mark(at, 0xa6) || !is_letter((unsigned char)at.ptr[0]))) {
        note_mark(word, at);
        at = skip(at, is_mark(at, 0xa6) ? 3 : 1);
    }
    lower(word->text, word->len);
    *rest = at;
    return word->len > 0;
}

/* Is it one of the words, or phrases, of a list? */
static bool in_list(const char *list, char between, struct ve_str text)
{
    struct ve_str rest = ve_str(list);
    while (rest.ptr && text.len) {
        if (ve_str_eq(ve_str_cut(&rest, between), text))
            return true;
    }
    return false;
}

static struct ve_str text_of(const struct word *word)
{
    return ve_str_n(word->text, word->len);
}

/* --- numbers -----------------------------------------------------------------------------------
 */

static bool all_digits(struct ve_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return text.len > 0;
}

static bool ends_like(const char *endings, struct ve_str text)
{
    struct ve_str rest = ve_str(endings);
    while (rest.ptr) {
        struct ve_str ending = ve_str_cut(&rest, ' ');
        if (ending.len && ve_str_ends(text, ending))
            return true;
    }
    return false;
}

struct digits {
    uint32_t count;
    uint32_t run;      /* number words in a row, up to now */
    bool after_decade; /* "thirty": what comes may belong to it */
    bool takes_teens;  /* "soixante": so may "dix" */
    bool after_four;   /* "quatre": a "vingt" behind it makes two digits of both */
};

static void add_figures(struct digits *digits, size_t count)
{
    digits->count += (uint32_t)count;
    digits->after_decade = digits->takes_teens = digits->after_four = false;
}

static void add_decade(struct digits *digits, struct ve_str part)
{
    bool eighty = digits->after_four && ve_str_starts(part, VE_STR("vingt"));
    digits->count += eighty ? 1 : 2;
    digits->after_decade = true;
    digits->takes_teens = eighty || ve_str_eq(part, VE_STR("soixante"));
    digits->after_four = false;
}

/* Adds one part of a word ("vingt" of "quatre-vingt"); false when it is no number. */
static bool add_part(const struct ve_language *language, struct digits *digits, struct ve_str part)
{
    bool joins = digits->after_decade;
    if (all_digits(part)) {
        add_figures(digits, part.len);
    } else if (!language) {
        return false;
    } else if (in_list(language->units, ' ', part)) {
        add_figures(digits, joins ? 0 : 1);
        digits->after_four = ve_str_eq(part, VE_STR("quatre"));
    } else if (in_list(language->teens, ' ', part)) {
        add_figures(digits, digits->takes_teens ? 0 : 2);
        digits->after_decade = ve_str_eq(part, VE_STR("dix")); /* dix-sept */
    } else if (in_list(language->decades, ' ', part) || ends_like(language->ending, part)) {
        add_decade(digits, part);
    } else {
        return digits->after_decade && part.len && ve_str_eq(part, ve_str(language->joint));
    }
    return true;
}

/* Counts a word's digits; a word that is none ends the run. */
static void add_word(const struct ve_language *language, struct digits *digits,
                     const struct word *word)
{
    struct ve_str rest = text_of(word);
    uint32_t count = digits->count;
    while (rest.ptr) {
        if (!add_part(language, digits, ve_str_cut(&rest, '-'))) {
            *digits = (struct digits){.count = count};
            return;
        }
    }
    digits->run++;
    if (word->stop || word->comma)
        digits->after_decade = digits->takes_teens = digits->after_four = false;
}

/* --- the shape ---------------------------------------------------------------------------------
 */

struct look {
    const struct ve_shape_options *options;
    struct word last;
    struct digits all;     /* in the whole text */
    struct digits tail;    /* in the run of numbers at its end */
    uint32_t letters;      /* single letters in a row at the end: somebody spells */
    uint32_t words;        /* all */
    uint32_t backchannels; /* of them */
};

static void look_at(struct look *look, const struct word *word)
{
    const struct ve_language *language = look->options->language;
    look->words++;
    if (language && in_list(language->backchannel, ' ', text_of(word)))
        look->backchannels++;
    add_word(language, &look->all, word);
    add_word(language, &look->tail, word);
    if (!look->tail.run)
        look->tail.count = 0;
    look->letters = word->len == 1 && !all_digits(text_of(word)) ? look->letters + 1 : 0;
    look->last = *word;
}

/* A number that was asked for, or one that is being dictated. */
static enum ve_turn_shape number_shape(const struct look *look)
{
    uint32_t wanted = look->options->digits;
    if (wanted && look->all.count)
        return look->all.count < wanted ? VE_TURN_UNFINISHED : VE_TURN_COMPLETE;
    if (look->tail.run < DICTATION_MIN)
        return VE_TURN_UNHEARD; /* no opinion */
    return look->tail.count < DICTATION_DIGITS ? VE_TURN_UNFINISHED : VE_TURN_PLAIN;
}

static bool goes_on(const struct look *look)
{
    const struct ve_language *language = look->options->language;
    struct ve_str last = text_of(&look->last);
    if (look->last.query)
        return false;
    if (look->last.comma || look->letters >= 2)
        return true;
    if (!language)
        return false;
    return in_list(language->open, ' ', last) ||
           (!look->last.stop && in_list(language->leaning, ' ', last));
}

/* The whole text, in lower case and without marks, is a phrase that answers. */
static bool is_answer(const struct ve_language *language, struct ve_str text)
{
    char plain[64];
    size_t n = 0;
    struct word word;
    while (language && next_word(&text, &word)) {
        if (n + word.len + 1 >= sizeof(plain))
            return false;
        if (n)
            plain[n++] = ' ';
        memcpy(plain + n, word.text, word.len);
        n += word.len;
    }
    return n && in_list(language->answers, '|', ve_str_n(plain, n));
}

static enum ve_turn_shape decide(const struct look *look, struct ve_str text, bool expected)
{
    if (!look->words)
        return VE_TURN_UNHEARD;
    if (expected)
        return VE_TURN_COMPLETE;
    enum ve_turn_shape number = number_shape(look);
    if (number != VE_TURN_UNHEARD)
        return number;
    if (is_answer(look->options->language, text))
        return VE_TURN_COMPLETE;
    if (goes_on(look))
        return VE_TURN_UNFINISHED;
    return look->last.stop ? VE_TURN_COMPLETE : VE_TURN_PLAIN;
}

struct ve_shape ve_shape_of(const struct ve_shape_options *options, struct ve_str text,
                            bool expected)
{
    struct look look = {.options = options};
    struct word word;
    if (text.len > VE_SHAPE_TEXT_MAX)
        text = skip(text, text.len - VE_SHAPE_TEXT_MAX);
    struct ve_str rest = text;
    while (next_word(&rest, &word))
        look_at(&look, &word);
    return (struct ve_shape){
        .shape = decide(&look, text, expected),
        .words = look.words - look.backchannels,
        .backchannel = look.words && look.words == look.backchannels,
    };
}

const char *ve_turn_shape_name(enum ve_turn_shape shape)
{
    static const char *const names[] = {"unheard", "plain", "complete", "unfinished"};
    return names[shape];
}
