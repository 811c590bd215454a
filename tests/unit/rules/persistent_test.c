/* SPDX-License-Identifier: Apache-2.0 */
/* Persistent collections: what they know about themselves, and all of what is in them. */
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

/* One collection at a time, whatever it is called; the clock is the test's. */
struct shelf {
    struct arena *arena;
    struct map *at; /* of struct pair */
    uint64_t now_us;
    uint64_t timeout_s; /* as it was told last */
};

static uint64_t shelf_now(void *context)
{
    return ((const struct shelf *)context)->now_us;
}

static bool shelf_get(void *context, struct span collection, struct span key, struct span name,
                      struct arena *arena, struct span *value)
{
    const struct shelf *shelf = context;
    const struct pair *found = map_find(shelf->at, name);
    check(collection.len > 0 && key.len > 0);
    if (found != NULL)
        *value = arena_copy(arena, found->value);
    return found != NULL;
}

static void shelf_set(void *context, struct span collection, struct span key, struct span name,
                      struct span value, uint64_t timeout_s)
{
    struct shelf *shelf = context;
    shelf->timeout_s = timeout_s;
    check(collection.len > 0 && key.len > 0);
    struct pair *pair = arena_alloc(shelf->arena, sizeof(*pair));
    must(pair != NULL);
    *pair = (struct pair){arena_copy(shelf->arena, name), arena_copy(shelf->arena, value)};
    if (value.at == NULL)
        map_remove(shelf->at, name);
    else
        map_set(shelf->at, name, pair);
}

static void shelf_each(void *context, struct span collection, struct span key,
                       void (*found)(void *to, struct span name, struct span value), void *to)
{
    const struct shelf *shelf = context;
    struct span name;
    void *value;
    check(collection.len > 0 && key.len > 0);
    for (size_t cursor = 0; map_next(shelf->at, &cursor, &name, &value);)
        found(to, name, ((const struct pair *)value)->value);
}

static struct scene *shelf_open(struct shelf *shelf, const char *rules)
{
    struct scene *s = scene_open(rules);
    shelf->arena = arena_new(NULL, 1 << 20);
    shelf->at = map_new(shelf->arena, true);
    shelf->now_us = UINT64_C(1000000000000);
    s->world.wall_us = shelf_now;
    s->world.cpu_ns = shelf_now;
    s->world.store_get = shelf_get;
    s->world.store_set = shelf_set;
    s->world.store_each = shelf_each;
    s->world.context = shelf;
    return s;
}

static void shelf_close(struct shelf *shelf, struct scene *s)
{
    scene_close(s);
    arena_free(shelf->arena);
}

static void later(struct shelf *shelf, struct scene *s, uint64_t seconds)
{
    shelf->now_us += seconds * 1000000;
    scene_again(s, 1 << 20);
    scene_get(s, "/");
}

TEST(a_collection_knows_its_key_its_age_and_how_often_it_was_written)
{
    struct shelf shelf;
    struct scene *s = shelf_open(
        &shelf, "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}\"\n"
                "SecRule IP:IS_NEW \"@eq 1\" \"id:2,phase:1,pass\"\n"
                "SecAction \"id:3,phase:1,pass,nolog,setvar:ip.a=+1,setvar:ip.b=+1,"
                "setvar:'tx.key=%{ip.key}',setvar:'tx.made=%{ip.create_time}',"
                "setvar:'tx.count=%{ip.update_counter}',setvar:'tx.rate=%{ip.update_rate}'\"");
    scene_get(s, "/");
    check(scene_has(s, 2));
    check_span(scene_tx(s, "key"), "192.0.2.7");
    check_span(scene_tx(s, "made"), "1000000");
    check_span(scene_tx(s, "count"), "1");
    later(&shelf, s, 30);
    check(!scene_has(s, 2));
    check_span(scene_tx(s, "count"), "2");
    check_span(scene_tx(s, "made"), "1000000");
    check_span(scene_tx(s, "rate"), "4");
    shelf_close(&shelf, s);
}

TEST(a_collection_can_be_listed_by_a_pattern_and_counted)
{
    struct shelf shelf;
    struct scene *s =
        shelf_open(&shelf, "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=x,setvar:ip.id_a=nops,"
                           "setvar:ip.id_b=yes\"\n"
                           "SecRule IP:/id_.$/ \"@streq yes\" \"id:2,phase:1,pass\"\n"
                           "SecRule &IP:/^id_/ \"@eq 2\" \"id:3,phase:1,pass\"\n"
                           "SecRule &SESSION \"@eq 0\" \"id:4,phase:1,pass\"");
    scene_get(s, "/");
    check_span(scene_match(s, 2)->variable_name, "IP:id_b");
    check(scene_has(s, 3));
    check(scene_has(s, 4));
    shelf_close(&shelf, s);
}

TEST(global_is_one_for_all_and_needs_nobody_to_open_it)
{
    struct shelf shelf;
    struct scene *s = shelf_open(
        &shelf, "SecRule GLOBAL:a \"@eq 1\" \"id:1,phase:1,pass\"\n"
                "SecAction \"id:2,phase:1,pass,nolog,setvar:global.a=+1,setvar:session.b=1\"\n"
                "SecAction \"id:3,phase:1,pass,nolog,initcol:global=global\"\n"
                "SecRule GLOBAL:a \"@eq 2\" \"id:4,phase:1,pass\"\n"
                "SecRule &SESSION:b \"@eq 0\" \"id:5,phase:1,pass\"");
    scene_get(s, "/");
    check(!scene_has(s, 1) && !scene_has(s, 4) && scene_has(s, 5));
    later(&shelf, s, 1);
    check(scene_has(s, 1) && scene_has(s, 4));
    shelf_close(&shelf, s);
}

TEST(deprecatevar_takes_so_much_for_each_span_of_time_that_passed)
{
    struct shelf shelf;
    struct scene *s = shelf_open(
        &shelf, "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=x\"\n"
                "SecRule IP:IS_NEW \"@eq 1\" \"id:2,phase:1,pass,nolog,setvar:ip.score=100\"\n"
                "SecAction \"id:3,phase:1,pass,nolog,deprecatevar:ip.score=30/60,"
                "setvar:'tx.score=%{ip.score}'\"");
    scene_get(s, "/");
    check_span(scene_tx(s, "score"), "100");
    later(&shelf, s, 59);
    check_span(scene_tx(s, "score"), "100");
    later(&shelf, s, 70); /* 129 seconds: two whole spans */
    check_span(scene_tx(s, "score"), "40");
    later(&shelf, s, 600);
    check_span(scene_tx(s, "score"), "0");
    shelf_close(&shelf, s);
}

TEST(each_write_tells_the_store_the_timeout_of_the_rules)
{
    struct shelf shelf;
    struct scene *s = shelf_open(&shelf, "SecCollectionTimeout 600\n"
                                         "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=x,"
                                         "setvar:ip.hits=+1\"");
    for (unsigned i = 0; i < 2; i++) {
        shelf.timeout_s = 0;
        later(&shelf, s, 1);
        check_number(shelf.timeout_s, 600);
    }
    shelf_close(&shelf, s);
}

int persistent_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collection_knows_its_key_its_age_and_how_often_it_was_written),
        cmocka_unit_test(a_collection_can_be_listed_by_a_pattern_and_counted),
        cmocka_unit_test(global_is_one_for_all_and_needs_nobody_to_open_it),
        cmocka_unit_test(deprecatevar_takes_so_much_for_each_span_of_time_that_passed),
        cmocka_unit_test(each_write_tells_the_store_the_timeout_of_the_rules),
    };
    return cmocka_run_group_tests_name("persistent", tests, NULL, NULL);
}
