/* SPDX-License-Identifier: Apache-2.0 */
/* The database of archive.h, for one thread. Every function may fail: then the transaction that is
 * open is rolled back, and archive_file_why() has the reason. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_ARCHIVE_FILE_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_ARCHIVE_FILE_H

#include "exporters/cloudwatch/archive.h"

struct archive_file;

enum archive_file_state {
    ARCHIVE_FILE_WELL,
    ARCHIVE_FILE_FAILS,  /* a full disk, a folder that is gone: later, perhaps */
    ARCHIVE_FILE_BROKEN, /* it is no database, or not ours: it has to be put aside */
};

/* Never NULL; nothing is opened yet. */
struct archive_file *archive_file_new(const struct archive_settings *settings, int64_t run);
void archive_file_free(struct archive_file *file); /* NULL allowed */

/* Opens it where it is not; looks through all of it once. */
enum archive_file_state archive_file_open(struct archive_file *file);
/* Renames it to ....broken, over an earlier one. Where that fails it stays; the reason is added to
 * that of the call before. */
enum archive_file_state archive_file_put_aside(struct archive_file *file);
/* Of the latest call that failed. */
const char *archive_file_why(const struct archive_file *file);

enum archive_file_state archive_file_begin(struct archive_file *file);
/* Within a transaction. `bytes` as metric_minute_read() has them. */
enum archive_file_state archive_file_put(struct archive_file *file, struct span key, int64_t minute,
                                         struct span bytes);
enum archive_file_state archive_file_commit(struct archive_file *file);
/* Forgets what is too old by `now_s` (0: nothing is), and the oldest where there is more than there
 * may be; says how many minutes went for that. */
enum archive_file_state archive_file_trim(struct archive_file *file, int64_t now_s,
                                          uint64_t *forgotten);
/* When the newest minute begins that is there; 0: there is none. */
int64_t archive_file_newest_s(struct archive_file *file);
uint64_t archive_file_bytes(struct archive_file *file);

/* Merges what was written of a metric, this run's only before `oldest_s`. Minutes that cannot be
 * read are counted. */
enum archive_file_state archive_file_read(struct archive_file *file, struct span key,
                                          const struct math_window *window, int64_t oldest_s,
                                          struct sketch *slots, uint64_t *broken);
/* Every metric's key, borrowed for the call. */
enum archive_file_state archive_file_each(struct archive_file *file,
                                          void (*visit)(void *context, struct span key),
                                          void *context);

#endif
