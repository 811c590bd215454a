/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder; each returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_CONFIG_SUITES_H
#define SIDEGATE_TESTS_UNIT_CONFIG_SUITES_H

int document_suite(void);
int substitute_suite(void);
int fault_suite(void);
int settings_suite(void);
int merge_suite(void);
int environment_suite(void);
int routes_suite(void);
int snapshot_suite(void);
int snapshot_rules_suite(void);
int exclusion_suite(void);
int precedence_suite(void);
int sampling_document_suite(void);
int secret_file_suite(void);

#endif
