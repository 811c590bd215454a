/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/ip_sets: what is in the lists of addresses, and what is put into them while the program
 * runs. Every change is said in the program's own log, also that an entry's time was over. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/networks.h"
#include "rules/base/number.h"
#include "sidecar/admin_inside.h"
#include "sidecar/guard/address_set.h"
#include "sidecar/http/date.h"
#include "sidecar/state/live_entries.h"

enum {
    DETAIL_BYTES = 512,
    TARGET_BYTES = IP_TEXT_MOST + 4, /* an address with its prefix */
    SECOND_US = 1000000,
    REASON_TEXT_BYTES = 6 * LIVE_REASON_BYTES + 16, /* escaped */
    ENTRY_TEXT_BYTES = REASON_TEXT_BYTES + 512,
};
static const uint64_t ttl_most_us = UINT64_C(366) * 24 * 3600 * SECOND_US;

/* ---- words ---- */

static size_t network_write(const struct network *network, char to[TARGET_BYTES + 1])
{
    bool v4 = ip_is_v4(&network->at) && network->bits >= IP_MAPPED_BITS;
    unsigned most = v4 ? 32 : IP_BYTES * 8;
    unsigned bits = network->bits - (v4 ? IP_MAPPED_BITS : 0);
    size_t len = ip_write(&network->at, to);
    if (bits < most)
        len += (size_t)snprintf(to + len, TARGET_BYTES + 1 - len, "/%u", bits);
    return len;
}

struct listing {
    const struct process *process;
    struct buf *to;
    bool any;
};

static void add_entry(struct buf *to, const struct process *process, const struct live_entry *entry)
{
    char text[TARGET_BYTES + 1], time[TIMESTAMP_LENGTH];
    buf_add(to, SPAN("{\"address\":"));
    json_add_string(to, span_make(text, network_write(&entry->network, text)));
    timestamp_write(time, entry->added_wall_us);
    buf_format(to, ",\"added\":\"%.*s\"", TIMESTAMP_LENGTH, time);
    if (entry->until_us == LIVE_FOR_EVER) {
        buf_add(to, SPAN(",\"expires\":null,\"ttl_s\":null"));
    } else {
        uint64_t rest_us = entry->until_us - loop_now_us(process->loop);
        timestamp_write(time, loop_wall_us(process->loop) + rest_us);
        buf_format(to, ",\"expires\":\"%.*s\",\"ttl_s\":%llu", TIMESTAMP_LENGTH, time,
                   (unsigned long long)((rest_us + SECOND_US - 1) / SECOND_US));
    }
    buf_add(to, SPAN(",\"reason\":"));
    json_add_string(to, entry->reason);
    buf_add_byte(to, '}');
}

static void list_entry_of(void *context, const struct live_entry *entry)
{
    struct listing *listing = context;
    if (listing->any)
        buf_add_byte(listing->to, ',');
    listing->any = true;
    add_entry(listing->to, listing->process, entry);
}

/* Of the server that the list comes from. */
static void add_fetch(struct buf *to, const struct process *process,
                      const struct ip_set_settings *settings)
{
    char time[TIMESTAMP_LENGTH];
    struct list_fetch fetch;
    if (process->fetcher == NULL || !list_fetcher_facts(process->fetcher, settings, &fetch))
        return;
    buf_add(to, SPAN(",\"url\":"));
    json_add_string(to, span_first(settings->url, strcspn(settings->url.at, "?#")));
    buf_add(to, SPAN(",\"confirmed\":"));
    if (fetch.confirmed_wall_us != 0) {
        timestamp_write(time, fetch.confirmed_wall_us);
        json_add_string(to, span_make(time, TIMESTAMP_LENGTH));
    } else {
        buf_add(to, SPAN("null"));
    }
    buf_add(to, SPAN(",\"failure\":"));
    if (fetch.why != NULL)
        json_add_string(to, span_text(fetch.why));
    else
        buf_add(to, SPAN("null"));
    buf_add(to, SPAN(",\"fetches\":{"));
    for (size_t i = 0; i < FETCH_RESULT_COUNT; i++)
        buf_format(to, "%s\"%s\":%llu", i > 0 ? "," : "", fetch_result_words[i],
                   (unsigned long long)fetch.counts[i]);
    buf_add_byte(to, '}');
}

/* "{...": the rest and the end are for who calls. */
static void add_set(struct buf *to, const struct process *process, const struct address_set *set)
{
    size_t at = (size_t)(set - process->snapshot->ip_sets);
    buf_add(to, SPAN("{\"name\":"));
    json_add_string(to, set->name);
    buf_format(to, ",\"configured\":%zu,\"live\":%zu,\"live_most\":%d",
               networks_count(set->networks), live_entries_count(set->live), LIVE_ENTRIES_MOST);
    add_fetch(to, process, &process->snapshot->settings->ip_sets[at]);
}

struct ip_set_figures *admin_ip_set_figures(const struct process *process)
{
    const struct snapshot *snapshot = process->snapshot;
    size_t count = snapshot->settings->ip_set_count;
    /* the counts lie behind them */
    struct ip_set_figures *to =
        must_alloc((count + 1) * (sizeof *to + FETCH_RESULT_COUNT * sizeof(uint64_t)));
    uint64_t *counts = (uint64_t *)(void *)(to + count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct address_set *set = &snapshot->ip_sets[i];
        struct list_fetch fetch;
        uint64_t *own = counts + i * FETCH_RESULT_COUNT;
        to[i] = (struct ip_set_figures){.name = set->name,
                                        .configured = networks_count(set->networks),
                                        .live = live_entries_count(set->live)};
        if (process->fetcher == NULL ||
            !list_fetcher_facts(process->fetcher, &snapshot->settings->ip_sets[i], &fetch))
            continue;
        uint64_t wall_us = loop_wall_us(process->loop);
        memcpy(own, fetch.counts, sizeof fetch.counts);
        to[i].is_fetched = true;
        to[i].words = fetch_result_words;
        to[i].counts = own;
        to[i].count = FETCH_RESULT_COUNT;
        to[i].came = fetch.confirmed_wall_us != 0;
        to[i].age_us = wall_us > fetch.confirmed_wall_us ? wall_us - fetch.confirmed_wall_us : 0;
    }
    return to;
}

/* ---- which one is meant ---- */

/* "/api/v1/ip_sets/NAME/REST"; NULL: there is no such set, and that is the answer. */
static const struct address_set *set_named(struct process *process, struct service_call *call,
                                           struct span *rest)
{
    enum { NAMES_MOST = 1024, HINT_BYTES = 128 };
    const struct snapshot *snapshot = process->snapshot;
    const char *names[NAMES_MOST];
    char hint[HINT_BYTES], detail[DETAIL_BYTES];
    size_t count = 0;
    *rest = span_from(call->path, sizeof "/api/v1/ip_sets/" - 1);
    struct span name = span_cut(rest, '/');
    for (size_t i = 0; i < snapshot->settings->ip_set_count; i++) {
        if (span_is(snapshot->ip_sets[i].name, name))
            return &snapshot->ip_sets[i];
        if (count < NAMES_MOST)
            names[count++] = snapshot->ip_sets[i].name.at;
    }
    snprintf(detail, sizeof detail, "there is no ip_set '" SPAN_FORMAT "'%s",
             span_arg(span_first(name, 80)), nearest_remark(name, names, count, hint, sizeof hint));
    admin_refuse(call, 404, detail);
    return NULL;
}

static bool network_read(struct service_call *call, struct span text, struct network *network)
{
    return network_parse(text, network) ||
           admin_refuse(call, 400,
                        "address: expected an address or a network like 192.0.2.1, 203.0.113.0/24 "
                        "or 2001:db8::/32, with no bits behind the prefix");
}

/* ---- looking ---- */

bool admin_page_ip_sets(struct process *process, struct service_call *call)
{
    const struct snapshot *snapshot = process->snapshot;
    call->status = 200;
    call->type = SPAN("application/json");
    buf_add(&call->body, SPAN("{\"ip_sets\":["));
    for (size_t i = 0; i < snapshot->settings->ip_set_count; i++) {
        if (i > 0)
            buf_add_byte(&call->body, ',');
        add_set(&call->body, process, &snapshot->ip_sets[i]);
        buf_add_byte(&call->body, '}');
    }
    buf_add(&call->body, SPAN("]}\n"));
    return true;
}

bool admin_page_ip_set(struct process *process, struct service_call *call)
{
    struct span rest;
    const struct address_set *set = set_named(process, call, &rest);
    struct listing listing = {.process = process, .to = &call->body};
    if (set == NULL)
        return true;
    if (rest.at != NULL) {
        admin_problem(call, 404, SPAN("a set is shown whole: /api/v1/ip_sets/NAME"));
        return true;
    }
    call->status = 200;
    call->type = SPAN("application/json");
    add_set(&call->body, process, set);
    buf_add(&call->body, SPAN(",\"entries\":["));
    live_entries_each(set->live, loop_now_us(process->loop), list_entry_of, &listing);
    buf_add(&call->body, SPAN("]}\n"));
    return true;
}

/* ---- changing ---- */

/* What a PUT says. The reason points into `root`. */
struct wanted {
    json_t *root;
    struct live_entry entry;
};

static bool known_keys(struct service_call *call, json_t *root)
{
    static const char *const names[] = {"address", "ttl", "reason"};
    enum { NAMES = sizeof names / sizeof *names };
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        char hint[64], detail[DETAIL_BYTES];
        bool known = false;
        for (size_t i = 0; i < NAMES; i++)
            known = known || strcmp(key, names[i]) == 0;
        if (known && json_is_string(value))
            continue;
        struct span near = nearest_hint(span_text(key), names, NAMES, hint, sizeof hint);
        snprintf(detail, sizeof detail, "%s '%.80s'%s" SPAN_FORMAT,
                 known ? "a text is expected for" : "unknown key", key,
                 near.len > 0 && !known ? ": " : "", span_arg(known ? SPAN("") : near));
        return admin_refuse(call, 400, detail);
    }
    return true;
}

static struct span text_at(json_t *root, const char *key)
{
    json_t *value = json_object_get(root, key);
    return value != NULL ? span_make(json_string_value(value), json_string_length(value))
                         : span_make(NULL, 0);
}

/* The memory that text_at() points into is the root's. False: `call` says what is wrong. */
static bool wanted_read(const struct process *process, struct service_call *call,
                        struct wanted *wanted)
{
    struct span body = buf_span(&call->request);
    json_error_t error;
    uint64_t ttl_us = 0;
    wanted->root =
        json_loadb(body.len > 0 ? body.at : "", body.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(wanted->root))
        return admin_refuse(call, 400,
                            "the body is no JSON object like {\"address\":\"203.0.113.0/24\","
                            "\"ttl\":\"10m\",\"reason\":\"scans\"}");
    if (!known_keys(call, wanted->root))
        return false;
    struct span ttl = text_at(wanted->root, "ttl");
    wanted->entry = (struct live_entry){.until_us = LIVE_FOR_EVER,
                                        .added_wall_us = loop_wall_us(process->loop),
                                        .reason = text_at(wanted->root, "reason")};
    if (!network_read(call, text_at(wanted->root, "address"), &wanted->entry.network))
        return false;
    if (wanted->entry.reason.len > LIVE_REASON_BYTES)
        return admin_refuse(call, 400, "reason: at most 200 bytes");
    if (ttl.at == NULL)
        return true;
    if (!duration_parse(ttl, &ttl_us) || ttl_us == 0 || ttl_us > ttl_most_us)
        return admin_refuse(call, 400,
                            "ttl: expected a duration like 90s, 10m or 2h, at most 366d");
    wanted->entry.until_us = loop_now_us(process->loop) + ttl_us;
    return true;
}

static void say_change(const struct process *process, const struct address_set *set,
                       const struct live_entry *entry, const char *what, struct span by)
{
    char text[TARGET_BYTES + 1], ttl[64] = "";
    struct buf reason;
    buf_init(&reason, REASON_TEXT_BYTES);
    if (entry->reason.len > 0) {
        buf_add(&reason, SPAN(": "));
        json_add_string(&reason, entry->reason); /* one line, whatever is in it */
    }
    if (entry->until_us != LIVE_FOR_EVER && entry->until_us > loop_now_us(process->loop))
        snprintf(
            ttl, sizeof ttl, " for %llu s",
            (unsigned long long)((entry->until_us - loop_now_us(process->loop) + SECOND_US - 1) /
                                 SECOND_US));
    program_log_say(process->log, LOG_INFO,
                    "ip_set " SPAN_FORMAT ": %.*s %s%s%s" SPAN_FORMAT SPAN_FORMAT,
                    span_arg(set->name), (int)network_write(&entry->network, text), text, what, ttl,
                    by.len > 0 ? " by " : "", span_arg(by), span_arg(buf_span(&reason)));
    buf_fini(&reason);
}

struct finding {
    const struct process *process;
    const struct network *network;
    struct buf *to;
};

static void add_if_it(void *context, const struct live_entry *entry)
{
    struct finding *finding = context;
    if (entry->network.bits == finding->network->bits &&
        memcmp(&entry->network.at, &finding->network->at, sizeof entry->network.at) == 0)
        add_entry(finding->to, finding->process, entry);
}

/* The entry of this network in JSON; `to`, which is the caller's to free, stays empty where there
 * is none. */
static void entry_as_it_is(const struct process *process, const struct address_set *set,
                           const struct network *network, struct buf *to)
{
    struct finding finding = {process, network, to};
    buf_init(to, ENTRY_TEXT_BYTES);
    if (process->snapshot->settings->change_log.path.at != NULL)
        live_entries_each(set->live, loop_now_us(process->loop), add_if_it, &finding);
}

/* For the log of changes; `before` and `after`: entries in JSON, at == NULL: there is none. */
static void note_change(struct process *process, const struct service_call *call,
                        const struct address_set *set, const char *event, struct span before,
                        struct span after)
{
    struct buf what;
    buf_init(&what, REASON_TEXT_BYTES);
    buf_format(&what, "ip_set " SPAN_FORMAT, span_arg(set->name));
    admin_change(process, call,
                 &(struct change){
                     .event = event, .what = buf_span(&what), .before = before, .after = after});
    buf_fini(&what);
}

static void put(struct process *process, struct service_call *call, const struct address_set *set,
                const struct live_entry *entry)
{
    struct buf before;
    entry_as_it_is(process, set, &entry->network, &before);
    enum live_put result = live_entries_put(set->live, entry, loop_now_us(process->loop));
    if (result == LIVE_FULL) {
        admin_problem(call, 409,
                      SPAN("the set holds as many live entries as it may; a longer list "
                           "belongs into a file"));
        buf_fini(&before);
        return;
    }
    call->status = result == LIVE_ADDED ? 201 : 200;
    call->type = SPAN("application/json");
    add_entry(&call->body, process, entry);
    note_change(process, call, set, "PutIPSetEntry", buf_span(&before), buf_span(&call->body));
    buf_fini(&before);
    buf_add_byte(&call->body, '\n');
    say_change(process, set, entry, result == LIVE_ADDED ? "is put in" : "is kept in", call->peer);
    ip_sets_look(process);
}

bool admin_page_ip_set_put(struct process *process, struct service_call *call)
{
    struct span rest;
    struct wanted wanted = {.root = NULL};
    const struct address_set *set = set_named(process, call, &rest);
    if (set == NULL)
        return true;
    if (!span_is(rest, SPAN("entries")))
        admin_problem(call, 404, SPAN("expected /api/v1/ip_sets/NAME/entries"));
    else if (wanted_read(process, call, &wanted))
        put(process, call, set, &wanted.entry);
    json_decref(wanted.root);
    return true;
}

bool admin_page_ip_set_delete(struct process *process, struct service_call *call)
{
    struct span rest;
    char text[TARGET_BYTES];
    struct live_entry entry = {.until_us = LIVE_FOR_EVER};
    const struct address_set *set = set_named(process, call, &rest);
    if (set == NULL)
        return true;
    struct span section = span_cut(&rest, '/');
    if (!span_is(section, SPAN("entries")) || rest.at == NULL) {
        admin_problem(call, 404, SPAN("expected /api/v1/ip_sets/NAME/entries/ADDRESS"));
        return true;
    }
    struct span target = admin_decode(rest, text, sizeof text);
    if (!network_read(call, target, &entry.network))
        return true;
    struct buf before;
    entry_as_it_is(process, set, &entry.network, &before);
    if (!live_entries_remove(set->live, &entry.network, loop_now_us(process->loop))) {
        admin_problem(call, 404,
                      SPAN("no such entry was put in; what the configuration says is "
                           "changed there"));
        buf_fini(&before);
        return true;
    }
    note_change(process, call, set, "DeleteIPSetEntry", buf_span(&before), span_make(NULL, 0));
    buf_fini(&before);
    say_change(process, set, &entry, "is taken out", call->peer);
    call->status = 200;
    call->type = SPAN("application/json");
    buf_add(&call->body, SPAN("{\"removed\":"));
    json_add_string(&call->body, target);
    buf_add(&call->body, SPAN("}\n"));
    return true;
}

/* ---- time ---- */

struct ending {
    const struct process *process;
    const struct address_set *set;
};

static void say_end(void *context, const struct live_entry *entry)
{
    const struct ending *ending = context;
    say_change(ending->process, ending->set, entry, "is out: its time is over", span_make(NULL, 0));
}

static void on_end(struct timer *timer)
{
    ip_sets_look(list_entry(timer, struct process, live_timer));
}

void ip_sets_init(struct process *process)
{
    timer_init(&process->live_timer, process->loop, on_end);
}

void ip_sets_look(struct process *process)
{
    const struct snapshot *snapshot = process->snapshot;
    uint64_t now_us = loop_now_us(process->loop), next_us = LIVE_FOR_EVER;
    for (size_t i = 0; i < snapshot->settings->ip_set_count; i++) {
        struct ending ending = {process, &snapshot->ip_sets[i]};
        uint64_t end_us = live_entries_sweep(ending.set->live, now_us, say_end, &ending);
        next_us = end_us < next_us ? end_us : next_us;
    }
    timer_disarm(&process->live_timer);
    if (next_us != LIVE_FOR_EVER)
        timer_arm(&process->live_timer, next_us);
}
