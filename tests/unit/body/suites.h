/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests of this folder; each returns how many failed. */
#ifndef SIDEGATE_TESTS_UNIT_BODY_SUITES_H
#define SIDEGATE_TESTS_UNIT_BODY_SUITES_H

int urlencoded_suite(void);
int multipart_suite(void);
int multipart_flags_suite(void);
int multipart_boundary_suite(void);
int json_suite(void);
int json_files_suite(void);
int xml_suite(void);
int decoder_suite(void);
int body_suite(void);

#endif
