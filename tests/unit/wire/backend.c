/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wire/backend.h"

#include "tests/check.h"

static void backend_wake(void *exchange)
{
    ((struct backend *)exchange)->wakes++;
}

static void backend_on_idle(void *owner)
{
    ((struct backend *)owner)->idles++;
}

static void backend_on_closed(void *owner)
{
    struct backend *backend = owner;
    check(backend->server == NULL);
    backend->client = NULL;
    backend->closes++;
}

void backend_open(struct backend *backend, struct world *world,
                  const struct backend_options *options)
{
    const struct h1_client_options client = {
        .limits = {.head_bytes = 4096, .field_count = 100, .target_bytes = 2048},
        .buffer_bytes = options->buffer_bytes != 0 ? options->buffer_bytes : 16384,
        .chunks = world->chunks,
    };
    struct stream *far;
    *backend = (struct backend){.world = world};
    buf_init(&backend->body, 1 << 20);
    stream_memory_pair(world->loop, options->capacity != 0 ? options->capacity : 65536,
                       options->handshakes, &backend->near, &far);
    far_end_open(&backend->far, far);
    backend->client = h1_client_new(world->loop, backend->near, &client, backend_on_idle,
                                    backend_on_closed, backend);
}

void backend_close(struct backend *backend)
{
    if (backend->client != NULL)
        h1_client_close(backend->client);
    if (backend->server != NULL)
        backend_release(backend);
    far_end_close(&backend->far);
    world_turn(backend->world);
    check(backend->client == NULL);
    check_number(backend->closes, 1);
    buf_fini(&backend->body);
}

void backend_ask(struct backend *backend, const char *method, int64_t length)
{
    struct pair pairs[] = {{SPAN("Host"), SPAN("b")}, {SPAN("Content-Length"), SPAN("77")}};
    const struct request_head head = {
        .method = span_text(method),
        .target = SPAN("/path"),
        .version = HTTP_1_1,
        .fields = {.at = pairs, .count = 2, .size = 2},
        .body_length = length,
    };
    buf_clear(&backend->body);
    backend->server = h1_client_begin(backend->client);
    backend->server->wake = backend_wake;
    backend->server->exchange = backend;
    backend->server->ops->send_head(backend->server, &head);
}

enum source_state backend_take_body(struct backend *backend)
{
    struct source *source = &backend->server->body;
    for (size_t before = SIZE_MAX; before != backend->body.len;) {
        before = backend->body.len;
        for (struct span here; (here = source->ops->peek(source)).len > 0;) {
            check(buf_add(&backend->body, here));
            source->ops->consume(source, here.len);
        }
        world_turn(backend->world);
    }
    return source->ops->state(source);
}

void backend_release(struct backend *backend)
{
    struct server *server = backend->server;
    backend->server = NULL;
    server->ops->release(server);
}

enum answer_state backend_answer(const struct backend *backend)
{
    return backend->server->ops->answer(backend->server);
}
