/* SPDX-License-Identifier: Apache-2.0 */
/* Sending batches. */
#include "exporters/otlp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "exporters/otlp_body.h"
#include "exporters/say.h"
#include "rules/base/must.h"

enum {
    UNDER_WAY = 2,
    BATCH_UNITS = 512,
    BATCH_BYTES = 1024 * 1024,
    BODY_BYTES = 2 * BATCH_BYTES, /* with its envelope, or compressed badly */
    DELAY_US = 1000 * 1000,
    RESPONSE_BYTES = 64 * 1024,
    DEFAULT_TIMEOUT_US = 10 * 1000 * 1000,
    CONNECT_TIMEOUT_MS = 5000,
    FIRST_PAUSE_US = 1000 * 1000,
    LONGEST_PAUSE_US = 30 * 1000 * 1000,
    LONGEST_RETRY_AFTER_S = 300,
    BACKLOG_BYTES_A_SECOND = 4 * 1024 * 1024,
    PILED_UP = 4 * BATCH_UNITS, /* behind an outage: from there on it is a backlog */
};

enum state { STATE_FREE, STATE_FLYING, STATE_RESTING };

struct sending {
    struct flight flight; /* first: what lands is its sending */
    struct otlp *otlp;
    enum state state;
    struct feed_batch batch;
    bool is_doubtful; /* the receiver may have it, and did not say so */
    struct buf body, response;
};

struct otlp {
    struct feed *feed;
    struct carrier *carrier;
    struct sending sendings[UNDER_WAY];
    struct buf items, plain; /* a batch on its way into a body */
    struct buf preamble;     /* whose it is */

    char *name, *url;
    const char *units;
    struct envelope envelope;
    uint64_t timeout_us;
    bool gzip;
    struct curl_slist *fields;
    uint8_t random[16];

    uint64_t waiting_since_us; /* 0: nothing waits */
    uint64_t backlog_at_us;    /* not before then */
    uint64_t quiet_until_us;
    uint64_t jitter;   /* state of the generator */
    unsigned failures; /* in a row */
    bool told;         /* the present trouble has been said on stderr */
    uint64_t now_us;   /* of this step */
};

static void settings_fini(struct otlp *otlp)
{
    free(otlp->name);
    free(otlp->url);
    envelope_fini(&otlp->envelope);
    curl_slist_free_all(otlp->fields);
}

static char *text_of(struct span text)
{
    char *copy = must_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

static void settings_init(struct otlp *otlp, const struct otlp_settings *settings)
{
    const struct channel_settings *to = settings->to;
    otlp->name = text_of(to->name);
    otlp->url = text_of(to->url);
    otlp->units = otlp_signal_row(to->signal)->units;
    otlp->timeout_us = to->timeout_us > 0 ? to->timeout_us : DEFAULT_TIMEOUT_US;
    otlp->gzip = to->gzip;
    envelope_init(&otlp->envelope, settings->service_name, settings->environment, otlp->random);
    otlp->fields = curl_slist_append(NULL, "Content-Type: application/x-protobuf");
    otlp->fields = curl_slist_append(otlp->fields, "Expect:"); /* no 100-continue */
    if (to->gzip)
        otlp->fields = curl_slist_append(otlp->fields, "Content-Encoding: gzip");
    must(otlp->fields != NULL);
    buf_clear(&otlp->preamble);
    envelope_pack(&otlp->envelope, &otlp->preamble);
    feed_preamble(otlp->feed, buf_is_full(&otlp->preamble) ? SPAN("") : buf_span(&otlp->preamble));
}

static void on_done(struct flight *flight, int result, uint64_t now_us);

struct otlp *otlp_new(struct feed *feed, struct carrier *carrier,
                      const struct otlp_settings *settings, const uint8_t random[16])
{
    struct otlp *otlp = must_alloc(sizeof *otlp);
    otlp->feed = feed;
    otlp->carrier = carrier;
    memcpy(otlp->random, random, sizeof otlp->random);
    memcpy(&otlp->jitter, random, sizeof otlp->jitter);
    buf_init(&otlp->items, BATCH_BYTES);
    buf_init(&otlp->plain, BODY_BYTES);
    buf_init(&otlp->preamble, FRAME_PREAMBLE_BYTES);
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        sending->otlp = otlp;
        sending->flight = (struct flight){.easy = curl_easy_init(), .on_done = on_done};
        must(sending->flight.easy != NULL);
        buf_init(&sending->body, BODY_BYTES);
        buf_init(&sending->response, RESPONSE_BYTES);
    }
    settings_init(otlp, settings);
    return otlp;
}

static void land(struct sending *sending)
{
    carrier_cancel(sending->otlp->carrier, &sending->flight);
    sending->state = STATE_FREE;
    sending->batch = (struct feed_batch){.units = 0};
    buf_clear(&sending->body);
}

void otlp_change(struct otlp *otlp, const struct otlp_settings *settings)
{
    /* a request under way borrows fields and URL: it is tried again with the new ones */
    for (size_t i = 0; i < UNDER_WAY; i++) {
        if (otlp->sendings[i].state != STATE_FLYING)
            continue;
        carrier_cancel(otlp->carrier, &otlp->sendings[i].flight);
        otlp->sendings[i].state = STATE_RESTING;
        otlp->sendings[i].is_doubtful = true;
    }
    settings_fini(otlp);
    settings_init(otlp, settings);
    otlp_hurry(otlp);
}

void otlp_free(struct otlp *otlp)
{
    if (otlp == NULL)
        return;
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        if (sending->state != STATE_FREE) {
            if (sending->state == STATE_FLYING || sending->is_doubtful)
                feed_resent(otlp->feed, &sending->batch);
            feed_return(otlp->feed, &sending->batch);
        }
        land(sending);
        curl_easy_cleanup(sending->flight.easy);
        buf_fini(&sending->body);
        buf_fini(&sending->response);
    }
    settings_fini(otlp);
    buf_fini(&otlp->items);
    buf_fini(&otlp->plain);
    buf_fini(&otlp->preamble);
    free(otlp);
}

/* One line for a row of failures; the endpoint itself may hold a password. */
static void __attribute__((format(printf, 2, 3))) tell(struct otlp *otlp, const char *format, ...)
{
    char text[400];
    va_list arguments;
    if (otlp->told)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say("%s: %s", otlp->name, text);
    otlp->told = true;
}

static size_t on_response(char *bytes, size_t size, size_t count, void *context)
{
    struct sending *sending = context;
    return buf_add(&sending->response, span_make(bytes, size * count)) ? size * count : 0;
}

static void set_options(struct sending *sending)
{
    const struct otlp *otlp = sending->otlp;
    CURL *easy = sending->flight.easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, otlp->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* directly, whatever the environment says */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, otlp->fields);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "OTel-OTLP-Exporter-C/" SIDEGATE_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)((otlp->timeout_us + 999) / 1000));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, sending->body.at);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sending->body.len);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_response);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, sending);
}

static void fly(struct sending *sending)
{
    buf_clear(&sending->response);
    set_options(sending);
    carrier_send(sending->otlp->carrier, &sending->flight);
    sending->state = STATE_FLYING;
    sending->is_doubtful = false;
}

/* The pause grows by half with each failure, and lies within half and one and a half of that. */
static uint64_t next_pause_us(struct otlp *otlp)
{
    uint64_t pause = FIRST_PAUSE_US;
    for (unsigned i = 1; i < otlp->failures && pause < LONGEST_PAUSE_US; i++)
        pause += pause / 2;
    if (pause > LONGEST_PAUSE_US)
        pause = LONGEST_PAUSE_US;
    otlp->jitter = otlp->jitter * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return pause / 2 + (otlp->jitter >> 33) % pause;
}

static void rest(struct sending *sending)
{
    struct otlp *otlp = sending->otlp;
    curl_off_t after_s = 0;
    curl_easy_getinfo(sending->flight.easy, CURLINFO_RETRY_AFTER, &after_s);
    sending->state = STATE_RESTING;
    otlp->failures++;
    uint64_t pause = next_pause_us(otlp);
    if (after_s > 0)
        pause =
            (uint64_t)(after_s < LONGEST_RETRY_AFTER_S ? after_s : LONGEST_RETRY_AFTER_S) * 1000000;
    uint64_t until = otlp->now_us + pause;
    if (until > otlp->quiet_until_us)
        otlp->quiet_until_us = until;
}

static void accepted(struct sending *sending)
{
    struct otlp *otlp = sending->otlp;
    char message[256];
    uint64_t rejected = response_rejected(buf_span(&sending->response), message, sizeof message);
    if (rejected > sending->batch.units)
        rejected = sending->batch.units;
    if (otlp->failures > 0 && feed_waiting(otlp->feed, SPOOL_FRESH) > PILED_UP)
        feed_split(otlp->feed);
    otlp->failures = 0;
    otlp->told = false;
    if (rejected > 0 || *message != '\0')
        tell(otlp, "the receiver refuses some %s%s%s", otlp->units, *message != '\0' ? ": " : "",
             message);
    feed_settle(otlp->feed, &sending->batch, rejected, DROP_REJECTED);
    land(sending);
}

static void rejected(struct sending *sending)
{
    feed_settle(sending->otlp->feed, &sending->batch, sending->batch.units, DROP_REJECTED);
    land(sending);
}

static void on_status(struct sending *sending, long status)
{
    struct otlp *otlp = sending->otlp;
    if (status >= 200 && status < 300) {
        accepted(sending);
    } else if (status == 429 || status == 502 || status == 503 || status == 504) {
        tell(otlp, "the receiver asks for patience, %s are kept and sent again: %ld", otlp->units,
             status);
        rest(sending);
    } else {
        tell(otlp, "the receiver refuses %s with status: %ld", otlp->units, status);
        rejected(sending);
    }
}

static void on_result(struct sending *sending, CURLcode result)
{
    struct otlp *otlp = sending->otlp;
    long status = 0, sent_bytes = 0;
    switch ((unsigned)result) {
    case CURLE_OK:
        curl_easy_getinfo(sending->flight.easy, CURLINFO_RESPONSE_CODE, &status);
        on_status(sending, status);
        break;
    case CURLE_WRITE_ERROR: /* more than the ceiling of the response */
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        tell(otlp, "%s cannot be sent: %s", otlp->units, curl_easy_strerror(result));
        rejected(sending);
        break;
    default: /* once the request had left, it may have come to an answer that nobody heard */
        curl_easy_getinfo(sending->flight.easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
        sending->is_doubtful = sent_bytes > 0;
        tell(otlp, "the receiver cannot be reached, %s are kept and sent again: %s", otlp->units,
             curl_easy_strerror(result));
        rest(sending);
        break;
    }
}

static void on_done(struct flight *flight, int result, uint64_t now_us)
{
    struct sending *sending = (struct sending *)(void *)flight;
    sending->otlp->now_us = now_us;
    on_result(sending, (CURLcode)result);
}

/* Takes a batch and makes the body; false: it was nothing, or cannot be sent at all. */
static bool load(struct sending *sending, enum spool_lane lane)
{
    struct otlp *otlp = sending->otlp;
    buf_clear(&otlp->items);
    buf_clear(&otlp->plain);
    buf_clear(&otlp->preamble);
    if (!feed_take(otlp->feed, lane, BATCH_UNITS, &otlp->items, &otlp->preamble, &sending->batch))
        return false;
    if (lane == SPOOL_BACKLOG)
        otlp->backlog_at_us =
            otlp->now_us + otlp->items.len * UINT64_C(1000000) / BACKLOG_BYTES_A_SECOND;
    else
        otlp->waiting_since_us = 0;
    struct buf *plain = otlp->gzip ? &otlp->plain : &sending->body;
    envelope_wrap(&otlp->envelope, buf_span(&otlp->preamble), buf_span(&otlp->items), plain);
    if (otlp->gzip)
        gzip_add(&sending->body, buf_span(plain));
    if (!buf_is_full(plain) && sending->body.len > 0)
        return true;
    tell(otlp, "no memory for a batch");
    rejected(sending);
    return false;
}

static bool fresh_is_due(struct otlp *otlp, bool flush)
{
    uint64_t waiting = feed_waiting(otlp->feed, SPOOL_FRESH);
    if (waiting == 0) {
        otlp->waiting_since_us = 0;
        return false;
    }
    if (otlp->waiting_since_us == 0)
        otlp->waiting_since_us = otlp->now_us;
    return flush || waiting >= BATCH_UNITS || otlp->now_us - otlp->waiting_since_us >= DELAY_US;
}

static bool backlog_is_due(const struct otlp *otlp)
{
    return otlp->now_us >= otlp->backlog_at_us && feed_waiting(otlp->feed, SPOOL_BACKLOG) > 0;
}

/* The first one sends the backlog, if there is any; both send what is fresh. */
static bool load_any(struct sending *sending, bool flush)
{
    struct otlp *otlp = sending->otlp;
    if (sending == &otlp->sendings[0] && backlog_is_due(otlp) && load(sending, SPOOL_BACKLOG))
        return true;
    return fresh_is_due(otlp, flush) && load(sending, SPOOL_FRESH);
}

static void launch(struct otlp *otlp, bool flush)
{
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        if (sending->state == STATE_RESTING) {
            if (sending->is_doubtful)
                feed_resent(otlp->feed, &sending->batch);
            fly(sending);
        } else if (sending->state == STATE_FREE && load_any(sending, flush)) {
            fly(sending);
        }
    }
}

void otlp_step(struct otlp *otlp, uint64_t now_us, bool flush)
{
    otlp->now_us = now_us;
    if (now_us >= otlp->quiet_until_us)
        launch(otlp, flush);
}

bool otlp_is_idle(struct otlp *otlp)
{
    for (size_t i = 0; i < UNDER_WAY; i++) {
        if (otlp->sendings[i].state != STATE_FREE)
            return false;
    }
    return feed_is_settled(otlp->feed) && feed_waiting(otlp->feed, SPOOL_FRESH) == 0 &&
           feed_waiting(otlp->feed, SPOOL_BACKLOG) == 0;
}

bool otlp_is_stuck(const struct otlp *otlp)
{
    return otlp->failures > 0;
}

void otlp_hurry(struct otlp *otlp)
{
    otlp->quiet_until_us = 0;
    otlp->failures = 0;
}
