/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver of OTLP answers, as any bytes: lines of trailers, a frame, a message with a
 * partial success, and the same bytes as items of a batch. Nothing is read beyond its end; a batch
 * is cut between two fields, and its halves have as many units as the whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/otlp_body.h"
#include "exporters/otlp_grpc.h"
#include "exporters/otlp_pieces.h"
#include "exporters/proto_read.h"
#include "rules/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_end_well(struct span bytes)
{
    struct grpc_end end;
    grpc_end_init(&end);
    while (bytes.at != NULL)
        grpc_end_line(&end, span_cut(&bytes, '\n'));
    must(memchr(end.message, '\0', sizeof end.message) != NULL);
    must(end.status <= 16 || end.status == GRPC_NO_STATUS);
    must(end.retry_us == 0 || end.may_retry);
    must(grpc_status_name(end.status) != NULL);
    if (grpc_is_transient(&end))
        must(end.status != 0 && end.status != GRPC_NO_STATUS);
}

static void must_divide(struct span items)
{
    for (unsigned signal = 0; signal < OTLP_SIGNALS; signal++) {
        uint64_t units = otlp_units((enum otlp_signal)signal, items);
        size_t half = otlp_half(items);
        must(half == 0 || half < items.len);
        if (half == 0)
            continue;
        uint64_t first = otlp_units((enum otlp_signal)signal, span_first(items, half));
        must(first + otlp_units((enum otlp_signal)signal, span_from(items, half)) == units);
    }
}

static void must_read_on(struct span bytes)
{
    struct proto_field field;
    for (size_t before = bytes.len; proto_next(&bytes, &field); before = bytes.len) {
        must(bytes.len < before && field.number > 0);
        if (field.is_bytes)
            must(field.bytes.len < before);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* in memory of its own, so that a step beyond the end is seen */
    char *copy = malloc(size > 0 ? size : 1);
    char message[64];
    must(copy != NULL);
    memcpy(copy, data, size);
    struct span bytes = span_make(copy, size);
    must_end_well(bytes);
    must_divide(bytes);
    must_read_on(bytes);
    struct span framed = grpc_message(bytes);
    must(framed.len + 5 <= size || framed.len == 0);
    response_rejected(framed, message, sizeof message);
    response_rejected(bytes, message, sizeof message);
    must(memchr(message, '\0', sizeof message) != NULL);
    free(copy);
    return 0;
}
