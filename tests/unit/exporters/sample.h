/* SPDX-License-Identifier: Apache-2.0 */
/* A request as tests use it, and waiting for something to become true. */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_SAMPLE_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_SAMPLE_H

#include "exporters/exporter.h"
#include "exporters/queue.h"

/* GET /orders/7?q=1 answered 200 after 1000 us by the second attempt: stages of 100, 700 and 200
 * us, two rule matches, sampled. */
struct report sample_report(void);

/* The same as short as it can be: no match, no stage, no attempt, not sampled. */
struct report plain_report(void);

/* Asks until it is so, at most ten seconds; false: it never was. */
bool comes_true(bool (*question)(void *), void *context);

/* The queue's figures; checked: what was produced was sent, dropped or waits. */
struct destination_figures queue_adds_up(struct queue *queue);

/* A folder of its own under TMPDIR; the path is terminated. Removed with what is in it. */
void folder_make(char *path, size_t size);
void folder_remove(const char *path);
/* The file's bytes, at most `size`; empty where it does not exist. */
struct span file_read(const char *path, char *to, size_t size);

int record_tests(void);
int ring_tests(void);
int queue_tests(void);
int sinks_tests(void);
int rotate_tests(void);
int line_tests(void);
int secret_names_tests(void);
int mask_text_tests(void);
int secret_beside_tests(void);
int mask_tests(void);
int access_template_tests(void);
int exporter_tests(void);
int metrics_tests(void);
int openmetrics_tests(void);
int exponential_tests(void);
int metrics_otlp_tests(void);
int log_records_tests(void);
int inbox_tests(void);
int spans_tests(void);
int otlp_write_tests(void);
int xray_tests(void);
int otlp_tests(void);
int otlp_filling_tests(void);
int otlp_grpc_tests(void);
int otlp_ways_tests(void);
int resource_tests(void);
int channels_tests(void);
int audit_tests(void);
int sanitise_tests(void);
int carried_tests(void);
int waf_log_tests(void);
int sample_store_tests(void);
int execution_log_tests(void);
int spool_tests(void);
int spool_damage_tests(void);
int feed_tests(void);

#endif
