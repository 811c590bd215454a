/* SPDX-License-Identifier: Apache-2.0 */
/* The library maps a file. A file that is mapped may be cut short by whoever replaces it, which
 * would kill the program in the middle of a look-up; so what it maps is a copy in memory that
 * nobody can change. */
#include "sidecar/guard/geo.h"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/guard/geo_check.h"

struct geo_database {
    MMDB_s mmdb;
    bool has[GEO_KINDS];
};

enum { PATH_MOST = 5 };

static const struct field {
    enum geo_kind kind;
    const char *path[PATH_MOST]; /* ends with NULL */
} fields[GEO_FIELDS] = {
#define GEO_FIELD(name, kind, ...) {kind, {__VA_ARGS__, NULL}},
#include "sidecar/guard/geo_fields.tbl"
#undef GEO_FIELD
};

static const char *const anonymous_words[] = {"any",          "vpn", "hosting",
                                              "public_proxy", "tor", "residential_proxy"};

const char *geo_anonymous_word(unsigned i)
{
    return i < sizeof anonymous_words / sizeof *anonymous_words ? anonymous_words[i] : NULL;
}

/* ---- one database ---- */

static bool take_value(const struct geo_database *database, uint32_t offset, enum geo_field field,
                       MMDB_entry_data_s *value)
{
    MMDB_entry_s entry = {&database->mmdb, offset};
    return MMDB_aget_value(&entry, value, fields[field].path) == MMDB_SUCCESS && value->has_data;
}

/* What makes a database one of a kind. */
static void on_record(void *context, uint32_t offset)
{
    static const enum geo_field marks[] = {GEO_COUNTRY_CODE, GEO_REGISTERED_CODE, GEO_CITY_NAME,
                                           GEO_AS_NUMBER,    GEO_IS_ANONYMOUS,    GEO_IS_VPN};
    struct geo_database *database = context;
    MMDB_entry_data_s value;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        enum geo_kind kind = fields[marks[i]].kind;
        database->has[kind] = database->has[kind] || take_value(database, offset, marks[i], &value);
    }
}

/* The descriptor of a copy; -1: there is no memory for it. */
static int copy_of(struct span bytes)
{
    int fd = memfd_create("geo", MFD_CLOEXEC);
    while (fd >= 0 && bytes.len > 0) {
        ssize_t count = write(fd, bytes.at, bytes.len);
        if (count <= 0) {
            close(fd);
            return -1;
        }
        bytes = span_from(bytes, (size_t)count);
    }
    return fd;
}

static bool open_copy(struct geo_database *database, struct span bytes, char *why, size_t size)
{
    char name[32];
    int fd = copy_of(bytes);
    if (fd < 0) {
        snprintf(why, size, "there is no memory for a copy of it");
        return false;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int status = MMDB_open(name, MMDB_MODE_MMAP, &database->mmdb);
    close(fd);
    if (status != MMDB_SUCCESS)
        snprintf(why, size,
                 "it is no database in MaxMind's format (.mmdb; GeoIP's older .dat is not "
                 "supported): %s",
                 MMDB_strerror(status));
    return status == MMDB_SUCCESS;
}

struct geo_database *geo_database_new(struct span bytes, char *why, size_t size)
{
    struct geo_database *database = must_alloc(sizeof *database);
    if (!open_copy(database, bytes, why, size)) {
        free(database);
        return NULL;
    }
    if (geo_check(&database->mmdb, on_record, database, why, size))
        return database;
    geo_database_free(database);
    return NULL;
}

void geo_database_free(struct geo_database *database)
{
    if (database == NULL)
        return;
    MMDB_close(&database->mmdb);
    free(database);
}

bool geo_database_has(const struct geo_database *database, enum geo_kind kind)
{
    return database->has[kind];
}

struct span geo_database_type(const struct geo_database *database)
{
    return span_text(database->mmdb.metadata.database_type);
}

uint64_t geo_database_built_s(const struct geo_database *database)
{
    return database->mmdb.metadata.build_epoch;
}

/* ---- looking up ---- */

struct record {
    const struct geo_database *database; /* NULL: nothing is known of the address */
    uint32_t offset;
};

static struct record find(const struct geo_database *database, const struct ip *ip)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    int status = MMDB_SUCCESS;
    if (database == NULL)
        return (struct record){NULL, 0};
    memset(&at, 0, sizeof at);
    at.any.sa_family = ip_is_v4(ip) ? AF_INET : AF_INET6;
    if (ip_is_v4(ip))
        memcpy(&at.v4.sin_addr, ip->at + IP_MAPPED_BITS / 8, sizeof at.v4.sin_addr);
    else
        memcpy(&at.v6.sin6_addr, ip->at, sizeof at.v6.sin6_addr);
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&database->mmdb, &at.any, &status);
    if (status != MMDB_SUCCESS || !found.found_entry)
        return (struct record){NULL, 0};
    return (struct record){database, found.entry.offset};
}

static const struct geo_database *database_for(const struct geo *geo, enum geo_kind kind)
{
    if (kind == GEO_COUNTRY || kind == GEO_CITY)
        return geo->of[kind] != NULL ? geo->of[kind] : geo->of[GEO_COUNTRY + GEO_CITY - kind];
    return geo->of[kind];
}

static struct span text_in(const struct record *record, enum geo_field field)
{
    MMDB_entry_data_s value;
    if (record->database == NULL || !take_value(record->database, record->offset, field, &value) ||
        value.type != MMDB_DATA_TYPE_UTF8_STRING)
        return span_make(NULL, 0);
    return span_make(value.utf8_string, value.data_size);
}

static bool number_in(const struct record *record, enum geo_field field, uint32_t *number)
{
    MMDB_entry_data_s value;
    if (record->database == NULL || !take_value(record->database, record->offset, field, &value))
        return false;
    switch (value.type) {
    case MMDB_DATA_TYPE_UINT16: *number = value.uint16; return true;
    case MMDB_DATA_TYPE_UINT32: *number = value.uint32; return true;
    case MMDB_DATA_TYPE_BOOLEAN: *number = value.boolean; return true;
    default: return false;
    }
}

static unsigned anonymous_in(const struct record *record)
{
    static const enum geo_field flags[] = {GEO_IS_ANONYMOUS, GEO_IS_VPN,
                                           GEO_IS_HOSTING,   GEO_IS_PUBLIC_PROXY,
                                           GEO_IS_TOR,       GEO_IS_RESIDENTIAL_PROXY};
    unsigned bits = 0;
    uint32_t flag;
    for (unsigned i = 0; record->database != NULL && i < sizeof flags / sizeof *flags; i++)
        if (number_in(record, flags[i], &flag) && flag != 0)
            bits |= 1U << i;
    return bits != 0 ? bits | GEO_ANY : 0;
}

void geo_look_up(const struct geo *geo, const struct ip *ip, struct geo_place *place)
{
    const struct geo_database *countries = database_for(geo, GEO_COUNTRY);
    const struct geo_database *cities = database_for(geo, GEO_CITY);
    struct record country = find(countries, ip);
    struct record city = cities == countries ? country : find(cities, ip);
    struct record asn = find(geo->of[GEO_ASN], ip);
    struct record anonymous = find(geo->of[GEO_ANONYMOUS], ip);
    *place = (struct geo_place){
        .country = text_in(&country, GEO_COUNTRY_CODE),
        .registered_country = text_in(&country, GEO_REGISTERED_CODE),
        .organization = text_in(&asn, GEO_ORGANIZATION),
        .anonymous = anonymous_in(&anonymous),
    };
    if (city.database != NULL && city.database->has[GEO_CITY])
        place->subdivision = text_in(&city, GEO_SUBDIVISION_CODE);
    if (!number_in(&asn, GEO_AS_NUMBER, &place->asn))
        place->asn = 0;
}

struct span geo_text(const struct geo *geo, const struct ip *ip, enum geo_field field,
                     struct arena *arena)
{
    struct record record = find(database_for(geo, fields[field].kind), ip);
    MMDB_entry_data_s value;
    uint32_t number;
    if (record.database == NULL || !take_value(record.database, record.offset, field, &value))
        return span_make(NULL, 0);
    if (value.type == MMDB_DATA_TYPE_UTF8_STRING)
        return span_make(value.utf8_string, value.data_size);
    if (value.type == MMDB_DATA_TYPE_DOUBLE)
        return arena_format(arena, "%.6f", value.double_value);
    return number_in(&record, field, &number) ? arena_format(arena, "%u", number)
                                              : span_make(NULL, 0);
}

size_t geo_members(const void *geo, const struct ip *ip, struct arena *arena,
                   struct pair members[GEO_MEMBERS])
{
    static const struct {
        enum geo_field field;
        struct span name;
    } rows[GEO_MEMBERS] = {
        {GEO_COUNTRY_CODE, SPAN_INIT("COUNTRY_CODE")},
        {GEO_COUNTRY_NAME, SPAN_INIT("COUNTRY_NAME")},
        {GEO_CONTINENT_NAME, SPAN_INIT("COUNTRY_CONTINENT")},
        {GEO_SUBDIVISION_CODE, SPAN_INIT("REGION")},
        {GEO_CITY_NAME, SPAN_INIT("CITY")},
        {GEO_POSTAL_CODE, SPAN_INIT("POSTAL_CODE")},
        {GEO_LATITUDE, SPAN_INIT("LATITUDE")},
        {GEO_LONGITUDE, SPAN_INIT("LONGITUDE")},
        {GEO_METRO_CODE, SPAN_INIT("DMA_CODE")},
    };
    size_t count = 0;
    for (size_t i = 0; i < GEO_MEMBERS; i++) {
        struct span text = geo_text(geo, ip, rows[i].field, arena);
        if (text.at != NULL)
            members[count++] = (struct pair){rows[i].name, text};
    }
    return count;
}
