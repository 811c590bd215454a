/* SPDX-License-Identifier: Apache-2.0 */
/* One function a file; each runs its tests and returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_WIRE_SUITES_H
#define SIDEGATE_TESTS_UNIT_WIRE_SUITES_H

int h1_request_suite(void);
int h1_crs_suite(void);
int h1_answer_suite(void);
int h1_chunked_suite(void);
int h1_write_suite(void);
int h1_server_suite(void);
int h1_server_answer_suite(void);
int h1_server_story_suite(void);
int h1_client_suite(void);
int stream_suite(void);
int address_suite(void);
int h1_socket_suite(void);
int h1_client_story_suite(void);
int tls_suite(void);
int tickets_suite(void);

#endif
