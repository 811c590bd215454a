/* SPDX-License-Identifier: Apache-2.0 */
/* One fetching a store:
 *
 *   IDLE --due or wanted--> DESCRIPTION --its jwks_uri--> KEYS --> IDLE
 *     `-------------------(by URL)------------------------^  `--> IDLE (failed, with a pause)
 */
#include "sidecar/key_fetcher.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "rules/base/list.h"
#include "rules/base/must.h"
#include "sidecar/guard/discovery.h"
#include "sidecar/guard/jwk.h"
#include "sidecar/loop/loop.h"
#include "sidecar/state/key_store.h"
#include "sidecar/upstream/call.h"

enum { WHY_BYTES = 200, ARENA_BYTES = 8192, ANSWERED_WELL = 200 };

struct fetching {
    struct list link;
    struct key_fetcher *fetcher;
    struct key_store *store;
    struct arena *texts; /* of the next few */
    struct span name, issuer;
    const char *url, *ca_file;
    bool is_described; /* `url` is the issuer's description's */
    uint64_t timeout_us;

    struct timer timer;
    struct mail wanted; /* from key_store_ask() */
    _Atomic bool is_sent;
    bool named;   /* by the snapshot in force */
    bool failing; /* said in the log */

    struct call *call; /* NULL: idle */
    bool has_description;
    uint64_t until_us;
};

struct key_fetcher {
    struct key_fetcher_options options;
    struct list fetchings;
};

static void begin(struct fetching *fetching);

/* ---- when ---- */

static void arm(struct fetching *fetching)
{
    uint64_t due_us = key_store_due_us(fetching->store);
    timer_disarm(&fetching->timer);
    if (fetching->named && due_us != UINT64_MAX)
        timer_arm(&fetching->timer, due_us);
}

static void let_go(struct fetching *fetching)
{
    call_free(fetching->call);
    timer_disarm(&fetching->timer);
    key_store_watch(fetching->store, NULL, NULL);
    key_store_give(fetching->store);
    arena_free(fetching->texts);
    list_remove(&fetching->link);
    free(fetching);
}

/* Not named any more: ends what is under way, and then goes. Workers that still go by the old
 * snapshot may want keys at this moment: only when nobody can send any more, what was not sent
 * never will be. */
static bool leaves(struct fetching *fetching)
{
    if (fetching->named || fetching->call != NULL)
        return false;
    key_store_watch(fetching->store, NULL, NULL);
    if (atomic_load(&fetching->is_sent))
        return false;
    let_go(fetching);
    return true;
}

static void on_timer(struct timer *timer)
{
    begin(list_entry(timer, struct fetching, timer));
}

/* Any thread, under the store's lock; once until it is begun. */
static void send_wanted(void *context)
{
    struct fetching *fetching = context;
    if (!atomic_exchange(&fetching->is_sent, true))
        loop_send(fetching->fetcher->options.loop, &fetching->wanted);
}

static void on_wanted(struct mail *mail)
{
    struct fetching *fetching = list_entry(mail, struct fetching, wanted);
    atomic_store(&fetching->is_sent, false);
    if (!leaves(fetching) && fetching->named && fetching->call == NULL)
        begin(fetching);
}

/* ---- what came of it ---- */

static uint64_t chance(void)
{
    uint64_t number;
    must(getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number);
    return number;
}

static void end(struct fetching *fetching)
{
    const struct key_fetcher_options *options = &fetching->fetcher->options;
    fetching->has_description = false;
    options->came(options->context);
    if (!leaves(fetching))
        arm(fetching);
}

static void fail(struct fetching *fetching, const char *why)
{
    const struct key_fetcher_options *options = &fetching->fetcher->options;
    if (!fetching->failing)
        program_log_say(options->log, LOG_WARN,
                        "keys of authorizer " SPAN_FORMAT " could not be fetched, what was fetched "
                        "last serves as long as it may: %s",
                        span_arg(fetching->name), why);
    fetching->failing = true;
    key_store_failed(fetching->store, loop_now_us(options->loop), chance());
    end(fetching);
}

static void take_keys(struct fetching *fetching, const struct call_answer *answer)
{
    const struct key_fetcher_options *options = &fetching->fetcher->options;
    struct key_set_problem problem;
    uint64_t life_us = 0;
    for (size_t i = 0; i < answer->field_count; i++)
        if (span_is(answer->fields[i].name, SPAN("cache-control")))
            life_us = discovery_life_us(answer->fields[i].value);
    struct key_set *set = key_set_read(answer->body, &problem);
    if (set != NULL && key_set_has_secrets(set)) {
        key_set_free(set);
        set = NULL;
        problem.why = "there is a secret among the keys";
    }
    if (set == NULL) {
        fail(fetching, problem.why);
        return;
    }
    if (fetching->failing)
        program_log_say(options->log, LOG_INFO,
                        "keys of authorizer " SPAN_FORMAT " are fetched again",
                        span_arg(fetching->name));
    fetching->failing = false;
    key_store_set(fetching->store, set, life_us, loop_now_us(options->loop), chance());
    end(fetching);
}

/* ---- asking ---- */

static void on_answered(void *context, const struct call_answer *answer);

static void ask(struct fetching *fetching, const char *url, size_t most)
{
    const struct key_fetcher_options *options = &fetching->fetcher->options;
    static const struct pair fields[] = {{SPAN_INIT("Accept"), SPAN_INIT("application/json")}};
    uint64_t now_us = loop_clock_us(options->loop);
    const struct call_request request = {
        .method = "GET",
        .url = url,
        .fields = fields,
        .field_count = 1,
        .timeout_us = fetching->until_us > now_us ? fetching->until_us - now_us : 1,
        .answer_most = most,
        .ca_file = fetching->ca_file,
    };
    fetching->call = call_begin(options->caller, options->loop, &request, on_answered, fetching);
    if (fetching->call == NULL)
        fail(fetching, "too many requests of ours are under way");
}

static void take_description(struct fetching *fetching, const struct call_answer *answer)
{
    const char *why = NULL;
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    must(arena != NULL);
    const char *url = discovery_keys_url(answer->body, fetching->issuer, arena, &why);
    fetching->has_description = true;
    if (url != NULL)
        ask(fetching, url, KEY_SET_BYTES);
    else
        fail(fetching, why);
    arena_free(arena);
}

static void on_answered(void *context, const struct call_answer *answer)
{
    struct fetching *fetching = context;
    struct call *call = fetching->call; /* the answer lives in it */
    char why[WHY_BYTES];
    fetching->call = NULL;
    if (answer->outcome != CALL_ANSWERED) {
        fail(fetching, answer->why);
    } else if (answer->status != ANSWERED_WELL) {
        snprintf(why, sizeof why, "the server answers %u", answer->status);
        fail(fetching, why);
    } else if (fetching->is_described && !fetching->has_description) {
        take_description(fetching, answer);
    } else {
        take_keys(fetching, answer);
    }
    call_free(call);
}

static void begin(struct fetching *fetching)
{
    timer_disarm(&fetching->timer);
    key_store_begin(fetching->store);
    fetching->until_us = loop_clock_us(fetching->fetcher->options.loop) + fetching->timeout_us;
    ask(fetching, fetching->url, fetching->is_described ? DISCOVERY_BYTES : KEY_SET_BYTES);
}

/* ---- which ---- */

static struct fetching *find(struct key_fetcher *fetcher, const struct key_store *store)
{
    for (struct list *link = fetcher->fetchings.next; link != &fetcher->fetchings;
         link = link->next) {
        struct fetching *fetching = list_entry(link, struct fetching, link);
        if (fetching->store == store)
            return fetching;
    }
    return NULL;
}

/* What a store is made from does not change, so that its texts are copied once. */
static struct fetching *add(struct key_fetcher *fetcher, struct key_store *store,
                            const struct authorizer_settings *from)
{
    struct fetching *fetching = must_alloc(sizeof *fetching);
    struct arena *texts = arena_new(NULL, SIZE_MAX / 2);
    must(texts != NULL);
    fetching->fetcher = fetcher;
    fetching->store = key_store_take(store);
    fetching->texts = texts;
    fetching->name = arena_copy(texts, from->name);
    fetching->issuer = arena_copy(texts, from->issuer);
    fetching->url = arena_string(texts, from->keys.url);
    fetching->ca_file = from->ca_file.at != NULL ? arena_string(texts, from->ca_file) : NULL;
    fetching->is_described = from->keys.is_described;
    fetching->wanted.deliver = on_wanted;
    timer_init(&fetching->timer, fetcher->options.loop, on_timer);
    list_add(&fetcher->fetchings, &fetching->link);
    return fetching;
}

void key_fetcher_change(struct key_fetcher *fetcher, const struct snapshot *snapshot)
{
    const struct settings *settings = snapshot->settings;
    for (struct list *link = fetcher->fetchings.next; link != &fetcher->fetchings;
         link = link->next)
        list_entry(link, struct fetching, link)->named = false;
    for (size_t i = 0; i < settings->authorizer_count; i++) {
        const struct authorizer_settings *from = &settings->authorizers[i];
        struct key_store *store = snapshot->key_stores[i];
        if (store == NULL || from->keys.url.at == NULL)
            continue;
        struct fetching *fetching = find(fetcher, store);
        if (fetching == NULL)
            fetching = add(fetcher, store, from);
        fetching->named = true;
        fetching->timeout_us = from->timeout_us;
        key_store_watch(store, send_wanted, fetching);
        arm(fetching);
    }
    for (struct list *link = fetcher->fetchings.next, *next; link != &fetcher->fetchings;
         link = next) {
        next = link->next;
        (void)leaves(list_entry(link, struct fetching, link));
    }
}

/* ---- life ---- */

struct key_fetcher *key_fetcher_new(const struct key_fetcher_options *options)
{
    struct key_fetcher *fetcher = must_alloc(sizeof *fetcher);
    fetcher->options = *options;
    list_init(&fetcher->fetchings);
    return fetcher;
}

void key_fetcher_free(struct key_fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    for (struct list *link = fetcher->fetchings.next; link != &fetcher->fetchings;
         link = link->next) {
        struct fetching *fetching = list_entry(link, struct fetching, link);
        fetching->named = false;
        call_free(fetching->call);
        fetching->call = NULL;
    }
    loop_turn(fetcher->options.loop, 0); /* what was wanted lies in its mailbox */
    for (struct list *first; (first = list_first(&fetcher->fetchings)) != NULL;)
        let_go(list_entry(first, struct fetching, link));
    free(fetcher);
}
