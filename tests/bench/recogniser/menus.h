/*
 * The grammars of the default receptionist, read from scripts/main.lua itself, and all that a
 * caller can say in them.
 */
#ifndef VE_BENCH_MENUS_H
#define VE_BENCH_MENUS_H

#include "speech/grammar.h"

struct menu {
    const char *name;
    struct ve_grammar *grammar; /* owned */
    char **sayings;             /* owned, and each of them */
    size_t count;
};

/* `name` is the script's name for the table: "intents", "yes_no". Ends the program on an error. */
struct menu menu_load(const char *name);
void menu_free(struct menu *menu);

#endif
