/* SPDX-License-Identifier: Apache-2.0 */
/* One watch for each listening socket, and one descriptor in reserve: without it, a process that
 * has run out of descriptors would be told of the same waiting connection in every turn and could
 * not even refuse it. */
#include "sidecar/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules/base/must.h"

enum { ACCEPTS_A_TURN = 64 };

struct door {
    struct watch watch;
    struct acceptor *acceptor;
    size_t listener;
};

struct acceptor {
    struct loop *loop;
    void (*on_accepted)(void *context, int fd, size_t listener);
    void *context;
    struct door *doors;
    size_t count;
    int reserve;
    bool paused;
};

struct acceptor *acceptor_new(struct loop *loop,
                              void (*on_accepted)(void *context, int fd, size_t listener),
                              void *context)
{
    struct acceptor *acceptor = must_alloc(sizeof(*acceptor));
    *acceptor = (struct acceptor){.loop = loop,
                                  .on_accepted = on_accepted,
                                  .context = context,
                                  .reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)};
    return acceptor;
}

static void close_doors(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->count; i++)
        if (acceptor->doors[i].watch.loop != NULL)
            watch_remove(&acceptor->doors[i].watch);
    free(acceptor->doors);
    acceptor->doors = NULL;
    acceptor->count = 0;
}

void acceptor_free(struct acceptor *acceptor)
{
    close_doors(acceptor);
    if (acceptor->reserve >= 0)
        close(acceptor->reserve);
    free(acceptor);
}

/* No descriptor is left: the one in reserve takes the connection, and it is refused by closing it.
 */
static void refuse_one(struct acceptor *acceptor, int listening)
{
    if (acceptor->reserve >= 0)
        close(acceptor->reserve);
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    acceptor->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Takes one connection in; false: nobody waits. */
static bool take_one(struct door *door)
{
    struct acceptor *acceptor = door->acceptor;
    int fd = accept4(door->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE)
            refuse_one(acceptor, door->watch.fd);
        return errno == ECONNABORTED || errno == EINTR;
    }
    /* Fails on a Unix socket, which has no such delay. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    acceptor->on_accepted(acceptor->context, fd, door->listener);
    return true;
}

static void on_ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct door *door = list_entry(watch, struct door, watch);
    for (unsigned i = 0; i < ACCEPTS_A_TURN && take_one(door); i++) {
    }
}

static void open_doors(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->count; i++) {
        struct door *door = &acceptor->doors[i];
        if (!acceptor->paused)
            must(watch_add(acceptor->loop, &door->watch, door->watch.fd, WATCH_READ, on_ready));
        else
            watch_remove(&door->watch);
    }
}

void acceptor_set(struct acceptor *acceptor, const struct worker_listener *listeners, size_t count)
{
    close_doors(acceptor);
    if (count == 0)
        return;
    acceptor->doors = must_alloc(count * sizeof(*acceptor->doors));
    acceptor->count = count;
    for (size_t i = 0; i < count; i++)
        acceptor->doors[i] =
            (struct door){.acceptor = acceptor, .listener = i, .watch.fd = listeners[i].fd};
    if (!acceptor->paused)
        open_doors(acceptor);
}

/* A connection that the kernel has completed but that nobody accepted is reset when its listener
 * closes. So first SYNs are dropped, by a filter that sees the TCP header: byte 13 holds the flags.
 */
static void drop_new(int listening)
{
    enum { FLAGS_BYTE = 13, FLAG_SYN = 0x02, ALL_BYTES = 0xffff };
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_BYTE),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FLAG_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, ALL_BYTES),
    };
    struct sock_fprog filter = {.len = sizeof(program) / sizeof(program[0]), .filter = program};
    /* Fails where the kernel has no filters: then the moment between the last accept and the end
     * stays open. */
    setsockopt(listening, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

void acceptor_turn_away(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->count; i++) {
        int domain = 0;
        socklen_t len = sizeof(domain);
        int fd = acceptor->doors[i].watch.fd;
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain != AF_UNIX)
            drop_new(fd);
    }
}

void acceptor_finish(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->count; i++) {
        struct door *door = &acceptor->doors[i];
        while (take_one(door)) {
        }
        shutdown(door->watch.fd, SHUT_RD);
    }
    close_doors(acceptor);
}

void acceptor_pause(struct acceptor *acceptor, bool paused)
{
    if (acceptor->paused == paused)
        return;
    acceptor->paused = paused;
    open_doors(acceptor);
}
