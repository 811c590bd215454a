/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC as far as one call with one message each way needs it: a message has five bytes in front of
 * it, the end of an answer is in its trailers (or in its head, where there is nothing else).
 *
 *   | compressed, 1 | length, 4, big endian | message |     grpc-status: 0 */
#ifndef SIDEGATE_EXPORTERS_OTLP_GRPC_H
#define SIDEGATE_EXPORTERS_OTLP_GRPC_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

/* Appends the frame of a message; false: no room. */
bool grpc_frame_add(struct buf *to, struct span message, bool gzip);
/* The one message of an answer that is not compressed; empty where there is none. */
struct span grpc_message(struct span body);

enum { GRPC_UNKNOWN = 2, GRPC_RESOURCE_EXHAUSTED = 8, GRPC_NO_STATUS = 1000 };

struct grpc_end {
    unsigned status; /* GRPC_NO_STATUS: none came */
    bool may_retry;  /* the details have a RetryInfo */
    uint64_t retry_us;
    char message[200]; /* as it came, decoded and cut */
};
void grpc_end_init(struct grpc_end *end);
/* A line of a head or of trailers: "grpc-status: 14". */
void grpc_end_line(struct grpc_end *end, struct span line);
/* Worth trying again by the specification of OTLP. */
bool grpc_is_transient(const struct grpc_end *end);
const char *grpc_status_name(unsigned status); /* "UNAVAILABLE" */

#endif
