/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of transformations over any value. After each one:
 *   - the value that went in is as it was, and nothing beyond it was read,
 *   - the same bytes as before are the very same span: "unchanged" is told truthfully,
 *   - the length is within what the function may make of it,
 *   - the same function gives the same again, and nothing new where it promises to be idempotent,
 *   - in an arena that is too small it gives nothing, and the arena says so.
 *
 *   input:  one byte for each transformation, counted from '0' by the table; LF; the value */
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/match/transformation.h"

enum { CHAIN_MOST = 8, VALUE_MOST_BYTES = 1 << 16, CEILING = 8 << 20, SMALL_CEILING = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The longest output of `len` bytes, for those that may write more than they read. */
static size_t longest_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        size_t times, plus;
    } growing[] = {
        {"base64Encode", 2, 4}, {"hexEncode", 2, 0},     {"length", 0, 20},   {"md5", 0, 16},
        {"sha1", 0, 20},        {"utf8toUnicode", 3, 0}, {"urlEncode", 3, 0},
    };
    for (size_t i = 0; i < sizeof growing / sizeof *growing; i++)
        if (strcmp(growing[i].name, name) == 0)
            return growing[i].times * len + growing[i].plus;
    return len;
}

/* Those whose output they leave alone. */
static bool is_idempotent(const char *name)
{
    static const char *const promised[] = {
        "none",
        "lowercase",
        "uppercase",
        "trim",
        "trimLeft",
        "trimRight",
        "removeNulls",
        "replaceNulls",
        "cmdLine",
        "parityEven7bit",
        "parityOdd7bit",
        "parityZero7bit",
        "replaceComments",
        "removeWhitespace",
        "compressWhitespace",
        "normalizePath",
        "normalizePathWin",
        "normalisePath",
        "normalisePathWin",
    };
    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++)
        if (strcmp(promised[i], name) == 0)
            return true;
    return false;
}

static bool is_same(struct span a, struct span b)
{
    return a.len == b.len && a.at == b.at;
}

static void try_small(const struct transformation *by, struct span in)
{
    struct arena *arena = arena_new(NULL, SMALL_CEILING);
    must(arena != NULL);
    struct span out = by->apply(in, arena);
    must(out.at != NULL || in.len == 0 || arena_is_full(arena));
    must(!arena_is_full(arena) || out.len == 0 || out.at != NULL);
    arena_free(arena);
}

/* The value is a copy of exactly its size, so that reading on is seen. */
static struct span try_one(const struct transformation *by, struct span value, struct arena *arena)
{
    char *in = malloc(value.len);
    must(in != NULL || value.len == 0);
    if (value.len > 0)
        memcpy(in, value.at, value.len);
    struct span given = span_make(in, value.len);
    struct span out = by->apply(given, arena);
    struct span again = by->apply(given, arena);
    must(span_is(given, value));
    must(out.len <= longest_of(by->name, value.len));
    must(span_is(out, again));
    must(!span_is(out, given) || is_same(out, given));
    if (is_idempotent(by->name) && !arena_is_full(arena)) {
        struct span twice = by->apply(out, arena);
        must(is_same(twice, out));
    }
    try_small(by, given);
    struct span kept = arena_copy(arena, out);
    free(in);
    return kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(NULL, CEILING);
    must(arena != NULL);
    struct span value = span_make((const char *)data, size);
    struct span chain = span_first(span_cut(&value, '\n'), CHAIN_MOST);
    size_t count;
    const char *const *names = transformation_names(&count);
    for (size_t i = 0; i < chain.len && value.len <= VALUE_MOST_BYTES; i++) {
        size_t number = (unsigned char)(chain.at[i] - '0') % count;
        value = try_one(transformation_find(span_text(names[number])), value, arena);
        if (arena_is_full(arena))
            break;
    }
    arena_free(arena);
    return 0;
}
