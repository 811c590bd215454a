/* SPDX-License-Identifier: Apache-2.0 */
/* The signals of OTLP. On the wire all three have one shape, with the same numbers of fields, so
 * that what sends them need not know which one it has in hand:
 *
 *   request   1: resource_spans | resource_metrics | resource_logs
 *                   1: resource   2: scope_spans | scope_metrics | scope_logs
 *                                       1: scope   2: spans | metrics | log_records
 *   response  1: partial_success   1: rejected_...   2: error_message
 */
#ifndef SIDEGATE_EXPORTERS_OTLP_SIGNAL_H
#define SIDEGATE_EXPORTERS_OTLP_SIGNAL_H

enum otlp_signal {
#define OTLP_SIGNAL(id, name, units, path, grpc_path) id,
#include "exporters/otlp_signals.tbl"
#undef OTLP_SIGNAL
    OTLP_SIGNALS
};

struct otlp_signal_row {
    const char *name;             /* "traces" */
    const char *units;            /* "spans": of what there are so and so many */
    const char *path, *grpc_path; /* behind the endpoint */
};
const struct otlp_signal_row *otlp_signal_row(enum otlp_signal signal);

#endif
