/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder; each returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_LANGUAGE_SUITES_H
#define SIDEGATE_TESTS_UNIT_LANGUAGE_SUITES_H

int names_suite(void);
int line_suite(void);
int fault_suite(void);
int rule_suite(void);
int action_suite(void);
int update_suite(void);
int settings_suite(void);
int files_suite(void);
int sets_suite(void);

#endif
