/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/archive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "exporters/crc32c.h"
#include "rules/base/must.h"

enum {
    MINUTE_S = 60,
    BUSY_MS = 2000,
    PAGE_BYTES = 4096,
    BLOB_MOST = 8 << 20,
    CRC_BYTES = 4,
    TRIM_MINUTES = 60, /* that go at once where there are too many bytes */
    VERSION = 1,
    WHY_BYTES = 200,
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS metrics(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS minutes(metric INTEGER, minute INTEGER, run INTEGER, whole BLOB,"
    " PRIMARY KEY(metric, minute, run)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS minutes_by_time ON minutes(minute);"
    "CREATE TABLE IF NOT EXISTS seconds(metric INTEGER, minute INTEGER, run INTEGER, seconds BLOB,"
    " PRIMARY KEY(metric, minute, run)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS seconds_by_time ON seconds(minute);"
    "PRAGMA user_version=1;";

enum statement {
    FIND,
    ADD,
    PUT_MINUTE,
    PUT_SECONDS,
    GET_MINUTES,
    GET_SECONDS,
    EACH,
    DROP_MINUTES,
    DROP_SECONDS,
    DROP_METRICS,
    OLDEST,
    STATEMENTS
};
static const char *const texts[STATEMENTS] = {
    [FIND] = "SELECT id FROM metrics WHERE key=?1",
    [ADD] = "INSERT INTO metrics(key) VALUES(?1)",
    [PUT_MINUTE] = "INSERT OR REPLACE INTO minutes VALUES(?1,?2,?3,?4)",
    [PUT_SECONDS] = "INSERT OR REPLACE INTO seconds VALUES(?1,?2,?3,?4)",
    /* NOLINTBEGIN(bugprone-suspicious-missing-comma): long lines */
    [GET_MINUTES] = "SELECT minute, whole FROM minutes WHERE metric=?1 AND minute>=?2 AND minute<?3"
                    " AND (run<>?4 OR minute<?5)",
    [GET_SECONDS] = "SELECT minute, seconds FROM seconds WHERE metric=?1 AND minute>=?2 AND "
                    "minute<?3 AND (run<>?4 OR minute<?5)",
    /* NOLINTEND(bugprone-suspicious-missing-comma) */
    [EACH] = "SELECT key FROM metrics ORDER BY id",
    [DROP_MINUTES] = "DELETE FROM minutes WHERE minute<?1",
    [DROP_SECONDS] = "DELETE FROM seconds WHERE minute<?1",
    [DROP_METRICS] =
        "DELETE FROM metrics WHERE NOT EXISTS(SELECT 1 FROM minutes WHERE metric=metrics.id)",
    [OLDEST] = "SELECT min(minute) FROM minutes",
};

struct archive_file {
    struct archive_settings settings;
    int64_t run;
    char path[PATH_MAX];
    sqlite3 *database; /* NULL: not open */
    sqlite3_stmt *statements[STATEMENTS];
    struct buf blob;
    char why[WHY_BYTES];
};

/* ---- failures ---- */

static enum archive_file_state failed(struct archive_file *file, int code)
{
    code &= 0xff; /* without what SQLite adds to it */
    snprintf(file->why, sizeof file->why, "%s",
             file->database != NULL ? sqlite3_errmsg(file->database) : sqlite3_errstr(code));
    if (file->database != NULL && sqlite3_get_autocommit(file->database) == 0)
        sqlite3_exec(file->database, "ROLLBACK", NULL, NULL, NULL);
    bool broken = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_FORMAT;
    return broken ? ARCHIVE_FILE_BROKEN : ARCHIVE_FILE_FAILS;
}

static enum archive_file_state execute(struct archive_file *file, const char *text)
{
    int code = sqlite3_exec(file->database, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? ARCHIVE_FILE_WELL : failed(file, code);
}

const char *archive_file_why(const struct archive_file *file)
{
    return file->why;
}

/* ---- life ---- */

struct archive_file *archive_file_new(const struct archive_settings *settings, int64_t run)
{
    struct archive_file *file = must_alloc(sizeof *file);
    file->settings = *settings;
    file->run = run;
    snprintf(file->path, sizeof file->path, "%s/metrics.db", settings->folder);
    buf_init(&file->blob, BLOB_MOST);
    return file;
}

static void close_all(struct archive_file *file)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(file->statements[i]);
        file->statements[i] = NULL;
    }
    sqlite3_close(file->database);
    file->database = NULL;
}

void archive_file_free(struct archive_file *file)
{
    if (file == NULL)
        return;
    close_all(file);
    buf_fini(&file->blob);
    free(file);
}

enum archive_file_state archive_file_put_aside(struct archive_file *file)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char from[PATH_MAX + 8], to[PATH_MAX + 16];
    close_all(file);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(from, sizeof from, "%s%s", file->path, parts[i]);
        snprintf(to, sizeof to, "%s.broken%s", file->path, parts[i]);
        if (rename(from, to) == 0)
            continue;
        if (i == 0) {
            size_t len = strlen(file->why);
            snprintf(file->why + len, sizeof file->why - len, "; it cannot be put aside: %s",
                     strerrordesc_np(errno));
            return ARCHIVE_FILE_FAILS;
        }
        unlink(to); /* of an earlier one: it would not belong to this */
    }
    return ARCHIVE_FILE_WELL;
}

/* ---- opening ---- */

/* One number of a statement's first row. */
static int number_of(struct archive_file *file, const char *text, int64_t *number)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(file->database, text, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static enum archive_file_state check(struct archive_file *file)
{
    sqlite3_stmt *statement;
    int64_t version;
    int code = sqlite3_prepare_v2(file->database, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return failed(file, code);
    code = sqlite3_step(statement);
    const unsigned char *text = code == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;
    bool well = text != NULL && text[0] == 'o' && text[1] == 'k';
    snprintf(file->why, sizeof file->why, "%s", text != NULL ? (const char *)text : "broken");
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW)
        return failed(file, code);
    if (!well)
        return ARCHIVE_FILE_BROKEN;
    code = number_of(file, "PRAGMA user_version", &version);
    if (code != SQLITE_OK)
        return failed(file, code);
    snprintf(file->why, sizeof file->why, "it is of another version");
    return version == 0 || version == VERSION ? ARCHIVE_FILE_WELL : ARCHIVE_FILE_BROKEN;
}

static enum archive_file_state prepare(struct archive_file *file)
{
    char bound[64];
    enum archive_file_state state = check(file);
    snprintf(bound, sizeof bound, "PRAGMA max_page_count=%llu",
             (unsigned long long)file->settings.bytes_most / PAGE_BYTES + 1);
    if (state == ARCHIVE_FILE_WELL)
        state = execute(file, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
    if (state == ARCHIVE_FILE_WELL)
        state = execute(file, schema);
    if (state == ARCHIVE_FILE_WELL)
        state = execute(file, bound);
    for (size_t i = 0; state == ARCHIVE_FILE_WELL && i < STATEMENTS; i++) {
        int code = sqlite3_prepare_v2(file->database, texts[i], -1, &file->statements[i], NULL);
        state = code == SQLITE_OK ? ARCHIVE_FILE_WELL : failed(file, code);
    }
    return state;
}

/* For its owner alone, as what SQLite makes beside it then is. Where that fails, SQLite says why.
 */
static void make(const struct archive_file *file)
{
    int fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

enum archive_file_state archive_file_open(struct archive_file *file)
{
    if (file->database != NULL)
        return ARCHIVE_FILE_WELL;
    make(file);
    int code =
        sqlite3_open_v2(file->path, &file->database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_busy_timeout(file->database, BUSY_MS);
    enum archive_file_state state = code == SQLITE_OK ? prepare(file) : failed(file, code);
    if (state != ARCHIVE_FILE_WELL)
        close_all(file);
    return state;
}

/* ---- statements ---- */

static sqlite3_stmt *ready(struct archive_file *file, enum statement which)
{
    sqlite3_stmt *statement = file->statements[which];
    sqlite3_reset(statement);
    return statement;
}

static void bind_bytes(sqlite3_stmt *statement, int at, struct span bytes)
{
    sqlite3_bind_blob64(statement, at, bytes.len > 0 ? bytes.at : "", bytes.len, SQLITE_STATIC);
}

/* A statement without rows. */
static enum archive_file_state run(struct archive_file *file, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? ARCHIVE_FILE_WELL : failed(file, code);
}

/* 0: there is none. */
static enum archive_file_state find(struct archive_file *file, struct span key, int64_t *id)
{
    sqlite3_stmt *statement = ready(file, FIND);
    bind_bytes(statement, 1, key);
    int code = sqlite3_step(statement);
    *id = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? ARCHIVE_FILE_WELL : failed(file, code);
}

/* ---- writing ---- */

enum archive_file_state archive_file_begin(struct archive_file *file)
{
    return execute(file, "BEGIN IMMEDIATE");
}

enum archive_file_state archive_file_commit(struct archive_file *file)
{
    return execute(file, "COMMIT");
}

/* Bytes with their checksum behind them: SQLite has none for what it holds. */
static enum archive_file_state put_bytes(struct archive_file *file, enum statement which,
                                         int64_t id, int64_t minute)
{
    sqlite3_stmt *statement = ready(file, which);
    uint32_t sum = crc32c(0, buf_span(&file->blob));
    for (unsigned i = 0; i < CRC_BYTES; i++)
        buf_add_byte(&file->blob, (char)(sum >> (8 * i)));
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, minute);
    sqlite3_bind_int64(statement, 3, file->run);
    bind_bytes(statement, 4, buf_span(&file->blob));
    return run(file, statement);
}

enum archive_file_state archive_file_put(struct archive_file *file, struct span key, int64_t minute,
                                         struct span bytes)
{
    int64_t id;
    enum archive_file_state state = find(file, key, &id);
    if (state == ARCHIVE_FILE_WELL && id == 0) {
        sqlite3_stmt *statement = ready(file, ADD);
        bind_bytes(statement, 1, key);
        state = run(file, statement);
        id = sqlite3_last_insert_rowid(file->database);
    }
    buf_clear(&file->blob);
    if (state == ARCHIVE_FILE_WELL && metric_minute_join(bytes, &file->blob))
        state = put_bytes(file, PUT_MINUTE, id, minute);
    buf_clear(&file->blob);
    bool has_seconds = bytes.len > 0 && bytes.at[0] < MINUTE_S;
    if (state == ARCHIVE_FILE_WELL && has_seconds && buf_add(&file->blob, bytes))
        state = put_bytes(file, PUT_SECONDS, id, minute);
    return state;
}

/* ---- forgetting ---- */

static enum archive_file_state drop(struct archive_file *file, enum statement which, int64_t minute)
{
    sqlite3_stmt *statement = ready(file, which);
    sqlite3_bind_int64(statement, 1, minute);
    return run(file, statement);
}

static uint64_t used_bytes(struct archive_file *file)
{
    int64_t pages, unused;
    if (number_of(file, "PRAGMA page_count", &pages) != SQLITE_OK ||
        number_of(file, "PRAGMA freelist_count", &unused) != SQLITE_OK)
        return 0;
    return (uint64_t)(pages - unused) * PAGE_BYTES;
}

int64_t archive_file_newest_s(struct archive_file *file)
{
    int64_t minute;
    bool well = number_of(file, "SELECT max(minute) FROM minutes", &minute) == SQLITE_OK;
    return well ? minute * MINUTE_S : 0;
}

uint64_t archive_file_bytes(struct archive_file *file)
{
    int64_t pages;
    bool well = file->database != NULL && number_of(file, "PRAGMA page_count", &pages) == SQLITE_OK;
    return well ? (uint64_t)pages * PAGE_BYTES : 0;
}

/* Beyond nine tenths an hour at a time, down to three quarters. */
static enum archive_file_state drop_oldest(struct archive_file *file, uint64_t *forgotten)
{
    enum archive_file_state state = ARCHIVE_FILE_WELL;
    uint64_t most = file->settings.bytes_most;
    bool is_much = used_bytes(file) > most / 10 * 9;
    while (state == ARCHIVE_FILE_WELL && is_much && used_bytes(file) > most / 4 * 3) {
        sqlite3_stmt *statement = ready(file, OLDEST);
        bool any = sqlite3_step(statement) == SQLITE_ROW &&
                   sqlite3_column_type(statement, 0) == SQLITE_INTEGER;
        int64_t oldest = any ? sqlite3_column_int64(statement, 0) : 0;
        sqlite3_reset(statement);
        if (!any)
            break;
        state = drop(file, DROP_SECONDS, oldest + TRIM_MINUTES);
        if (state == ARCHIVE_FILE_WELL)
            state = drop(file, DROP_MINUTES, oldest + TRIM_MINUTES);
        *forgotten += (uint64_t)sqlite3_changes(file->database);
    }
    return state;
}

enum archive_file_state archive_file_trim(struct archive_file *file, int64_t now_s,
                                          uint64_t *forgotten)
{
    int64_t minute = now_s / MINUTE_S;
    enum archive_file_state state = drop(file, DROP_SECONDS, minute - METRIC_MINUTES_KEPT);
    if (state == ARCHIVE_FILE_WELL)
        state = drop(file, DROP_MINUTES, minute - (int64_t)(file->settings.age_most_s / MINUTE_S));
    if (state == ARCHIVE_FILE_WELL)
        state = drop_oldest(file, forgotten);
    return state == ARCHIVE_FILE_WELL ? run(file, ready(file, DROP_METRICS)) : state;
}

/* ---- reading ---- */

static bool row_read(sqlite3_stmt *statement, const struct math_window *window,
                     struct sketch *slots)
{
    const char *at = sqlite3_column_blob(statement, 1);
    size_t len = (size_t)sqlite3_column_bytes(statement, 1);
    uint32_t sum = 0;
    if (at == NULL || len < CRC_BYTES)
        return false;
    struct span bytes = span_make(at, len - CRC_BYTES);
    for (unsigned i = 0; i < CRC_BYTES; i++)
        sum |= (uint32_t)(unsigned char)at[bytes.len + i] << (8 * i);
    return crc32c(0, bytes) == sum &&
           metric_minute_read(sqlite3_column_int64(statement, 0), bytes, window, slots);
}

enum archive_file_state archive_file_read(struct archive_file *file, struct span key,
                                          const struct math_window *window, int64_t oldest_s,
                                          struct sketch *slots, uint64_t *broken)
{
    int64_t id, end_s = window->start_s + (int64_t)window->period_s * (int64_t)window->count;
    enum archive_file_state state = find(file, key, &id);
    if (state != ARCHIVE_FILE_WELL || id == 0)
        return state;
    sqlite3_stmt *statement =
        ready(file, window->period_s % MINUTE_S == 0 ? GET_MINUTES : GET_SECONDS);
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, window->start_s / MINUTE_S);
    sqlite3_bind_int64(statement, 3, (end_s + MINUTE_S - 1) / MINUTE_S);
    sqlite3_bind_int64(statement, 4, file->run);
    sqlite3_bind_int64(statement, 5, oldest_s == INT64_MAX ? INT64_MAX : oldest_s / MINUTE_S);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        *broken += !row_read(statement, window, slots);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? ARCHIVE_FILE_WELL : failed(file, code);
}

enum archive_file_state archive_file_each(struct archive_file *file,
                                          void (*visit)(void *context, struct span key),
                                          void *context)
{
    sqlite3_stmt *statement = ready(file, EACH);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *at = sqlite3_column_blob(statement, 0);
        size_t len = (size_t)sqlite3_column_bytes(statement, 0);
        if (at != NULL)
            visit(context, span_make(at, len));
    }
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? ARCHIVE_FILE_WELL : failed(file, code);
}
