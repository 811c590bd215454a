/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of quotas as lines of a file that only grows, each with a checksum, so that whatever is cut
 * off or broken is seen:
 *
 *   sidegate usage 1
 *   d6a3...  k basic k1 month 20758 1203 0 20778 17 8797      (checksum, then the row)
 *   09b1...  p basic 20750                                    (a plan, and the day it is known
 * from)
 *
 * A later line goes over earlier ones of the same plan, key and day. */
#ifndef SIDEGATE_SIDECAR_STATE_USAGE_LINES_H
#define SIDEGATE_SIDECAR_STATE_USAGE_LINES_H

#include "rules/base/buf.h"
#include "sidecar/state/quotas.h"

enum { USAGE_LINE_MOST = 512 }; /* bytes of a line with its end */

#define USAGE_HEAD SPAN("sidegate usage 1")

void usage_line_add(struct buf *to, const struct quota_row *row);
/* A line without its end. False: it is none, or its checksum is another one. Names are borrowed. */
bool usage_line_read(struct span line, struct quota_row *row);

#endif
