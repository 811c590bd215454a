/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets by the text of their address; descriptors travel as SCM_RIGHTS.
 *
 *   request  {count, text}          child -> parent; a count of 0 gives the address up
 *   answer   {errno} + descriptors  parent -> child */
#include "sidecar/doors.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/base/list.h"
#include "rules/base/must.h"

enum { BACKLOG = 4096, TEXT_BYTES = 256 };

struct door {
    struct list link;
    char text[TEXT_BYTES];
    size_t len;
    int fds[DOOR_SOCKETS];
    unsigned count;
};

struct doors {
    struct list all;
    int channel; /* -1: sockets are bound here */
};

struct request {
    uint32_t count;
    uint32_t len;
    char text[TEXT_BYTES];
};

struct doors *doors_new(void)
{
    struct doors *doors = must_alloc(sizeof(*doors));
    list_init(&doors->all);
    doors->channel = -1;
    return doors;
}

void doors_free(struct doors *doors)
{
    while (!list_is_empty(&doors->all)) {
        struct door *door = list_entry(doors->all.next, struct door, link);
        list_remove(&door->link);
        for (unsigned i = 0; i < door->count; i++)
            close(door->fds[i]);
        free(door);
    }
    if (doors->channel >= 0)
        close(doors->channel);
    free(doors);
}

void doors_ask_by(struct doors *doors, int childs_end)
{
    doors->channel = childs_end;
}

bool doors_channel(int *parents_end, int *childs_end)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    *parents_end = ends[0];
    *childs_end = ends[1];
    return true;
}

static struct door *find(struct doors *doors, struct span text)
{
    for (struct list *link = doors->all.next; link != &doors->all; link = link->next) {
        struct door *door = list_entry(link, struct door, link);
        if (span_is(span_make(door->text, door->len), text))
            return door;
    }
    return NULL;
}

static struct door *door_add(struct doors *doors, struct span text)
{
    struct door *door = must_alloc(sizeof(*door));
    memcpy(door->text, text.at, text.len);
    door->len = text.len;
    list_add(&doors->all, &door->link);
    return door;
}

/* Binds until there are `count`. SO_REUSEPORT spreads connections over them: one for each worker.
 */
static bool bind_here(struct door *door, unsigned count)
{
    struct address address;
    if (!address_parse(span_make(door->text, door->len), &address)) {
        errno = EINVAL;
        return false;
    }
    while (door->count < count) {
        int fd = address_listen(&address, BACKLOG, true);
        if (fd < 0)
            return false;
        door->fds[door->count++] = fd;
    }
    return true;
}

static bool send_request(int channel, struct span text, unsigned count)
{
    struct request request = {.count = count, .len = (uint32_t)text.len};
    memcpy(request.text, text.at, text.len);
    return send(channel, &request, sizeof(request), MSG_NOSIGNAL) == sizeof(request);
}

static bool receive_answer(int channel, struct door *door)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DOOR_SOCKETS)];
        struct cmsghdr align;
    } control;
    int32_t error = 0;
    struct iovec part = {&error, sizeof(error)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != sizeof(error)) {
        errno = EPIPE;
        return false;
    }
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS) {
        size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && door->count < DOOR_SOCKETS; i++)
            memcpy(&door->fds[door->count++], CMSG_DATA(rights) + i * sizeof(int), sizeof(int));
    }
    errno = error;
    return error == 0;
}

static bool fill(struct doors *doors, struct door *door, unsigned count)
{
    if (doors->channel < 0)
        return bind_here(door, count);
    /* The parent hands over all of an address's sockets; those that were inherited are given up for
     * them. */
    for (unsigned i = 0; i < door->count; i++)
        close(door->fds[i]);
    door->count = 0;
    return send_request(doors->channel, span_make(door->text, door->len), count) &&
           receive_answer(doors->channel, door);
}

/* A child with fewer workers than the one before: what nobody will accept from is closed. */
static void shrink(struct door *door, unsigned count)
{
    while (door->count > count)
        close(door->fds[--door->count]);
}

bool doors_open(struct doors *doors, struct span text, unsigned count, int fds[DOOR_SOCKETS])
{
    if (text.len > TEXT_BYTES || count > DOOR_SOCKETS) {
        errno = ENAMETOOLONG;
        return false;
    }
    bool is_unix = span_starts(text, SPAN("unix:"));
    unsigned sockets = is_unix ? 1 : count;
    struct door *door = find(doors, text);
    if (door == NULL)
        door = door_add(doors, text);
    if (doors->channel < 0)
        shrink(door, sockets);
    if (door->count != sockets && !fill(doors, door, sockets))
        return false;
    for (unsigned i = 0; i < count; i++)
        fds[i] = door->fds[is_unix ? 0 : i];
    return true;
}

/* The sockets of the child are only shut: a worker may still watch their numbers. */
static void give_up(struct doors *doors, struct door *door)
{
    for (unsigned i = 0; i < door->count; i++)
        shutdown(door->fds[i], SHUT_RD);
    if (doors->channel >= 0)
        send_request(doors->channel, span_make(door->text, door->len), 0);
    list_remove(&door->link);
    free(door);
}

void doors_keep(struct doors *doors, const struct span *keep, size_t count)
{
    for (struct list *link = doors->all.next, *next; link != &doors->all; link = next) {
        next = link->next;
        struct door *door = list_entry(link, struct door, link);
        size_t i = 0;
        while (i < count && !span_is(keep[i], span_make(door->text, door->len)))
            i++;
        if (i == count)
            give_up(doors, door);
    }
}

/* The parent's part of giving up. */
static void close_door(struct doors *doors, struct span text)
{
    struct door *door = find(doors, text);
    if (door == NULL)
        return;
    list_remove(&door->link);
    for (unsigned i = 0; i < door->count; i++)
        close(door->fds[i]);
    free(door);
}

bool doors_serve(struct doors *doors, int parents_end)
{
    struct request request;
    ssize_t got = recv(parents_end, &request, sizeof(request), 0);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
        return false;
    if (got != sizeof(request) || request.len > TEXT_BYTES || request.count > DOOR_SOCKETS)
        return true;
    int fds[DOOR_SOCKETS];
    struct span text = span_make(request.text, request.len);
    if (request.count == 0) {
        close_door(doors, text);
        return true;
    }
    int32_t error = doors_open(doors, text, request.count, fds) ? 0 : errno;
    const struct door *door = find(doors, text);
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DOOR_SOCKETS)];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {&error, sizeof(error)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (error == 0 && door != NULL) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * door->count);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * door->count);
        memcpy(CMSG_DATA(rights), door->fds, sizeof(int) * door->count);
    }
    return sendmsg(parents_end, &message, MSG_NOSIGNAL) == sizeof(error);
}
