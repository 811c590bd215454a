/* SPDX-License-Identifier: Apache-2.0 */
/* @geoLookup and GEO, with a database of one network. */
#include "tests/unit/rules/scene.h"
#include "tests/unit/rules/suites.h"

static size_t place_of(const void *places, const struct ip *ip, struct arena *arena,
                       struct pair members[PLACE_MEMBERS])
{
    struct network home;
    (void)places;
    (void)arena;
    if (!network_parse(SPAN("192.0.2.0/24"), &home) || !network_has(&home, 1, ip))
        return 0;
    members[0] = (struct pair){SPAN("COUNTRY_CODE"), SPAN("DE")};
    members[1] = (struct pair){SPAN("CITY"), SPAN("Ulm")};
    return 2;
}

static struct scene *open_scene(const char *rules, const char *client)
{
    struct scene *s = scene_open(rules);
    s->world.lookups.place = place_of;
    s->client.address = span_text(client);
    return s;
}

static const char rules[] =
    "SecRule REMOTE_ADDR \"@geoLookup\" \"id:1,phase:1,pass,log,chain,"
    "msg:'from %{GEO.COUNTRY_CODE}'\"\n"
    "SecRule GEO:COUNTRY_CODE \"@pm AT DE\" \"setvar:'tx.city=%{GEO.city}'\"\n"
    "SecRule &GEO \"@eq 2\" \"id:2,phase:1,pass,log\"\n"
    "SecRule GEO \"@streq Ulm\" \"id:3,phase:1,pass,log\"\n"
    "SecRule REMOTE_ADDR \"!@geoLookup\" \"id:4,phase:1,pass,log\"\n"
    "SecRule &GEO:POSTAL_CODE \"@eq 0\" \"id:5,phase:1,pass,log\"\n";

TEST(what_is_known_of_a_place_is_geo)
{
    struct scene *s = open_scene(rules, "192.0.2.7");
    scene_get(s, "/");
    check(scene_has(s, 1) && scene_has(s, 2) && scene_has(s, 3) && scene_has(s, 5));
    check(!scene_has(s, 4));
    check_span(scene_match(s, 1)->message, "from DE");
    check_span(scene_tx(s, "city"), "Ulm");
    scene_close(s);
}

TEST(an_address_that_nobody_knows_is_no_match_and_clears_geo)
{
    struct scene *s = open_scene("SecRule ARGS \"@geoLookup\" \"id:1,phase:1,pass,log\"\n"
                                 "SecRule &GEO \"@eq 0\" \"id:2,phase:1,pass,log\"\n"
                                 "SecRule ARGS:b \"!@geoLookup\" \"id:3,phase:1,pass,log\"\n",
                                 "192.0.2.7");
    scene_get(s, "/?a=192.0.2.1&b=198.51.100.1");
    check(scene_has(s, 1) && scene_has(s, 2) && scene_has(s, 3));
    check_number(scene_count(s), 3);
    scene_close(s);
}

TEST(without_a_database_it_says_neither_yes_nor_no)
{
    struct scene *s = open_scene(rules, "192.0.2.7");
    s->world.lookups.place = NULL;
    scene_get(s, "/");
    check(!scene_has(s, 1) && !scene_has(s, 4) && scene_has(s, 5));
    scene_close(s);
}

int place_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_of_a_place_is_geo),
        cmocka_unit_test(an_address_that_nobody_knows_is_no_match_and_clears_geo),
        cmocka_unit_test(without_a_database_it_says_neither_yes_nor_no),
    };
    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
