#include "speech/grammar_ast.h"

#include "base/alloc.h"
#include "base/err.h"
#include "speech/grammar.h"
#include "speech/text.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 32 /* letters */

struct parser {
    struct ve_ast *ast;
    struct ve_str rest;
    char *why; /* 96 bytes, borrowed */
    unsigned depth;
};

void ve_ast_init(struct ve_ast *ast)
{
    memset(ast, 0, sizeof(*ast));
    ve_buf_init(&ast->letters, 0);
}

void ve_ast_free(struct ve_ast *ast)
{
    ve_free(ast->nodes);
    ve_buf_free(&ast->letters);
}

static int add_node(struct ve_ast *ast, enum ve_node_kind kind, uint32_t *out)
{
    if (ast->count == ast->cap) {
        size_t cap = ast->cap ? ast->cap * 2 : 64;
        struct ve_node *grown = ve_realloc(ast->nodes, cap * sizeof(*grown));
        if (!grown)
            return VE_ENOMEM;
        ast->nodes = grown;
        ast->cap = cap;
    }
    *out = (uint32_t)ast->count;
    ast->nodes[ast->count++] = (struct ve_node){kind, VE_NODE_NONE, VE_NODE_NONE, 0, 0};
    return 0;
}

/* Hangs `node` behind *last under `parent`. */
static void append(struct ve_ast *ast, uint32_t parent, uint32_t *last, uint32_t node)
{
    if (*last == VE_NODE_NONE)
        ast->nodes[parent].child = node;
    else
        ast->nodes[*last].next = node;
    *last = node;
}

static int wrong(struct parser *parser, const char *what)
{
    (void)snprintf(parser->why, 96, "%s", what);
    return VE_EPROTO;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What comes next, blanks skipped: a bracket, '|', 'a' for a word, 0 for the end, or '?' for a
 * character that has no meaning here. */
static char peek(struct parser *parser)
{
    while (parser->rest.len > 0) {
        char ascii[VE_TEXT_ASCII_MAX];
        size_t count;
        size_t used = ve_text_ascii(parser->rest, ascii, &count);
        char c = count ? ascii[0] : ' ';
        if (is_letter(c))
            return 'a';
        if (strchr("[]()|", c))
            return c;
        if (!strchr(" .,!?:;-'\"", c))
            return '?';
        parser->rest.ptr += used;
        parser->rest.len -= used;
    }
    return 0;
}

static int parse_word(struct parser *parser, uint32_t *out)
{
    char word[WORD_MAX + 1];
    size_t len = ve_text_word(&parser->rest, word, sizeof(word));
    if (len > WORD_MAX)
        return wrong(parser, "a word has more than 32 letters");
    for (size_t i = 0; i < len; i++) {
        if (word[i] >= '0' && word[i] <= '9')
            return wrong(parser, "numbers are written as words");
    }
    int err = add_node(parser->ast, VE_NODE_WORD, out);
    if (err)
        return err;
    parser->ast->nodes[*out].word = (uint32_t)parser->ast->letters.len;
    parser->ast->nodes[*out].len = (uint32_t)len;
    return ve_buf_add(&parser->ast->letters, word, len);
}

static int parse_choice(struct parser *parser, uint32_t *out);

static int parse_bracket(struct parser *parser, char open, uint32_t *out)
{
    if (++parser->depth > VE_GRAMMAR_DEPTH_MAX)
        return wrong(parser, "brackets are nested deeper than 8");
    parser->rest.ptr++;
    parser->rest.len--;
    uint32_t inner;
    int err = parse_choice(parser, &inner);
    if (err)
        return err;
    if (peek(parser) != (open == '[' ? ']' : ')'))
        return wrong(parser, open == '[' ? "a [ is not closed" : "a ( is not closed");
    parser->rest.ptr++;
    parser->rest.len--;
    parser->depth--;
    *out = inner;
    if (open == '(')
        return 0;
    err = add_node(parser->ast, VE_NODE_OPTION, out);
    if (!err)
        parser->ast->nodes[*out].child = inner;
    return err;
}

static int parse_sequence(struct parser *parser, uint32_t *out)
{
    uint32_t last = VE_NODE_NONE;
    int err = add_node(parser->ast, VE_NODE_SEQUENCE, out);
    while (!err) {
        uint32_t node;
        char c = peek(parser);
        if (c == 'a')
            err = parse_word(parser, &node);
        else if (c == '[' || c == '(')
            err = parse_bracket(parser, c, &node);
        else
            break;
        if (!err)
            append(parser->ast, *out, &last, node);
    }
    if (!err && last == VE_NODE_NONE)
        return wrong(parser, peek(parser) == '?'
                                 ? "only letters, [ ] ( ) | and . , ! ? may stand here"
                                 : "there is no word where one should be");
    return err;
}

static int parse_choice(struct parser *parser, uint32_t *out)
{
    uint32_t last = VE_NODE_NONE;
    int err = add_node(parser->ast, VE_NODE_CHOICE, out);
    while (!err) {
        uint32_t node;
        err = parse_sequence(parser, &node);
        if (err)
            break;
        append(parser->ast, *out, &last, node);
        if (peek(parser) != '|')
            break;
        parser->rest.ptr++;
        parser->rest.len--;
    }
    return err;
}

int ve_ast_parse(struct ve_ast *ast, struct ve_str text, uint32_t *out, char why[static 96])
{
    struct parser parser = {.ast = ast, .rest = text, .why = why};
    if (!ve_str_utf8(text))
        return wrong(&parser, "it is not UTF-8");
    int err = parse_choice(&parser, out);
    if (err)
        return err;
    switch (peek(&parser)) {
    case 0:
        return 0;
    case ']':
        return wrong(&parser, "a ] closes nothing");
    case ')':
        return wrong(&parser, "a ) closes nothing");
    default:
        return wrong(&parser, "only letters, [ ] ( ) | and . , ! ? may stand here");
    }
}

void ve_ast_span(const struct ve_ast *ast, uint32_t node, size_t *least, size_t *most)
{
    const struct ve_node *self = &ast->nodes[node];
    *least = *most = self->kind == VE_NODE_WORD;
    if (self->kind == VE_NODE_CHOICE)
        *least = SIZE_MAX;
    for (uint32_t i = self->child; i != VE_NODE_NONE; i = ast->nodes[i].next) {
        size_t low;
        size_t high;
        ve_ast_span(ast, i, &low, &high);
        if (self->kind == VE_NODE_CHOICE) {
            *least = low < *least ? low : *least;
            *most = high > *most ? high : *most;
        } else {
            *least += low;
            *most += high;
        }
    }
    if (self->kind == VE_NODE_OPTION)
        *least = 0;
}
