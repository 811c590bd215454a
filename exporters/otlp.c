/* SPDX-License-Identifier: Apache-2.0 */
/* Sending spans. */
#include "exporters/otlp.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "exporters/otlp_body.h"
#include "exporters/say.h"
#include "rules/base/must.h"

enum {
    UNDER_WAY = 2,
    BATCH_SPANS = 512,
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
    PILED_UP = 4 * BATCH_SPANS, /* behind an outage: from there on it is a backlog */
};

enum state { STATE_FREE, STATE_FLYING, STATE_RESTING };

struct sending {
    struct otlp *otlp;
    CURL *easy;
    enum state state;
    struct feed_batch batch;
    bool is_doubtful; /* the receiver may have it, and did not say so */
    struct buf body, response;
};

struct otlp {
    struct feed *feed;
    CURLM *multi;
    struct sending sendings[UNDER_WAY];
    struct buf spans, plain; /* a batch on its way into a body */
    struct buf preamble;     /* whose it is */

    char *url;
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

static void curl_begin(void)
{
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static char *traces_url(const char *endpoint)
{
    static const char path[] = "/v1/traces";
    size_t len = strlen(endpoint);
    while (len > 0 && endpoint[len - 1] == '/')
        len--;
    char *url = must_alloc(len + sizeof path);
    memcpy(url, endpoint, len);
    memcpy(url + len, path, sizeof path);
    return url;
}

static void settings_fini(struct otlp *otlp)
{
    free(otlp->url);
    envelope_fini(&otlp->envelope);
    curl_slist_free_all(otlp->fields);
}

static void settings_init(struct otlp *otlp, const struct otlp_settings *settings)
{
    otlp->url = traces_url(settings->endpoint);
    otlp->timeout_us = settings->timeout_us > 0 ? settings->timeout_us : DEFAULT_TIMEOUT_US;
    otlp->gzip = settings->gzip;
    envelope_init(&otlp->envelope, settings->service_name, settings->environment, otlp->random);
    otlp->fields = curl_slist_append(NULL, "Content-Type: application/x-protobuf");
    otlp->fields = curl_slist_append(otlp->fields, "Expect:"); /* no 100-continue */
    if (settings->gzip)
        otlp->fields = curl_slist_append(otlp->fields, "Content-Encoding: gzip");
    must(otlp->fields != NULL);
    buf_clear(&otlp->preamble);
    envelope_pack(&otlp->envelope, &otlp->preamble);
    feed_preamble(otlp->feed, buf_is_full(&otlp->preamble) ? SPAN("") : buf_span(&otlp->preamble));
}

struct otlp *otlp_new(struct feed *feed, const struct otlp_settings *settings,
                      const uint8_t random[16])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, curl_begin) == 0);
    struct otlp *otlp = must_alloc(sizeof *otlp);
    otlp->feed = feed;
    otlp->multi = curl_multi_init();
    must(otlp->multi != NULL);
    memcpy(otlp->random, random, sizeof otlp->random);
    memcpy(&otlp->jitter, random, sizeof otlp->jitter);
    buf_init(&otlp->spans, BATCH_BYTES);
    buf_init(&otlp->plain, BODY_BYTES);
    buf_init(&otlp->preamble, FRAME_PREAMBLE_BYTES);
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        sending->otlp = otlp;
        sending->easy = curl_easy_init();
        must(sending->easy != NULL);
        buf_init(&sending->body, BODY_BYTES);
        buf_init(&sending->response, RESPONSE_BYTES);
    }
    settings_init(otlp, settings);
    return otlp;
}

static void land(struct sending *sending)
{
    if (sending->state == STATE_FLYING)
        curl_multi_remove_handle(sending->otlp->multi, sending->easy);
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
        curl_multi_remove_handle(otlp->multi, otlp->sendings[i].easy);
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
        curl_easy_cleanup(sending->easy);
        buf_fini(&sending->body);
        buf_fini(&sending->response);
    }
    curl_multi_cleanup(otlp->multi);
    settings_fini(otlp);
    buf_fini(&otlp->spans);
    buf_fini(&otlp->plain);
    buf_fini(&otlp->preamble);
    free(otlp);
}

/* One line for a row of failures; the endpoint itself may hold a password. */
static void tell(struct otlp *otlp, const char *what, const char *more)
{
    if (!otlp->told)
        say("otlp: %s%s%s", what, *more != '\0' ? ": " : "", more);
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
    CURL *easy = sending->easy;
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
    curl_easy_setopt(easy, CURLOPT_PRIVATE, sending);
}

static void fly(struct sending *sending)
{
    buf_clear(&sending->response);
    set_options(sending);
    must(curl_multi_add_handle(sending->otlp->multi, sending->easy) == CURLM_OK);
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
    curl_easy_getinfo(sending->easy, CURLINFO_RETRY_AFTER, &after_s);
    curl_multi_remove_handle(otlp->multi, sending->easy);
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
        tell(otlp, "the receiver refuses some spans", message);
    feed_settle(otlp->feed, &sending->batch, rejected, DROP_REJECTED);
    land(sending);
}

static void rejected(struct sending *sending, const char *why, const char *more)
{
    tell(sending->otlp, why, more);
    feed_settle(sending->otlp->feed, &sending->batch, sending->batch.units, DROP_REJECTED);
    land(sending);
}

static void on_status(struct sending *sending, long status)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", status);
    if (status >= 200 && status < 300) {
        accepted(sending);
    } else if (status == 429 || status == 502 || status == 503 || status == 504) {
        tell(sending->otlp, "the receiver asks for patience, spans are kept and sent again", text);
        rest(sending);
    } else {
        rejected(sending, "the receiver refuses spans with status", text);
    }
}

static void on_done(struct sending *sending, CURLcode result)
{
    long status = 0, sent_bytes = 0;
    switch ((unsigned)result) {
    case CURLE_OK:
        curl_easy_getinfo(sending->easy, CURLINFO_RESPONSE_CODE, &status);
        on_status(sending, status);
        break;
    case CURLE_WRITE_ERROR: /* more than the ceiling of the response */
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        rejected(sending, "spans cannot be sent", curl_easy_strerror(result));
        break;
    default: /* once the request had left, it may have come to an answer that nobody heard */
        curl_easy_getinfo(sending->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
        sending->is_doubtful = sent_bytes > 0;
        tell(sending->otlp, "the receiver cannot be reached, spans are kept and sent again",
             curl_easy_strerror(result));
        rest(sending);
        break;
    }
}

static void collect_results(struct otlp *otlp)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(otlp->multi, &left)) != NULL;) {
        char *context = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
        on_done((struct sending *)(void *)context, message->data.result);
    }
}

/* Takes a batch and makes the body; false: it was nothing, or cannot be sent at all. */
static bool load(struct sending *sending, enum spool_lane lane)
{
    struct otlp *otlp = sending->otlp;
    buf_clear(&otlp->spans);
    buf_clear(&otlp->plain);
    buf_clear(&otlp->preamble);
    if (!feed_take(otlp->feed, lane, BATCH_SPANS, &otlp->spans, &otlp->preamble, &sending->batch))
        return false;
    if (lane == SPOOL_BACKLOG)
        otlp->backlog_at_us =
            otlp->now_us + otlp->spans.len * UINT64_C(1000000) / BACKLOG_BYTES_A_SECOND;
    else
        otlp->waiting_since_us = 0;
    struct buf *plain = otlp->gzip ? &otlp->plain : &sending->body;
    envelope_wrap(&otlp->envelope, buf_span(&otlp->preamble), buf_span(&otlp->spans), plain);
    if (otlp->gzip)
        gzip_add(&sending->body, buf_span(plain));
    if (!buf_is_full(plain) && sending->body.len > 0)
        return true;
    rejected(sending, "no memory for a batch", "");
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
    return flush || waiting >= BATCH_SPANS || otlp->now_us - otlp->waiting_since_us >= DELAY_US;
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
    int running;
    otlp->now_us = now_us;
    curl_multi_perform(otlp->multi, &running);
    collect_results(otlp);
    if (now_us >= otlp->quiet_until_us)
        launch(otlp, flush);
    curl_multi_perform(otlp->multi, &running);
    collect_results(otlp);
}

bool otlp_wait(struct otlp *otlp, int fd, int timeout_ms)
{
    struct curl_waitfd more = {.fd = fd, .events = CURL_WAIT_POLLIN};
    curl_multi_poll(otlp->multi, &more, 1, timeout_ms, NULL);
    return more.revents != 0;
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
