/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes, born with its ceiling. Like the arena, running over is sticky: later
 * appends do nothing and the owner asks buf_is_full() once. */
#ifndef SIDEGATE_RULES_BASE_BUF_H
#define SIDEGATE_RULES_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/must.h"
#include "rules/base/span.h"

struct buf {
    char *at; /* NULL until the first byte */
    size_t len;
    size_t size;    /* allocated */
    size_t ceiling; /* len never grows beyond */
    bool full;      /* sticky: something did not fit */
};

void buf_init(struct buf *buf, size_t ceiling);
void buf_fini(struct buf *buf);
void buf_wipe(struct buf *buf);  /* likewise, and nothing of what it held is left in memory */
void span_wipe(struct span own); /* of text in memory of the caller's own nothing is left */
void buf_clear(struct buf *buf); /* empties, keeps the memory, takes the mark away */

bool buf_add(struct buf *buf, struct span text); /* all or nothing */
/* The same of a literal, whose length the compiler knows: no call where there is room. */
#define BUF_PUT(buf, literal) buf_put((buf), (literal), sizeof(literal) - 1)
bool buf_add_byte(struct buf *buf, char byte);
bool buf_add_number(struct buf *buf, int64_t number);
bool buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for `bytes` more at the end, not yet counted in len; NULL (and full) where the ceiling
 * forbids it. buf_grew() then counts what was really written. */
static inline char *buf_room(struct buf *buf, size_t bytes);
static inline void buf_grew(struct buf *buf, size_t bytes);
/* What came behind the first `len` bytes is taken back, and so is the mark. */
static inline void buf_cut(struct buf *buf, size_t len);
/* Drops the first bytes and moves the rest to the front. */
void buf_drop(struct buf *buf, size_t bytes);

static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){buf->at, buf->len};
}
static inline bool buf_is_full(const struct buf *buf)
{
    return buf->full;
}

/* buf_room() where there is no room yet. */
char *buf_more_room(struct buf *buf, size_t bytes);

static inline char *buf_room(struct buf *buf, size_t bytes)
{
    bool fits = buf->at != NULL && !buf->full && bytes <= buf->size - buf->len;
    return fits ? buf->at + buf->len : buf_more_room(buf, bytes);
}
static inline void buf_grew(struct buf *buf, size_t bytes)
{
    must(bytes <= buf->size - buf->len);
    buf->len += bytes;
}

static inline void buf_cut(struct buf *buf, size_t len)
{
    must(len <= buf->len);
    buf->len = len;
    buf->full = false;
}

static inline void buf_put(struct buf *buf, const char *text, size_t len)
{
    char *room = buf_room(buf, len);
    if (room != NULL) {
        memcpy(room, text, len);
        buf->len += len;
    }
}

/* Tests: the n-th growth from now on fails (0: none), counted over the thread. */
void buf_fail_nth(unsigned n);

#endif
