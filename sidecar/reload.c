/* SPDX-License-Identifier: Apache-2.0 */
/* A reload: compiled on a thread of its own, swapped by one message to each worker. A bad one is
 * refused and the old one stands. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/block_lists.h"
#include "sidecar/key_fetcher.h"
#include "sidecar/metric_sender.h"
#include "sidecar/process_inside.h"
#include "sidecar/sampling_service.h"
#include "sidecar/state/documents.h"
#include "sidecar/usage_file.h"

enum {
    SNAPSHOTS_MOST = 8,
    WAIT_US = 200000,
    LISTS_US = 10000000,
    WHY_BYTES = 512,
    FAULTS_BYTES = 1024 * 1024
};

struct compilation {
    struct mail mail;
    struct process *process;
    struct snapshot *before; /* counted: its parts are shared */
    struct snapshot *snapshot;
    struct faults *faults;
    bool renews;    /* the files alone that change by themselves, */
    unsigned which; /* of these kinds: bits of enum renewal */
    bool waited;    /* for lists: what came is to be put in */
    struct change_turn turn;
};

/* ---- taking the result over ---- */

static char *faults_text(const struct faults *faults)
{
    struct buf text;
    buf_init(&text, FAULTS_BYTES);
    faults_print(faults, &text);
    buf_add_byte(&text, '\0');
    char *copy = must_strdup(text.at ? text.at : "");
    buf_fini(&text);
    return copy;
}

static bool swap(struct process *process, struct snapshot *snapshot, char *why, size_t size)
{
    struct worker_listener *listeners[PROCESS_WORKERS_MOST] = {NULL};
    process_make_folders(process, snapshot->settings);
    struct exporter_settings exports = process_exporter_settings(snapshot->settings);
    exports.filters = process->filters;
    bool well = process_changes_open(snapshot->settings, why, size) &&
                process_open_doors(process, snapshot, listeners, why, size) &&
                admin_open(process->admin, snapshot->settings, why, size) &&
                (process->workers.exporter == NULL ||
                 exporter_change(process->workers.exporter, &exports, why, size));
    if (well) {
        key_fetcher_change(process->key_fetcher, snapshot);
        sampling_service_change(process->sampling, snapshot->settings);
    }
    for (unsigned w = 0; well && w < process->workers.count; w++)
        worker_swap(process->workers.at[w], snapshot, listeners[w],
                    snapshot->settings->listener_count);
    process_close_doors(listeners);
    return well;
}

/* What is refused stands until it is mended: a configuration by another one, files by others. */
static void set_refusal(struct process *process, char **which, char *faults)
{
    free(*which);
    *which = faults;
    process->facts.last_reload_successful =
        process->reload.refused == NULL && process->reload.files_refused == NULL;
}

static void refuse(struct process *process, bool renews, char *faults)
{
    program_log_say_text(process->log, LOG_ERROR,
                         renews ? "files that changed are refused, what was read last stands"
                                : "the new configuration is refused, the old one stands",
                         faults);
    if (!renews)
        process_change_reloaded(process, process->snapshot, NULL, faults);
    if (renews)
        set_refusal(process, &process->reload.files_refused, faults);
    else
        set_refusal(process, &process->reload.refused, faults);
}

static void accept_new(struct process *process, struct snapshot *snapshot, bool renews)
{
    if (!renews)
        process_change_reloaded(process, process->snapshot, snapshot, NULL);
    alarm_watch_change(process->alarms, snapshot->settings);
    process_name_metrics(process, snapshot->settings);
    snapshot_give(process->snapshot);
    process->snapshot = snapshot;
    metric_sender_change(process->metric_sender);
    process_keep_doors(process);
    if (!renews)
        documents_sweep(process->documents);
    process->facts.snapshot_number = snapshot->number;
    set_refusal(process, &process->reload.files_refused, NULL);
    if (!renews)
        set_refusal(process, &process->reload.refused, NULL);
    process_say_facts(process);
    usage_plans_know(process->workers.quotas, snapshot->settings, loop_wall_us(process->loop));
    if (process->workers.block_lists != NULL)
        block_lists_change(process->workers.block_lists, snapshot->settings);
    program_log_set_level(process->log, snapshot->settings->process.log_level);
    program_log_say(process->log, LOG_INFO, "configuration %llu is in force",
                    (unsigned long long)snapshot->number);
}

/* Which of YAML and SecLang won, what takes effect at a restart only... */
static void say_warnings(struct process *process, const struct faults *faults)
{
    if (faults_count(faults, FAULT_WARNING) == 0)
        return;
    char *text = faults_text(faults);
    program_log_say_text(process->log, LOG_WARN, "of the new configuration", text);
    free(text);
}

/* Files that were refused are again what they were, and what is in force. */
static void forget_refusal(struct process *process)
{
    if (process->reload.files_refused == NULL)
        return;
    set_refusal(process, &process->reload.files_refused, NULL);
    program_log_say(process->log, LOG_INFO, "files that were refused are as they were");
}

/* `fault`: it cannot be written down; NULL: it can, or need not be. */
static void take_over(struct compilation *compilation, const struct change_fault *fault)
{
    struct process *process = compilation->process;
    char why[WHY_BYTES] = "";
    process->reload.refused_status = 422;
    bool has_errors = faults_count(compilation->faults, FAULT_ERROR) > 0;
    if (compilation->renews)
        process->reload.suspect = has_errors ? compilation->which : 0;
    if (compilation->renews && compilation->snapshot == NULL && !has_errors) {
        forget_refusal(process);
        return;
    }
    process->facts.last_reload_wall_us = loop_wall_us(process->loop);
    if (compilation->snapshot == NULL) {
        refuse(process, compilation->renews, faults_text(compilation->faults));
    } else if (fault != NULL) {
        process->reload.refused_status = process_change_refused(process, fault);
        snapshot_give(compilation->snapshot);
        refuse(process, false, must_strdup(fault->why));
    } else if (!swap(process, compilation->snapshot, why, sizeof(why))) {
        memset(process->reload.stamps, 0, sizeof process->reload.stamps); /* tried again */
        snapshot_give(compilation->snapshot);
        refuse(process, compilation->renews, must_strdup(why));
    } else {
        accept_new(process, compilation->snapshot, compilation->renews);
        if (has_errors) /* the other files are in force */
            refuse(process, compilation->renews, faults_text(compilation->faults));
        else
            say_warnings(process, compilation->faults);
        reload_look(process);
    }
}

static void compilation_free(struct compilation *compilation)
{
    snapshot_give(compilation->before);
    faults_free(compilation->faults);
    free(compilation);
}

/* A list that is named for the first time would be missing until its server has answered, and
 * on_failure would decide: the configuration comes into force with it instead. */
static bool park(struct compilation *compilation)
{
    struct process *process = compilation->process;
    if (compilation->renews || compilation->waited || compilation->snapshot == NULL)
        return false;
    list_fetcher_follow(process->fetcher, compilation->snapshot->settings);
    if (list_fetcher_has_tried(process->fetcher))
        return false;
    process->reload.parked = compilation;
    timer_arm(&process->reload.wait, loop_now_us(process->loop) + LISTS_US);
    return true;
}

static void finish(struct compilation *compilation)
{
    struct process *process = compilation->process;
    bool renewed = compilation->renews;
    process->reload.running = false;
    list_fetcher_follow(process->fetcher, process->snapshot->settings);
    list_fetcher_judged(process->fetcher);
    compilation_free(compilation);
    if (process->reload.again) {
        process->reload.again = false;
        reload_begin(process);
    } else if (!renewed) { /* who waits asked for the configuration */
        admin_reload_ended(process->admin);
    }
}

static void on_turn(struct change_turn *turn, const struct change_fault *fault)
{
    struct compilation *compilation = list_entry(turn, struct compilation, turn);
    take_over(compilation, fault);
    if (fault != NULL)
        finish(compilation);
}

static void on_written(struct change_turn *turn, const struct change_fault *fault)
{
    (void)fault; /* it was told */
    finish(list_entry(turn, struct compilation, turn));
}

/* The log that was in force is left by this reload, or nothing changes: it need not be there. */
static bool is_written_down(struct compilation *compilation)
{
    struct process *process = compilation->process;
    struct change_place *places = compilation->turn.places;
    if (compilation->renews || process->reload.askers == NULL)
        return false;
    places[0] = process_change_place(process->snapshot->settings);
    places[0].is_optional = true;
    if (compilation->snapshot != NULL)
        places[1] = process_change_place(compilation->snapshot->settings);
    bool is_one = places[0].path.at != NULL && places[1].path.at != NULL &&
                  span_is(places[0].path, places[1].path);
    if (is_one)
        places[0] = (struct change_place){.path = {NULL, 0}};
    return places[0].path.at != NULL || places[1].path.at != NULL;
}

static void on_compiled(struct mail *mail)
{
    struct compilation *compilation = list_entry(mail, struct compilation, mail);
    if (park(compilation))
        return;
    compilation->turn = (struct change_turn){.act = on_turn, .end = on_written};
    if (is_written_down(compilation)) {
        change_desk_take(compilation->process->changes, &compilation->turn);
        return;
    }
    take_over(compilation, NULL);
    finish(compilation);
}

/* ---- compiling ---- */

static void put_lists_in(struct compilation *compilation)
{
    struct faults *others = faults_new(); /* files that changed meanwhile: the next look says it */
    struct snapshot *with = snapshot_renew(compilation->snapshot, 1u << RENEW_IP_LISTS, others);
    faults_free(others);
    if (with == NULL)
        return;
    snapshot_give(compilation->snapshot);
    compilation->snapshot = with;
}

static void *compile(void *context)
{
    struct compilation *compilation = context;
    if (compilation->waited)
        put_lists_in(compilation);
    else if (compilation->renews)
        compilation->snapshot =
            snapshot_renew(compilation->before, compilation->which, compilation->faults);
    else
        compilation->snapshot =
            snapshot_build(&compilation->process->source, compilation->before, compilation->faults);
    loop_send(compilation->process->loop, &compilation->mail);
    return NULL;
}

static void start(struct compilation *compilation)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, compile, compilation) == 0);
    pthread_detach(thread);
}

static void go_on(struct process *process)
{
    struct compilation *compilation = process->reload.parked;
    process->reload.parked = NULL;
    timer_disarm(&process->reload.wait);
    compilation->waited = true;
    start(compilation);
}

static void on_wait(struct timer *timer)
{
    struct process *process = list_entry(timer, struct process, reload.wait);
    if (process->reload.parked != NULL) {
        go_on(process);
        return;
    }
    process->reload.running = false;
    reload_begin(process);
}

static void begin(struct process *process, bool renews, unsigned which);

static uint64_t sooner(uint64_t a_us, uint64_t b_us)
{
    if (a_us == 0 || b_us == 0)
        return a_us + b_us;
    return a_us < b_us ? a_us : b_us;
}

/* Too many are alive: said once, until there is room again. */
static bool must_wait(struct process *process, const char *what)
{
    bool waits = snapshots_alive() >= SNAPSHOTS_MOST;
    if (waits && !process->reload.waits)
        program_log_say(process->log, LOG_WARN, "%u configurations are still in use: %s",
                        snapshots_alive(), what);
    process->reload.waits = waits;
    return waits;
}

static bool is_due(const struct process *process, enum renewal kind, uint64_t now_us)
{
    uint64_t due_us = process->reload.due_us[kind];
    return (due_us != 0 && due_us <= now_us) || (kind == RENEW_IP_LISTS && process->reload.news);
}

/* The kinds that may have changed since they were looked at last; *stamps: as they are now. Nothing
 * is read here: whether it is worth it is what is asked. */
static unsigned changed(const struct process *process, uint64_t stamps[RENEWALS])
{
    unsigned which = 0;
    uint64_t now_us = loop_now_us(process->loop);
    memcpy(stamps, process->reload.stamps, sizeof process->reload.stamps);
    for (enum renewal kind = 0; kind < RENEWALS; kind++) {
        if (!is_due(process, kind, now_us))
            continue;
        stamps[kind] = snapshot_stamp(process->snapshot, kind);
        if (stamps[kind] != process->reload.stamps[kind])
            which |= 1u << kind;
    }
    return which;
}

static void look_again(struct process *process)
{
    uint64_t now_us = loop_now_us(process->loop);
    for (enum renewal kind = 0; kind < RENEWALS; kind++)
        if (is_due(process, kind, now_us))
            process->reload.due_us[kind] = 0;
    process->reload.news = false;
    reload_look(process);
}

static void on_look(struct timer *timer)
{
    struct process *process = list_entry(timer, struct process, reload.look);
    uint64_t stamps[RENEWALS];
    unsigned which = changed(process, stamps);
    if (which != 0 && (process->reload.running || must_wait(process, "files that changed wait"))) {
        timer_arm(&process->reload.look, loop_now_us(process->loop) + WAIT_US);
        return;
    }
    look_again(process);
    memcpy(process->reload.stamps, stamps, sizeof stamps);
    if (which != 0)
        begin(process, true, which | process->reload.suspect);
}

void reload_renew(struct process *process)
{
    if (process->reload.parked != NULL && list_fetcher_has_answers(process->fetcher))
        go_on(process);
    process->reload.news = true;
    timer_arm(&process->reload.look, loop_now_us(process->loop));
}

void reload_look(struct process *process)
{
    uint64_t now_us = loop_now_us(process->loop), next_us = 0;
    for (enum renewal kind = 0; kind < RENEWALS; kind++) {
        uint64_t refresh_us = snapshot_refresh_us(process->snapshot, kind);
        uint64_t *due_us = &process->reload.due_us[kind];
        *due_us = refresh_us > 0 ? sooner(*due_us, now_us + refresh_us) : 0;
        next_us = sooner(next_us, *due_us);
    }
    next_us = sooner(next_us, process->reload.news ? now_us : 0);
    timer_disarm(&process->reload.look);
    if (next_us > 0)
        timer_arm(&process->reload.look, next_us);
}

void reload_init(struct process *process)
{
    timer_init(&process->reload.look, process->loop, on_look);
    timer_init(&process->reload.wait, process->loop, on_wait);
}

void reload_fini(struct process *process)
{
    struct compilation *parked = process->reload.parked;
    process_change_forget(process);
    timer_disarm(&process->reload.wait);
    timer_disarm(&process->reload.look);
    if (parked == NULL)
        return;
    process->reload.parked = NULL;
    snapshot_give(parked->snapshot);
    compilation_free(parked);
}

void reload_begin(struct process *process)
{
    if (process->reload.running) {
        process->reload.again =
            process->reload.parked != NULL || !timer_is_armed(&process->reload.wait);
        return;
    }
    begin(process, false, 0);
}

static void begin(struct process *process, bool renews, unsigned which)
{
    process->reload.running = true;
    if (must_wait(process, "the reload waits")) {
        timer_arm(&process->reload.wait, loop_now_us(process->loop) + WAIT_US);
        return;
    }
    struct compilation *compilation = must_alloc(sizeof(*compilation));
    *compilation = (struct compilation){.mail.deliver = on_compiled,
                                        .process = process,
                                        .before = snapshot_take(process->snapshot),
                                        .faults = faults_new(),
                                        .renews = renews,
                                        .which = which};
    start(compilation);
}
