/* SPDX-License-Identifier: Apache-2.0 */
/* A trie in which the states are numbered breadth first, so that the children of one are a run of
 * numbers, and the byte that leads into a state is stored with the state:
 *
 *   "ab" "ac" "b"        state        0    1    2    3    4
 *                        label        -    a    b    b    c
 *        0               first_child  1    3    5    5    5   (5)
 *      a/ \b             fail         0    0    0    2    0
 *      1   2             found        0    0    1    2    2      length of the longest phrase here
 *    b/ \c
 *    3   4
 *
 * 13 bytes a state instead of a row of 256 numbers: thousands of phrases stay in the cache. Only
 * the root has a row.
 *
 * In ordinary text nearly every letter begins some phrase, so that the walk hardly ever rests at
 * the root. What does rest are groups of three bytes: few of them begin a phrase. Where no phrase
 * is under way, or only by its first byte, the walk passes over all places where none can begin. */
#include "rules/match/phrases.h"

#include <stdint.h>
#include <stdlib.h>

#include "rules/base/must.h"

enum { GROUP = 3, GROUP_BITS = 15 };

struct phrases {
    bool skips;                            /* no phrase is shorter than a group */
    uint8_t begins[1 << (GROUP_BITS - 3)]; /* a bit for the hash of each group that begins one */
    uint32_t count;
    uint32_t *first_child; /* count + 1 */
    uint32_t *fail;
    uint32_t *found;
    uint8_t *label;
    uint32_t root[256]; /* by a byte as it stands in the text, either case */
};

/* The sorted phrases while the trie is made; a state is the range of those that begin with its
 * text. */
struct range {
    uint32_t begin, end, depth;
};

struct making {
    struct phrases *to;
    const struct span *sorted;
    struct range *ranges;
};

static int compare(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static uint8_t lower(char c)
{
    return (uint8_t)byte_lower(c);
}

/* 0: there is none; the root is nobody's child. */
static uint32_t child_of(const struct phrases *p, uint32_t state, uint8_t byte)
{
    uint32_t first = p->first_child[state];
    uint32_t count = p->first_child[state + 1] - first;
    const uint8_t *hit;

    if (count <= 1)
        return count == 1 && p->label[first] == byte ? first : 0;
    hit = memchr(p->label + first, byte, count);
    return hit == NULL ? 0 : (uint32_t)(hit - p->label);
}

static uint32_t go(const struct phrases *p, uint32_t state, uint8_t byte)
{
    while (state != 0) {
        uint32_t child = child_of(p, state, byte);

        if (child != 0)
            return child;
        state = p->fail[state];
    }
    return p->root[byte];
}

/* The next byte of a group; letters of either case are one, and so are some other bytes. */
static uint32_t group_add(uint32_t group, char byte)
{
    return (group << 8 | (uint8_t)byte | 0x20) & 0xffffff;
}

static uint32_t group_hash(uint32_t group)
{
    return group * 0x9e3779b1U >> (32 - GROUP_BITS);
}

static void begins_add(struct phrases *p, struct span phrase)
{
    uint32_t group = 0;

    if (phrase.len < GROUP) {
        p->skips = false;
        return;
    }
    for (size_t i = 0; i < GROUP; i++)
        group = group_add(group, phrase.at[i]);
    p->begins[group_hash(group) / 8] |= (uint8_t)(1U << group_hash(group) % 8);
}

/* The first place from `at` on where a phrase may begin, or the length. */
static size_t find_beginning(const struct phrases *p, struct span text, size_t at)
{
    uint32_t group = 0;

    if (text.len - at < GROUP)
        return text.len;
    for (size_t i = 0; i < GROUP - 1; i++)
        group = group_add(group, text.at[at + i]);
    for (; at + GROUP <= text.len; at++) {
        group = group_add(group, text.at[at + GROUP - 1]);
        uint32_t hash = group_hash(group);
        if ((p->begins[hash / 8] >> hash % 8 & 1) != 0)
            return at;
    }
    return text.len;
}

/* Appends the child of `parent` whose phrases are `range`. */
static void add_state(const struct making *m, uint32_t parent, struct range range)
{
    struct phrases *p = m->to;
    uint32_t state = p->count++;
    struct span first = m->sorted[range.begin];
    uint8_t byte = (uint8_t)first.at[range.depth - 1];

    m->ranges[state] = range;
    p->label[state] = byte;
    if (parent == 0) {
        p->root[byte] = state;
        if (byte >= 'a' && byte <= 'z')
            p->root[byte ^ 0x20] = state;
    } else {
        p->fail[state] = go(p, p->fail[parent], byte);
    }
    /* The shortest of the range stands first: it is the state's own text or there is none. */
    p->found[state] = first.len == range.depth ? range.depth : p->found[p->fail[state]];
}

static void add_children(const struct making *m, uint32_t state)
{
    struct range own = m->ranges[state];
    uint32_t i = own.begin;

    m->to->first_child[state] = m->to->count;
    while (i < own.end && m->sorted[i].len == own.depth)
        i++;
    while (i < own.end) {
        struct range child = {i, i, own.depth + 1};

        while (child.end < own.end &&
               m->sorted[child.end].at[own.depth] == m->sorted[i].at[own.depth])
            child.end++;
        add_state(m, state, child);
        i = child.end;
    }
}

/* Lower-case copies, sorted, in one piece of memory each for spans and text. */
static struct span *sort_lower(const struct span *list, size_t count, size_t *kept, char *text)
{
    struct span *sorted = must_alloc((count + 1) * sizeof(*sorted));

    *kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].len == 0)
            continue;
        for (size_t j = 0; j < list[i].len; j++)
            text[j] = byte_lower(list[i].at[j]);
        sorted[(*kept)++] = span_make(text, list[i].len);
        text += list[i].len;
    }
    qsort(sorted, *kept, sizeof(*sorted), compare);
    return sorted;
}

/* Trims the tables to the states that there are; they were made for one per byte. */
static void fit(struct phrases *p)
{
    p->first_child = must_realloc(p->first_child, (p->count + 1UL) * sizeof(uint32_t));
    p->fail = must_realloc(p->fail, p->count * sizeof(uint32_t));
    p->found = must_realloc(p->found, p->count * sizeof(uint32_t));
    p->label = must_realloc(p->label, p->count);
}

struct phrases *phrases_new(const struct span *list, size_t count)
{
    struct phrases *p = must_alloc(sizeof(*p));
    struct making m = {.to = p};
    size_t bytes = 0, kept;
    struct span *sorted;
    char *text;

    for (size_t i = 0; i < count; i++)
        bytes += list[i].len;
    must(bytes < UINT32_MAX / 2);
    text = must_alloc(bytes + 1);
    sorted = sort_lower(list, count, &kept, text);
    m.sorted = sorted;
    m.ranges = must_alloc((bytes + 1) * sizeof(*m.ranges));
    p->first_child = must_alloc((bytes + 2) * sizeof(uint32_t));
    p->fail = must_alloc((bytes + 1) * sizeof(uint32_t));
    p->found = must_alloc((bytes + 1) * sizeof(uint32_t));
    p->label = must_alloc(bytes + 1);

    m.ranges[0] = (struct range){0, (uint32_t)kept, 0};
    p->count = 1;
    for (uint32_t state = 0; state < p->count; state++) {
        add_children(&m, state);
        p->first_child[state + 1] = p->count;
    }
    fit(p);
    p->skips = true;
    for (size_t i = 0; i < kept; i++)
        begins_add(p, sorted[i]);
    free(m.ranges);
    free(sorted);
    free(text);
    return p;
}

void phrases_free(struct phrases *phrases)
{
    if (phrases == NULL)
        return;
    free(phrases->first_child);
    free(phrases->fail);
    free(phrases->found);
    free(phrases->label);
    free(phrases);
}

size_t phrases_bytes(const struct phrases *phrases)
{
    return sizeof(*phrases) + phrases->count * (3 * sizeof(uint32_t) + 1) + sizeof(uint32_t);
}

bool phrases_find(const struct phrases *phrases, struct span text, struct span *found)
{
    uint32_t state = 0;
    uint32_t deeper = phrases->first_child[1]; /* the first state that stands for two bytes */
    size_t seen = 0; /* where a beginning was found it is not looked for again */

    for (size_t i = 0; i < text.len; i++) {
        size_t begun = i - (state != 0 ? 1 : 0);

        if (phrases->skips && state < deeper && begun >= seen) {
            i = find_beginning(phrases, text, begun);
            if (i == text.len)
                return false;
            seen = i + 1;
            state = 0;
        }
        if (state == 0)
            state = phrases->root[(uint8_t)text.at[i]];
        else
            state = go(phrases, state, lower(text.at[i]));
        if (phrases->found[state] > 0) {
            size_t len = phrases->found[state];

            *found = span_make(text.at + i + 1 - len, len);
            return true;
        }
    }
    return false;
}
