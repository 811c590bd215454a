/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIDEGATE_TESTS_UNIT_STATE_SUITES_H
#define SIDEGATE_TESTS_UNIT_STATE_SUITES_H

int documents_suite(void);
int live_entries_suite(void);
int quotas_suite(void);
int key_store_suite(void);
int rates_suite(void);
int results_suite(void);
int samplers_suite(void);
int state_file_suite(void);
int tokens_suite(void);

#endif
