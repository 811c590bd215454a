/* SPDX-License-Identifier: Apache-2.0 */
/* A stream on a socket. What it watches follows what is wanted, but lets go of reading late: who
 * stops reading for the time of one request and starts again pays no system call for it. Only when
 * bytes do come meanwhile the watch is narrowed. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/wire/stream.h"
#include "sidecar/wire/stream_fault.h"

enum { PARTS_MOST = 8 }; /* of one write; the rest waits for the next */

struct socket_stream {
    struct stream stream; /* first */
    struct loop *loop;
    struct watch watch; /* covers `wanted`, but for a socket that hung up: that is not watched */
    int fd;
    unsigned wanted;
    bool broken; /* by a fault that a test asked for */
};

static struct socket_stream *socket_of(struct stream *stream)
{
    return (struct socket_stream *)(void *)stream;
}

static struct stream_moved socket_failed(void)
{
    bool later = errno == EAGAIN || errno == EINTR;
    return (struct stream_moved){later ? STREAM_AGAIN : STREAM_BROKEN, 0};
}

static struct stream_moved socket_struck(struct socket_stream *socket)
{
    socket->broken = true;
    errno = ECONNRESET;
    return (struct stream_moved){STREAM_BROKEN, 0};
}

static struct stream_moved socket_read(struct stream *stream, char *to, size_t size)
{
    struct socket_stream *socket = socket_of(stream);
    size_t most;
    must(size > 0);
    if (stream_fault_strikes(&most) || socket->broken)
        return socket_struck(socket);
    ssize_t got = recv(socket->fd, to, size < most ? size : most, 0);
    if (got < 0)
        return socket_failed();
    return (struct stream_moved){got > 0 ? STREAM_DONE : STREAM_END, (size_t)got};
}

static struct stream_moved socket_write(struct stream *stream, const struct iovec *parts, int count)
{
    struct socket_stream *socket = socket_of(stream);
    size_t most;
    must(count > 0);
    if (stream_fault_strikes(&most) || socket->broken)
        return socket_struck(socket);
    struct iovec copy[PARTS_MOST]; /* sendmsg() wants to be able to change them */
    struct msghdr message = {.msg_iov = copy};
    for (int i = 0; i < count && i < PARTS_MOST; i++)
        copy[message.msg_iovlen++] = parts[i];
    if (most < copy[0].iov_len) {
        copy[0].iov_len = most;
        message.msg_iovlen = 1;
    }
    ssize_t sent = sendmsg(socket->fd, &message, MSG_NOSIGNAL);
    if (sent < 0)
        return socket_failed();
    return (struct stream_moved){STREAM_DONE, (size_t)sent};
}

static void socket_on_ready(struct watch *watch, unsigned events)
{
    struct socket_stream *socket = list_entry(watch, struct socket_stream, watch);
    unsigned ready =
        (events & WATCH_READ ? STREAM_READ : 0U) | (events & WATCH_WRITE ? STREAM_WRITE : 0U);
    unsigned told = ready & socket->wanted;
    if (events & WATCH_HANGUP)
        told |= STREAM_READ | (socket->wanted & STREAM_WRITE);
    if (events & WATCH_HANGUP && !(socket->wanted & STREAM_READ))
        watch_remove(watch); /* the kernel would repeat it for ever, and nobody asked */
    else if (ready & ~socket->wanted)
        watch_change(watch, socket->wanted);
    if (told != 0)
        socket->stream.on_ready(socket->stream.owner, told);
}

static void socket_want(struct stream *stream, unsigned read_or_write)
{
    struct socket_stream *socket = socket_of(stream);
    if (read_or_write == socket->wanted)
        return;
    socket->wanted = read_or_write;
    if (socket->watch.loop == NULL) {
        if (read_or_write != 0)
            must(watch_add(socket->loop, &socket->watch, socket->fd, read_or_write,
                           socket_on_ready));
        return;
    }
    bool writes = socket->watch.events & WATCH_WRITE;
    bool asks_more = (read_or_write & ~socket->watch.events) != 0;
    if (asks_more || (writes && !(read_or_write & STREAM_WRITE)))
        watch_change(&socket->watch, read_or_write);
}

static void socket_finish(struct stream *stream)
{
    shutdown(socket_of(stream)->fd, SHUT_WR); /* of a broken socket it fails, which is as good */
}

static void socket_close(struct stream *stream)
{
    struct socket_stream *socket = socket_of(stream);
    watch_remove(&socket->watch);
    close(socket->fd);
    free(socket);
}

static void socket_reset(struct stream *stream)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_of(stream)->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_close(stream);
}

struct stream *stream_socket(struct loop *loop, int fd)
{
    static const struct stream_ops ops = {
        .read = socket_read,
        .write = socket_write,
        .want = socket_want,
        .finish = socket_finish,
        .close = socket_close,
        .reset = socket_reset,
    };
    static_assert((unsigned)STREAM_READ == WATCH_READ && (unsigned)STREAM_WRITE == WATCH_WRITE,
                  "what is wanted is what is watched");
    struct socket_stream *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        goto no_memory;
    socket->stream.ops = &ops;
    socket->loop = loop;
    socket->fd = fd;
    /* Everybody wants to read sooner or later, most at once. */
    if (!watch_add(loop, &socket->watch, fd, WATCH_READ, socket_on_ready))
        goto no_watch;
    return &socket->stream;

no_watch:
    free(socket);
no_memory:
    close(fd);
    return NULL;
}
