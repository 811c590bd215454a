/* SPDX-License-Identifier: Apache-2.0 */
/* A growing array in an arena. Rows move when it grows: keep indexes, not pointers, while adding.
 */
#ifndef SIDEGATE_RULES_LANGUAGE_ROWS_H
#define SIDEGATE_RULES_LANGUAGE_ROWS_H

#include <stddef.h>

#include "rules/base/arena.h"

struct rows {
    void *at; /* NULL until the first row */
    size_t count, room;
};

/* A zeroed row of `size` bytes at the end; never NULL. One array holds rows of one size. */
void *rows_add(struct rows *rows, struct arena *arena, size_t size);
/* Adds copies of all rows of `from`. */
void rows_add_all(struct rows *rows, const struct rows *from, struct arena *arena, size_t size);

#endif
