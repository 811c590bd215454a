/* SPDX-License-Identifier: Apache-2.0 */
/* A log that is full makes room for the next one:
 *
 *   access.log  ->  access.log.1  ->  access.log.2.gz  ->  ...  access.log.KEEP.gz  ->  gone
 *
 * by renaming, so that no line is lost or torn; compressing is a thread of its own. Whoever else
 * renames the log is not in the way: a file that the path does not name any more is left alone. */
#ifndef SIDEGATE_EXPORTERS_ROTATE_H
#define SIDEGATE_EXPORTERS_ROTATE_H

#include "exporters/log_settings.h"

struct rotator;

struct rotator *rotator_new(void);
/* Waits for what is being compressed until the deadline (monotonic clock); what is not done then
 * stays as it was. */
void rotator_free(struct rotator *rotator, uint64_t deadline_us);

/* How many bytes the open file may still get; 0: it is to be rotated before the next one.
 * UINT64_MAX: as many as one likes. An empty file takes a line of any length. */
uint64_t rotation_room(const struct rotation *rotation, int fd);

enum rotated {
    ROTATED,       /* the path is to be opened anew */
    ROTATED_LATER, /* the file before is being compressed */
    ROTATED_NOT,   /* errno */
};
enum rotated rotator_turn(struct rotator *rotator, const struct rotation *rotation,
                          const char *path, int fd);
/* The path has been opened anew: what was renamed gets no more lines and may be compressed. Until
 * then, where opening fails, the old file goes on under its new name. */
void rotator_go_on(struct rotator *rotator, const struct rotation *rotation);

#endif
