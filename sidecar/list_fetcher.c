/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/list_fetcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "rules/base/buf.h"
#include "rules/base/list.h"
#include "rules/base/must.h"
#include "sidecar/config/ip_lists.h"
#include "sidecar/loop/loop.h"
#include "sidecar/program_log.h"
#include "sidecar/state/documents.h"
#include "sidecar/upstream/call.h"

enum { WHY_BYTES = 240, STATUS_SAME = 304 };

/* One url, as believed by one CA; sets that name the same share it. */
struct download {
    struct list link;
    struct list_fetcher *fetcher;
    char *source; /* what the documents call it */
    char *name, *url, *ca_file;
    uint64_t timeout_us, refresh_us, most_bytes;
    struct timer timer;
    struct call *call; /* NULL: none is under way */
    uint64_t next_us;
    uint64_t offered;  /* hash of what waits to be judged; 0: nothing does */
    unsigned failures; /* in a row */
    bool tried, wanted;
    char why[WHY_BYTES]; /* "": nothing is wrong */
    uint64_t confirmed_wall_us;
    uint64_t counts[FETCH_RESULT_COUNT];
};

struct list_fetcher {
    struct list_fetcher_world world;
    struct list downloads;
};

const char *const fetch_result_words[FETCH_RESULT_COUNT] = {
#define X(id, word) [id] = (word),
    FETCH_RESULTS(X)
#undef X
};

/* ---- what came of it ---- */

static void wait_for_next(struct download *download)
{
    uint64_t chance;
    must(getrandom(&chance, sizeof chance, 0) == (ssize_t)sizeof chance);
    uint64_t wait_us = documents_wait_us(download->refresh_us, download->failures, chance);
    download->next_us = loop_now_us(download->fetcher->world.loop) + wait_us;
    timer_arm(&download->timer, download->next_us);
}

/* A question may hold what is nobody's business. */
static struct span url_shown(const struct download *download)
{
    return span_first(span_text(download->url), strcspn(download->url, "?#"));
}

static void fail(struct download *download, enum fetch_result result, const char *why)
{
    struct list_fetcher_world *world = &download->fetcher->world;
    download->counts[result]++;
    download->failures++;
    download->tried = true;
    if (strcmp(download->why, why) != 0)
        program_log_say(world->log, LOG_WARN, "ip_set %s: " SPAN_FORMAT ": %s; %s", download->name,
                        span_arg(url_shown(download)), why,
                        download->confirmed_wall_us != 0
                            ? "the list that came last stands"
                            : "no list ever came, and on_failure decides");
    snprintf(download->why, sizeof download->why, "%s", why);
    wait_for_next(download);
    world->news(world->context);
}

static void succeed(struct download *download, enum fetch_result result)
{
    struct list_fetcher_world *world = &download->fetcher->world;
    download->counts[result]++;
    download->failures = 0;
    download->tried = true;
    download->confirmed_wall_us = loop_wall_us(world->loop);
    if (*download->why != '\0' || result == FETCH_NEW)
        program_log_say(world->log, LOG_INFO, "ip_set %s: " SPAN_FORMAT ": %s", download->name,
                        span_arg(url_shown(download)),
                        result == FETCH_NEW ? "a new list came" : "the list is as it was");
    *download->why = '\0';
    wait_for_next(download);
}

static void fail_bad(struct download *download)
{
    char why[WHY_BYTES] = "it is no list";
    struct list_fetcher_world *world = &download->fetcher->world;
    documents_is_bad(world->documents, span_text(download->source), why, sizeof why);
    fail(download, FETCH_NO_LIST, why);
}

static struct span field(const struct call_answer *answer, struct span name)
{
    for (size_t i = 0; i < answer->field_count; i++)
        if (span_is(answer->fields[i].name, name))
            return answer->fields[i].value;
    return span_make(NULL, 0);
}

static void offer(struct download *download, const struct call_answer *answer)
{
    struct list_fetcher_world *world = &download->fetcher->world;
    struct span source = span_text(download->source);
    const struct document fetched = {.bytes = answer->body,
                                     .etag = field(answer, SPAN("etag")),
                                     .last_modified = field(answer, SPAN("last-modified")),
                                     .fetched_wall_us = loop_wall_us(world->loop)};
    switch (documents_offer(world->documents, source, &fetched)) {
    case OFFER_SAME: succeed(download, FETCH_UNCHANGED); return;
    case OFFER_BAD: fail_bad(download); return;
    case OFFER_NEW: break;
    }
    struct document *unjudged = documents_unjudged(world->documents, source);
    download->offered = unjudged != NULL ? unjudged->hash : 0;
    document_give(unjudged);
    world->news(world->context);
}

/* It is as it was: where there was none, we have not asked so, and it is no answer. */
static bool is_same(const struct download *download, const struct call_answer *answer)
{
    struct document *good = NULL;
    if (answer->outcome == CALL_ANSWERED && answer->status == STATUS_SAME)
        good = documents_good(download->fetcher->world.documents, span_text(download->source));
    document_give(good);
    return good != NULL;
}

static void on_answered(void *context, const struct call_answer *answer)
{
    static const enum fetch_result results[CALL_OUTCOMES] = {
        [CALL_ANSWERED] = FETCH_STATUS,           [CALL_NOT_CONNECTED] = FETCH_NOT_CONNECTED,
        [CALL_NOT_VERIFIED] = FETCH_NOT_VERIFIED, [CALL_TIMED_OUT] = FETCH_TIMED_OUT,
        [CALL_TOO_LARGE] = FETCH_TOO_LARGE,       [CALL_BROKEN] = FETCH_BROKEN,
    };
    struct download *download = context;
    struct documents *documents = download->fetcher->world.documents;
    char why[WHY_BYTES];
    if (answer->outcome == CALL_ANSWERED && answer->status == 200) {
        offer(download, answer);
    } else if (is_same(download, answer)) {
        documents_confirm(documents, span_text(download->source));
        succeed(download, FETCH_UNCHANGED);
    } else {
        if (answer->outcome == CALL_ANSWERED)
            snprintf(why, sizeof why, "it answers with status %u", answer->status);
        else
            snprintf(why, sizeof why, "%s", answer->why);
        fail(download, results[answer->outcome], why);
    }
    call_free(download->call);
    download->call = NULL;
}

/* ---- asking ---- */

static size_t add_conditions(const struct document *good, struct pair *fields)
{
    size_t count = 0;
    if (good != NULL && good->etag.len > 0)
        fields[count++] = (struct pair){SPAN("If-None-Match"), good->etag};
    if (good != NULL && good->last_modified.len > 0)
        fields[count++] = (struct pair){SPAN("If-Modified-Since"), good->last_modified};
    return count;
}

static void on_time(struct timer *timer)
{
    struct download *download = list_entry(timer, struct download, timer);
    struct list_fetcher_world *world = &download->fetcher->world;
    struct pair fields[2];
    if (download->call != NULL)
        return;
    struct document *good = documents_good(world->documents, span_text(download->source));
    if (good != NULL && download->confirmed_wall_us == 0)
        download->confirmed_wall_us = good->fetched_wall_us; /* from before a restart */
    const struct call_request request = {
        .method = "GET",
        .url = download->url,
        .fields = fields,
        .field_count = add_conditions(good, fields),
        .timeout_us = download->timeout_us,
        .answer_most = download->most_bytes,
        .ca_file = download->ca_file,
    };
    download->offered = 0;
    download->next_us = 0;
    download->call = call_begin(world->caller, world->loop, &request, on_answered, download);
    document_give(good);
    if (download->call == NULL)
        fail(download, FETCH_NOT_CONNECTED, "too many requests of ours are under way");
}

static void end(struct download *download)
{
    list_remove(&download->link);
    timer_disarm(&download->timer);
    call_free(download->call);
    free(download->source);
    free(download->name);
    free(download->url);
    free(download->ca_file);
    free(download);
}

static struct download *begin(struct list_fetcher *fetcher, const struct ip_set_settings *set,
                              struct span source)
{
    struct download *download = must_alloc(sizeof *download);
    download->fetcher = fetcher;
    download->source = must_alloc(source.len + 1);
    memcpy(download->source, source.at, source.len);
    download->name = must_strdup(set->name.at);
    download->url = must_strdup(set->url.at);
    download->ca_file = set->ca_file.at != NULL ? must_strdup(set->ca_file.at) : NULL;
    timer_init(&download->timer, fetcher->world.loop, on_time);
    timer_arm(&download->timer, loop_now_us(fetcher->world.loop));
    list_add(&fetcher->downloads, &download->link);
    return download;
}

/* ---- all of them ---- */

static struct download *find(const struct list_fetcher *fetcher, struct span source)
{
    for (struct list *l = fetcher->downloads.next; l != &fetcher->downloads; l = l->next) {
        struct download *download = list_entry(l, struct download, link);
        if (span_is(source, span_text(download->source)))
            return download;
    }
    return NULL;
}

/* Of sets that share it, the most that any of them wants. */
static void follow(struct list_fetcher *fetcher, const struct ip_set_settings *set)
{
    struct buf source;
    ip_list_source(set, &source);
    struct download *download = find(fetcher, buf_span(&source));
    if (download == NULL)
        download = begin(fetcher, set, buf_span(&source));
    buf_fini(&source);
    bool first = !download->wanted;
    download->wanted = true;
    if (first || set->refresh_us < download->refresh_us)
        download->refresh_us = set->refresh_us;
    if (first || set->timeout_us > download->timeout_us)
        download->timeout_us = set->timeout_us;
    if (first || set->most_bytes > download->most_bytes)
        download->most_bytes = set->most_bytes;
    uint64_t soon_us = loop_now_us(fetcher->world.loop) + download->refresh_us;
    if (timer_is_armed(&download->timer) && download->next_us > soon_us) {
        download->next_us = soon_us;
        timer_arm(&download->timer, soon_us);
    }
}

void list_fetcher_follow(struct list_fetcher *fetcher, const struct settings *settings)
{
    struct list *next;
    for (struct list *l = fetcher->downloads.next; l != &fetcher->downloads; l = l->next)
        list_entry(l, struct download, link)->wanted = false;
    for (size_t i = 0; i < settings->ip_set_count; i++)
        if (settings->ip_sets[i].url.at != NULL)
            follow(fetcher, &settings->ip_sets[i]);
    for (struct list *l = fetcher->downloads.next; l != &fetcher->downloads; l = next) {
        struct download *download = list_entry(l, struct download, link);
        next = l->next;
        if (!download->wanted)
            end(download);
    }
}

void list_fetcher_judged(struct list_fetcher *fetcher)
{
    struct documents *documents = fetcher->world.documents;
    for (struct list *l = fetcher->downloads.next; l != &fetcher->downloads; l = l->next) {
        struct download *download = list_entry(l, struct download, link);
        struct span source = span_text(download->source);
        struct document *good = documents_good(documents, source);
        struct document *unjudged = documents_unjudged(documents, source);
        bool is_good = good != NULL && good->hash == download->offered;
        if (download->offered != 0 && (is_good || unjudged == NULL)) {
            download->offered = 0;
            if (is_good)
                succeed(download, FETCH_NEW);
            else
                fail_bad(download);
        }
        document_give(good);
        document_give(unjudged);
    }
}

bool list_fetcher_has_answers(const struct list_fetcher *fetcher)
{
    for (struct list *l = fetcher->downloads.next; l != &fetcher->downloads; l = l->next) {
        const struct download *download = list_entry(l, struct download, link);
        if (!download->tried && download->offered == 0)
            return false;
    }
    return true;
}

bool list_fetcher_has_tried(const struct list_fetcher *fetcher)
{
    for (struct list *l = fetcher->downloads.next; l != &fetcher->downloads; l = l->next)
        if (!list_entry(l, struct download, link)->tried)
            return false;
    return true;
}

bool list_fetcher_facts(const struct list_fetcher *fetcher, const struct ip_set_settings *set,
                        struct list_fetch *facts)
{
    struct buf source;
    if (set->url.at == NULL)
        return false;
    ip_list_source(set, &source);
    const struct download *download = find(fetcher, buf_span(&source));
    buf_fini(&source);
    *facts = (struct list_fetch){.why = NULL};
    if (download == NULL)
        return true;
    memcpy(facts->counts, download->counts, sizeof facts->counts);
    facts->confirmed_wall_us = download->confirmed_wall_us;
    facts->next_us = download->next_us;
    facts->why = *download->why != '\0' ? download->why : NULL;
    return true;
}

struct list_fetcher *list_fetcher_new(const struct list_fetcher_world *world)
{
    struct list_fetcher *fetcher = must_alloc(sizeof *fetcher);
    fetcher->world = *world;
    list_init(&fetcher->downloads);
    return fetcher;
}

void list_fetcher_free(struct list_fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    for (struct list *first; (first = list_first(&fetcher->downloads)) != NULL;)
        end(list_entry(first, struct download, link));
    free(fetcher);
}
