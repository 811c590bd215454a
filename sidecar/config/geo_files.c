/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/geo_files.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "sidecar/config/private_file.h"

enum { FILE_BYTES = 1 << 30 };

/* One database, as long as any snapshot has it. */
struct held {
    _Atomic unsigned count;
    uint64_t hash; /* of its bytes */
    struct geo_database *database;
};

struct geo_files {
    struct held *held[GEO_KINDS]; /* NULL: none */
    struct geo geo;
    bool any; /* one is named */
    uint64_t hash;
};

static const char *const names[GEO_KINDS] = {
    [GEO_COUNTRY] = "geo.country_db",
    [GEO_CITY] = "geo.city_db",
    [GEO_ASN] = "geo.asn_db",
    [GEO_ANONYMOUS] = "geo.anonymous_db",
};
static const char *const holdings[GEO_KINDS] = {
    [GEO_COUNTRY] = "countries",
    [GEO_CITY] = "cities",
    [GEO_ASN] = "autonomous systems",
    [GEO_ANONYMOUS] = "proxies or VPNs",
};

static void give(struct held *held)
{
    if (held == NULL || atomic_fetch_sub_explicit(&held->count, 1, memory_order_acq_rel) > 1)
        return;
    geo_database_free(held->database);
    free(held);
}

/* NULL: `why`. */
static struct held *held_new(struct span bytes, uint64_t hash, enum geo_kind kind, char *why,
                             size_t size)
{
    struct geo_database *database = geo_database_new(bytes, why, size);
    if (database == NULL)
        return NULL;
    if (!geo_database_has(database, kind)) {
        struct span type = geo_database_type(database);
        snprintf(why, size, "it is a database of type " SPAN_FORMAT " and holds no %s",
                 span_arg(span_first(type, 60)), holdings[kind]);
        geo_database_free(database);
        return NULL;
    }
    struct held *held = must_alloc(sizeof *held);
    atomic_init(&held->count, 1);
    held->hash = hash;
    held->database = database;
    return held;
}

/* The one that `before` has, or a new one. NULL: `why`. */
static struct held *held_for(const char *path, enum geo_kind kind, const struct geo_files *before,
                             char *why, size_t size)
{
    static const uint8_t key[16] = "where clients ar";
    struct held *held = NULL, *old = before != NULL ? before->held[kind] : NULL;
    struct buf bytes;
    buf_init(&bytes, FILE_BYTES);
    if (private_file_read(path, &bytes, why, size)) {
        uint64_t hash = siphash(key, buf_span(&bytes));
        if (old != NULL && old->hash == hash) {
            atomic_fetch_add_explicit(&old->count, 1, memory_order_relaxed);
            held = old;
        } else {
            held = held_new(buf_span(&bytes), hash, kind, why, size);
        }
    }
    buf_fini(&bytes);
    return held;
}

struct geo_files *geo_files_new(const struct settings *settings, const struct geo_files *before,
                                struct faults *faults)
{
    static const uint8_t key[16] = "all geo database";
    struct geo_files *files = must_alloc(sizeof *files);
    bool denies = settings->geo.on_failure == ON_FAILURE_DENY, well = true;
    uint64_t hashes[GEO_KINDS] = {0};
    for (enum geo_kind kind = 0; kind < GEO_KINDS; kind++) {
        struct span path = settings->geo.files[kind];
        char why[240] = "";
        if (path.at == NULL)
            continue;
        files->any = true;
        files->held[kind] = held_for(path.at, kind, before, why, sizeof why);
        if (files->held[kind] == NULL)
            fault_add(faults, denies ? FAULT_ERROR : FAULT_WARNING, settings->geo.places[kind],
                      denies ? span_make(NULL, 0) : SPAN("nobody is in it"),
                      "%s: '" SPAN_FORMAT "': %s", names[kind], span_arg(path), why);
        well = well && (files->held[kind] != NULL || !denies);
        hashes[kind] = files->held[kind] != NULL ? files->held[kind]->hash : 1;
        files->geo.of[kind] = files->held[kind] != NULL ? files->held[kind]->database : NULL;
    }
    files->hash = siphash(key, span_make((const char *)hashes, sizeof hashes));
    if (well)
        return files;
    geo_files_free(files);
    return NULL;
}

void geo_files_free(struct geo_files *files)
{
    if (files == NULL)
        return;
    for (enum geo_kind kind = 0; kind < GEO_KINDS; kind++)
        give(files->held[kind]);
    free(files);
}

const struct geo *geo_files_geo(const struct geo_files *files)
{
    return files->any ? &files->geo : NULL;
}

uint64_t geo_files_hash(const struct geo_files *files)
{
    return files->hash;
}
