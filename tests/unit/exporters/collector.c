/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/collector.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <zlib.h>

#include "rules/base/must.h"
#include "rules/base/number.h"

enum { REQUEST_BYTES = 4 * 1024 * 1024 };

void collector_init(struct collector *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *c = (struct collector){.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(bind(c->listener, (struct sockaddr *)&address, len) == 0);
    must(listen(c->listener, 16) == 0);
    must(getsockname(c->listener, (struct sockaddr *)&address, &len) == 0);
    snprintf(c->url, sizeof c->url, "http://127.0.0.1:%u/base/", ntohs(address.sin_port));
    buf_init(&c->head, REQUEST_BYTES);
    buf_init(&c->last, REQUEST_BYTES);
    for (size_t i = 0; i < COLLECTOR_CONNECTIONS; i++) {
        c->connections[i].fd = -1;
        buf_init(&c->connections[i].in, REQUEST_BYTES);
    }
}

static void hang_up(struct collector *c, size_t i)
{
    if (c->connections[i].fd >= 0)
        close(c->connections[i].fd);
    c->connections[i].fd = -1;
    buf_clear(&c->connections[i].in);
}

void collector_fini(struct collector *c)
{
    for (size_t i = 0; i < COLLECTOR_CONNECTIONS; i++) {
        hang_up(c, i);
        buf_fini(&c->connections[i].in);
    }
    buf_fini(&c->head);
    buf_fini(&c->last);
    if (c->listener >= 0)
        close(c->listener);
}

static uint64_t length_in(struct span head)
{
    uint64_t length = 0;
    size_t at = span_find_nocase(head, SPAN("content-length: "));
    must(at != SPAN_NONE);
    struct span rest = span_from(head, at + 16);
    must(number_parse(span_cut(&rest, '\r'), &length));
    return length;
}

static void unzip(struct buf *bytes)
{
    static unsigned char plain[REQUEST_BYTES];
    z_stream stream = {0};
    must(inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = (unsigned char *)bytes->at;
    stream.avail_in = (unsigned)bytes->len;
    stream.next_out = plain;
    stream.avail_out = sizeof plain;
    must(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    buf_clear(bytes);
    buf_add(bytes, span_make((const char *)plain, stream.total_out));
    inflateEnd(&stream);
}

static uint64_t spans_in(const struct collector *c)
{
    Otlp__ExportTraceServiceRequest *request =
        otlp__export_trace_service_request__unpack(NULL, c->last.len, (const uint8_t *)c->last.at);
    must(request != NULL && request->n_resource_spans == 1);
    must(request->resource_spans[0]->n_scope_spans == 1);
    uint64_t spans = request->resource_spans[0]->scope_spans[0]->n_spans;
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    return spans;
}

static void answer(struct collector *c, size_t i)
{
    struct span in = buf_span(&c->connections[i].in);
    size_t end = span_find(in, SPAN("\r\n\r\n"));
    if (end == SPAN_NONE || c->answer == NULL)
        return;
    uint64_t length = length_in(span_first(in, end + 2));
    if (in.len < end + 4 + length)
        return;
    buf_clear(&c->head);
    buf_clear(&c->last);
    buf_add(&c->head, span_first(in, end + 2));
    buf_add(&c->last, span_make(in.at + end + 4, length));
    buf_drop(&c->connections[i].in, end + 4 + length);
    if (span_find_nocase(buf_span(&c->head), SPAN("content-encoding: gzip")) != SPAN_NONE)
        unzip(&c->last);
    c->requests++;
    struct span head = span_text(c->answer);
    if (c->most_spans > 0 && spans_in(c) > c->most_spans) {
        head = SPAN("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
        c->refusals++;
    }
    if (span_starts(head, SPAN("HTTP/1.1 200")))
        c->spans += spans_in(c);
    must(write(c->connections[i].fd, head.at, head.len) == (ssize_t)head.len);
    if (c->body.len > 0)
        must(write(c->connections[i].fd, c->body.at, c->body.len) == (ssize_t)c->body.len);
    if (head.len == 0)
        hang_up(c, i);
}

static int arrive(struct collector *c)
{
    int fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    c->arrivals += fd >= 0;
    return fd;
}

void collector_step(struct collector *c)
{
    for (size_t i = 0; i < COLLECTOR_CONNECTIONS; i++) {
        if (c->connections[i].fd < 0)
            c->connections[i].fd = arrive(c);
        if (c->connections[i].fd < 0 || c->is_deaf)
            continue;
        char bytes[16384];
        ssize_t n = read(c->connections[i].fd, bytes, sizeof bytes);
        if (n == 0) {
            hang_up(c, i);
            c->departures++;
        }
        if (n > 0)
            buf_add(&c->connections[i].in, span_make(bytes, (size_t)n));
        if (c->connections[i].fd >= 0)
            answer(c, i);
    }
}
