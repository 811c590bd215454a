/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a record: worker -> ring -> exporter thread -> bounded queue of each destination ->
 * its writer.
 *
 *   worker 0 ==ring== \                  / access log   (a writer thread: a file or pipe may block)
 *   worker 1 ==ring== - exporter thread --- rule log, audit log     (likewise)
 *                                        \ OTLP traces  (libcurl multi on the exporter thread)
 *
 * The ring lies in a memfd that the parent holds: what a dead child left in it, the next one
 * exports. A full ring or queue drops the oldest (queue) or the new one (ring), and counts it by
 * destination and reason; it never blocks. */
#ifndef SIDEGATE_EXPORTERS_EXPORTER_H
#define SIDEGATE_EXPORTERS_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/limits.h"
#include "exporters/log_settings.h"
#include "exporters/otlp_signal.h"
#include "exporters/report.h"
#include "exporters/waf_log.h"
#include "exporters/xray.h"
#include "rules/base/buf.h"

struct ring;
struct exporter;
struct metric_filters;

/* The parent makes it before the first fork: a memfd of `workers` rings with two lanes each
 * (security, ordinary). -1 with errno. */
int ring_create(unsigned workers, size_t bytes_each);
/* Maps it; what lies in it is kept. NULL: not a ring of this version. */
struct ring *ring_open(int fd);
void ring_close(struct ring *ring);
/* Worker's side: folds the report and puts it in; false: no room, counted by the ring. Blocked,
 * would-block and rule matches take the security lane, which the exporter empties first. Only
 * `worker`'s own thread calls it. */
bool ring_put(struct ring *ring, unsigned worker, const struct report *report);
/* Worker's side: a quarter of one of its lanes is waiting; the exporter should not sleep on. */
bool ring_fills(const struct ring *ring, unsigned worker);

/* The logs stand in destinations.tbl and come first. */
enum destination {
#define LOG(id, ...) DESTINATION_##id,
#include "exporters/destinations.tbl"
#undef LOG
    DESTINATION_TRACES,
    DESTINATION_OTLP_REQUESTS, /* log records of OTLP: OTLP_LOG_REQUESTS */
    DESTINATION_OTLP_EVENTS,   /* OTLP_LOG_EVENTS */
    DESTINATIONS,
    LOGS = DESTINATION_TRACES
};
enum audit_format { AUDIT_JSON, AUDIT_NATIVE };
enum audit_type { AUDIT_SERIAL, AUDIT_CONCURRENT };
/* The audit log: one file of records, or one file for each record and an index of them, which is
 * then what the log's path names. */
struct audit_settings {
    enum audit_format format;
    enum audit_type type;
    struct span storage_dir;         /* concurrent: where the records' own files go */
    unsigned folder_mode, file_mode; /* of these; 0: 0750 and 0640 */
};

/* When what waits for a receiver is sent. */
struct otlp_batch {
    uint64_t delay_us;    /* what comes first waits no longer; 0: 1 s */
    unsigned units;       /* in one request at the most; 0: 8,192 */
    unsigned queue_units; /* that wait in memory at the most; 0: what has room */
};

enum otlp_protocol { OTLP_HTTP, OTLP_GRPC };
/* One signal to one receiver of OTLP: channels.h. */
struct channel_settings {
    struct span name; /* the receiver's, as figures have it: "otlp" */
    enum otlp_signal signal;
    struct span url; /* of its requests, whole: "http://127.0.0.1:4318/v1/traces" */
    enum otlp_protocol protocol;
    uint64_t timeout_us; /* of one request; 0: 10 s */
    bool gzip;
    const struct pair *headers; /* values are secrets */
    size_t header_count;
    struct span ca_file, cert_file, key_file; /* at == NULL: the system's; none */
    struct spool_place spool;                 /* a folder of its own */
    struct otlp_batch batch;
};
enum { CHANNELS_MOST = 24 };
/* What becomes log records of OTLP: log_records.h. */
enum { OTLP_LOG_REQUESTS = 1, OTLP_LOG_EVENTS = 2, OTLP_LOG_NONE = 4 };

struct exporter_settings { /* copied */
    struct log_settings logs[LOGS];
    struct span access_format; /* "json" or at == NULL; else what access_template.h compiles */
    struct audit_settings audit_log;
    struct waf_redaction waf_redaction;
    struct span waf_source; /* httpSourceId of AWS WAF's log; the execution log's API */
    struct span execution_stage;
    const struct channel_settings *channels;
    size_t channel_count;
    unsigned otlp_logs; /* OTLP_LOG_..., where a channel takes logs */
    struct otlp_limits limits;
    struct span service_name, environment;
    const struct pair *resource; /* attributes that are given; the others are found out */
    size_t resource_count;
    struct xray_service xray;       /* of the X-Ray logs */
    struct metric_filters *filters; /* that see each access line; borrowed; NULL: none */
    size_t queue_records;           /* of each destination: 8192 */
};

/* Opens the files (a fault names the path) and starts the thread. NULL: `why`. */
struct exporter *exporter_start(struct ring *ring, const struct exporter_settings *settings,
                                char *why, size_t size);
/* A reload: what is queued is kept, destinations that did not change stay open. False: `why`; the
 * old stands. */
bool exporter_change(struct exporter *exporter, const struct exporter_settings *settings, char *why,
                     size_t size);
void exporter_reopen(struct exporter *exporter); /* USR1: logs are opened anew */
/* Everything in the ring is written and sent, at most until the deadline (of the monotonic clock);
 * what is left is counted as dropped{reason="shutdown"}. Frees. */
void exporter_stop(struct exporter *exporter, uint64_t deadline_us);
/* From a worker after its exchange was put: the thread wakes within 100 ms anyway; this makes it at
 * once where it is idle (under load it wakes within 50 ms anyway). Cheap. */
void exporter_nudge(struct exporter *exporter);
/* The same whether it is idle or not: for a ring that fills. */
void exporter_hurry(struct exporter *exporter);

/* Any thread: an item for the channels of a signal that is no record of an exchange, as
 * channels_put() wants it. It is taken with the next nudge. */
void exporter_give(struct exporter *exporter, enum otlp_signal signal, struct span item,
                   unsigned units);

/* Any thread: a line of a log that is not made of reports, where the log is on. */
void exporter_line(struct exporter *exporter, enum destination log, struct span line);

enum drop_reason { /* their numbers stand in ledgers on disk: new ones come last */
                   DROP_RING_FULL,
                   DROP_QUEUE_FULL,
                   DROP_REJECTED,
                   DROP_WRITE_ERROR,
                   DROP_SHUTDOWN,
                   DROP_SPOOL_FULL, /* over otlp.spool.max_size */
                   DROP_EXPIRED,    /* over otlp.spool.max_age */
                   DROP_CORRUPT,    /* what lay in the spool could not be read any more */
                   DROP_FORGOTTEN,  /* the spool's ledger was broken: settled, nobody knows how */
                   DROP_CRASH,      /* they were in the memory of a process that was killed */
                   DROP_REASONS
};
/* produced = sent + sum of dropped + waiting, for each destination, in its own unit (lines,
 * records, spans). */
struct destination_figures {
    const char *name;   /* "access_log"... */
    const char *signal; /* "logs", "traces" */
    uint64_t produced, sent, dropped[DROP_REASONS], waiting;
    uint64_t resent; /* part of none of these: may have arrived twice */
    bool on;
};
/* Of DESTINATION_TRACES: its first channel's. */
void exporter_figures(const struct exporter *exporter, enum destination destination,
                      struct destination_figures *out);
const char *drop_reason_name(enum drop_reason reason);
/* What lies on disk for a receiver of OTLP. */
struct spool_state {
    bool is_on, is_open;                                 /* asked for; in use */
    uint64_t waiting, backlog, records, bytes, segments; /* the first two in units */
};
/* All accounts: the logs' and the channels'. `spool` is nothing where there is none. */
enum { ACCOUNTS_MOST = (int)LOGS * (int)SINKS + 1 + CHANNELS_MOST };
unsigned exporter_accounts(const struct exporter *exporter);
void exporter_account(const struct exporter *exporter, unsigned which,
                      struct destination_figures *figures, struct spool_state *spool);

#endif
