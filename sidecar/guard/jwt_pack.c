/* SPDX-License-Identifier: Apache-2.0 */
/* What a good token says as one run of bytes, for a store, and back:
 *
 *   | key's mark | good_until_s | claims | scopes | principal's length
 *   | lengths of names, values, scopes... | texts |
 */
#include "rules/base/buf.h"
#include "sidecar/guard/jwt.h"

enum { PACKED_BYTES = 64 * 1024 };

static void put(struct buf *to, uint64_t number)
{
    buf_add(to, span_make((const char *)&number, sizeof number));
}

static void put_lengths(struct buf *to, const struct jwt *jwt)
{
    put(to, jwt->key.at[0]);
    put(to, jwt->key.at[1]);
    put(to, jwt->good_until_s);
    put(to, jwt->claim_count);
    put(to, jwt->scope_count);
    put(to, jwt->principal.len);
    for (size_t i = 0; i < jwt->claim_count; i++) {
        put(to, jwt->claims[i].name.len);
        put(to, jwt->claims[i].value.len);
    }
    for (size_t i = 0; i < jwt->scope_count; i++)
        put(to, jwt->scopes[i].len);
}

bool jwt_pack(const struct jwt *jwt, struct buf *to)
{
    buf_init(to, PACKED_BYTES);
    put_lengths(to, jwt);
    buf_add(to, jwt->principal);
    for (size_t i = 0; i < jwt->claim_count; i++) {
        buf_add(to, jwt->claims[i].name);
        buf_add(to, jwt->claims[i].value);
    }
    for (size_t i = 0; i < jwt->scope_count; i++)
        buf_add(to, jwt->scopes[i]);
    return !buf_is_full(to);
}

/* Where the next length and the next text stand. */
struct cursor {
    struct span lengths, texts;
};

static uint64_t take(struct cursor *cursor)
{
    uint64_t number;
    memcpy(&number, cursor->lengths.at, sizeof number);
    cursor->lengths = span_from(cursor->lengths, sizeof number);
    return number;
}

static struct span take_text(struct cursor *cursor)
{
    struct span text = span_first(cursor->texts, (size_t)take(cursor));
    cursor->texts = span_from(cursor->texts, text.len);
    return text;
}

bool jwt_unpack(struct span packed, struct arena *arena, struct jwt *jwt)
{
    struct cursor cursor = {.lengths = packed};
    *jwt = (struct jwt){0};
    jwt->key.at[0] = take(&cursor);
    jwt->key.at[1] = take(&cursor);
    jwt->good_until_s = take(&cursor);
    jwt->claim_count = (size_t)take(&cursor);
    jwt->scope_count = (size_t)take(&cursor);
    size_t lengths = 6 + 2 * jwt->claim_count + jwt->scope_count;
    struct pair *claims = arena_alloc(arena, (jwt->claim_count + 1) * sizeof *claims);
    struct span *scopes = arena_alloc(arena, (jwt->scope_count + 1) * sizeof *scopes);
    if (claims == NULL || scopes == NULL)
        return false;
    cursor.texts = span_from(packed, lengths * sizeof(uint64_t));
    jwt->principal = take_text(&cursor);
    for (size_t i = 0; i < jwt->claim_count; i++) {
        claims[i].name = take_text(&cursor);
        claims[i].value = take_text(&cursor);
    }
    for (size_t i = 0; i < jwt->scope_count; i++)
        scopes[i] = take_text(&cursor);
    jwt->claims = claims;
    jwt->scopes = scopes;
    return true;
}
