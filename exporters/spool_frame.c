/* SPDX-License-Identifier: Apache-2.0 */
/* Frames. What is searched for after a broken one is the nearest end of any frame, whole or not. */
#include "exporters/spool_frame.h"

#include <stddef.h>
#include <string.h>

#include "exporters/crc32c.h"
#include "rules/base/must.h"

enum { MARK_HEAD = 0x48664753, MARK_TAIL = 0x54664753 }; /* "SGfH", "SGfT" */
static const char segment_mark[8] = {'S', 'G', 's', 'p', 'o', 'o', 'l', '1'};

/* Each checksum is over what stands before it, but for the record's own. */
struct head_bytes {
    uint32_t mark, record_bytes, units, signal;
    uint64_t sequence, units_before, when_us;
    uint32_t record_crc, crc;
};
struct tail_bytes { /* where the next frame stands */
    uint32_t mark, crc;
    uint64_t sequence, units_before;
};
struct segment_bytes {
    char mark[8];
    uint64_t sequence, units_before, began_us;
    uint32_t preamble_bytes, preamble_crc, zero, crc;
};
_Static_assert(sizeof(struct head_bytes) + sizeof(struct tail_bytes) == FRAME_EXTRA_BYTES, "bytes");
_Static_assert(sizeof(struct segment_bytes) == SEGMENT_HEAD_BYTES, "bytes");

static struct span bytes_of(const void *at, size_t len)
{
    return span_make(at, len);
}

static uint32_t head_crc(const struct head_bytes *head, uint32_t salt)
{
    return crc32c(salt, bytes_of(head, offsetof(struct head_bytes, crc)));
}

static uint32_t tail_crc(const struct tail_bytes *tail, uint32_t salt)
{
    uint32_t crc = crc32c(salt, bytes_of(&tail->mark, sizeof tail->mark));
    return crc32c(crc, bytes_of(&tail->sequence, 2 * sizeof(uint64_t)));
}

static uint32_t segment_crc(const struct segment_bytes *head, uint32_t salt)
{
    return crc32c(salt, bytes_of(head, offsetof(struct segment_bytes, crc)));
}

/* ---- writing ---- */

void segment_head_add(struct buf *to, uint32_t salt, const struct segment_head *head)
{
    must(head->preamble.len <= FRAME_PREAMBLE_BYTES);
    struct segment_bytes bytes = {
        .sequence = head->first.sequence,
        .units_before = head->first.units,
        .began_us = head->began_us,
        .preamble_bytes = (uint32_t)head->preamble.len,
        .preamble_crc = crc32c(salt, head->preamble),
    };
    memcpy(bytes.mark, segment_mark, sizeof bytes.mark);
    bytes.crc = segment_crc(&bytes, salt);
    buf_add(to, bytes_of(&bytes, sizeof bytes));
    buf_add(to, head->preamble);
}

void frame_add(struct buf *to, uint32_t salt, const struct frame *frame)
{
    must(frame->record.len <= FRAME_RECORD_BYTES);
    struct head_bytes head = {
        .mark = MARK_HEAD,
        .record_bytes = (uint32_t)frame->record.len,
        .units = frame->units,
        .signal = frame->signal,
        .sequence = frame->at.sequence,
        .units_before = frame->at.units,
        .when_us = frame->when_us,
        .record_crc = crc32c(salt, frame->record),
    };
    head.crc = head_crc(&head, salt);
    struct tail_bytes tail = {
        .mark = MARK_TAIL,
        .sequence = frame->at.sequence + 1,
        .units_before = frame->at.units + frame->units,
    };
    tail.crc = tail_crc(&tail, salt);
    buf_add(to, bytes_of(&head, sizeof head));
    buf_add(to, frame->record);
    buf_add(to, bytes_of(&tail, sizeof tail));
}

/* ---- reading ---- */

bool segment_head_read(struct span bytes, uint32_t salt, struct segment_head *head)
{
    struct segment_bytes found;
    if (bytes.len < sizeof found)
        return false;
    memcpy(&found, bytes.at, sizeof found);
    if (memcmp(found.mark, segment_mark, sizeof found.mark) != 0 ||
        found.crc != segment_crc(&found, salt) || found.preamble_bytes > bytes.len - sizeof found)
        return false;
    struct span preamble = span_make(bytes.at + sizeof found, found.preamble_bytes);
    *head = (struct segment_head){
        .first = {found.sequence, found.units_before},
        .began_us = found.began_us,
        .preamble = crc32c(salt, preamble) == found.preamble_crc ? preamble : SPAN(""),
    };
    return true;
}

static bool head_is_at(struct span bytes, size_t at, uint32_t salt, struct head_bytes *head)
{
    uint32_t mark;
    if (bytes.len - at < sizeof *head)
        return false;
    memcpy(&mark, bytes.at + at, sizeof mark);
    if (mark != MARK_HEAD)
        return false;
    memcpy(head, bytes.at + at, sizeof *head);
    return head->crc == head_crc(head, salt) && head->record_bytes <= FRAME_RECORD_BYTES;
}

static bool tail_is_at(struct span bytes, size_t at, uint32_t salt, struct tail_bytes *tail)
{
    uint32_t mark;
    if (bytes.len - at < sizeof *tail)
        return false;
    memcpy(&mark, bytes.at + at, sizeof mark);
    if (mark != MARK_TAIL)
        return false;
    memcpy(tail, bytes.at + at, sizeof *tail);
    return tail->crc == tail_crc(tail, salt);
}

/* There is a head that can be believed. */
static enum frame_found read_whole(struct span bytes, bool is_end, uint32_t salt,
                                   const struct head_bytes *head, struct frame *frame, size_t *used)
{
    size_t whole = FRAME_EXTRA_BYTES + (size_t)head->record_bytes;
    if (bytes.len < whole)
        return is_end ? FRAME_END : FRAME_MORE;
    *used = whole;
    struct span record = span_make(bytes.at + sizeof *head, head->record_bytes);
    if (crc32c(salt, record) != head->record_crc) {
        *frame = (struct frame){
            .at = {head->sequence + 1, head->units_before + head->units},
        };
        return FRAME_SKIPPED;
    }
    *frame = (struct frame){
        .at = {head->sequence, head->units_before},
        .units = head->units,
        .signal = head->signal,
        .when_us = head->when_us,
        .record = record,
    };
    return FRAME_WHOLE;
}

/* There is none: on to the next head, or behind the next tail. */
static enum frame_found search(struct span bytes, bool is_end, uint32_t salt, struct frame *frame,
                               size_t *used)
{
    struct head_bytes head;
    struct tail_bytes tail;
    *frame = (struct frame){.at = {0, 0}};
    for (size_t at = 0; at + sizeof tail <= bytes.len; at++) {
        const char *next = memchr(bytes.at + at, MARK_HEAD & 0xff, bytes.len - at);
        if (next == NULL)
            break;
        at = (size_t)(next - bytes.at);
        if (at > 0 && head_is_at(bytes, at, salt, &head)) {
            *used = at;
            return FRAME_SKIPPED;
        }
        if (tail_is_at(bytes, at, salt, &tail)) {
            frame->at = (struct spool_position){tail.sequence, tail.units_before};
            *used = at + sizeof tail;
            return FRAME_SKIPPED;
        }
    }
    if (is_end)
        return FRAME_END;
    if (bytes.len <= sizeof head)
        return FRAME_MORE;
    *used = bytes.len - sizeof head;
    return FRAME_SKIPPED;
}

enum frame_found frame_next(struct span bytes, bool is_end, uint32_t salt, struct frame *frame,
                            size_t *used)
{
    struct head_bytes head;
    *used = 0;
    if (head_is_at(bytes, 0, salt, &head))
        return read_whole(bytes, is_end, salt, &head, frame, used);
    if (bytes.len < sizeof head && !is_end)
        return FRAME_MORE;
    return search(bytes, is_end, salt, frame, used);
}
