/* SPDX-License-Identifier: Apache-2.0 */
/* Between alarm_file.c (the file, its series and expectations) and alarm_entry.c (one entry of
 * `alarms:`): maps by a table of keys, and the values that stand in them. */
#ifndef SIDEGATE_SIDECAR_ALARM_FILE_INSIDE_H
#define SIDEGATE_SIDECAR_ALARM_FILE_INSIDE_H

#include "sidecar/alarm_file.h"
#include "sidecar/config/tree.h"

enum { HINT_BYTES = 300, NAMES_MOST = 64, SHOWN_BYTES = 100 };

struct reading {
    struct arena *arena;
    struct faults *faults;
    struct alarm_file *file;
};

/* True: taken, or said already what is wrong; else the caller says what is expected. */
typedef bool key_read(struct reading *reading, const struct node *node, void *to);

struct key {
    const char *name;
    key_read *read;
    const char *expected;
};

/* alarm_values.c */
void alarm_map_read(struct reading *reading, const struct node *map, const struct key *keys,
                    size_t count, void *to);
/* Says it; true. */
bool alarm_refuse(struct reading *reading, struct place place, const char *message);
/* Room for what the list holds; NULL: said. */
void *alarm_list_new(struct reading *reading, const struct node *node, size_t bytes);
bool alarm_text_read(const struct node *node, struct span *to);
struct place alarm_text_place(const struct node *node); /* where the text itself begins */
bool alarm_seconds_read(const struct node *node, uint64_t *seconds);
bool alarm_count_read(const struct node *node, unsigned *count);
/* The index of one of the words; the nearest one is named where it is none. */
bool alarm_word_read(struct reading *reading, const struct node *node,
                     const char *(*word)(unsigned), unsigned *index);
/* "missing x10": the word, and how often it stands there. */
struct span alarm_repeated(struct span text, uint64_t *times);

/* alarm_entry.c: the list `alarms:` of the file. */
bool alarm_entries_read(struct reading *reading, const struct node *node, void *to);

#endif
