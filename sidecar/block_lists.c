/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/block_lists.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "rules/base/buf.h"
#include "rules/base/list.h"
#include "rules/base/must.h"
#include "sidecar/state/listings.h"
#include "sidecar/upstream/resolver.h"

enum {
    NAMES_MOST = 65536,
    SERVERS_BYTES = 4096,
    LOOPBACK = 127,       /* lists answer in 127.0.0.0/8 (RFC 5782 2.3); another one is no list */
    REFUSED = 0x7fffff,   /* 127.255.255.0/24: what lists say to who may not ask them */
    FAILED_US = 10000000, /* before somebody asks again */
};

struct block_lists {
    struct listings *listings;
    struct resolver *resolver;
    _Atomic uint64_t answered, failed, dropped;
};

struct question {
    struct resolver_question of;
    struct block_lists *lists;
    char name[];
};

/* As c-ares reads it; at NULL where none is given. */
static void list_servers(const struct settings *settings, struct buf *to)
{
    buf_init(to, SERVERS_BYTES);
    for (size_t i = 0; i < settings->dns.server_count; i++) {
        if (i > 0)
            buf_add_byte(to, ',');
        buf_add(to, settings->dns.servers[i]);
    }
    if (to->len > 0)
        buf_add_byte(to, '\0');
}

struct block_lists *block_lists_new(const struct settings *settings)
{
    struct block_lists *lists = must_alloc(sizeof(*lists));
    struct buf servers;
    list_servers(settings, &servers);
    lists->listings = listings_new(NAMES_MOST);
    lists->resolver = resolver_start(
        &(struct resolver_settings){.servers = servers.at, .timeout_us = settings->dns.timeout_us});
    buf_fini(&servers);
    if (lists->resolver != NULL)
        return lists;
    block_lists_free(lists);
    return NULL;
}

void block_lists_change(struct block_lists *lists, const struct settings *settings)
{
    struct buf servers;
    list_servers(settings, &servers);
    resolver_change(
        lists->resolver,
        &(struct resolver_settings){.servers = servers.at, .timeout_us = settings->dns.timeout_us});
    buf_fini(&servers);
}

void block_lists_free(struct block_lists *lists)
{
    if (lists == NULL)
        return;
    resolver_stop(lists->resolver);
    listings_free(lists->listings);
    free(lists);
}

static void count(_Atomic uint64_t *figure)
{
    atomic_fetch_add_explicit(figure, 1, memory_order_relaxed);
}

static enum listing judge(const struct resolver_answer *answer)
{
    if (answer->resolved == RESOLVED_NONE)
        return LISTING_NONE;
    bool lists = answer->resolved == RESOLVED_FOUND && answer->address >> 24 == LOOPBACK &&
                 answer->address >> 8 != REFUSED;
    return lists ? LISTING_LISTED : LISTING_UNKNOWN;
}

static void on_answered(struct resolver_question *of, const struct resolver_answer *answer,
                        uint64_t now_us)
{
    struct question *question = list_entry(of, struct question, of);
    struct block_lists *lists = question->lists;
    enum listing listing = judge(answer);
    bool failed = listing == LISTING_UNKNOWN;
    listings_set(lists->listings, of->name, now_us, listing, answer->address,
                 failed ? FAILED_US : answer->ttl_us);
    count(failed ? &lists->failed : &lists->answered);
    free(question);
}

static void ask(struct block_lists *lists, struct span name, uint64_t now_us)
{
    struct question *question = must_alloc(sizeof(*question) + name.len);
    memcpy(question->name, name.at, name.len);
    question->lists = lists;
    question->of = (struct resolver_question){.name = span_make(question->name, name.len),
                                              .answered = on_answered};
    if (resolver_ask(lists->resolver, &question->of))
        return;
    free(question);
    count(&lists->dropped);
    listings_set(lists->listings, name, now_us, LISTING_UNKNOWN, 0, FAILED_US);
}

enum lookup block_lists_ask(struct block_lists *lists, struct span name, uint64_t now_us,
                            uint32_t *address)
{
    bool first;
    enum listing listing = listings_find(lists->listings, name, now_us, address, &first);
    if (first)
        ask(lists, name, now_us);
    switch (listing) {
    case LISTING_LISTED: return LOOKUP_LISTED;
    case LISTING_NONE: return LOOKUP_NOT_LISTED;
    case LISTING_UNKNOWN: break;
    }
    return LOOKUP_UNKNOWN;
}

struct block_list_figures block_lists_figures(const struct block_lists *lists)
{
    return (struct block_list_figures){
        .answered = atomic_load_explicit(&lists->answered, memory_order_relaxed),
        .failed = atomic_load_explicit(&lists->failed, memory_order_relaxed),
        .dropped = atomic_load_explicit(&lists->dropped, memory_order_relaxed),
    };
}
