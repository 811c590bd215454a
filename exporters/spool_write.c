/* SPDX-License-Identifier: Apache-2.0 */
/* Appending, and what makes room for it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exporters/spool_inside.h"
#include "rules/base/must.h"

enum {
    SEGMENT_LEAST_BYTES = 256 * 1024,
    SEGMENT_MOST_BYTES = 16 * 1024 * 1024,
    SEGMENTS = 16,     /* of the largest size make the spool */
    SEGMENT_AGES = 24, /* so many parts of the longest age are one segment */
};

/* ---- leaving segments ---- */

void spool_sync(struct spool *spool)
{
    if (spool->open >= 0 && spool->unsynced)
        fdatasync(spool->open); /* what it says of an error is said by the next write, too */
    if (spool->folder_unsynced)
        fsync(spool->folder);
    spool->unsynced = spool->folder_unsynced = false;
}

void spool_roll(struct spool *spool)
{
    if (spool->open < 0)
        return;
    if (spool->settings.fsync != SPOOL_FSYNC_OFF)
        spool_sync(spool);
    close(spool->open);
    spool->open = -1;
    spool->unsynced = false;
}

void spool_forget(struct spool *spool, size_t i)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(&spool->segments[i], name);
    unlinkat(spool->folder, name, 0);
    spool->bytes -= spool->segments[i].bytes;
    memmove(&spool->segments[i], &spool->segments[i + 1],
            (spool->segment_count - i - 1) * sizeof spool->segments[0]);
    spool->segment_count--;
    for (size_t lane = 0; lane < SPOOL_LANES; lane++)
        spool->cursors[lane].offset = 0;
}

void spool_drop_first(struct spool *spool, enum drop_reason reason)
{
    must(spool->segment_count > 0);
    struct ledger *ledger = &spool->ledger;
    struct spool_position end = spool_segment_end(spool, 0);
    if (spool->segment_count == 1)
        spool_roll(spool);
    for (struct spool_position at = spool->segments[0].first;;) {
        at = spool_free_from(spool, at);
        if (at.sequence >= end.sequence)
            break;
        struct spool_position to = spool_free_to(spool, at, end);
        ledger_settle(ledger, (struct spool_range){at, to});
        ledger->lost[reason] += to.units - at.units;
    }
    spool_save(spool); /* both slots, before the file goes */
    spool_save(spool);
    spool_forget(spool, 0);
}

/* ---- appending ---- */

bool spool_append(struct spool *spool, struct span record, unsigned units, unsigned signal)
{
    must(units > 0);
    if (record.len > FRAME_RECORD_BYTES)
        return false;
    size_t before = spool->pending.len;
    frame_add(&spool->pending, spool->salt,
              &(struct frame){
                  .at = spool->pending_end,
                  .units = units,
                  .signal = signal,
                  .when_us = spool->ledger.now_us,
                  .record = record,
              });
    if (buf_is_full(&spool->pending)) {
        spool->pending.len = before;
        spool->pending.full = false;
        return false;
    }
    spool->pending_end.sequence++;
    spool->pending_end.units += units;
    return true;
}

bool spool_has_room(const struct spool *spool)
{
    return spool->pending.len + FRAME_MOST_BYTES <= spool->pending.ceiling;
}

uint64_t spool_pending(const struct spool *spool)
{
    return spool->pending_end.units - spool->ledger.appended.units;
}

static uint64_t segment_size(const struct spool *spool)
{
    uint64_t bytes = spool->settings.most_bytes / SEGMENTS;
    bytes = bytes > SEGMENT_LEAST_BYTES ? bytes : SEGMENT_LEAST_BYTES;
    return bytes < SEGMENT_MOST_BYTES ? bytes : SEGMENT_MOST_BYTES;
}

static bool is_to_roll(const struct spool *spool)
{
    const struct segment *last = &spool->segments[spool->segment_count - 1];
    uint64_t age = spool->settings.most_age_us / SEGMENT_AGES;
    return last->bytes + spool->pending.len > segment_size(spool) ||
           (age > 0 && spool->ledger.now_us - last->began_us > age);
}

/* All or nothing. */
static bool write_at(struct spool *spool, struct span bytes, uint64_t at)
{
    uint64_t begin = at;
    while (bytes.len > 0) {
        ssize_t n =
            spool->disk.write(spool->disk.context, spool->open, bytes.at, bytes.len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int error = n == 0 ? ENOSPC : errno;
            if (ftruncate(spool->open, (off_t)begin) != 0)
                spool_roll(spool); /* its torn end stays; the next one begins a new file */
            errno = error;
            return false;
        }
        bytes = span_from(bytes, (size_t)n);
        at += (uint64_t)n;
    }
    return true;
}

static struct segment *segment_add(struct spool *spool)
{
    if (spool->segment_count == spool->segment_room)
        spool->segments =
            must_realloc(spool->segments, (spool->segment_room *= 2) * sizeof spool->segments[0]);
    struct segment *segment = &spool->segments[spool->segment_count++];
    *segment = (struct segment){
        .named = spool->ledger.appended.sequence,
        .salt = spool->salt,
        .first = spool->ledger.appended,
        .began_us = spool->ledger.now_us,
    };
    return segment;
}

/* A new file, with its head and all that is pending; nothing is left of it where that fails. */
static bool begin_segment(struct spool *spool)
{
    char name[SEGMENT_NAME_BYTES];
    struct segment *segment = segment_add(spool);
    segment_name(segment, name);
    spool->open =
        openat(spool->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool written = spool->open >= 0;
    if (written) {
        struct segment_head head = {
            .first = segment->first,
            .began_us = segment->began_us,
            .preamble = buf_span(&spool->preamble),
        };
        buf_clear(&spool->head);
        segment_head_add(&spool->head, spool->salt, &head);
        buf_add(&spool->head, buf_span(&spool->pending));
        written = write_at(spool, buf_span(&spool->head), 0);
    }
    if (written) {
        segment->bytes = spool->head.len;
        spool->bytes += spool->head.len;
        spool->folder_unsynced = true;
        return true;
    }
    int error = errno;
    if (spool->open >= 0) {
        close(spool->open);
        unlinkat(spool->folder, name, 0);
    }
    spool->open = -1;
    spool->segment_count--;
    errno = error;
    return false;
}

static bool write_pending(struct spool *spool)
{
    if (spool->open >= 0 && is_to_roll(spool))
        spool_roll(spool);
    if (spool->open < 0)
        return begin_segment(spool);
    struct segment *last = &spool->segments[spool->segment_count - 1];
    if (!write_at(spool, buf_span(&spool->pending), last->bytes))
        return false;
    last->bytes += spool->pending.len;
    spool->bytes += spool->pending.len;
    return true;
}

enum spool_commit spool_commit(struct spool *spool)
{
    if (spool->pending.len == 0)
        return SPOOL_COMMITTED;
    while (spool->segment_count > 0 &&
           spool->bytes + spool->pending.len > spool->settings.most_bytes)
        spool_drop_first(spool, DROP_SPOOL_FULL);
    if (!write_pending(spool))
        return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? SPOOL_NO_ROOM : SPOOL_FAILED;
    spool->segments[spool->segment_count - 1].newest_us = spool->ledger.now_us;
    spool->ledger.appended = spool->pending_end;
    buf_clear(&spool->pending);
    if (!spool->unsynced)
        spool->unsynced_us = spool->ledger.now_us;
    spool->unsynced = true;
    if (spool->settings.fsync == SPOOL_FSYNC_ALWAYS)
        spool_sync(spool);
    return SPOOL_COMMITTED;
}
