/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/metric_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/cloudwatch/packed.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum {
    MINUTE_S = 60,
    KEY_MOST = 64 * 1024,
    MINUTE_BYTES_MOST = 4 << 20, /* sixty sketches at their largest */
    METRIC_BYTES = 512,          /* what a metric takes beside its samples */
    BEHIND_MOST = 3,             /* seconds that are late before the clock was set back */
};

struct minute {
    int64_t number;     /* time / 60 */
    uint64_t changed;   /* by the store's count of changes */
    bool is_joined;     /* one sketch of all, at "second" 60 */
    struct buf seconds; /* second (a byte), packed sketch; in the order in which they came */
};

struct metric {
    uint64_t number;        /* in the order in which they came; never given again */
    struct metric_id id;    /* texts and dimensions of its own, in one piece of memory */
    struct minute *minutes; /* by number */
    size_t count, room;
    uint64_t changed; /* the latest of its minutes' */
};

struct metric_store {
    pthread_mutex_t lock;
    size_t metrics_most, bytes_most;
    struct map *by_key;
    struct metric **list; /* by number */
    struct metric_store_figures figures;
    struct buf key, packed; /* for who has the lock */
    int64_t newest;         /* minute */
    int64_t behind;         /* the latest second that was late */
    unsigned behind_count;  /* of such seconds, since the last one that was not */
    uint64_t changes;       /* that were made */
    uint64_t made;          /* metrics, ever: the next one's number */
};

/* ---- names ---- */

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    return span_compare(left->name, right->name);
}

/* The parts, each with its length before it, dimensions by name: one spelling for one metric. */
bool metric_key_make(struct buf *to, const struct metric_id *id)
{
    struct pair sorted[METRIC_DIMENSIONS_MOST];
    if (id->dimension_count > METRIC_DIMENSIONS_MOST)
        return false;
    for (size_t i = 0; i < id->dimension_count; i++)
        sorted[i] = id->dimensions[i];
    qsort(sorted, id->dimension_count, sizeof *sorted, compare_pairs);
    buf_clear(to);
    packed_number_add(to, id->namespace.len);
    buf_add(to, id->namespace);
    packed_number_add(to, id->name.len);
    buf_add(to, id->name);
    for (size_t i = 0; i < id->dimension_count; i++) {
        packed_number_add(to, sorted[i].name.len);
        buf_add(to, sorted[i].name);
        packed_number_add(to, sorted[i].value.len);
        buf_add(to, sorted[i].value);
    }
    return !buf_is_full(to);
}

static bool part_read(struct span *key, struct span *part)
{
    uint64_t len;
    if (!packed_number_read(key, &len) || len > key->len)
        return false;
    *part = span_first(*key, (size_t)len);
    *key = span_from(*key, (size_t)len);
    return true;
}

bool metric_key_read(struct span key, struct metric_id *id,
                     struct pair dimensions[METRIC_DIMENSIONS_MOST])
{
    *id = (struct metric_id){.dimensions = dimensions};
    if (!part_read(&key, &id->namespace) || !part_read(&key, &id->name))
        return false;
    while (key.len > 0) {
        struct pair *pair = &dimensions[id->dimension_count];
        if (id->dimension_count++ == METRIC_DIMENSIONS_MOST || !part_read(&key, &pair->name) ||
            !part_read(&key, &pair->value))
            return false;
    }
    return true;
}

struct metric_id metric_id_copy(struct arena *arena, const struct metric_id *id)
{
    struct pair *dimensions = arena_alloc(arena, (id->dimension_count + 1) * sizeof *dimensions);
    for (size_t i = 0; dimensions != NULL && i < id->dimension_count; i++)
        dimensions[i] = (struct pair){arena_copy(arena, id->dimensions[i].name),
                                      arena_copy(arena, id->dimensions[i].value)};
    return (struct metric_id){arena_copy(arena, id->namespace), arena_copy(arena, id->name),
                              dimensions, dimensions != NULL ? id->dimension_count : 0};
}

static struct span take_text(char **to, struct span text)
{
    char *at = *to;
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    *to += text.len;
    return span_make(at, text.len);
}

/* In one piece: the struct, the dimensions by name, the texts. */
static struct metric *metric_new(const struct metric_id *id)
{
    size_t bytes = id->namespace.len + id->name.len + 1;
    for (size_t i = 0; i < id->dimension_count; i++)
        bytes += id->dimensions[i].name.len + id->dimensions[i].value.len;
    size_t pairs = id->dimension_count * sizeof(struct pair);
    struct metric *metric = must_alloc(sizeof *metric + pairs + bytes);
    struct pair *dimensions = (struct pair *)(metric + 1);
    char *texts = (char *)(dimensions + id->dimension_count);
    metric->id = (struct metric_id){take_text(&texts, id->namespace), take_text(&texts, id->name),
                                    dimensions, id->dimension_count};
    for (size_t i = 0; i < id->dimension_count; i++)
        dimensions[i] = (struct pair){take_text(&texts, id->dimensions[i].name),
                                      take_text(&texts, id->dimensions[i].value)};
    qsort(dimensions, id->dimension_count, sizeof *dimensions, compare_pairs);
    return metric;
}

/* ---- life ---- */

struct metric_store *metric_store_new(size_t metrics_most, size_t bytes_most)
{
    struct metric_store *store = must_alloc(sizeof *store);
    must(pthread_mutex_init(&store->lock, NULL) == 0);
    store->metrics_most = metrics_most;
    store->bytes_most = bytes_most;
    store->by_key = map_new(NULL, false);
    store->list = must_alloc(metrics_most * sizeof(struct metric *) + 1);
    store->newest = INT64_MIN;
    buf_init(&store->key, KEY_MOST);
    buf_init(&store->packed, MINUTE_BYTES_MOST);
    return store;
}

static void metric_free(struct metric *metric)
{
    for (size_t i = 0; i < metric->count; i++)
        buf_fini(&metric->minutes[i].seconds);
    free(metric->minutes);
    free(metric);
}

void metric_store_free(struct metric_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->figures.metrics; i++)
        metric_free(store->list[i]);
    free(store->list);
    map_free(store->by_key);
    buf_fini(&store->key);
    buf_fini(&store->packed);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- room ---- */

static size_t minute_bytes(const struct minute *minute)
{
    return sizeof *minute + minute->seconds.size;
}

static void minutes_drop(struct metric_store *store, struct metric *metric, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        store->figures.bytes -= minute_bytes(&metric->minutes[i]);
        buf_fini(&metric->minutes[i].seconds);
    }
    memmove(metric->minutes, metric->minutes + count,
            (metric->count - count) * sizeof *metric->minutes);
    metric->count -= count;
}

/* How many of a metric's minutes lie before `number`. */
static size_t minutes_before(const struct metric *metric, int64_t number)
{
    size_t count = 0;
    while (count < metric->count && metric->minutes[count].number < number)
        count++;
    return count;
}

bool metric_minute_join(struct span bytes, struct buf *to)
{
    struct sketch whole = {0};
    bool well = true;
    while (well && bytes.len > 0) {
        bytes = span_from(bytes, 1);
        well = packed_read(&bytes, &whole);
    }
    well = well && buf_add_byte(to, MINUTE_S) && packed_add(to, &whole);
    sketch_fini(&whole);
    return well;
}

/* From now on nothing shorter than the minute is known. */
static void minute_join(struct metric_store *store, struct minute *minute)
{
    struct buf joined;
    buf_init(&joined, MINUTE_BYTES_MOST);
    must(metric_minute_join(buf_span(&minute->seconds), &joined)); /* written by samples_add() */
    store->figures.bytes -= minute_bytes(minute);
    buf_fini(&minute->seconds);
    minute->seconds = joined;
    minute->is_joined = true;
    store->figures.bytes += minute_bytes(minute);
    store->figures.joined++;
}

/* The oldest minute of all, the newest one aside: that one stays. INT64_MAX: none. */
static int64_t oldest_of(struct metric_store *store, bool joined)
{
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < store->figures.metrics; i++) {
        const struct metric *metric = store->list[i];
        size_t at = 0;
        while (at < metric->count && metric->minutes[at].is_joined != joined)
            at++;
        if (at < metric->count && metric->minutes[at].number < store->newest &&
            metric->minutes[at].number < oldest)
            oldest = metric->minutes[at].number;
    }
    return oldest;
}

static void minutes_join(struct metric_store *store, int64_t number)
{
    for (size_t i = 0; i < store->figures.metrics; i++) {
        struct metric *metric = store->list[i];
        size_t at = minutes_before(metric, number);
        if (at < metric->count && metric->minutes[at].number == number)
            minute_join(store, &metric->minutes[at]);
    }
}

static void make_room(struct metric_store *store)
{
    while (store->figures.bytes > store->bytes_most) {
        int64_t oldest = oldest_of(store, false);
        if (oldest != INT64_MAX) {
            minutes_join(store, oldest);
            continue;
        }
        oldest = oldest_of(store, true);
        if (oldest == INT64_MAX)
            return;
        for (size_t i = 0; i < store->figures.metrics; i++) {
            size_t drop = minutes_before(store->list[i], oldest + 1);
            minutes_drop(store, store->list[i], drop);
            store->figures.forgotten += drop;
        }
    }
}

/* A new minute has begun: what is too old goes, of all metrics. Where that would be everything it
 * waits for one minute more: the clock may have leapt, and come back. */
static void move_on(struct metric_store *store, int64_t number)
{
    if (number <= store->newest)
        return;
    bool leaps = store->newest != INT64_MIN && number - store->newest >= METRIC_MINUTES_KEPT;
    store->newest = number;
    for (size_t i = 0; !leaps && i < store->figures.metrics; i++)
        minutes_drop(store, store->list[i],
                     minutes_before(store->list[i], number - METRIC_MINUTES_KEPT + 1));
    make_room(store);
}

/* The clock had been ahead: minutes that it took back go. */
static void move_back(struct metric_store *store, int64_t number)
{
    store->newest = number;
    for (size_t i = 0; i < store->figures.metrics; i++) {
        struct metric *metric = store->list[i];
        size_t kept = minutes_before(metric, number + 1);
        store->figures.late += metric->count - kept;
        while (metric->count > kept) {
            struct minute *last = &metric->minutes[--metric->count];
            store->figures.bytes -= minute_bytes(last);
            buf_fini(&last->seconds);
        }
    }
}

/* Samples of one second after the other that are all late: it is the newest minute that is wrong.
 * True: this one is late. */
static bool is_late(struct metric_store *store, int64_t second)
{
    if (second / MINUTE_S > store->newest - METRIC_MINUTES_KEPT) {
        store->behind_count = 0;
        return false;
    }
    if (store->behind_count == 0 || second > store->behind) {
        store->behind_count++;
        store->behind = second;
    }
    if (store->behind_count < BEHIND_MOST)
        return true;
    store->behind_count = 0;
    move_back(store, second / MINUTE_S);
    return false;
}

/* ---- adding ---- */

static struct metric *metric_find(struct metric_store *store, const struct metric_id *id)
{
    return metric_key_make(&store->key, id) ? map_find(store->by_key, buf_span(&store->key)) : NULL;
}

/* Metrics of which nothing is kept any more make room for others. */
static void give_up_idle(struct metric_store *store)
{
    size_t kept = 0;
    for (size_t i = 0; i < store->figures.metrics; i++) {
        struct metric *metric = store->list[i];
        if (metric->count > 0) {
            store->list[kept++] = metric;
            continue;
        }
        if (metric_key_make(&store->key, &metric->id))
            map_remove(store->by_key, buf_span(&store->key));
        store->figures.bytes -= METRIC_BYTES;
        metric_free(metric);
    }
    store->figures.metrics = kept;
}

static struct metric *metric_get(struct metric_store *store, const struct metric_id *id)
{
    struct metric *metric = metric_find(store, id);
    if (metric != NULL)
        return metric;
    if (store->figures.metrics == store->metrics_most)
        give_up_idle(store);
    if (!metric_key_make(&store->key, id) || store->figures.metrics == store->metrics_most) {
        store->figures.refused++;
        return NULL;
    }
    metric = metric_new(id);
    metric->number = store->made++;
    map_set(store->by_key, buf_span(&store->key), metric);
    store->list[store->figures.metrics++] = metric;
    store->figures.bytes += METRIC_BYTES;
    return metric;
}

/* Where the minute stands, which is made where there is none. */
static struct minute *minute_get(struct metric_store *store, struct metric *metric, int64_t number)
{
    size_t at = metric->count;
    while (at > 0 && metric->minutes[at - 1].number >= number)
        at--;
    if (at < metric->count && metric->minutes[at].number == number)
        return &metric->minutes[at];
    if (metric->count == metric->room) {
        metric->room = metric->room > 0 ? metric->room * 2 : 4;
        metric->minutes = must_realloc(metric->minutes, metric->room * sizeof *metric->minutes);
    }
    memmove(metric->minutes + at + 1, metric->minutes + at,
            (metric->count - at) * sizeof *metric->minutes);
    metric->count++;
    metric->minutes[at].number = number;
    metric->minutes[at].is_joined = false;
    buf_init(&metric->minutes[at].seconds, MINUTE_BYTES_MOST);
    store->figures.bytes += minute_bytes(&metric->minutes[at]);
    return &metric->minutes[at];
}

static bool samples_add(struct metric_store *store, struct metric *metric, int64_t second,
                        const struct sketch *samples)
{
    struct minute *minute = minute_get(store, metric, second / MINUTE_S);
    size_t before = minute_bytes(minute);
    buf_clear(&store->packed);
    buf_add_byte(&store->packed, (char)(minute->is_joined ? MINUTE_S : second % MINUTE_S));
    bool well =
        packed_add(&store->packed, samples) && buf_add(&minute->seconds, buf_span(&store->packed));
    store->figures.bytes += minute_bytes(minute) - before;
    minute->changed = metric->changed = ++store->changes;
    return well;
}

bool metric_store_add(struct metric_store *store, const struct metric_id *id, int64_t second,
                      const struct sketch *samples)
{
    bool well = false, late;
    pthread_mutex_lock(&store->lock);
    move_on(store, second / MINUTE_S);
    struct metric *metric = metric_get(store, id);
    late = second < 0 || is_late(store, second);
    if (late)
        store->figures.late++;
    else if (metric != NULL)
        well = samples_add(store, metric, second, samples);
    if (metric != NULL && !well && !late)
        store->figures.refused++;
    pthread_mutex_unlock(&store->lock);
    return well;
}

/* ---- reading ---- */

struct metric_store_figures metric_store_figures(struct metric_store *store)
{
    pthread_mutex_lock(&store->lock);
    struct metric_store_figures figures = store->figures;
    pthread_mutex_unlock(&store->lock);
    return figures;
}

bool metric_minute_read(int64_t minute, struct span bytes, const struct math_window *window,
                        struct sketch *slots)
{
    struct sketch outside = {.is_plain = true};
    bool well = true;
    while (well && bytes.len > 0) {
        bool is_joined = bytes.at[0] == MINUTE_S;
        int64_t second = minute * MINUTE_S + (is_joined ? 0 : bytes.at[0]);
        int64_t slot =
            second >= window->start_s ? (second - window->start_s) / window->period_s : -1;
        bool inside = slot >= 0 && (size_t)slot < window->count &&
                      (window->period_s % MINUTE_S == 0 || !is_joined);
        well = bytes.at[0] >= 0 && bytes.at[0] <= MINUTE_S;
        bytes = span_from(bytes, 1);
        well = well && packed_read(&bytes, inside ? &slots[slot] : &outside);
    }
    return well;
}

/* Copies the first minute from `from` on that lies in the window; false: there is none. The lock is
 * held for a copy, not for what is made of it. */
static bool minute_copy(struct metric_store *store, const struct metric_id *id,
                        const struct math_window *window, int64_t *from, struct buf *to)
{
    int64_t end_s = window->start_s + (int64_t)window->period_s * (int64_t)window->count;
    bool found = false;
    buf_clear(to);
    pthread_mutex_lock(&store->lock);
    const struct metric *metric = metric_find(store, id);
    for (size_t i = 0; metric != NULL && !found && i < metric->count; i++) {
        const struct minute *minute = &metric->minutes[i];
        if (minute->number < *from || (minute->number + 1) * MINUTE_S <= window->start_s ||
            minute->number * MINUTE_S >= end_s)
            continue;
        found = true;
        *from = minute->number;
        must(buf_add(to, buf_span(&minute->seconds))); /* both have the same bound */
    }
    pthread_mutex_unlock(&store->lock);
    return found;
}

/* Where the metric's samples begin. False: there is no such metric. */
static bool oldest_find(struct metric_store *store, const struct metric_id *id, int64_t *oldest_s)
{
    pthread_mutex_lock(&store->lock);
    const struct metric *metric = metric_find(store, id);
    *oldest_s =
        metric != NULL && metric->count > 0 ? metric->minutes[0].number * MINUTE_S : INT64_MAX;
    pthread_mutex_unlock(&store->lock);
    return metric != NULL;
}

bool metric_store_read(struct metric_store *store, const struct metric_id *id,
                       const struct math_window *window, struct sketch *slots, int64_t *oldest_s)
{
    int64_t number = INT64_MIN;
    struct buf bytes;
    if (!oldest_find(store, id, oldest_s))
        return false;
    buf_init(&bytes, MINUTE_BYTES_MOST);
    while (minute_copy(store, id, window, &number, &bytes)) {
        must(metric_minute_read(number, buf_span(&bytes), window, slots));
        number++;
    }
    buf_fini(&bytes);
    return true;
}

void metric_store_each(struct metric_store *store, metric_store_visit *visit, void *context)
{
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->figures.metrics; i++)
        visit(context, &store->list[i]->id);
    pthread_mutex_unlock(&store->lock);
}

bool metric_store_has(struct metric_store *store, const struct metric_id *id)
{
    pthread_mutex_lock(&store->lock);
    bool has = metric_find(store, id) != NULL;
    pthread_mutex_unlock(&store->lock);
    return has;
}

static void changes_begin(const struct metric_store *store, struct metric_changes *changes)
{
    if (changes->begun)
        return;
    changes->begun = true;
    changes->until = store->changes;
    changes->metric = 0;
    changes->end = store->made;
    changes->minute = INT64_MIN;
}

/* The one where the walk is, or the next where that was given up. NULL: it is over. */
static const struct metric *changes_metric(const struct metric_store *store, size_t *at,
                                           struct metric_changes *changes)
{
    while (*at < store->figures.metrics && store->list[*at]->number < changes->metric)
        ++*at;
    if (*at == store->figures.metrics || store->list[*at]->number >= changes->end)
        return NULL;
    if (store->list[*at]->number > changes->metric)
        changes->minute = INT64_MIN;
    changes->metric = store->list[*at]->number;
    return store->list[*at];
}

/* False: there is no room for the next one. */
static bool visit_metric(const struct metric *metric, struct metric_changes *changes, size_t *room,
                         metric_store_changed *visit, void *context)
{
    for (size_t k = 0; metric->changed > changes->since && k < metric->count; k++) {
        const struct minute *minute = &metric->minutes[k];
        if (minute->changed <= changes->since || minute->number < changes->minute)
            continue;
        if (*room == 0) {
            changes->minute = minute->number;
            return false;
        }
        struct span bytes = buf_span(&minute->seconds);
        visit(context, &metric->id, minute->number, bytes);
        *room -= bytes.len < *room ? bytes.len : *room;
    }
    changes->metric++;
    changes->minute = INT64_MIN;
    return true;
}

bool metric_store_changes(struct metric_store *store, struct metric_changes *changes,
                          size_t most_bytes, metric_store_changed *visit, void *context)
{
    size_t room = most_bytes, at = 0;
    const struct metric *metric;
    bool goes_on = true;
    pthread_mutex_lock(&store->lock);
    changes_begin(store, changes);
    while (goes_on && (metric = changes_metric(store, &at, changes)) != NULL)
        goes_on = visit_metric(metric, changes, &room, visit, context);
    pthread_mutex_unlock(&store->lock);
    return !goes_on;
}
