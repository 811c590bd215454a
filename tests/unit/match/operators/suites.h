/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder; each returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_MATCH_OPERATORS_SUITES_H
#define SIDEGATE_TESTS_UNIT_MATCH_OPERATORS_SUITES_H

int pattern_suite(void);
int phrases_suite(void);
int transformation_suite(void);
int operator_suite(void);
int sqli_suite(void);
int xss_suite(void);
int rbl_suite(void);

#endif
