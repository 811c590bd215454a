/* SPDX-License-Identifier: Apache-2.0 */
/* One function a file; each runs its tests and returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_UPSTREAM_SUITES_H
#define SIDEGATE_TESTS_UNIT_UPSTREAM_SUITES_H

int call_suite(void);
int pool_suite(void);
int pool_socket_suite(void);
int resolver_suite(void);

#endif
