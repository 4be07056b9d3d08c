/*
 * base/list.h - an intrusive, circular, doubly linked list.
 *
 * A link that is in no list points to itself, so removing twice is harmless.
 */
#ifndef VE_BASE_LIST_H
#define VE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct ve_link {
    struct ve_link *prev;
    struct ve_link *next;
};

#define VE_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void ve_link_init(struct ve_link *link)
{
    link->prev = link;
    link->next = link;
}

static inline bool ve_list_empty(const struct ve_link *list)
{
    return list->next == list;
}

static inline void ve_list_push(struct ve_link *list, struct ve_link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void ve_link_remove(struct ve_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    ve_link_init(link);
}

/* The first link taken out of the list, or NULL when it is empty. */
static inline struct ve_link *ve_list_shift(struct ve_link *list)
{
    struct ve_link *first = list->next;
    if (first == list)
        return NULL;
    ve_link_remove(first);
    return first;
}

/* Visits every link; the visited one may be removed meanwhile. */
/* NOLINTBEGIN(bugprone-macro-parentheses): `it` is the name that is declared */
#define VE_LIST_EACH(list, it)                                                                     \
    for (struct ve_link *it = (list)->next, *it##_next = it->next; it != (list);                   \
         it = it##_next, it##_next = it->next)
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
