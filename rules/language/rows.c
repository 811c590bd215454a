/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays double; what they leave behind goes with the arena. */
#include "rules/language/rows.h"

#include <string.h>

#include "rules/base/must.h"

static void rows_grow(struct rows *rows, struct arena *arena, size_t size)
{
    size_t room = rows->room == 0 ? 4 : rows->room * 2;
    void *at = arena_alloc(arena, room * size);
    must(at != NULL);
    if (rows->count > 0)
        memcpy(at, rows->at, rows->count * size);
    rows->at = at;
    rows->room = room;
}

void *rows_add(struct rows *rows, struct arena *arena, size_t size)
{
    if (rows->count == rows->room)
        rows_grow(rows, arena, size);
    return (char *)rows->at + rows->count++ * size;
}

void rows_add_all(struct rows *rows, const struct rows *from, struct arena *arena, size_t size)
{
    for (size_t i = 0; i < from->count; i++)
        memcpy(rows_add(rows, arena, size), (const char *)from->at + i * size, size);
}
