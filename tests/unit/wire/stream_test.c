/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: in memory, and on sockets. */
#include "sidecar/wire/stream.h"

#include <unistd.h>

#include "tests/check.h"
#include "tests/unit/wire/far_end.h"
#include "tests/unit/wire/suites.h"

struct listener {
    unsigned calls, told;
};

static void on_ready(void *owner, unsigned read_or_write)
{
    struct listener *listener = owner;
    listener->calls++;
    listener->told = read_or_write;
}

static void listen_to(struct listener *listener, struct stream *stream)
{
    *listener = (struct listener){0};
    stream->on_ready = on_ready;
    stream->owner = listener;
}

static struct stream_moved put(struct stream *stream, const char *text)
{
    char copy[64];
    size_t len = strlen(text);
    check(len < sizeof copy);
    memcpy(copy, text, len);
    const struct iovec parts[] = {{copy, len / 2}, {copy + len / 2, len - len / 2}};
    return stream_write(stream, parts, 2);
}

static void check_moved(struct stream_moved moved, enum stream_state state, size_t bytes)
{
    check_number(moved.state, state);
    check_number(moved.bytes, bytes);
}

static void check_reads(struct stream *stream, size_t size, const char *want)
{
    char text[64];
    check(size <= sizeof text);
    check_moved(stream_read(stream, text, size), STREAM_DONE, strlen(want));
    check(memcmp(text, want, strlen(want)) == 0);
}

static enum stream_state state_of_read(struct stream *stream)
{
    char text[64];
    return stream_read(stream, text, sizeof text).state;
}

/* ---- in memory ---- */

struct pair_of {
    struct world world;
    struct stream *a, *b;
    struct listener at_a, at_b;
};

static void pair_open(struct pair_of *both, size_t capacity, unsigned handshakes)
{
    world_open(&both->world);
    stream_memory_pair(both->world.loop, capacity, handshakes, &both->a, &both->b);
    listen_to(&both->at_a, both->a);
    listen_to(&both->at_b, both->b);
}

static void turn(struct pair_of *both)
{
    loop_turn(both->world.loop, 0);
}

TEST(a_memory_stream_holds_the_rest_of_a_record_and_says_so)
{
    struct pair_of both;
    pair_open(&both, 100, 0);
    stream_want(both.b, STREAM_READ);
    turn(&both);
    check_number(both.at_b.calls, 0);
    check_moved(put(both.a, "hello"), STREAM_DONE, 5);
    check_moved(put(both.a, "you"), STREAM_DONE, 3);
    turn(&both);
    check_number(both.at_b.told, STREAM_READ);
    check_reads(both.b, 2, "he");
    unsigned calls = both.at_b.calls;
    turn(&both);
    turn(&both);
    check_number(both.at_b.calls, calls + 2); /* once a turn, as long as something is here */
    check_reads(both.b, 64, "llo");
    check_reads(both.b, 64, "you");
    check_number(state_of_read(both.b), STREAM_AGAIN);
    stream_close(both.a);
    stream_close(both.b);
    world_close(&both.world);
}

TEST(a_memory_stream_takes_no_more_than_its_capacity)
{
    struct pair_of both;
    pair_open(&both, 10, 0);
    check_moved(put(both.a, "123456789"), STREAM_DONE, 8);
    check_moved(put(both.a, "9"), STREAM_AGAIN, 0);
    stream_want(both.a, STREAM_WRITE);
    turn(&both);
    check_number(both.at_a.calls, 0);
    check_reads(both.b, 1, "1");
    turn(&both);
    check_number(both.at_a.told, STREAM_WRITE);
    check_moved(put(both.a, "9"), STREAM_DONE, 1);
    stream_close(both.a);
    stream_close(both.b);
    world_close(&both.world);
}

TEST(a_read_that_has_to_write_first_waits_for_room)
{
    struct pair_of both;
    pair_open(&both, 8, 1);
    check_moved(put(both.a, "123456"), STREAM_DONE, 6);
    check_moved(put(both.b, "abcdef"), STREAM_DONE, 6);
    stream_want(both.b, STREAM_READ);
    check_number(state_of_read(both.b), STREAM_AGAIN); /* what it has to write does not fit */
    turn(&both);
    check_number(both.at_b.calls, 0);
    stream_close(both.a);
    stream_close(both.b);
    world_close(&both.world);
}

TEST(a_memory_stream_ends_in_order_after_its_last_byte)
{
    struct pair_of both;
    pair_open(&both, 100, 0);
    put(both.a, "bye");
    stream_finish(both.a);
    stream_want(both.b, STREAM_READ);
    turn(&both);
    check_reads(both.b, 64, "bye");
    check_number(state_of_read(both.b), STREAM_END);
    check_moved(put(both.b, "and you"), STREAM_DONE, 7); /* the other half is open */
    check_reads(both.a, 64, "and you");
    stream_close(both.a);
    stream_close(both.b);
    world_close(&both.world);
}

TEST(closing_with_bytes_unread_and_resetting_break_the_other_end)
{
    for (int resets = 0; resets < 2; resets++) {
        struct pair_of both;
        pair_open(&both, 100, 0);
        put(both.a, "hello");
        put(both.b, "unread");
        if (resets) {
            check_reads(both.a, 64, "unread");
            stream_reset(both.a);
        } else {
            stream_close(both.a);
        }
        turn(&both);
        check_number(both.at_b.calls, 1); /* though it did not want to read */
        check_number(both.at_b.told, STREAM_READ);
        turn(&both);
        check_number(both.at_b.calls, 1);
        check_number(state_of_read(both.b), STREAM_BROKEN);
        stream_close(both.b);
        world_close(&both.world);
    }
}

TEST(faults_strike_the_read_or_write_that_they_were_asked_for)
{
    struct pair_of both;
    pair_open(&both, 100, 0);
    stream_short_nth(2);
    check_moved(put(both.a, "one"), STREAM_DONE, 3);
    check_moved(put(both.a, "two"), STREAM_DONE, 1);
    check_moved(put(both.a, "wo"), STREAM_DONE, 2);
    stream_fail_nth(2);
    check_reads(both.b, 64, "one");
    check_number(state_of_read(both.b), STREAM_BROKEN);
    check_number(state_of_read(both.b), STREAM_BROKEN);
    check_number(put(both.a, "x").state, STREAM_BROKEN);
    stream_close(both.a);
    stream_close(both.b);
    world_close(&both.world);
}

/* ---- on sockets ---- */

static void sockets_open(struct pair_of *both, int family)
{
    world_open(&both->world);
    int ends[2];
    if (family == AF_UNIX) {
        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    } else {
        struct address address;
        check(address_parse(SPAN("127.0.0.1:0"), &address));
        int listener = address_listen(&address, 8, false);
        check(listener >= 0);
        check(getsockname(listener, (struct sockaddr *)&address.at, &address.len) == 0);
        ends[0] = address_connect(&address);
        ends[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        check(ends[0] >= 0 && ends[1] >= 0);
        close(listener);
    }
    both->a = stream_socket(both->world.loop, ends[0]);
    both->b = stream_socket(both->world.loop, ends[1]);
    listen_to(&both->at_a, both->a);
    listen_to(&both->at_b, both->b);
}

static void sockets_close(struct pair_of *both)
{
    stream_close(both->a);
    stream_close(both->b);
    world_close(&both->world);
}

static const int families[] = {AF_UNIX, AF_INET};

TEST(a_socket_stream_reads_what_was_written)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair_of both;
        sockets_open(&both, families[i]);
        stream_want(both.b, STREAM_READ);
        check_number(state_of_read(both.b), STREAM_AGAIN);
        check_moved(put(both.a, "hello"), STREAM_DONE, 5);
        turn(&both);
        check_number(both.at_b.told, STREAM_READ);
        stream_want(both.b, 0);
        unsigned calls = both.at_b.calls;
        turn(&both);
        turn(&both);
        check_number(both.at_b.calls, calls);
        stream_want(both.b, STREAM_READ | STREAM_WRITE);
        turn(&both);
        check_number(both.at_b.told, STREAM_READ | STREAM_WRITE);
        check_reads(both.b, 64, "hello");
        stream_finish(both.a);
        check_number(state_of_read(both.b), STREAM_END);
        sockets_close(&both);
    }
}

TEST(a_socket_that_is_reset_says_so_once_even_where_nothing_is_wanted)
{
    struct pair_of both;
    sockets_open(&both, AF_INET);
    stream_reset(both.a);
    turn(&both);
    turn(&both);
    check_number(both.at_b.calls, 1);
    check_number(both.at_b.told, STREAM_READ);
    check_number(state_of_read(both.b), STREAM_BROKEN);
    stream_close(both.b);
    world_close(&both.world);
}

TEST(a_full_socket_says_when_it_has_room_again)
{
    struct pair_of both;
    sockets_open(&both, AF_UNIX);
    size_t sent = 0;
    struct stream_moved moved;
    while ((moved = put(both.a, "0123456789012345678901234567890123456789")).state == STREAM_DONE)
        sent += moved.bytes;
    check_number(moved.state, STREAM_AGAIN);
    stream_want(both.a, STREAM_WRITE);
    turn(&both);
    check_number(both.at_a.calls, 0);
    static char all[65536];
    while (sent > 0) {
        moved = stream_read(both.b, all, sizeof all);
        check_number(moved.state, STREAM_DONE);
        sent -= moved.bytes;
    }
    turn(&both);
    check_number(both.at_a.told, STREAM_WRITE);
    sockets_close(&both);
}

TEST(a_connection_that_is_refused_is_broken)
{
    struct world world;
    struct address address;
    struct listener listener;
    world_open(&world);
    check(address_parse(SPAN("127.0.0.1:0"), &address));
    int fd = address_listen(&address, 8, false);
    check(getsockname(fd, (struct sockaddr *)&address.at, &address.len) == 0);
    close(fd); /* nobody listens there now */
    fd = address_connect(&address);
    if (fd >= 0) {
        struct stream *stream = stream_socket(world.loop, fd);
        listen_to(&listener, stream);
        stream_want(stream, STREAM_READ | STREAM_WRITE);
        loop_turn(world.loop, 0);
        check(listener.told & STREAM_READ);
        check_number(state_of_read(stream), STREAM_BROKEN);
        stream_close(stream);
    }
    world_close(&world);
}

int stream_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_memory_stream_holds_the_rest_of_a_record_and_says_so),
        cmocka_unit_test(a_memory_stream_takes_no_more_than_its_capacity),
        cmocka_unit_test(a_read_that_has_to_write_first_waits_for_room),
        cmocka_unit_test(a_memory_stream_ends_in_order_after_its_last_byte),
        cmocka_unit_test(closing_with_bytes_unread_and_resetting_break_the_other_end),
        cmocka_unit_test(faults_strike_the_read_or_write_that_they_were_asked_for),
        cmocka_unit_test(a_socket_stream_reads_what_was_written),
        cmocka_unit_test(a_socket_that_is_reset_says_so_once_even_where_nothing_is_wanted),
        cmocka_unit_test(a_full_socket_says_when_it_has_room_again),
        cmocka_unit_test(a_connection_that_is_refused_is_broken),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
