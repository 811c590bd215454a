/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/archive.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "exporters/cloudwatch/archive_file.h"
#include "exporters/cloudwatch/steady.h"
#include "exporters/say.h"
#include "exporters/thread.h"
#include "rules/base/must.h"

enum {
    WRITE_S = 10, /* between two times that it writes */
    TRIM_S = 60,
    ASKED_MOST = 16,
    KEY_MOST = 64 * 1024,
    PART_BYTES = 1024 * 1024, /* that are written at once */
    SECOND_NS = 1000000000,
};

struct asked {
    archive_run *run;
    void *context;
};

struct archive {
    struct metric_store *store;
    struct archive_settings settings;
    char *folder;              /* the settings' */
    struct archive_file *file; /* NULL: memory alone */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* under the lock: */
    bool ends, is_left; /* left: nobody waits for it any more */
    struct asked asked[ASKED_MOST];
    size_t asked_count;
    struct archive_figures figures;
    /* the thread's own: */
    uint64_t written; /* the store's number of changes that are on disk */
    int64_t trim_s;   /* when what is old is to be forgotten next, by the monotonic clock */
    struct steady wall;
    bool fails; /* said already */
    struct buf key;
    struct archive_figures counted;
};

/* ---- failures ---- */

/* Said once, until it works again. */
static void fail(struct archive *archive)
{
    if (!archive->fails)
        say("metrics are not written to %s/metrics.db: %s", archive->settings.folder,
            archive_file_why(archive->file));
    archive->fails = true;
    archive->trim_s = 0; /* it may be full */
    archive->counted.failures++;
}

static void put_aside(struct archive *archive)
{
    if (archive_file_put_aside(archive->file) != ARCHIVE_FILE_WELL) {
        fail(archive);
        return;
    }
    say("%s/metrics.db is broken (%s): it was put aside as metrics.db.broken, a new one begins",
        archive->settings.folder, archive_file_why(archive->file));
    archive->counted.broken++;
    archive->written = 0; /* what memory has belongs into the new one */
}

/* False: the file is not to be used now. */
static bool is_well(struct archive *archive, enum archive_file_state state)
{
    if (state == ARCHIVE_FILE_BROKEN)
        put_aside(archive);
    else if (state == ARCHIVE_FILE_FAILS)
        fail(archive);
    return state == ARCHIVE_FILE_WELL;
}

/* Once more, where a broken one was put aside. */
static bool open_file(struct archive *archive)
{
    bool well = false;
    for (unsigned i = 0; archive->file != NULL && !well && i < 2; i++)
        well = is_well(archive, archive_file_open(archive->file));
    return well;
}

/* ---- writing ---- */

struct writing {
    struct archive *archive;
    struct buf bytes; /* key, minute, bytes, each with its length; copied out of the lock */
    size_t count;
    bool full;
};

struct change {
    int64_t minute;
    size_t key_len, len;
};

static void on_change(void *context, const struct metric_id *id, int64_t minute, struct span bytes)
{
    struct writing *writing = context;
    struct buf *key = &writing->archive->key;
    if (writing->full || !metric_key_make(key, id))
        return;
    struct change change = {minute, key->len, bytes.len};
    writing->full = !buf_add(&writing->bytes, span_make((const char *)&change, sizeof change)) ||
                    !buf_add(&writing->bytes, buf_span(key)) || !buf_add(&writing->bytes, bytes);
    writing->count += !writing->full;
}

static enum archive_file_state put_all(struct archive *archive, const struct writing *writing)
{
    struct span rest = buf_span(&writing->bytes);
    enum archive_file_state state = archive_file_begin(archive->file);
    for (size_t i = 0; state == ARCHIVE_FILE_WELL && i < writing->count; i++) {
        struct change change;
        memcpy(&change, rest.at, sizeof change);
        rest = span_from(rest, sizeof change);
        struct span key = span_first(rest, change.key_len);
        rest = span_from(rest, change.key_len);
        state = archive_file_put(archive->file, key, change.minute, span_first(rest, change.len));
        rest = span_from(rest, change.len);
    }
    return state == ARCHIVE_FILE_WELL ? archive_file_commit(archive->file) : state;
}

static bool is_left(struct archive *archive)
{
    pthread_mutex_lock(&archive->lock);
    bool is = archive->is_left;
    pthread_mutex_unlock(&archive->lock);
    return is;
}

/* In parts, each of them a transaction: the store is held up for a copy of one, and memory is. */
static void write_changes(struct archive *archive)
{
    struct metric_changes changes = {.since = archive->written};
    uint64_t written = 0;
    bool well = true, more = true;
    while (well && more && !is_left(archive)) {
        struct writing writing = {.archive = archive};
        buf_init(&writing.bytes, (size_t)1 << 30);
        more = metric_store_changes(archive->store, &changes, PART_BYTES, on_change, &writing);
        well = writing.count == 0 || is_well(archive, put_all(archive, &writing));
        written += writing.count;
        buf_fini(&writing.bytes);
    }
    if (!well || more)
        return;
    if (archive->fails)
        say("metrics are written to %s/metrics.db again", archive->settings.folder);
    archive->fails = false;
    archive->written = changes.until;
    archive->counted.written += written;
}

/* After a leap of the clock nothing is too old for an hour; at a start likewise, where the clock is
 * not about where an earlier one left it. */
static void trim(struct archive *archive)
{
    struct timespec now;
    int64_t wall_s = (int64_t)time(NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < archive->trim_s)
        return;
    archive->trim_s = now.tv_sec + TRIM_S;
    if (!archive->wall.begun)
        steady_begin(&archive->wall, wall_s, now.tv_sec, archive_file_newest_s(archive->file));
    if (!steady_is(&archive->wall, wall_s, now.tv_sec))
        wall_s = 0;
    is_well(archive, archive_file_trim(archive->file, wall_s, &archive->counted.forgotten));
}

static void write_file(struct archive *archive)
{
    if (!open_file(archive))
        return;
    trim(archive);
    if (open_file(archive)) /* it may have been broken */
        write_changes(archive);
    archive->counted.bytes = archive_file_bytes(archive->file);
}

/* ---- answering ---- */

static void source_read(void *context, const struct metric_id *id, const struct math_window *window,
                        struct sketch *slots)
{
    struct archive *archive = context;
    int64_t oldest_s = INT64_MAX;
    metric_store_read(archive->store, id, window, slots, &oldest_s);
    if (metric_key_make(&archive->key, id) && open_file(archive))
        is_well(archive, archive_file_read(archive->file, buf_span(&archive->key), window, oldest_s,
                                           slots, &archive->counted.broken));
}

struct visiting {
    struct archive *archive;
    metric_store_visit *visit;
    void *context;
};

static void on_key(void *context, struct span key)
{
    struct visiting *visiting = context;
    struct pair dimensions[METRIC_DIMENSIONS_MOST];
    struct metric_id id;
    if (metric_key_read(key, &id, dimensions) && !metric_store_has(visiting->archive->store, &id))
        visiting->visit(visiting->context, &id);
}

static void source_each(void *context, metric_store_visit *visit, void *of_visit)
{
    struct archive *archive = context;
    struct visiting visiting = {archive, visit, of_visit};
    metric_store_each(archive->store, visit, of_visit);
    if (open_file(archive))
        is_well(archive, archive_file_each(archive->file, on_key, &visiting));
}

/* ---- the thread ---- */

/* With the lock held; gives it up meanwhile. */
static void run_asked(struct archive *archive)
{
    const struct metric_source source = {source_read, source_each, archive};
    while (archive->asked_count > 0) {
        struct asked asked = archive->asked[0];
        archive->asked_count--;
        memmove(archive->asked, archive->asked + 1, archive->asked_count * sizeof asked);
        pthread_mutex_unlock(&archive->lock);
        asked.run(asked.context, &source);
        pthread_mutex_lock(&archive->lock);
        archive->figures = archive->counted;
    }
}

static void *run(void *context)
{
    struct archive *archive = context;
    struct timespec until, now;
    pthread_mutex_lock(&archive->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    for (bool last = false; !last;) {
        int code = 0;
        while (!archive->ends && archive->asked_count == 0 && code != ETIMEDOUT)
            code = pthread_cond_timedwait(&archive->wake, &archive->lock, &until);
        run_asked(archive);
        last = archive->ends;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (!last && now.tv_sec < until.tv_sec)
            continue;
        until.tv_sec = now.tv_sec + WRITE_S;
        pthread_mutex_unlock(&archive->lock);
        write_file(archive);
        pthread_mutex_lock(&archive->lock);
        archive->figures = archive->counted;
    }
    pthread_mutex_unlock(&archive->lock);
    return NULL;
}

bool archive_ask(struct archive *archive, archive_run *what, void *context)
{
    pthread_mutex_lock(&archive->lock);
    bool room = archive->asked_count < ASKED_MOST && !archive->ends;
    if (room)
        archive->asked[archive->asked_count++] = (struct asked){what, context};
    pthread_cond_signal(&archive->wake);
    pthread_mutex_unlock(&archive->lock);
    return room;
}

struct archive_figures archive_figures(struct archive *archive)
{
    pthread_mutex_lock(&archive->lock);
    struct archive_figures figures = archive->figures;
    pthread_mutex_unlock(&archive->lock);
    return figures;
}

/* ---- life ---- */

static int64_t run_number(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void let_go(struct archive *archive)
{
    archive_file_free(archive->file);
    buf_fini(&archive->key);
    free(archive->folder);
    pthread_mutex_destroy(&archive->lock);
    pthread_cond_destroy(&archive->wake);
    free(archive);
}

struct archive *archive_start(struct metric_store *store, const struct archive_settings *settings)
{
    struct archive *archive = must_alloc(sizeof *archive);
    pthread_condattr_t attributes;
    archive->store = store;
    archive->settings = *settings;
    buf_init(&archive->key, KEY_MOST);
    must(pthread_mutex_init(&archive->lock, NULL) == 0);
    must(pthread_condattr_init(&attributes) == 0);
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&archive->wake, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    if (settings->folder != NULL) {
        archive->folder = must_strdup(settings->folder);
        archive->settings.folder = archive->folder;
        archive->file = archive_file_new(settings, run_number());
    }
    if (thread_start(&archive->thread, run, archive))
        return archive;
    let_go(archive);
    return NULL;
}

bool archive_stop(struct archive *archive, uint64_t deadline_us)
{
    if (archive == NULL)
        return true;
    pthread_mutex_lock(&archive->lock);
    archive->ends = true;
    pthread_cond_signal(&archive->wake);
    pthread_mutex_unlock(&archive->lock);
    if (thread_join(archive->thread, deadline_us)) {
        let_go(archive);
        return true;
    }
    pthread_mutex_lock(&archive->lock);
    archive->asked_count = 0; /* who asked goes */
    archive->is_left = true;
    pthread_mutex_unlock(&archive->lock);
    return false;
}
