/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, and the ways that are datagrams. */
#include "exporters/syslog.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/syslog_stream.h"
#include "exporters/when.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum {
    PORTION_BYTES = 256 * 1024, /* of a stream's bytes between two acknowledgements, at least one
                                   message */
    HOST_MOST = 255,
    COUNT_BYTES = 16, /* a message's length in front of it */
    ROOM_WAIT_US = 1000 * 1000,
};

struct syslog {
    struct syslog_origin origin;
    struct syslog_address address;
    char host[HOST_MOST + 1];
    struct buf message, framed;
    int fd;                       /* datagrams; -1: none */
    struct syslog_stream *stream; /* NULL: datagrams */
};

/* ---- addresses ---- */

static bool text_into(char *to, size_t size, struct span text)
{
    if (text.len == 0 || text.len >= size)
        return false;
    memcpy(to, text.at, text.len);
    to[text.len] = '\0';
    return true;
}

static bool authority_parse(struct span text, const char *port, struct syslog_address *out)
{
    struct span host, given = span_text(port);
    uint64_t number;
    if (span_starts(text, SPAN("["))) {
        size_t end = span_find_byte(text, ']');
        if (end == SPAN_NONE)
            return false;
        host = span_from(span_first(text, end), 1);
        text = span_from(text, end + 1);
    } else {
        size_t colon = span_find_byte(text, ':');
        host = colon != SPAN_NONE ? span_first(text, colon) : text;
        text = span_from(text, host.len);
    }
    if (text.len > 0) {
        if (text.at[0] != ':')
            return false;
        given = span_from(text, 1);
    }
    if (!number_parse(given, &number) || number == 0 || number > 65535)
        return false;
    return span_find_byte(host, '/') == SPAN_NONE && span_find_byte(host, '@') == SPAN_NONE &&
           text_into(out->host, sizeof out->host, host) &&
           text_into(out->port, sizeof out->port, given);
}

bool syslog_address_parse(struct span text, struct syslog_address *out)
{
    static const struct {
        const char *scheme, *port;
        enum syslog_way way;
    } ways[] = {{"udp://", "514", SYSLOG_UDP},
                {"tcp://", "601", SYSLOG_TCP},
                {"tls://", "6514", SYSLOG_TLS}};
    *out = (struct syslog_address){.way = SYSLOG_UNIX};
    if (span_starts(text, SPAN("unix:/"))) {
        struct sockaddr_un name;
        return text.len - 5 < sizeof name.sun_path &&
               text_into(out->host, sizeof out->host, span_from(text, 5));
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct span scheme = span_text(ways[i].scheme);
        if (!span_starts(text, scheme))
            continue;
        out->way = ways[i].way;
        return authority_parse(span_from(text, scheme.len), ways[i].port, out);
    }
    return false;
}

/* ---- messages ---- */

static unsigned severity_of(const struct syslog_settings *settings, enum entry_outcome outcome)
{
    static const unsigned by_outcome[] = {
        [ENTRY_PLAIN] = 6, [ENTRY_WARNING] = 4, [ENTRY_ERROR] = 3};
    return settings->severity == SYSLOG_BY_OUTCOME ? by_outcome[outcome] : settings->severity;
}

/* RFC 5424 6.3.3: quotes, backslashes and closing brackets are escaped. */
static void add_parameter(struct buf *to, const char *name, struct span value)
{
    buf_format(to, " %s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"' || value.at[i] == '\\' || value.at[i] == ']')
            buf_add_byte(to, '\\');
        buf_add_byte(to, value.at[i]);
    }
    buf_add_byte(to, '"');
}

static void add_id(struct buf *to, const char *name, const uint8_t *id, size_t len)
{
    static const uint8_t none[16];
    char digits[2 * sizeof none];
    must(len <= sizeof none);
    if (memcmp(id, none, len) == 0)
        return;
    hex_write(digits, id, len);
    add_parameter(to, name, span_make(digits, 2 * len));
}

void syslog_message_add(struct buf *to, const struct syslog_origin *origin,
                        const struct entry *entry)
{
    const struct syslog_settings *settings = origin->settings;
    buf_format(to, "<%u>1 ", settings->facility * 8 + severity_of(settings, entry->outcome));
    when_add_rfc3339(to, entry->wall_us);
    buf_format(to, " %s " SPAN_FORMAT " %ld %s ", origin->host, span_arg(settings->app_name),
               origin->process, origin->log);
    buf_add(to, SPAN("[sidegate@32473"));
    add_parameter(to, "request_id", entry->request_id);
    add_id(to, "trace_id", entry->trace_id, sizeof entry->trace_id);
    add_id(to, "span_id", entry->span_id, sizeof entry->span_id);
    buf_add(to, SPAN("] "));
    buf_add(to, entry->text);
}

/* ---- life ---- */

/* Printable ASCII, as RFC 5424 wants it. */
static void host_find(char *to, size_t size)
{
    if (gethostname(to, size) != 0 || to[0] == '\0')
        snprintf(to, size, "-");
    to[size - 1] = '\0';
    for (char *at = to; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            *at = '_';
}

static void *syslog_begin(const struct log_settings *settings, const char *log)
{
    struct syslog *s = must_alloc(sizeof *s);
    must(syslog_address_parse(settings->syslog.address, &s->address));
    host_find(s->host, sizeof s->host);
    s->origin = (struct syslog_origin){&settings->syslog, s->host, log, (long)getpid()};
    s->fd = -1;
    buf_init(&s->message, QUEUE_LARGEST_BYTES);
    buf_init(&s->framed, PORTION_BYTES + COUNT_BYTES + QUEUE_LARGEST_BYTES);
    if (s->address.way == SYSLOG_TCP || s->address.way == SYSLOG_TLS)
        s->stream = syslog_stream_new(&s->address, &settings->syslog);
    return s;
}

static void syslog_end(void *sink)
{
    struct syslog *s = sink;
    if (s->fd >= 0)
        close(s->fd);
    syslog_stream_free(s->stream);
    buf_fini(&s->message);
    buf_fini(&s->framed);
    free(s);
}

/* ---- datagrams ---- */

static bool udp_open(struct syslog *s, struct delivery *out)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(s->address.host, s->address.port, &wanted, &found);
    if (error != 0) {
        snprintf(out->why, sizeof out->why, "%.255s: %s", s->address.host, gai_strerror(error));
        return false;
    }
    for (const struct addrinfo *at = found; at != NULL && s->fd < 0; at = at->ai_next) {
        s->fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (s->fd >= 0 && connect(s->fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(s->fd);
            s->fd = -1;
        }
    }
    freeaddrinfo(found);
    if (s->fd < 0)
        snprintf(out->why, sizeof out->why, "%.255s: %s", s->address.host, strerrordesc_np(errno));
    return s->fd >= 0;
}

/* A socket that is none of datagrams is a stream. */
static bool unix_open(struct syslog *s, struct delivery *out)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    must(text_into(name.sun_path, sizeof name.sun_path, span_text(s->address.host)));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof name) == 0) {
        s->fd = fd;
        return true;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (error == EPROTOTYPE) {
        s->stream = syslog_stream_new(&s->address, s->origin.settings);
        return true;
    }
    snprintf(out->why, sizeof out->why, "%.255s: %s", s->address.host, strerrordesc_np(error));
    return false;
}

/* 0: it is out; else an errno. */
static int datagram_send(struct syslog *s, struct sender *sender)
{
    for (unsigned tries = 0; tries < 5; tries++) {
        if (send(s->fd, s->message.at, s->message.len, MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
            return errno;
        sender_wait(sender, s->fd, POLLOUT, clock_monotonic_us() + ROOM_WAIT_US);
    }
    return EAGAIN;
}

/* The port was closed: that is told of the datagram before. Only the last entry can be taken back:
 * where another one was settled behind it, it is lost. */
static void is_refused(struct syslog *s, struct delivery *out, int error, bool was_sent)
{
    if (s->address.way == SYSLOG_UDP && was_sent)
        out->sent--;
    out->again = true;
    snprintf(out->why, sizeof out->why, "%.255s: %s", s->address.host, strerrordesc_np(error));
    if (error == EAGAIN)
        return;
    close(s->fd);
    s->fd = -1;
}

static void deliver_datagrams(struct syslog *s, struct sender *sender, struct span entries,
                              struct delivery *out)
{
    struct entry entry;
    int error = 0;
    bool was_sent = false; /* the one before */
    while (entry_next(&entries, &entry)) {
        buf_clear(&s->message);
        syslog_message_add(&s->message, &s->origin, &entry);
        error = buf_is_full(&s->message) ? EMSGSIZE : datagram_send(s, sender);
        if (error == 0) {
            was_sent = true;
            out->sent++;
        } else if (error == EMSGSIZE) {
            was_sent = false;
            out->refused++;
            snprintf(out->why, sizeof out->why, "longer than a datagram may be");
        } else {
            is_refused(s, out, error, was_sent);
            return;
        }
    }
    socklen_t size = sizeof error;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0)
        is_refused(s, out, error, was_sent);
}

/* ---- streams ---- */

static void deliver_stream(struct syslog *s, struct sender *sender, struct span entries,
                           struct delivery *out)
{
    struct entry entry;
    unsigned count = 0, refused = 0;
    buf_clear(&s->framed);
    while (s->framed.len < PORTION_BYTES && entry_next(&entries, &entry)) {
        buf_clear(&s->message);
        syslog_message_add(&s->message, &s->origin, &entry);
        count++;
        if (buf_is_full(&s->message)) {
            refused++;
            continue;
        }
        buf_format(&s->framed, "%zu ", s->message.len);
        buf_add(&s->framed, buf_span(&s->message));
    }
    must(!buf_is_full(&s->framed));
    if (syslog_stream_send(s->stream, sender, buf_span(&s->framed), count - refused, out)) {
        out->sent = count - refused;
        out->refused = refused;
    }
}

static void syslog_deliver(void *sink, struct sender *sender, struct span entries,
                           struct delivery *out)
{
    struct syslog *s = sink;
    bool is_unix = s->address.way == SYSLOG_UNIX;
    if (s->stream == NULL && s->fd < 0 && !(is_unix ? unix_open(s, out) : udp_open(s, out)))
        out->again = true;
    else if (s->stream != NULL)
        deliver_stream(s, sender, entries, out);
    else
        deliver_datagrams(s, sender, entries, out);
}

const struct sender_kind syslog_kind = {
    .full_bytes = PORTION_BYTES,
    .full_units = 1024,
    .gather_us = 0,
    .begin = syslog_begin,
    .deliver = syslog_deliver,
    .end = syslog_end,
};
