/* SPDX-License-Identifier: Apache-2.0 */
/* Wall clock times as text, UTC. */
#ifndef SIDEGATE_EXPORTERS_WHEN_H
#define SIDEGATE_EXPORTERS_WHEN_H

#include <stdint.h>

#include "rules/base/buf.h"

/* 2026-11-21T09:38:11.123456Z (RFC 3339) */
void when_add_rfc3339(struct buf *to, uint64_t wall_us);
/* Sat Nov 21 09:38:11.123456 2026, as Apache's error log has it */
void when_add_apache(struct buf *to, uint64_t wall_us);
/* Sat Nov 21 09:38:11 2026, as asctime() has it */
void when_add_asctime(struct buf *to, uint64_t wall_us);
/* 21/Nov/2026:09:38:11 +0000, as the common log format has it */
void when_add_clf(struct buf *to, uint64_t wall_us);
/* 20261121-093811 */
void when_add_digits(struct buf *to, uint64_t wall_us);

#endif
