/* SPDX-License-Identifier: Apache-2.0 */
/* A table of numbers with open addressing: the letters of a piece are its number, so that no two
 * pieces are taken for each other. The multiplier keeps those who know the function from choosing
 * pieces that all begin at the same place. */
#include "exporters/pieces.h"

#include <string.h>

enum {
    BITS_FIRST = 9,
    BITS_MOST = 19, /* half of them is filled */
};

void pieces_init(struct pieces *pieces, uint64_t seed)
{
    *pieces = (struct pieces){.multiplier = (seed ^ UINT64_C(0x9E3779B97F4A7C15)) | 1};
    buf_init(&pieces->table, sizeof(uint64_t) << BITS_MOST);
}

void pieces_fini(struct pieces *pieces)
{
    buf_fini(&pieces->table);
}

void pieces_clear(struct pieces *pieces)
{
    uint64_t multiplier = pieces->multiplier;
    pieces_fini(pieces);
    pieces_init(pieces, 0);
    pieces->multiplier = multiplier;
}

/* Of at most eight letters. */
static uint64_t key_of(struct span letters)
{
    uint64_t key = 0;
    for (size_t i = 0; i < PIECE; i++)
        key = key << 8 | (i < letters.len ? (unsigned char)byte_lower(letters.at[i]) : 0);
    return key;
}

/* Where the key stands, or would. */
static uint64_t *slot_of(const struct pieces *pieces, uint64_t key)
{
    uint64_t *slots = (uint64_t *)(void *)pieces->table.at;
    size_t mask = ((size_t)1 << pieces->bits) - 1;
    size_t at = (size_t)(key * pieces->multiplier >> (64 - pieces->bits));
    while (slots[at] != 0 && slots[at] != key)
        at = (at + 1) & mask;
    return &slots[at];
}

static bool has(const struct pieces *pieces, uint64_t key)
{
    return pieces->count > 0 && key != 0 && *slot_of(pieces, key) == key;
}

static bool grow(struct pieces *pieces)
{
    struct pieces more = *pieces;
    more.bits = pieces->bits == 0 ? BITS_FIRST : pieces->bits + 1;
    size_t bytes = sizeof(uint64_t) << more.bits;
    buf_init(&more.table, sizeof(uint64_t) << BITS_MOST);
    char *room = buf_room(&more.table, bytes);
    if (room == NULL) {
        buf_fini(&more.table);
        return false;
    }
    memset(room, 0, bytes);
    buf_grew(&more.table, bytes);
    const uint64_t *old = (const uint64_t *)(void *)pieces->table.at;
    for (size_t i = 0; i < pieces->table.len / sizeof *old; i++)
        if (old[i] != 0)
            *slot_of(&more, old[i]) = old[i];
    buf_fini(&pieces->table);
    *pieces = more;
    return true;
}

static void add(struct pieces *pieces, uint64_t key)
{
    if (key == 0 || pieces->is_full)
        return;
    if (pieces->count * 2 * sizeof key >= pieces->table.len && !grow(pieces)) {
        pieces->is_full = true;
        return;
    }
    uint64_t *slot = slot_of(pieces, key);
    pieces->count += *slot == 0;
    *slot = key;
}

void pieces_add(struct pieces *pieces, struct span text)
{
    uint64_t key = 0;
    for (size_t i = 0; i < text.len; i++) {
        key = key << 8 | (unsigned char)byte_lower(text.at[i]);
        if (i + 1 >= PIECE)
            add(pieces, key);
    }
}

void pieces_add_word(struct pieces *pieces, struct span word)
{
    if (word.len < WORD_SHORTEST || word.len >= PIECE)
        return;
    pieces->lengths |= 1U << word.len;
    add(pieces, key_of(word));
}

static bool is_of_word(struct span text, size_t at)
{
    return at < text.len && (byte_is_alpha(text.at[at]) || byte_is_digit(text.at[at]));
}

static bool is_whole(struct span text, size_t at, size_t len)
{
    return at + len <= text.len && (at == 0 || !is_of_word(text, at - 1)) &&
           !is_of_word(text, at + len);
}

void pieces_add_words(struct pieces *pieces, struct span text)
{
    for (size_t i = 0; i + WORD_SHORTEST <= text.len; i++)
        for (size_t len = WORD_SHORTEST; len < PIECE; len++)
            if (is_whole(text, i, len))
                pieces_add_word(pieces, span_make(text.at + i, len));
}

bool pieces_have(const struct pieces *pieces, struct span piece)
{
    return has(pieces, key_of(piece));
}

size_t pieces_find(const struct pieces *pieces, struct span text, size_t at)
{
    if (at + PIECE <= text.len && pieces_have(pieces, span_make(text.at + at, PIECE)))
        return PIECE;
    for (size_t len = PIECE - 1; pieces->lengths != 0 && len >= WORD_SHORTEST; len--)
        if ((pieces->lengths & 1U << len) != 0 && is_whole(text, at, len) &&
            pieces_have(pieces, span_make(text.at + at, len)))
            return len;
    return 0;
}
