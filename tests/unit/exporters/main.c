/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "tests/unit/exporters/sample.h"

int main(void)
{
    int failures = 0;
    signal(SIGPIPE, SIG_IGN);
    failures += record_tests();
    failures += ring_tests();
    failures += queue_tests();
    failures += sinks_tests();
    failures += rotate_tests();
    failures += line_tests();
    failures += secret_names_tests();
    failures += mask_text_tests();
    failures += secret_beside_tests();
    failures += mask_tests();
    failures += access_template_tests();
    failures += metrics_tests();
    failures += openmetrics_tests();
    failures += exponential_tests();
    failures += metrics_otlp_tests();
    failures += log_records_tests();
    failures += inbox_tests();
    failures += spans_tests();
    failures += otlp_write_tests();
    failures += xray_tests();
    failures += audit_tests();
    failures += sanitise_tests();
    failures += carried_tests();
    failures += waf_log_tests();
    failures += sample_store_tests();
    failures += execution_log_tests();
    failures += spool_tests();
    failures += spool_damage_tests();
    failures += feed_tests();
    failures += otlp_tests();
    failures += otlp_filling_tests();
    failures += otlp_grpc_tests();
    failures += otlp_ways_tests();
    failures += resource_tests();
    failures += channels_tests();
    failures += exporter_tests();
    return failures > 0;
}
