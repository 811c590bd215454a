/* SPDX-License-Identifier: Apache-2.0 */
/* The connection is libcurl's (CURLOPT_CONNECT_ONLY): resolving, TLS and its verification. */
#include "exporters/syslog_stream.h"

#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <curl/curl.h>

#include "exporters/carrier.h"
#include "exporters/clock.h"
#include "rules/base/must.h"

enum {
    RECENT_BYTES = 1024 * 1024,
    CONNECT_US = 10 * 1000 * 1000,
    SILENCE_US = 30 * 1000 * 1000, /* without an acknowledgement: the connection is given up */
    ASKED_US = 1200 * 1000,        /* libcurl asks once a second whether to go on */
    LOOK_US = 50 * 1000,           /* how often acknowledgements are looked for, at the longest */
};

/* What went out over this connection lately. */
struct recent {
    struct buf bytes;
    unsigned count;
};

struct syslog_stream {
    const struct syslog_address *address;
    const struct syslog_settings *settings;
    CURL *easy; /* NULL: not connected */
    curl_socket_t fd;
    char error[CURL_ERROR_SIZE];
    struct recent recent[2]; /* the newer one, the older one */
    bool is_lost;            /* a connection was reset: what is recent goes out again */
    unsigned open;           /* messages in hand that may have arrived */
};

struct syslog_stream *syslog_stream_new(const struct syslog_address *address,
                                        const struct syslog_settings *settings)
{
    struct syslog_stream *stream = must_alloc(sizeof *stream);
    carrier_library();
    stream->address = address;
    stream->settings = settings;
    for (size_t i = 0; i < 2; i++)
        buf_init(&stream->recent[i].bytes, RECENT_BYTES);
    return stream;
}

static void hang_up(struct syslog_stream *stream)
{
    curl_easy_cleanup(stream->easy);
    stream->easy = NULL;
}

void syslog_stream_free(struct syslog_stream *stream)
{
    if (stream == NULL)
        return;
    hang_up(stream);
    for (size_t i = 0; i < 2; i++)
        buf_fini(&stream->recent[i].bytes);
    free(stream);
}

static void forget(struct syslog_stream *stream)
{
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&stream->recent[i].bytes);
        stream->recent[i].count = 0;
    }
}

static void remember(struct syslog_stream *stream, struct span messages, unsigned count)
{
    struct recent *newer = &stream->recent[0], *older = &stream->recent[1];
    if (newer->bytes.len + messages.len > RECENT_BYTES) {
        struct recent emptied = *older;
        *older = *newer;
        *newer = emptied;
        buf_clear(&newer->bytes);
        newer->count = 0;
    }
    if (buf_add(&newer->bytes, messages)) /* one that is larger by itself is not kept */
        newer->count += count;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return sender_time(context, ASKED_US) < ASKED_US;
}

static CURL *easy_new(struct syslog_stream *stream, struct sender *sender)
{
    const struct syslog_address *address = stream->address;
    bool is_tls = address->way == SYSLOG_TLS, is_unix = address->way == SYSLOG_UNIX;
    bool is_v6 = strchr(address->host, ':') != NULL;
    char url[sizeof address->host + 32];
    CURL *easy = curl_easy_init();
    must(easy != NULL);
    snprintf(url, sizeof url, "%s://%s%s%s:%s", is_tls ? "https" : "http", is_v6 ? "[" : "",
             is_unix ? "localhost" : address->host, is_v6 ? "]" : "",
             is_unix ? "601" : address->port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* nobody waits for slow DNS */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(sender_time(sender, CONNECT_US) / 1000 + 1));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, stream->error);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, sender);
    curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    if (is_unix)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, address->host);
    if (stream->settings->ca_file.at != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, stream->settings->ca_file.at);
    if (stream->settings->cert_file.at != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, stream->settings->cert_file.at);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, stream->settings->key_file.at);
    }
    return easy;
}

static bool dial(struct syslog_stream *stream, struct sender *sender)
{
    stream->error[0] = '\0';
    stream->easy = easy_new(stream, sender);
    CURLcode code = curl_easy_perform(stream->easy);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(stream->easy, CURLINFO_ACTIVESOCKET, &stream->fd);
    if (code == CURLE_OK)
        return true;
    if (stream->error[0] == '\0')
        snprintf(stream->error, sizeof stream->error, "%s", curl_easy_strerror(code));
    hang_up(stream);
    return false;
}

/* Whether the other side still listens. */
static bool is_there(struct syslog_stream *stream)
{
    char ignored[512];
    size_t bytes;
    CURLcode code;
    do {
        bytes = 0;
        code = curl_easy_recv(stream->easy, ignored, sizeof ignored, &bytes);
    } while (code == CURLE_OK && bytes > 0);
    if (code == CURLE_AGAIN)
        return true;
    if (code == CURLE_OK) /* in order: it has read everything */
        forget(stream);
    else
        stream->is_lost = true;
    snprintf(stream->error, sizeof stream->error, "the connection was %s",
             code == CURLE_OK ? "closed" : "lost");
    return false;
}

static bool write_all(struct syslog_stream *stream, struct sender *sender, struct span bytes)
{
    uint64_t until = clock_monotonic_us() + SILENCE_US;
    while (bytes.len > 0) {
        size_t n = 0;
        CURLcode code = curl_easy_send(stream->easy, bytes.at, bytes.len, &n);
        if (code == CURLE_OK) {
            bytes = span_from(bytes, n);
            until = clock_monotonic_us() + SILENCE_US;
            continue;
        }
        if (code != CURLE_AGAIN || sender_time(sender, 1) == 0 || clock_monotonic_us() >= until) {
            stream->is_lost = true;
            snprintf(stream->error, sizeof stream->error, "%s", curl_easy_strerror(code));
            return false;
        }
        sender_wait(sender, stream->fd, POLLOUT, clock_monotonic_us() + LOOK_US);
    }
    return true;
}

/* Waits until nothing is under way any more. */
static bool is_acknowledged(struct syslog_stream *stream, struct sender *sender)
{
    uint64_t until = clock_monotonic_us() + SILENCE_US, pause = 500;
    int left = 0;
    for (;;) {
        if (!is_there(stream))
            return false;
        if (ioctl(stream->fd, SIOCOUTQ, &left) != 0 || left == 0)
            return true;
        if (sender_time(sender, 1) == 0 || clock_monotonic_us() >= until)
            break;
        sender_wait(sender, stream->fd, POLLIN | POLLRDHUP, clock_monotonic_us() + pause);
        pause = pause * 2 < LOOK_US ? pause * 2 : LOOK_US;
    }
    stream->is_lost = true;
    snprintf(stream->error, sizeof stream->error, "nothing is acknowledged");
    return false;
}

/* A connection over which nothing is missing. */
static bool is_ready(struct syslog_stream *stream, struct sender *sender, struct delivery *out)
{
    if (stream->easy != NULL && !is_there(stream))
        hang_up(stream);
    if (stream->easy == NULL && !dial(stream, sender))
        return false;
    if (!stream->is_lost)
        return true;
    for (size_t i = 2; i-- > 0;) {
        struct recent *recent = &stream->recent[i];
        if (recent->count == 0)
            continue;
        if (!write_all(stream, sender, buf_span(&recent->bytes)))
            return false;
        out->resent += recent->count;
    }
    if (!is_acknowledged(stream, sender))
        return false;
    stream->is_lost = false;
    return true;
}

bool syslog_stream_send(struct syslog_stream *stream, struct sender *sender, struct span messages,
                        unsigned count, struct delivery *out)
{
    if (is_ready(stream, sender, out)) {
        out->resent += stream->open;
        stream->open = count;
        if (write_all(stream, sender, messages) && is_acknowledged(stream, sender)) {
            remember(stream, messages, count);
            stream->open = 0;
            return true;
        }
    }
    out->again = true;
    out->is_unsent = stream->open == 0;
    snprintf(out->why, sizeof out->why, "%s", stream->error);
    if (stream->easy != NULL)
        hang_up(stream);
    return false;
}
