/* SPDX-License-Identifier: Apache-2.0 */
/* The suites of this program; each runs and returns its failures. */
#ifndef SIDEGATE_TESTS_UNIT_EXCHANGE_SUITES_H
#define SIDEGATE_TESTS_UNIT_EXCHANGE_SUITES_H

int authorizer_suite(void);
int memory_suite(void);

#endif
