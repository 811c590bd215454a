/* SPDX-License-Identifier: Apache-2.0 */
/* What only real sockets do: a reset overtakes what was sent before it. */
#include <sys/socket.h>
#include <unistd.h>

#include "sidecar/wire/h1.h"
#include "tests/check.h"
#include "tests/unit/wire/far_end.h"
#include "tests/unit/wire/suites.h"

enum { UPLOAD_BYTES = 10 << 20, TURNS = 50 };

struct socket_pair {
    int near, far;
};

static struct socket_pair connect_pair(void)
{
    struct address address;
    check(address_parse(SPAN("127.0.0.1:0"), &address));
    int listener = address_listen(&address, 8, false);
    check(listener >= 0);
    check(getsockname(listener, (struct sockaddr *)&address.at, &address.len) == 0);
    struct socket_pair pair = {.far = address_connect(&address)};
    pair.near = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    check(pair.far >= 0 && pair.near >= 0);
    close(listener);
    return pair;
}

static void send_text(int fd, const char *text)
{
    check(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void turn(struct loop *loop)
{
    for (int i = 0; i < TURNS; i++)
        loop_turn(loop, 0);
}

static void ignore(void *owner)
{
    ++*(unsigned *)owner;
}

/* Fills the sink as long as it has room. */
static size_t fill(struct sink *sink, size_t left)
{
    static const char text[16384];
    size_t filled = 0;
    for (size_t room; (room = sink->ops->room(sink)) > 0 && filled < left; filled += room) {
        room = room < sizeof text ? room : sizeof text;
        sink->ops->write(sink, span_make(text, room));
    }
    return filled;
}

TEST(a_backend_that_answers_an_upload_at_once_and_resets_is_still_heard)
{
    struct world world;
    world_open(&world);
    struct socket_pair pair = connect_pair();
    unsigned closes = 0;
    const struct h1_client_options options = {
        .limits = {.head_bytes = 4096, .field_count = 100},
        .buffer_bytes = 16384,
        .chunks = world.chunks,
    };
    struct h1_client *client = h1_client_new(world.loop, stream_socket(world.loop, pair.near),
                                             &options, ignore, ignore, &closes);
    struct server *server = h1_client_begin(client);
    server->wake = ignore;
    server->exchange = &(unsigned){0};
    const struct request_head head = {
        .method = SPAN("POST"), .target = SPAN("/"), .body_length = UPLOAD_BYTES};
    server->ops->send_head(server, &head);
    size_t filled = 0;
    for (int i = 0; i < 200; i++) {
        filled += fill(&server->request, UPLOAD_BYTES - filled);
        loop_turn(world.loop, 0);
        if (i == 20) { /* with most of the upload unread */
            send_text(pair.far, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
            close(pair.far);
        }
    }
    check_number(server->ops->answer(server), ANSWER_HEAD);
    check_number(server->head->status, 413);
    check_span(server->body.ops->peek(&server->body), "no");
    server->body.ops->consume(&server->body, 2);
    check_number(server->body.ops->state(&server->body), SOURCE_ENDED);
    server->ops->release(server);
    turn(world.loop);
    check_number(closes, 1);
    world_close(&world);
}

/* ---- the other side ---- */

struct door {
    struct client *client;
    unsigned closes;
};

static void on_request(void *owner, struct client *client)
{
    ((struct door *)owner)->client = client;
}

static void on_closed(void *owner)
{
    ((struct door *)owner)->closes++;
}

static struct h1_server *open_door(struct world *world, int fd, struct door *door)
{
    const struct h1_server_options options = {
        .limits = {.head_bytes = 4096, .field_count = 100, .target_bytes = 1000},
        .timeouts = {.request_header = 1000000, .idle = 1000000, .drain = 1000000},
        .scheme = SPAN_INIT("http"),
        .buffer_bytes = 16384,
        .chunks = world->chunks,
    };
    *door = (struct door){.closes = 0};
    return h1_server_new(world->loop, stream_socket(world->loop, fd), &options, on_request,
                         on_closed, door);
}

TEST(a_refused_upload_sees_its_answer_and_no_reset)
{
    struct world world;
    struct door door;
    static char text[30000];
    world_open(&world);
    struct socket_pair pair = connect_pair();
    open_door(&world, pair.near, &door);
    send_text(pair.far, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    check(send(pair.far, text, sizeof text, 0) == sizeof text);
    turn(world.loop);
    struct client *client = door.client;
    const struct answer_head head = {.status = 413};
    client->ops->send_head(client, &head, false, false);
    client->ops->release(client, true);
    turn(world.loop);
    check(send(pair.far, text, sizeof text, MSG_NOSIGNAL) == sizeof text); /* it had not looked */
    turn(world.loop);
    ssize_t got = recv(pair.far, text, sizeof text, 0);
    check(got > 0);
    check_span(span_make(text, (size_t)got), "HTTP/1.1 413 Content Too Large\r\n"
                                             "Content-Length: 0\r\nConnection: close\r\n\r\n");
    check_number(recv(pair.far, text, sizeof text, 0), 0);
    check_number(door.closes, 0);
    close(pair.far);
    turn(world.loop);
    check_number(door.closes, 1);
    world_close(&world);
}

TEST(a_client_that_resets_is_gone_though_its_body_fills_the_buffer)
{
    struct world world;
    struct door door;
    static char text[60000];
    const struct linger at_once = {.l_onoff = 1};
    world_open(&world);
    struct socket_pair pair = connect_pair();
    open_door(&world, pair.near, &door);
    send_text(pair.far, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    check(send(pair.far, text, sizeof text, 0) == sizeof text);
    turn(world.loop);
    check(!door.client->ops->is_gone(door.client));
    check(setsockopt(pair.far, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    close(pair.far);
    turn(world.loop);
    check(door.client->ops->is_gone(door.client));
    door.client->ops->release(door.client, false);
    turn(world.loop);
    check_number(door.closes, 1);
    world_close(&world);
}

int h1_socket_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backend_that_answers_an_upload_at_once_and_resets_is_still_heard),
        cmocka_unit_test(a_refused_upload_sees_its_answer_and_no_reset),
        cmocka_unit_test(a_client_that_resets_is_gone_though_its_body_fills_the_buffer),
    };
    return cmocka_run_group_tests_name("h1 on sockets", tests, NULL, NULL);
}
