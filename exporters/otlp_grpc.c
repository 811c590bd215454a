/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp_grpc.h"

#include <stdio.h>

#include "exporters/otlp_body.h"
#include "exporters/proto_read.h"
#include "rules/base/encode.h"
#include "rules/base/number.h"

enum { PREFIX_BYTES = 5, DETAIL_BYTES = 8 * 1024 };

static const struct {
    const char *name;
    bool is_transient;
} statuses[] = {
    {"OK", false},
    {"CANCELLED", true},
    {"UNKNOWN", false},
    {"INVALID_ARGUMENT", false},
    {"DEADLINE_EXCEEDED", true},
    {"NOT_FOUND", false},
    {"ALREADY_EXISTS", false},
    {"PERMISSION_DENIED", false},
    {"RESOURCE_EXHAUSTED", false}, /* but with a RetryInfo */
    {"FAILED_PRECONDITION", false},
    {"ABORTED", true},
    {"OUT_OF_RANGE", true},
    {"UNIMPLEMENTED", false},
    {"INTERNAL", false},
    {"UNAVAILABLE", true},
    {"DATA_LOSS", true},
    {"UNAUTHENTICATED", false},
};
enum { STATUSES = sizeof statuses / sizeof *statuses };

bool grpc_frame_add(struct buf *to, struct span message, bool gzip)
{
    size_t start = to->len;
    char prefix[PREFIX_BYTES] = {gzip ? 1 : 0};
    if (!buf_add(to, span_make(prefix, sizeof prefix)))
        return false;
    if (gzip ? !gzip_add(to, message) : !buf_add(to, message))
        return false;
    size_t len = to->len - start - PREFIX_BYTES;
    for (unsigned i = 0; i < 4; i++)
        to->at[start + 1 + i] = (char)(len >> (8 * (3 - i)));
    return true;
}

struct span grpc_message(struct span body)
{
    size_t len = 0;
    if (body.len < PREFIX_BYTES || body.at[0] != 0)
        return span_make(NULL, 0);
    for (unsigned i = 1; i < PREFIX_BYTES; i++)
        len = len << 8 | (unsigned char)body.at[i];
    body = span_from(body, PREFIX_BYTES);
    return len <= body.len ? span_first(body, len) : span_make(NULL, 0);
}

void grpc_end_init(struct grpc_end *end)
{
    *end = (struct grpc_end){.status = GRPC_NO_STATUS};
}

/* Percent-encoded, by gRPC's own rules: what is broken stands as it came. */
static void read_message(struct grpc_end *end, struct span value)
{
    size_t len = 0;
    for (size_t i = 0; i < value.len && len + 1 < sizeof end->message; i++) {
        int high = i + 2 < value.len ? byte_hex(value.at[i + 1]) : -1;
        int low = i + 2 < value.len ? byte_hex(value.at[i + 2]) : -1;
        bool is_escape = value.at[i] == '%' && high >= 0 && low >= 0;
        end->message[len++] = (char)(is_escape ? high << 4 | low : value.at[i]);
        i += is_escape ? 2 : 0;
    }
    end->message[len] = '\0';
}

/* RetryInfo: 1: retry_delay, a Duration of 1: seconds, 2: nanos. */
static void read_retry(struct grpc_end *end, struct span retry_info)
{
    struct span delay = proto_find(retry_info, 1);
    struct proto_field field;
    uint64_t seconds = 0, nanos = 0;
    while (proto_next(&delay, &field)) {
        if (field.number == 1)
            seconds = field.value;
        if (field.number == 2)
            nanos = field.value;
    }
    end->may_retry = true;
    if (seconds < UINT32_MAX && nanos < 1000000000)
        end->retry_us = seconds * 1000000 + nanos / 1000;
}

/* google.rpc.Status: 3: details, each an Any of 1: type_url, 2: value. */
static void read_details(struct grpc_end *end, struct span value)
{
    uint8_t bytes[DETAIL_BYTES];
    size_t len = 0;
    while (span_ends(value, SPAN("=")))
        value.len--;
    char text[DETAIL_BYTES];
    if (value.len >= sizeof text)
        return;
    for (size_t i = 0; i < value.len; i++) /* one reader for both alphabets */
        text[i] = (char)(value.at[i] == '+' ? '-' : value.at[i] == '/' ? '_' : value.at[i]);
    if (!base64url_read(span_make(text, value.len), bytes, &len))
        return;
    struct span status = span_make((const char *)bytes, len);
    struct proto_field field;
    while (proto_next(&status, &field)) {
        if (field.number == 3 && field.is_bytes &&
            span_ends(proto_find(field.bytes, 1), SPAN("/google.rpc.RetryInfo")))
            read_retry(end, proto_find(field.bytes, 2));
    }
}

void grpc_end_line(struct grpc_end *end, struct span line)
{
    struct span value = line, name = span_cut(&value, ':');
    uint64_t status;
    value = span_trim(value, " \t\r\n");
    if (span_is_nocase(name, SPAN("grpc-status")))
        end->status = number_parse(value, &status) && status < STATUSES ? (unsigned)status
                                                                        : (unsigned)GRPC_UNKNOWN;
    else if (span_is_nocase(name, SPAN("grpc-message")))
        read_message(end, value);
    else if (span_is_nocase(name, SPAN("grpc-status-details-bin")))
        read_details(end, value);
}

bool grpc_is_transient(const struct grpc_end *end)
{
    if (end->status == GRPC_RESOURCE_EXHAUSTED)
        return end->may_retry;
    return end->status < STATUSES && statuses[end->status].is_transient;
}

const char *grpc_status_name(unsigned status)
{
    return status < STATUSES ? statuses[status].name : "no status";
}
