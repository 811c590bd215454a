/* SPDX-License-Identifier: Apache-2.0 */
/* Sampled requests: a fair choice, weights that sum to the population, three hours, a ceiling. */
#include "exporters/sample_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/sampled_request.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "tests/check.h"
#include "tests/unit/exporters/json.h"
#include "tests/unit/exporters/sample.h"

#define SECOND UINT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define NOON   (UINT64_C(1795262400) * SECOND) /* begins a window */

enum { MOST = 500, LARGE = 8 << 20 };
static const struct sample_rule admin = {.acl = SPAN_INIT("shop"), .metric = SPAN_INIT("admin")};
static const struct sample_rule slow = {.acl = SPAN_INIT("shop"), .metric = SPAN_INIT("slow")};

static struct sample_store *store_of(size_t bytes)
{
    struct sample_store *store = sample_store_new(7);
    sample_store_limit(store, bytes);
    return store;
}

/* A request whose sample is its number, and `more` bytes. */
static bool ask(struct sample_store *store, const struct sample_rule *rule, uint64_t wall_us,
                unsigned number, size_t more)
{
    struct sample_place place;
    char text[SAMPLE_TEXT_MOST] = "";
    if (!sample_store_count(store, rule, wall_us, &place))
        return false;
    size_t len = (size_t)snprintf(text, sizeof text, "%u", number);
    memset(text + len, ' ', more);
    sample_store_keep(store, &place, wall_us, span_make(text, len + more));
    return true;
}

static struct sample_set read_all(struct sample_store *store, const struct sample_rule *rule,
                                  uint64_t now_us, size_t most)
{
    struct sample_set set;
    sample_set_read(&set, &store, 1, rule, &(struct sample_range){0, now_us + 1, now_us}, most);
    return set;
}

static uint64_t weights(const struct sample_set *set)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < set->count; i++)
        sum += set->at[i].weight;
    return sum;
}

TEST(while_there_are_few_all_are_kept_with_the_weight_one)
{
    struct sample_store *store = store_of(LARGE);
    for (unsigned i = 0; i < 40; i++)
        check(ask(store, &admin, NOON + i * SECOND, i, 0));
    struct sample_set set = read_all(store, &admin, NOON + 60 * SECOND, MOST);
    check_number(set.population, 40);
    check_number(set.count, 40);
    for (size_t i = 0; i < 40; i++) {
        check_number(set.at[i].weight, 1);
        check_number(set.at[i].wall_us, NOON + i * SECOND);
        check_number(number_leading(set.at[i].text), i);
    }
    sample_set_fini(&set);
    set = read_all(store, &slow, NOON + 60 * SECOND, MOST);
    check(set.population == 0 && set.count == 0);
    sample_set_fini(&set);
    sample_store_free(store);
}

TEST(of_many_each_is_as_likely_as_any_other)
{
    enum { ROUNDS = 400, REQUESTS = 2000, PARTS = 10 };
    unsigned kept[PARTS] = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct sample_store *store = sample_store_new(round * 7919 + 1);
        sample_store_limit(store, LARGE);
        for (unsigned i = 0; i < REQUESTS; i++)
            ask(store, &admin, NOON + i, i, 0);
        struct sample_set set = read_all(store, &admin, NOON + SECOND, MOST);
        check_number(set.count, SAMPLE_KEPT_MOST);
        check_number(weights(&set), REQUESTS);
        for (size_t i = 0; i < set.count; i++)
            kept[number_leading(set.at[i].text) * PARTS / REQUESTS]++;
        sample_set_fini(&set);
        sample_store_free(store);
    }
    for (size_t i = 0; i < PARTS; i++) /* 4000 each; the standard deviation is 60 */
        check(kept[i] > 3700 && kept[i] < 4300);
}

TEST(weights_sum_to_the_population_over_windows_rules_and_workers)
{
    struct sample_store *stores[2] = {store_of(LARGE), store_of(LARGE)};
    for (unsigned i = 0; i < 5000; i++) /* over 50 minutes, worker 1 has a third of them */
        ask(stores[i % 3 == 0], &admin, NOON + SECOND * i * 600 / 1000, i, 0);
    ask(stores[0], &slow, NOON, 0, 0);
    for (size_t most = 1; most <= 500; most += 83) {
        struct sample_set set;
        sample_set_read(&set, stores, 2, &admin,
                        &(struct sample_range){NOON, NOON + HOUR, NOON + HOUR}, most);
        check_number(set.population, 5000);
        check(set.count <= most && set.count * 10 >= most * 9);
        check_number(weights(&set), 5000);
        for (size_t i = 1; i < set.count; i++)
            check(set.at[i - 1].wall_us <= set.at[i].wall_us && set.at[i].weight > 0);
        sample_set_fini(&set);
    }
    sample_store_free(stores[0]);
    sample_store_free(stores[1]);
}

TEST(a_range_has_its_own_requests_alone)
{
    struct sample_store *store = store_of(LARGE);
    struct sample_set set;
    for (unsigned i = 0; i < 60; i++)
        ask(store, &admin, NOON + SECOND * 60 * i, i, 0);
    sample_set_read(&set, &store, 1, &admin,
                    &(struct sample_range){NOON + 600 * SECOND, NOON + 1200 * SECOND, NOON + HOUR},
                    MOST);
    check_number(set.population, 10);
    check_number(set.count, 10);
    check_number(number_leading(set.at[0].text), 10);
    check_number(number_leading(set.at[9].text), 19);
    sample_set_fini(&set);
    sample_store_free(store);
}

TEST(after_three_hours_nothing_is_told_and_nothing_is_held)
{
    struct sample_store *store = store_of(LARGE);
    for (unsigned i = 0; i < 50; i++)
        ask(store, &admin, NOON + i * SECOND, i, 1000);
    size_t before = sample_store_bytes(store);
    struct sample_set set = read_all(store, &admin, NOON + 3 * HOUR + 10 * SECOND, MOST);
    check_number(set.count, 40);
    check_number(set.population, 40);
    sample_set_fini(&set);
    set = read_all(store, &admin, NOON + 3 * HOUR + 50 * SECOND, MOST);
    check(set.count == 0 && set.population == 0);
    sample_set_fini(&set);
    ask(store, &slow, NOON + 4 * HOUR, 0, 0);
    check(before > 50000 && sample_store_bytes(store) < 200);
    sample_store_free(store);
}

TEST(a_clock_that_is_set_back_begins_anew)
{
    struct sample_store *store = store_of(LARGE);
    for (unsigned i = 0; i < 10; i++)
        check(ask(store, &admin, NOON + 24 * HOUR + i, i, 0));
    for (unsigned i = 0; i < 5; i++)
        check(ask(store, &admin, NOON + i, i, 0));
    struct sample_set set = read_all(store, &admin, NOON + 60 * SECOND, MOST);
    check_number(set.count, 5);
    check_number(set.population, 5);
    sample_set_fini(&set);
    sample_store_free(store);
}

TEST(the_ceiling_holds_and_who_has_most_gives_way)
{
    enum { CEILING = 64 * 1024, RULES = 20 };
    struct sample_store *store = store_of(CEILING);
    ask(store, &slow, NOON, 0, 500); /* it has one, and keeps it */
    for (unsigned r = 0; r < RULES; r++)
        for (unsigned i = 0; i < 1000; i++) {
            char name[16];
            snprintf(name, sizeof name, "rule-%u", r);
            ask(store, &(struct sample_rule){.acl = SPAN("shop"), .metric = span_text(name)},
                NOON + i, i, 500);
            check(sample_store_bytes(store) <= CEILING);
        }
    struct sample_set set = read_all(store, &slow, NOON + SECOND, MOST);
    check_number(set.count, 1);
    sample_set_fini(&set);
    set = read_all(store, &(struct sample_rule){.acl = SPAN("shop"), .metric = SPAN("rule-0")},
                   NOON + SECOND, MOST);
    check_number(set.population, 1000);
    check_number(weights(&set), 1000);
    check(set.count >= 3 && set.count <= 8); /* 64 KiB, 540 bytes each, 20 rules */
    sample_set_fini(&set);
    sample_store_limit(store, CEILING / 4);
    check(sample_store_bytes(store) <= CEILING / 4);
    sample_store_limit(store, 0);
    check_number(sample_store_bytes(store), 0);
    check(!ask(store, &admin, NOON, 0, 0));
    sample_store_free(store);
}

/* Who triggers every rule that there is does not take the places of those that people chose. */
TEST(rules_that_yield_leave_half_of_the_places_to_others)
{
    struct sample_store *store = store_of(LARGE);
    unsigned kept = 0;
    for (unsigned r = 0; r < 2 * SAMPLE_RULES_MOST; r++) {
        char name[16];
        snprintf(name, sizeof name, "%u", r);
        kept += ask(store, &(struct sample_rule){SPAN("seclang"), span_text(name), .yields = true},
                    NOON, r, 0);
    }
    check_number(kept, SAMPLE_YIELDING_MOST);
    for (unsigned r = 0; r < SAMPLE_RULES_MOST - SAMPLE_YIELDING_MOST; r++) {
        char name[16];
        snprintf(name, sizeof name, "rule-%u", r);
        check(ask(store, &(struct sample_rule){.acl = SPAN("shop"), .metric = span_text(name)},
                  NOON, r, 0));
    }
    const struct sample_rule late = {SPAN("seclang"), SPAN("late"), .yields = true};
    check(!ask(store, &late, NOON + HOUR, 0, 0));
    check(ask(store, &late, NOON + 4 * HOUR, 0, 0)); /* in the place of one of its kind */
    sample_store_free(store);
}

struct asking {
    struct sample_store *store;
    unsigned visits;
};

/* As its worker would, in the meantime. */
static void *keep_one(void *context)
{
    check(ask(context, &slow, NOON, 1, 0));
    return NULL;
}

static void ask_meanwhile(void *context, const struct sample_figures *figures)
{
    struct asking *asking = context;
    pthread_t worker;
    check_span(figures->rule.acl, "shop");
    check_span(figures->rule.metric, asking->visits == 0 ? "admin" : "slow");
    check_number(figures->kept, 1);
    if (asking->visits++ == 0) {
        must(pthread_create(&worker, NULL, keep_one, asking->store) == 0);
        pthread_join(worker, NULL);
    }
}

TEST(who_lists_all_rules_keeps_no_worker_waiting)
{
    struct asking asking = {.store = store_of(LARGE)};
    check(ask(asking.store, &admin, NOON, 0, 0));
    sample_store_each(asking.store, NOON, ask_meanwhile, &asking);
    check_number(asking.visits, 2);
    sample_store_free(asking.store);
}

static void count_rules(void *context, const struct sample_figures *figures)
{
    check(figures->seen == figures->kept);
    ++*(unsigned *)context;
}

TEST(there_are_places_for_256_rules_and_an_idle_one_gives_its_own_away)
{
    struct sample_store *store = store_of(LARGE);
    unsigned rules = 0;
    for (unsigned r = 0; r < SAMPLE_RULES_MOST; r++) {
        char name[16];
        snprintf(name, sizeof name, "rule-%u", r);
        check(ask(store, &(struct sample_rule){.acl = SPAN("shop"), .metric = span_text(name)},
                  NOON, r, 0));
    }
    check(!ask(store, &admin, NOON + HOUR, 0, 0));
    sample_store_each(store, NOON + HOUR, count_rules, &rules);
    check_number(rules, SAMPLE_RULES_MOST);
    check(ask(store, &admin, NOON + 4 * HOUR, 0, 0));
    rules = 0;
    sample_store_each(store, NOON + 4 * HOUR, count_rules, &rules);
    check_number(rules, 1);
    sample_store_free(store);
}

TEST(a_sample_or_a_name_that_is_too_long_is_left_out)
{
    static char large[SAMPLE_TEXT_MOST + 1];
    struct sample_store *store = store_of(LARGE);
    struct sample_place place;
    check(sample_store_count(store, &admin, NOON, &place));
    sample_store_keep(store, &place, NOON, span_make(large, sizeof large));
    struct sample_set set = read_all(store, &admin, NOON + SECOND, MOST);
    check(set.population == 1 && set.count == 0);
    sample_set_fini(&set);
    check(
        !ask(store,
             &(struct sample_rule){.acl = SPAN("a"), .metric = span_make(large, SAMPLE_NAME_MOST)},
             NOON, 0, 0));
    check(!ask(store, &(struct sample_rule){.acl = SPAN("a"), .metric = SPAN("")}, NOON, 0, 0));
    sample_store_free(store);
}

TEST(a_sample_that_was_not_made_is_followed_by_others)
{
    struct sample_store *store = store_of(LARGE);
    struct sample_place place;
    check(sample_store_count(store, &admin, NOON, &place));
    for (unsigned i = 0; i < 30; i++) {
        check(ask(store, &admin, NOON + i, i, 0));
        check(sample_store_count(store, &admin, NOON + i, &place));
    }
    struct sample_set set = read_all(store, &admin, NOON + SECOND, MOST);
    check(set.population == 61 && set.count == 30 && weights(&set) == 61);
    sample_set_fini(&set);
    sample_store_free(store);
}

static void *read_on(void *context)
{
    struct sample_store *store = context;
    uint64_t population = 0;
    while (population < 20000) {
        struct sample_set set = read_all(store, &admin, NOON + HOUR, 10);
        check(set.population >= population && (set.count == 0 || weights(&set) == set.population));
        population = set.population;
        sample_set_fini(&set);
    }
    return NULL;
}

TEST(who_asks_meanwhile_gets_what_there_is)
{
    struct sample_store *store = store_of(LARGE / 512);
    pthread_t reader;
    must(pthread_create(&reader, NULL, read_on, store) == 0);
    for (unsigned i = 0; i < 20000; i++)
        ask(store, &admin, NOON + i, i, 100);
    pthread_join(reader, NULL);
    sample_store_free(store);
}

/* ---- what is kept ---- */

static size_t json_of(const struct report *report, const struct sampled_by *by, struct buf *to)
{
    static const struct waf_redaction redaction = {.query_string = true};
    struct buf scratch;
    buf_init(to, SAMPLED_ROOM);
    buf_init(&scratch, SAMPLED_ROOM);
    sampled_request_add(to, report, by, &redaction, &scratch);
    size_t len = to->len;
    check(buf_add(to, SPAN(",\"Weight\":1}")) && json_is_valid(buf_span(to)));
    buf_fini(&scratch);
    return len;
}

TEST(a_sample_has_the_names_of_the_api_and_hides_what_the_log_hides)
{
    static const struct pair fields[] = {{SPAN_INIT("Host"), SPAN_INIT("shop.example")},
                                         {SPAN_INIT("Cookie"), SPAN_INIT("sid=s3ssion")}};
    struct report report = plain_report();
    struct buf text;
    report.audit.request_fields = fields;
    report.audit.request_field_count = 2;
    report.status = 403;
    json_of(&report, &(struct sampled_by){SPAN("own#inside"), "BLOCK", ""}, &text);
    check_span(buf_span(&text),
               "{\"Request\":{\"ClientIP\":\"203.0.113.9\",\"Country\":\"-\","
               "\"URI\":\"/orders/7?REDACTED\",\"Method\":\"GET\",\"HTTPVersion\":\"HTTP/1.1\","
               "\"Headers\":[{\"Name\":\"Host\",\"Value\":\"shop.example\"},"
               "{\"Name\":\"Cookie\",\"Value\":\"REDACTED\"}]},"
               "\"Timestamp\":\"2026-11-21T09:40:00.123456Z\",\"Action\":\"BLOCK\","
               "\"RuleNameWithinRuleGroup\":\"own#inside\",\"ResponseCodeSent\":403,"
               "\"Weight\":1}");
    buf_fini(&text);
}

TEST(however_large_a_request_is_its_sample_is_bounded_and_whole_json)
{
    enum { MANY = 100, LONG = 8000 };
    static char long_text[LONG];
    static struct pair pairs[MANY];
    static struct span labels[MANY];
    static const char bytes[] = {'a', '\x01', '"', '\xff'};
    for (size_t b = 0; b < sizeof bytes; b++) {
        struct report report = plain_report();
        struct buf text;
        memset(long_text, bytes[b], sizeof long_text);
        for (size_t i = 0; i < MANY; i++) {
            pairs[i] = (struct pair){span_make(long_text, 10 * i), span_make(long_text, 700)};
            labels[i] = span_make(long_text, 128);
        }
        report.target = report.query = report.method = report.protocol =
            span_make(long_text, sizeof long_text);
        report.client_address = report.client_country = report.target;
        report.audit.request_fields = report.waf_log.inserted = pairs;
        report.audit.request_field_count = MANY;
        report.waf_log.inserted_count = 20;
        report.waf_log.labels = labels;
        report.waf_log.label_count = MANY;
        size_t len = json_of(&report, &(struct sampled_by){report.target, "COUNT", "BLOCK"}, &text);
        check(len > 4000 && len <= SAMPLE_TEXT_MOST);
        buf_fini(&text);
    }
}

int sample_store_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_there_are_few_all_are_kept_with_the_weight_one),
        cmocka_unit_test(of_many_each_is_as_likely_as_any_other),
        cmocka_unit_test(weights_sum_to_the_population_over_windows_rules_and_workers),
        cmocka_unit_test(a_range_has_its_own_requests_alone),
        cmocka_unit_test(after_three_hours_nothing_is_told_and_nothing_is_held),
        cmocka_unit_test(a_clock_that_is_set_back_begins_anew),
        cmocka_unit_test(the_ceiling_holds_and_who_has_most_gives_way),
        cmocka_unit_test(there_are_places_for_256_rules_and_an_idle_one_gives_its_own_away),
        cmocka_unit_test(rules_that_yield_leave_half_of_the_places_to_others),
        cmocka_unit_test(who_lists_all_rules_keeps_no_worker_waiting),
        cmocka_unit_test(a_sample_that_was_not_made_is_followed_by_others),
        cmocka_unit_test(who_asks_meanwhile_gets_what_there_is),
        cmocka_unit_test(a_sample_has_the_names_of_the_api_and_hides_what_the_log_hides),
        cmocka_unit_test(however_large_a_request_is_its_sample_is_bounded_and_whole_json),
        cmocka_unit_test(a_sample_or_a_name_that_is_too_long_is_left_out),
    };
    return cmocka_run_group_tests_name("sample_store", tests, NULL, NULL);
}
