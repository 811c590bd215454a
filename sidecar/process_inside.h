/* SPDX-License-Identifier: Apache-2.0 */
/* The child's one object, for the files that make it up: process.c (life), reload.c, drain.c,
 * admin*.c. All of it belongs to the main thread. */
#ifndef SIDEGATE_SIDECAR_PROCESS_INSIDE_H
#define SIDEGATE_SIDECAR_PROCESS_INSIDE_H

#include "exporters/cloudwatch/archive.h"
#include "exporters/cloudwatch/collector.h"
#include "sidecar/admin.h"
#include "sidecar/alarm_watch.h"
#include "sidecar/change_desk.h"
#include "sidecar/list_fetcher.h"
#include "sidecar/process.h"
#include "sidecar/program_log.h"
#include "sidecar/worker.h"

enum process_state {
    PROCESS_STARTING,
    PROCESS_SERVING,
    PROCESS_LEAVING, /* not ready any more, still accepting: balancers take notice */
    PROCESS_CLOSING, /* not accepting; what is under way ends */
    PROCESS_OVER,
};

struct process {
    const struct process_options *options;
    struct program_log *log;
    struct loop *loop;
    struct settings_source source; /* the options', with what was fetched */
    struct documents *documents;
    struct list_fetcher *fetcher; /* NULL: not yet */
    bool waits_for_lists;         /* not ready before they were asked for once */
    struct snapshot *snapshot;
    struct workers workers;
    struct process_facts facts;
    struct admin *admin;
    struct usage_file *usage_file; /* NULL: nothing is kept */
    struct key_fetcher *key_fetcher;
    struct sampling_service *sampling; /* NULL: not yet */
    struct alarm_watch *alarms;
    struct metric_sender *metric_sender;
    struct metric_store *metric_store; /* NULL: nothing is kept in CloudWatch's way */
    struct collector *collector;       /* the same */
    struct metric_filters *filters;    /* of access lines */
    struct archive *archive;           /* of the store; answers what is asked of it */
    struct change_desk *changes;       /* orders that are written down */
    int state_lock;                    /* -1: there is none */
    bool hangs;                        /* a thread did not end: what it may use stays */
    struct watch signals;
    uint64_t began_us;
    uint64_t began_wall_us;
    enum process_state state;
    bool told_to_stop;        /* a second time means at once */
    struct timer state_timer; /* of leaving and closing */
    struct timer live_timer;  /* the next end of what was put into an ip_set */
    uint64_t drain_until_us;
    struct {
        bool running, again;         /* another HUP while one is being compiled */
        bool waits;                  /* for a snapshot to end, and it was said */
        char *refused;               /* faults of the latest configuration; NULL: it is in force */
        unsigned refused_status;     /* what its askers are answered */
        char *files_refused;         /* of files that changed by themselves */
        struct timer wait;           /* too many snapshots are alive */
        struct timer look;           /* at files that change by themselves */
        uint64_t due_us[RENEWALS];   /* when to look at them; 0: never */
        uint64_t stamps[RENEWALS];   /* what they were like at the latest look */
        struct compilation *parked;  /* compiled, and waiting for lists that it names first */
        bool news;                   /* there is something that is not a file */
        unsigned suspect;            /* bits: something of that kind was refused last */
        struct change_asker *askers; /* people who asked for what is under way; NULL: none */
    } reload;
};

/* ---- process.c ---- */

/* The workers' listeners of a snapshot, opened where they are new. False: `why`. */
bool process_open_doors(struct process *process, const struct snapshot *snapshot,
                        struct worker_listener *listeners[PROCESS_WORKERS_MOST], char *why,
                        size_t size);
void process_close_doors(struct worker_listener *listeners[PROCESS_WORKERS_MOST]);
/* The addresses that the snapshot in force does not name are given up. */
void process_keep_doors(struct process *process);
/* What the settings name and is to be there: where it cannot be made, that is said. */
void process_make_folders(const struct process *process, const struct settings *settings);
struct exporter_settings process_exporter_settings(const struct settings *settings);

/* From now on metrics are named as the settings say. */
void process_name_metrics(struct process *process, const struct settings *settings);
/* Takes over from the snapshot in force what the metrics say of it. */
void process_say_facts(struct process *process);

/* ---- process_stop.c ---- */

/* Once the loop has ended, or where the start failed: what there is ends in order. Threads that a
 * disk does not let go of are given up (`hangs`), and what they may use stays. */
void process_stop(struct process *process);

/* ---- reload.c ---- */

void reload_init(struct process *process);
/* Compiles aside and swaps; the admin's waiting requests are answered when it is done. */
void reload_begin(struct process *process);
void reload_fini(struct process *process); /* what waits is let go */
/* Something came that is not a file: looks at once, or as soon as it can. */
void reload_renew(struct process *process);
/* From now on certificates and their like are looked at as often as the snapshot in force says, and
 * read again where they have changed. */
void reload_look(struct process *process);

/* ---- admin_ip_sets.c ---- */

void ip_sets_init(struct process *process);
/* Takes out of the lists what is over, and looks again when the next is. */
void ip_sets_look(struct process *process);

/* ---- process_changes.c: the log of changes ---- */

/* The log that these settings name. */
struct change_place process_change_place(const struct settings *settings);
/* An order was not carried out: said and counted. What it is answered. */
unsigned process_change_refused(struct process *process, const struct change_fault *fault);
/* A record that the log lacks: said and counted. `context`: the process. */
void process_change_lacks(void *context, const char *what, const char *why);
/* Can the log be written, where the settings name one? False: `why`. */
bool process_changes_open(const struct settings *settings, char *why, size_t size);
/* The reload that has just been asked for is this one's doing. */
void process_change_asked(struct process *process, const struct change_who *who);
void process_change_forget(struct process *process); /* who asked */
/* What it came to, a record for each who asked. `after` NULL: refused for these faults. */
void process_change_reloaded(struct process *process, const struct snapshot *before,
                             const struct snapshot *after, const char *faults);

/* ---- drain.c ---- */

void drain_init(struct process *process);
/* Leaves, closes, is over. A second time: over at once. */
void drain_begin(struct process *process, bool at_once);

#endif
