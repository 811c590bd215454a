/* SPDX-License-Identifier: Apache-2.0 */
/* Where one log goes: to a file, and to receivers elsewhere, each of them at most once. */
#ifndef SIDEGATE_EXPORTERS_LOG_SETTINGS_H
#define SIDEGATE_EXPORTERS_LOG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

enum log_sink { SINK_FILE, SINK_SYSLOG, SINK_CLOUDWATCH_LOGS, SINK_FIREHOSE, SINKS };

/* When a file is full and makes room; 0: never, for that reason. */
struct rotation {
    uint64_t most_bytes, most_age_us;
    unsigned keep; /* files beside the one that is written; at least 1 */
    bool compress;
};

enum spool_fsync {
    SPOOL_FSYNC_OFF,      /* a crash of the machine may cost what it had not written back */
    SPOOL_FSYNC_INTERVAL, /* at most the last 200 ms */
    SPOOL_FSYNC_ALWAYS,   /* nothing that has been written */
};
/* Where what goes to a receiver waits on disk until it is sent. */
struct spool_place {
    struct span path; /* a folder that exists; at == NULL: in memory */
    uint64_t most_bytes, most_age_us;
    enum spool_fsync fsync;
};

enum { SYSLOG_BY_OUTCOME = 8 }; /* err for answers from 500 up, warning for what rules say, info */

/* RFC 5424. */
struct syslog_settings {
    struct span address; /* udp://host:514, tcp://, tls://, unix:/dev/log; at == NULL: off */
    unsigned facility, severity; /* 0..23; 0..7 or SYSLOG_BY_OUTCOME */
    struct span app_name;
    struct span ca_file, cert_file, key_file; /* of TLS; at == NULL: whom the system trusts; none */
};

/* PutLogEvents, as CloudWatch Logs takes it. */
struct cloudwatch_logs_settings {
    struct span endpoint; /* http://host:port; at == NULL: off */
    struct span group, stream;
    struct span region, key_id, secret_file,
        secret; /* key_id at == NULL: requests are not signed */
    struct span ca_file;
    uint64_t timeout_us;
};

/* HTTP endpoint delivery, as Firehose does it. */
struct firehose_settings {
    struct span url;                     /* at == NULL: off */
    struct span access_key_file, secret; /* the key; at == NULL: none is sent */
    struct span ca_file;
    bool gzip;
    uint64_t timeout_us;
};

struct log_settings {
    struct span path; /* a file, /dev/stdout, a named pipe, LOG_UDP address; at == NULL: off */
    struct rotation rotation; /* of a file */
    struct syslog_settings syslog;
    struct cloudwatch_logs_settings cloudwatch_logs;
    struct firehose_settings firehose;
    uint64_t buffer_bytes;    /* what may wait for each receiver elsewhere; 0: 64 MiB */
    struct spool_place spool; /* of them; each has a folder of its own, PATH.NAME */
};

/* Does it go anywhere? */
bool log_settings_want(const struct log_settings *settings);
bool log_settings_have(const struct log_settings *settings, enum log_sink sink);
/* The folder where a receiver's lines wait; false: they wait in memory. */
bool log_settings_spool(const struct log_settings *settings, enum log_sink sink, char *path,
                        size_t size);
/* With texts of its own, each terminated. */
struct log_settings *log_settings_copy(const struct log_settings *settings);
void log_settings_free(struct log_settings *copy); /* wiped; NULL allowed */
/* Would the sink do the same by both? Files: do not ask. */
bool log_settings_same(const struct log_settings *a, const struct log_settings *b,
                       enum log_sink sink);
/* "", "syslog", "cloudwatch_logs", "firehose": as in the configuration. */
const char *sink_name(enum log_sink sink);

#endif
