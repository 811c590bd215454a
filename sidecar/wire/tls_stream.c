/* SPDX-License-Identifier: Apache-2.0 */
/* A stream that speaks TLS on the stream below it.
 *
 *   SHAKING --> OPEN --> (closed by its owner)
 *       |
 *     FAILED --> (closed by its owner)
 *
 * OpenSSL pulls and pushes records through a BIO of our own, so that the stream below may be
 * anything, and its faults are felt here. What OpenSSL holds and no socket shows is reported by a
 * task of the same turn, and by a timer for the next one where the owner did not take it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "rules/base/must.h"
#include "sidecar/wire/tls_inside.h"

enum tls_state { TLS_SHAKING, TLS_OPEN, TLS_FAILED };

struct tls_stream {
    struct stream stream; /* first */
    struct tls_keeper keeper;
    struct loop *loop;
    struct stream *below;
    SSL *ssl;
    struct task task;
    struct timer late;  /* the handshake's clock */
    struct timer again; /* what is held was not taken in the last turn */
    tls_done *done;
    void *context;
    enum tls_state state;
    unsigned wanted;
    bool read_wants_write, write_wants_read; /* of the latest read and write */
    bool holds;                              /* bytes that no socket shows */
    bool below_ended, broken;
    bool owes_finish; /* our end is said, but not all of it is written */
};

static struct tls_stream *tls_of(struct stream *stream)
{
    return (struct tls_stream *)(void *)stream;
}

/* ---- the stream below, as OpenSSL sees it ---- */

static int bio_read(BIO *bio, char *to, size_t size, size_t *got)
{
    struct tls_stream *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *got = 0;
    if (size == 0)
        return 0;
    struct stream_moved moved = stream_read(tls->below, to, size);
    switch (moved.state) {
    case STREAM_DONE: *got = moved.bytes; return 1;
    case STREAM_AGAIN: BIO_set_retry_read(bio); return 0;
    case STREAM_END:
    case STREAM_BROKEN: tls->below_ended = true; return 0;
    }
    return 0;
}

static int bio_write(BIO *bio, const char *from, size_t size, size_t *put)
{
    struct tls_stream *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *put = 0;
    union { /* iovec knows no const */
        const char *in;
        char *out;
    } text = {from};
    const struct iovec part = {.iov_base = text.out, .iov_len = size};
    if (size == 0)
        return 0;
    struct stream_moved moved = stream_write(tls->below, &part, 1);
    switch (moved.state) {
    case STREAM_DONE: *put = moved.bytes; return 1;
    case STREAM_AGAIN: BIO_set_retry_write(bio); return 0;
    case STREAM_END:
    case STREAM_BROKEN: tls->below_ended = true; return 0;
    }
    return 0;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    const struct tls_stream *tls = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH: return 1; /* nothing is kept here */
    case BIO_CTRL_EOF: return tls->below_ended;
    default: return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");
    must(method != NULL && BIO_meth_set_read_ex(method, bio_read) == 1 &&
         BIO_meth_set_write_ex(method, bio_write) == 1 &&
         BIO_meth_set_ctrl(method, bio_control) == 1 &&
         BIO_meth_set_create(method, bio_create) == 1);
    return method;
}

/* ---- watching ---- */

static void tls_watch(struct tls_stream *tls)
{
    unsigned wants = 0;
    if (tls->wanted & STREAM_READ)
        wants |= tls->read_wants_write ? STREAM_READ | STREAM_WRITE : STREAM_READ;
    if (tls->wanted & STREAM_WRITE)
        wants |= tls->write_wants_read ? STREAM_READ : STREAM_WRITE;
    if (tls->owes_finish)
        wants |= STREAM_WRITE;
    stream_want(tls->below, wants);
}

static void tls_tell_held(struct tls_stream *tls)
{
    if (tls->holds && tls->wanted & STREAM_READ)
        loop_post(tls->loop, &tls->task);
}

static void tls_end_half(struct tls_stream *tls);

static void tls_on_below(void *owner, unsigned ready)
{
    struct tls_stream *tls = owner;
    if (tls->state != TLS_OPEN) {
        loop_post(tls->loop, &tls->task);
        return;
    }
    if (tls->owes_finish && ready & STREAM_WRITE)
        tls_end_half(tls);
    bool hangup = ready & STREAM_READ && !(tls->wanted & STREAM_READ) && !tls->write_wants_read;
    unsigned told = 0;
    if (ready & (tls->read_wants_write ? STREAM_READ | STREAM_WRITE : STREAM_READ))
        told |= tls->wanted & STREAM_READ;
    if (ready & (tls->write_wants_read ? STREAM_READ : STREAM_WRITE))
        told |= tls->wanted & STREAM_WRITE;
    if (hangup)
        told |= STREAM_READ;
    if (told != 0)
        tls->stream.on_ready(tls->stream.owner, told);
}

/* ---- the handshake ---- */

/* The owner may close the stream in it: nothing is touched after it. */
static void tls_shaken(struct tls_stream *tls, enum tls_failure failure)
{
    struct tls_facts *facts = failure == TLS_FAILURES ? tls_facts_new(tls->ssl) : NULL;
    timer_disarm(&tls->late);
    tls->state = facts != NULL ? TLS_OPEN : TLS_FAILED;
    tls->broken = facts == NULL;
    tls->holds = facts != NULL && SSL_has_pending(tls->ssl);
    tls->done(tls->context, facts,
              facts == NULL && failure == TLS_FAILURES ? TLS_FAILURE_OTHER : failure);
}

static void tls_shake(struct tls_stream *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, result);
    switch (error) {
    case SSL_ERROR_NONE: tls_shaken(tls, TLS_FAILURES); return;
    case SSL_ERROR_WANT_READ: stream_want(tls->below, STREAM_READ); return;
    case SSL_ERROR_WANT_WRITE: stream_want(tls->below, STREAM_WRITE); return;
    default: tls_shaken(tls, tls_failure_of(tls->ssl, tls->below_ended)); return;
    }
}

static void tls_on_late(struct timer *timer)
{
    tls_shaken(list_entry(timer, struct tls_stream, late), TLS_FAILURE_TIMEOUT);
}

static void tls_on_again(struct timer *timer)
{
    tls_tell_held(list_entry(timer, struct tls_stream, again));
}

static void tls_run(struct task *task)
{
    struct tls_stream *tls = list_entry(task, struct tls_stream, task);
    if (tls->state == TLS_SHAKING) {
        tls_shake(tls);
    } else if (tls->state == TLS_OPEN && tls->holds && tls->wanted & STREAM_READ) {
        timer_arm(&tls->again, 0);
        tls->stream.on_ready(tls->stream.owner, STREAM_READ);
    }
}

/* ---- bytes ---- */

static struct stream_moved tls_breaks(struct tls_stream *tls)
{
    tls->broken = true;
    errno = ECONNRESET;
    return (struct stream_moved){STREAM_BROKEN, 0};
}

/* What an operation that moved nothing waits for, or what it came to. */
static struct stream_moved tls_stopped(struct tls_stream *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: tls_watch(tls); return (struct stream_moved){STREAM_AGAIN, 0};
    case SSL_ERROR_ZERO_RETURN: return (struct stream_moved){STREAM_END, 0};
    default: return tls_breaks(tls);
    }
}

static struct stream_moved tls_read(struct stream *stream, char *to, size_t size)
{
    struct tls_stream *tls = tls_of(stream);
    size_t got = 0;
    must(size > 0);
    if (tls->state == TLS_SHAKING)
        return (struct stream_moved){STREAM_AGAIN, 0};
    if (tls->broken)
        return tls_breaks(tls);
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, to, size, &got);
    tls->holds = result == 1 && SSL_has_pending(tls->ssl);
    bool waited = tls->read_wants_write;
    tls->read_wants_write = result != 1 && SSL_want_write(tls->ssl);
    if (result != 1)
        return tls_stopped(tls, result);
    if (waited)
        tls_watch(tls);
    tls_tell_held(tls);
    return (struct stream_moved){STREAM_DONE, got};
}

static struct stream_moved tls_write(struct stream *stream, const struct iovec *parts, int count)
{
    struct tls_stream *tls = tls_of(stream);
    size_t all = 0;
    must(count > 0 && !tls->owes_finish);
    if (tls->state == TLS_SHAKING)
        return (struct stream_moved){STREAM_AGAIN, 0};
    for (int i = 0; i < count && !tls->broken; i++) {
        size_t put = 0;
        if (parts[i].iov_len == 0)
            continue;
        ERR_clear_error();
        int result = SSL_write_ex(tls->ssl, parts[i].iov_base, parts[i].iov_len, &put);
        bool waited = tls->write_wants_read;
        tls->write_wants_read = result != 1 && SSL_want_read(tls->ssl);
        if (result != 1) {
            struct stream_moved stopped = tls_stopped(tls, result);
            return all > 0 && stopped.state == STREAM_AGAIN
                       ? (struct stream_moved){STREAM_DONE, all}
                       : stopped;
        }
        if (waited)
            tls_watch(tls);
        all += put;
        if (put < parts[i].iov_len)
            break;
    }
    return tls->broken ? tls_breaks(tls) : (struct stream_moved){STREAM_DONE, all};
}

static void tls_want(struct stream *stream, unsigned read_or_write)
{
    struct tls_stream *tls = tls_of(stream);
    tls->wanted = read_or_write;
    if (tls->state == TLS_SHAKING)
        return;
    tls_watch(tls);
    tls_tell_held(tls);
}

/* ---- ends ---- */

/* Says that nothing more comes, and closes our half below once that is written. */
static void tls_end_half(struct tls_stream *tls)
{
    ERR_clear_error();
    int result = SSL_shutdown(tls->ssl);
    tls->owes_finish = result < 0 && SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_WRITE;
    tls_watch(tls);
    if (!tls->owes_finish)
        stream_finish(tls->below);
}

static void tls_finish(struct stream *stream)
{
    struct tls_stream *tls = tls_of(stream);
    if (tls->state == TLS_OPEN && !tls->broken)
        tls_end_half(tls);
}

static void tls_free(struct tls_stream *tls)
{
    task_cancel(&tls->task);
    timer_disarm(&tls->late);
    timer_disarm(&tls->again);
    SSL_free(tls->ssl);
    tls->keeper.give(tls->keeper.of);
    free(tls);
}

static void tls_close(struct stream *stream)
{
    struct tls_stream *tls = tls_of(stream);
    if (tls->state == TLS_OPEN && !tls->broken) {
        ERR_clear_error();
        SSL_shutdown(tls->ssl); /* as much of it as goes now */
    }
    ERR_clear_error();
    stream_close(tls->below);
    tls_free(tls);
}

static void tls_reset(struct stream *stream)
{
    struct tls_stream *tls = tls_of(stream);
    stream_reset(tls->below);
    tls_free(tls);
}

struct stream *tls_stream_new(const struct tls_stream_options *options)
{
    static const struct stream_ops ops = {
        .read = tls_read,
        .write = tls_write,
        .want = tls_want,
        .finish = tls_finish,
        .close = tls_close,
        .reset = tls_reset,
    };
    struct tls_stream *tls = must_alloc(sizeof *tls);
    BIO *bio = BIO_new(options->method);
    must(bio != NULL);
    *tls = (struct tls_stream){.stream.ops = &ops,
                               .keeper = options->keeper,
                               .loop = options->loop,
                               .below = options->below,
                               .ssl = options->ssl,
                               .done = options->done,
                               .context = options->context};
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    tls->below->on_ready = tls_on_below;
    tls->below->owner = tls;
    task_init(&tls->task, tls_run);
    timer_init(&tls->late, tls->loop, tls_on_late);
    timer_init(&tls->again, tls->loop, tls_on_again);
    timer_arm(&tls->late, loop_now_us(tls->loop) + options->timeout_us);
    stream_want(tls->below, STREAM_READ);
    loop_post(tls->loop, &tls->task);
    return &tls->stream;
}
