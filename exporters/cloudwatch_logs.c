/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch_logs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "exporters/post.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"

enum {
    REQUEST_BYTES = 1048576,
    EVENT_OVERHEAD = 26,
    BODY_MOST = 7 * 1024 * 1024, /* each byte of a message may take six */
};
#define SPAN_MOST_US (UINT64_C(24) * 3600 * 1000000)

struct cloudwatch_logs {
    const struct cloudwatch_logs_settings *settings;
    struct post *post;
    struct curl_slist *put_fields, *create_fields;
    struct entry *events;
    char host[256]; /* the stream's name, where none is given */
    struct buf body, user, aws;
    bool is_open; /* what became of the last try nobody knows */
};

/* Host by hand: libcurl 7.88 signs it without its port. */
static struct curl_slist *fields_new(const char *target, struct span endpoint)
{
    char line[320];
    snprintf(line, sizeof line, "X-Amz-Target: Logs_20140328.%s", target);
    struct curl_slist *list = curl_slist_append(NULL, line);
    struct span host = span_from(endpoint, span_find(endpoint, SPAN("://")) + 3);
    size_t end = span_find_byte(host, '/');
    host = end != SPAN_NONE ? span_first(host, end) : host;
    if (snprintf(line, sizeof line, "Host: " SPAN_FORMAT, span_arg(host)) < (int)sizeof line)
        list = curl_slist_append(list, line);
    list = curl_slist_append(list, "Content-Type: application/x-amz-json-1.1");
    list = curl_slist_append(list, "User-Agent: Sidegate/" SIDEGATE_VERSION);
    must(list != NULL);
    return list;
}

static struct curl_slist *must_field(struct curl_slist *list, const char *line)
{
    list = curl_slist_append(list, line);
    must(list != NULL);
    return list;
}

static void *cloudwatch_logs_begin(const struct log_settings *settings, const char *log)
{
    struct cloudwatch_logs *c = must_alloc(sizeof *c);
    const struct cloudwatch_logs_settings *own = c->settings = &settings->cloudwatch_logs;
    buf_init(&c->body, BODY_MOST);
    buf_init(&c->user, 4096);
    buf_init(&c->aws, 4096);
    if (own->key_id.at != NULL) {
        buf_format(&c->user, "%s:%s", own->key_id.at, own->secret.at);
        buf_format(&c->aws, "aws:amz:%s:logs", own->region.at);
        buf_add_byte(&c->user, '\0');
        buf_add_byte(&c->aws, '\0');
    }
    c->post = post_new(&(struct post_settings){.url = own->endpoint.at,
                                               .ca_file = own->ca_file.at,
                                               .user = c->user.at,
                                               .aws = c->aws.at,
                                               .timeout_us = own->timeout_us});
    if (gethostname(c->host, sizeof c->host - 1) != 0 || c->host[0] == '\0')
        snprintf(c->host, sizeof c->host, "sidegate");
    c->put_fields = fields_new("PutLogEvents", own->endpoint);
    if (strcmp(log, "emf") == 0) /* metrics are made of these lines */
        c->put_fields = must_field(c->put_fields, "x-amzn-logs-format: json/emf");
    c->create_fields = fields_new("CreateLogStream", own->endpoint);
    c->events = must_alloc(CLOUDWATCH_EVENTS_MOST * sizeof *c->events);
    return c;
}

static void cloudwatch_logs_end(void *sink)
{
    struct cloudwatch_logs *c = sink;
    post_free(c->post);
    curl_slist_free_all(c->put_fields);
    curl_slist_free_all(c->create_fields);
    buf_fini(&c->body);
    buf_wipe(&c->user);
    buf_fini(&c->aws);
    free(c->events);
    free(c);
}

static int by_time(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->wall_us != y->wall_us)
        return x->wall_us < y->wall_us ? -1 : 1;
    return x->text.at < y->text.at ? -1 : 1; /* as they came */
}

unsigned cloudwatch_logs_take(struct span entries, struct entry *to)
{
    unsigned count = 0;
    size_t bytes = 0;
    uint64_t first = UINT64_MAX, last = 0;
    struct entry entry;
    while (count < CLOUDWATCH_EVENTS_MOST && entry_next(&entries, &entry)) {
        first = entry.wall_us < first ? entry.wall_us : first;
        last = entry.wall_us > last ? entry.wall_us : last;
        bytes += entry.text.len + EVENT_OVERHEAD;
        if (entry.text.len == 0 || bytes > REQUEST_BYTES || last - first > SPAN_MOST_US)
            break;
        to[count++] = entry;
    }
    if (count > 0)
        qsort(to, count, sizeof *to, by_time);
    return count;
}

static unsigned index_in(const json_t *info, const char *name, unsigned standard, unsigned most)
{
    const json_t *value = json_object_get(info, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return standard;
    return json_integer_value(value) < most ? (unsigned)json_integer_value(value) : most;
}

unsigned cloudwatch_logs_refused(struct span answer, unsigned count)
{
    json_t *document = json_loadb(answer.at, answer.len, 0, NULL);
    const json_t *info = json_object_get(document, "rejectedLogEventsInfo");
    unsigned old = index_in(info, "tooOldLogEventEndIndex", 0, count);
    unsigned expired = index_in(info, "expiredLogEventEndIndex", 0, count);
    unsigned fresh = index_in(info, "tooNewLogEventStartIndex", count, count);
    json_decref(document);
    unsigned refused = (old > expired ? old : expired) + (count - fresh);
    return refused < count ? refused : count;
}

static void add_names(struct cloudwatch_logs *c)
{
    buf_clear(&c->body);
    buf_add(&c->body, SPAN("{\"logGroupName\":"));
    json_add_string(&c->body, c->settings->group);
    buf_add(&c->body, SPAN(",\"logStreamName\":"));
    json_add_string(&c->body,
                    c->settings->stream.at != NULL ? c->settings->stream : span_text(c->host));
}

static unsigned put(struct cloudwatch_logs *c, unsigned count, struct sender *sender)
{
    add_names(c);
    buf_add(&c->body, SPAN(",\"logEvents\":["));
    for (unsigned i = 0; i < count; i++) {
        buf_format(&c->body, "%s{\"timestamp\":%llu,\"message\":", i > 0 ? "," : "",
                   (unsigned long long)(c->events[i].wall_us / 1000));
        json_add_string(&c->body, c->events[i].text);
        buf_add_byte(&c->body, '}');
    }
    buf_add(&c->body, SPAN("]}"));
    must(!buf_is_full(&c->body));
    return post_send(c->post, c->put_fields, buf_span(&c->body), sender);
}

/* The name behind '#' of the answer's "__type": "ResourceNotFoundException". */
static bool is_error(const struct cloudwatch_logs *c, const char *name)
{
    struct span text = post_answer(c->post);
    json_t *answer = json_loadb(text.at, text.len, 0, NULL);
    const char *type = json_string_value(json_object_get(answer, "__type"));
    const char *hash = type != NULL ? strchr(type, '#') : NULL;
    bool is = type != NULL && strcmp(hash != NULL ? hash + 1 : type, name) == 0;
    json_decref(answer);
    return is;
}

static void create_stream(struct cloudwatch_logs *c, struct sender *sender)
{
    add_names(c);
    buf_add_byte(&c->body, '}');
    post_send(c->post, c->create_fields, buf_span(&c->body), sender);
}

/* 400 is said of all that is wrong, and of what passes. */
static bool is_final(const struct cloudwatch_logs *c, unsigned status)
{
    return (status == 400 && is_error(c, "InvalidParameterException")) || status == 413;
}

static void judge(struct cloudwatch_logs *c, unsigned status, unsigned count, struct delivery *out)
{
    if (status == 200 || (status == 400 && is_error(c, "DataAlreadyAcceptedException"))) {
        out->refused = status == 200 ? cloudwatch_logs_refused(post_answer(c->post), count) : 0;
        out->sent = count - out->refused;
        snprintf(out->why, sizeof out->why, "too old or too new");
    } else if (is_final(c, status)) {
        out->refused = count;
        snprintf(out->why, sizeof out->why, "the receiver answers %u", status);
    } else if (status == 0) {
        out->again = true;
        snprintf(out->why, sizeof out->why, "%s", post_error(c->post));
    } else {
        out->again = true;
        out->pause_us = post_retry_after_us(c->post);
        snprintf(out->why, sizeof out->why, "the receiver answers %u", status);
    }
}

static void cloudwatch_logs_deliver(void *sink, struct sender *sender, struct span entries,
                                    struct delivery *out)
{
    struct cloudwatch_logs *c = sink;
    unsigned count = cloudwatch_logs_take(entries, c->events);
    if (count == 0) {
        out->refused = 1;
        snprintf(out->why, sizeof out->why, "empty, or larger than an event may be");
        return;
    }
    out->resent = c->is_open ? count : 0;
    unsigned status = put(c, count, sender);
    c->is_open = status == 0 && post_was_sent(c->post);
    bool is_missing = status == 400 && is_error(c, "ResourceNotFoundException");
    judge(c, status, count, out);
    out->is_unsent = !c->is_open;
    if (is_missing)
        create_stream(c, sender);
}

const struct sender_kind cloudwatch_logs_kind = {
    .full_bytes = REQUEST_BYTES,
    .full_units = CLOUDWATCH_EVENTS_MOST,
    .gather_us = 1000000,
    .begin = cloudwatch_logs_begin,
    .deliver = cloudwatch_logs_deliver,
    .end = cloudwatch_logs_end,
};
