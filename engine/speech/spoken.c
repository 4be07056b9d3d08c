#include "speech/spoken.h"

#include "base/alloc.h"
#include "base/err.h"
#include "speech/text.h"

#include <string.h>

#define COMMA_AFTER 80 /* characters: from here on a comma ends a piece */
/* Longer runs make no word, and the voice's letter-to-sound rules have fixed tables. */
#define LETTERS_MAX 32
#define DIGITS_MAX  18

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n';
}

/* --- from bytes to characters ----------------------------------------------------------------- */

struct reader {
    struct ve_spoken *spoken; /* chars NULL: only counts */
    size_t letters;           /* length of the run that the last character ends */
    size_t digits;
};

static void put(struct reader *reader, char c, size_t from)
{
    reader->letters = is_letter(c) ? reader->letters + 1 : 0;
    reader->digits = is_digit(c) ? reader->digits + 1 : 0;
    if (reader->letters > LETTERS_MAX || reader->digits > DIGITS_MAX) {
        put(reader, ' ', from);
        put(reader, c, from);
        return;
    }
    struct ve_spoken *spoken = reader->spoken;
    if (spoken->chars) {
        spoken->chars[spoken->count] = c;
        spoken->from[spoken->count] = (uint16_t)from;
    }
    spoken->count++;
}

struct symbol {
    char c;
    bool alone; /* a word only when it stands between blanks, else a blank */
    const char *say;
};

static const struct symbol symbols[] = {
    {'%', false, " percent "}, {'&', false, " and "},    {'@', false, " at "},
    {'+', false, " plus "},    {'=', false, " equals "}, {'*', true, " star "},
    {'#', true, " pound "},
};

/* What stands for one ASCII character; `alone` tells that it is between blanks. */
static struct ve_str say_char(const char *c, bool alone)
{
    if (is_letter(*c) || is_digit(*c) || strchr(" .,!?;:'-$/()", *c))
        return ve_str_n(c, 1);
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (symbols[i].c == *c && (alone || !symbols[i].alone))
            return ve_str(symbols[i].say);
    }
    return VE_STR(" ");
}

static void read_text(struct ve_spoken *spoken, struct ve_str text)
{
    struct reader reader = {.spoken = spoken};
    spoken->count = 0;
    for (size_t at = 0; at < text.len;) {
        char ascii[VE_TEXT_ASCII_MAX];
        size_t count;
        size_t used = ve_text_ascii(ve_str_n(text.ptr + at, text.len - at), ascii, &count);
        if (text.ptr[at] == '\n')
            ascii[0] = '\n';
        bool alone = (at == 0 || (uint8_t)text.ptr[at - 1] <= ' ') &&
                     (at + used >= text.len || (uint8_t)text.ptr[at + used] <= ' ');
        for (size_t i = 0; i < count; i++) {
            struct ve_str say = ascii[i] == '\n' ? VE_STR("\n") : say_char(&ascii[i], alone);
            for (size_t k = 0; k < say.len; k++)
                put(&reader, say.ptr[k], at);
        }
        at += used;
    }
}

int ve_spoken_init(struct ve_spoken *spoken, struct ve_str text)
{
    memset(spoken, 0, sizeof(*spoken));
    if (text.len > VE_SPOKEN_TEXT_MAX)
        return VE_ETOOBIG;
    read_text(spoken, text);
    char *chars = ve_alloc(spoken->count);
    uint16_t *from = ve_alloc_array(spoken->count, sizeof(*from));
    if (!chars || !from) {
        ve_free(chars);
        ve_free(from);
        return VE_ENOMEM;
    }
    spoken->chars = chars;
    spoken->from = from;
    read_text(spoken, text);
    return 0;
}

void ve_spoken_free(struct ve_spoken *spoken)
{
    ve_free(spoken->chars);
    ve_free(spoken->from);
    memset(spoken, 0, sizeof(*spoken));
}

/* --- from characters to pieces ---------------------------------------------------------------- */

enum dot {
    DOT_ENDS,    /* the sentence may end here */
    DOT_NAME,    /* a name or number follows: never an end */
    DOT_CAPITAL, /* an end when a capital letter follows */
    DOT_NUMBER,  /* an end unless a digit follows */
};

struct abbreviation {
    const char *word;
    enum dot dot;
};

static const struct abbreviation abbreviations[] = {
    {"mr", DOT_NAME},      {"mrs", DOT_NAME},     {"ms", DOT_NAME},      {"dr", DOT_NAME},
    {"prof", DOT_NAME},    {"st", DOT_NAME},      {"rev", DOT_NAME},     {"gen", DOT_NAME},
    {"capt", DOT_NAME},    {"lt", DOT_NAME},      {"col", DOT_NAME},     {"vs", DOT_NAME},
    {"e.g", DOT_NAME},     {"i.e", DOT_NAME},     {"approx", DOT_NAME},  {"mt", DOT_NAME},
    {"a.m", DOT_CAPITAL},  {"p.m", DOT_CAPITAL},  {"jr", DOT_CAPITAL},   {"sr", DOT_CAPITAL},
    {"etc", DOT_CAPITAL},  {"inc", DOT_CAPITAL},  {"ltd", DOT_CAPITAL},  {"co", DOT_CAPITAL},
    {"corp", DOT_CAPITAL}, {"ave", DOT_CAPITAL},  {"blvd", DOT_CAPITAL}, {"rd", DOT_CAPITAL},
    {"u.s", DOT_CAPITAL},  {"dept", DOT_CAPITAL}, {"tel", DOT_NUMBER},   {"ext", DOT_NUMBER},
    {"no", DOT_NUMBER},    {"jan", DOT_NUMBER},   {"feb", DOT_NUMBER},   {"aug", DOT_NUMBER},
    {"sept", DOT_NUMBER},  {"oct", DOT_NUMBER},   {"nov", DOT_NUMBER},   {"dec", DOT_NUMBER},
};

/* What the dot at `at` may mean, by the word before it. */
static enum dot dot_kind(const struct ve_spoken *spoken, size_t begin, size_t at)
{
    size_t start = at;
    while (start > begin &&
           (is_letter(spoken->chars[start - 1]) || spoken->chars[start - 1] == '.'))
        start--;
    struct ve_str word = ve_str_n(spoken->chars + start, at - start);
    for (size_t i = 0; i < sizeof(abbreviations) / sizeof(abbreviations[0]); i++) {
        if (ve_str_ieq(word, ve_str(abbreviations[i].word)))
            return abbreviations[i].dot;
    }
    /* An initial: "J. Smith". */
    return word.len == 1 && is_upper(word.ptr[0]) && word.ptr[0] != 'I' ? DOT_NAME : DOT_ENDS;
}

/* First character behind `at` that is no blank, or 0. */
static char following(const struct ve_spoken *spoken, size_t at)
{
    while (at < spoken->count && is_blank(spoken->chars[at]))
        at++;
    return at < spoken->count ? spoken->chars[at] : '\0';
}

static bool dot_ends(const struct ve_spoken *spoken, size_t begin, size_t at)
{
    char next = following(spoken, at + 1);
    switch (dot_kind(spoken, begin, at)) {
    case DOT_NAME:
        return next == '\0';
    case DOT_CAPITAL:
        return next == '\0' || is_upper(next);
    case DOT_NUMBER:
        return !is_digit(next);
    default:
        return true;
    }
}

/* Does a piece that began at `begin` end behind the character at `at`? */
static bool ends_here(const struct ve_spoken *spoken, size_t begin, size_t at)
{
    char c = spoken->chars[at];
    if (c == '\n')
        return true;
    bool gap = at + 1 == spoken->count || is_blank(spoken->chars[at + 1]);
    if (!gap)
        return false;
    if (c == ')' || c == '\'') /* "(We are closed.) Goodbye." */
        return at > begin && strchr(".!?", spoken->chars[at - 1]) && c == ')';
    if (c == '.')
        return dot_ends(spoken, begin, at);
    if (c == ',')
        return at - begin >= COMMA_AFTER;
    return c == '!' || c == '?' || c == ';' || c == ':';
}

/* The end of the piece that begins at `begin`. */
static size_t piece_end(const struct ve_spoken *spoken, size_t begin)
{
    size_t blank = 0;
    for (size_t at = begin; at < spoken->count; at++) {
        if (at - begin == VE_SPOKEN_PIECE_MAX)
            return blank ? blank : at;
        if (is_blank(spoken->chars[at]))
            blank = at;
        if (ends_here(spoken, begin, at))
            return at + 1;
    }
    return spoken->count;
}

static bool says_something(const struct ve_spoken *spoken, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        if (is_letter(spoken->chars[i]) || is_digit(spoken->chars[i]))
            return true;
    }
    return false;
}

bool ve_spoken_next(const struct ve_spoken *spoken, size_t *begin, size_t *end)
{
    size_t from = *end;
    while (from < spoken->count) {
        if (is_blank(spoken->chars[from])) {
            from++;
            continue;
        }
        size_t to = piece_end(spoken, from);
        if (says_something(spoken, from, to)) {
            *begin = from;
            *end = to;
            while (is_blank(spoken->chars[*end - 1]))
                (*end)--;
            return true;
        }
        from = to;
    }
    *end = spoken->count;
    return false;
}
