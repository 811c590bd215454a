/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder; each returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_GUARD_SUITES_H
#define SIDEGATE_TESTS_UNIT_GUARD_SUITES_H

int api_key_suite(void);
int authorizer_answer_suite(void);
int authorizer_event_suite(void);
int condition_suite(void);
int access_suite(void);
int geo_suite(void);
int policy_suite(void);
int policy_cases_suite(void);
int rate_suite(void);
int cognito_suite(void);
int discovery_suite(void);
int jwk_suite(void);
int jws_suite(void);
int jwt_suite(void);
int sigv4_suite(void);
int sigv4_vectors_suite(void);
int web_acl_suite(void);
int web_acl_run_suite(void);

#endif
