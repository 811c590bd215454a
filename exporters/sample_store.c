/* SPDX-License-Identifier: Apache-2.0 */
/* Algorithm R in each window: the n-th request takes the place of one of k with the chance k/n. */
#include "exporters/sample_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/list.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum {
    WINDOWS = SAMPLE_AGE_S / SAMPLE_WINDOW_S + 1, /* and the one that has begun */
    KEPT_FIRST = 4,
    MEMO = 64,
    MEMO_SHIFT = 4,
};
#define SECOND_US UINT64_C(1000000)
#define WINDOW_US (SAMPLE_WINDOW_S * SECOND_US)
#define AGE_US    (SAMPLE_AGE_S * SECOND_US)

struct kept {
    uint64_t wall_us;
    size_t len;
    char text[];
};

struct window {
    struct list link;      /* among those that keep as many */
    uint64_t number;       /* of five minutes since 1970; 0: never used */
    _Atomic uint64_t seen; /* written by the worker without the lock */
    struct kept **kept;
    unsigned count, room;
    /* the worker's alone: */
    uint64_t lost;   /* samples that were to be kept, and were not made */
    bool is_awaited; /* one is being made */
};

struct rule {
    struct sample_rule names; /* both in `text` */
    struct window windows[WINDOWS];
    uint64_t latest; /* number of the latest window */
    char text[];
};

struct sample_store {
    pthread_mutex_t lock; /* the worker takes it to change, others to read */
    struct rule *rules[SAMPLE_RULES_MOST];
    unsigned rule_count, yielding; /* yielding: how many of them yield */
    size_t bytes, ceiling;         /* of samples */
    /* the worker's alone: */
    struct map *by_name;
    unsigned memo[MEMO]; /* where a metric's name lies in memory -> rule, which is verified */
    struct list by_count[SAMPLE_KEPT_MOST + 1]; /* windows; [0] stays empty */
    unsigned most;                              /* no list above has any */
    uint64_t latest;                            /* number of the latest window of all */
    uint64_t random;
};

static uint64_t draw(struct sample_store *store, uint64_t below)
{
    store->random ^= store->random << 13; /* xorshift: chance enough for a sample */
    store->random ^= store->random >> 7;
    store->random ^= store->random << 17;
    return below > 1 ? store->random % below : 0;
}

/* ---- life ---- */

struct sample_store *sample_store_new(uint64_t seed)
{
    struct sample_store *store = must_alloc(sizeof *store);
    must(pthread_mutex_init(&store->lock, NULL) == 0);
    for (size_t i = 0; i <= SAMPLE_KEPT_MOST; i++)
        list_init(&store->by_count[i]);
    store->by_name = map_new(NULL, false);
    store->random = seed | 1;
    return store;
}

static void window_clear(struct sample_store *store, struct window *window)
{
    for (unsigned i = 0; i < window->count; i++) {
        store->bytes -= sizeof(struct kept) + window->kept[i]->len;
        free(window->kept[i]);
    }
    if (window->count > 0)
        list_remove(&window->link);
    store->bytes -= window->room * sizeof(void *);
    free(window->kept);
    window->kept = NULL;
    window->count = window->room = 0;
    window->number = 0;
    window->lost = 0;
    window->is_awaited = false;
    atomic_store_explicit(&window->seen, 0, memory_order_relaxed);
}

static void rule_clear(struct sample_store *store, struct rule *rule)
{
    for (size_t i = 0; i < WINDOWS; i++)
        window_clear(store, &rule->windows[i]);
}

static void rule_free(struct sample_store *store, struct rule *rule)
{
    map_remove(store->by_name, span_text(rule->text));
    rule_clear(store, rule);
    store->yielding -= rule->names.yields;
    free(rule);
}

static void clear(struct sample_store *store)
{
    for (unsigned i = 0; i < store->rule_count; i++)
        rule_free(store, store->rules[i]);
    store->rule_count = 0;
}

void sample_store_free(struct sample_store *store)
{
    if (store == NULL)
        return;
    clear(store);
    map_free(store->by_name);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- room ---- */

/* The window has another number of samples now. */
static void window_moved(struct sample_store *store, struct window *window, unsigned before)
{
    if (before > 0)
        list_remove(&window->link);
    if (window->count > 0)
        list_add(&store->by_count[window->count], &window->link);
    if (window->count > store->most)
        store->most = window->count;
}

static void drop(struct sample_store *store, struct window *window, unsigned which)
{
    store->bytes -= sizeof(struct kept) + window->kept[which]->len;
    free(window->kept[which]);
    window->kept[which] = window->kept[--window->count];
    window_moved(store, window, window->count + 1);
}

static void thin(struct sample_store *store)
{
    while (store->bytes > store->ceiling) {
        while (store->most > 0 && list_is_empty(&store->by_count[store->most]))
            store->most--;
        if (store->most == 0)
            return; /* what is left are empty places of windows */
        struct list *first = list_first(&store->by_count[store->most]);
        must(first != NULL);
        struct window *window = list_entry(first, struct window, link);
        drop(store, window, (unsigned)draw(store, window->count));
    }
}

void sample_store_limit(struct sample_store *store, size_t bytes)
{
    pthread_mutex_lock(&store->lock);
    store->ceiling = bytes;
    if (bytes == 0)
        clear(store);
    thin(store);
    pthread_mutex_unlock(&store->lock);
}

size_t sample_store_bytes(struct sample_store *store)
{
    pthread_mutex_lock(&store->lock);
    size_t bytes = store->bytes;
    pthread_mutex_unlock(&store->lock);
    return bytes;
}

/* ---- rules ---- */

/* "acl LF metric": neither has a line feed. */
static struct span name_of(const struct sample_rule *rule, char to[SAMPLE_NAME_MOST + 1])
{
    if (rule->acl.len + rule->metric.len >= SAMPLE_NAME_MOST || rule->metric.len == 0)
        return SPAN("");
    if (rule->acl.len > 0)
        memcpy(to, rule->acl.at, rule->acl.len);
    to[rule->acl.len] = '\n';
    memcpy(to + rule->acl.len + 1, rule->metric.at, rule->metric.len);
    return span_make(to, rule->acl.len + 1 + rule->metric.len);
}

static bool is_rule(const struct rule *rule, const struct sample_rule *names)
{
    return span_is(rule->names.metric, names->metric) && span_is(rule->names.acl, names->acl);
}

/* A fresh place, or that of a rule that nothing is known of any more: where those that yield have
 * all of theirs, of one of them. SAMPLE_RULES_MOST: none. */
static unsigned place_for(struct sample_store *store, bool yields, uint64_t number)
{
    bool of_its_kind = yields && store->yielding == SAMPLE_YIELDING_MOST;
    if (store->rule_count < SAMPLE_RULES_MOST && !of_its_kind)
        return store->rule_count++;
    for (unsigned i = 0; i < store->rule_count; i++) {
        struct rule *rule = store->rules[i];
        if (rule->latest + WINDOWS > number || (of_its_kind && !rule->names.yields))
            continue;
        rule_free(store, rule);
        return i;
    }
    return SAMPLE_RULES_MOST;
}

static unsigned rule_new(struct sample_store *store, const struct sample_rule *names,
                         struct span name, uint64_t number)
{
    pthread_mutex_lock(&store->lock);
    unsigned at = place_for(store, names->yields, number);
    if (at < SAMPLE_RULES_MOST) {
        struct rule *rule = must_alloc(sizeof *rule + name.len + 1);
        memcpy(rule->text, name.at, name.len);
        rule->names.acl = span_make(rule->text, names->acl.len);
        rule->names.metric = span_make(rule->text + names->acl.len + 1, names->metric.len);
        rule->names.yields = names->yields;
        rule->latest = number;
        store->yielding += names->yields;
        store->rules[at] = rule;
        map_set(store->by_name, name, rule);
    }
    pthread_mutex_unlock(&store->lock);
    return at;
}

/* SAMPLE_RULES_MOST: there is no room for it. */
static unsigned rule_find(struct sample_store *store, const struct sample_rule *names,
                          uint64_t number)
{
    char text[SAMPLE_NAME_MOST + 1];
    unsigned *memo = &store->memo[((uintptr_t)names->metric.at >> MEMO_SHIFT) % MEMO];
    if (*memo < store->rule_count && is_rule(store->rules[*memo], names))
        return *memo;
    struct span name = name_of(names, text);
    if (name.len == 0)
        return SAMPLE_RULES_MOST;
    const struct rule *known = map_find(store->by_name, name);
    unsigned at = 0;
    while (known != NULL && store->rules[at] != known)
        at++;
    if (known == NULL)
        at = rule_new(store, names, name, number);
    *memo = at;
    return at;
}

/* ---- counting and keeping ---- */

/* Once in five minutes: what nobody is told of any more makes room; and what a clock that was set
 * back has left in the future. */
static void let_go_of_old(struct sample_store *store, uint64_t number)
{
    for (unsigned i = 0; i < store->rule_count; i++)
        for (size_t w = 0; w < WINDOWS; w++) {
            struct window *window = &store->rules[i]->windows[w];
            if (window->number + WINDOWS <= number || window->number >= number + WINDOWS)
                window_clear(store, window);
        }
    store->latest = number;
}

static void window_open(struct sample_store *store, struct rule *rule, struct window *window,
                        uint64_t number)
{
    pthread_mutex_lock(&store->lock);
    if (number > store->latest || number + WINDOWS <= store->latest)
        let_go_of_old(store, number);
    window_clear(store, window);
    window->number = number;
    rule->latest = number;
    pthread_mutex_unlock(&store->lock);
}

bool sample_store_count(struct sample_store *store, const struct sample_rule *names,
                        uint64_t wall_us, struct sample_place *place)
{
    uint64_t number = wall_us / WINDOW_US;
    if (store->ceiling == 0)
        return false;
    place->rule = rule_find(store, names, number);
    place->window = (unsigned)(number % WINDOWS);
    if (place->rule == SAMPLE_RULES_MOST)
        return false;
    struct rule *rule = store->rules[place->rule];
    struct window *window = &rule->windows[place->window];
    if (window->number != number)
        window_open(store, rule, window, number);
    uint64_t before = atomic_load_explicit(&window->seen, memory_order_relaxed);
    atomic_store_explicit(&window->seen, before + 1, memory_order_relaxed);
    window->lost += window->is_awaited;
    bool all = window->count + window->lost == before && window->count < SAMPLE_KEPT_MOST;
    window->is_awaited = all || (window->count > 0 && draw(store, before + 1) < window->count);
    return window->is_awaited;
}

/* Room for one more pointer. */
static void window_grow(struct sample_store *store, struct window *window)
{
    unsigned room = window->room == 0 ? KEPT_FIRST : window->room * 2;
    if (window->count < window->room)
        return;
    if (room > SAMPLE_KEPT_MOST)
        room = SAMPLE_KEPT_MOST;
    window->kept = must_realloc(window->kept, room * sizeof(struct kept *));
    store->bytes += (room - window->room) * sizeof(void *);
    window->room = room;
}

void sample_store_keep(struct sample_store *store, const struct sample_place *place,
                       uint64_t wall_us, struct span text)
{
    struct window *window = &store->rules[place->rule]->windows[place->window];
    if (text.len == 0 || text.len > SAMPLE_TEXT_MOST)
        return;
    struct kept *kept = must_alloc(sizeof *kept + text.len);
    kept->wall_us = wall_us;
    kept->len = text.len;
    memcpy(kept->text, text.at, text.len);
    pthread_mutex_lock(&store->lock);
    window->is_awaited = false;
    bool all = window->count + window->lost + 1 ==
               atomic_load_explicit(&window->seen, memory_order_relaxed);
    if (!all || window->count == SAMPLE_KEPT_MOST) {
        if (window->count == 0) { /* since it was counted, all had to make room for others */
            pthread_mutex_unlock(&store->lock);
            free(kept);
            return;
        }
        drop(store, window, (unsigned)draw(store, window->count));
    }
    window_grow(store, window);
    window->kept[window->count++] = kept;
    store->bytes += sizeof *kept + kept->len;
    window_moved(store, window, window->count - 1);
    thin(store);
    pthread_mutex_unlock(&store->lock);
}

/* ---- reading ---- */

static void set_add(struct sample_set *set, const struct kept *kept, double share)
{
    if (set->count == set->room) {
        set->room = set->room == 0 ? SAMPLE_KEPT_MOST : set->room * 2;
        set->at = must_realloc(set->at, set->room * sizeof *set->at);
    }
    char *text = must_alloc(kept->len + 1);
    memcpy(text, kept->text, kept->len);
    set->at[set->count++] = (struct sample){
        .wall_us = kept->wall_us, .text = span_make(text, kept->len), .share = share};
}

static void sample_free(const struct sample *sample)
{
    char *text;
    memcpy(&text, &sample->text.at, sizeof text);
    free(text);
}

void sample_set_fini(struct sample_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        sample_free(&set->at[i]);
    free(set->at);
    *set = (struct sample_set){0};
}

/* How many of its requests are in the range; what was kept of them is added. */
static double window_read(const struct window *window, const struct sample_range *range,
                          struct sample_set *set)
{
    uint64_t from_us = window->number * WINDOW_US, to_us = from_us + WINDOW_US;
    double seen = (double)atomic_load_explicit(&window->seen, memory_order_relaxed);
    if (window->number == 0 || from_us >= range->to_us || to_us <= range->from_us)
        return 0;
    bool is_whole = from_us >= range->from_us && to_us <= range->to_us;
    if (window->count == 0) { /* all had to make room: as if they came evenly */
        uint64_t first_us = from_us > range->from_us ? from_us : range->from_us;
        uint64_t last_us = to_us < range->to_us ? to_us : range->to_us;
        return seen * (double)(last_us - first_us) / (double)WINDOW_US;
    }
    size_t before = set->count;
    double share = seen / window->count;
    for (unsigned i = 0; i < window->count; i++)
        if (window->kept[i]->wall_us >= range->from_us && window->kept[i]->wall_us < range->to_us)
            set_add(set, window->kept[i], share);
    return is_whole ? seen : share * (double)(set->count - before);
}

static double store_read(struct sample_store *store, const struct sample_rule *rule,
                         const struct sample_range *range, struct sample_set *set)
{
    double population = 0;
    for (unsigned i = 0; i < SAMPLE_RULES_MOST; i++)
        for (size_t w = 0; w < WINDOWS; w++) {
            pthread_mutex_lock(&store->lock);
            bool is_it = i < store->rule_count && is_rule(store->rules[i], rule);
            if (is_it)
                population += window_read(&store->rules[i]->windows[w], range, set);
            pthread_mutex_unlock(&store->lock);
            if (!is_it)
                break;
        }
    return population;
}

static int by_time(const void *a, const void *b)
{
    const struct sample *one = a, *other = b;
    return (one->wall_us > other->wall_us) - (one->wall_us < other->wall_us);
}

/* Points at equal distances over the sum of the shares: who has one stays. */
static void choose(struct sample_set *set, size_t most)
{
    double sum = 0, end = 0;
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++)
        sum += set->at[i].share;
    double step = sum / (double)most;
    uint64_t points = 0; /* behind us; the i-th stands at (i + 1/2) steps */
    for (size_t i = 0; i < set->count; i++) {
        struct sample *sample = &set->at[i];
        end += sample->share;
        uint64_t before = points, all = (uint64_t)(end / step + 0.5);
        points = all < most ? all : most;
        sample->share = (double)(points - before) * step;
        if (points > before)
            set->at[kept++] = *sample;
        else
            sample_free(sample);
    }
    set->count = kept;
}

/* Whole numbers that have the population as their sum. */
static void weigh(struct sample_set *set, double population)
{
    double sum = 0, end = 0;
    uint64_t told = 0;
    set->population = (uint64_t)(population + 0.5);
    for (size_t i = 0; i < set->count; i++)
        sum += set->at[i].share;
    for (size_t i = 0; i < set->count; i++) {
        end += set->at[i].share;
        uint64_t all = i + 1 == set->count ? set->population
                                           : (uint64_t)(end / sum * (double)set->population + 0.5);
        set->at[i].weight = all - told;
        told = all;
    }
}

void sample_set_read(struct sample_set *set, struct sample_store *const *stores, size_t count,
                     const struct sample_rule *rule, const struct sample_range *range, size_t most)
{
    struct sample_range seen = *range;
    double population = 0;
    *set = (struct sample_set){0};
    if (seen.from_us + AGE_US < seen.now_us)
        seen.from_us = seen.now_us - AGE_US;
    if (seen.to_us > seen.now_us)
        seen.to_us = UINT64_MAX; /* the window that has begun is whole */
    for (size_t i = 0; i < count; i++)
        population += store_read(stores[i], rule, &seen, set);
    if (set->count > 0)
        qsort(set->at, set->count, sizeof *set->at, by_time);
    if (set->count > most)
        choose(set, most);
    weigh(set, population);
}

/* Of rule `i`, its names in `text`. False: there is none. */
static bool figures_of(struct sample_store *store, unsigned i, uint64_t number,
                       char text[SAMPLE_NAME_MOST + 1], struct sample_figures *figures)
{
    *figures = (struct sample_figures){.seen = 0};
    pthread_mutex_lock(&store->lock);
    bool is_there = i < store->rule_count;
    if (is_there) {
        const struct rule *rule = store->rules[i];
        struct span name = name_of(&rule->names, text);
        figures->rule.acl = span_cut(&name, '\n');
        figures->rule.metric = name;
        figures->rule.yields = rule->names.yields;
        for (size_t w = 0; w < WINDOWS; w++) {
            const struct window *window = &rule->windows[w];
            if (window->number == 0 || window->number + WINDOWS <= number)
                continue;
            figures->seen += atomic_load_explicit(&window->seen, memory_order_relaxed);
            figures->kept += window->count;
        }
    }
    pthread_mutex_unlock(&store->lock);
    return is_there;
}

void sample_store_each(struct sample_store *store, uint64_t now_us,
                       void (*visit)(void *context, const struct sample_figures *figures),
                       void *context)
{
    struct sample_figures figures;
    char text[SAMPLE_NAME_MOST + 1];
    for (unsigned i = 0; figures_of(store, i, now_us / WINDOW_US, text, &figures); i++)
        if (figures.seen > 0)
            visit(context, &figures);
}
