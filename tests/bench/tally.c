/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs a worker to count a request for metrics in CloudWatch's way: nanoseconds of CPU
 * time for a request, over 20 routes whose latencies vary, with rules on and nothing matched, while
 * another thread takes what was counted each millisecond. Exit code 1 over 50 ns. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <threads.h>
#include <time.h>

#include "exporters/tally.h"
#include "rules/base/must.h"

enum { REQUESTS = 8000000, ROUTES = 20, MOST_NS = 50, SECOND_US = 1000000, PER_SECOND = 50000 };

struct scene {
    struct tally *tally;
    atomic_bool over;
    atomic_llong now_s;
    uint64_t taken;
};

static uint64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

static void on_requests(void *context, int64_t second, const struct tally_requests *requests)
{
    (void)second;
    ((struct scene *)context)->taken += requests->count;
}

static void on_rule(void *context, int64_t second, const struct tally_rule *rule)
{
    (void)context;
    (void)second;
    (void)rule;
}

static void *take(void *context)
{
    struct scene *scene = context;
    const struct tally_taker taker = {on_requests, on_rule, scene};
    while (!atomic_load(&scene->over)) {
        tally_take(scene->tally, atomic_load(&scene->now_s), &taker);
        thrd_sleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    tally_take(scene->tally, INT64_MAX, &taker);
    return NULL;
}

int main(void)
{
    static char routes[ROUTES][32];
    struct scene scene = {.tally = tally_new(), .now_s = 1795254000};
    struct report report = {.status = 200, .attempt_count = 1, .waf = {.action = WAF_PASS}};
    pthread_t thread;
    for (int i = 0; i < ROUTES; i++)
        snprintf(routes[i], sizeof routes[i], "/shop/v1/things/%d/{id}", i);
    tally_switch(scene.tally, true);
    must(pthread_create(&thread, NULL, take, &scene) == 0);
    struct span templates[ROUTES];
    for (int i = 0; i < ROUTES; i++)
        templates[i] = span_text(routes[i]);
    static const struct span words[] = {SPAN_INIT("GET"), SPAN_INIT("POST")};
    uint64_t state = 1, began = now_ns();
    for (int i = 0; i < REQUESTS; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        report.route = templates[(state >> 33) % ROUTES];
        report.method = words[state >> 60 & 1];
        report.duration_us = 500 + (state >> 40) % 20000;
        report.attempts[0].duration_us = report.duration_us - 300;
        report.began_wall_us =
            (uint64_t)(1795254000 + i / PER_SECOND) * SECOND_US - report.duration_us;
        if (i % PER_SECOND == 0)
            atomic_store(&scene.now_s, 1795254000 + i / PER_SECOND);
        tally_count(scene.tally, &report);
    }
    double ns = (double)(now_ns() - began) / REQUESTS;
    atomic_store(&scene.over, true);
    pthread_join(thread, NULL);
    printf("%.1f ns a request; %llu of %d were given\n", ns, (unsigned long long)scene.taken,
           REQUESTS);
    tally_free(scene.tally);
    return ns > MOST_NS || scene.taken != REQUESTS;
}
