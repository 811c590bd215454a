/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wire/visitor.h"

#include "tests/check.h"

static void visitor_wake(void *exchange)
{
    struct visitor *visitor = exchange;
    visitor->wakes++;
    loop_post(visitor->world->loop, &visitor->task);
}

static void visitor_on_request(void *owner, struct client *client)
{
    struct visitor *visitor = owner;
    check(visitor->client == NULL);
    visitor->client = client;
    visitor->clients++;
    visitor->head_sent = visitor->body_done = false;
    visitor->answered = 0;
    buf_clear(&visitor->body);
    client->wake = visitor_wake;
    client->exchange = visitor;
    if (visitor->answers)
        visitor->task.run(&visitor->task); /* as an exchange does: at once, as far as it goes */
}

static void visitor_on_closed(void *owner)
{
    struct visitor *visitor = owner;
    check(visitor->client == NULL);
    visitor->server = NULL;
    visitor->closes++;
}

void visitor_take_body(struct visitor *visitor)
{
    struct source *source = &visitor->client->body;
    for (struct span here; (here = source->ops->peek(source)).len > 0;) {
        check(buf_add(&visitor->body, here));
        source->ops->consume(source, here.len);
    }
}

static void note_request(struct visitor *visitor, unsigned status)
{
    const struct client *client = visitor->client;
    const struct fields *trailers = client->body.ops->trailers(&client->body);
    buf_add(&visitor->trace, client->head->method);
    buf_add_byte(&visitor->trace, ' ');
    buf_add(&visitor->trace, client->head->target);
    buf_format(&visitor->trace, " %u \"", status);
    buf_add(&visitor->trace, buf_span(&visitor->body));
    buf_add(&visitor->trace, SPAN("\""));
    for (size_t i = 0; trailers != NULL && i < trailers->count; i++) {
        buf_add_byte(&visitor->trace, ' ');
        buf_add(&visitor->trace, trailers->at[i].name);
    }
    buf_add_byte(&visitor->trace, '\n');
}

/* Repeats the request's body, in chunks. */
static void repeat_body(struct visitor *visitor)
{
    struct sink *sink = &visitor->client->answer;
    struct span rest = span_from(buf_span(&visitor->body), visitor->answered);
    for (size_t room; rest.len > 0 && (room = sink->ops->room(sink)) > 0;) {
        struct span part = span_first(rest, room);
        sink->ops->write(sink, part);
        visitor->answered += part.len;
        rest = span_from(rest, part.len);
    }
    if (rest.len == 0 && !visitor->body_done) {
        visitor->body_done = true;
        sink->ops->end(sink, NULL);
    }
}

static unsigned visitor_status(const struct visitor *visitor)
{
    const struct client *client = visitor->client;
    if (client->refusal.status != 0)
        return client->refusal.status;
    return client->body.ops->state(&client->body) == SOURCE_BROKEN ? 400 : 200;
}

static void visitor_run(struct task *task)
{
    struct visitor *visitor = list_entry(task, struct visitor, task);
    struct client *client = visitor->client;
    if (client == NULL || !visitor->answers)
        return;
    visitor_take_body(visitor);
    if (client->ops->is_gone(client)) {
        visitor_release(visitor, false);
        return;
    }
    if (!visitor->head_sent && client->body.ops->state(&client->body) != SOURCE_OPEN) {
        const struct answer_head head = {.status = visitor_status(visitor),
                                         .body_length = BODY_UNKNOWN};
        note_request(visitor, head.status);
        client->ops->send_head(client, &head, false, false);
        visitor->head_sent = true;
    }
    if (visitor->head_sent)
        repeat_body(visitor);
    if (visitor->body_done && client->ops->is_flushed(client))
        visitor_release(visitor, true);
}

void visitor_open(struct visitor *visitor, struct world *world,
                  const struct visitor_options *options)
{
    const struct h1_server_options server = {
        .limits = {.head_bytes = 4096, .field_count = 100, .target_bytes = 2048},
        .timeouts = {.request_header = 10000000, .idle = 60000000, .drain = 1000000},
        .scheme = SPAN_INIT("http"),
        .buffer_bytes = options->buffer_bytes != 0 ? options->buffer_bytes : 16384,
        .chunks = world->chunks,
    };
    struct stream *far;
    *visitor = (struct visitor){.world = world, .answers = options->answers};
    task_init(&visitor->task, visitor_run);
    buf_init(&visitor->body, 1 << 20);
    buf_init(&visitor->trace, 1 << 20);
    /* So that the first growth that fails is not one of ours. */
    check(buf_room(&visitor->body, 4096) != NULL && buf_room(&visitor->trace, 4096) != NULL);
    stream_memory_pair(world->loop, options->capacity != 0 ? options->capacity : 65536,
                       options->handshakes, &visitor->near, &far);
    far_end_open(&visitor->far, far);
    visitor->server = h1_server_new(world->loop, visitor->near, &server, visitor_on_request,
                                    visitor_on_closed, visitor);
}

void visitor_close(struct visitor *visitor)
{
    if (visitor->server != NULL)
        h1_server_abort(visitor->server);
    if (visitor->client != NULL)
        visitor_release(visitor, false);
    far_end_close(&visitor->far);
    world_turn(visitor->world);
    check(visitor->server == NULL);
    check_number(visitor->closes, 1);
    task_cancel(&visitor->task);
    buf_fini(&visitor->body);
    buf_fini(&visitor->trace);
}

void visitor_answer(struct visitor *visitor, unsigned status, const char *body)
{
    struct client *client = visitor->client;
    struct span text = span_text(body);
    const struct answer_head head = {.status = status, .body_length = (int64_t)text.len};
    client->ops->send_head(client, &head, false, false);
    client->answer.ops->write(&client->answer, text);
    client->answer.ops->end(&client->answer, NULL);
}

void visitor_release(struct visitor *visitor, bool answer_is_whole)
{
    struct client *client = visitor->client;
    visitor->client = NULL;
    client->ops->release(client, answer_is_whole);
}
