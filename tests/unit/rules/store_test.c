/* SPDX-License-Identifier: Apache-2.0 */
/* Persistent collections in the store that the program has, with a clock of the test's own. */
#include <stdio.h>

#include "sidecar/state/collections.h"
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

enum { VARIABLES_MOST = 1600, SECOND = 1000000 };

struct world {
    struct collections *collections;
    uint64_t now_us;
};

static uint64_t now(void *context)
{
    return ((const struct world *)context)->now_us;
}

static bool get(void *context, struct span collection, struct span key, struct span name,
                struct arena *arena, struct span *value)
{
    struct world *world = context;
    struct collection_key at = {collection, key, name};
    return collections_get(world->collections, &at, world->now_us, arena, value);
}

static void set(void *context, struct span collection, struct span key, struct span name,
                struct span value, uint64_t timeout_s)
{
    struct world *world = context;
    struct collection_key at = {collection, key, name};
    collections_set(world->collections, &at, world->now_us, value, timeout_s * SECOND);
}

static void expire(void *context, struct span collection, struct span key, struct span name,
                   uint64_t seconds)
{
    struct world *world = context;
    struct collection_key at = {collection, key, name};
    collections_expire(world->collections, &at, world->now_us, seconds * SECOND);
}

static struct scene *world_open(struct world *world, const char *rules)
{
    struct scene *s = scene_open(rules);
    world->collections = collections_new(VARIABLES_MOST, UINT64_C(3600) * SECOND);
    world->now_us = UINT64_C(1000000000) * SECOND;
    s->world.wall_us = s->world.cpu_ns = now;
    s->world.store_get = get;
    s->world.store_set = set;
    s->world.store_expire = expire;
    s->world.context = world;
    return s;
}

static void world_close(struct world *world, struct scene *s)
{
    scene_close(s);
    collections_free(world->collections);
}

/* Is the request of that client, so many seconds later, refused? */
static bool refused(struct world *world, struct scene *s, const char *client, uint64_t seconds)
{
    world->now_us += seconds * SECOND;
    scene_again(s, 1 << 20);
    scene_field(s, "X-Client", client);
    scene_get(s, "/login");
    return inspection_verdict(s->tx).action == VERDICT_DENY;
}

#define OPEN "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REQUEST_HEADERS.X-Client}\"\n"

TEST(a_client_is_refused_after_three_tries_until_its_time_is_over)
{
    struct world world;
    struct scene *s = world_open(
        &world,
        OPEN "SecRule IP:BLOCKED \"@eq 1\" \"id:2,phase:1,deny\"\n"
             "SecAction \"id:3,phase:1,pass,nolog,setvar:ip.tries=+1,expirevar:ip.tries=60\"\n"
             "SecRule IP:TRIES \"@gt 3\" \"id:4,phase:1,deny,setvar:ip.blocked=1,"
             "expirevar:ip.blocked=300,setvar:!ip.tries\"");
    for (unsigned i = 0; i < 3; i++)
        check(!refused(&world, s, "a", 59));
    check(refused(&world, s, "a", 59));
    check(!refused(&world, s, "b", 0));
    check(refused(&world, s, "a", 299));
    check(!refused(&world, s, "a", 1));
    for (unsigned i = 0; i < 10; i++) /* too slow to be counted together */
        check(!refused(&world, s, "a", 60));
    world_close(&world, s);
}

TEST(a_score_that_falls_with_time_forgives)
{
    struct world world;
    struct scene *s = world_open(
        &world, OPEN "SecAction \"id:2,phase:1,pass,nolog,deprecatevar:ip.score=10/60\"\n"
                     "SecRule IP:SCORE \"@ge 20\" \"id:3,phase:1,deny\"\n"
                     "SecAction \"id:4,phase:1,pass,nolog,setvar:ip.score=+10\"");
    check(!refused(&world, s, "a", 0));
    check(!refused(&world, s, "a", 0));
    check(refused(&world, s, "a", 0));
    check(!refused(&world, s, "a", 60));
    check(refused(&world, s, "a", 0));
    world_close(&world, s);
}

TEST(the_timeout_of_the_rules_ends_a_collection_that_nobody_writes)
{
    struct world world;
    struct scene *s =
        world_open(&world, "SecCollectionTimeout 100\n" OPEN
                           "SecRule IP:TRIES \"@ge 2\" \"id:2,phase:1,deny\"\n"
                           "SecAction \"id:3,phase:1,pass,nolog,setvar:ip.tries=+1\"");
    check(!refused(&world, s, "a", 0));
    check(!refused(&world, s, "a", 99));
    check(refused(&world, s, "a", 99));
    check(!refused(&world, s, "a", 1));
    world_close(&world, s);
}

TEST(the_five_collections_are_apart_under_one_key)
{
    struct world world;
    struct scene *s = world_open(
        &world,
        "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=k,initcol:global=k,initcol:resource=k,"
        "setsid:k,setuid:k,setvar:ip.n=1,setvar:global.n=2,setvar:resource.n=3,"
        "setvar:session.n=4,setvar:user.n=5\"\n"
        "SecAction \"id:2,phase:1,pass,msg:'%{ip.n}%{global.n}%{resource.n}%{session.n}"
        "%{user.n}'\"");
    check(!refused(&world, s, "k", 0));
    check_span(scene_match(s, 2)->message, "12345");
    world_close(&world, s);
}

TEST(many_clients_stay_within_the_bound_and_who_comes_often_is_not_forgotten)
{
    struct world world;
    struct scene *s =
        world_open(&world, OPEN "SecRule IP:TRIES \"@ge 3\" \"id:2,phase:1,deny\"\n"
                                "SecAction \"id:3,phase:1,pass,nolog,setvar:ip.tries=+1\"");
    for (unsigned i = 0; i < 3; i++)
        check(!refused(&world, s, "often", 0));
    for (unsigned i = 0; i < 5000; i++) {
        char client[16];
        snprintf(client, sizeof(client), "%u", i);
        check(!refused(&world, s, client, 0));
        check(i % 50 > 0 || refused(&world, s, "often", 0));
    }
    check(collections_count(world.collections) <= VARIABLES_MOST + 16);
    world_close(&world, s);
}

int store_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_refused_after_three_tries_until_its_time_is_over),
        cmocka_unit_test(a_score_that_falls_with_time_forgives),
        cmocka_unit_test(the_timeout_of_the_rules_ends_a_collection_that_nobody_writes),
        cmocka_unit_test(the_five_collections_are_apart_under_one_key),
        cmocka_unit_test(many_clients_stay_within_the_bound_and_who_comes_often_is_not_forgotten),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
