/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIDEGATE_TESTS_UNIT_CLOUDWATCH_SUITES_H
#define SIDEGATE_TESTS_UNIT_CLOUDWATCH_SUITES_H

int tally_suite(void);
int store_suite(void);
int query_suite(void);
int request_suite(void);
int archive_suite(void);
int archive_stop_suite(void);
int filter_suite(void);
int collector_suite(void);
int emf_suite(void);

#endif
