/* SPDX-License-Identifier: Apache-2.0 */
/* The writing thread's life:
 *
 *        +--> idle (waits for a wake) ----+
 *        |                                v
 *     settled <-- written --------- lines in hand <--+
 *        ^                                |          | after a pause
 *        +-- given up, counted <--- write error -----+
 *
 * Before each write it waits until the descriptor takes bytes, together with the wake, so that a
 * full pipe never keeps it from hearing that it shall stop. A pipe that is ready takes PIPE_BUF
 * bytes, so that is what it gets at once. */
#include "exporters/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/audit_file.h"
#include "exporters/clock.h"
#include "exporters/rotate.h"
#include "exporters/say.h"
#include "exporters/thread.h"
#include "exporters/words.h"
#include "rules/base/must.h"

enum {
    BATCH_LINES = 128,
    WRITE_TRIES = 5, /* of the same lines, then they are given up */
    FIRST_PAUSE_US = 100 * 1000,
    LONGEST_PAUSE_US = 2000 * 1000,
    ROTATE_PAUSE_US = 60 * 1000 * 1000,
};

struct writer {
    pthread_t thread;
    struct queue *queue;
    enum writer_kind kind;
    int wake; /* eventfd */
    atomic_bool stop, reopen;
    _Atomic uint64_t deadline_us;

    pthread_mutex_t lock; /* guards next_* */
    char *next_path;      /* NULL: none */
    int next_fd;
    struct rotation next_rotation;

    /* the thread's own */
    char *path;
    int fd;
    bool is_file, torn;       /* torn: the last write ended within a line */
    struct buf lines, record; /* record: a file of its own, before it is written */
    size_t written;           /* of `lines` */
    unsigned units, tries;
    bool told; /* the present trouble has been said on stderr */
    struct rotation rotation;
    struct rotator *rotator;
    uint64_t rotate_after_us; /* a rotation that failed is tried again then */
};

/* A socket that has the address for its peer; -1 with errno. */
static int datagram_open(const char *address)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    struct span host, port;
    char names[2][INET6_ADDRSTRLEN + 1] = {""};
    address_split(span_text(address), &host, &port);
    if (host.len < sizeof names[0] && port.len < sizeof names[1]) {
        memcpy(names[0], host.at, host.len);
        memcpy(names[1], port.at, port.len);
    }
    errno = EINVAL;
    if (getaddrinfo(names[0], names[1], &hints, &found) != 0)
        return -1;
    int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

int log_open(const char *path, char *why, size_t size)
{
    int fd;
    struct stat status;
    if (strcmp(path, "/dev/stdout") == 0)
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (strcmp(path, "/dev/stderr") == 0)
        fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (strncmp(path, LOG_UDP, strlen(LOG_UDP)) == 0)
        fd = datagram_open(path + strlen(LOG_UDP));
    else if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode))
        fd = open(path, O_RDWR | O_CLOEXEC); /* waits for no reader */
    else
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0) {
        char text[128];
        snprintf(why, size, "%s: %s", path, strerror_r(errno, text, sizeof text));
    }
    return fd;
}

static void tell(struct writer *w, const char *trouble, int error)
{
    char text[128];
    if (!w->told)
        say("%s: %s: %s", w->path, trouble, strerror_r(error, text, sizeof text));
    w->told = true;
}

/* Does a file end within a line? Whoever wrote last was killed, or had no room. The descriptor may
 * only write. */
static bool ends_torn(int fd, off_t size)
{
    char path[32], last = '\n';
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = size > 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    bool is_torn = reader >= 0 && pread(reader, &last, 1, size - 1) == 1 && last != '\n';
    if (reader >= 0)
        close(reader);
    return is_torn;
}

static void use_file(struct writer *w, int fd)
{
    struct stat status;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = fd;
    w->is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    w->torn = w->is_file && w->kind == WRITER_LINES && ends_torn(fd, status.st_size);
    w->told = false;
}

static void follow_orders(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    char *path = w->next_path;
    int fd = w->next_fd;
    w->next_path = NULL;
    w->rotation = w->next_rotation;
    pthread_mutex_unlock(&w->lock);
    if (path != NULL) {
        free(w->path);
        w->path = path;
        use_file(w, fd);
    }
    if (!atomic_exchange(&w->reopen, false))
        return;
    char why[512];
    fd = log_open(w->path, why, sizeof why);
    if (fd >= 0)
        use_file(w, fd);
    else
        say("log is not opened anew, the old file goes on: %s", why);
}

/* Waits until the descriptor takes bytes (`for_room`) or a wake comes, at most until `until_us`. */
static bool wait_for(struct writer *w, bool for_room, uint64_t until_us)
{
    struct pollfd fds[] = {{.fd = w->wake, .events = POLLIN},
                           {.fd = for_room ? w->fd : -1, .events = POLLOUT}};
    int timeout = until_us == UINT64_MAX ? -1 : clock_poll_ms(until_us, clock_monotonic_us());
    if (poll(fds, 2, timeout) < 0)
        return false;
    eventfd_t count;
    if (fds[0].revents != 0)
        eventfd_read(w->wake, &count);
    return fds[1].revents != 0;
}

static bool is_over(const struct writer *w)
{
    return atomic_load(&w->stop) && clock_monotonic_us() >= atomic_load(&w->deadline_us);
}

/* How long the next piece is that is not to be torn apart. */
static size_t whole_line(const struct writer *w, struct span rest)
{
    size_t end = w->kind == WRITER_LINES ? span_find_byte(rest, '\n') : SPAN_NONE;
    return end != SPAN_NONE ? end + 1 : rest.len;
}

static void rotate(struct writer *w)
{
    char why[512];
    uint64_t now = clock_monotonic_us();
    if (now < w->rotate_after_us)
        return;
    enum rotated turned = rotator_turn(w->rotator, &w->rotation, w->path, w->fd);
    if (turned == ROTATED_LATER)
        return;
    int fd = turned == ROTATED ? log_open(w->path, why, sizeof why) : -1;
    if (fd >= 0) {
        use_file(w, fd);
        rotator_go_on(w->rotator, &w->rotation);
        return;
    }
    if (turned == ROTATED_NOT)
        snprintf(why, sizeof why, "%.300s: %s", w->path, strerrordesc_np(errno));
    say("log is not rotated, the old file goes on: %s", why);
    w->rotate_after_us = now + ROTATE_PAUSE_US;
}

/* How much of the rest the file has room for, in whole lines; where there is none it is rotated. */
static size_t room_for(struct writer *w, struct span rest)
{
    bool at_line = w->written == 0 || w->lines.at[w->written - 1] == '\n';
    if (!w->is_file || !at_line || w->torn)
        return rest.len;
    uint64_t room = rotation_room(&w->rotation, w->fd);
    if (room < whole_line(w, rest)) {
        rotate(w);
        room = rotation_room(&w->rotation, w->fd);
    }
    if (room >= rest.len || w->kind != WRITER_LINES)
        return rest.len;
    size_t end = span_find_last_byte(span_first(rest, (size_t)room), '\n');
    return end != SPAN_NONE ? end + 1 : whole_line(w, rest);
}

/* How much of the rest is handed over at once: all to a file, to a pipe as many whole lines as it
 * takes without blocking, or a piece of one that is longer. */
static size_t portion(struct writer *w, struct span rest)
{
    if (w->is_file)
        return room_for(w, rest);
    if (rest.len <= PIPE_BUF || w->kind == WRITER_DATAGRAMS)
        return rest.len;
    size_t end = span_find_last_byte(span_first(rest, PIPE_BUF), '\n');
    return end != SPAN_NONE ? end + 1 : PIPE_BUF;
}

static void settle(struct writer *w, bool sent)
{
    if (sent)
        queue_sent(w->queue, w->units);
    else
        queue_dropped(w->queue, w->units, atomic_load(&w->stop) ? DROP_SHUTDOWN : DROP_WRITE_ERROR);
    buf_clear(&w->lines);
    w->written = 0;
    w->units = 0;
    w->tries = 0;
}

/* The lines that are out were counted as sent, the others stay in hand or are given up. */
static void settle_error(struct writer *w, int error)
{
    tell(w, "write", error);
    if (w->kind == WRITER_DATAGRAMS) { /* the next one may find somebody there */
        settle(w, false);
        return;
    }
    if (w->tries + 1 >= WRITE_TRIES || is_over(w)) {
        w->torn = w->written > 0 && w->lines.at[w->written - 1] != '\n';
        settle(w, false);
        return;
    }
    uint64_t pause = (uint64_t)FIRST_PAUSE_US << w->tries++;
    uint64_t until = clock_monotonic_us() + (pause < LONGEST_PAUSE_US ? pause : LONGEST_PAUSE_US);
    while (clock_monotonic_us() < until && !is_over(w))
        wait_for(w, false, until);
}

/* Of lines of which some wait on, those that are out count as sent at once: what stands between
 * here and the end of a batch may be a kill. */
static void settle_lines(struct writer *w, struct span out)
{
    unsigned sent = 0;
    for (const char *at = out.at, *end = out.at + out.len; w->kind == WRITER_LINES; at++, sent++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL || sent + 1 >= w->units)
            break;
    }
    queue_sent(w->queue, sent);
    w->units -= sent;
}

static void write_some(struct writer *w)
{
    struct span rest = span_from(buf_span(&w->lines), w->written);
    ssize_t n;
    if (w->torn)
        n = write(w->fd, "\n", 1);
    else
        n = write(w->fd, rest.at, portion(w, rest));
    if (n < 0) {
        if (errno != EINTR && errno != EAGAIN)
            settle_error(w, errno);
        return;
    }
    if (w->torn) {
        w->torn = n == 0;
        return;
    }
    w->written += (size_t)n;
    w->told = false;
    if (w->written == w->lines.len)
        settle(w, true);
    else
        settle_lines(w, span_first(rest, (size_t)n));
}

/* One record at a time: what stands in a file of its own is written here, and its line of the index
 * is what is left in hand. */
static void fetch_record(struct writer *w)
{
    w->units = queue_take(w->queue, &w->record, 1);
    if (w->units == 0)
        return;
    struct span item = buf_span(&w->record);
    bool is_file = audit_item_is_file(item);
    if (is_file ? !audit_file_write(item, &w->lines) : !buf_add(&w->lines, item)) {
        tell(w, "a record", errno);
        settle(w, false);
    }
    buf_clear(&w->record);
}

/* Whether there is something in hand. */
static bool fetch(struct writer *w)
{
    if (w->units == 0 && w->kind == WRITER_RECORDS)
        fetch_record(w);
    else if (w->units == 0)
        w->units = queue_take(w->queue, &w->lines, w->kind == WRITER_LINES ? BATCH_LINES : 1);
    return w->units > 0;
}

static void writer_free(struct writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    if (w->next_path != NULL)
        close(w->next_fd);
    if (w->wake >= 0)
        close(w->wake);
    rotator_free(w->rotator, atomic_load(&w->deadline_us));
    pthread_mutex_destroy(&w->lock);
    buf_fini(&w->lines);
    buf_fini(&w->record);
    free(w->next_path);
    free(w->path);
    free(w);
}

static void *writer_run(void *context)
{
    struct writer *w = context;
    for (;;) {
        if (w->written == 0)
            follow_orders(w);
        if (is_over(w))
            break;
        uint64_t until = atomic_load(&w->stop) ? atomic_load(&w->deadline_us) : UINT64_MAX;
        if (fetch(w)) {
            if (w->is_file || wait_for(w, true, until))
                write_some(w);
        } else if (atomic_load(&w->stop)) {
            break;
        } else {
            wait_for(w, false, until);
        }
    }
    return NULL;
}

struct writer *writer_new(struct queue *queue, enum writer_kind kind, const char *path, int fd)
{
    struct writer *w = must_alloc(sizeof *w);
    must(pthread_mutex_init(&w->lock, NULL) == 0);
    w->queue = queue;
    w->kind = kind;
    w->rotator = rotator_new();
    w->path = must_strdup(path);
    w->fd = -1;
    use_file(w, fd);
    buf_init(&w->lines, kind == WRITER_RECORDS ? QUEUE_LARGEST_BYTES : QUEUE_ITEM_BYTES);
    buf_init(&w->record, QUEUE_LARGEST_BYTES);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake >= 0 && thread_start(&w->thread, writer_run, w))
        return w;
    writer_free(w);
    return NULL;
}

void writer_rotate(struct writer *w, const struct rotation *rotation)
{
    pthread_mutex_lock(&w->lock);
    w->next_rotation = *rotation;
    pthread_mutex_unlock(&w->lock);
}

void writer_wake(struct writer *w)
{
    eventfd_write(w->wake, 1);
}

void writer_redirect(struct writer *w, const char *path, int fd)
{
    pthread_mutex_lock(&w->lock);
    if (w->next_path != NULL) {
        close(w->next_fd);
        free(w->next_path);
    }
    w->next_path = must_strdup(path);
    w->next_fd = fd;
    pthread_mutex_unlock(&w->lock);
    writer_wake(w);
}

void writer_reopen(struct writer *w)
{
    atomic_store(&w->reopen, true);
    writer_wake(w);
}

bool writer_stop(struct writer *w, uint64_t deadline_us)
{
    atomic_store(&w->deadline_us, deadline_us);
    atomic_store(&w->stop, true);
    writer_wake(w);
    if (!thread_join(w->thread, deadline_us))
        return false; /* what it uses stays */
    if (w->units > 0)
        settle(w, false);
    queue_abandon(w->queue, DROP_SHUTDOWN);
    writer_free(w);
    return true;
}
