/* SPDX-License-Identifier: Apache-2.0 */
/* What a list of addresses costs: lists COUNT. Prints nanoseconds of CPU time for a look-up, bytes,
 * the same while another thread puts new lists in its place, and the same of an ip_set as guards
 * ask it, before and after 10,000 entries were put in beside the list. Exit code 1 over 200 ns (but
 * for the last) or 10 MB. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <threads.h>
#include <time.h>

#include "rules/base/buf.h"
#include "rules/base/must.h"
#include "rules/base/networks.h"
#include "rules/base/number.h"
#include "sidecar/guard/address_set.h"
#include "sidecar/state/live_entries.h"

enum { LOOKUPS = 4000000, SWAPS = 20, MOST_NS = 200, MOST_BYTES = 10 << 20, LIST_BYTES = 64 << 20 };

static uint64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

static uint32_t next_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 32);
}

/* A file of so many lines; a tenth of them IPv6, a quarter networks. */
static struct networks *make_list(size_t count, uint64_t seed)
{
    struct buf text;
    struct span wrong;
    size_t line;
    struct networks *networks = networks_new();
    buf_init(&text, LIST_BYTES);
    for (size_t i = 0; i < count; i++) {
        uint32_t a = next_number(&seed), b = next_number(&seed);
        if (i % 10 == 0)
            buf_format(&text, "2001:%x:%x:%x::%x\n", a >> 16, a & 0xffff, b >> 16, b & 0xffff);
        else
            buf_format(&text, "%u.%u.%u.%u%s\n", a >> 24, a >> 16 & 255, a >> 8 & 255,
                       i % 4 == 0 ? 0 : a & 255, i % 4 == 0 ? "/28" : "");
    }
    must(networks_add_lines(networks, buf_span(&text), &line, &wrong));
    buf_fini(&text);
    networks_seal(networks);
    return networks;
}

struct place {
    _Atomic(const struct networks *) list;
    size_t count;
    atomic_bool over;
};

/* Old lists stay until the end: who looks may still hold one, as an exchange holds its snapshot. */
static void *swap_lists(void *context)
{
    struct place *place = context;
    struct networks *made[SWAPS];
    for (size_t i = 0; i < SWAPS; i++)
        atomic_store(&place->list, made[i] = make_list(place->count, i + 2));
    atomic_store(&place->over, true);
    while (atomic_load(&place->over))
        thrd_yield();
    for (size_t i = 0; i < SWAPS; i++)
        networks_free(made[i]);
    return NULL;
}

static struct ip next_address(uint64_t *state)
{
    struct ip ip = {.at = {[10] = 0xff, [11] = 0xff}};
    uint32_t number = next_number(state);
    for (unsigned byte = 0; byte < 4; byte++)
        ip.at[12 + byte] = (uint8_t)(number >> (24 - 8 * byte));
    return ip;
}

static double look_up(struct place *place, uint64_t *found)
{
    uint64_t state = 7, began = now_ns();
    for (size_t i = 0; i < LOOKUPS; i++) {
        struct ip ip = next_address(&state);
        *found += networks_have(atomic_load(&place->list), &ip);
    }
    return (double)(now_ns() - began) / LOOKUPS;
}

static double ask_set(const struct address_set *set, uint64_t *found)
{
    uint64_t state = 7, began = now_ns();
    for (size_t i = 0; i < LOOKUPS; i++) {
        struct ip ip = next_address(&state);
        *found += address_set_has(set, &ip, i);
    }
    return (double)(now_ns() - began) / LOOKUPS;
}

/* Addresses and networks of /24, as many as may be put in. Returns ns before; *filled: after. */
static double ask_live(const struct networks *list, double *filled, uint64_t *found)
{
    uint64_t state = 11;
    struct address_set set = {
        .name = SPAN("list"), .networks = list, .live = live_entries_new(LIVE_ENTRIES_MOST)};
    double empty = ask_set(&set, found);
    for (size_t i = 0; i < LIVE_ENTRIES_MOST; i++) {
        struct live_entry entry = {.network = {next_address(&state), 128},
                                   .until_us = LIVE_FOR_EVER};
        if (i % 2 == 0) {
            entry.network.bits = 120;
            entry.network.at.at[15] = 0;
        }
        live_entries_put(set.live, &entry, 0);
    }
    *filled = ask_set(&set, found);
    live_entries_give(set.live);
    return empty;
}

int main(int argc, char **argv)
{
    uint64_t count = 100000, found = 0;
    if (argc > 1 && !number_parse(span_text(argv[1]), &count))
        return 2;
    uint64_t began = now_ns();
    struct networks *first = make_list((size_t)count, 1);
    double made_ms = (double)(now_ns() - began) / 1e6;
    struct place place = {.list = first, .count = (size_t)count};
    double still = look_up(&place, &found);
    size_t bytes = networks_bytes(first);
    pthread_t thread;
    must(pthread_create(&thread, NULL, swap_lists, &place) == 0);
    double swapped = 0;
    do {
        double each = look_up(&place, &found);
        swapped = each > swapped ? each : swapped;
    } while (!atomic_load(&place.over));
    atomic_store(&place.over, false);
    pthread_join(thread, NULL);
    double filled, empty = ask_live(first, &filled, &found);
    networks_free(first);
    printf("%llu entries: %.0f ns a look-up, %.0f ns while %d lists took its place, %zu bytes, "
           "made in "
           "%.0f ms (%llu found)\n",
           (unsigned long long)count, still, swapped, SWAPS, bytes, made_ms,
           (unsigned long long)found);
    printf("asked as an ip_set: %.0f ns, %.0f ns with %d entries put in\n", empty, filled,
           LIVE_ENTRIES_MOST);
    return empty > MOST_NS || still > MOST_NS || swapped > MOST_NS || bytes > MOST_BYTES;
}
