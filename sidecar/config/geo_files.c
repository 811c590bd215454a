/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/geo_files.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "sidecar/config/file_stamp.h"
#include "sidecar/config/private_file.h"

enum { FILE_BYTES = 1 << 30 };

/* One database, as long as any snapshot has it. */
struct held {
    _Atomic unsigned count;
    uint64_t hash; /* of its bytes */
    struct file_stamp stamp;
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

static struct held *take(struct held *held)
{
    atomic_fetch_add_explicit(&held->count, 1, memory_order_relaxed);
    return held;
}

/* The one that there was, or a new one. NULL: `why`. */
static struct held *held_for(const char *path, enum geo_kind kind, struct held *old, char *why,
                             size_t size)
{
    static const uint8_t key[16] = "where clients ar";
    struct file_stamp stamp = file_stamp_of(path);
    struct held *held = NULL;
    struct buf bytes;
    if (old != NULL && file_stamp_is(&stamp, &old->stamp))
        return take(old);
    buf_init(&bytes, FILE_BYTES);
    if (private_file_read(path, &bytes, why, size)) {
        uint64_t hash = siphash(key, buf_span(&bytes));
        bool same = old != NULL && old->hash == hash;
        held = same ? take(old) : held_new(buf_span(&bytes), hash, kind, why, size);
        if (held != NULL)
            held->stamp = stamp; /* also of a file that was only touched */
    }
    buf_fini(&bytes);
    return held;
}

static void say_wrong(const struct settings *settings, enum geo_kind kind, enum fault_kind fault,
                      const char *why, struct faults *faults)
{
    fault_add(faults, fault, settings->geo.places[kind],
              fault == FAULT_ERROR ? span_make(NULL, 0) : SPAN("nobody is in it"),
              "%s: '" SPAN_FORMAT "': %s", names[kind], span_arg(settings->geo.files[kind]), why);
}

static void keep(struct geo_files *files, enum geo_kind kind, struct held *held)
{
    static const uint8_t key[16] = "all geo database";
    uint64_t both[] = {files->hash, held != NULL ? held->hash : kind};
    files->any = true;
    files->held[kind] = held;
    files->geo.of[kind] = held != NULL ? held->database : NULL;
    files->hash = siphash(key, span_make((const char *)both, sizeof both));
}

struct geo_files *geo_files_new(const struct settings *settings, const struct geo_files *before,
                                struct faults *faults)
{
    struct geo_files *files = must_alloc(sizeof *files);
    bool denies = settings->geo.on_failure == ON_FAILURE_DENY, well = true;
    for (enum geo_kind kind = 0; kind < GEO_KINDS; kind++) {
        struct held *old = before != NULL ? before->held[kind] : NULL;
        char why[240] = "";
        if (settings->geo.files[kind].at == NULL)
            continue;
        keep(files, kind, held_for(settings->geo.files[kind].at, kind, old, why, sizeof why));
        if (files->held[kind] != NULL)
            continue;
        bool refused = denies || old != NULL; /* a good one goes on: nobody is let in by this */
        say_wrong(settings, kind, refused ? FAULT_ERROR : FAULT_WARNING, why, faults);
        well = well && !refused;
    }
    if (well)
        return files;
    geo_files_free(files);
    return NULL;
}

struct geo_files *geo_files_renew(const struct settings *settings, const struct geo_files *before,
                                  struct faults *faults)
{
    struct geo_files *files = must_alloc(sizeof *files);
    for (enum geo_kind kind = 0; kind < GEO_KINDS; kind++) {
        struct held *old = before->held[kind], *held = NULL;
        char why[240] = "";
        if (settings->geo.files[kind].at == NULL)
            continue;
        if (settings->geo.refresh_us > 0) {
            held = held_for(settings->geo.files[kind].at, kind, old, why, sizeof why);
            if (held == NULL)
                say_wrong(settings, kind, FAULT_ERROR, why, faults);
        }
        keep(files, kind, held != NULL || old == NULL ? held : take(old));
    }
    return files;
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

uint64_t geo_files_stamp(const struct settings *settings)
{
    static const uint8_t key[16] = "looks of a geo d";
    struct file_stamp files[GEO_KINDS] = {{0}};
    for (enum geo_kind kind = 0; kind < GEO_KINDS; kind++)
        if (settings->geo.files[kind].at != NULL)
            files[kind] = file_stamp_of(settings->geo.files[kind].at);
    return siphash(key, span_make((const char *)files, sizeof files));
}

uint64_t geo_files_refresh_us(const struct settings *settings)
{
    for (enum geo_kind kind = 0; kind < GEO_KINDS; kind++)
        if (settings->geo.files[kind].at != NULL)
            return settings->geo.refresh_us;
    return 0;
}
