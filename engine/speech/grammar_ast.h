/*
 * speech/grammar_ast.h - inside of speech/: what a phrase is made of, and how it is read.
 *
 * Nodes lie in one growing array and name each other by index, so a grammar is two blocks of
 * memory whatever its shape. One owner: the grammar.
 */
#ifndef VE_SPEECH_GRAMMAR_AST_H
#define VE_SPEECH_GRAMMAR_AST_H

#include "base/buf.h"

#define VE_NODE_NONE UINT32_MAX

enum ve_node_kind {
    VE_NODE_WORD,
    VE_NODE_SEQUENCE, /* its children one after the other */
    VE_NODE_CHOICE,   /* one of its children */
    VE_NODE_OPTION,   /* its only child, or nothing */
};

struct ve_node {
    enum ve_node_kind kind;
    uint32_t child; /* first child, or VE_NODE_NONE */
    uint32_t next;  /* next sibling, or VE_NODE_NONE */
    uint32_t word;  /* VE_NODE_WORD: while parsing the offset in `letters`, then the word's index */
    uint32_t len;   /* VE_NODE_WORD: bytes of the word */
};

struct ve_ast {
    struct ve_node *nodes; /* owned */
    size_t count;
    size_t cap;
    struct ve_buf letters; /* owned: the words as they came, lower case */
};

void ve_ast_init(struct ve_ast *ast);
void ve_ast_free(struct ve_ast *ast);
/* Reads one phrase; *out is its root. VE_EPROTO and what is wrong in `why`. */
int ve_ast_parse(struct ve_ast *ast, struct ve_str text, uint32_t *out, char why[static 96]);
/* Fewest and most words that the node can say. */
void ve_ast_span(const struct ve_ast *ast, uint32_t node, size_t *least, size_t *most);

#endif
