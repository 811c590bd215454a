/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIDEGATE_TESTS_UNIT_CHANGES_SUITES_H
#define SIDEGATE_TESTS_UNIT_CHANGES_SUITES_H

int log_suite(void);
int desk_suite(void);

#endif
