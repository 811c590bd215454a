/* SPDX-License-Identifier: Apache-2.0 */
/* Where an address is, whose network it is in, and whether it hides who stands behind it: by
 * databases in MaxMind's format (MaxMind-DB-spec, version 2), read by libmaxminddb.
 *
 *   file's bytes --> geo_database_new: copied, verified whole --> struct geo --> geo_look_up
 *
 * A database is frozen and read by any thread; what texts are found lie in it. */
#ifndef SIDEGATE_SIDECAR_GUARD_GEO_H
#define SIDEGATE_SIDECAR_GUARD_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/ip.h"
#include "rules/base/span.h"

struct geo_database;

/* What a database is asked for. */
enum geo_kind { GEO_COUNTRY, GEO_CITY, GEO_ASN, GEO_ANONYMOUS, GEO_KINDS };

/* Takes a copy, so that the file may change under it. Every node of the tree is walked and every
 * record read: NULL where one of them is broken or points outside; `why` says what. */
struct geo_database *geo_database_new(struct span bytes, char *why, size_t size);
void geo_database_free(struct geo_database *database); /* NULL allowed */
/* Does some record hold what this kind is asked for? */
bool geo_database_has(const struct geo_database *database, enum geo_kind kind);
struct span geo_database_type(const struct geo_database *database); /* "GeoLite2-Country" */
uint64_t geo_database_built_s(const struct geo_database *database); /* since 1970 */

/* NULL: there is none. What a country's database is asked is asked of the cities' where it alone
 * is there, and the other way round. */
struct geo {
    const struct geo_database *of[GEO_KINDS];
};

/* Every text that a database may have of an address: geo_fields.tbl. */
enum geo_field {
#define GEO_FIELD(name, kind, ...) GEO_##name,
#include "sidecar/guard/geo_fields.tbl"
#undef GEO_FIELD
    GEO_FIELDS
};
/* at == NULL: it is not there. Numbers are written into the arena. */
struct span geo_text(const struct geo *geo, const struct ip *ip, enum geo_field field,
                     struct arena *arena);

/* What is known of an address under the names that rules give it (GEO:COUNTRY_CODE). How many; 0:
 * nothing. `geo`: a struct geo. */
enum { GEO_MEMBERS = 9 };
size_t geo_members(const void *geo, const struct ip *ip, struct arena *arena,
                   struct pair members[GEO_MEMBERS]);

/* What hides a client; bits. */
enum geo_anonymous {
    GEO_ANY = 1, /* the database's own summary */
    GEO_VPN = 2,
    GEO_HOSTING = 4,
    GEO_PUBLIC_PROXY = 8,
    GEO_TOR = 16,
    GEO_RESIDENTIAL_PROXY = 32,
};
/* The word of settings and logs ("vpn") for bit 1 << i; NULL: beyond the end. */
const char *geo_anonymous_word(unsigned i);

/* What decisions and logs are made by. at == NULL, 0: nobody knows. */
struct geo_place {
    struct span country;            /* ISO 3166-1: "DE" */
    struct span registered_country; /* where the network is registered */
    struct span subdivision;        /* ISO 3166-2 without the country: "BY" */
    uint32_t asn;
    struct span organization; /* of the autonomous system */
    unsigned anonymous;       /* enum geo_anonymous */
};
void geo_look_up(const struct geo *geo, const struct ip *ip, struct geo_place *place);

#endif
