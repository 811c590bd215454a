/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp_signal.h"

#include "rules/base/must.h"

const struct otlp_signal_row *otlp_signal_row(enum otlp_signal signal)
{
    static const struct otlp_signal_row rows[OTLP_SIGNALS] = {
#define OTLP_SIGNAL(id, name, units, path, grpc_path) [id] = {name, units, path, grpc_path},
#include "exporters/otlp_signals.tbl"
#undef OTLP_SIGNAL
    };
    must(signal < OTLP_SIGNALS);
    return &rows[signal];
}
