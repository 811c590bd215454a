/* SPDX-License-Identifier: Apache-2.0 */
/* The page: Prometheus' text format 0.0.4. Sums over the workers as they are at this moment; a
 * histogram's count is the sum of its buckets, so that it never contradicts them. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exporters/alarms/state.h"
#include "exporters/exporter.h"
#include "exporters/metrics.h"
#include "exporters/metrics_table.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum joining { JOIN_SUM, JOIN_MOST, JOIN_MOST_SECONDS };

/* # HELP and # TYPE, once for rows of the same name. */
static void add_head(struct buf *to, const char *name, enum metric_kind kind, const char *sentence)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    if (*sentence != '\0')
        buf_format(to, "# HELP %s %s\n# TYPE %s %s\n", name, sentence, name, kinds[kind]);
}

static void add_unsigned(struct buf *to, uint64_t value)
{
    char digits[24];
    buf_add(to, span_make(digits,
                          number_write(digits, value <= INT64_MAX ? (int64_t)value : INT64_MAX)));
}

static void add_seconds(struct buf *to, uint64_t us)
{
    buf_format(to, "%llu.%06llu", (unsigned long long)(us / 1000000),
               (unsigned long long)(us % 1000000));
}

/* name{labels} and a space; `more` is a further label or "". */
static void add_name(struct buf *to, const char *name, const char *labels, const char *more)
{
    buf_add(to, span_text(name));
    if (*labels != '\0' || *more != '\0') {
        buf_add_byte(to, '{');
        buf_add(to, span_text(labels));
        if (*labels != '\0' && *more != '\0')
            buf_add_byte(to, ',');
        buf_add(to, span_text(more));
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ' ');
}

static void add_line(struct buf *to, const char *name, const char *labels, uint64_t value)
{
    add_name(to, name, labels, "");
    add_unsigned(to, value);
    buf_add_byte(to, '\n');
}

struct sums {
    bool any;
    uint64_t sum, buckets[BUCKETS + 1];
};

static struct sums series_sums(const struct metrics *metrics, size_t family, unsigned set)
{
    struct sums sums = {0};
    for (unsigned w = 0; w < metrics->workers; w++) {
        const struct share *share = &metrics->list[w]->shares[family];
        struct series *series = atomic_load_explicit(&share->series[set], memory_order_acquire);
        if (series == NULL)
            continue;
        sums.any = true;
        sums.sum += atomic_load_explicit(&series->sum, memory_order_relaxed);
        for (size_t b = 0; b <= BUCKETS; b++)
            sums.buckets[b] += atomic_load_explicit(&series->buckets[b], memory_order_relaxed);
    }
    return sums;
}

static void add_histogram(struct buf *to, const char *name, const char *labels,
                          const struct sums *sums)
{
    char part[128], bound[32];
    uint64_t below = 0;
    snprintf(part, sizeof part, "%s_bucket", name);
    for (size_t b = 0; b <= BUCKETS; b++) {
        below += sums->buckets[b];
        snprintf(bound, sizeof bound, "le=\"%s\"", bucket_names[b]);
        add_name(to, part, labels, bound);
        add_unsigned(to, below);
        buf_add_byte(to, '\n');
    }
    snprintf(part, sizeof part, "%s_sum", name);
    add_name(to, part, labels, "");
    add_seconds(to, sums->sum);
    buf_add_byte(to, '\n');
    snprintf(part, sizeof part, "%s_count", name);
    add_line(to, part, labels, below);
}

static void add_families(const struct metrics *metrics, struct buf *to)
{
    static const struct {
        const char *name;
        enum metric_kind kind;
        const char *sentence;
    } rows[FAMILIES] = {
#define FAMILY(id, name, kind, sentence) [id] = {name, METRIC_##kind, sentence},
#include "exporters/metrics.tbl"
    };
    for (size_t f = 0; f < FAMILIES; f++) {
        const struct family *family = &metrics->families[f];
        unsigned count = atomic_load_explicit(&family->count, memory_order_acquire);
        add_head(to, rows[f].name, rows[f].kind, rows[f].sentence);
        for (unsigned i = 0; i <= count; i++) {
            unsigned set = i < count ? i : OVERFLOW_SET;
            struct sums sums = series_sums(metrics, f, set);
            const char *labels =
                set < OVERFLOW_SET ? family->list[set]->text : "otel_metric_overflow=\"true\"";
            if (sums.any && rows[f].kind == METRIC_HISTOGRAM)
                add_histogram(to, rows[f].name, labels, &sums);
            else if (sums.any)
                add_line(to, rows[f].name, labels, sums.sum);
        }
    }
}

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

static void add_gauges(const struct metrics *metrics, struct buf *to)
{
    static const struct {
        const char *name, *labels;
        enum joining how;
        const char *sentence;
    } rows[GAUGE_COUNT] = {
#define GAUGE(id, name, labels, how, sentence) [id] = {name, labels, how, sentence},
#include "exporters/metrics.tbl"
    };
    for (size_t g = 0; g < GAUGE_COUNT; g++) {
        uint64_t value = gauge_joined(metrics, g, rows[g].how);
        add_head(to, rows[g].name, METRIC_GAUGE, rows[g].sentence);
        if (rows[g].how == JOIN_MOST_SECONDS) {
            add_name(to, rows[g].name, rows[g].labels, "");
            add_seconds(to, value);
            buf_add_byte(to, '\n');
        } else {
            add_line(to, rows[g].name, rows[g].labels, value);
        }
        if (g == GAUGE_MEMORY_BYTES)
            add_line(to, rows[g].name, "kind=\"resident\"", resident_bytes());
    }
}

static void add_counters(const struct metrics *metrics, struct buf *to)
{
    static const struct {
        const char *name, *labels, *sentence;
    } rows[COUNTER_COUNT] = {
#define COUNTER(id, name, labels, sentence) [id] = {name, labels, sentence},
#include "exporters/metrics.tbl"
    };
    for (size_t c = 0; c < COUNTER_COUNT; c++) {
        add_head(to, rows[c].name, METRIC_COUNTER, rows[c].sentence);
        add_line(to, rows[c].name, rows[c].labels, counter_sum(metrics, c));
    }
}

enum export_id {
#define EXPORT(id, name, kind, sentence) id,
#include "exporters/metrics.tbl"
    EXPORTS,
};

static void add_export(struct buf *to, enum export_id id, const char *name,
                       const struct destination_figures *figures)
{
    char labels[128];
    snprintf(labels, sizeof labels, "destination=\"%s\",signal=\"%s\"", figures->name,
             figures->signal);
    switch (id) {
    case EXPORT_PRODUCED: add_line(to, name, labels, figures->produced); break;
    case EXPORT_SENT: add_line(to, name, labels, figures->sent); break;
    case EXPORT_WAITING: add_line(to, name, labels, figures->waiting); break;
    case EXPORT_RESENT: add_line(to, name, labels, figures->resent); break;
    case EXPORT_SPOOL_RECORDS:
    case EXPORT_SPOOL_BYTES: break; /* there is one spool: see add_spool() */
    case EXPORT_DROPPED:
        for (unsigned r = 0; r < DROP_REASONS; r++) {
            char reason[64];
            snprintf(reason, sizeof reason, "reason=\"%s\"", drop_reason_name((enum drop_reason)r));
            add_name(to, name, labels, reason);
            add_unsigned(to, figures->dropped[r]);
            buf_add_byte(to, '\n');
        }
        break;
    case EXPORTS: break;
    }
}

static void add_spool(struct buf *to, enum export_id id, const char *name,
                      const struct spool_state *spool)
{
    if (spool->is_on && id == EXPORT_SPOOL_RECORDS)
        add_line(to, name, "destination=\"otlp\"", spool->records);
    if (spool->is_on && id == EXPORT_SPOOL_BYTES)
        add_line(to, name, "destination=\"otlp\"", spool->bytes);
}

static void add_exports(const struct exporter *exporter, struct buf *to)
{
    static const struct {
        const char *name;
        enum metric_kind kind;
        const char *sentence;
    } rows[EXPORTS] = {
#define EXPORT(id, name, kind, sentence) [id] = {name, METRIC_##kind, sentence},
#include "exporters/metrics.tbl"
    };
    struct destination_figures figures[DESTINATIONS]; /* of one moment for all rows */
    struct spool_state spool;
    exporter_spool(exporter, &spool);
    for (unsigned d = 0; d < DESTINATIONS; d++)
        exporter_figures(exporter, (enum destination)d, &figures[d]);
    for (unsigned row = 0; row < EXPORTS; row++) {
        add_head(to, rows[row].name, rows[row].kind, rows[row].sentence);
        for (unsigned d = 0; d < DESTINATIONS; d++)
            add_export(to, (enum export_id)row, rows[row].name, &figures[d]);
        add_spool(to, (enum export_id)row, rows[row].name, &spool);
    }
}

enum process_id {
#define PROCESS(id, name, kind, sentence) id,
#include "exporters/metrics.tbl"
    PROCESS_ROWS,
};

static void add_label(struct buf *to, const char *name, struct span value)
{
    buf_format(to, "%s=\"", name);
    label_value_add(to, value);
    buf_add_byte(to, '"');
}

static void add_rates(struct buf *to, const char *name, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->rate_count; i++) {
        const struct rate_figures *rate = &facts->rates[i];
        buf_format(to, "%s{control=\"%s\",", name, rate->control);
        add_label(to, "name", rate->name);
        buf_format(to, "} %llu\n", (unsigned long long)rate->forgotten);
    }
}

static void add_ip_set(struct buf *to, const char *name, const struct ip_set_figures *set)
{
    buf_format(to, "%s{", name);
    add_label(to, "ip_set", set->name);
}

static void add_ip_sets(struct buf *to, enum process_id id, const char *name,
                        const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->ip_set_count; i++) {
        const struct ip_set_figures *set = &facts->ip_sets[i];
        if (id == PROCESS_IP_SETS) {
            add_ip_set(to, name, set);
            buf_format(to, ",kind=\"configured\"} %llu\n", (unsigned long long)set->configured);
            add_ip_set(to, name, set);
            buf_format(to, ",kind=\"live\"} %llu\n", (unsigned long long)set->live);
        } else if (id == PROCESS_IP_SET_AGE && set->is_fetched && set->came) {
            add_ip_set(to, name, set);
            buf_add(to, SPAN("} "));
            add_seconds(to, set->age_us);
            buf_add_byte(to, '\n');
        }
        for (size_t n = 0; id == PROCESS_IP_SET_FETCHES && n < set->count; n++) {
            add_ip_set(to, name, set);
            buf_format(to, ",result=\"%s\"} %llu\n", set->words[n],
                       (unsigned long long)set->counts[n]);
        }
    }
}

static void add_key_fetches(struct buf *to, const char *name, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->key_set_count; i++) {
        const struct key_set_figures *keys = &facts->key_sets[i];
        buf_format(to, "%s{", name);
        add_label(to, "authorizer", keys->name);
        buf_format(to, ",result=\"fetched\"} %llu\n", (unsigned long long)keys->fetched);
        buf_format(to, "%s{", name);
        add_label(to, "authorizer", keys->name);
        buf_format(to, ",result=\"failed\"} %llu\n", (unsigned long long)keys->failed);
    }
}

static void add_key_ages(struct buf *to, const char *name, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->key_set_count; i++) {
        const struct key_set_figures *keys = &facts->key_sets[i];
        if (keys->fetched_wall_us == 0)
            continue;
        buf_format(to, "%s{", name);
        add_label(to, "authorizer", keys->name);
        buf_add(to, SPAN("} "));
        add_seconds(to, keys->fetched_wall_us);
        buf_add_byte(to, '\n');
    }
}

static void add_waf(struct buf *to, const char *name, const struct process_facts *facts)
{
    add_line(to, name, "", facts->waf_effective);
    for (size_t i = 0; i < facts->waf_route_count; i++) {
        const struct waf_route *route = &facts->waf_routes[i];
        buf_format(to, "%s{", name);
        add_label(to, "http_request_method", route->method);
        buf_add_byte(to, ',');
        add_label(to, "http_route", route->template);
        buf_format(to, "} %d\n", (int)route->effective);
    }
}

static void add_certificates(struct buf *to, const char *name, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->certificate_count; i++) {
        const struct certificate_expiry *certificate = &facts->certificates[i];
        buf_format(to, "%s{", name);
        add_label(to, "listener", certificate->listener);
        buf_add_byte(to, ',');
        add_label(to, "name", certificate->name);
        buf_format(to, "} %lld\n", (long long)certificate->not_after_s);
    }
}

/* One series for each state, so that a query can ask for one by name. */
static void add_alarms(struct buf *to, const char *name, const struct process_facts *facts)
{
    for (size_t i = 0; i < facts->alarm_count; i++)
        for (unsigned state = 0; alarm_state_word(state) != NULL; state++) {
            buf_format(to, "%s{", name);
            add_label(to, "alarm", facts->alarms[i].name);
            buf_format(to, ",state=\"%s\"} %d\n", alarm_state_word(state),
                       strcmp(alarm_state_word(state), facts->alarms[i].state) == 0);
        }
}

static void add_process_row(struct buf *to, enum process_id id, const char *name,
                            const struct process_facts *facts)
{
    switch (id) {
    case PROCESS_WAF: add_waf(to, name, facts); break;
    case PROCESS_RATES: add_rates(to, name, facts); break;
    case PROCESS_RELOAD: add_line(to, name, "", facts->last_reload_successful); break;
    case PROCESS_RELOAD_TIME:
        add_name(to, name, "", "");
        add_seconds(to, facts->last_reload_wall_us);
        buf_add_byte(to, '\n');
        break;
    case PROCESS_SNAPSHOT: add_line(to, name, "", facts->snapshot_number); break;
    case PROCESS_RESTARTS: add_line(to, name, "", facts->child_restarts); break;
    case PROCESS_DNS:
        add_line(to, name, "result=\"answered\"", facts->dns_answered);
        add_line(to, name, "result=\"failed\"", facts->dns_failed);
        add_line(to, name, "result=\"dropped\"", facts->dns_dropped);
        break;
    case PROCESS_USAGE:
        add_line(to, name, "result=\"written\"", facts->usage_written);
        add_line(to, name, "result=\"failed\"", facts->usage_failed);
        add_line(to, name, "result=\"broken\"", facts->usage_broken);
        break;
    case PROCESS_IP_SETS:
    case PROCESS_IP_SET_FETCHES:
    case PROCESS_IP_SET_AGE: add_ip_sets(to, id, name, facts); break;
    case PROCESS_KEY_FETCHES: add_key_fetches(to, name, facts); break;
    case PROCESS_KEY_AGE: add_key_ages(to, name, facts); break;
    case PROCESS_CERTIFICATES: add_certificates(to, name, facts); break;
    case PROCESS_ALARMS: add_alarms(to, name, facts); break;
    case PROCESS_BUILD:
        buf_format(to, "%s{version=\"%s\"} 1\n", name,
                   facts->version != NULL ? facts->version : "");
        break;
    case PROCESS_ROWS: break;
    }
}

static void add_process(const struct process_facts *facts, struct buf *to)
{
    static const struct {
        const char *name;
        enum metric_kind kind;
        const char *sentence;
    } rows[PROCESS_ROWS] = {
#define PROCESS(id, name, kind, sentence) [id] = {name, METRIC_##kind, sentence},
#include "exporters/metrics.tbl"
    };
    for (unsigned row = 0; row < PROCESS_ROWS; row++) {
        add_head(to, rows[row].name, rows[row].kind, rows[row].sentence);
        add_process_row(to, (enum process_id)row, rows[row].name, facts);
    }
}

void metrics_print(const struct metrics *metrics, const struct exporter *exporter,
                   const struct process_facts *facts, struct buf *to)
{
    add_families(metrics, to);
    add_gauges(metrics, to);
    add_counters(metrics, to);
    if (exporter != NULL)
        add_exports(exporter, to);
    add_process(facts, to);
}
