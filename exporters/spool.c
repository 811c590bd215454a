/* SPDX-License-Identifier: Apache-2.0 */
/* A spool's life: opening what is there, time, the ledger, and closing. */
#include "exporters/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "exporters/spool_inside.h"
#include "rules/base/must.h"

enum {
    PENDING_BYTES = 1024 * 1024,
    SAVE_US = 60 * 1000 * 1000, /* where nothing is settled: what was appended, and the time */
    SYNC_US = 200 * 1000,
    SPLIT_RANGES = 4,
};
#define LEDGER_NAME "ledger"

/* ---- the ledger's file ---- */

static bool write_all(const struct spool *spool, int fd, struct span bytes, uint64_t at)
{
    while (bytes.len > 0) {
        ssize_t n = spool->disk.write(spool->disk.context, fd, bytes.at, bytes.len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        bytes = span_from(bytes, (size_t)n);
        at += (uint64_t)n;
    }
    return true;
}

static bool is_resting(const struct spool *spool, const struct spool_range *range)
{
    for (size_t i = 0; i < spool->resting_count; i++) {
        if (spool->resting[i] == range->from.sequence)
            return true;
    }
    return false;
}

bool spool_save(struct spool *spool)
{
    uint64_t at;
    spool->ledger.out = 0;
    for (size_t i = 0; i < spool->out_count; i++) {
        const struct spool_range *range = &spool->out[i];
        spool->ledger.out += is_resting(spool, range) ? 0 : range->to.units - range->from.units;
    }
    buf_clear(&spool->slot);
    ledger_write(&spool->ledger, &spool->slot, &at);
    if (!write_all(spool, spool->ledger_file, buf_span(&spool->slot), at)) {
        spool->ledger.generation--; /* the other slot is left in peace */
        return false;
    }
    spool->dirty = false;
    spool->saved_now_us = spool->ledger.now_us;
    return true;
}

/* Both slots are written at once: their room is taken for good. */
static bool ledger_make(struct spool *spool)
{
    char zeros[LEDGER_SLOT_BYTES] = "";
    struct span slot = span_make(zeros, sizeof zeros);
    return write_all(spool, spool->ledger_file, slot, 0) &&
           write_all(spool, spool->ledger_file, slot, LEDGER_SLOT_BYTES);
}

static bool ledger_open(struct spool *spool)
{
    enum { SIZE = 2 * LEDGER_SLOT_BYTES };
    char bytes[SIZE];
    spool->ledger_file =
        openat(spool->folder, LEDGER_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (spool->ledger_file < 0)
        return false;
    ssize_t n = pread(spool->ledger_file, bytes, SIZE, 0);
    if (n < 0)
        return false;
    spool->found.ledger = ledger_read(span_make(bytes, (size_t)n), &spool->ledger);
    return n == SIZE || ledger_make(spool);
}

/* ---- opening ---- */

struct spool_position spool_segment_end(const struct spool *spool, size_t i)
{
    return i + 1 < spool->segment_count ? spool->segments[i + 1].first : spool->ledger.appended;
}

static void segment_remove(const struct spool *spool, const struct segment *segment)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(segment, name);
    unlinkat(spool->folder, name, 0);
}

static bool follows(const struct segment *segment, const struct segment *before)
{
    return segment->first.sequence > before->first.sequence &&
           segment->first.units >= before->first.units;
}

/* Keeps those that can be read and stand in one row; looked[i]: what the i-th one is. */
static void segments_keep(struct spool *spool, const enum segment_looked *looked)
{
    struct segment *list = spool->segments;
    size_t kept = 0;
    for (size_t i = 0; i < spool->segment_count; i++) {
        struct segment segment = list[i];
        if (looked[i] == SEGMENT_BROKEN || (kept > 0 && !follows(&segment, &list[kept - 1]))) {
            segment_remove(spool, &segment);
            continue;
        }
        if (segment.began_us == 0) /* its head and its first frame are broken */
            segment.began_us = spool->ledger.now_us;
        if (kept > 0)
            list[kept - 1].newest_us = segment.began_us;
        list[kept++] = segment;
    }
    spool->segment_count = kept;
}

/* What cannot be looked at now is not broken. False: there is such a one (errno), and all of them
 * are as they were. */
static bool segments_look(struct spool *spool)
{
    struct window *window = &spool->cursors[0].window;
    bool well = true;
    enum segment_looked *looked = must_alloc((spool->segment_count + 1) * sizeof *looked);
    for (size_t i = 0; well && i < spool->segment_count; i++) {
        looked[i] = segment_look(spool->folder, window, &spool->segments[i]);
        well = looked[i] != SEGMENT_SHUT;
    }
    if (well)
        segments_keep(spool, looked);
    free(looked);
    if (!well)
        errno = window->error;
    return well;
}

/* Where the row ends: by the last segment, or by the ledger where that has seen more. False: it
 * cannot be found out now (errno). */
static bool find_end(struct spool *spool)
{
    struct ledger *ledger = &spool->ledger;
    struct window *window = &spool->cursors[0].window;
    while (spool->segment_count > 0) {
        struct segment *last = &spool->segments[spool->segment_count - 1];
        struct spool_position end;
        if (!segment_end(spool->folder, window, last, &end)) {
            errno = window->error;
            return false;
        }
        spool->found.torn_bytes += last->torn_bytes;
        if (end.sequence > ledger->appended.sequence && end.units >= ledger->appended.units)
            ledger->appended = end;
        if (last->newest_us == 0)
            last->newest_us = last->began_us;
        if (last->bytes > 0)
            break;
        segment_remove(spool, last);
        spool->segment_count--;
    }
    return true;
}

/* There are records and nothing that says what became of those before them. */
static void forget(struct spool *spool)
{
    struct ledger *ledger = &spool->ledger;
    struct spool_position first = spool->segments[0].first;
    if (first.sequence == 0)
        return;
    ledger_settle(ledger, (struct spool_range){{0, 0}, first});
    ledger->lost[DROP_FORGOTTEN] += first.units;
}

/* False: what lies there cannot be looked at now (errno). */
static bool take_stock(struct spool *spool)
{
    spool->segments = segments_list(spool->folder, &spool->segment_count);
    if (spool->segments == NULL)
        return false;
    spool->segment_room = spool->segment_count > 16 ? spool->segment_count : 16;
    if (!segments_look(spool) || !find_end(spool))
        return false;
    if (spool->segment_count > 0 &&
        (spool->found.ledger == LEDGER_NONE || spool->found.ledger == LEDGER_BROKEN))
        forget(spool);
    for (size_t i = 0; i < spool->segment_count; i++) {
        const struct segment *segment = &spool->segments[i];
        spool->bytes += segment->bytes;
        if (segment->newest_us > spool->ledger.now_us)
            spool->ledger.now_us = segment->newest_us; /* a ledger that is behind */
    }
    spool->ledger.resent += spool->ledger.out; /* what was under way may have arrived */
    spool->ledger.out = 0;
    spool->found.waiting = ledger_waiting(&spool->ledger);
    spool->found.waiting_records = ledger_waiting_records(&spool->ledger);
    spool->found.waiting_bytes = spool->bytes;
    spool->split = spool->ledger.appended;
    spool->pending_end = spool->ledger.appended;
    return true;
}

static ssize_t write_to_disk(void *context, int fd, const void *bytes, size_t len, off_t at)
{
    (void)context;
    return pwrite(fd, bytes, len, at);
}

enum spool_opened spool_open(int folder, const struct spool_settings *settings,
                             const struct spool_disk *disk, const struct spool_time *now,
                             struct spool **out, struct spool_found *found)
{
    *out = NULL;
    if (flock(folder, LOCK_EX | LOCK_NB) != 0) {
        bool busy = errno == EWOULDBLOCK;
        close(folder);
        return busy ? SPOOL_BUSY : SPOOL_UNUSABLE;
    }
    struct spool *spool = must_alloc(sizeof *spool);
    spool->folder = folder;
    spool->settings = *settings;
    spool->disk = disk != NULL ? *disk : (struct spool_disk){write_to_disk, NULL};
    spool->open = -1;
    spool->batch_preamble_of = UINT64_MAX;
    buf_init(&spool->slot, LEDGER_SLOT_BYTES);
    buf_init(&spool->pending, PENDING_BYTES);
    buf_init(&spool->head, SEGMENT_HEAD_BYTES + FRAME_PREAMBLE_BYTES + PENDING_BYTES);
    buf_init(&spool->preamble, FRAME_PREAMBLE_BYTES);
    buf_init(&spool->batch_preamble, FRAME_PREAMBLE_BYTES);
    must(getrandom(&spool->salt, sizeof spool->salt, 0) == (ssize_t)sizeof spool->salt);
    if (!ledger_open(spool) || !take_stock(spool)) {
        int error = errno;
        spool_close(spool);
        errno = error;
        return SPOOL_UNUSABLE;
    }
    spool_tick(spool, now);
    spool->dirty = true;
    *found = spool->found;
    *out = spool;
    return SPOOL_OPENED;
}

void spool_change(struct spool *spool, const struct spool_settings *settings)
{
    spool->settings = *settings;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    spool_roll(spool);
    if (spool->ledger_file >= 0) {
        if (spool->dirty)
            spool_save(spool);
        if (spool->settings.fsync != SPOOL_FSYNC_OFF)
            fdatasync(spool->ledger_file);
        close(spool->ledger_file);
    }
    close(spool->folder);
    for (size_t i = 0; i < SPOOL_LANES; i++)
        window_fini(&spool->cursors[i].window);
    buf_fini(&spool->slot);
    buf_fini(&spool->pending);
    buf_fini(&spool->head);
    buf_fini(&spool->preamble);
    buf_fini(&spool->batch_preamble);
    free(spool->segments);
    free(spool);
}

/* ---- now and then ---- */

static bool is_settled(const struct spool *spool, size_t i)
{
    struct spool_position end = spool_segment_end(spool, i);
    struct spool_position at = spool->segments[i].first;
    return ledger_skip(&spool->ledger, at).sequence >= end.sequence;
}

/* A segment goes only once both slots of the ledger know that it may: one of them can break. */
static void sweep(struct spool *spool)
{
    for (size_t i = 0; i < spool->segment_count;) {
        struct segment *segment = &spool->segments[i];
        bool is_open = spool->open >= 0 && i + 1 == spool->segment_count;
        if (is_open || !is_settled(spool, i)) {
            i++;
        } else if (segment->settled_at == 0) {
            segment->settled_at = spool->ledger.generation + 1;
            spool->dirty = true;
            i++;
        } else if (spool->ledger.generation <= segment->settled_at) {
            spool->dirty = true;
            i++;
        } else {
            if (spool->settings.fsync != SPOOL_FSYNC_OFF)
                fdatasync(spool->ledger_file);
            spool_forget(spool, i);
        }
    }
}

void spool_tick(struct spool *spool, const struct spool_time *now)
{
    ledger_tick(&spool->ledger, now);
    uint64_t age = spool->settings.most_age_us;
    while (spool->segment_count > 0 && age > 0 &&
           spool->segments[0].newest_us + age < spool->ledger.now_us)
        spool_drop_first(spool, DROP_EXPIRED);
}

/* The open one is closed where all of it is settled and it has some size, so that it can go. */
static void roll_settled(struct spool *spool)
{
    enum { WORTH_BYTES = 256 * 1024 };
    if (spool->open < 0)
        return;
    const struct segment *last = &spool->segments[spool->segment_count - 1];
    if (last->bytes >= WORTH_BYTES && is_settled(spool, spool->segment_count - 1))
        spool_roll(spool);
}

bool spool_keep(struct spool *spool)
{
    if (spool_due_us(spool) == 0)
        spool_sync(spool);
    roll_settled(spool);
    sweep(spool);
    if (spool->dirty || spool->ledger.now_us - spool->saved_now_us >= SAVE_US)
        return spool_save(spool);
    return true;
}

uint64_t spool_due_us(const struct spool *spool)
{
    if (!spool->unsynced || spool->settings.fsync == SPOOL_FSYNC_OFF)
        return UINT64_MAX;
    uint64_t since = spool->ledger.now_us - spool->unsynced_us;
    return since >= SYNC_US ? 0 : SYNC_US - since;
}

void spool_preamble(struct spool *spool, struct span preamble)
{
    if (span_is(buf_span(&spool->preamble), preamble))
        return;
    buf_clear(&spool->preamble);
    buf_add(&spool->preamble, preamble);
    spool_roll(spool);
}

void spool_split(struct spool *spool)
{
    if (spool->ledger.range_count <= SPLIT_RANGES) {
        spool->split = spool->ledger.appended;
        spool->cursors[SPOOL_FRESH].offset = 0;
    }
}

/* ---- figures ---- */

void spool_lost(struct spool *spool, uint64_t units, enum drop_reason reason)
{
    spool->ledger.outside += units;
    spool->ledger.lost[reason] += units;
    spool->dirty = true;
}

void spool_rest(struct spool *spool, const uint64_t *sequences, size_t count)
{
    must(count <= SPOOL_BATCHES);
    if (count == spool->resting_count &&
        (count == 0 || memcmp(spool->resting, sequences, count * sizeof *sequences) == 0))
        return;
    spool->resting_count = count;
    for (size_t i = 0; i < count; i++)
        spool->resting[i] = sequences[i];
    spool->dirty = true;
}

void spool_sent(struct spool *spool, uint64_t units)
{
    spool->ledger.outside += units;
    spool->ledger.sent += units;
    spool->dirty = true;
}

void spool_resent(struct spool *spool, uint64_t units)
{
    spool->ledger.resent += units;
    spool->dirty = true;
}

void spool_note(struct spool *spool, uint64_t whose, uint64_t number)
{
    spool->dirty |= spool->ledger.noted_whose != whose || spool->ledger.noted != number;
    spool->ledger.noted_whose = whose;
    spool->ledger.noted = number;
}

uint64_t spool_noted(const struct spool *spool, uint64_t whose)
{
    return spool->ledger.noted_whose == whose ? spool->ledger.noted : 0;
}

/* Units between two places that are not settled; `ready`: nor out. */
static uint64_t lane_units(const struct spool *spool, struct spool_position at,
                           struct spool_position end, bool ready)
{
    uint64_t units = 0;
    for (;;) {
        at = ready ? spool_free_from(spool, at) : ledger_skip(&spool->ledger, at);
        if (at.sequence >= end.sequence)
            return units;
        struct spool_position to =
            ready ? spool_free_to(spool, at, end) : ledger_next(&spool->ledger, at, end);
        units += to.units - at.units;
        at = to;
    }
}

void spool_figures(const struct spool *spool, struct spool_figures *figures)
{
    const struct ledger *ledger = &spool->ledger;
    *figures = (struct spool_figures){
        .produced = ledger->appended.units + ledger->outside,
        .sent = ledger->sent,
        .resent = ledger->resent,
        .waiting = ledger_waiting(ledger),
        .waiting_records = ledger_waiting_records(ledger),
        .bytes = spool->bytes,
        .segments = spool->segment_count,
    };
    for (size_t i = 0; i < DROP_REASONS; i++)
        figures->lost[i] = ledger->lost[i];
    struct spool_position zero = {0, 0};
    figures->backlog = lane_units(spool, zero, spool->split, false);
    figures->ready[SPOOL_BACKLOG] = lane_units(spool, zero, spool->split, true);
    figures->ready[SPOOL_FRESH] = lane_units(spool, spool->split, ledger->appended, true);
}
