/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a spool: its name, where it begins, and reading it frame by frame. */
#ifndef SIDEGATE_EXPORTERS_SPOOL_SEGMENT_H
#define SIDEGATE_EXPORTERS_SPOOL_SEGMENT_H

#include "exporters/spool_frame.h"

enum { SEGMENT_NAME_BYTES = 32 };

struct segment {
    uint64_t named; /* the sequence in its name */
    uint32_t salt;
    struct spool_position first;
    uint64_t began_us, newest_us; /* of the spool's time; newest: of its last record at most */
    uint64_t bytes;
    uint64_t settled_at; /* the ledger's generation that first had all of it settled; 0: none has */
    uint64_t torn_bytes; /* cut off when it was looked at */
};

void segment_name(const struct segment *segment, char name[SEGMENT_NAME_BYTES]);
/* All of the folder, in the order of their names; the caller frees. NULL: errno. */
struct segment *segments_list(int folder, size_t *count);

/* A part of a segment, in memory. */
struct window {
    char *bytes; /* NULL until it is first needed */
    uint64_t named, offset;
    size_t len;
    int error; /* errno of the latest look at the file that failed; 0: the latest one did not */
};
void window_fini(struct window *window);

enum segment_looked {
    SEGMENT_SOUND,
    SEGMENT_BROKEN, /* nothing in it makes sense, or it is gone */
    SEGMENT_SHUT,   /* it cannot be looked at now: too many open files, no right, a disk that fails;
                     * the window's error says which */
};
/* Finds out where it begins and when. */
enum segment_looked segment_look(int folder, struct window *window, struct segment *segment);
/* Goes through all of it: where the next record would stand (to *end), and when its last one came.
 * What stands behind the last whole frame is cut off. False: it cannot be read now, and nothing was
 * done to it; the window's error says why. */
bool segment_end(int folder, struct window *window, struct segment *segment,
                 struct spool_position *end);
/* Its preamble; empty where it is broken. False: it cannot be read now. */
bool segment_preamble(int folder, const struct segment *segment, struct buf *to);

/* The frame at `offset`, as frame_next() has it; FRAME_END also where the file cannot be read: the
 * window's error says so. What `frame` points to lies in the window. */
enum frame_found segment_read(int folder, struct window *window, const struct segment *segment,
                              uint64_t offset, struct frame *frame, size_t *used);

#endif
