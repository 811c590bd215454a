/* SPDX-License-Identifier: Apache-2.0 */
/* A set of what texts have in them: any eight letters in a row, and whole words of four to seven,
 * beside which no letter and no digit stands. Case does not matter. It is exact, and an answer
 * takes the same time however much is known. */
#ifndef SIDEGATE_EXPORTERS_PIECES_H
#define SIDEGATE_EXPORTERS_PIECES_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/buf.h"

enum { PIECE = 8, WORD_SHORTEST = 4 };

struct pieces {
    struct buf table; /* of keys, 0: free */
    size_t count;
    unsigned bits;       /* of an index of it */
    unsigned lengths;    /* of the words that it has, a bit each */
    uint64_t multiplier; /* odd; who sends what is kept must not know it */
    bool is_full;        /* at 262,144 pieces, or where there was no memory: not all are known */
};

void pieces_init(struct pieces *pieces, uint64_t seed);
void pieces_fini(struct pieces *pieces);
void pieces_clear(struct pieces *pieces); /* empties, gives the memory back */

/* Any eight letters in a row of the text; */
void pieces_add(struct pieces *pieces, struct span text);
/* the word; nothing where it is shorter or longer than one; */
void pieces_add_word(struct pieces *pieces, struct span word);
/* all the words of the text. */
void pieces_add_words(struct pieces *pieces, struct span text);

/* How long the piece is that begins there in the text; 0: none of the set does. */
size_t pieces_find(const struct pieces *pieces, struct span text, size_t at);
/* Is it one: eight letters, or a word? */
bool pieces_have(const struct pieces *pieces, struct span piece);

#endif
