/* SPDX-License-Identifier: Apache-2.0 */
/* Dates as text. */
#ifndef SIDEGATE_SIDECAR_HTTP_DATE_H
#define SIDEGATE_SIDECAR_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

enum { DATE_LENGTH = 29, TIMESTAMP_LENGTH = 27, CLF_LENGTH = 26 };
/* IMF-fixdate, RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". No terminator. */
void date_write(char to[DATE_LENGTH], uint64_t wall_us);
/* RFC 3339 in UTC: "2026-11-21T09:30:00.123456Z". No terminator. */
void timestamp_write(char to[TIMESTAMP_LENGTH], uint64_t wall_us);
/* As the Common Log Format has it, in UTC: "06/Nov/1994:08:49:37 +0000". No terminator. */
void clf_write(char to[CLF_LENGTH], uint64_t wall_us);

/* "2026-12-31": seconds from 1970 to its beginning in UTC. False: no such day, or before 1970. */
bool date_parse(struct span text, uint64_t *seconds);

/* IMF-fixdate to seconds from 1970; false: it is none. */
bool date_parse_http(struct span text, uint64_t *seconds);

#endif
