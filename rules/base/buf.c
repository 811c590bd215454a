/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes. One byte more than `size` is always allocated, so that vsnprintf's terminator has
 * a place even where the text fills the ceiling to the last byte. */
#include "rules/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/copy.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum { BUF_FIRST_BYTES = 256 };

static _Thread_local unsigned fail_in; /* for tests: growths until one is refused */

void buf_fail_nth(unsigned n)
{
    fail_in = n;
}

void buf_init(struct buf *buf, size_t ceiling)
{
    *buf = (struct buf){.ceiling = ceiling};
}

void buf_fini(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){.ceiling = buf->ceiling};
}

void buf_wipe(struct buf *buf)
{
    if (buf->at != NULL)
        explicit_bzero(buf->at, buf->size);
    buf_fini(buf);
}

void span_wipe(struct span own)
{
    union {
        const char *in;
        char *out;
    } at = {own.at};
    if (own.len > 0)
        explicit_bzero(at.out, own.len);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->full = false;
}

/* Doubles until `bytes` more fit, but never beyond the ceiling. */
static bool buf_grow(struct buf *buf, size_t bytes)
{
    if (bytes > buf->ceiling - buf->len)
        return false;
    if (fail_in > 0 && --fail_in == 0)
        return false;
    size_t need = buf->len + bytes;
    size_t size = buf->size > BUF_FIRST_BYTES / 2 ? buf->size : BUF_FIRST_BYTES / 2;
    size = size <= buf->ceiling / 2 ? size * 2 : buf->ceiling;
    if (size < need)
        size = need;
    char *at = size < SIZE_MAX ? realloc(buf->at, size + 1) : NULL;
    if (at == NULL)
        return false;
    buf->at = at;
    buf->size = size;
    return true;
}

char *buf_more_room(struct buf *buf, size_t bytes)
{
    if (!buf->full && buf_grow(buf, bytes))
        return buf->at + buf->len;
    buf->full = true;
    return NULL;
}

bool buf_add(struct buf *buf, struct span text)
{
    if (text.len == 0)
        return !buf->full;
    char *room = buf_room(buf, text.len);
    if (room == NULL)
        return false;
    copy_short(room, text.at, text.len);
    buf->len += text.len;
    return true;
}

bool buf_add_byte(struct buf *buf, char byte)
{
    char *room = buf_room(buf, 1);
    if (room == NULL)
        return false;
    *room = byte;
    buf->len++;
    return true;
}

bool buf_add_number(struct buf *buf, int64_t number)
{
    char text[NUMBER_TEXT_BYTES];
    return buf_add(buf, span_make(text, number_write(text, number)));
}

bool buf_format(struct buf *buf, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int len = vsnprintf(NULL, 0, format, list);
    must(len >= 0);
    char *room = buf_room(buf, (size_t)len);
    if (room != NULL) {
        vsnprintf(room, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(list);
    return room != NULL;
}

void buf_drop(struct buf *buf, size_t bytes)
{
    must(bytes <= buf->len);
    buf->len -= bytes;
    if (buf->len > 0 && bytes > 0)
        memmove(buf->at, buf->at + bytes, buf->len);
}
