/* SPDX-License-Identifier: Apache-2.0 */
/* One function a file; each runs its tests and returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_HTTP_SUITES_H
#define SIDEGATE_TESTS_UNIT_HTTP_SUITES_H

int bytes_suite(void);
int date_suite(void);
int fields_suite(void);
int forwarded_suite(void);
int propagation_suite(void);
int sampling_rules_suite(void);
int sampling_suite(void);
int target_suite(void);
int traceparent_suite(void);
int tracestate_suite(void);

#endif
