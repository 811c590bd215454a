/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder; each returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_BASE_SUITES_H
#define SIDEGATE_TESTS_UNIT_BASE_SUITES_H

int must_suite(void);
int span_suite(void);
int list_suite(void);
int arena_suite(void);
int buf_suite(void);
int map_suite(void);
int number_suite(void);
int ip_suite(void);
int networks_suite(void);
int glob_suite(void);
int encode_suite(void);
int uuid_suite(void);
int fault_suite(void);
int zone_suite(void);

#endif
