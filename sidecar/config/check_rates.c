/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on how often something comes: what was not given, and what contradicts itself. */
#include "rules/base/number.h"
#include "sidecar/config/read.h"

enum {
    KEYS_MOST = 65536,
    IPV6_PREFIX = 64,
    TOO_MANY_REQUESTS = 429,
    WINDOW_LEAST_US = 1000000,
    TEXT_BYTES = 16 * 1024
};

static void refuse(struct reading *reading, const struct node *at, const char *hint,
                   const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, at->place, span_text(hint), "%s", message);
}

/* ---- what every limit has ---- */

static void fill_in(struct reading *reading, struct rate_settings *rate)
{
    static const struct rate_part client_address = {.kind = RATE_BY_CLIENT_ADDRESS};
    if (rate->parts == NULL) {
        rate->parts = &client_address;
        rate->part_count = 1;
    }
    if (rate->how.keys_most == 0)
        rate->how.keys_most = KEYS_MOST;
    if (rate->how.burst == 0 && rate->how.algorithm == RATE_TOKEN_BUCKET)
        rate->how.burst = rate->how.limit;
    if (rate->ipv6_prefix == 0)
        rate->ipv6_prefix = IPV6_PREFIX;
    rate->store = reading->settings->rate_store_count++;
}

/* "path: /login, more than 100 in 60s by client_address" */
static struct span describe(struct reading *reading, const struct rate_settings *rate,
                            struct span match)
{
    struct buf text;
    char window[32];
    size_t len = duration_write(window, rate->how.window_us);
    buf_init(&text, TEXT_BYTES);
    if (match.len > 0)
        buf_format(&text, SPAN_FORMAT ", ", span_arg(match));
    buf_format(&text, "more than %u in " SPAN_FORMAT " by ", rate->how.limit,
               span_arg(span_make(window, len)));
    for (size_t i = 0; i < rate->part_count; i++) {
        bool has_name;
        const char *word = rate_part_word(rate->parts[i].kind, &has_name);
        buf_format(&text, "%s%s" SPAN_FORMAT, i > 0 ? ", " : "", word,
                   span_arg(rate->parts[i].name));
    }
    const char *kept = arena_string(reading->arena, buf_span(&text));
    buf_fini(&text);
    return span_text(kept);
}

static void settle(struct reading *reading, const struct node *at, struct rate_settings *rate,
                   struct span name, struct span match)
{
    fill_in(reading, rate);
    rate->place = at->place;
    rate->place.file = arena_string(reading->arena, span_text(at->place.file));
    rate->name = name;
    rate->text = describe(reading, rate, match);
    if (!rate_limit_fits(&rate->how))
        refuse(reading, at, "a smaller burst, or a shorter window",
               "rate, burst: the bucket would take longer than a year to fill");
}

static bool asks_claim(const struct rate_settings *rate)
{
    for (size_t i = 0; i < rate->part_count; i++)
        if (rate->parts[i].kind == RATE_BY_CLAIM)
            return true;
    return false;
}

/* ---- access[].rate ---- */

static void check_words(struct reading *reading, const struct node *entry, const struct node *rate)
{
    const struct node *action = tree_find(entry, SPAN("action"));
    const struct node *burst = tree_find(rate, SPAN("burst"));
    const struct node *algorithm = tree_find(rate, SPAN("algorithm"));
    bool slides = algorithm == NULL || span_is(algorithm->text, SPAN("sliding_window"));
    if (action != NULL && span_is(action->text, SPAN("allow")))
        refuse(reading, action, "block or count",
               "access[].action: who comes too often cannot be let in for it");
    if (burst != NULL && slides)
        refuse(reading, burst, "algorithm: token_bucket",
               "access[].rate.burst: a sliding window has no burst");
}

static void check_entry(struct reading *reading, const struct node *node,
                        struct access_entry *entry)
{
    const struct node *rate = tree_find(node, SPAN("rate"));
    if (rate == NULL || entry->rate.how.limit == 0 || entry->rate.how.window_us == 0)
        return; /* none, or said already */
    if (entry->rate.how.window_us < WINDOW_LEAST_US)
        refuse(reading, rate, "window: 1s", "access[].rate.window: a window is at least a second");
    check_words(reading, node, rate);
    if (asks_claim(&entry->rate))
        refuse(reading, rate, "rate_limits, of a route with an authorizer",
               "access[].rate.key: no token was looked at yet in the access list");
    settle(reading, rate, &entry->rate, entry->name, entry->match_text);
    if (tree_find(node, SPAN("status")) == NULL)
        entry->status = TOO_MANY_REQUESTS;
}

/* ---- routes[].rate_limits ---- */

/* A limit that nobody could ever run into is a mistake. */
static void check_route(struct reading *reading, const struct node *node,
                        const struct route_settings *route)
{
    const struct settings *settings = reading->settings;
    for (size_t i = 0; i < route->rate_limit_count; i++) {
        size_t index = route->rate_limit_indexes[i];
        if (index < settings->rate_limit_count && route->authorizer_name.at == NULL &&
            !reading_refused_key(reading, node, "authorizer") &&
            asks_claim(&settings->rate_limits[index].rate))
            fault_add(reading->faults, FAULT_ERROR, node->place, SPAN("add authorizer: NAME"),
                      "routes[].rate_limits: '" SPAN_FORMAT
                      "' counts by a token, and the route asks for none",
                      span_arg(route->rate_limits[i]));
    }
}

/* ---- the whole ---- */

static const struct node *first_of(const struct reading *reading, const char *key)
{
    const struct node *list = tree_find(reading->root, span_text(key));
    return list != NULL ? list->first : NULL;
}

void rates_check(struct reading *reading)
{
    union { /* the settings are still being made; nobody else sees them */
        const struct access_entry *in;
        struct access_entry *out;
    } access = {reading->settings->access};
    union {
        const struct rate_limit_settings *in;
        struct rate_limit_settings *out;
    } limits = {reading->settings->rate_limits};
    const struct node *node = first_of(reading, "access");
    for (size_t i = 0; node != NULL && i < reading->settings->access_count; i++, node = node->next)
        check_entry(reading, node, &access.out[i]);
    node = first_of(reading, "rate_limits");
    for (size_t i = 0; node != NULL && i < reading->settings->rate_limit_count;
         i++, node = node->next) {
        struct rate_limit_settings *limit = &limits.out[i];
        limit->rate.how.algorithm = RATE_TOKEN_BUCKET;
        if (limit->rate.how.limit > 0)
            settle(reading, node, &limit->rate, limit->name, span_make(NULL, 0));
    }
    node = first_of(reading, "routes");
    for (size_t i = 0; node != NULL && i < reading->settings->route_count; i++, node = node->next)
        check_route(reading, node, &reading->settings->routes[i]);
}
