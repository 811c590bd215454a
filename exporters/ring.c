/* SPDX-License-Identifier: Apache-2.0 */
/* The ring in the memfd. */
#include "exporters/ring.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/destinations.h"
#include "exporters/queue.h"
#include "exporters/record.h"
#include "rules/base/must.h"

#define RING_MAGIC UINT64_C(0x676e69722d656467) /* "gde-ring" */
enum {
    RING_VERSION = 6,
    RING_WORKERS_MAX = 256,
    PAGE_BYTES = 4096,
    HEAD_BYTES = 4 * PAGE_BYTES /* lane heads begin there */
};

struct risk {
    _Atomic uint64_t channel, units, keeps; /* channel 0: free */
    alignas(128) struct queue_account account;
};

struct ring_head {
    uint64_t magic;
    uint32_t ring_version, record_version;
    uint64_t workers, lane_bytes;
    _Atomic uint32_t wanted;
    _Atomic uint32_t reach; /* workers from here on have never put anything */
    uint64_t id;            /* random */
    struct risk risks[RISKS_MOST];
    struct {
        alignas(128) struct queue_account account; /* each has cache lines of its own */
    } logs[LOGS];
};
_Static_assert(sizeof(struct ring_head) <= HEAD_BYTES, "lane heads lie behind it");

/* Each side's word has a cache line of its own. */
struct lane_head {
    alignas(64) _Atomic uint64_t written;
    _Atomic uint64_t base; /* what is at the start of the data; moves while nothing is held */
    _Atomic uint64_t lost[DESTINATIONS];
    alignas(64) _Atomic uint64_t taken; /* its room is free */
    _Atomic uint64_t seen;              /* read: taken <= seen <= written */
};

struct frame {
    uint64_t bytes;    /* of the record behind it */
    uint64_t ended_us; /* wall clock: orders the records of several workers */
};

struct lane {
    struct lane_head *head;
    char *data; /* lane_bytes, twice */
    /* the reader's */
    uint64_t read;   /* up to here; starts where room ends to be free */
    uint64_t marked; /* `read` at ring_mark() */
};

struct ring {
    struct ring_head *head;
    size_t head_bytes;
    unsigned workers;
    uint64_t lane_bytes;
    bool holds;
    struct lane lanes[]; /* worker * LANES + lane */
};

static size_t head_size(size_t workers)
{
    size_t bytes = HEAD_BYTES + workers * LANES * sizeof(struct lane_head);
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static size_t file_size(size_t workers, size_t lane_bytes)
{
    return head_size(workers) + workers * LANES * lane_bytes;
}

/* A lane is a power of two and has room for two of the largest records. */
static size_t lane_size(size_t bytes_each)
{
    size_t lane_bytes = (size_t)2 * (RECORD_LARGEST_BYTES + PAGE_BYTES);
    for (size_t size = PAGE_BYTES;; size *= 2) {
        if (size >= lane_bytes && size >= bytes_each / LANES)
            return size;
    }
}

int ring_create(unsigned workers, size_t bytes_each)
{
    if (workers == 0 || workers > RING_WORKERS_MAX || bytes_each > (size_t)1 << 32) {
        errno = EINVAL;
        return -1;
    }
    int fd = memfd_create("sidegate-ring", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    struct ring_head head = {
        .magic = RING_MAGIC,
        .ring_version = RING_VERSION,
        .record_version = RECORD_VERSION,
        .workers = workers,
        .lane_bytes = lane_size(bytes_each),
        .wanted = (1U << DESTINATIONS) - 1,
    };
    must(getrandom(&head.id, sizeof head.id, 0) == (ssize_t)sizeof head.id);
    if (ftruncate(fd, (off_t)file_size(workers, head.lane_bytes)) == 0 &&
        pwrite(fd, &head, sizeof head, 0) == (ssize_t)sizeof head)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool head_is_ours(const struct ring_head *head, int fd)
{
    struct stat status;
    return head->magic == RING_MAGIC && head->ring_version == RING_VERSION &&
           head->record_version == RECORD_VERSION && head->workers > 0 &&
           head->workers <= RING_WORKERS_MAX && fstat(fd, &status) == 0 &&
           (uint64_t)status.st_size == file_size(head->workers, head->lane_bytes);
}

/* The same bytes twice in a row; NULL: no memory. */
static char *map_twice(int fd, size_t at, size_t bytes)
{
    char *both = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (both == MAP_FAILED)
        return NULL;
    for (size_t i = 0; i < 2; i++) {
        void *half = mmap(both + i * bytes, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                          fd, (off_t)at);
        if (half == MAP_FAILED) {
            munmap(both, 2 * bytes);
            return NULL;
        }
    }
    return both;
}

static bool lanes_map(struct ring *ring, int fd)
{
    char *heads = (char *)ring->head + HEAD_BYTES;
    for (size_t i = 0; i < (size_t)ring->workers * LANES; i++) {
        struct lane *lane = &ring->lanes[i];
        lane->head = (struct lane_head *)(void *)(heads + i * sizeof(struct lane_head));
        lane->data = map_twice(fd, ring->head_bytes + i * ring->lane_bytes, ring->lane_bytes);
        if (lane->data == NULL)
            return false;
        uint64_t written = atomic_load(&lane->head->written);
        if (written - atomic_load(&lane->head->taken) > ring->lane_bytes)
            atomic_store(&lane->head->taken, written); /* nonsense: nothing of it can be read */
        lane->read = atomic_load(&lane->head->taken);
        if (atomic_load(&lane->head->seen) - lane->read > written - lane->read)
            atomic_store(&lane->head->seen, lane->read);
    }
    return true;
}

struct ring *ring_open(int fd)
{
    struct ring_head head;
    if (pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head || !head_is_ours(&head, fd))
        return NULL;
    size_t lanes = head.workers * LANES;
    struct ring *ring = must_alloc(sizeof *ring + lanes * sizeof(struct lane));
    ring->workers = (unsigned)head.workers;
    ring->lane_bytes = head.lane_bytes;
    ring->head_bytes = head_size(head.workers);
    void *map = mmap(NULL, ring->head_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ring->head = map != MAP_FAILED ? map : NULL;
    if (ring->head != NULL && lanes_map(ring, fd))
        return ring;
    ring_close(ring);
    return NULL;
}

void ring_close(struct ring *ring)
{
    if (ring == NULL)
        return;
    for (size_t i = 0; i < (size_t)ring->workers * LANES; i++) {
        if (ring->lanes[i].data != NULL)
            munmap(ring->lanes[i].data, 2 * ring->lane_bytes);
    }
    if (ring->head != NULL)
        munmap(ring->head, ring->head_bytes);
    free(ring);
}

void ring_want(struct ring *ring, uint32_t destinations)
{
    atomic_store(&ring->head->wanted, destinations);
}

static bool is_wanted(const struct ring *ring, const struct report *report)
{
    uint32_t wanted = atomic_load_explicit(&ring->head->wanted, memory_order_relaxed);
    for (unsigned d = 0; d < DESTINATIONS; d++) {
        if ((wanted & RING_WANTS(d)) != 0 && report_units(report, (enum destination)d) > 0)
            return true;
    }
    return false;
}

static void count_lost(struct lane_head *head, const struct report *report)
{
    for (unsigned d = 0; d < DESTINATIONS; d++)
        atomic_fetch_add_explicit(&head->lost[d], report_units(report, (enum destination)d),
                                  memory_order_relaxed);
}

static const struct lane *lane_of(const struct ring *ring, unsigned worker, enum ring_lane lane)
{
    must(worker < ring->workers && lane < LANES);
    return &ring->lanes[worker * LANES + lane];
}

/* Where that position lies: in front of lane_bytes that can be used as one run. */
static char *lane_place(const struct ring *ring, const struct lane *lane, uint64_t position)
{
    uint64_t base = atomic_load_explicit(&lane->head->base, memory_order_relaxed);
    return lane->data + ((position - base) & (ring->lane_bytes - 1));
}

static void reach_out(struct ring *ring, unsigned worker)
{
    uint32_t reach = atomic_load_explicit(&ring->head->reach, memory_order_relaxed);
    while (worker >= reach && !atomic_compare_exchange_weak(&ring->head->reach, &reach, worker + 1))
        ;
}

bool ring_put(struct ring *ring, unsigned worker, const struct report *report)
{
    if (!is_wanted(ring, report))
        return true;
    bool security = report->waf.match_count > 0 || report->audit.wanted ||
                    report->waf.action == WAF_BLOCK || report->waf.action == WAF_WOULD_BLOCK;
    const struct lane *lane = lane_of(ring, worker, security ? LANE_SECURITY : LANE_ORDINARY);
    uint64_t written = atomic_load_explicit(&lane->head->written, memory_order_relaxed);
    uint64_t taken = atomic_load_explicit(&lane->head->taken, memory_order_acquire);
    if (written - taken + sizeof(struct frame) + record_room(report) > ring->lane_bytes) {
        count_lost(lane->head, report);
        return false;
    }
    /* Nobody reads and nothing is kept: begin at the start, whose bytes are still in the caches. A
     * reader sees the base that belongs to a record, since `written` is stored after it. */
    if (written == taken)
        atomic_store_explicit(&lane->head->base, written, memory_order_relaxed);
    reach_out(ring, worker);
    char *at = lane_place(ring, lane, written);
    size_t bytes = record_fold(report, at + sizeof(struct frame));
    struct frame frame = {bytes, report->began_wall_us + report->duration_us};
    memcpy(at, &frame, sizeof frame);
    uint64_t end = (written + sizeof frame + bytes + 7) & ~UINT64_C(7);
    atomic_store_explicit(&lane->head->written, end, memory_order_release);
    return true;
}

bool ring_fills(const struct ring *ring, unsigned worker)
{
    for (unsigned lane = 0; lane < LANES; lane++) {
        const struct lane_head *head = lane_of(ring, worker, (enum ring_lane)lane)->head;
        uint64_t written = atomic_load_explicit(&head->written, memory_order_relaxed);
        uint64_t seen = atomic_load_explicit(&head->seen, memory_order_relaxed);
        if (written - seen > ring->lane_bytes / 4)
            return true;
    }
    return false;
}

/* The frame at the lane's reading end; false: none. A frame that cannot be true (it was scribbled
 * over by a child that died of it) gives up what the lane holds. */
static bool lane_peek(const struct ring *ring, struct lane *lane, struct frame *frame,
                      struct span *record)
{
    uint64_t written = atomic_load_explicit(&lane->head->written, memory_order_acquire);
    if (written == lane->read)
        return false;
    const char *at = lane_place(ring, lane, lane->read);
    memcpy(frame, at, sizeof *frame);
    if (frame->bytes > RECORD_LARGEST_BYTES ||
        sizeof *frame + frame->bytes > written - lane->read) {
        lane->read = written;
        atomic_store_explicit(&lane->head->seen, written, memory_order_relaxed);
        atomic_store_explicit(&lane->head->taken, written, memory_order_release);
        return false;
    }
    *record = span_make(at + sizeof *frame, frame->bytes);
    return true;
}

bool ring_next(struct ring *ring, enum ring_lane which, struct ring_place *place)
{
    uint64_t earliest = UINT64_MAX;
    bool found = false;
    unsigned reach = atomic_load(&ring->head->reach);
    for (unsigned worker = 0; worker < reach && worker < ring->workers; worker++) {
        struct lane *lane = &ring->lanes[worker * LANES + which];
        struct frame frame;
        struct span record;
        if (!lane_peek(ring, lane, &frame, &record))
            continue;
        if (found && frame.ended_us >= earliest)
            continue;
        bool again = lane->read < atomic_load_explicit(&lane->head->seen, memory_order_relaxed);
        *place = (struct ring_place){worker, which, record, again};
        earliest = frame.ended_us;
        found = true;
    }
    return found;
}

void ring_taken(struct ring *ring, const struct ring_place *place)
{
    struct lane *lane = &ring->lanes[place->worker * LANES + place->lane];
    lane->read = (lane->read + sizeof(struct frame) + place->record.len + 7) & ~UINT64_C(7);
    if (lane->read > atomic_load_explicit(&lane->head->seen, memory_order_relaxed))
        atomic_store_explicit(&lane->head->seen, lane->read, memory_order_release);
    if (!ring->holds)
        atomic_store_explicit(&lane->head->taken, lane->read, memory_order_release);
}

void ring_hold(struct ring *ring, bool holds)
{
    ring->holds = holds;
    if (holds)
        return;
    ring_mark(ring);
    ring_release(ring);
}

bool ring_mark(struct ring *ring)
{
    bool any = false;
    for (size_t i = 0; i < (size_t)ring->workers * LANES; i++) {
        struct lane *lane = &ring->lanes[i];
        any |= lane->read != atomic_load_explicit(&lane->head->taken, memory_order_relaxed);
        lane->marked = lane->read;
    }
    return any;
}

void ring_release(struct ring *ring)
{
    for (size_t i = 0; i < (size_t)ring->workers * LANES; i++) {
        struct lane *lane = &ring->lanes[i];
        if (lane->marked > atomic_load_explicit(&lane->head->taken, memory_order_relaxed))
            atomic_store_explicit(&lane->head->taken, lane->marked, memory_order_release);
    }
}

bool ring_is_tight(const struct ring *ring)
{
    for (size_t i = 0; i < (size_t)ring->workers * LANES; i++) {
        const struct lane *lane = &ring->lanes[i];
        uint64_t taken = atomic_load_explicit(&lane->head->taken, memory_order_relaxed);
        if (lane->read - taken > ring->lane_bytes / 2)
            return true;
    }
    return false;
}

/* NULL: there is none. */
static struct risk *risk_find(const struct ring *ring, uint64_t channel)
{
    for (size_t i = 0; i < RISKS_MOST; i++) {
        struct risk *risk = &ring->head->risks[i];
        if (atomic_load_explicit(&risk->channel, memory_order_relaxed) == channel)
            return risk;
    }
    return NULL;
}

/* One that is not there yet takes a free place; NULL: there is no room for another. */
static struct risk *risk_of(struct ring *ring, uint64_t channel)
{
    struct risk *risk = risk_find(ring, channel);
    if (risk == NULL && (risk = risk_find(ring, 0)) != NULL)
        atomic_store_explicit(&risk->channel, channel, memory_order_relaxed);
    return risk;
}

void ring_risk(struct ring *ring, uint64_t channel, uint64_t units)
{
    struct risk *risk = risk_of(ring, channel);
    if (risk != NULL)
        atomic_store_explicit(&risk->units, units, memory_order_relaxed);
}

uint64_t ring_at_risk(const struct ring *ring, uint64_t channel)
{
    const struct risk *risk = risk_find(ring, channel);
    return risk != NULL ? atomic_load_explicit(&risk->units, memory_order_relaxed) : 0;
}

void ring_keep(struct ring *ring, uint64_t channel, bool keeps)
{
    struct risk *risk = risk_of(ring, channel);
    if (risk != NULL)
        atomic_store_explicit(&risk->keeps, keeps, memory_order_relaxed);
}

bool ring_keeps(const struct ring *ring, uint64_t channel)
{
    const struct risk *risk = risk_find(ring, channel);
    return risk != NULL && atomic_load_explicit(&risk->keeps, memory_order_relaxed) != 0;
}

struct queue_account *ring_account(struct ring *ring, enum destination log)
{
    must((unsigned)log < LOGS);
    return &ring->head->logs[log].account;
}

struct queue_account *ring_channel_account(struct ring *ring, uint64_t channel)
{
    struct risk *risk = risk_of(ring, channel);
    return risk != NULL ? &risk->account : NULL;
}

uint64_t ring_id(const struct ring *ring)
{
    return ring->head->id;
}

bool ring_is_empty(const struct ring *ring)
{
    for (size_t i = 0; i < (size_t)ring->workers * LANES; i++) {
        if (atomic_load(&ring->lanes[i].head->written) != ring->lanes[i].read)
            return false;
    }
    return true;
}

uint64_t ring_lost(const struct ring *ring, enum destination destination)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < (size_t)ring->workers * LANES; i++)
        lost += atomic_load_explicit(&ring->lanes[i].head->lost[destination], memory_order_relaxed);
    return lost;
}
