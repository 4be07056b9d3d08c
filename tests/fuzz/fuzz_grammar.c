/*
 * A grammar of any bytes is refused with a reason, or it is one: its words are in order and in its
 * JSGF text, the text is whole, and matching ends. The lines of the input are phrases; a line that
 * begins with '<' is a lead, with '>' a tail, and the last line is also what is matched.
 */
#include "base/err.h"
#include "speech/grammar.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MAX 300 /* more than a grammar takes */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_words(const struct ve_grammar *grammar)
{
    struct ve_str last = ve_str_n(NULL, 0);
    for (size_t i = 0; i < ve_grammar_word_count(grammar); i++) {
        struct ve_str word = ve_grammar_word(grammar, i);
        must(word.len > 0);
        for (size_t k = 0; k < word.len; k++)
            must((word.ptr[k] >= 'a' && word.ptr[k] <= 'z') || word.ptr[k] == '\'');
        must(i == 0 || !ve_str_eq(word, last));
        last = word;
    }
}

static void check_jsgf(const struct ve_grammar *grammar)
{
    struct ve_buf text;
    int depth = 0;
    ve_buf_init(&text, 0);
    must(ve_grammar_jsgf(grammar, ve_str_n(NULL, 0), &text) == 0);
    for (size_t i = 0; i < text.len; i++) {
        depth +=
            (text.ptr[i] == '(' || text.ptr[i] == '[') - (text.ptr[i] == ')' || text.ptr[i] == ']');
        must(depth >= 0 && text.ptr[i] != '\0');
    }
    must(depth == 0);
    ve_buf_free(&text);
}

static void check(const struct ve_grammar_spec *spec, struct ve_str said)
{
    struct ve_grammar *grammar = NULL;
    char why[160] = "";
    int err = ve_grammar_new(&grammar, spec, why);
    if (err) {
        must(err == VE_EPROTO || err == VE_ETOOBIG);
        must(why[0] && strnlen(why, sizeof(why)) < sizeof(why));
        return;
    }
    must(why[0] == '\0');
    check_words(grammar);
    check_jsgf(grammar);
    int phrase = ve_grammar_match(grammar, said);
    must(phrase >= -1 && phrase < (int)ve_grammar_phrase_count(grammar));
    must(ve_str_eq(ve_grammar_tag(grammar, phrase), VE_STR("tag")) == (phrase >= 0));
    ve_grammar_free(grammar);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ve_grammar_phrase phrases[LINES_MAX];
    struct ve_str leads[LINES_MAX];
    struct ve_str tails[LINES_MAX];
    struct ve_grammar_spec spec = {phrases, 0, leads, 0, tails, 0};
    struct ve_str rest = ve_str_n((const char *)data, size);
    struct ve_str line = rest;
    for (int i = 0; i < LINES_MAX && rest.ptr; i++) {
        line = ve_str_cut(&rest, '\n');
        if (line.len && line.ptr[0] == '<')
            leads[spec.lead_count++] = ve_str_n(line.ptr + 1, line.len - 1);
        else if (line.len && line.ptr[0] == '>')
            tails[spec.tail_count++] = ve_str_n(line.ptr + 1, line.len - 1);
        else
            phrases[spec.phrase_count++] = (struct ve_grammar_phrase){VE_STR("tag"), line};
    }
    check(&spec, line);
    return 0;
}
