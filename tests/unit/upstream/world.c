/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/upstream/world.h"

static uint64_t world_now(void *context)
{
    return ((struct world *)context)->now_us;
}

static void ignore_ready(void *owner, unsigned read_or_write)
{
    (void)owner;
    (void)read_or_write;
}

static struct stream *world_open(void *context, const struct pool_target *target)
{
    struct world *world = context;
    size_t index = (size_t)(target->name.at[0] - 'a');
    world->asked[index]++;
    if (world->refuses[index])
        return NULL;
    struct stream *ours, *theirs;
    stream_memory_pair(world->loop, 65536, 0, &ours, &theirs);
    theirs->on_ready = ignore_ready;
    check(world->count < WORLD_STREAMS);
    world->backends[world->count++] = theirs;
    return ours;
}

void world_init(struct world *world)
{
    static const char *const names[WORLD_TARGETS] = {"a", "b", "c"};
    static const char *const addresses[WORLD_TARGETS] = {"127.0.0.1:1", "127.0.0.1:2",
                                                         "127.0.0.1:3"};
    *world = (struct world){.now_us = 1000 * SECOND};
    world->clock = (struct clock){world_now, world_now, world};
    world->loop = loop_new(&world->clock);
    world->chunks = arena_chunks_new(4);
    for (size_t i = 0; i < WORLD_TARGETS; i++) {
        world->targets[i].name = span_text(names[i]);
        check(address_parse(span_text(addresses[i]), &world->targets[i].address));
    }
    world->options = (struct pool_options){
        .targets = world->targets,
        .target_count = 1,
        .max_connections = 4,
        .max_pending = 2,
        .idle_timeout_us = 10 * SECOND,
        .connect_timeout_us = SECOND,
        .client = {.limits = {.head_bytes = 4096, .field_count = 10},
                   .buffer_bytes = 16384,
                   .chunks = world->chunks},
        .open = world_open,
        .context = world,
    };
}

void world_begin(struct world *world)
{
    world->pool = pool_new(world->loop, &world->options);
}

void world_fini(struct world *world)
{
    world_turn(world);
    for (size_t i = 0; i < world->count; i++)
        if (world->backends[i] != NULL)
            stream_close(world->backends[i]);
    loop_free(world->loop);
    arena_chunks_free(world->chunks);
}

void world_turn(struct world *world)
{
    for (int i = 0; i < 8; i++)
        loop_turn(world->loop, 0);
}

void world_pass(struct world *world, uint64_t us)
{
    world->now_us += us;
    world_turn(world);
}

static void count_wake(void *context)
{
    ((struct world *)context)->wakes++;
}

struct pool_ticket world_ticket(struct world *world)
{
    return (struct pool_ticket){.wake = count_wake, .exchange = world};
}

static void say(struct stream *backend, struct span text)
{
    char copy[256];
    memcpy(copy, text.at, text.len);
    struct iovec part = {copy, text.len};
    struct stream_moved moved = stream_write(backend, &part, 1);
    check(moved.state == STREAM_DONE && moved.bytes == text.len);
}

void world_serve(struct world *world, struct pool_ticket *ticket, size_t backend)
{
    struct request_head head = {.method = SPAN("GET"), .target = SPAN("/")};
    struct server *server = ticket->server;
    check(server != NULL);
    server->ops->send_head(server, &head);
    server->request.ops->end(&server->request, NULL);
    world_turn(world);
    char text[256];
    struct stream_moved moved = stream_read(world->backends[backend], text, sizeof text);
    check(moved.state == STREAM_DONE);
    check(span_starts(span_make(text, moved.bytes), SPAN("GET / HTTP/1.1\r\n")));
    say(world->backends[backend], SPAN("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    world_turn(world);
    check_number(server->ops->answer(server), ANSWER_HEAD);
    check_number(server->head->status, 200);
    check_number(server->body.ops->state(&server->body), SOURCE_ENDED);
    ticket->server = NULL;
    server->ops->release(server);
    world_turn(world);
}

bool world_is_closed(struct world *world, size_t backend)
{
    char text[16];
    enum stream_state state = stream_read(world->backends[backend], text, sizeof text).state;
    return state == STREAM_END || state == STREAM_BROKEN;
}
