/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/entry.h"

#include <string.h>

#include "rules/base/must.h"

struct entry_head {
    uint64_t wall_us;
    uint32_t request_id_bytes, text_bytes;
    uint32_t outcome;
    uint8_t trace_id[16], span_id[8];
};

void entry_add(struct buf *to, const struct report *report, enum entry_outcome outcome,
               struct span text)
{
    struct entry_head head = {
        .wall_us = report->began_wall_us + report->duration_us,
        .request_id_bytes = (uint32_t)report->request_id.len,
        .text_bytes = (uint32_t)text.len,
        .outcome = outcome,
    };
    memcpy(head.trace_id, report->trace_id, sizeof head.trace_id);
    memcpy(head.span_id, report->span_id, sizeof head.span_id);
    buf_add(to, (struct span){(const char *)&head, sizeof head});
    buf_add(to, report->request_id);
    buf_add(to, text);
}

static struct span take(struct span *rest, size_t bytes)
{
    must(bytes <= rest->len);
    struct span taken = span_first(*rest, bytes);
    *rest = span_from(*rest, bytes);
    return taken;
}

bool entry_next(struct span *rest, struct entry *out)
{
    struct entry_head head;
    if (rest->len == 0)
        return false;
    size_t before = rest->len;
    memcpy(&head, take(rest, sizeof head).at, sizeof head);
    *out = (struct entry){.wall_us = head.wall_us, .outcome = (enum entry_outcome)head.outcome};
    memcpy(out->trace_id, head.trace_id, sizeof out->trace_id);
    memcpy(out->span_id, head.span_id, sizeof out->span_id);
    out->request_id = take(rest, head.request_id_bytes);
    out->text = take(rest, head.text_bytes);
    out->bytes = before - rest->len;
    return true;
}

bool entries_are_sound(struct span entries, unsigned count)
{
    struct entry_head head;
    for (; count > 0 && entries.len >= sizeof head; count--) {
        memcpy(&head, entries.at, sizeof head);
        uint64_t texts = (uint64_t)head.request_id_bytes + head.text_bytes;
        if (head.outcome > ENTRY_ERROR || texts > entries.len - sizeof head)
            return false;
        entries = span_from(entries, sizeof head + texts);
    }
    return count == 0 && entries.len == 0;
}
