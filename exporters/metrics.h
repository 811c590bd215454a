/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and histograms. Each worker adds to its own (plain relaxed atomics, one writer); a
 * reader sums over all. OpenTelemetry's names in Prometheus' spelling; at most 2,000 label sets a
 * metric, then one overflow series. */
#ifndef SIDEGATE_EXPORTERS_METRICS_H
#define SIDEGATE_EXPORTERS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/report.h"
#include "rules/base/buf.h"

struct metrics;        /* the whole: created once, outlives all workers */
struct worker_metrics; /* one worker's share */

/* `now_wall_us`: since when all of it counts. */
struct metrics *metrics_new(unsigned workers, uint64_t now_wall_us);
void metrics_free(struct metrics *metrics);
/* Histograms are kept in exponential buckets too: to be said before anything is counted. */
void metrics_use_exponential(struct metrics *metrics);
struct worker_metrics *metrics_worker(struct metrics *metrics, unsigned worker);
struct meter; /* meter.h: what alarms ask for, of one worker */
struct meter *metrics_meter(struct metrics *metrics, unsigned worker);
struct tally; /* tally.h: what is kept by route, method and rule, of one worker */
struct tally *metrics_tally(struct metrics *metrics, unsigned worker);

/* Everything that a finished exchange counts: http_server_request_duration_seconds,
 * http_client_request_duration_seconds, sidegate_stage_duration_seconds, sidegate_decisions_total,
 * sidegate_rule_matches_total, sidegate_rule_limits_total. */
void metrics_count(struct worker_metrics *metrics, const struct report *report);

/* Gauges and counters that a worker keeps up to date; one row each in metrics.tbl:
 * METRIC(id, name, kind, unit sentence). */
enum worker_gauge {
    GAUGE_ACTIVE_REQUESTS,    /* metrics_active() */
    GAUGE_CONNECTIONS_ACTIVE, /* sidegate_connections{state="active"} */
    GAUGE_CONNECTIONS_IDLE,
    GAUGE_UPSTREAM_IDLE, /* sidegate_upstream_connections{state} */
    GAUGE_UPSTREAM_BUSY,
    GAUGE_UPSTREAM_PENDING,
    GAUGE_LOOP_DELAY_US,
    GAUGE_MEMORY_BYTES,   /* sidegate_memory_bytes{kind="exchanges"} */
    GAUGE_OVERLOAD_LEVEL, /* 0 to 4 */
    GAUGE_COUNT,
};
void metrics_gauge(struct worker_metrics *metrics, enum worker_gauge gauge, uint64_t value);
/* Requests in flight have the labels that OpenTelemetry wants, method and scheme: a place for each
 * pair. One that was never told of is no series. */
enum { ACTIVE_PLACES = 22 };
size_t active_place(struct span method, struct span scheme);
void metrics_active(struct worker_metrics *metrics, size_t place, uint64_t value);

enum worker_counter {
    COUNTER_CONNECTIONS,         /* accepted */
    COUNTER_CONNECTIONS_REFUSED, /* over limits.connections or memory */
    COUNTER_UPSTREAM_CONNECTS,
    COUNTER_UPSTREAM_CONNECT_FAILURES,
    COUNTER_UPSTREAM_RETRIES,
    COUNTER_UPSTREAM_REJECTED, /* the queue was full */
    COUNTER_LOOKUPS_LISTED,    /* by @rbl, of what is known */
    COUNTER_LOOKUPS_NOT_LISTED,
    COUNTER_LOOKUPS_UNKNOWN,
    COUNTER_TLS_FULL, /* sidegate_tls_handshakes_total{result}: of clients */
    COUNTER_TLS_RESUMED,
    COUNTER_TLS_FAILED_TIMEOUT, /* in the order of sidecar/wire/tls_failures.tbl */
    COUNTER_TLS_FAILED_CLOSED,
    COUNTER_TLS_FAILED_NO_TLS,
    COUNTER_TLS_FAILED_VERSION,
    COUNTER_TLS_FAILED_CIPHER,
    COUNTER_TLS_FAILED_PROTOCOL,
    COUNTER_TLS_FAILED_NO_CERTIFICATE,
    COUNTER_TLS_FAILED_BAD_CERTIFICATE,
    COUNTER_TLS_FAILED_EXPIRED,
    COUNTER_TLS_FAILED_REVOKED,
    COUNTER_TLS_FAILED_ALERT,
    COUNTER_TLS_FAILED_OTHER,
    COUNTER_COUNT,
};
void metrics_add(struct worker_metrics *metrics, enum worker_counter counter, uint64_t n);

/* A route that says itself whether rules may refuse its requests. */
struct waf_route {
    struct span method, template;
    bool effective;
};

/* A limit on how often something comes, and how many keys it had no room for. */
struct rate_figures {
    const char *control; /* "access", "rate_limit": static text */
    struct span name;
    uint64_t forgotten;
};

/* A list of addresses, and what is known of the server that it comes from. */
struct ip_set_figures {
    struct span name;
    uint64_t configured, live;
    bool is_fetched;          /* the rest means something */
    const char *const *words; /* of the counts; static texts */
    const uint64_t *counts;   /* borrowed */
    size_t count;
    bool came; /* once, at least */
    uint64_t age_us;
};

/* The keys of an authorizer's issuer. */
struct key_set_figures {
    struct span name; /* of the authorizer */
    uint64_t fetched, failed;
    uint64_t fetched_wall_us; /* 0: there are none */
};

/* A certificate that a listener presents. */
struct certificate_expiry {
    struct span listener, name; /* the first name that it is for */
    int64_t not_after_s;        /* since 1970 */
};

/* An alarm and the state that it is in. */
struct alarm_figure {
    struct span name;
    const char *state; /* static text */
};

/* What became of the requests that a sampling rule was asked about. */
enum { SAMPLING_DECISIONS = 4 };
struct sampling_figure {
    size_t name_length;
    char name[64];
    uint64_t decisions[SAMPLING_DECISIONS];
};
struct sampling_facts {
    const struct sampling_figure *rules; /* borrowed */
    size_t rule_count;
    const char *source; /* of the rules: "file"...; NULL: none are asked */
    const char *(*decision)(unsigned i);
    uint64_t rules_fetched, rules_failed, targets_fetched, targets_failed;
};

/* Actions of alarms, by type and what they came to. */
struct alarm_action_count {
    const char *type, *outcome; /* static text */
    uint64_t count;
};

/* What is known of the process as a whole; set by whoever knows, read at a scrape. */
struct process_facts {
    const char *version;
    uint64_t snapshot_number;
    bool last_reload_successful;
    uint64_t last_reload_wall_us;
    uint64_t child_restarts;
    uint64_t dns_answered, dns_failed, dns_dropped;
    uint64_t usage_written, usage_failed, usage_broken; /* lines; attempts that failed */
    struct {
        uint64_t count, bytes; /* that are kept */
        uint64_t refused, overflowed, late, forgotten, filters;
        uint64_t disk_bytes, written, failures, broken, disk_forgotten; /* archive.h */
    } series;                           /* in CloudWatch's way; all 0 where none are kept */
    bool waf_effective;                 /* rules are loaded and the engine is on */
    const struct waf_route *waf_routes; /* those with a mode of their own; borrowed */
    size_t waf_route_count;
    const struct rate_figures *rates; /* borrowed */
    size_t rate_count;
    const struct key_set_figures *key_sets; /* borrowed; those that are fetched */
    size_t key_set_count;
    const struct alarm_figure *alarms; /* borrowed */
    struct sampling_facts sampling;
    size_t alarm_count;
    const struct alarm_action_count *alarm_actions; /* borrowed */
    size_t alarm_action_count;
    uint64_t alarm_actions_waiting, alarm_action_retries;
    uint64_t alarm_book_failed, alarm_book_broken; /* writings; lines */
    uint64_t change_log_failed;                    /* records that it lacks */
    uint64_t changes_refused;                      /* orders, for it could not be written */
    const struct certificate_expiry *certificates; /* borrowed */
    size_t certificate_count;
    const struct ip_set_figures *ip_sets; /* borrowed */
    size_t ip_set_count;
};

struct exporter; /* exporters/exporter.h: its counters are part of it all */
/* The page that Prometheus reads. OpenMetrics has exemplars, units and the time since when each
 * figure counts. */
enum page_form { PAGE_PROMETHEUS /* text 0.0.4 */, PAGE_OPENMETRICS /* text 1.0.0 */ };
/* Any thread. */
void metrics_print(const struct metrics *metrics, const struct exporter *exporter,
                   const struct process_facts *facts, enum page_form form, struct buf *to);
/* Which of them an Accept field (empty: none) prefers, and its media type. */
enum page_form page_form_of(struct span accept);
struct span page_form_type(enum page_form form);

#endif
