/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/firehose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <curl/curl.h>
#include <jansson.h>

#include "exporters/otlp_body.h"
#include "exporters/post.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/uuid.h"

enum {
    RECORDS_MOST = 500,
    BATCH_BYTES = 1024 * 1024, /* of lines; at least one record */
    RECORD_MOST = 1000 * 1024, /* of one */
    BODY_MOST = 4 * 1024 * 1024,
    FIELD_MOST = 4096 + 64,
    TRIES_MOST = 5, /* where the answers are another request's */
};

struct firehose {
    const struct firehose_settings *settings;
    const char *log;
    struct post *post;
    struct buf body, packed;
    char id[UUID_LENGTH + 1];
    unsigned records; /* of the batch that has the id and is tried again; 0: none */
    bool is_open;     /* what became of the last try nobody knows */
    unsigned strange; /* answers to this batch that were not its own */
};

static void *firehose_begin(const struct log_settings *settings, const char *log)
{
    struct firehose *f = must_alloc(sizeof *f);
    f->log = log;
    f->settings = &settings->firehose;
    f->post = post_new(&(struct post_settings){.url = f->settings->url.at,
                                               .ca_file = f->settings->ca_file.at,
                                               .timeout_us = f->settings->timeout_us});
    buf_init(&f->body, BODY_MOST);
    buf_init(&f->packed, BODY_MOST);
    return f;
}

static void firehose_end(void *sink)
{
    struct firehose *f = sink;
    post_free(f->post);
    buf_fini(&f->body);
    buf_fini(&f->packed);
    free(f);
}

static void id_make(char to[UUID_LENGTH + 1])
{
    uint8_t random[UUID_BYTES];
    must(getrandom(random, sizeof random, 0) == (ssize_t)sizeof random);
    uuid_write(to, random);
    to[UUID_LENGTH] = '\0';
}

static void add_record(struct firehose *f, struct span text)
{
    struct buf line;
    buf_init(&line, text.len + 1);
    buf_add(&line, text);
    buf_add_byte(&line, '\n');
    buf_add(&f->body, SPAN("{\"data\":\""));
    base64_add(&f->body, buf_span(&line));
    buf_add(&f->body, SPAN("\"}"));
    buf_fini(&line);
}

/* The request's body; how many entries are in it. 0: the first is too large for any. */
static unsigned fill(struct firehose *f, struct span entries, uint64_t now_ms)
{
    struct entry entry;
    unsigned records = 0;
    size_t bytes = 0;
    buf_clear(&f->body);
    buf_format(&f->body, "{\"requestId\":\"%s\",\"timestamp\":%llu,\"records\":[", f->id,
               (unsigned long long)now_ms);
    /* a batch that is tried again is the same one */
    while ((f->records == 0 || records < f->records) && records < RECORDS_MOST &&
           entry_next(&entries, &entry)) {
        bytes += entry.text.len + 1;
        if (entry.text.len >= RECORD_MOST || (records > 0 && bytes > BATCH_BYTES))
            break;
        if (records > 0)
            buf_add_byte(&f->body, ',');
        add_record(f, entry.text);
        records++;
    }
    buf_add(&f->body, SPAN("]}"));
    must(!buf_is_full(&f->body));
    return records;
}

static struct curl_slist *with(struct curl_slist *list, const char *name, const char *value)
{
    char field[FIELD_MOST];
    snprintf(field, sizeof field, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(list, field);
    must(longer != NULL);
    explicit_bzero(field, sizeof field);
    return longer;
}

static struct curl_slist *fields_of(const struct firehose *f)
{
    char arn[128];
    snprintf(arn, sizeof arn, "arn:aws:firehose:local:000000000000:deliverystream/%s", f->log);
    struct curl_slist *list = with(NULL, "Content-Type", "application/json");
    list = with(list, "X-Amz-Firehose-Protocol-Version", "1.0");
    list = with(list, "X-Amz-Firehose-Request-Id", f->id);
    list = with(list, "X-Amz-Firehose-Source-Arn", arn);
    list = with(list, "User-Agent", "Sidegate/" SIDEGATE_VERSION);
    list = with(list, "Expect", "");
    if (f->settings->secret.at != NULL)
        list = with(list, "X-Amz-Firehose-Access-Key", f->settings->secret.at);
    if (f->settings->gzip)
        list = with(list, "Content-Encoding", "gzip");
    return list;
}

/* They hold the key. */
static void fields_free(struct curl_slist *fields)
{
    for (struct curl_slist *field = fields; field != NULL; field = field->next)
        explicit_bzero(field->data, strlen(field->data));
    curl_slist_free_all(fields);
}

/* Is it the answer to this request? */
static bool is_answered(const struct firehose *f)
{
    struct span text = post_answer(f->post);
    json_t *answer = json_loadb(text.at, text.len, 0, NULL);
    const char *id = json_string_value(json_object_get(answer, "requestId"));
    bool same = id != NULL && strcmp(id, f->id) == 0;
    json_decref(answer);
    return same;
}

static void judge(struct firehose *f, unsigned status, unsigned records, struct delivery *out)
{
    if (status == 200 && is_answered(f)) {
        out->sent = records;
    } else if (status == 400 || (status == 413 && records == 1)) {
        out->refused = records;
        snprintf(out->why, sizeof out->why, "the receiver answers %u", status);
    } else if (status == 0) {
        out->again = true;
        snprintf(out->why, sizeof out->why, "%s", post_error(f->post));
    } else if (status == 200) {
        out->again = ++f->strange < TRIES_MOST;
        out->refused = out->again ? 0 : records;
        snprintf(out->why, sizeof out->why, "the receiver's answer has not the request's id");
    } else {
        out->again = true;
        out->pause_us = post_retry_after_us(f->post);
        snprintf(out->why, sizeof out->why, "the receiver answers %u", status);
    }
    f->records = out->again ? records : 0;
    if (!out->again)
        f->strange = 0;
    if (status == 413 && out->again)
        f->records = records / 2;
}

static void firehose_deliver(void *sink, struct sender *sender, struct span entries,
                             struct delivery *out)
{
    struct firehose *f = sink;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (f->records == 0)
        id_make(f->id);
    unsigned records =
        fill(f, entries, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
    if (records == 0) {
        out->refused = 1;
        snprintf(out->why, sizeof out->why, "larger than a record may be");
        return;
    }
    struct span body = buf_span(&f->body);
    buf_clear(&f->packed);
    if (f->settings->gzip && gzip_add(&f->packed, body))
        body = buf_span(&f->packed);
    struct curl_slist *fields = fields_of(f);
    unsigned status = post_send(f->post, fields, body, sender);
    fields_free(fields);
    out->resent = f->is_open ? records : 0;
    judge(f, status, records, out);
    f->is_open = out->again && (status == 200 || (status == 0 && post_was_sent(f->post)));
    out->is_unsent = !f->is_open;
}

const struct sender_kind firehose_kind = {
    .full_bytes = BATCH_BYTES,
    .full_units = RECORDS_MOST,
    .gather_us = 1000000,
    .begin = firehose_begin,
    .deliver = firehose_deliver,
    .end = firehose_end,
};
