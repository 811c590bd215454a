/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over all figures. */
#include "exporters/metrics_walk_inside.h"

#include <fcntl.h>
#include <unistd.h>

#include "exporters/exporter.h"
#include "exporters/words.h"
#include "rules/base/number.h"

enum joining { JOIN_SUM, JOIN_MOST, JOIN_MOST_SECONDS };

void walk_begin(struct walk *walk, const char *name, enum metric_kind kind, const char *sentence)
{
    if (*sentence == '\0')
        return;
    walk->metric = (struct metric){name, sentence, kind};
    walk->sink->metric(walk->sink->context, &walk->metric);
}

void walk_give(struct walk *walk, const struct pair *labels, size_t count, uint64_t value)
{
    const struct figure figure = {.labels = labels,
                                  .label_count = count,
                                  .value = value,
                                  .start_wall_us = walk->start_wall_us};
    walk->sink->figure(walk->sink->context, &walk->metric, &figure);
}

void walk_give_us(struct walk *walk, const struct pair *labels, size_t count, uint64_t us)
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

/* After the buckets. */
static void add_extremes(struct histogram_figures *figures, struct series *series)
{
    uint64_t least_and_1 = atomic_load_explicit(&series->least_and_1, memory_order_relaxed);
    uint64_t most = atomic_load_explicit(&series->most, memory_order_relaxed);
    if (least_and_1 > 0 && (figures->least_and_1_us == 0 || least_and_1 < figures->least_and_1_us))
        figures->least_and_1_us = least_and_1;
    figures->most_us = most > figures->most_us ? most : figures->most_us;
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
        uint64_t n = atomic_load_explicit(&series->buckets[b], memory_order_acquire);
        sums->figures.buckets[b] += n;
        sums->figures.count += n;
    }
    add_extremes(&sums->figures, series);
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
        walk_begin(walk, rows[f].name, rows[f].kind, rows[f].sentence);
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
            walk_give(walk, labels, 2, sum);
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
        walk_begin(walk, rows[g].name, METRIC_GAUGE, rows[g].sentence);
        if (g == GAUGE_ACTIVE_REQUESTS)
            walk_active(walk, metrics);
        else if (rows[g].how == JOIN_MOST_SECONDS)
            walk_give_us(walk, &label, labels, value);
        else
            walk_give(walk, &label, labels, value);
        if (g == GAUGE_MEMORY_BYTES)
            walk_give(walk, &resident, 1, resident_bytes());
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
        walk_begin(walk, rows[c].name, METRIC_COUNTER, rows[c].sentence);
        walk_give(walk, &label, labels, counter_sum(metrics, c));
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
    case EXPORT_PRODUCED: walk_give(walk, labels, 2, figures->produced); break;
    case EXPORT_SENT: walk_give(walk, labels, 2, figures->sent); break;
    case EXPORT_WAITING: walk_give(walk, labels, 2, figures->waiting); break;
    case EXPORT_RESENT: walk_give(walk, labels, 2, figures->resent); break;
    case EXPORT_SPOOL_RECORDS:
        if (spool->is_on)
            walk_give(walk, labels, 2, spool->records);
        break;
    case EXPORT_SPOOL_BYTES:
        if (spool->is_on)
            walk_give(walk, labels, 2, spool->bytes);
        break;
    case EXPORT_DROPPED:
        for (unsigned r = 0; r < DROP_REASONS; r++) {
            const char *reason = drop_reason_name((enum drop_reason)r);
            const struct pair with[] = {labels[0], labels[1], {SPAN("reason"), span_text(reason)}};
            walk_give(walk, with, 3, figures->dropped[r]);
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
        walk_begin(walk, rows[row].name, rows[row].kind, rows[row].sentence);
        for (unsigned i = 0; i < count; i++)
            walk_export(walk, (enum export_id)row, &figures[i], &spools[i]);
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
