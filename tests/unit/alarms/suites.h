/* SPDX-License-Identifier: Apache-2.0 */
/* The suites, and the files of cases: lines, read whole. */
#ifndef SIDEGATE_TESTS_UNIT_ALARMS_SUITES_H
#define SIDEGATE_TESTS_UNIT_ALARMS_SUITES_H

#include "rules/base/span.h"

/* The file of this folder, in static memory until the next call. */
struct span cases_read(const char *name);

int sketch_suite(void);
int state_suite(void);
int math_suite(void);
int composite_suite(void);
int composite_reason_suite(void);
int alarms_suite(void);
int watch_suite(void);
int notice_suite(void);
int book_suite(void);
int mute_suite(void);
int journal_suite(void);
int actions_suite(void);

#endif
