/* SPDX-License-Identifier: Apache-2.0 */
/* The child's life: reading, opening, dropping privileges, starting threads, and taking it all down
 * again. */
#include "sidecar/process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "exporters/sample_store.h"
#include "rules/base/must.h"
#include "sidecar/block_lists.h"
#include "sidecar/key_fetcher.h"
#include "sidecar/machine.h"
#include "sidecar/metric_sender.h"
#include "sidecar/process_inside.h"
#include "sidecar/sampling_service.h"
#include "sidecar/state/collections.h"
#include "sidecar/state/documents.h"
#include "sidecar/state/quotas.h"
#include "sidecar/state/samplers.h"
#include "sidecar/state_lock.h"
#include "sidecar/upstream/call.h"
#include "sidecar/usage_file.h"

enum {
    COLLECTION_VARIABLES = 100000,
    QUOTA_ENTRIES = 1 << 20, /* keys of a file, as many as there may be */
    QUEUE_RECORDS = 8192,
    WHY_BYTES = 512,
    FAULTS_BYTES = 1024 * 1024,
    METRIC_BYTES = 64 * 1024 * 1024, /* of what is kept by the second and the minute */
};
static const uint64_t collection_timeout_us = 3600u * (uint64_t)1000000;

/* ---- signals ---- */

/* The parent says in the signal's value who had sent it. */
static void on_hangup(struct process *process, const struct signalfd_siginfo *info)
{
    bool is_parent = info->ssi_pid == (uint32_t)getppid(), is_told = info->ssi_code == SI_QUEUE;
    struct change_who who = {.way = CHANGE_BY_SIGNAL,
                             .is_known = !is_parent || is_told,
                             .uid = is_parent && is_told ? (unsigned)info->ssi_int : info->ssi_uid,
                             .pid = (int)info->ssi_pid};
    reload_begin(process);
    process_change_asked(process, &who);
}

static void on_signal(struct watch *watch, unsigned events)
{
    (void)events;
    struct process *process = list_entry(watch, struct process, signals);
    struct signalfd_siginfo info;
    if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
        return;
    switch (info.ssi_signo) {
    case SIGHUP: on_hangup(process, &info); break;
    case SIGUSR1:
        program_log_reopen(process->log);
        if (process->workers.exporter != NULL)
            exporter_reopen(process->workers.exporter);
        break;
    default: drain_begin(process, process->told_to_stop); process->told_to_stop = true;
    }
}

/* Blocked before any thread is made, so that only the main thread's descriptor tells of them. */
static bool watch_signals(struct process *process)
{
    sigset_t set;
    sigemptyset(&set);
    static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
        sigaddset(&set, watched[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 && watch_add(process->loop, &process->signals, fd, WATCH_READ, on_signal);
}

/* ---- opening ---- */

static struct xray_service xray_service(const struct settings *settings)
{
    return (struct xray_service){
        .name = settings->traces.service_name,
        .environment = settings->service.environment,
        .origin = settings->traces.xray.origin,
        .account = settings->traces.xray.account,
        .region = settings->traces.xray.region,
        .api = settings->traces.xray.api,
        .stage = settings->traces.xray.stage,
    };
}

struct exporter_settings process_exporter_settings(const struct settings *settings)
{
    bool has_xray = (settings->traces.exporters & TRACE_EXPORTER_XRAY) != 0;
    const struct span none = {NULL, 0};
    const struct log_settings nowhere = {.path = none};
    return (struct exporter_settings){
        .logs = {[DESTINATION_ACCESS_LOG] = settings->access_log.to,
                 [DESTINATION_RULE_LOG] = settings->rules.log,
                 [DESTINATION_AUDIT_LOG] = settings->audit_log.to,
                 [DESTINATION_EXECUTION_LOG] = settings->execution_log.to,
                 [DESTINATION_WAF_LOG] = settings->waf_log.to,
                 [DESTINATION_EMF] = settings->metrics.emf.to,
                 [DESTINATION_XRAY_FILE] = has_xray ? settings->traces.xray.to : nowhere,
                 [DESTINATION_XRAY_DAEMON] = {.path =
                                                  has_xray ? settings->traces.xray.daemon : none}},
        .access_format = settings->access_log.format,
        .audit_log = {.format = settings->audit_log.format,
                      .type = settings->audit_log.type,
                      .storage_dir = settings->audit_log.storage_dir,
                      .folder_mode = settings->audit_log.folder_mode,
                      .file_mode = settings->audit_log.file_mode},
        .waf_redaction = settings->waf_log.redaction,
        .waf_source = settings->service.name,
        .execution_stage = settings->service.environment.at != NULL ? settings->service.environment
                                                                    : SPAN("default"),
        .channels = settings->otlp.channels,
        .channel_count = settings->otlp.channel_count,
        .resource = settings->otlp.resource,
        .resource_count = settings->otlp.resource_count,
        .otlp_logs = settings->logs.otlp,
        .limits = {true, settings->traces.limits, settings->logs.limits},
        .service_name = settings->traces.service_name,
        .environment = settings->service.environment,
        .xray = xray_service(settings),
        .queue_records = QUEUE_RECORDS,
    };
}

static void make_folder(const struct process *process, const struct settings *settings,
                        const char *key, struct span path)
{
    if (path.at != NULL && !machine_make_folder(path.at, settings->process.user.at))
        program_log_say(process->log, LOG_WARN, "%s: cannot make %s: %s", key, path.at,
                        strerrordesc_np(errno));
}

void process_make_folders(const struct process *process, const struct settings *settings)
{
    make_folder(process, settings, "process.state_dir", settings->process.state_dir);
    for (size_t i = 0; i < settings->otlp.channel_count; i++)
        make_folder(process, settings, "otlp.spool.path", settings->otlp.channels[i].spool.path);
    struct exporter_settings all = process_exporter_settings(settings);
    for (unsigned i = 0; i < LOGS * SINKS; i++) {
        char path[PATH_MAX];
        if (log_settings_spool(&all.logs[i / SINKS], (enum log_sink)(i % SINKS), path, sizeof path))
            make_folder(process, settings, "spool.path", span_text(path));
    }
}

bool process_open_doors(struct process *process, const struct snapshot *snapshot,
                        struct worker_listener *listeners[PROCESS_WORKERS_MOST], char *why,
                        size_t size)
{
    const struct settings *settings = snapshot->settings;
    unsigned workers = process->workers.count;
    for (unsigned w = 0; w < workers; w++)
        listeners[w] = must_alloc((settings->listener_count + 1) * sizeof(struct worker_listener));
    for (size_t i = 0; i < settings->listener_count; i++) {
        int fds[DOOR_SOCKETS];
        struct span text = settings->listeners[i].address_text;
        if (!doors_open(process->options->doors, text, workers, fds)) {
            snprintf(why, size, "cannot listen on " SPAN_FORMAT ": %s", span_arg(text),
                     strerrordesc_np(errno));
            return false;
        }
        for (unsigned w = 0; w < workers; w++)
            listeners[w][i] = (struct worker_listener){&settings->listeners[i], fds[w]};
    }
    return true;
}

void process_keep_doors(struct process *process)
{
    const struct settings *settings = process->snapshot->settings;
    size_t count = 0;
    struct span *keep = must_alloc((settings->listener_count + 2) * sizeof(*keep));
    for (size_t i = 0; i < settings->listener_count; i++)
        keep[count++] = settings->listeners[i].address_text;
    keep[count++] = settings->status.address_text;
    keep[count++] = settings->admin.address_text;
    doors_keep(process->options->doors, keep, count);
    free(keep);
}

void process_close_doors(struct worker_listener *listeners[PROCESS_WORKERS_MOST])
{
    for (unsigned w = 0; w < PROCESS_WORKERS_MOST; w++)
        free(listeners[w]);
}

static bool open_ring(struct process *process)
{
    if (process->options->ring_fd >= 0)
        process->workers.ring = ring_open(process->options->ring_fd);
    return process->workers.ring != NULL;
}

static bool open_exporter(struct process *process, char *why, size_t size)
{
    if (!open_ring(process))
        return true; /* said by the parent: no records, but service */
    process_make_folders(process, process->snapshot->settings);
    struct exporter_settings settings = process_exporter_settings(process->snapshot->settings);
    settings.filters = process->filters;
    process->workers.exporter = exporter_start(process->workers.ring, &settings, why, size);
    return process->workers.exporter != NULL;
}

/* Files of a process that has dropped its privileges. */
static void open_usage(struct process *process)
{
    const struct settings *settings = process->snapshot->settings;
    struct quotas *quotas = process->workers.quotas;
    if (settings->process.state_dir.at != NULL) {
        process->usage_file =
            usage_file_start(settings->process.state_dir.at, quotas, process->log);
        if (process->usage_file == NULL)
            program_log_say(process->log, LOG_ERROR,
                            "usage of API keys is not kept: cannot start a thread");
    }
    usage_plans_know(quotas, settings, loop_wall_us(process->loop));
}

void process_name_metrics(struct process *process, const struct settings *settings)
{
    bool has_emf =
        log_settings_want(&settings->metrics.emf.to) && process->workers.exporter != NULL;
    const struct collector_names names = {settings->service.name, settings->service.environment,
                                          has_emf ? settings->metrics.emf.namespace : SPAN("")};
    if (process->collector != NULL)
        collector_change(process->collector, &names, true);
    metric_filters_change(process->filters, settings->metric_filters,
                          settings->metric_filter_count);
}

static void put_emf(void *context, struct span line)
{
    exporter_line(context, DESTINATION_EMF, line);
}

/* Off where no metric may be kept. */
static void start_collector(struct process *process)
{
    const struct settings *settings = process->snapshot->settings;
    if (settings->metrics.series == 0)
        return;
    process->metric_store = metric_store_new(settings->metrics.series, METRIC_BYTES);
    process->collector = collector_new(process->metric_store, process->workers.metrics,
                                       process->workers.count, put_emf, process->workers.exporter);
    collector_watch(process->collector, process->filters);
    alarm_watch_use(process->alarms, process->metric_store);
    process_name_metrics(process, settings);
    process->archive =
        archive_start(process->metric_store,
                      &(struct archive_settings){settings->process.state_dir.at,
                                                 settings->metrics.history.most_bytes,
                                                 settings->metrics.history.most_age_us / 1000000});
    if (process->archive == NULL || !collector_start(process->collector))
        program_log_say(process->log, LOG_ERROR,
                        "metrics are not kept by the second: cannot start a thread");
}

static void keys_came(void *context)
{
    struct process *process = context;
    for (unsigned w = 0; w < process->workers.count; w++)
        worker_keys_came(process->workers.at[w]);
}

/* What workers ask beside their own threads. */
static void start_helpers(struct process *process)
{
    struct workers *workers = &process->workers;
    workers->block_lists = block_lists_new(process->snapshot->settings);
    if (workers->block_lists == NULL)
        program_log_say(process->log, LOG_WARN, "@rbl never matches: cannot start a thread");
    workers->caller = caller_start(NULL);
    process->key_fetcher = key_fetcher_new(&(struct key_fetcher_options){
        process->loop, workers->caller, process->log, keys_came, process});
    key_fetcher_change(process->key_fetcher, process->snapshot);
    process->sampling = sampling_service_new(&(struct sampling_service_options){
        process->loop, workers->caller, &process->log, workers->samplers});
    sampling_service_change(process->sampling, process->snapshot->settings);
    open_usage(process);
    start_collector(process);
    alarm_watch_open(process->alarms, process->snapshot->settings->process.state_dir.at,
                     workers->caller);
}

static bool start_workers(struct process *process, char *why, size_t size)
{
    struct worker_listener *listeners[PROCESS_WORKERS_MOST] = {NULL};
    const struct settings *settings = process->snapshot->settings;
    bool opened = process_open_doors(process, process->snapshot, listeners, why, size);
    const char *user = settings->process.user.at;
    bool dropped = opened && machine_drop_privileges(user, why, size);
    if (dropped && user == NULL && getuid() == 0)
        program_log_say(process->log, LOG_WARN, "running as root: name a user in process.user");
    if (dropped) /* threads that are made now have no privileges either */
        start_helpers(process);
    for (unsigned w = 0; dropped && w < process->workers.count; w++)
        worker_new(&process->workers, w, process->snapshot, listeners[w], settings->listener_count);
    bool started = dropped;
    for (unsigned w = 0; started && w < process->workers.count; w++) {
        started = worker_start(process->workers.at[w]);
        if (!started)
            snprintf(why, size, "cannot start a thread: %s", strerrordesc_np(errno));
    }
    process_close_doors(listeners);
    return started;
}

/* False: another program has it. */
static bool lock_state(struct process *process, char *why, size_t size)
{
    const struct settings *settings = process->snapshot->settings;
    struct span folder = settings->process.state_dir;
    int pid = process->options->log_channel >= 0 ? getppid() : getpid();
    if (folder.at == NULL)
        return true;
    make_folder(process, settings, "process.state_dir", folder);
    enum state_locked locked = state_lock(folder.at, pid, &process->state_lock, why, size);
    if (locked == STATE_UNLOCKED)
        program_log_say(process->log, LOG_WARN, "%s", why);
    return locked != STATE_TAKEN;
}

static bool start(struct process *process, char *why, size_t size)
{
    const struct settings *settings = process->snapshot->settings;
    unsigned threads =
        process->options->run->threads ? process->options->run->threads : settings->process.threads;
    threads = threads ? threads : machine_threads();
    struct workers *workers = &process->workers;
    workers->count = threads < PROCESS_WORKERS_MOST ? threads : PROCESS_WORKERS_MOST;
    workers->at = must_alloc(workers->count * sizeof(struct worker *));
    workers->metrics = metrics_new(workers->count, loop_wall_us(process->loop));
    workers->samples = must_alloc(workers->count * sizeof(struct sample_store *));
    for (unsigned w = 0; w < workers->count; w++)
        workers->samples[w] = sample_store_new(loop_wall_us(process->loop) * (w + 1));
    workers->memory_bytes =
        settings->limits.memory_bytes ? settings->limits.memory_bytes : machine_memory_bytes();
    workers->collections = collections_new(COLLECTION_VARIABLES, collection_timeout_us);
    workers->quotas = quotas_new(QUOTA_ENTRIES);
    workers->samplers = samplers_new();
    workers->environment = machine_environment(&workers->environment_count);
    if (!watch_signals(process)) {
        snprintf(why, size, "cannot watch signals: %s", strerrordesc_np(errno));
        return false;
    }
    process->filters = metric_filters_new();
    process->admin = admin_new(process);
    process->changes = change_desk_new(process->loop, process_change_lacks, process);
    process->alarms =
        alarm_watch_new(process->loop, &process->log, workers->metrics, workers->count);
    alarm_watch_change(process->alarms, settings);
    if (settings->metrics.is_exponential)
        metrics_use_exponential(workers->metrics);
    if (!lock_state(process, why, size) || !process_changes_open(settings, why, size) ||
        !open_exporter(process, why, size))
        return false;
    process->metric_sender = metric_sender_new(process);
    metric_sender_change(process->metric_sender);
    return admin_open(process->admin, settings, why, size) && start_workers(process, why, size);
}

/* ---- the whole ---- */

/* What is wrong is said at once, for there is no log yet; `said`: the same, for that. */
static struct snapshot *first_snapshot(struct process *process, struct buf *said)
{
    struct faults *faults = faults_new();
    struct snapshot *snapshot = snapshot_build(&process->source, NULL, faults);
    faults_print(faults, said);
    if (said->len > 0 && write(STDERR_FILENO, said->at, said->len) < 0)
        errno = 0; /* the exit code still says it */
    faults_free(faults);
    return snapshot;
}

void process_say_facts(struct process *process)
{
    const struct snapshot *snapshot = process->snapshot;
    process->facts.waf_effective = snapshot->waf_effective;
    process->facts.waf_routes = snapshot->waf_routes;
    process->facts.waf_route_count = snapshot->waf_route_count;
    process->facts.certificates = snapshot->certificates;
    process->facts.certificate_count = snapshot->certificate_count;
}

static void on_news(void *context)
{
    reload_renew(context);
}

static void fetch_lists(struct process *process)
{
    process->fetcher = list_fetcher_new(&(struct list_fetcher_world){
        .loop = process->loop,
        .caller = process->workers.caller,
        .documents = process->documents,
        .log = process->log,
        .news = on_news,
        .context = process,
    });
    list_fetcher_follow(process->fetcher, process->snapshot->settings);
    process->waits_for_lists = true;
}

static void say_warnings(struct program_log *log, struct span said)
{
    char *text = must_alloc(said.len + 1);
    memcpy(text, said.at, said.len);
    program_log_say_text(log, LOG_WARN, "of the configuration", text);
    free(text);
}

/* `said`: of the configuration. */
static int serve(struct process *process, struct span said)
{
    char why[WHY_BYTES] = "";
    const struct settings *settings = process->snapshot->settings;
    struct program_log *log =
        program_log_open(settings->process.log_path.at, settings->process.log_level);
    if (log == NULL) {
        program_log_say(process->log, LOG_ERROR, "cannot open %s: %s",
                        settings->process.log_path.at, strerrordesc_np(errno));
        return 1;
    }
    program_log_close(process->log);
    process->log = log;
    program_log_share(log, process->options->log_channel);
    if (said.len > 0 && program_log_is_file(log))
        say_warnings(log, said);
    if (!start(process, why, sizeof(why))) {
        program_log_say(log, LOG_ERROR, "%s", why);
        process_stop(process);
        return 1;
    }
    process_keep_doors(process); /* an earlier child may have had others */
    documents_sweep(process->documents);
    process->state = PROCESS_SERVING;
    fetch_lists(process);
    reload_look(process);
    for (size_t i = 0; i < settings->listener_count; i++)
        program_log_say(log, LOG_INFO, "serving on " SPAN_FORMAT " with %u threads",
                        span_arg(settings->listeners[i].address_text), process->workers.count);
    if (process->options->is_last)
        drain_begin(process, true);
    loop_run(process->loop);
    process_stop(process);
    program_log_say(log, LOG_INFO, "stopped");
    return 0;
}

int process_run(const struct process_options *options)
{
    struct process *process = must_alloc(sizeof(*process));
    process->options = options;
    process->state_lock = -1;
    process->log = program_log_open(NULL, LOG_INFO);
    process->loop = loop_new(NULL);
    must(process->loop != NULL);
    process->began_us = loop_clock_us(process->loop);
    process->began_wall_us = loop_wall_us(process->loop);
    process->documents = documents_new();
    process->source = options->run->source;
    process->source.documents = process->documents;
    struct buf said;
    buf_init(&said, FAULTS_BYTES);
    process->snapshot = first_snapshot(process, &said);
    int code = EXIT_CONFIGURATION;
    if (process->snapshot != NULL) {
        const struct snapshot *snapshot = process->snapshot;
        process->facts = (struct process_facts){
            .version = SIDEGATE_VERSION,
            .snapshot_number = snapshot->number,
            .last_reload_successful = true,
            .last_reload_wall_us = process->began_wall_us,
            .child_restarts = options->restarts,
        };
        process_say_facts(process);
        reload_init(process);
        drain_init(process);
        ip_sets_init(process);
        code = serve(process, buf_span(&said));
    }
    if (process->hangs) /* a thread may still look at it */
        return code;
    buf_fini(&said);
    loop_free(process->loop);
    documents_free(process->documents);
    program_log_close(process->log);
    free(process);
    return code;
}
