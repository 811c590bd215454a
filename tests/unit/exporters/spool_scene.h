/* SPDX-License-Identifier: Apache-2.0 */
/* A spool in a folder of its own, with a clock in the test's hand and a disk that does what it is
 * told. Whatever a test does: what was produced was sent, is lost or waits. */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_SPOOL_SCENE_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_SPOOL_SCENE_H

#include <stdlib.h>

#include "exporters/spool.h"

#define SECOND UINT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define MIB    UINT64_C(1048576)

struct scene {
    char path[256];
    struct spool *spool;
    struct spool_settings settings;
    struct spool_time now;
    struct spool_found found;
    struct spool_disk disk;
    size_t disk_room; /* SIZE_MAX: as much as one likes */
    int disk_error;
    unsigned made;     /* records, numbered from 0 */
    uint64_t produced; /* their units */
    struct buf read;
};

/* Opened, 64 MiB for 24 hours, without fsync. */
struct scene *scene_begin(void);
void scene_end(struct scene *f);
/* The folder opened once more. */
enum spool_opened scene_try_open(struct scene *f, struct spool **spool);
void scene_start(struct scene *f);
void scene_stop(struct scene *f);
void scene_restart(struct scene *f);
/* Both clocks go on. */
void scene_pass(struct scene *f, uint64_t us);

/* As the spool has them; checked against what the test produced. */
struct spool_figures scene_figures(struct scene *f);

/* What a record counts as, by its number. */
unsigned record_units(unsigned record);
/* "N:" and dots up to `len`, and a line feed; the length. */
size_t record_write(char *to, unsigned record, size_t len);
/* The next records, of 100 bytes or `len`, committed. */
void scene_append(struct scene *f, unsigned count);
void scene_append_long(struct scene *f, unsigned count, size_t len);

/* Reads a batch; says which records it has as "0-9 11-12". False: none waits. */
bool scene_batch(struct scene *f, enum spool_lane lane, unsigned most, struct spool_batch *out,
                 char *said, size_t size);
/* Sends everything that waits in both lanes; what arrived, in order of arrival. */
void scene_send_all(struct scene *f, char *said, size_t size);

#endif
