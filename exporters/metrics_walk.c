/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over all figures. */
#include "exporters/metrics_walk.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "exporters/alarms/state.h"
#include "exporters/exporter.h"
#include "exporters/words.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum joining { JOIN_SUM, JOIN_MOST, JOIN_MOST_SECONDS };

struct walk {
    const struct metric_sink *sink;
    struct metric metric;
    uint64_t start_wall_us; /* of the figures that come */
};

/* Rows of the same name are one metric: only the first has a sentence. */
static void begin(struct walk *walk, const char *name, enum metric_kind kind, const char *sentence)
{
    if (*sentence == '\0')
        return;
    walk->metric = (struct metric){name, sentence, kind};
    walk->sink->metric(walk->sink->context, &walk->metric);
}

static void give(struct walk *walk, const struct pair *labels, size_t count, uint64_t value)
{
    const struct figure figure = {.labels = labels,
                                  .label_count = count,
                                  .value = value,
                                  .start_wall_us = walk->start_wall_us};
    walk->sink->figure(walk->sink->context, &walk->metric, &figure);
}

static void give_us(struct walk *walk, const struct pair *labels, size_t count, uint64_t us)
{
    const struct figure figure = {.labels = labels,
                                  .label_count = count,
                                  .value = us,
                                  .is_us = true,
                                  .start_wall_us = walk->start_wall_us};
    walk->sink->figure(walk->sink->context, &walk->metric, &figure);
}

/* A row's labels are name="value", or nothing. Returns how many they are. */
static size_t label_of(const char *labels, struct pair *label)
{
    struct span rest = span_text(labels);
    if (rest.len == 0)
        return 0;
    label->name = span_cut(&rest, '=');
    label->value = span_trim(rest, "\"");
    return 1;
}

/* ---- families ---- */

struct sums {
    bool any;
    struct histogram_figures figures; /* a counter's exemplar is the first */
};

static void add_exemplar(struct exemplar *latest, const struct exemplar_slot *slot)
{
    struct exemplar exemplar;
    if (exemplar_get(slot, &exemplar) && exemplar.wall_us > latest->wall_us)
        *latest = exemplar;
}

static void add_series(struct sums *sums, struct series *series, bool is_histogram)
{
    sums->any = true;
    sums->figures.sum_us += atomic_load_explicit(&series->sum, memory_order_relaxed);
    const struct exemplar_slot *exemplars =
        atomic_load_explicit(&series->exemplars, memory_order_acquire);
    for (size_t b = 0; exemplars != NULL && b < (is_histogram ? BUCKETS + 1 : 1); b++)
        add_exemplar(&sums->figures.exemplars[b], &exemplars[b]);
    for (size_t b = 0; is_histogram && b <= BUCKETS; b++) {
        uint64_t n = atomic_load_explicit(&series->buckets[b], memory_order_relaxed);
        sums->figures.buckets[b] += n;
        sums->figures.count += n;
    }
    const struct duration_buckets *durations =
        atomic_load_explicit(&series->durations, memory_order_acquire);
    if (durations != NULL)
        duration_sum(durations, &sums->figures.exponential);
}

static struct sums series_sums(const struct metrics *metrics, size_t family, unsigned set,
                               bool is_histogram)
{
    struct sums sums = {.figures.is_exponential = is_histogram && metrics->bounds != NULL};
    exponential_init(&sums.figures.exponential, DURATION_SCALE);
    for (unsigned w = 0; w < metrics->workers; w++) {
        const struct share *share = &metrics->list[w]->shares[family];
        struct series *series = atomic_load_explicit(&share->series[set], memory_order_acquire);
        if (series != NULL)
            add_series(&sums, series, is_histogram);
    }
    return sums;
}

static void walk_set(struct walk *walk, const struct metrics *metrics, size_t f, unsigned set)
{
    static const struct pair overflow = {SPAN_INIT("otel_metric_overflow"), SPAN_INIT("true")};
    bool is_histogram = walk->metric.kind == METRIC_HISTOGRAM;
    struct sums sums = series_sums(metrics, f, set, is_histogram);
    if (!sums.any)
        return;
    struct figure figure = {.labels = &overflow,
                            .label_count = 1,
                            .value = sums.figures.sum_us,
                            .start_wall_us = walk->start_wall_us};
    if (is_histogram)
        figure.histogram = &sums.figures;
    else if (sums.figures.exemplars[0].wall_us > 0)
        figure.exemplar = &sums.figures.exemplars[0];
    if (set != OVERFLOW_SET) {
        figure.labels = metrics->families[f].list[set]->labels;
        figure.label_count = metrics->families[f].list[set]->label_count;
    }
    walk->sink->figure(walk->sink->context, &walk->metric, &figure);
}

static void walk_families(struct walk *walk, const struct metrics *metrics)
{
    static const struct metric rows[FAMILIES] = {
#define FAMILY(id, name, kind, sentence) [id] = {name, sentence, METRIC_##kind},
#include "exporters/metrics.tbl"
    };
    for (size_t f = 0; f < FAMILIES; f++) {
        unsigned count = atomic_load_explicit(&metrics->families[f].count, memory_order_acquire);
        begin(walk, rows[f].name, rows[f].kind, rows[f].sentence);
        for (unsigned i = 0; i < count; i++)
            walk_set(walk, metrics, f, i);
        walk_set(walk, metrics, f, OVERFLOW_SET);
    }
}

/* ---- what workers keep up to date ---- */

static uint64_t gauge_joined(const struct metrics *metrics, size_t gauge, enum joining how)
{
    uint64_t joined = 0;
    for (unsigned w = 0; w < metrics->workers; w++) {
        uint64_t value =
            atomic_load_explicit(&metrics->list[w]->gauges[gauge], memory_order_relaxed);
        if (how == JOIN_SUM)
            joined += value;
        else if (value > joined)
            joined = value;
    }
    return joined;
}

static uint64_t counter_sum(const struct metrics *metrics, size_t counter)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < metrics->workers; w++)
        sum += atomic_load_explicit(&metrics->list[w]->counters[counter], memory_order_relaxed);
    return sum;
}

/* What the kernel counts as this process' memory; 0: it does not say. */
static uint64_t resident_bytes(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0)
        close(fd);
    struct span rest = span_make(text, n > 0 ? (size_t)n : 0);
    uint64_t pages = 0;
    span_cut(&rest, ' ');
    number_parse(span_cut(&rest, ' '), &pages);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void walk_active(struct walk *walk, const struct metrics *metrics)
{
    for (size_t place = 0; place < ACTIVE_PLACES; place++) {
        const struct pair labels[] = {
            {SPAN("http_request_method"), method_at(place / 2)},
            {SPAN("url_scheme"), place % 2 == 0 ? SPAN("http") : SPAN("https")}};
        uint64_t sum = 0;
        bool is_told = false;
        for (unsigned w = 0; w < metrics->workers; w++) {
            uint64_t value =
                atomic_load_explicit(&metrics->list[w]->active[place], memory_order_relaxed);
            is_told |= value > 0;
            sum += value > 0 ? value - 1 : 0;
        }
        if (is_told)
            give(walk, labels, 2, sum);
    }
}

static void walk_gauges(struct walk *walk, const struct metrics *metrics)
{
    static const struct {
        const char *name, *labels;
        enum joining how;
        const char *sentence;
    } rows[GAUGE_COUNT] = {
#define GAUGE(id, name, labels, how, sentence) [id] = {name, labels, how, sentence},
#include "exporters/metrics.tbl"
    };
    static const struct pair resident = {SPAN_INIT("kind"), SPAN_INIT("resident")};
    for (size_t g = 0; g < GAUGE_COUNT; g++) {
        struct pair label;
        size_t labels = label_of(rows[g].labels, &label);
        uint64_t value = gauge_joined(metrics, g, rows[g].how);
        begin(walk, rows[g].name, METRIC_GAUGE, rows[g].sentence);
        if (g == GAUGE_ACTIVE_REQUESTS)
            walk_active(walk, metrics);
        else if (rows[g].how == JOIN_MOST_SECONDS)
            give_us(walk, &label, labels, value);
        else
            give(walk, &label, labels, value);
        if (g == GAUGE_MEMORY_BYTES)
            give(walk, &resident, 1, resident_bytes());
    }
}

static void walk_counters(struct walk *walk, const struct metrics *metrics)
{
    static const struct {
        const char *name, *labels, *sentence;
    } rows[COUNTER_COUNT] = {
#define COUNTER(id, name, labels, sentence) [id] = {name, labels, sentence},
#include "exporters/metrics.tbl"
    };
    for (size_t c = 0; c < COUNTER_COUNT; c++) {
        struct pair label;
        size_t labels = label_of(rows[c].labels, &label);
        begin(walk, rows[c].name, METRIC_COUNTER, rows[c].sentence);
        give(walk, &label, labels, counter_sum(metrics, c));
    }
}

/* ---- destinations ---- */

enum export_id {
#define EXPORT(id, name, kind, sentence) id,
#include "exporters/metrics.tbl"
    EXPORTS,
};

static void walk_export(struct walk *walk, enum export_id id,
                        const struct destination_figures *figures, const struct spool_state *spool)
{
    const struct pair labels[] = {{SPAN("destination"), span_text(figures->name)},
                                  {SPAN("signal"), span_text(figures->signal)}};
    switch (id) {
    case EXPORT_PRODUCED: give(walk, labels, 2, figures->produced); break;
    case EXPORT_SENT: give(walk, labels, 2, figures->sent); break;
    case EXPORT_WAITING: give(walk, labels, 2, figures->waiting); break;
    case EXPORT_RESENT: give(walk, labels, 2, figures->resent); break;
    case EXPORT_SPOOL_RECORDS:
        if (spool->is_on)
            give(walk, labels, 2, spool->records);
        break;
    case EXPORT_SPOOL_BYTES:
        if (spool->is_on)
            give(walk, labels, 2, spool->bytes);
        break;
    case EXPORT_DROPPED:
        for (unsigned r = 0; r < DROP_REASONS; r++) {
            const char *reason = drop_reason_name((enum drop_reason)r);
            const struct pair with[] = {labels[0], labels[1], {SPAN("reason"), span_text(reason)}};
            give(walk, with, 3, figures->dropped[r]);
        }
        break;
    case EXPORTS: break;
    }
}

static void walk_exports(struct walk *walk, const struct exporter *exporter)
{
    static const struct metric rows[EXPORTS] = {
#define EXPORT(id, name, kind, sentence) [id] = {name, sentence, METRIC_##kind},
#include "exporters/metrics.tbl"
    };
    struct destination_figures figures[ACCOUNTS_MOST]; /* of one moment for all rows */
    struct spool_state spools[ACCOUNTS_MOST];
    unsigned count = exporter_accounts(exporter);
    for (unsigned i = 0; i < count; i++)
        exporter_account(exporter, i, &figures[i], &spools[i]);
    for (unsigned row = 0; row < EXPORTS; row++) {
        begin(walk, rows[row].name, rows[row].kind, rows[row].sentence);
        for (unsigned i = 0; i < count; i++)
            walk_export(walk, (enum export_id)row, &figures[i], &spools[i]);
    }
}

/* ---- the process as a whole ---- */

enum process_id {
#define PROCESS(id, name, kind, sentence) id,
#include "exporters/metrics.tbl"
    PROCESS_ROWS,
};

/* One figure with one label of static text. */
static void give_one(struct walk *walk, const char *name, const char *value, uint64_t figure)
{
    const struct pair label = {span_text(name), span_text(value)};
    give(walk, &label, 1, figure);
}

static void walk_rates(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->rate_count; i++) {
        const struct rate_figures *rate = &facts->rates[i];
        const struct pair labels[] = {{SPAN("control"), span_text(rate->control)},
                                      {SPAN("name"), rate->name}};
        give(walk, labels, 2, rate->forgotten);
    }
}

static void walk_ip_set_entries(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->ip_set_count; i++) {
        const struct ip_set_figures *set = &facts->ip_sets[i];
        struct pair labels[] = {{SPAN("ip_set"), set->name}, {SPAN("kind"), SPAN("configured")}};
        give(walk, labels, 2, set->configured);
        labels[1].value = SPAN("live");
        give(walk, labels, 2, set->live);
    }
}

static void walk_ip_set_fetches(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->ip_set_count; i++) {
        const struct ip_set_figures *set = &facts->ip_sets[i];
        for (size_t n = 0; n < set->count; n++) {
            const struct pair labels[] = {{SPAN("ip_set"), set->name},
                                          {SPAN("result"), span_text(set->words[n])}};
            give(walk, labels, 2, set->counts[n]);
        }
    }
}

static void walk_ip_set_ages(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->ip_set_count; i++) {
        const struct ip_set_figures *set = &facts->ip_sets[i];
        const struct pair label = {SPAN("ip_set"), set->name};
        if (set->is_fetched && set->came)
            give_us(walk, &label, 1, set->age_us);
    }
}

static void walk_key_fetches(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->key_set_count; i++) {
        const struct key_set_figures *keys = &facts->key_sets[i];
        struct pair labels[] = {{SPAN("authorizer"), keys->name},
                                {SPAN("result"), SPAN("fetched")}};
        give(walk, labels, 2, keys->fetched);
        labels[1].value = SPAN("failed");
        give(walk, labels, 2, keys->failed);
    }
}

static void walk_key_ages(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->key_set_count; i++) {
        const struct key_set_figures *keys = &facts->key_sets[i];
        const struct pair label = {SPAN("authorizer"), keys->name};
        if (keys->fetched_wall_us != 0)
            give_us(walk, &label, 1, keys->fetched_wall_us);
    }
}

static void walk_sampling(struct walk *walk, const struct process_facts *all)
{
    const struct sampling_facts *facts = &all->sampling;
    for (size_t i = 0; i < facts->rule_count; i++) {
        const struct sampling_figure *rule = &facts->rules[i];
        struct pair labels[] = {{SPAN("rule"), span_make(rule->name, rule->name_length)},
                                {SPAN("decision"), SPAN("")}};
        for (unsigned n = 0; n < SAMPLING_DECISIONS; n++) {
            labels[1].value = span_text(facts->decision(n));
            give(walk, labels, 2, rule->decisions[n]);
        }
    }
}

static void walk_sampling_rules(struct walk *walk, const struct process_facts *facts)
{
    if (facts->sampling.source != NULL)
        give_one(walk, "source", facts->sampling.source, facts->sampling.rule_count);
}

static void walk_sampling_calls(struct walk *walk, const struct process_facts *all)
{
    const struct sampling_facts *facts = &all->sampling;
    const struct {
        struct span call, result;
        uint64_t count;
    } rows[] = {{SPAN("rules"), SPAN("answered"), facts->rules_fetched},
                {SPAN("rules"), SPAN("failed"), facts->rules_failed},
                {SPAN("targets"), SPAN("answered"), facts->targets_fetched},
                {SPAN("targets"), SPAN("failed"), facts->targets_failed}};
    for (size_t i = 0; facts->source != NULL && i < sizeof rows / sizeof *rows; i++) {
        const struct pair labels[] = {{SPAN("call"), rows[i].call},
                                      {SPAN("result"), rows[i].result}};
        give(walk, labels, 2, rows[i].count);
    }
}

static void walk_waf(struct walk *walk, const struct process_facts *facts)
{
    give(walk, NULL, 0, facts->waf_effective);
    for (size_t i = 0; i < facts->waf_route_count; i++) {
        const struct waf_route *route = &facts->waf_routes[i];
        const struct pair labels[] = {{SPAN("http_request_method"), route->method},
                                      {SPAN("http_route"), route->template}};
        give(walk, labels, 2, route->effective);
    }
}

static void walk_certificates(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->certificate_count; i++) {
        const struct certificate_expiry *certificate = &facts->certificates[i];
        const struct pair labels[] = {{SPAN("listener"), certificate->listener},
                                      {SPAN("name"), certificate->name}};
        give(walk, labels, 2,
             certificate->not_after_s > 0 ? (uint64_t)certificate->not_after_s : 0);
    }
}

/* One series for each state, so that a query can ask for one by name. */
static void walk_alarms(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->alarm_count; i++)
        for (unsigned state = 0; alarm_state_word(state) != NULL; state++) {
            const struct pair labels[] = {{SPAN("alarm"), facts->alarms[i].name},
                                          {SPAN("state"), span_text(alarm_state_word(state))}};
            give(walk, labels, 2, strcmp(alarm_state_word(state), facts->alarms[i].state) == 0);
        }
}

static void walk_alarm_actions(struct walk *walk, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->alarm_action_count; i++) {
        const struct alarm_action_count *count = &facts->alarm_actions[i];
        const struct pair labels[] = {{SPAN("type"), span_text(count->type)},
                                      {SPAN("outcome"), span_text(count->outcome)}};
        give(walk, labels, 2, count->count);
    }
}

static void walk_reload(struct walk *walk, const struct process_facts *facts)
{
    give(walk, NULL, 0, facts->last_reload_successful);
}

static void walk_reload_time(struct walk *walk, const struct process_facts *facts)
{
    give_us(walk, NULL, 0, facts->last_reload_wall_us);
}

static void walk_build(struct walk *walk, const struct process_facts *facts)
{
    give_one(walk, "version", facts->version != NULL ? facts->version : "", 1);
}

/* Rows that are numbers of the facts as they stand there. */
static const struct {
    enum process_id id;
    const char *label, *value; /* "": none */
    size_t at;
} numbers[] = {
#define FACT(id, label, value, member)                           \
    {                                                            \
        id, label, value, offsetof(struct process_facts, member) \
    }
    FACT(PROCESS_SNAPSHOT, "", "", snapshot_number),
    FACT(PROCESS_RESTARTS, "", "", child_restarts),
    FACT(PROCESS_DNS, "result", "answered", dns_answered),
    FACT(PROCESS_DNS, "result", "failed", dns_failed),
    FACT(PROCESS_DNS, "result", "dropped", dns_dropped),
    FACT(PROCESS_USAGE, "result", "written", usage_written),
    FACT(PROCESS_USAGE, "result", "failed", usage_failed),
    FACT(PROCESS_USAGE, "result", "broken", usage_broken),
    FACT(PROCESS_SERIES, "", "", series.count),
    FACT(PROCESS_SERIES_BYTES, "", "", series.bytes),
    FACT(PROCESS_SERIES_LOST, "reason", "metrics", series.refused),
    FACT(PROCESS_SERIES_LOST, "reason", "rows", series.overflowed),
    FACT(PROCESS_SERIES_LOST, "reason", "late", series.late),
    FACT(PROCESS_SERIES_LOST, "reason", "bytes", series.forgotten),
    FACT(PROCESS_SERIES_LOST, "reason", "filters", series.filters),
    FACT(PROCESS_SERIES_LOST, "reason", "disk", series.disk_forgotten),
    FACT(PROCESS_SERIES_LOST, "reason", "broken", series.broken),
    FACT(PROCESS_SERIES_DISK, "", "", series.disk_bytes),
    FACT(PROCESS_SERIES_WRITTEN, "result", "written", series.written),
    FACT(PROCESS_SERIES_WRITTEN, "result", "failed", series.failures),
    FACT(PROCESS_CHANGES_REFUSED, "", "", changes_refused),
    FACT(PROCESS_CHANGE_LOG, "", "", change_log_failed),
    FACT(PROCESS_ALARM_WAITING, "", "", alarm_actions_waiting),
    FACT(PROCESS_ALARM_RETRIES, "", "", alarm_action_retries),
    FACT(PROCESS_ALARM_BOOK, "what", "write", alarm_book_failed),
    FACT(PROCESS_ALARM_BOOK, "what", "read", alarm_book_broken),
#undef FACT
};

/* The others; NULL: above. */
static void (*const walks[PROCESS_ROWS])(struct walk *walk, const struct process_facts *facts) = {
    [PROCESS_WAF] = walk_waf,
    [PROCESS_RATES] = walk_rates,
    [PROCESS_RELOAD] = walk_reload,
    [PROCESS_RELOAD_TIME] = walk_reload_time,
    [PROCESS_IP_SETS] = walk_ip_set_entries,
    [PROCESS_IP_SET_FETCHES] = walk_ip_set_fetches,
    [PROCESS_IP_SET_AGE] = walk_ip_set_ages,
    [PROCESS_KEY_FETCHES] = walk_key_fetches,
    [PROCESS_KEY_AGE] = walk_key_ages,
    [PROCESS_SAMPLING] = walk_sampling,
    [PROCESS_SAMPLING_RULES] = walk_sampling_rules,
    [PROCESS_SAMPLING_CALLS] = walk_sampling_calls,
    [PROCESS_CERTIFICATES] = walk_certificates,
    [PROCESS_ALARMS] = walk_alarms,
    [PROCESS_ALARM_ACTIONS] = walk_alarm_actions,
    [PROCESS_BUILD] = walk_build,
};

static bool walk_numbers(struct walk *walk, enum process_id id, const struct process_facts *facts)
{
    bool any = false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct pair label = {span_text(numbers[i].label), span_text(numbers[i].value)};
        uint64_t number;
        if (numbers[i].id != id)
            continue;
        memcpy(&number, (const char *)facts + numbers[i].at, sizeof number);
        give(walk, &label, label.name.len > 0 ? 1 : 0, number);
        any = true;
    }
    return any;
}

static void walk_process_row(struct walk *walk, enum process_id id,
                             const struct process_facts *facts)
{
    if (walks[id] != NULL)
        walks[id](walk, facts);
    else
        must(walk_numbers(walk, id, facts));
}

static void walk_process(struct walk *walk, const struct process_facts *facts)
{
    static const struct metric rows[PROCESS_ROWS] = {
#define PROCESS(id, name, kind, sentence) [id] = {name, sentence, METRIC_##kind},
#include "exporters/metrics.tbl"
    };
    for (unsigned row = 0; row < PROCESS_ROWS; row++) {
        begin(walk, rows[row].name, rows[row].kind, rows[row].sentence);
        walk_process_row(walk, (enum process_id)row, facts);
    }
}

void metrics_walk(const struct metrics *metrics, const struct exporter *exporter,
                  const struct process_facts *facts, const struct metric_sink *sink)
{
    struct walk walk = {.sink = sink, .start_wall_us = metrics->began_wall_us};
    walk_families(&walk, metrics);
    walk_gauges(&walk, metrics);
    walk_counters(&walk, metrics);
    walk.start_wall_us = 0; /* some outlive the process, and do not say since when they count */
    if (exporter != NULL)
        walk_exports(&walk, exporter);
    walk_process(&walk, facts);
}
