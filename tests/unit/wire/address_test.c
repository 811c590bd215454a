/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sidecar/wire/stream.h"
#include "tests/check.h"
#include "tests/unit/wire/suites.h"

struct spelling {
    const char *text, *host, *whole; /* whole NULL: not an address */
    unsigned port;
};

static const struct spelling spellings[] = {
    {"127.0.0.1:80", "127.0.0.1", "127.0.0.1:80", 80},
    {"0.0.0.0:0", "0.0.0.0", "0.0.0.0:0", 0},
    {"localhost:65535", "127.0.0.1", "127.0.0.1:65535", 65535},
    {"[::1]:443", "::1", "[::1]:443", 443},
    {"[2001:DB8::0:1]:1", "2001:db8::1", "[2001:db8::1]:1", 1},
    {"[::ffff:192.0.2.1]:8", "192.0.2.1", "192.0.2.1:8", 8},
    {"unix:/run/x.sock", "unix:", "unix:/run/x.sock", 0},
    {"127.0.0.1", NULL, NULL, 0},
    {"127.0.0.1:", NULL, NULL, 0},
    {"127.0.0.1:65536", NULL, NULL, 0},
    {"127.0.0.1:-1", NULL, NULL, 0},
    {"127.0.0.01:80", NULL, NULL, 0},
    {"127.1:80", NULL, NULL, 0},
    {"::1:80", NULL, NULL, 0},
    {"[127.0.0.1]:80", NULL, NULL, 0},
    {"[::1%lo]:80", NULL, NULL, 0},
    {"[]:80", NULL, NULL, 0},
    {":80", NULL, NULL, 0},
    {"example.org:80", NULL, NULL, 0},
    {"unix:", NULL, NULL, 0},
    {"", NULL, NULL, 0},
};

TEST(addresses_are_read_and_written)
{
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        const struct spelling *spelling = &spellings[i];
        struct address address;
        char text[128];
        check(address_parse(span_text(spelling->text), &address) == (spelling->whole != NULL));
        if (spelling->whole == NULL)
            continue;
        check_span(span_make(text, address_write(&address, text)), spelling->whole);
        check_span(span_make(text, address_write_host(&address, text)), spelling->host);
        check_number(address_port(&address), spelling->port);
    }
}

TEST(a_path_that_is_too_long_for_a_socket_is_refused)
{
    char text[200] = "unix:/";
    struct address address;
    memset(text + 6, 'a', sizeof text - 6);
    check(address_parse(span_make(text, 5 + 107), &address));
    check(!address_parse(span_make(text, 5 + 108), &address));
    check(!address_parse(span_make("unix:/a\0b", 9), &address));
}

static void path_in_new_folder(char *folder, size_t size, struct address *address)
{
    check(size > 40);
    memcpy(folder, "/tmp/sidegate-address-XXXXXX", 29);
    check(mkdtemp(folder) != NULL);
    char text[128];
    int len = snprintf(text, sizeof text, "unix:%s/s", folder);
    check(address_parse(span_make(text, (size_t)len), address));
}

static void remove_folder(const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/s", folder);
    unlink(path);
    check(rmdir(folder) == 0);
}

TEST(a_stale_socket_is_replaced_and_a_live_one_is_not)
{
    char folder[64];
    struct address address;
    path_in_new_folder(folder, sizeof folder, &address);
    int first = address_listen(&address, 1, false);
    check(first >= 0);
    check_number(address_listen(&address, 1, false), -1);
    check_number(errno, EADDRINUSE);
    close(first);
    int second = address_listen(&address, 1, false);
    check(second >= 0);
    int client = address_connect(&address);
    check(client >= 0);
    close(client);
    close(second);
    remove_folder(folder);
}

TEST(a_file_that_is_no_socket_is_left_alone)
{
    char folder[64], path[128];
    struct address address;
    path_in_new_folder(folder, sizeof folder, &address);
    snprintf(path, sizeof path, "%s/s", folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    check(fd >= 0);
    close(fd);
    check_number(address_listen(&address, 1, false), -1);
    check_number(access(path, F_OK), 0);
    remove_folder(folder);
}

TEST(two_listeners_share_a_port_only_where_asked)
{
    struct address address;
    check(address_parse(SPAN("127.0.0.1:0"), &address));
    int one = address_listen(&address, 1, true);
    check(one >= 0);
    check(getsockname(one, (struct sockaddr *)&address.at, &address.len) == 0);
    int other = address_listen(&address, 1, true);
    check(other >= 0);
    check_number(address_listen(&address, 1, false), -1);
    close(one);
    close(other);
}

int address_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(a_path_that_is_too_long_for_a_socket_is_refused),
        cmocka_unit_test(a_stale_socket_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(two_listeners_share_a_port_only_where_asked),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
