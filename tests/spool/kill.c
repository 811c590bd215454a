/* SPDX-License-Identifier: Apache-2.0 */
/* A process that appends to a spool, reads and settles is killed at any moment, again and again.
 * Now and then its disk is full, and between two lives bytes of its files are flipped. What it did
 * is noted in memory that outlives it. Held against that, after each death and in the end:
 *
 * - produced = sent + lost + waiting, and produced is what was committed (and at most what was
 * under way at a death besides);
 * - whatever is read is what was written, byte by byte;
 * - what never arrived is in the ledger, and no flipped byte costs more than one record.
 *
 * Usage: spool_kill FOLDER ROUNDS SEED. Closing line "N passed, N failed". */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "exporters/spool.h"
#include "exporters/spool_segment.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum {
    RECORDS = 4 * 1000 * 1000, /* ids */
    UNITS_MOST = 5,
    LIFE_MOST_US = 3000,
    ENTRY_MOST = 2000, /* bytes of a record */
};

/* Outlives every process that is killed. */
struct notes {
    uint64_t next;      /* id */
    uint64_t disk_room; /* UINT64_MAX: as much as one likes */
    uint64_t seed;
    uint64_t commits, refused, batches;
    uint8_t committed[RECORDS], arrived[RECORDS];
};

struct run {
    const char *path;
    struct notes *notes;
    struct spool_settings settings;
    uint64_t random;
    uint64_t flips, ledger_flips, torn, mended, broken, full_rounds;
    bool forgotten; /* the whole ledger was broken once */
};

static uint64_t draw(uint64_t *random, uint64_t below)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*random >> 33) % below;
}

static unsigned units_of(uint64_t id)
{
    return 1 + (unsigned)(id % UNITS_MOST);
}

/* "ID LENGTH bytes\n": every byte follows from the id. */
static size_t record_write(char *to, uint64_t id)
{
    size_t len = 40 + (size_t)(id * 7919 % (ENTRY_MOST - 41));
    int head = snprintf(to, 40, "%llu %zu ", (unsigned long long)id, len);
    for (size_t i = (size_t)head; i + 1 < len; i++)
        to[i] = (char)('a' + (id + i) % 26);
    to[len - 1] = '\n';
    return len;
}

static ssize_t disk_write(void *context, int fd, const void *bytes, size_t len, off_t at)
{
    struct notes *notes = context;
    if (notes->disk_room == 0) {
        errno = ENOSPC;
        return -1;
    }
    size_t most = len < notes->disk_room ? len : (size_t)notes->disk_room;
    ssize_t n = pwrite(fd, bytes, most, at);
    if (n > 0 && notes->disk_room != UINT64_MAX)
        notes->disk_room -= (uint64_t)n;
    return n;
}

static struct spool_time time_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    return (struct spool_time){.monotonic_us = us, .wall_us = us, .boot = "one"};
}

static struct spool *spool_begin(struct run *run, struct spool_found *found)
{
    struct spool *spool;
    struct spool_time now = time_now();
    struct spool_disk disk = {disk_write, run->notes};
    int folder = open(run->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(folder >= 0);
    if (spool_open(folder, &run->settings, &disk, &now, &spool, found) != SPOOL_OPENED)
        return NULL;
    return spool;
}

/* ---- what arrives ---- */

static void take(struct notes *notes, struct span records)
{
    char want[ENTRY_MOST];
    while (records.len > 0) {
        struct span rest = records;
        uint64_t id;
        must(number_parse(span_cut(&rest, ' '), &id) && id < notes->next);
        size_t len = record_write(want, id);
        must(span_is(span_first(records, len), span_make(want, len)));
        notes->arrived[id] = 1;
        records = span_from(records, len);
    }
}

static bool send_one(struct run *run, struct spool *spool, enum spool_lane lane, struct buf *to)
{
    struct spool_batch batch;
    buf_clear(to);
    if (!spool_read(spool, lane, 64, to, &batch))
        return false;
    take(run->notes, buf_span(to));
    spool_settle(spool, &batch, 0, DROP_REJECTED);
    run->notes->batches++;
    return true;
}

/* ---- the process that is killed ---- */

static void append_some(struct run *run, struct spool *spool, uint64_t *pending, size_t *count)
{
    struct notes *notes = run->notes;
    char text[ENTRY_MOST];
    uint64_t wanted = *count > 0 ? 0 : 1 + draw(&run->random, 20);
    for (; wanted > 0; wanted--) {
        uint64_t id = notes->next;
        must(id + 1 < RECORDS);
        notes->next = id + 1;
        must(spool_append(spool, span_make(text, record_write(text, id)), units_of(id), 1));
        pending[(*count)++] = id;
    }
    if (spool_commit(spool) != SPOOL_COMMITTED) {
        notes->refused++;
        return;
    }
    for (size_t i = 0; i < *count; i++)
        notes->committed[pending[i]] = 1;
    notes->commits++;
    *count = 0;
}

static _Noreturn void live(struct run *run)
{
    struct spool_found found;
    struct buf to;
    uint64_t pending[32];
    size_t count = 0;
    struct spool *spool = spool_begin(run, &found);
    if (spool == NULL)
        _exit(run->notes->disk_room == 0 ? 0 : 1);
    buf_init(&to, 1 << 20);
    for (;;) {
        struct spool_time now = time_now();
        spool_tick(spool, &now);
        append_some(run, spool, pending, &count);
        for (uint64_t batches = draw(&run->random, 3); batches > 0; batches--)
            send_one(run, spool, draw(&run->random, 2) == 0 ? SPOOL_FRESH : SPOOL_BACKLOG, &to);
        if (draw(&run->random, 10) == 0)
            spool_split(spool);
        spool_keep(spool);
    }
}

/* At most so long: a full disk ends it early. */
static void wait_for_the_end(pid_t child, uint64_t most_us)
{
    struct pollfd end = {.fd = pidfd_open(child, 0), .events = POLLIN};
    const struct timespec most = {0, (long)most_us * 1000};
    must(end.fd >= 0);
    ppoll(&end, 1, &most, NULL);
    close(end.fd);
}

static void kill_one(struct run *run)
{
    fflush(stdout);
    run->notes->disk_room = UINT64_MAX;
    if (draw(&run->random, 5) == 0) {
        run->notes->disk_room = draw(&run->random, 60000);
        run->full_rounds++;
    }
    uint64_t wait_us = draw(&run->random, LIFE_MOST_US);
    pid_t child = fork();
    must(child >= 0);
    if (child == 0)
        live(run);
    wait_for_the_end(child, wait_us);
    kill(child, SIGKILL);
    int status;
    must(waitpid(child, &status, 0) == child);
    must(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    run->notes->disk_room = UINT64_MAX;
}

/* ---- between two lives ---- */

static bool flip_in(const struct run *run, const char *name, uint64_t draw_at, uint64_t bit)
{
    char path[512];
    struct stat status;
    unsigned char byte = 0;
    snprintf(path, sizeof path, "%s/%s", run->path, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool done = fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0;
    off_t at = done ? (off_t)(draw_at % (uint64_t)status.st_size) : 0;
    done = done && pread(fd, &byte, 1, at) == 1;
    byte = (unsigned char)(byte ^ 1U << bit);
    done = done && pwrite(fd, &byte, 1, at) == 1;
    if (fd >= 0)
        close(fd);
    return done;
}

static void flip_something(struct run *run)
{
    if (draw(&run->random, 4) != 0)
        return;
    uint64_t at = draw(&run->random, 1 << 30), bit = draw(&run->random, 8);
    if (draw(&run->random, 4) == 0) {
        run->ledger_flips += flip_in(run, "ledger", at, bit);
        return;
    }
    size_t count;
    char name[SEGMENT_NAME_BYTES];
    int folder = open(run->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct segment *list = segments_list(folder, &count);
    close(folder);
    if (count > 0) {
        segment_name(&list[draw(&run->random, count)], name);
        run->flips += flip_in(run, name, at, bit);
    }
    free(list);
}

/* ---- what has to be so ---- */

static uint64_t lost_of(const struct spool_figures *figures)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < DROP_REASONS; i++)
        lost += figures->lost[i];
    return lost;
}

static bool look(struct run *run, struct spool *spool, bool at_the_end)
{
    struct spool_figures figures;
    const struct notes *notes = run->notes;
    uint64_t committed = 0, attempted = 0, missing = 0;
    spool_figures(spool, &figures);
    bool holds = figures.produced == figures.sent + lost_of(&figures) + figures.waiting;
    for (uint64_t id = 0; at_the_end && id < notes->next; id++) {
        attempted += units_of(id);
        committed += notes->committed[id] ? units_of(id) : 0;
        missing += notes->committed[id] && !notes->arrived[id] ? units_of(id) : 0;
    }
    if (at_the_end)
        holds = holds && figures.waiting == 0 && figures.produced >= committed &&
                figures.produced <= attempted && missing <= lost_of(&figures) &&
                figures.lost[DROP_CORRUPT] <= run->flips * UNITS_MOST &&
                (run->forgotten || figures.lost[DROP_FORGOTTEN] == 0);
    if (!holds || at_the_end)
        printf("produced %llu (committed %llu), sent %llu, waiting %llu, corrupt %llu, forgotten "
               "%llu, never arrived %llu\n",
               (unsigned long long)figures.produced, (unsigned long long)committed,
               (unsigned long long)figures.sent, (unsigned long long)figures.waiting,
               (unsigned long long)figures.lost[DROP_CORRUPT],
               (unsigned long long)figures.lost[DROP_FORGOTTEN], (unsigned long long)missing);
    return holds;
}

static bool look_after_death(struct run *run)
{
    struct spool_found found;
    struct spool *spool = spool_begin(run, &found);
    if (spool == NULL)
        return false;
    run->torn += found.torn_bytes > 0;
    run->mended += found.ledger == LEDGER_MENDED;
    run->broken += found.ledger == LEDGER_BROKEN;
    run->forgotten |= found.ledger == LEDGER_BROKEN;
    bool holds = look(run, spool, false);
    spool_close(spool);
    return holds;
}

static bool drain_and_look(struct run *run)
{
    struct spool_found found;
    struct buf to;
    struct spool *spool = spool_begin(run, &found);
    if (spool == NULL)
        return false;
    buf_init(&to, 1 << 20);
    while (send_one(run, spool, SPOOL_BACKLOG, &to)) {
    }
    bool holds = look(run, spool, true);
    buf_fini(&to);
    spool_close(spool);
    return holds;
}

static void clean_up(const struct run *run)
{
    size_t count;
    char name[SEGMENT_NAME_BYTES];
    int folder = open(run->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct segment *list = segments_list(folder, &count);
    for (size_t i = 0; i < count; i++) {
        segment_name(&list[i], name);
        unlinkat(folder, name, 0);
    }
    unlinkat(folder, "ledger", 0);
    close(folder);
    rmdir(run->path);
    free(list);
}

int main(int count, char **words)
{
    uint64_t rounds, seed;
    if (count != 4 || !number_parse(span_text(words[2]), &rounds) ||
        !number_parse(span_text(words[3]), &seed)) {
        fprintf(stderr, "usage: spool_kill FOLDER ROUNDS SEED\n");
        return 2;
    }
    char path[512];
    snprintf(path, sizeof path, "%s/sidegate-spool-XXXXXX", words[1]);
    must(mkdtemp(path) != NULL);
    struct run run = {.path = path,
                      .settings = {UINT64_C(1) << 30, UINT64_C(86400000000), SPOOL_FSYNC_OFF},
                      .random = seed};
    run.notes = mmap(NULL, sizeof *run.notes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(run.notes != MAP_FAILED);
    uint64_t passed = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        kill_one(&run);
        flip_something(&run);
        passed += look_after_death(&run);
    }
    passed += drain_and_look(&run);
    printf(
        "%llu kills (%llu with a full disk), %llu records, %llu commits, %llu refused, %llu "
        "batches; %llu torn tails, %llu bytes flipped in segments, %llu in ledgers (%llu mended, "
        "%llu broken); %s\n",
        (unsigned long long)rounds, (unsigned long long)run.full_rounds,
        (unsigned long long)run.notes->next, (unsigned long long)run.notes->commits,
        (unsigned long long)run.notes->refused, (unsigned long long)run.notes->batches,
        (unsigned long long)run.torn, (unsigned long long)run.flips,
        (unsigned long long)run.ledger_flips, (unsigned long long)run.mended,
        (unsigned long long)run.broken, path);
    printf("%llu passed, %llu failed\n", (unsigned long long)passed,
           (unsigned long long)(rounds + 1 - passed));
    if (passed != rounds + 1)
        return 1; /* the folder stays, to be looked at */
    clean_up(&run);
    return 0;
}
