/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as log events of CloudWatch Logs:
 *
 *   POST /  X-Amz-Target: Logs_20140328.PutLogEvents, Content-Type: application/x-amz-json-1.1
 *           {"logGroupName": ..., "logStreamName": ..., "logEvents": [{"timestamp": MS, "message":
 * ...}]} 200     {"rejectedLogEventsInfo": {...}}
 *
 * Its limits: 1,048,576 bytes a request (UTF-8 of the messages and 26 each), 10,000 events, in the
 * order of their times, 24 hours from the first to the last. Events that the answer names as too
 * old, expired or too new are refused. Where the stream does not exist it is made
 * (CreateLogStream). Lines of EMF have X-Amzn-Logs-Format: json/emf. With keys the requests are
 * signed (Signature Version 4). */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_LOGS_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_LOGS_H

#include "exporters/sender.h"

extern const struct sender_kind cloudwatch_logs_kind;

/* The next entries that fit into one request, by time; `to` has room for CLOUDWATCH_EVENTS_MOST.
 * How many there are; 0: the first is too large or empty and can never be sent. */
enum { CLOUDWATCH_EVENTS_MOST = 10000 };
unsigned cloudwatch_logs_take(struct span entries, struct entry *to);
/* How many of `count` events the answer says were refused. */
unsigned cloudwatch_logs_refused(struct span answer, unsigned count);

#endif
