/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: memory is handed out from the current chunk by moving one pointer.
 *
 *   chunk:  | next, size | used ... | rest ............ |
 *                                   ^ at                ^ end     of the current chunk
 *
 * What does not fit a common chunk gets one of its own; the current one stays in use beside it.
 * Under AddressSanitizer the rest is poisoned, so that reading over the end of an arena's text is
 * as loud as it would be on the heap. */
#include "rules/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define poison(at, bytes)   __asan_poison_memory_region((at), (bytes))
#define unpoison(at, bytes) __asan_unpoison_memory_region((at), (bytes))
#else
#define poison(at, bytes)   ((void)(at), (void)(bytes))
#define unpoison(at, bytes) ((void)(at), (void)(bytes))
#endif

enum { CHUNK_BYTES = 4096, ALIGNMENT = 16 };

struct chunk {
    alignas(ALIGNMENT) struct chunk *next;
    size_t size; /* with this head */
};

struct arena_chunks {
    struct chunk *warm;
    size_t count, keep;
    size_t in_use; /* bytes of the chunks that arenas hold */
};

struct arena {
    char *at, *end;        /* the rest of the current chunk */
    struct chunk *current; /* one of: */
    struct chunk *newest;  /* common chunks but the first, the latest first */
    struct chunk *own;     /* chunks that hold one text each, and may be moved with it */
    struct chunk *first;   /* holds this struct */
    struct arena_chunks *chunks;
    size_t held, ceiling;
    bool full;
};

static _Thread_local unsigned fail_in; /* for tests: chunks until one is refused */

unsigned arena_fail_nth(unsigned n)
{
    unsigned left = fail_in;
    fail_in = n;
    return left;
}

struct arena_chunks *arena_chunks_new(size_t keep)
{
    struct arena_chunks *chunks = must_alloc(sizeof *chunks);
    chunks->keep = keep;
    return chunks;
}

void arena_chunks_free(struct arena_chunks *chunks)
{
    if (chunks == NULL)
        return;
    while (chunks->warm != NULL) {
        struct chunk *chunk = chunks->warm;
        chunks->warm = chunk->next;
        free(chunk);
    }
    free(chunks);
}

size_t arena_chunks_in_use(const struct arena_chunks *chunks)
{
    return chunks->in_use;
}

static struct chunk *chunk_take(struct arena_chunks *chunks, size_t size)
{
    if (fail_in > 0 && --fail_in == 0)
        return NULL;
    struct chunk *chunk;
    if (size == CHUNK_BYTES && chunks != NULL && chunks->warm != NULL) {
        chunk = chunks->warm;
        chunks->warm = chunk->next;
        chunks->count--;
    } else {
        chunk = malloc(size);
        if (chunk == NULL)
            return NULL;
    }
    if (chunks != NULL)
        chunks->in_use += size;
    chunk->next = NULL;
    chunk->size = size;
    poison(chunk + 1, size - sizeof *chunk);
    return chunk;
}

static void chunk_give(struct arena_chunks *chunks, struct chunk *chunk)
{
    unpoison(chunk + 1, chunk->size - sizeof *chunk);
    if (chunks != NULL)
        chunks->in_use -= chunk->size;
    if (chunk->size == CHUNK_BYTES && chunks != NULL && chunks->count < chunks->keep) {
        chunk->next = chunks->warm;
        chunks->warm = chunk;
        chunks->count++;
    } else {
        free(chunk);
    }
}

/* Makes the chunk current, with everything from `at` on free. */
static void arena_go_on_in(struct arena *arena, struct chunk *chunk, char *at)
{
    arena->current = chunk;
    arena->at = at;
    arena->end = (char *)chunk + chunk->size;
}

struct arena *arena_new(struct arena_chunks *chunks, size_t ceiling)
{
    struct chunk *chunk = chunk_take(chunks, CHUNK_BYTES);
    if (chunk == NULL)
        return NULL;
    struct arena *arena = (struct arena *)(void *)(chunk + 1);
    unpoison(arena, sizeof *arena);
    *arena =
        (struct arena){.first = chunk, .chunks = chunks, .held = CHUNK_BYTES, .ceiling = ceiling};
    arena_go_on_in(arena, chunk, (char *)(arena + 1));
    return arena;
}

static void chunks_give(struct arena_chunks *chunks, struct chunk **list)
{
    while (*list != NULL) {
        struct chunk *chunk = *list;
        *list = chunk->next;
        chunk_give(chunks, chunk);
    }
}

static void arena_give_newer(struct arena *arena)
{
    chunks_give(arena->chunks, &arena->newest);
    chunks_give(arena->chunks, &arena->own);
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    arena_give_newer(arena);
    chunk_give(arena->chunks, arena->first);
}

static void chunk_wipe(struct chunk *chunk)
{
    unpoison(chunk + 1, chunk->size - sizeof *chunk);
    explicit_bzero(chunk + 1, chunk->size - sizeof *chunk);
}

void arena_wipe(struct arena *arena)
{
    if (arena == NULL)
        return;
    struct arena_chunks *chunks = arena->chunks;
    struct chunk *first = arena->first;
    for (struct chunk *chunk = arena->newest; chunk != NULL; chunk = chunk->next)
        chunk_wipe(chunk);
    for (struct chunk *chunk = arena->own; chunk != NULL; chunk = chunk->next)
        chunk_wipe(chunk);
    arena_give_newer(arena);
    chunk_wipe(first); /* and the arena with it */
    chunk_give(chunks, first);
}

void arena_reset(struct arena *arena)
{
    arena_give_newer(arena);
    arena->held = CHUNK_BYTES;
    arena->full = false;
    arena_go_on_in(arena, arena->first, (char *)(arena + 1));
    poison(arena->at, (size_t)(arena->end - arena->at));
}

static void arena_fill(struct arena *arena)
{
    arena->full = true;
    arena->at = arena->end; /* small ones that would still fit are refused as well */
}

static bool arena_allows(const struct arena *arena, size_t more)
{
    return !arena->full && arena->held <= arena->ceiling && more <= arena->ceiling - arena->held;
}

/* The way off the fast path: takes another chunk, or marks the arena as full. */
static char *arena_take_chunk(struct arena *arena, size_t bytes)
{
    bool own = bytes > CHUNK_BYTES - sizeof(struct chunk);
    struct chunk *chunk = NULL;
    if (bytes <= SIZE_MAX / 2) {
        size_t size = own ? bytes + sizeof(struct chunk) : CHUNK_BYTES;
        chunk = arena_allows(arena, size) ? chunk_take(arena->chunks, size) : NULL;
    }
    if (chunk == NULL) {
        arena_fill(arena);
        return NULL;
    }
    struct chunk **list = own ? &arena->own : &arena->newest;
    chunk->next = *list;
    *list = chunk;
    arena->held += chunk->size;
    char *text = (char *)(chunk + 1);
    if (!own)
        arena_go_on_in(arena, chunk, text + bytes);
    unpoison(text, bytes);
    return text;
}

char *arena_text(struct arena *arena, size_t bytes)
{
    char *text = arena->at;
    if (bytes > (size_t)(arena->end - text) || arena->full)
        return arena_take_chunk(arena, bytes);
    arena->at = text + bytes;
    unpoison(text, bytes);
    return text;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t gap = -(uintptr_t)arena->at & (ALIGNMENT - 1);
    size_t rest = (size_t)(arena->end - arena->at);
    char *memory;
    if (gap > rest || bytes > rest - gap || arena->full) {
        memory = arena_take_chunk(arena, bytes); /* chunks begin aligned */
        if (memory == NULL)
            return NULL;
    } else {
        memory = arena->at + gap;
        arena->at = memory + bytes;
        unpoison(memory, bytes);
    }
    return memset(memory, 0, bytes);
}

struct span arena_copy(struct arena *arena, struct span text)
{
    char *copy = arena_text(arena, text.len);
    if (copy == NULL)
        return (struct span){NULL, 0};
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return (struct span){copy, text.len};
}

char *arena_string(struct arena *arena, struct span text)
{
    char *copy = text.len < SIZE_MAX ? arena_text(arena, text.len + 1) : NULL;
    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return copy;
}

struct span arena_join(struct arena *arena, const struct span *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_text(arena, len);
    if (text == NULL)
        return (struct span){NULL, 0};
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(at, parts[i].at, parts[i].len);
        at += parts[i].len;
    }
    return (struct span){text, len};
}

struct span arena_format(struct arena *arena, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int len = vsnprintf(NULL, 0, format, list);
    must(len >= 0);
    size_t size = (size_t)len + 1;
    char *text = arena_text(arena, size);
    if (text != NULL) {
        vsnprintf(text, size, format, again);
        arena_trim(arena, text, (size_t)len);
    }
    va_end(again);
    va_end(list);
    return (struct span){text, text != NULL ? (size_t)len : 0};
}

/* Where the list points to the chunk of its own that the text has; at NULL where it has none. */
static struct chunk **arena_find_own(struct arena *arena, const char *text)
{
    struct chunk **link = &arena->own;
    while (*link != NULL && (const char *)(*link + 1) != text)
        link = &(*link)->next;
    return link;
}

void arena_trim(struct arena *arena, const char *text, size_t used)
{
    if (text == NULL || arena->full)
        return;
    struct chunk **link = arena_find_own(arena, text);
    struct chunk *chunk = *link;
    if (chunk == NULL) {
        must(text >= (const char *)(arena->current + 1) && text <= arena->at);
        must(used <= (size_t)(arena->at - text));
        char *at = arena->at - ((size_t)(arena->at - text) - used);
        poison(at, (size_t)(arena->at - at));
        arena->at = at;
        return;
    }
    size_t size = chunk->size - sizeof *chunk;
    must(used <= size);
    char *rest = (char *)(chunk + 1) + used;
    poison(rest, size - used);
    if (size - used > (size_t)(arena->end - arena->at)) {
        /* It has more left than the current chunk: go on there. It cannot be moved any more. */
        *link = chunk->next;
        chunk->next = arena->newest;
        arena->newest = chunk;
        arena_go_on_in(arena, chunk, rest);
    }
}

static char *own_grow(struct arena *arena, struct chunk **link, size_t bytes)
{
    struct chunk *chunk = *link;
    size_t size = bytes + sizeof *chunk;
    must(size >= chunk->size);
    if (!arena_allows(arena, size - chunk->size) || (fail_in > 0 && --fail_in == 0))
        return NULL;
    unpoison(chunk + 1, chunk->size - sizeof *chunk);
    chunk = realloc(chunk, size);
    if (chunk == NULL)
        return NULL;
    arena->held += size - chunk->size;
    if (arena->chunks != NULL)
        arena->chunks->in_use += size - chunk->size;
    chunk->size = size;
    *link = chunk;
    return (char *)(chunk + 1);
}

char *arena_grow(struct arena *arena, char *text, size_t old, size_t bytes)
{
    must(bytes >= old);
    if (text == NULL || arena->full)
        return arena_text(arena, bytes);
    if (text + old == arena->at && bytes - old <= (size_t)(arena->end - arena->at)) {
        unpoison(arena->at, bytes - old);
        arena->at += bytes - old;
        return text;
    }
    struct chunk **link = arena_find_own(arena, text);
    if (*link != NULL && bytes <= SIZE_MAX / 2) {
        char *grown = own_grow(arena, link, bytes);
        if (grown == NULL)
            arena_fill(arena);
        return grown;
    }
    char *copy = arena_text(arena, bytes);
    if (copy != NULL)
        memcpy(copy, text, old);
    return copy;
}

bool arena_is_full(const struct arena *arena)
{
    return arena->full;
}

size_t arena_used(const struct arena *arena)
{
    return arena->held;
}
