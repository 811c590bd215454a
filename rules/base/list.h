/* SPDX-License-Identifier: Apache-2.0 */
/* A doubly linked ring whose links lie in its members. */
#ifndef SIDEGATE_RULES_BASE_LIST_H
#define SIDEGATE_RULES_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *previous;
};

/* The struct that holds `link` as its `member`. */
#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}
static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}
/* In a list, or an initialised link that stands alone: false. */
static inline bool list_is_linked(const struct list *link)
{
    return link->next != NULL && link->next != link;
}
static inline void list_insert_before(struct list *where, struct list *link)
{
    link->previous = where->previous;
    link->next = where;
    where->previous->next = link;
    where->previous = link;
}
static inline void list_add(struct list *list, struct list *link) /* at the end */
{
    list_insert_before(list, link);
}
static inline void list_add_first(struct list *list, struct list *link)
{
    list_insert_before(list->next, link);
}
/* Stands alone afterwards; alone already: nothing. The static analyzer does not see that what was
 * removed and freed is never met again in the ring; hence its marks. */
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;     // NOLINT(clang-analyzer-unix.Malloc)
    link->next->previous = link->previous; // NOLINT(clang-analyzer-unix.Malloc)
    list_init(link);
}
/* NULL where empty. */
static inline struct list *list_first(const struct list *list)
{
    struct list *first = list->next;     // NOLINT(clang-analyzer-unix.Malloc)
    return first == list ? NULL : first; // NOLINT(clang-analyzer-unix.Malloc)
}

#endif
