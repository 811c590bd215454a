/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder; each returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_LOOP_SUITES_H
#define SIDEGATE_TESTS_UNIT_LOOP_SUITES_H

int loop_suite(void);
int timer_suite(void);
int mail_suite(void);
int cpu_clock_suite(void);

#endif
