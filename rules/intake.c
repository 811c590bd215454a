/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a body, without copying it. */
#include "rules/intake.h"

/* A piece that goes on where the last one ends in memory is the same piece. */
static bool intake_extend(struct intake *intake, struct span bytes)
{
    struct intake_piece *last = intake->last;
    if (last == NULL || last->text.at + last->text.len != bytes.at)
        return false;
    last->text.len += bytes.len;
    return true;
}

static void intake_append(struct intake *intake, struct span bytes, struct arena *arena)
{
    struct intake_piece *piece = arena_alloc(arena, sizeof(*piece));
    if (piece == NULL)
        return;
    piece->text = bytes;
    if (intake->last == NULL)
        intake->first = piece;
    else
        intake->last->next = piece;
    intake->last = piece;
}

struct span intake_add(struct intake *intake, struct span bytes, uint64_t limit,
                       struct arena *arena)
{
    intake->seen += bytes.len;
    uint64_t room = limit > intake->kept ? limit - intake->kept : 0;
    if (bytes.len > room) {
        bytes = span_first(bytes, (size_t)room);
        intake->cut = true;
    }
    if (bytes.len > 0 && !intake_extend(intake, bytes))
        intake_append(intake, bytes, arena);
    intake->kept += bytes.len;
    intake->joined = (struct span){NULL, 0};
    return bytes;
}

struct span intake_text(struct intake *intake, struct arena *arena)
{
    if (intake->joined.at != NULL || intake->first == NULL)
        return intake->joined;
    if (intake->first == intake->last) {
        intake->joined = intake->first->text;
        return intake->joined;
    }
    char *text = arena_text(arena, intake->kept);
    if (text == NULL)
        return (struct span){NULL, 0};
    size_t len = 0;
    for (const struct intake_piece *piece = intake->first; piece != NULL; piece = piece->next) {
        memcpy(text + len, piece->text.at, piece->text.len);
        len += piece->text.len;
    }
    intake->joined = span_make(text, len);
    return intake->joined;
}
