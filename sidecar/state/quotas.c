/* SPDX-License-Identifier: Apache-2.0 */
/* Entries by name in shards under a lock each. A plan is an entry, too, with an empty key: its one
 * day is the day that it is known from. */
#include "sidecar/state/quotas.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/map.h"
#include "rules/base/must.h"

enum { SHARDS = 16, NAME_BYTES = 2 * QUOTA_NAME_MOST + 1, DAYS_FIRST = 4 };
#define NO_LIMIT UINT64_MAX

struct day {
    int64_t day;
    uint64_t used, remaining;
    bool changed;
};

struct entry {
    struct span plan, key; /* both in `name` */
    enum quota_period period;
    int64_t begins; /* of the period that runs */
    uint64_t used;  /* in it */
    int64_t granted;
    bool changed;
    struct day *days; /* in order; only those with requests */
    size_t day_count, day_size;
    char name[NAME_BYTES];
};

struct shard {
    pthread_mutex_t lock;
    struct map *entries;
    bool changed;
};

struct quotas {
    struct shard shards[SHARDS];
    _Atomic size_t count;
    size_t most;
};

/* ---- life ---- */

struct quotas *quotas_new(size_t most)
{
    struct quotas *quotas = must_alloc(sizeof *quotas);
    quotas->most = most;
    for (size_t i = 0; i < SHARDS; i++) {
        must(pthread_mutex_init(&quotas->shards[i].lock, NULL) == 0);
        quotas->shards[i].entries = map_new(NULL, false);
    }
    return quotas;
}

static void free_entries(struct map *entries)
{
    size_t cursor = 0;
    struct span name;
    void *value;
    while (map_next(entries, &cursor, &name, &value)) {
        struct entry *entry = value;
        free(entry->days);
        free(entry);
    }
    map_free(entries);
}

void quotas_free(struct quotas *quotas)
{
    if (quotas == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&quotas->shards[i].lock);
        free_entries(quotas->shards[i].entries);
    }
    free(quotas);
}

/* ---- entries ---- */

/* "plan key"; empty where one is longer than it may be. */
static struct span name_of(const struct quota_key *key, char to[NAME_BYTES])
{
    if (key->plan.len > QUOTA_NAME_MOST || key->key.len > QUOTA_NAME_MOST)
        return span_make(NULL, 0);
    memcpy(to, key->plan.at, key->plan.len);
    to[key->plan.len] = ' ';
    if (key->key.len > 0)
        memcpy(to + key->plan.len + 1, key->key.at, key->key.len);
    return span_make(to, key->plan.len + 1 + key->key.len);
}

static struct shard *shard_of(struct quotas *quotas, struct span name)
{
    return &quotas->shards[siphash(hash_key(), name) % SHARDS];
}

static struct entry *make_entry(struct shard *shard, const struct quota_key *key, struct span name)
{
    struct entry *entry = must_alloc(sizeof *entry);
    memcpy(entry->name, name.at, name.len);
    entry->plan = span_make(entry->name, key->plan.len);
    entry->key = span_make(entry->name + key->plan.len + 1, key->key.len);
    entry->begins = INT64_MIN;
    map_set(shard->entries, name, entry);
    return entry;
}

/* The key's entry, its shard locked. NULL (and not locked): it is not there, and `makes` is false
 * or there is no room. */
struct held {
    struct shard *shard;
    struct entry *entry;
};

static struct held hold(struct quotas *quotas, const struct quota_key *key, bool makes)
{
    char text[NAME_BYTES];
    struct span name = name_of(key, text);
    if (name.len == 0)
        return (struct held){NULL, NULL};
    struct held held = {shard_of(quotas, name), NULL};
    pthread_mutex_lock(&held.shard->lock);
    held.entry = map_find(held.shard->entries, name);
    if (held.entry == NULL && makes) {
        if (atomic_fetch_add(&quotas->count, 1) < quotas->most)
            held.entry = make_entry(held.shard, key, name);
        else
            atomic_fetch_sub(&quotas->count, 1);
    }
    if (held.entry == NULL)
        pthread_mutex_unlock(&held.shard->lock);
    return held;
}

static void let_go(const struct held *held)
{
    pthread_mutex_unlock(&held->shard->lock);
}

static struct day *latest(const struct entry *entry)
{
    return entry->day_count > 0 ? &entry->days[entry->day_count - 1] : NULL;
}

static size_t place_of(const struct entry *entry, int64_t day)
{
    size_t i = entry->day_count;
    while (i > 0 && entry->days[i - 1].day >= day)
        i--;
    return i;
}

/* Takes one away where there are too many: the oldest, or the latest where what is to come is older
 * than all. */
static void make_room(struct entry *entry, int64_t day)
{
    if (entry->day_count < QUOTA_DAYS_MOST)
        return;
    must(entry->days != NULL);
    entry->day_count--;
    if (place_of(entry, day) > 0)
        memmove(entry->days, entry->days + 1, entry->day_count * sizeof *entry->days);
}

/* The entry's day; made where there is none. */
static struct day *day_at(struct entry *entry, int64_t day)
{
    size_t i = place_of(entry, day);
    if (i < entry->day_count && entry->days[i].day == day)
        return &entry->days[i];
    make_room(entry, day);
    i = place_of(entry, day);
    if (entry->day_count == entry->day_size) {
        entry->day_size = entry->day_size == 0 ? DAYS_FIRST : entry->day_size * 2;
        entry->days = must_realloc(entry->days, entry->day_size * sizeof *entry->days);
    }
    must(entry->days != NULL);
    memmove(&entry->days[i + 1], &entry->days[i], (entry->day_count - i) * sizeof *entry->days);
    entry->day_count++;
    entry->days[i] = (struct day){.day = day};
    return &entry->days[i];
}

static void mark(const struct held *held, struct day *day)
{
    day->changed = held->entry->changed = held->shard->changed = true;
}

/* ---- periods ---- */

/* The day that the plan is known from; INT64_MIN: nobody knows. */
static int64_t born(struct quotas *quotas, struct span plan)
{
    struct quota_key key = {plan, SPAN("")};
    struct held held = hold(quotas, &key, false);
    int64_t day = INT64_MIN;
    if (held.entry == NULL)
        return day;
    if (latest(held.entry) != NULL)
        day = latest(held.entry)->day;
    let_go(&held);
    return day;
}

/* A day that is more than a whole period ahead. */
static bool is_far(const struct quota_limit *limit, int64_t today, int64_t day)
{
    return day > today &&
           quota_period_begins(limit->period, day) > quota_period_ends(limit->period, today);
}

/* The day that a request counts on: what is past stays past, so a clock that jumps back counts on
 * in the latest day there was. But where that is far ahead, and the clock shows a day again that
 * others were counted before, it was the leap ahead that was wrong. */
static int64_t counting_day(const struct entry *entry, const struct quota_limit *limit,
                            int64_t today, int64_t born_day)
{
    must(entry->day_count == 0 || entry->days != NULL);
    bool was_here = (entry->day_count > 0 && entry->days[0].day <= today) ||
                    (born_day != INT64_MIN && born_day <= today);
    for (size_t i = entry->day_count; i > 0 && entry->days[i - 1].day > today; i--)
        if (!was_here || !is_far(limit, today, entry->days[i - 1].day))
            return entry->days[i - 1].day;
    return today;
}

static uint64_t used_in_period(const struct entry *entry)
{
    int64_t ends = quota_period_ends(entry->period, entry->begins);
    uint64_t used = 0;
    must(entry->day_count == 0 || entry->days != NULL);
    for (size_t i = 0; i < entry->day_count; i++)
        if (entry->days[i].day >= entry->begins && entry->days[i].day < ends)
            used += entry->days[i].used;
    return used;
}

/* The running period of an entry is the one of this day. */
static void roll(struct entry *entry, const struct quota_limit *limit, int64_t day)
{
    int64_t begins = quota_period_begins(limit->period, day);
    if (begins == entry->begins && entry->period == limit->period)
        return;
    entry->period = limit->period;
    entry->begins = begins;
    entry->granted = 0;
    entry->used = used_in_period(entry);
}

/* The key's entry, its shard locked, its period the one that runs; *day: what counts as today, from
 * what the clock says. The plan's day is asked for where it is needed: its lock may be the same. */
static struct held hold_running(struct quotas *quotas, const struct quota_key *key,
                                const struct quota_limit *limit, int64_t *day, int64_t *born_day)
{
    struct held held = hold(quotas, key, true);
    if (held.entry == NULL)
        return held;
    if (*born_day == INT64_MIN && latest(held.entry) != NULL &&
        is_far(limit, *day, latest(held.entry)->day)) {
        let_go(&held);
        *born_day = born(quotas, key->plan);
        held = hold(quotas, key, false);
        must(held.entry != NULL);
    }
    *day = counting_day(held.entry, limit, *day, *born_day);
    roll(held.entry, limit, *day);
    return held;
}

static bool is_first(const struct quota_limit *limit, int64_t begins, int64_t born_day)
{
    return born_day != INT64_MIN && begins == quota_period_begins(limit->period, born_day);
}

/* How many may pass in the period that begins then. */
static uint64_t allowance(const struct quota_limit *limit, int64_t begins, int64_t born_day,
                          int64_t granted)
{
    if (limit->limit == 0)
        return NO_LIMIT;
    int64_t most = (int64_t)limit->limit + granted;
    if (is_first(limit, begins, born_day))
        most -= (int64_t)limit->offset;
    return most > 0 ? (uint64_t)most : 0;
}

static uint64_t left_of(uint64_t allowance, uint64_t used)
{
    if (allowance == NO_LIMIT)
        return NO_LIMIT;
    return allowance > used ? allowance - used : 0;
}

/* ---- asking ---- */

void quotas_know(struct quotas *quotas, struct span plan, uint64_t now_s)
{
    struct quota_key key = {plan, SPAN("")};
    struct held held = hold(quotas, &key, true);
    if (held.entry == NULL)
        return;
    if (held.entry->day_count == 0)
        mark(&held, day_at(held.entry, (int64_t)(now_s / QUOTA_SECONDS_OF_DAY)));
    let_go(&held);
}

static void count(const struct held *held, int64_t today, uint64_t most)
{
    struct entry *entry = held->entry;
    struct day *day = day_at(entry, today);
    entry->used++;
    day->used++;
    day->remaining = left_of(most, entry->used);
    mark(held, day);
}

struct quota_verdict quotas_ask(struct quotas *quotas, const struct quota_key *key,
                                const struct quota_limit *limit, uint64_t now_s, bool enforces)
{
    int64_t today = (int64_t)(now_s / QUOTA_SECONDS_OF_DAY);
    int64_t born_day = limit->offset > 0 ? born(quotas, key->plan) : INT64_MIN;
    struct held held = hold_running(quotas, key, limit, &today, &born_day);
    if (held.entry == NULL)
        return (struct quota_verdict){0};
    struct entry *entry = held.entry;
    uint64_t most = allowance(limit, entry->begins, born_day, entry->granted);
    bool is_over = entry->used >= most, passes = !enforces || !is_over;
    if (passes)
        count(&held, today, most);
    int64_t ends = quota_period_ends(limit->period, entry->begins);
    struct quota_verdict verdict = {
        .passes = passes,
        .is_over = is_over,
        .has_room = true,
        .remaining = left_of(most, entry->used),
        .resets_s = (uint64_t)ends * QUOTA_SECONDS_OF_DAY,
        .window_s = (uint64_t)(ends - entry->begins) * QUOTA_SECONDS_OF_DAY,
    };
    let_go(&held);
    return verdict;
}

/* ---- what was used ---- */

/* What was left at the end of a day: of its own or an earlier one of its period. `at`: the first of
 * the entry's days behind it. */
static uint64_t left_on(const struct entry *entry, const struct quota_limit *limit, int64_t day,
                        size_t at, int64_t born_day)
{
    int64_t begins = quota_period_begins(limit->period, day);
    bool runs = entry->begins == begins && entry->period == limit->period;
    uint64_t most = allowance(limit, begins, born_day, runs ? entry->granted : 0);
    bool is_last =
        at == entry->day_count || entry->days[at].day >= quota_period_ends(limit->period, day);
    if (runs && is_last) /* grants are known, and a limit that was changed */
        return left_of(most, entry->used);
    if (at > 0 && entry->days[at - 1].day >= begins)
        return entry->days[at - 1].remaining;
    return most;
}

bool quotas_days(struct quotas *quotas, const struct quota_key *key,
                 const struct quota_limit *limit, int64_t first, int64_t last, struct quota_day *to)
{
    int64_t born_day = born(quotas, key->plan);
    struct held held = hold(quotas, key, false);
    if (held.entry == NULL)
        return false;
    size_t at = 0;
    for (int64_t day = first; day <= last; day++) {
        uint64_t used = 0;
        for (; at < held.entry->day_count && held.entry->days[at].day <= day; at++)
            used = held.entry->days[at].day == day ? held.entry->days[at].used : 0;
        *to++ = (struct quota_day){day, used, left_on(held.entry, limit, day, at, born_day)};
    }
    let_go(&held);
    return true;
}

bool quotas_grant(struct quotas *quotas, const struct quota_key *key,
                  const struct quota_limit *limit, uint64_t now_s, uint64_t remaining)
{
    must(limit->limit > 0);
    int64_t today = (int64_t)(now_s / QUOTA_SECONDS_OF_DAY);
    int64_t born_day = born(quotas, key->plan);
    struct held held = hold_running(quotas, key, limit, &today, &born_day);
    if (held.entry == NULL)
        return false;
    struct entry *entry = held.entry;
    int64_t most = (int64_t)limit->limit;
    if (is_first(limit, entry->begins, born_day))
        most -= (int64_t)limit->offset;
    entry->granted = (int64_t)remaining + (int64_t)entry->used - most;
    struct day *day = day_at(entry, today);
    day->remaining = remaining;
    mark(&held, day);
    let_go(&held);
    return true;
}

void quotas_each(struct quotas *quotas, struct span plan, void (*found)(void *to, struct span key),
                 void *to)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &quotas->shards[i];
        size_t cursor = 0;
        struct span name;
        void *value;
        pthread_mutex_lock(&shard->lock);
        while (map_next(shard->entries, &cursor, &name, &value)) {
            const struct entry *entry = value;
            if (span_is(entry->plan, plan) && entry->key.len > 0)
                found(to, entry->key);
        }
        pthread_mutex_unlock(&shard->lock);
    }
}

/* ---- what is kept ---- */

static void hand_out(struct entry *entry, bool all,
                     void (*row)(void *to, const struct quota_row *row), void *to)
{
    for (size_t i = 0; i < entry->day_count; i++) {
        struct day *day = &entry->days[i];
        if (!all && !day->changed)
            continue;
        struct quota_row one = {entry->plan,
                                entry->key,
                                entry->period,
                                entry->begins != INT64_MIN ? entry->begins : 0,
                                entry->used,
                                entry->granted,
                                {day->day, day->used, day->remaining}};
        day->changed = false;
        row(to, &one);
    }
    entry->changed = false;
}

void quotas_collect(struct quotas *quotas, bool all,
                    void (*row)(void *to, const struct quota_row *row), void *to)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &quotas->shards[i];
        size_t cursor = 0;
        struct span name;
        void *value;
        pthread_mutex_lock(&shard->lock);
        bool looks = all || shard->changed;
        shard->changed = false;
        while (looks && map_next(shard->entries, &cursor, &name, &value)) {
            struct entry *entry = value;
            if (all || entry->changed)
                hand_out(entry, all, row, to);
        }
        pthread_mutex_unlock(&shard->lock);
    }
}

/* NULL: it is older than all that are kept. */
static struct day *day_for(struct entry *entry, int64_t day)
{
    if (entry->day_count == QUOTA_DAYS_MOST && day < entry->days[0].day)
        return NULL;
    return day_at(entry, day);
}

void quotas_restore(struct quotas *quotas, const struct quota_row *row)
{
    struct quota_key key = {row->plan, row->key};
    struct held held = hold(quotas, &key, true);
    if (held.entry == NULL)
        return;
    struct entry *entry = held.entry;
    struct day *day = day_for(entry, row->day.day);
    if (day != NULL) {
        day->used = row->day.used;
        day->remaining = row->day.remaining;
    }
    if (row->key.len > 0 && (entry->begins == INT64_MIN || row->begins >= entry->begins)) {
        entry->period = row->period;
        entry->begins = row->begins;
        entry->used = row->used;
        entry->granted = row->granted;
    }
    let_go(&held);
}

/* The plan was known on the earlier of two days. */
static void join_plan(const struct held *held, int64_t day)
{
    struct entry *entry = held->entry;
    if (entry->day_count > 0 && entry->days[0].day <= day)
        return;
    entry->day_count = 0;
    mark(held, day_at(entry, day));
}

void quotas_join(struct quotas *quotas, const struct quota_row *row)
{
    struct quota_key key = {row->plan, row->key};
    struct held held = hold(quotas, &key, true);
    if (held.entry == NULL)
        return;
    struct entry *entry = held.entry;
    struct day *day = row->key.len > 0 ? day_for(entry, row->day.day) : NULL;
    if (row->key.len == 0)
        join_plan(&held, row->day.day);
    if (day != NULL) {
        if (entry->begins < row->begins) {
            entry->period = row->period;
            entry->begins = row->begins;
        }
        if (entry->granted == 0 && entry->begins == row->begins)
            entry->granted = row->granted;
        if (row->day.remaining != NO_LIMIT)
            day->remaining = left_of(row->day.remaining, day->used);
        day->used += row->day.used;
        entry->used = used_in_period(entry);
        mark(&held, day);
    }
    let_go(&held);
}
