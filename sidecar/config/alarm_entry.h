/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of `alarms:`, in the configuration and in the files of `sidegate alarms test`; and maps
 * by a table of keys, for what else stands in such a file. */
#ifndef SIDEGATE_SIDECAR_CONFIG_ALARM_ENTRY_H
#define SIDEGATE_SIDECAR_CONFIG_ALARM_ENTRY_H

#include "exporters/alarms/alarms.h"
#include "sidecar/config/tree.h"

enum { ALARM_HINT_BYTES = 300, ALARM_NAMES_MOST = 64, ALARM_SHOWN_BYTES = 100 };

struct alarm_reading {
    struct arena *arena;
    struct faults *faults;
    bool is_live; /* the configuration: what does nothing yet, and metrics that nobody counts, are
                     refused */
    void *context;
};

/* True: taken, or said already what is wrong; else the caller says what is expected. */
typedef bool alarm_key_read(struct alarm_reading *reading, const struct node *node, void *to);

struct alarm_key {
    const char *name;
    alarm_key_read *read;
    const char *expected;
};

void alarm_map_read(struct alarm_reading *reading, const struct node *map,
                    const struct alarm_key *keys, size_t count, void *to);
/* How many faults there are. Where some came while a map was read, what it seems to lack may be
 * only what was refused. */
size_t alarm_said(const struct alarm_reading *reading);
/* Says it; true. */
bool alarm_refuse(struct alarm_reading *reading, struct place place, const char *message);
/* Room for what the list holds; NULL: said. */
void *alarm_list_new(struct alarm_reading *reading, const struct node *node, size_t bytes);
bool alarm_text_read(const struct node *node, struct span *to);
struct alarm_places alarm_places_of(struct alarm_reading *reading, const struct node *map);
struct place alarm_text_place(const struct node *node); /* where the text itself begins */
bool alarm_seconds_read(const struct node *node, uint64_t *seconds);
bool alarm_count_read(const struct node *node, unsigned *count);
/* The index of one of the words; the nearest one is named where it is none. */
bool alarm_word_read(struct alarm_reading *reading, const struct node *node,
                     const char *(*word)(unsigned), unsigned *index);
bool alarm_flag_read(const struct node *node, bool *to); /* true or false */
/* "missing x10": the word, and how often it stands there. */
struct span alarm_repeated(struct span text, uint64_t *times);

/* The list with what presets stand for in their place; lies in the arena. alarm_presets.c */
const struct node *alarm_presets_put_in(struct alarm_reading *reading, const struct node *list);

/* alarm_actions.c: five at the most; live ones alone, for files are read. False: it is no list. */
bool alarm_actions_read(struct alarm_reading *reading, const struct node *node,
                        struct alarm_action_list *to);
/* As one would write it, without what is secret. */
void alarm_actions_print(struct buf *to, const struct alarm_action_list *actions);
/* Adds those arguments of a command that are shown only in part. */
void alarm_arguments_hidden(const struct alarm_action *action, struct buf *to);
void alarm_node_print(struct buf *to, const struct node *node); /* the same of any other node */
/* The state whose actions a key of an alarm lists. False: it lists none. */
bool alarm_actions_key(struct span key, enum alarm_state *state);

/* alarm_metrics.c: a list of metrics and expressions; and the one whose keys stand beside the
 * alarm's name (`is_said`: something there was refused; what is missing may be only that). */
bool alarm_metrics_read(struct alarm_reading *reading, const struct node *node, void *to);
void alarm_metric_beside_read(struct alarm_reading *reading, const struct node *node,
                              struct alarm_settings *settings, bool is_said);

/* The list `alarms:`, presets put in; an empty one only where it is live. False: it is no such
 * list. */
bool alarm_entries_read(struct alarm_reading *reading, const struct node *node,
                        struct alarm_settings **list, size_t *count);

#endif
