/* SPDX-License-Identifier: Apache-2.0 */
/* First the tree, then what its leaves point to.
 *
 *   value   | type 3 bits, size 5 bits | more type? | more size? | what it holds ...
 *   pointer | 001 ss vvv               | 1 to 4 bytes: where in the data the value stands
 */
#include "sidecar/guard/geo_check.h"

#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/must.h"

enum { DEPTH_MOST = 64, BITS_MOST = 128, HEIGHT_UNSEEN = 0, HEIGHT_OPEN = 255 };

struct walk {
    const MMDB_s *mmdb;
    uint8_t *heights; /* of nodes: how many bits they and those below decide */
    uint8_t *read;    /* a bit for each byte of the data: a value that stands there is well */
    void (*on_record)(void *context, uint32_t offset);
    void *context;
    const char *wrong; /* NULL: nothing yet */
    size_t wrong_at;   /* the node, or the offset in the data */
};

static bool refuse(struct walk *walk, size_t at, const char *wrong)
{
    walk->wrong = wrong;
    walk->wrong_at = at;
    return false;
}

/* ---- data ---- */

struct header {
    unsigned type;
    size_t size;   /* bytes, pairs or items; of a pointer: where it leads */
    size_t behind; /* where what it holds begins */
};

/* The `count` bytes at an offset as a number; false: they are not there. */
static bool take_number(const struct walk *walk, size_t *at, unsigned count, size_t *number)
{
    if (*at + count > walk->mmdb->data_section_size)
        return false;
    *number = 0;
    for (unsigned i = 0; i < count; i++)
        *number = *number << 8 | walk->mmdb->data_section[(*at)++];
    return true;
}

static bool read_pointer(const struct walk *walk, size_t control, struct header *header)
{
    static const size_t bases[] = {0, 2048, 526336, 0};
    unsigned bytes = (unsigned)(control >> 3 & 3) + 1;
    size_t number;
    if (!take_number(walk, &header->behind, bytes, &number))
        return false;
    size_t high = bytes < 4 ? (control & 7) << 8 * bytes : 0;
    header->size = high + number + bases[bytes - 1];
    return true;
}

static bool read_size(const struct walk *walk, size_t control, struct header *header)
{
    static const size_t bases[] = {29, 285, 65821};
    size_t more;
    header->size = control & 31;
    if (header->size < 29)
        return true;
    unsigned bytes = (unsigned)header->size - 28;
    if (!take_number(walk, &header->behind, bytes, &more))
        return false;
    header->size = bases[bytes - 1] + more;
    return true;
}

static bool read_header(struct walk *walk, size_t at, struct header *header)
{
    size_t control, extended;
    header->behind = at;
    if (!take_number(walk, &header->behind, 1, &control))
        return refuse(walk, at, "a value lies outside the data");
    header->type = (unsigned)control >> 5;
    if (header->type == MMDB_DATA_TYPE_EXTENDED) {
        if (!take_number(walk, &header->behind, 1, &extended) || extended == 0)
            return refuse(walk, at, "a value has no type");
        header->type = (unsigned)extended + 7;
    }
    bool well = header->type == MMDB_DATA_TYPE_POINTER ? read_pointer(walk, control, header)
                                                       : read_size(walk, control, header);
    return well || refuse(walk, at, "the data ends within a value");
}

/* How many bytes a value of that type may have. */
static bool size_fits(const struct header *header, size_t rest)
{
    switch (header->type) {
    case MMDB_DATA_TYPE_UTF8_STRING:
    case MMDB_DATA_TYPE_BYTES: return header->size <= rest;
    case MMDB_DATA_TYPE_DOUBLE: return header->size == 8 && rest >= 8;
    case MMDB_DATA_TYPE_FLOAT: return header->size == 4 && rest >= 4;
    case MMDB_DATA_TYPE_UINT16: return header->size <= 2 && header->size <= rest;
    case MMDB_DATA_TYPE_UINT32:
    case MMDB_DATA_TYPE_INT32: return header->size <= 4 && header->size <= rest;
    case MMDB_DATA_TYPE_UINT64: return header->size <= 8 && header->size <= rest;
    case MMDB_DATA_TYPE_UINT128: return header->size <= 16 && header->size <= rest;
    case MMDB_DATA_TYPE_BOOLEAN: return header->size <= 1;
    default: return false;
    }
}

static bool value_is_well(struct walk *walk, size_t at, size_t *next, unsigned depth);

/* What a pointer leads to; each place once. */
static bool target_is_well(struct walk *walk, size_t at, unsigned depth)
{
    size_t next;
    if (at >= walk->mmdb->data_section_size)
        return refuse(walk, at, "a pointer leads out of the data");
    if ((walk->read[at / 8] >> at % 8 & 1) != 0)
        return true;
    if (!value_is_well(walk, at, &next, depth))
        return false;
    walk->read[at / 8] |= (uint8_t)(1U << at % 8);
    return true;
}

/* The type of what stands there, behind a pointer too; 0: it is broken, or a second pointer. */
static unsigned type_behind(struct walk *walk, size_t at)
{
    struct header header;
    if (!read_header(walk, at, &header))
        return 0;
    if (header.type != MMDB_DATA_TYPE_POINTER)
        return header.type;
    if (!read_header(walk, header.size, &header) || header.type == MMDB_DATA_TYPE_POINTER)
        return 0;
    return header.type;
}

static bool pairs_are_well(struct walk *walk, const struct header *header, size_t *next,
                           unsigned depth)
{
    *next = header->behind;
    for (size_t i = 0; i < header->size * 2; i++) {
        if (i % 2 == 0 && type_behind(walk, *next) != MMDB_DATA_TYPE_UTF8_STRING)
            return refuse(walk, *next, "a key is no text");
        if (!value_is_well(walk, *next, next, depth))
            return false;
    }
    return true;
}

static bool items_are_well(struct walk *walk, const struct header *header, size_t *next,
                           unsigned depth)
{
    *next = header->behind;
    for (size_t i = 0; i < header->size; i++)
        if (!value_is_well(walk, *next, next, depth))
            return false;
    return true;
}

/* *next: where the value behind it stands. */
static bool value_is_well(struct walk *walk, size_t at, size_t *next, unsigned depth)
{
    struct header header;
    if (depth > DEPTH_MOST)
        return refuse(walk, at, "values lie too deep inside each other");
    if (!read_header(walk, at, &header))
        return false;
    switch (header.type) {
    case MMDB_DATA_TYPE_MAP: return pairs_are_well(walk, &header, next, depth + 1);
    case MMDB_DATA_TYPE_ARRAY: return items_are_well(walk, &header, next, depth + 1);
    case MMDB_DATA_TYPE_POINTER:
        *next = header.behind;
        if (type_behind(walk, at) == 0)
            return refuse(walk, at, "a pointer leads to no value");
        return target_is_well(walk, header.size, depth + 1);
    default: break;
    }
    if (!size_fits(&header, walk->mmdb->data_section_size - header.behind))
        return refuse(walk, at, "a value has a wrong type or size");
    *next = header.behind + (header.type == MMDB_DATA_TYPE_BOOLEAN ? 0 : header.size);
    return true;
}

/* ---- the tree ---- */

struct branch {
    uint8_t type;
    uint64_t record;
    uint32_t offset; /* of a leaf's data */
};

static bool read_branch(struct walk *walk, uint32_t number, unsigned side, struct branch *branch)
{
    MMDB_search_node_s node;
    if (MMDB_read_node(walk->mmdb, number, &node) != MMDB_SUCCESS)
        return refuse(walk, number, "a node of the tree cannot be read");
    *branch = side == 0 ? (struct branch){node.left_record_type, node.left_record,
                                          node.left_record_entry.offset}
                        : (struct branch){node.right_record_type, node.right_record,
                                          node.right_record_entry.offset};
    return true;
}

static bool leaf_is_well(struct walk *walk, uint32_t number, const struct branch *branch)
{
    if (branch->type == MMDB_RECORD_TYPE_EMPTY)
        return true;
    if (branch->type != MMDB_RECORD_TYPE_DATA || branch->offset >= walk->mmdb->data_section_size)
        return refuse(walk, number, "a node of the tree leads nowhere");
    bool is_new = (walk->read[branch->offset / 8] >> branch->offset % 8 & 1) == 0;
    if (!target_is_well(walk, branch->offset, 0))
        return false;
    if (is_new)
        walk->on_record(walk->context, branch->offset);
    return true;
}

/* A way down the tree: the nodes from the root on, and which side of each is next. */
struct way {
    uint32_t node[BITS_MOST + 1];
    unsigned side[BITS_MOST + 1];
    uint8_t height[BITS_MOST + 1];
    unsigned length;
};

static void raise_to(uint8_t *height, unsigned least)
{
    if (*height < least)
        *height = (uint8_t)least;
}

/* One side of the way's last node. */
static bool step_down(struct walk *walk, struct way *way, unsigned bits)
{
    unsigned last = way->length - 1;
    uint32_t number = way->node[last];
    struct branch branch;
    if (!read_branch(walk, number, way->side[last]++, &branch))
        return false;
    if (branch.type != MMDB_RECORD_TYPE_SEARCH_NODE)
        return leaf_is_well(walk, number, &branch);
    if (branch.record >= walk->mmdb->metadata.node_count)
        return refuse(walk, number, "a node of the tree leads nowhere");
    uint8_t below = walk->heights[branch.record];
    if (below == HEIGHT_OPEN || way->length + (below == HEIGHT_UNSEEN ? 1 : below) > bits)
        return refuse(walk, number, "the tree is deeper than addresses are long");
    raise_to(&way->height[last], below + 1U);
    if (below != HEIGHT_UNSEEN)
        return true;
    walk->heights[branch.record] = HEIGHT_OPEN;
    way->node[way->length] = (uint32_t)branch.record;
    way->side[way->length] = 0;
    way->height[way->length++] = 1;
    return true;
}

static bool tree_is_well(struct walk *walk)
{
    unsigned bits = walk->mmdb->metadata.ip_version == 4 ? 32 : BITS_MOST;
    struct way way = {.length = 1, .height = {1}};
    walk->heights[0] = HEIGHT_OPEN;
    while (way.length > 0) {
        unsigned last = way.length - 1;
        if (way.side[last] < 2) {
            if (!step_down(walk, &way, bits))
                return false;
            continue;
        }
        walk->heights[way.node[last]] = way.height[last];
        if (last > 0)
            raise_to(&way.height[last - 1], way.height[last] + 1U);
        way.length--;
    }
    return true;
}

bool geo_check(const struct MMDB_s *mmdb, void (*on_record)(void *context, uint32_t offset),
               void *context, char *why, size_t size)
{
    struct walk walk = {.mmdb = mmdb, .on_record = on_record, .context = context};
    if (mmdb->metadata.node_count == 0) {
        snprintf(why, size, "it is empty");
        return false;
    }
    walk.heights = must_alloc(mmdb->metadata.node_count);
    walk.read = must_alloc(mmdb->data_section_size / 8 + 1UL);
    bool well = tree_is_well(&walk);
    if (!well)
        snprintf(why, size, "it is broken: %s (at %zu)", walk.wrong, walk.wrong_at);
    free(walk.heights);
    free(walk.read);
    return well;
}
