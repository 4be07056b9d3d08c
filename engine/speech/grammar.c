#include "speech/grammar.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/map.h"
#include "speech/grammar_ast.h"
#include "speech/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_STEPS_MAX 100000
#define LETTERS_MAX     33 /* of a word; no word of a grammar is that long */

struct ve_grammar {
    struct ve_ast ast;
    uint32_t *phrases; /* owned: their roots */
    size_t phrase_count;
    uint32_t *leads; /* owned */
    size_t lead_count;
    uint32_t *tails; /* owned */
    size_t tail_count;
    struct ve_str *tags; /* owned array into tag_bytes, one for each phrase */
    struct ve_buf tag_bytes;
    struct ve_str *words; /* owned array into ast.letters, sorted */
    size_t word_count;
    uint64_t key;
};

/* --- making one ------------------------------------------------------------------------------- */

/* Adds up what the texts take; false once it is more than a grammar may have. */
static bool count_text(size_t *total, struct ve_str text)
{
    *total += text.len <= VE_GRAMMAR_TEXT_MAX ? text.len : VE_GRAMMAR_TEXT_MAX + 1;
    return *total <= VE_GRAMMAR_TEXT_MAX;
}

static int check_size(const struct ve_grammar_spec *spec, char why[static 160])
{
    const size_t most = VE_GRAMMAR_PHRASES_MAX;
    if (spec->phrase_count == 0) {
        (void)snprintf(why, 160, "there are no phrases");
        return VE_EPROTO;
    }
    if (spec->phrase_count > most || spec->lead_count > most || spec->tail_count > most) {
        (void)snprintf(why, 160, "more than %zu phrases, leads or tails", most);
        return VE_ETOOBIG;
    }
    size_t total = 0;
    bool fits = true;
    for (size_t i = 0; i < spec->phrase_count && fits; i++)
        fits =
            count_text(&total, spec->phrases[i].tag) && count_text(&total, spec->phrases[i].text);
    for (size_t i = 0; i < spec->lead_count && fits; i++)
        fits = count_text(&total, spec->leads[i]);
    for (size_t i = 0; i < spec->tail_count && fits; i++)
        fits = count_text(&total, spec->tails[i]);
    if (fits)
        return 0;
    (void)snprintf(why, 160, "the texts are longer than %d bytes together", VE_GRAMMAR_TEXT_MAX);
    return VE_ETOOBIG;
}

/* Reads one phrase, lead or tail; `most` grows to the most words that one of them says. */
static int add_text(struct ve_grammar *grammar, const char *kind, size_t index, struct ve_str text,
                    uint32_t *root, size_t *most, char why[static 160])
{
    char reason[96];
    int err = ve_ast_parse(&grammar->ast, text, root, reason);
    if (err == VE_EPROTO)
        (void)snprintf(why, 160, "%s %zu: %s", kind, index + 1, reason);
    if (err)
        return err;
    size_t low;
    size_t high;
    ve_ast_span(&grammar->ast, *root, &low, &high);
    *most = high > *most ? high : *most;
    if (low > 0)
        return 0;
    (void)snprintf(why, 160, "%s %zu: all of it is optional", kind, index + 1);
    return VE_EPROTO;
}

static int add_phrases(struct ve_grammar *grammar, const struct ve_grammar_spec *spec,
                       char why[static 160])
{
    size_t most[3] = {0, 0, 0};
    int err = 0;
    for (size_t i = 0; i < spec->phrase_count && !err; i++)
        err = add_text(grammar, "phrase", i, spec->phrases[i].text, &grammar->phrases[i], &most[0],
                       why);
    for (size_t i = 0; i < spec->lead_count && !err; i++)
        err = add_text(grammar, "lead", i, spec->leads[i], &grammar->leads[i], &most[1], why);
    for (size_t i = 0; i < spec->tail_count && !err; i++)
        err = add_text(grammar, "tail", i, spec->tails[i], &grammar->tails[i], &most[2], why);
    if (err || most[0] + most[1] + most[2] <= VE_GRAMMAR_WORDS_MAX)
        return err;
    (void)snprintf(why, 160, "with lead and tail a phrase can have more than %d words",
                   VE_GRAMMAR_WORDS_MAX);
    return VE_ETOOBIG;
}

static int copy_tags(struct ve_grammar *grammar, const struct ve_grammar_spec *spec)
{
    for (size_t i = 0; i < spec->phrase_count; i++) {
        int err = ve_buf_add_str(&grammar->tag_bytes, spec->phrases[i].tag);
        if (err)
            return err;
    }
    const char *at = grammar->tag_bytes.ptr;
    for (size_t i = 0; i < spec->phrase_count; i++) {
        size_t len = spec->phrases[i].tag.len;
        grammar->tags[i] = ve_str_n(at, len);
        at = len ? at + len : at;
    }
    return 0;
}

static int compare_words(const void *a, const void *b)
{
    const struct ve_str *left = a;
    const struct ve_str *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->ptr, right->ptr, len);
    return order ? order : (left->len > right->len) - (left->len < right->len);
}

static const struct ve_str *find_word(const struct ve_grammar *grammar, struct ve_str word)
{
    if (word.len == 0)
        return NULL;
    return bsearch(&word, grammar->words, grammar->word_count, sizeof(word), compare_words);
}

/* Collects the distinct words and lets the nodes name them by index. */
static int index_words(struct ve_grammar *grammar)
{
    struct ve_ast *ast = &grammar->ast;
    size_t count = 0;
    for (size_t i = 0; i < ast->count; i++)
        count += ast->nodes[i].kind == VE_NODE_WORD;
    struct ve_str *words = ve_alloc_array(count, sizeof(*words));
    if (!words)
        return VE_ENOMEM;
    count = 0;
    for (size_t i = 0; i < ast->count; i++) {
        const struct ve_node *node = &ast->nodes[i];
        if (node->kind == VE_NODE_WORD)
            words[count++] = ve_str_n(ast->letters.ptr + node->word, node->len);
    }
    qsort(words, count, sizeof(*words), compare_words);
    grammar->words = words;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !ve_str_eq(words[i], words[grammar->word_count - 1]))
            words[grammar->word_count++] = words[i];
    }
    for (size_t i = 0; i < ast->count; i++) {
        struct ve_node *node = &ast->nodes[i];
        if (node->kind != VE_NODE_WORD)
            continue;
        struct ve_str word = ve_str_n(ast->letters.ptr + node->word, node->len);
        node->word = (uint32_t)(find_word(grammar, word) - words);
    }
    return 0;
}

/* The key is the hash of what the recogniser would be given, and of the tags. */
static int make_key(struct ve_grammar *grammar)
{
    static const uint64_t seed[2] = {0x677261, 0x6d6d6172};
    struct ve_buf text;
    ve_buf_init(&text, 0);
    int err = ve_grammar_jsgf(grammar, ve_str_n(NULL, 0), &text);
    for (size_t i = 0; i < grammar->phrase_count && !err; i++) {
        err = ve_buf_add_char(&text, '\0');
        if (!err)
            err = ve_buf_add_str(&text, grammar->tags[i]);
    }
    if (!err)
        grammar->key = ve_siphash(seed, ve_buf_str(&text));
    ve_buf_free(&text);
    return err;
}

static struct ve_grammar *alloc_grammar(const struct ve_grammar_spec *spec)
{
    struct ve_grammar *grammar = ve_alloc(sizeof(*grammar));
    if (!grammar)
        return NULL;
    ve_ast_init(&grammar->ast);
    ve_buf_init(&grammar->tag_bytes, 0);
    grammar->phrases = ve_alloc_array(spec->phrase_count, sizeof(*grammar->phrases));
    grammar->leads = ve_alloc_array(spec->lead_count, sizeof(*grammar->leads));
    grammar->tails = ve_alloc_array(spec->tail_count, sizeof(*grammar->tails));
    grammar->tags = ve_alloc_array(spec->phrase_count, sizeof(*grammar->tags));
    grammar->phrase_count = spec->phrase_count;
    grammar->lead_count = spec->lead_count;
    grammar->tail_count = spec->tail_count;
    if (grammar->phrases && grammar->leads && grammar->tails && grammar->tags)
        return grammar;
    ve_grammar_free(grammar);
    return NULL;
}

int ve_grammar_new(struct ve_grammar **out, const struct ve_grammar_spec *spec,
                   char why[static 160])
{
    why[0] = '\0';
    int err = check_size(spec, why);
    if (err)
        return err;
    struct ve_grammar *grammar = alloc_grammar(spec);
    if (!grammar)
        return VE_ENOMEM;
    err = add_phrases(grammar, spec, why);
    if (!err)
        err = copy_tags(grammar, spec);
    if (!err)
        err = index_words(grammar);
    if (!err)
        err = make_key(grammar);
    if (err) {
        ve_grammar_free(grammar);
        return err;
    }
    *out = grammar;
    return 0;
}

void ve_grammar_free(struct ve_grammar *grammar)
{
    if (!grammar)
        return;
    ve_free(grammar->words);
    ve_free(grammar->tags);
    ve_free(grammar->tails);
    ve_free(grammar->leads);
    ve_free(grammar->phrases);
    ve_buf_free(&grammar->tag_bytes);
    ve_ast_free(&grammar->ast);
    ve_free(grammar);
}

/* --- matching --------------------------------------------------------------------------------- */

/* What is known of a text: its words, and how much work it may still cost. */
struct matcher {
    const struct ve_grammar *grammar;
    uint32_t words[VE_GRAMMAR_WORDS_MAX]; /* their indexes; UINT32_MAX is in no phrase */
    size_t count;
    unsigned steps; /* left */
};

/* Positions between words are the bits of a set: from any of `from`, where can `node` end? */
static uint64_t match_node(struct matcher *m, uint32_t index, uint64_t from)
{
    const struct ve_node *node = &m->grammar->ast.nodes[index];
    uint64_t to = node->kind == VE_NODE_OPTION ? from : 0;
    if (from == 0 || m->steps == 0)
        return 0;
    m->steps--;
    if (node->kind == VE_NODE_WORD) {
        for (; from && m->steps > 0; from &= from - 1) {
            size_t at = (size_t)__builtin_ctzll(from);
            m->steps--;
            if (at < m->count && m->words[at] == node->word)
                to |= 2ull << at;
        }
        return to;
    }
    if (node->kind == VE_NODE_SEQUENCE)
        to = from;
    for (uint32_t i = node->child; i != VE_NODE_NONE; i = m->grammar->ast.nodes[i].next)
        to = node->kind == VE_NODE_SEQUENCE ? match_node(m, i, to) : to | match_node(m, i, from);
    return to;
}

static uint64_t match_any(struct matcher *m, const uint32_t *roots, size_t count, uint64_t from)
{
    uint64_t to = from;
    for (size_t i = 0; i < count; i++)
        to |= match_node(m, roots[i], from);
    return to;
}

/* False when the text cannot be said in this grammar at all. */
static bool read_words(struct matcher *m, struct ve_str text)
{
    char word[LETTERS_MAX];
    for (;;) {
        size_t len = ve_text_word(&text, word, sizeof(word));
        if (len == 0)
            return m->count > 0;
        const struct ve_str *found = find_word(m->grammar, ve_str_n(word, len));
        if (!found || m->count == VE_GRAMMAR_WORDS_MAX)
            return false;
        m->words[m->count++] = (uint32_t)(found - m->grammar->words);
    }
}

int ve_grammar_match(const struct ve_grammar *grammar, struct ve_str text)
{
    struct matcher m = {.grammar = grammar, .steps = MATCH_STEPS_MAX};
    if (!read_words(&m, text))
        return -1;
    uint64_t whole = 1ull << m.count;
    uint64_t begin = match_any(&m, grammar->leads, grammar->lead_count, 1);
    for (size_t i = 0; i < grammar->phrase_count; i++) {
        uint64_t end = match_node(&m, grammar->phrases[i], begin);
        if (match_any(&m, grammar->tails, grammar->tail_count, end) & whole)
            return m.steps > 0 ? (int)i : -1;
    }
    return -1;
}

size_t ve_grammar_phrase_count(const struct ve_grammar *grammar)
{
    return grammar->phrase_count;
}

struct ve_str ve_grammar_tag(const struct ve_grammar *grammar, int phrase)
{
    if (phrase < 0 || (size_t)phrase >= grammar->phrase_count)
        return ve_str_n(NULL, 0);
    return grammar->tags[phrase];
}

size_t ve_grammar_word_count(const struct ve_grammar *grammar)
{
    return grammar->word_count;
}

struct ve_str ve_grammar_word(const struct ve_grammar *grammar, size_t index)
{
    return index < grammar->word_count ? grammar->words[index] : ve_str_n(NULL, 0);
}

uint64_t ve_grammar_key(const struct ve_grammar *grammar)
{
    return grammar->key;
}

/* --- JSGF ------------------------------------------------------------------------------------- */

static int write_node(const struct ve_grammar *grammar, uint32_t index, struct ve_buf *out)
{
    static const char *const open[] = {"", "", "(", "["};
    static const char *const close[] = {"", "", ")", "]"};
    const struct ve_node *node = &grammar->ast.nodes[index];
    if (node->kind == VE_NODE_WORD)
        return ve_buf_add_str(out, grammar->words[node->word]);
    int err = ve_buf_add_str(out, ve_str(open[node->kind]));
    for (uint32_t i = node->child; i != VE_NODE_NONE && !err; i = grammar->ast.nodes[i].next) {
        if (i != node->child)
            err = ve_buf_add_str(out, ve_str(node->kind == VE_NODE_CHOICE ? "|" : " "));
        if (!err)
            err = write_node(grammar, i, out);
    }
    return err ? err : ve_buf_add_str(out, ve_str(close[node->kind]));
}

static int write_rule(const struct ve_grammar *grammar, const char *name, const uint32_t *roots,
                      size_t count, struct ve_buf *out)
{
    int err = count ? ve_buf_printf(out, "<%s> = ", name) : 0;
    for (size_t i = 0; i < count && !err; i++) {
        err = write_node(grammar, roots[i], out);
        if (!err)
            err = ve_buf_add_str(out, i + 1 < count ? VE_STR(" |\n ") : VE_STR(";\n"));
    }
    return err;
}

int ve_grammar_jsgf(const struct ve_grammar *grammar, struct ve_str garbage, struct ve_buf *out)
{
    int err = ve_buf_add_str(out, VE_STR("#JSGF V1.0;\ngrammar menu;\n"));
    if (!err)
        err = write_rule(grammar, "lead", grammar->leads, grammar->lead_count, out);
    if (!err)
        err = write_rule(grammar, "phrase", grammar->phrases, grammar->phrase_count, out);
    if (!err)
        err = write_rule(grammar, "tail", grammar->tails, grammar->tail_count, out);
    if (!err && garbage.len)
        err = ve_buf_printf(out, "<outside> = %.*s;\n", VE_STR_ARG(garbage));
    if (!err)
        err = ve_buf_printf(
            out, "public <menu> = %s<phrase>%s%s;\n", grammar->lead_count ? "[<lead>] " : "",
            grammar->tail_count ? " [<tail>]" : "", garbage.len ? " | <outside>" : "");
    return err;
}
