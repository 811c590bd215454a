/* SPDX-License-Identifier: Apache-2.0 */
/* A mold for the spans of stages: a dozen of them belong to every request, so they are not packed
 * but stamped. */
#include "exporters/stage_spans.h"

#include <endian.h>
#include <stdlib.h>

#include "exporters/proto/otlp.pb-c.h"
#include "exporters/record.h"
#include "exporters/varint.h"
#include "rules/base/copy.h"
#include "rules/base/must.h"

enum {
    NAME_LONGEST = 127, /* its length is one byte */
    NAME_FIELD = 5,
};

/* The spans of stages differ in ids, times and name only. What stands before and behind the name is
 * packed once; the fields in it have fixed places.
 *
 *   head | 0a 10 trace id | 12 08 span id | 22 08 parent id |     name follows: 2a length text
 *   tail | 30 kind | 39 start | 41 end | 85 01 flags | */
enum {
    MOLD_TRACE = 2,
    MOLD_SPAN = MOLD_TRACE + 16 + 2,
    MOLD_PARENT = MOLD_SPAN + 8 + 2,
    MOLD_HEAD = MOLD_PARENT + 8,
    MOLD_START = 2 + 1,
    MOLD_END = MOLD_START + 8 + 1,
    MOLD_TAIL = MOLD_END + 8 + 2 + 4,
    SPAN_LONGEST = 1 + VARINT_BYTES + MOLD_HEAD + 2 + NAME_LONGEST + MOLD_TAIL,
};
struct stage_spans {
    uint8_t head[MOLD_HEAD], tail[MOLD_TAIL];
};

static void mold_init(struct stage_spans *mold)
{
    uint8_t id[16] = {0}, packed[128];
    Otlp__Span head, tail;
    otlp__span__init(&head);
    head.trace_id = (ProtobufCBinaryData){16, id};
    head.span_id = head.parent_span_id = (ProtobufCBinaryData){8, id};
    must(otlp__span__get_packed_size(&head) == MOLD_HEAD);
    otlp__span__pack(&head, packed);
    memcpy(mold->head, packed, MOLD_HEAD);
    otlp__span__init(&tail);
    tail.kind = OTLP__SPAN__SPAN_KIND__SPAN_KIND_INTERNAL;
    tail.start_time_unix_nano = tail.end_time_unix_nano = 1;
    tail.flags = FLAG_SAMPLED | FLAG_HAS_IS_REMOTE;
    must(otlp__span__get_packed_size(&tail) == MOLD_TAIL);
    otlp__span__pack(&tail, packed);
    memcpy(mold->tail, packed, MOLD_TAIL);
}

/* The ids of stages follow from the SERVER's id: mixed well (splitmix64), so that they meet no
 * other, and never zero. */
void stage_span_id(const uint8_t server[8], size_t index, uint8_t id[8])
{
    uint64_t x;
    memcpy(&x, server, sizeof x);
    x += UINT64_C(0x9e3779b97f4a7c15) * (index + 1);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    if (x == 0)
        x = 1;
    memcpy(id, &x, sizeof x);
}

struct period period_of(const struct report *report, uint64_t start_us, uint64_t duration_us)
{
    uint64_t whole = report->duration_us > 0 ? report->duration_us * 1000 : 1;
    uint64_t start = start_us <= UINT64_MAX / 1000 ? start_us * 1000 : whole;
    if (start >= whole)
        start = whole - 1;
    uint64_t longest = whole - start;
    uint64_t duration = duration_us <= longest / 1000 ? duration_us * 1000 : longest;
    if (duration == 0)
        duration = 1;
    uint64_t began = report->began_wall_us * 1000;
    return (struct period){began + start, began + start + duration};
}

uint64_t stages_told(const struct report *report)
{
    uint64_t told = 0, left_us = report->duration_us / 64;
    uint64_t hundredth_us = report->duration_us / 100 + (report->duration_us % 100 > 0);
    for (size_t i = 0; i < report->stage_count && i < RECORD_STAGES; i++) {
        uint64_t took = report->stages[i].duration_us;
        if (took > 0 && (took >= hundredth_us || took > left_us))
            told |= UINT64_C(1) << i;
        else
            left_us -= took;
    }
    return told;
}

bool stage_around(const struct report *report, uint64_t told, const struct report_attempt *attempt,
                  size_t *index)
{
    bool found = false;
    uint64_t end = attempt->start_us + attempt->duration_us;
    for (; told != 0; told &= told - 1) {
        size_t i = stage_first(told);
        const struct report_stage *stage = &report->stages[i];
        if (attempt->start_us < stage->start_us || end > stage->start_us + stage->duration_us)
            continue;
        *index = i;
        found = true;
    }
    return found;
}

struct stage_spans *stage_spans_new(void)
{
    struct stage_spans *spans = must_alloc(sizeof *spans);
    mold_init(spans);
    return spans;
}

void stage_spans_free(struct stage_spans *spans)
{
    free(spans);
}

/* Returns where it ends. */
static char *put_stage(const struct stage_spans *mold, char *at, const struct report *report,
                       size_t i)
{
    const struct report_stage *stage = &report->stages[i];
    struct span name = span_first(stage->name, NAME_LONGEST);
    struct period period = period_of(report, stage->start_us, stage->duration_us);
    uint64_t start = htole64(period.start), end = htole64(period.end);
    *at++ = (char)wire_tag(SCOPE_SPANS_SPANS, WIRE_BYTES);
    at = varint_write(at, MOLD_HEAD + 2 + name.len + MOLD_TAIL);
    memcpy(at, mold->head, MOLD_HEAD);
    stage_span_id(report->span_id, i, (uint8_t *)at + MOLD_SPAN);
    at += MOLD_HEAD;
    *at++ = (char)wire_tag(NAME_FIELD, WIRE_BYTES);
    *at++ = (char)name.len;
    copy_short(at, name.at, name.len);
    at += name.len;
    memcpy(at, mold->tail, MOLD_TAIL);
    memcpy(at + MOLD_START, &start, sizeof start);
    memcpy(at + MOLD_END, &end, sizeof end);
    return at + MOLD_TAIL;
}

size_t stage_spans_add(struct stage_spans *spans, struct buf *to, const struct report *report,
                       uint64_t told)
{
    size_t count = (size_t)__builtin_popcountll(told);
    char *room = buf_room(to, count * SPAN_LONGEST), *at = room;
    if (room == NULL)
        return 0;
    memcpy(spans->head + MOLD_TRACE, report->trace_id, sizeof report->trace_id);
    memcpy(spans->head + MOLD_PARENT, report->span_id, sizeof report->span_id);
    for (; told != 0; told &= told - 1)
        at = put_stage(spans, at, report, stage_first(told));
    buf_grew(to, (size_t)(at - room));
    return count;
}
