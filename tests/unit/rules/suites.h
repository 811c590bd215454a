/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIDEGATE_TESTS_UNIT_RULES_SUITES_H
#define SIDEGATE_TESTS_UNIT_RULES_SUITES_H

int evaluation_suite(void);
int values_suite(void);
int actions_suite(void);
int exclusions_suite(void);
int verdict_suite(void);
int bodies_suite(void);
int crs_suite(void);
int forms_suite(void);
int persistent_suite(void);
int store_suite(void);
int secrets_suite(void);
int place_suite(void);

#endif
