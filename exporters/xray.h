/* SPDX-License-Identifier: Apache-2.0 */
/* A report as an X-Ray segment document (JSON, version 1.0.0 of its shape):
 *
 *   segment  orders-sidecar   |=====================================|   http, annotations, cause
 *     read_head               |==|
 *     connect                    |=|
 *     await_answer                 |==========================|
 *       127.0.0.1:3000               |=======================|          namespace remote; the id
 *     respond                                                 |====|    that was sent upstream
 *
 * Trace ids are 1-8-24, ids of segments and subsegments those of the spans (spans.h). Texts have
 * 250 characters at most, as documented. */
#ifndef SIDEGATE_EXPORTERS_XRAY_H
#define SIDEGATE_EXPORTERS_XRAY_H

#include "exporters/report.h"
#include "rules/base/buf.h"

/* What stands before a document on its way to X-Ray's daemon, in the same datagram. */
#define XRAY_HEADER "{\"format\":\"json\",\"version\":1}\n"
enum {
    XRAY_DATAGRAM_BYTES = 65507, /* the largest that UDP carries over IPv4 */
    XRAY_DOCUMENT_BYTES = XRAY_DATAGRAM_BYTES - (sizeof XRAY_HEADER - 1), /* below X-Ray's 64 KB */
};

/* Whose segments they are. Borrowed. */
struct xray_service {
    struct span name;                        /* of the segment; at most 200 characters */
    struct span environment;                 /* empty: none */
    struct span origin;                      /* "AWS::ApiGateway::Stage"; empty: none */
    struct span account, region, api, stage; /* of the API; account empty: it is none of AWS's */
};

/* Appends one document and a line's end; of an exchange that goes on one that says so, which the
 * whole one of the same id replaces. `most` is the longest that the document may be (at least
 * XRAY_LEAST_BYTES): subsegments that have no room are left out, and metadata.sidegate says how
 * many (`subsegments_cut`). */
enum { XRAY_LEAST_BYTES = 32 * 1024 };
void xray_add(struct buf *to, const struct report *report, const struct xray_service *service,
              size_t most);

#endif
