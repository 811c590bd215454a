/* SPDX-License-Identifier: Apache-2.0 */
/* A database of places from any bytes. It is refused with a reason, or whatever is asked of it lies
 * inside of it, and is the same each time. */
#include <stdint.h>

#include "rules/base/must.h"
#include "sidecar/guard/geo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libmaxminddb 1.7.1 does not give back what it had read of broken metadata: a few kB for a file
 * that is refused. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libmaxminddb.so\n";
}

enum { ARENA_BYTES = 1 << 20 };

static bool is_same(struct span a, struct span b)
{
    return a.at == b.at && a.len == b.len;
}

static void must_answer(const struct geo *geo, const char *text, struct arena *arena)
{
    struct ip ip;
    struct geo_place first, second;
    struct pair members[GEO_MEMBERS];
    must(ip_parse(span_text(text), &ip));
    geo_look_up(geo, &ip, &first);
    geo_look_up(geo, &ip, &second);
    must(is_same(first.country, second.country) && first.asn == second.asn &&
         is_same(first.subdivision, second.subdivision) && first.anonymous == second.anonymous);
    for (enum geo_field field = 0; field < GEO_FIELDS; field++) {
        struct span found = geo_text(geo, &ip, field, arena);
        must(found.len == 0 || arena_copy(arena, found).at != NULL || arena_is_full(arena));
    }
    must(geo_members(geo, &ip, arena, members) <= GEO_MEMBERS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const addresses[] = {
        "0.0.0.0",     "1.128.0.1",  "2.125.160.216", "89.160.20.112",  "255.255.255.255", "::",
        "2001:218::1", "2002:100::", "2a02:d500::9",  "::ffff:1.1.1.1", "ffff:ffff::1"};
    char why[200] = "";
    struct geo_database *database =
        geo_database_new(span_make((const char *)data, size), why, sizeof why);
    must((database == NULL) == (why[0] != '\0'));
    if (database == NULL)
        return 0;
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    const struct geo geo = {.of = {database, database, database, database}};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        must_answer(&geo, addresses[i], arena);
    arena_free(arena);
    geo_database_free(database);
    return 0;
}
