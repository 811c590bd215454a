/* SPDX-License-Identifier: Apache-2.0 */
/* What is written well and does nothing, as far as it can be known beforehand: each is a warning,
 * so that nobody waits for what never comes. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/alarms/mute.h"
#include "exporters/alarms/statistic.h"
#include "exporters/cloudwatch/collector.h"
#include "exporters/meter.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/config/options.h"
#include "sidecar/config/read.h"

enum {
    HINT_BYTES = 160,
    NAMES_MOST = 64,
    SHOWN_BYTES = 100,
    USER_BYTES = 4096,
    SECOND_US = 1000000,
    DAY_S = 86400
};

static const struct node *given(const struct reading *reading, const char *path)
{
    return tree_find_path(reading->root, span_text(path));
}

static void warn(struct reading *reading, const struct node *at, const char *hint,
                 const char *message)
{
    fault_add(reading->faults, FAULT_WARNING, at->place, span_text(hint), "%s", message);
}

/* ---- who it becomes ---- */

/* A start as root would fail; nobody else becomes anybody. */
static void check_user(struct reading *reading)
{
    const struct node *node = given(reading, "process.user");
    struct span name = reading->settings->process.user;
    struct passwd user, *found = NULL;
    char room[USER_BYTES];
    if (node != NULL && name.at != NULL && geteuid() == 0 &&
        getpwnam_r(name.at, &user, room, sizeof room, &found) == 0 && found == NULL)
        fault_add(reading->faults, FAULT_WARNING, node->place, span_make(NULL, 0),
                  "process.user: there is no user '" SPAN_FORMAT "' here", span_arg(name));
}

/* ---- words that cancel each other ---- */

static bool is_none_beside_others(const struct node *node)
{
    size_t words = 0, nones = 0;
    const struct node *item = node->kind == NODE_LIST ? node->first : node;
    for (; item != NULL; item = node->kind == NODE_LIST ? item->next : NULL) {
        struct span rest = item->kind == NODE_SCALAR ? item->text : span_make(NULL, 0);
        for (; rest.at != NULL; words++)
            nones += span_is(span_trim(span_cut(&rest, ','), " "), SPAN("none"));
    }
    return nones > 0 && words > nones;
}

static void check_nones(struct reading *reading)
{
    static const char *const paths[] = {"traces.exporter", "traces.propagators", "traces.always",
                                        "logs.otlp"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct node *node = given(reading, paths[i]);
        if (node != NULL && is_none_beside_others(node))
            fault_add(reading->faults, FAULT_WARNING, node->place, SPAN("none stands alone"),
                      "%s: 'none' beside others has no effect", paths[i]);
    }
}

/* ---- logs and metrics ---- */

static void check_log(struct reading *reading, const char *name, bool is_on)
{
    const struct node *log = given(reading, name);
    if (is_on || log == NULL || log->kind != NODE_MAP || log->count == 0 ||
        tree_find(log, SPAN("path")) != NULL)
        return;
    fault_add(reading->faults, FAULT_WARNING, log->place, SPAN("add path, or a receiver"),
              "%s: it goes nowhere", name);
}

static void check_data_trace(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *node = given(reading, "execution_log.data_trace");
    if (node != NULL && settings->execution_log.is_on && settings->execution_log.data_trace &&
        settings->execution_log.level != EXECUTION_INFO)
        warn(reading, node, "level: info",
             "execution_log.data_trace: its lines are of level info, and have no effect below");
}

static void check_emf(struct reading *reading)
{
    const struct node *node = given(reading, "metrics.emf.namespace");
    if (node != NULL && given(reading, "metrics.emf.path") == NULL &&
        !log_settings_want(&reading->settings->metrics.emf.to))
        warn(reading, node, "add metrics.emf.path, or a receiver",
             "metrics.emf.namespace: no line is written, so that it has no effect");
}

/* ---- what nobody asks for ---- */

/* 60s is 1m. */
static bool means_the_same(struct span a, struct span b)
{
    uint64_t a_us, b_us;
    return span_is(a, b) || (duration_parse(a, &a_us) && duration_parse(b, &b_us) && a_us == b_us);
}

/* Written by somebody who wanted something else than what is there anyhow. A variable is often
 * meant for other programs, too. */
static const struct node *given_otherwise(const struct reading *reading, const char *path)
{
    const struct node *node = given(reading, path);
    const struct option *option = options_find(span_text(path));
    must(option != NULL && option->standard != NULL);
    bool is_other = node != NULL && node->kind == NODE_SCALAR &&
                    !means_the_same(node->text, span_text(option->standard)) &&
                    !span_starts(span_text(node->place.file), SPAN("OTEL_"));
    return is_other ? node : NULL;
}

static void check_idle(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    enum sampler sampler = settings->traces.sampler;
    bool has_ratio = sampler == SAMPLER_RATIO || sampler == SAMPLER_PARENT_RATIO;
    bool has_slow = (settings->traces.always & TRACE_ALWAYS_SLOW) != 0;
    bool has_xray = (settings->traces.exporters & TRACE_EXPORTER_XRAY) != 0;
    bool has_logs = settings->logs.otlp != OTLP_LOG_NONE, pushes = settings->metrics.push;
    static const char logs[] = "no log record is made", log_hint[] = "set logs.otlp";
    static const char push[] = "metrics are not pushed", hint[] = "set metrics.exporter to otlp";
    const struct {
        const char *path;
        bool is_asked_for;
        const char *message, *hint;
    } rows[] = {
        {"traces.ratio", has_ratio, "no sampler asks for it",
         "set traces.sampler to parentbased_traceidratio"},
        {"traces.slow", has_slow, "nobody asks what is slow", "add slow to traces.always"},
        {"traces.xray.in_progress", has_xray, "nothing goes to X-Ray",
         "add xray to traces.exporter"},
        {"metrics.otlp.interval", pushes, push, hint},
        {"metrics.otlp.temporality", pushes, push, hint},
        {"metrics.otlp.histograms", pushes, push, hint},
        {"logs.limits.attribute_length", has_logs, logs, log_hint},
        {"logs.limits.attributes", has_logs, logs, log_hint},
        {"logs.batch.delay", has_logs, logs, log_hint},
        {"logs.batch.size", has_logs, logs, log_hint},
        {"logs.batch.queue", has_logs, logs, log_hint},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct node *node = given_otherwise(reading, rows[i].path);
        if (node != NULL && !rows[i].is_asked_for)
            fault_add(reading->faults, FAULT_WARNING, node->place, span_text(rows[i].hint),
                      "%s: %s", rows[i].path, rows[i].message);
    }
}

/* ---- alarms ---- */

static void check_route(struct reading *reading, const struct node *node)
{
    const struct settings *settings = reading->settings;
    const char *names[NAMES_MOST];
    char hint[HINT_BYTES];
    size_t count = 0;
    for (size_t i = 0; i < settings->route_count; i++) {
        if (span_is(settings->routes[i].pattern, node->text))
            return;
        if (count < NAMES_MOST && settings->routes[i].pattern.at != NULL)
            names[count++] = settings->routes[i].pattern.at;
    }
    struct span near = nearest_hint(node->text, names, count, hint, sizeof hint);
    fault_add(reading->faults, FAULT_WARNING, node->place,
              settings->route_count > 0 ? near : SPAN("add routes"),
              "dimensions.route: there is no route '" SPAN_FORMAT "': nothing is counted of it",
              span_arg(span_first(node->text, SHOWN_BYTES)));
}

static void check_method(struct reading *reading, const struct node *node, struct span route)
{
    const struct settings *settings = reading->settings;
    struct span method = node->text, hint = span_make(NULL, 0);
    const char *meant = request_method_meant(method);
    bool is_known = false, takes_any = false;
    if (meant != NULL)
        hint = arena_format(reading->arena, "did you mean '%s'?", meant);
    else if (span_is(method, SPAN("ANY"))) /* a route's word, and no request's */
        hint = SPAN("without `method` all are counted");
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct route_settings *one = &settings->routes[i];
        bool concerns = route.at == NULL || span_is(one->pattern, route);
        bool is_any = span_is(one->method, SPAN("ANY"));
        if (concerns && !is_any && span_is(one->method, method))
            return;
        is_known = is_known || concerns;
        takes_any = takes_any || (concerns && is_any);
    }
    method = span_first(method, SHOWN_BYTES);
    if (is_known && !takes_any)
        fault_add(reading->faults, FAULT_WARNING, node->place, hint,
                  "dimensions.method: no route takes '" SPAN_FORMAT "': nothing is counted of it",
                  span_arg(method));
    else if (hint.at != NULL)
        fault_add(reading->faults, FAULT_WARNING, node->place, hint,
                  "dimensions.method: '" SPAN_FORMAT
                  "' is no standard method: nothing is counted of it",
                  span_arg(method));
}

/* By route and method; those of metric filters have dimensions of their own. */
static bool is_own_metric(const struct node *metric)
{
    enum metered metered;
    const struct node *name = tree_find(metric, SPAN("metric"));
    const struct node *namespace = tree_find(metric, SPAN("namespace"));
    return name != NULL && metered_find(name->text, &metered) &&
           (namespace == NULL || span_is(namespace->text, SPAN(COLLECTOR_NAMESPACE)));
}

static void check_dimensions(struct reading *reading, const struct node *metric)
{
    const struct node *dimensions = tree_find(metric, SPAN("dimensions"));
    if (dimensions == NULL || !is_own_metric(metric))
        return;
    const struct node *route = tree_find(dimensions, SPAN("route"));
    const struct node *method = tree_find(dimensions, SPAN("method"));
    if (route != NULL && route->kind == NODE_SCALAR)
        check_route(reading, route);
    if (method != NULL && method->kind == NODE_SCALAR)
        check_method(reading, method, route != NULL ? route->text : span_make(NULL, 0));
}

static bool is_percentile(const struct node *metric)
{
    struct statistic statistic;
    const struct node *node = tree_find(metric, SPAN("statistic"));
    return node != NULL && statistic_parse(node->text, &statistic, NULL, 0) &&
           statistic_samples_needed(&statistic) > 0;
}

/* Few samples count for percentiles alone. To `evaluate` them is what is done anyhow. */
static void check_few(struct reading *reading, const struct node *alarm)
{
    const struct node *few = tree_find(alarm, SPAN("evaluate_low_sample_count_percentile"));
    const struct node *metrics = tree_find(alarm, SPAN("metrics"));
    bool asks = is_percentile(alarm);
    for (const struct node *n = metrics != NULL ? metrics->first : NULL; n != NULL; n = n->next)
        asks = asks || is_percentile(n);
    if (few != NULL && !asks && span_is(few->text, SPAN("ignore")))
        warn(reading, few, "like p99",
             "evaluate_low_sample_count_percentile: no statistic is a percentile, so that it has "
             "no effect");
}

/* The second in which a window that comes once is over; UINT64_MAX: it comes again, or was refused.
 */
static uint64_t end_of(const struct node *schedule, const struct node *duration, bool has_zone)
{
    struct mute_window window = {.duration_s = 0};
    uint64_t us;
    if (schedule->kind != NODE_SCALAR || !mute_schedule_parse(schedule->text, &window) ||
        !window.is_once || duration->kind != NODE_SCALAR || !duration_parse(duration->text, &us))
        return UINT64_MAX;
    return (uint64_t)window.at_s + us / SECOND_US + (has_zone ? DAY_S : 0);
}

static bool never_comes(const struct node *schedule)
{
    struct mute_window window = {.duration_s = 0};
    return schedule->kind == NODE_SCALAR && mute_schedule_parse(schedule->text, &window) &&
           !mute_schedule_comes(&window);
}

static void check_mutes(struct reading *reading, const struct node *mutes)
{
    for (const struct node *n = mutes->first; n != NULL; n = n->next) {
        const struct node *schedule = tree_find(n, SPAN("schedule"));
        const struct node *duration = tree_find(n, SPAN("duration"));
        bool has_zone = tree_find(n, SPAN("timezone")) != NULL; /* east or west: within a day */
        if (schedule != NULL && duration != NULL &&
            end_of(schedule, duration, has_zone) <= reading->now_s)
            fault_add(reading->faults, FAULT_WARNING, schedule->place,
                      SPAN("take it out, or give it another day"),
                      "mute[].schedule: '" SPAN_FORMAT "' is over: it mutes nothing",
                      span_arg(schedule->text));
        if (schedule != NULL && never_comes(schedule))
            fault_add(reading->faults, FAULT_WARNING, schedule->place, span_make(NULL, 0),
                      "mute[].schedule: '" SPAN_FORMAT
                      "' never comes: no such month has such a day",
                      span_arg(schedule->text));
    }
}

static void check_program(struct reading *reading, const struct node *run)
{
    const struct node *program = run->first;
    struct stat there;
    if (program == NULL || program->kind != NODE_SCALAR || program->text.len == 0 ||
        program->text.at[0] != '/')
        return; /* said already */
    const char *why = stat(program->text.at, &there) != 0   ? strerrordesc_np(errno)
                      : !S_ISREG(there.st_mode)             ? "this is no file"
                      : access(program->text.at, X_OK) != 0 ? "who asks may not execute it"
                                                            : NULL;
    if (why != NULL)
        fault_add(reading->faults, FAULT_WARNING, program->place, span_make(NULL, 0),
                  "run: '" SPAN_FORMAT "' cannot be run: %s",
                  span_arg(span_first(program->text, SHOWN_BYTES)), why);
}

static void check_alarm(struct reading *reading, const struct node *alarm)
{
    static const char *const lists[] = {"actions", "ok_actions", "insufficient_data_actions"};
    const struct node *metrics = tree_find(alarm, SPAN("metrics"));
    const struct node *mutes = tree_find(alarm, SPAN("mute"));
    check_dimensions(reading, alarm);
    check_few(reading, alarm);
    for (const struct node *n = metrics != NULL ? metrics->first : NULL; n != NULL; n = n->next)
        check_dimensions(reading, n);
    if (mutes != NULL)
        check_mutes(reading, mutes);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const struct node *list = tree_find(alarm, span_text(lists[i]));
        for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
            const struct node *run = tree_find(n, SPAN("run"));
            if (run != NULL && run->kind == NODE_LIST)
                check_program(reading, run);
        }
    }
}

void effect_check(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *alarms = given(reading, "alarms");
    if (faults_count(reading->faults, FAULT_ERROR) > 0)
        return; /* what is refused has no effect, either */
    check_user(reading);
    check_nones(reading);
    check_log(reading, "execution_log", settings->execution_log.is_on);
    check_log(reading, "waf_log", settings->waf_log.is_on);
    check_data_trace(reading);
    check_emf(reading);
    check_idle(reading);
    filters_effect_check(reading);
    requests_effect_check(reading);
    for (const struct node *n = alarms != NULL ? alarms->first : NULL; n != NULL; n = n->next)
        check_alarm(reading, n);
}
