/* SPDX-License-Identifier: Apache-2.0 */
/* The collector's thread, by a wall clock that is not the system's: as it looks to who waits for a
 * time that the clock was set back from. */
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "exporters/cloudwatch/collector.h"
#include "exporters/cloudwatch/metric_filters.h"
#include "tests/check.h"
#include "tests/unit/cloudwatch/suites.h"

enum { NOW_S = 1795254000, AHEAD_S = 3600, PATIENCE_S = 10 };

static _Atomic time_t ahead_s;
static sem_t asked; /* how often the wall clock was looked at */

/* In place of the C library's. */
int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
    int code = (int)syscall(SYS_clock_gettime, clock_id, tp);
    if (code == 0 && clock_id == CLOCK_REALTIME) {
        tp->tv_sec += atomic_load(&ahead_s);
        sem_post(&asked);
    }
    return code;
}

/* The thread looks at the clock when a turn is behind it. */
static bool is_stored(struct metric_store *store, const struct metric_id *id)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    while (!metric_store_has(store, id) && sem_clockwait(&asked, CLOCK_MONOTONIC, &until) == 0) {
    }
    return metric_store_has(store, id);
}

TEST(a_clock_that_is_set_back_does_not_stop_the_collector)
{
    static const struct metric_filter filter = {.pattern = SPAN_INIT(""),
                                                .namespace = SPAN_INIT("Shop"),
                                                .metric = SPAN_INIT("Lines"),
                                                .value = SPAN_INIT("1")};
    const struct metric_id id = {filter.namespace, filter.metric, NULL, 0};
    check(sem_init(&asked, 0, 0) == 0);
    struct metrics *metrics = metrics_new(1, 0);
    struct metric_store *store = metric_store_new(100, 1 << 20);
    struct metric_filters *filters = metric_filters_new();
    struct collector *collector = collector_new(store, metrics, 1, NULL, NULL);
    metric_filters_change(filters, &filter, 1);
    collector_watch(collector, filters);
    atomic_store(&ahead_s, AHEAD_S);
    metric_filters_line(filters, NOW_S, SPAN("a line"));
    check(collector_start(collector));
    bool stored = is_stored(store, &id);
    collector_free(collector);
    atomic_store(&ahead_s, 0);
    check(stored);
    metric_filters_free(filters);
    metric_store_free(store);
    metrics_free(metrics);
}

int collector_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_is_set_back_does_not_stop_the_collector),
    };
    return cmocka_run_group_tests_name("the collector's clock", tests, NULL, NULL);
}
