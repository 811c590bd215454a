/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to an HTTP endpoint as Firehose delivers them ("HTTP endpoint delivery request and response
 * specifications"):
 *
 *   POST  X-Amz-Firehose-Protocol-Version: 1.0, -Request-Id, -Source-Arn, -Access-Key
 *         {"requestId": ID, "timestamp": MS, "records": [{"data": BASE64 of a line and its line
 * feed}]} 200   {"requestId": the same, "timestamp": MS}
 *
 * The same batch keeps its id however often it is tried, so that a receiver may know it again. */
#ifndef SIDEGATE_EXPORTERS_FIREHOSE_H
#define SIDEGATE_EXPORTERS_FIREHOSE_H

#include "exporters/sender.h"

extern const struct sender_kind firehose_kind;

#endif
