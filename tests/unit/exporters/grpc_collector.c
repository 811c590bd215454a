/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/grpc_collector.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>

#include "rules/base/must.h"

enum { REQUEST_BYTES = 4 * 1024 * 1024, FIELDS_MOST = 4 };

void grpc_collector_init(struct grpc_collector *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *c = (struct grpc_collector){.status = "0", .body = SPAN("\0\0\0\0\0")};
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(bind(c->listener, (struct sockaddr *)&address, len) == 0);
    must(listen(c->listener, 4) == 0);
    must(getsockname(c->listener, (struct sockaddr *)&address, &len) == 0);
    snprintf(c->url, sizeof c->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    for (size_t i = 0; i < GRPC_CONNECTIONS; i++)
        c->connections[i] = (struct grpc_connection){.collector = c, .fd = -1};
    buf_init(&c->head, REQUEST_BYTES);
    buf_init(&c->last, REQUEST_BYTES);
}

static void hang_up(struct grpc_connection *connection)
{
    nghttp2_session_del(connection->session);
    connection->session = NULL;
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

void grpc_collector_fini(struct grpc_collector *c)
{
    for (size_t i = 0; i < GRPC_CONNECTIONS; i++)
        hang_up(&c->connections[i]);
    close(c->listener);
    buf_fini(&c->head);
    buf_fini(&c->last);
}

/* nghttp2 takes names and values as bytes that it may write to, and copies them. */
static nghttp2_nv field(const char *name, const char *value)
{
    union {
        const char *in;
        uint8_t *out;
    } n = {name}, v = {value};
    return (nghttp2_nv){n.out, v.out, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static size_t trailers(const struct grpc_collector *c, nghttp2_nv fields[FIELDS_MOST])
{
    size_t count = 0;
    fields[count++] = field("grpc-status", c->status);
    if (c->message != NULL)
        fields[count++] = field("grpc-message", c->message);
    if (c->details != NULL)
        fields[count++] = field("grpc-status-details-bin", c->details);
    return count;
}

// NOLINTNEXTLINE(readability-function-size): nghttp2 says what it is given
static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *to, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct grpc_collector *c = ((struct grpc_connection *)context)->collector;
    nghttp2_nv fields[FIELDS_MOST];
    (void)source;
    must(c->body.len <= size);
    memcpy(to, c->body.at, c->body.len);
    *flags = NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    must(nghttp2_submit_trailer(session, stream, fields, trailers(c, fields)) == 0);
    return (ssize_t)c->body.len;
}

static void answer(struct grpc_connection *connection, int32_t stream)
{
    struct grpc_collector *c = connection->collector;
    const nghttp2_data_provider provider = {.read_callback = read_body};
    nghttp2_nv fields[2 + FIELDS_MOST] = {field(":status", "200"),
                                          field("content-type", "application/grpc")};
    c->requests++;
    if (c->status == NULL)
        must(nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream,
                                       NGHTTP2_REFUSED_STREAM) == 0);
    else if (c->body.len > 0)
        must(nghttp2_submit_response(connection->session, stream, fields, 2, &provider) == 0);
    else
        must(nghttp2_submit_response(connection->session, stream, fields,
                                     2 + trailers(c, fields + 2), NULL) == 0);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session;
    bool is_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (is_request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        answer(context, frame->hd.stream_id);
    return 0;
}

// NOLINTNEXTLINE(readability-function-size): nghttp2 says what it is given
static int on_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                    void *context)
{
    struct grpc_collector *c = ((struct grpc_connection *)context)->collector;
    (void)session;
    (void)frame;
    (void)flags;
    struct span n = span_make((const char *)name, name_len);
    if (span_is(n, SPAN(":method"))) {
        buf_clear(&c->head);
        buf_clear(&c->last);
    }
    buf_format(&c->head, SPAN_FORMAT ": " SPAN_FORMAT "\n", span_arg(n),
               span_arg(span_make((const char *)value, value_len)));
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t len, void *context)
{
    struct grpc_collector *c = ((struct grpc_connection *)context)->collector;
    (void)session;
    (void)flags;
    (void)stream;
    buf_add(&c->last, span_make((const char *)bytes, len));
    return 0;
}

static void welcome(struct grpc_connection *connection)
{
    nghttp2_session_callbacks *callbacks;
    connection->fd =
        accept4(connection->collector->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection->fd < 0)
        return;
    must(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    must(nghttp2_session_server_new(&connection->session, callbacks, connection) == 0);
    nghttp2_session_callbacks_del(callbacks);
    must(nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, NULL, 0) == 0);
}

static void serve(struct grpc_connection *connection)
{
    uint8_t bytes[16384];
    const uint8_t *out;
    ssize_t n = read(connection->fd, bytes, sizeof bytes);
    if (n == 0) {
        hang_up(connection);
        return;
    }
    if (n > 0)
        must(nghttp2_session_mem_recv(connection->session, bytes, (size_t)n) == n);
    for (ssize_t len; (len = nghttp2_session_mem_send(connection->session, &out)) > 0;)
        must(write(connection->fd, out, (size_t)len) == len);
}

void grpc_collector_step(struct grpc_collector *c)
{
    for (size_t i = 0; i < GRPC_CONNECTIONS; i++) {
        if (c->connections[i].fd < 0)
            welcome(&c->connections[i]);
        if (c->connections[i].fd >= 0)
            serve(&c->connections[i]);
    }
}
