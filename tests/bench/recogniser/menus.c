#include "menus.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX   256
#define LISTS_MAX  256
#define SAYING_MAX 2048

struct texts {
    char *at[SAYING_MAX]; /* owned */
    size_t count;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_recogniser: %s\n", what);
    exit(1);
}

static void add(struct texts *texts, const char *text)
{
    if (texts->count == SAYING_MAX)
        die("more sayings than expected");
    texts->at[texts->count] = strdup(text);
    if (!texts->at[texts->count++])
        die("no memory");
}

static void texts_free(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->at[i]);
    free(texts);
}

/* --- everything that a phrase says ------------------------------------------------------------ */

static void add_plain(struct texts *out, const char *text)
{
    char plain[TEXT_MAX];
    size_t len = 0;
    for (; *text && len + 1 < sizeof(plain); text++) {
        if (*text != ' ' || (len && plain[len - 1] != ' '))
            plain[len++] = *text;
    }
    len -= len && plain[len - 1] == ' ';
    plain[len] = '\0';
    if (len)
        add(out, plain);
}

/* The bracket that closes the one at `open`. */
static const char *closing(const char *open)
{
    int depth = 0;
    for (const char *p = open; *p; p++) {
        depth += (*p == '(' || *p == '[') - (*p == ')' || *p == ']');
        if (depth == 0)
            return p;
    }
    die("a bracket is open");
    return open;
}

/* Replaces the first bracket by each of its choices, until there is none. */
static void expand(struct texts *out, const char *text)
{
    char made[TEXT_MAX];
    const char *open = text + strcspn(text, "([");
    if (!*open) {
        add_plain(out, text);
        return;
    }
    const char *close = closing(open);
    int depth = 0;
    const char *from = open + 1;
    for (const char *p = open + 1; p <= close; p++) {
        bool ends = p == close || (*p == '|' && depth == 0);
        depth += (*p == '(' || *p == '[') - (*p == ')' || *p == ']');
        if (!ends)
            continue;
        (void)snprintf(made, sizeof(made), "%.*s%.*s%s", (int)(open - text), text, (int)(p - from),
                       from, close + 1);
        expand(out, made);
        from = p + 1;
    }
    if (*open == '[') {
        (void)snprintf(made, sizeof(made), "%.*s%s", (int)(open - text), text, close + 1);
        expand(out, made);
    }
}

/* --- the script's tables ---------------------------------------------------------------------- */

/* Finds a table among the values that the function on the top closes over; leaves it there. */
static bool find_upvalue(lua_State *L, const char *name, int depth)
{
    int function = lua_gettop(L);
    const char *is;
    for (int i = 1; depth > 0 && (is = lua_getupvalue(L, function, i)) != NULL; i++) {
        if ((lua_istable(L, -1) && strcmp(is, name) == 0) ||
            (lua_isfunction(L, -1) && !lua_iscfunction(L, -1) &&
             find_upvalue(L, name, depth - 1))) {
            lua_replace(L, function);
            lua_settop(L, function);
            return true;
        }
        lua_settop(L, function);
    }
    return false;
}

static lua_State *open_script(const char *name)
{
    lua_State *L = luaL_newstate();
    if (!L)
        die("no memory");
    luaL_openlibs(L);
    if (luaL_dostring(L, "package.loaded.voice = {}") ||
        luaL_dofile(L, SOURCE_DIR "/scripts/main.lua"))
        die(lua_tostring(L, -1));
    lua_getfield(L, -1, "on_call");
    if (!find_upvalue(L, name, 4))
        die("scripts/main.lua has no such table");
    return L;
}

/* The default leads and tails are those of lualib. */
static size_t read_list(lua_State *L, const char *field, struct ve_str *out)
{
    lua_getfield(L, -1, field);
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        if (luaL_dofile(L, SOURCE_DIR "/lualib/voice/grammar.lua"))
            die(lua_tostring(L, -1));
        lua_getfield(L, -1, field);
        lua_remove(L, -2);
    }
    size_t count = lua_rawlen(L, -1);
    for (size_t i = 0; i < count && i < LISTS_MAX; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        out[i] = ve_str(strdup(lua_tostring(L, -1)));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return count;
}

/* Lua's own order is another one in every run. Stable: each tag's phrases stay in order. */
static void sort_by_tag(struct ve_grammar_phrase *phrases, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct ve_grammar_phrase moved = phrases[i];
        size_t at = i;
        for (; at > 0 && strcmp(phrases[at - 1].tag.ptr, moved.tag.ptr) > 0; at--)
            phrases[at] = phrases[at - 1];
        phrases[at] = moved;
    }
}

static size_t read_phrases(lua_State *L, struct ve_grammar_phrase *out)
{
    size_t n = 0;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        const char *tag = lua_tostring(L, -2);
        for (size_t i = 1;
             strcmp(tag, "leads") != 0 && strcmp(tag, "tails") != 0 && i <= lua_rawlen(L, -1);
             i++) {
            lua_rawgeti(L, -1, (lua_Integer)i);
            out[n++] = (struct ve_grammar_phrase){ve_str(tag), ve_str(strdup(lua_tostring(L, -1)))};
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    sort_by_tag(out, n);
    return n;
}

/* --- what is said ----------------------------------------------------------------------------- */

/* Each phrase as it is, with each tail, and with the leads in turn. */
static void make_sayings(struct menu *menu, const struct ve_grammar_spec *spec)
{
    struct texts *plain = calloc(1, sizeof(*plain));
    struct texts *leads = calloc(1, sizeof(*leads));
    struct texts *all = calloc(1, sizeof(*all));
    char text[2 * TEXT_MAX];
    if (!plain || !leads || !all)
        die("no memory");
    for (size_t i = 0; i < spec->phrase_count; i++)
        expand(plain, spec->phrases[i].text.ptr);
    for (size_t i = 0; i < spec->lead_count; i++)
        expand(leads, spec->leads[i].ptr);
    for (size_t i = 0; i < plain->count; i++) {
        add(all, plain->at[i]);
        if (spec->tail_count) {
            (void)snprintf(text, sizeof(text), "%s %s", plain->at[i],
                           spec->tails[i % 3 ? 0 : i / 3 % spec->tail_count].ptr);
            add(all, text);
        }
        if (leads->count) {
            (void)snprintf(text, sizeof(text), "%s %s%s", leads->at[i * 7 % leads->count],
                           plain->at[i], i % 2 ? " please" : "");
            add(all, text);
        }
    }
    menu->sayings = all->at; /* its first member: freeing it frees `all` */
    menu->count = all->count;
    texts_free(plain);
    texts_free(leads);
}

struct menu menu_load(const char *name)
{
    struct ve_grammar_phrase phrases[VE_GRAMMAR_PHRASES_MAX];
    struct ve_str leads[LISTS_MAX];
    struct ve_str tails[LISTS_MAX];
    struct menu menu = {.name = name};
    char why[160];
    lua_State *L = open_script(name);
    struct ve_grammar_spec spec = {phrases, read_phrases(L, phrases), leads, 0, tails, 0};
    spec.lead_count = read_list(L, "leads", leads);
    spec.tail_count = read_list(L, "tails", tails);
    if (ve_grammar_new(&menu.grammar, &spec, why) != 0)
        die(why);
    make_sayings(&menu, &spec);
    for (size_t i = 0; i < spec.phrase_count; i++)
        free((char *)phrases[i].text.ptr);
    for (size_t i = 0; i < spec.lead_count; i++)
        free((char *)leads[i].ptr);
    for (size_t i = 0; i < spec.tail_count; i++)
        free((char *)tails[i].ptr);
    lua_close(L);
    return menu;
}

void menu_free(struct menu *menu)
{
    for (size_t i = 0; i < menu->count; i++)
        free(menu->sayings[i]);
    free(menu->sayings);
    ve_grammar_free(menu->grammar);
}
