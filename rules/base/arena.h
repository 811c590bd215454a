/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is let go of all at once: what one exchange, one snapshot or one parse needs.
 *
 * An arena has a ceiling. Running over it (or out of memory) is sticky: from then on every call
 * answers NULL or an empty span, and the owner looks once at the end of a step with
 * arena_is_full(). Nothing is freed one by one. */
#ifndef SIDEGATE_RULES_BASE_ARENA_H
#define SIDEGATE_RULES_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"

struct arena;
struct arena_chunks; /* a free list of chunks that arenas of one thread share, so that no request
                        calls malloc */

/* Keeps at most `keep` chunks of 4 KiB warm. One thread. Must outlive its arenas. */
struct arena_chunks *arena_chunks_new(size_t keep);
void arena_chunks_free(struct arena_chunks *chunks);
/* Bytes that its arenas hold now: what a worker's memory budget is measured by. */
size_t arena_chunks_in_use(const struct arena_chunks *chunks);

/* `ceiling` in bytes over all chunks; `chunks` may be NULL: straight from the heap. The arena's own
 * struct lies in its first chunk. NULL only when the heap is empty. */
struct arena *arena_new(struct arena_chunks *chunks, size_t ceiling);
void arena_free(struct arena *arena); /* NULL allowed */
/* Likewise, and nothing of what it held is left in memory. */
void arena_wipe(struct arena *arena);

/* All memory is given back but the first chunk, and the mark of being full is taken away. */
void arena_reset(struct arena *arena);

/* 16-byte aligned, zeroed; NULL once full. 0 bytes give a valid pointer. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* Not zeroed, unaligned: for text. */
char *arena_text(struct arena *arena, size_t bytes);
/* A copy that lives as long as the arena; empty once full. */
struct span arena_copy(struct arena *arena, struct span text);
/* A terminated copy; NULL once full. */
char *arena_string(struct arena *arena, struct span text);
/* The parts one behind the other, whatever bytes they have; empty once full. */
struct span arena_join(struct arena *arena, const struct span *parts, size_t count);
/* For text without NUL: a span that is formatted ends at its first one. */
struct span arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Gives the tail of the latest arena_text() or arena_grow() back: only its first `used` bytes are
 * kept. */
void arena_trim(struct arena *arena, const char *text, size_t used);
/* More room for the text of `old` bytes (NULL, 0: a new one): it is made longer where it stands or
 * moves, like realloc. NULL once full; the old text stays as it was. Cheap where the text is the
 * latest one or has grown beyond a chunk. */
char *arena_grow(struct arena *arena, char *text, size_t old, size_t bytes);

bool arena_is_full(const struct arena *arena);
size_t arena_used(const struct arena *arena); /* bytes of all chunks held */

/* Tests: the n-th chunk taken from now on fails (0: none), counted over the thread. Answers what
 * was left of the count before: 0 where that chunk has failed. */
unsigned arena_fail_nth(unsigned n);

#endif
