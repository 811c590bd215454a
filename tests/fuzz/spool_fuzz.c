/* SPDX-License-Identifier: Apache-2.0 */
/* A segment and a ledger of any bytes. Reading goes on with every step, stays within the bytes and
 * says the same each time; a frame that is found is the one that was written with these values; a
 * ledger that is believed adds up, and can be written and read again. */
#include <stdint.h>
#include <string.h>

#include "exporters/spool_ledger.h"
#include "rules/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_what_is_written(const struct frame *frame, struct span bytes)
{
    struct buf again;
    buf_init(&again, FRAME_MOST_BYTES);
    frame_add(&again, 0, frame);
    /* its head and its record are the same; its tail is not looked at where the head is sound */
    must(again.len <= bytes.len &&
         memcmp(again.at, bytes.at, again.len - (FRAME_EXTRA_BYTES - 48)) == 0);
    buf_fini(&again);
}

static void must_read_on(struct span bytes)
{
    struct segment_head head;
    struct frame frame, again;
    size_t used, same;
    if (segment_head_read(bytes, 0, &head))
        must(head.preamble.len <= bytes.len);
    for (;;) {
        enum frame_found found = frame_next(bytes, true, 0, &frame, &used);
        must(found == frame_next(bytes, true, 0, &again, &same) && used == same);
        must(found != FRAME_MORE && used <= bytes.len);
        if (found == FRAME_END)
            return;
        must(used > 0);
        if (found == FRAME_WHOLE)
            must_be_what_is_written(&frame, bytes);
        bytes = span_from(bytes, used);
    }
}

static void must_add_up(struct span bytes)
{
    struct ledger ledger, again;
    struct buf file;
    uint64_t at;
    enum ledger_found found = ledger_read(bytes, &ledger);
    if (found != LEDGER_SOUND && found != LEDGER_MENDED)
        return;
    must(ledger_waiting(&ledger) <= ledger.appended.units);
    buf_init(&file, LEDGER_SLOT_BYTES);
    ledger_write(&ledger, &file, &at);
    found = ledger_read(buf_span(&file), &again);
    must(found == LEDGER_MENDED || (found == LEDGER_SOUND && again.generation == 1));
    must(memcmp(&ledger, &again, sizeof ledger) == 0);
    buf_fini(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_make((const char *)data, size);
    must_read_on(bytes);
    must_add_up(bytes);
    return 0;
}
