/* SPDX-License-Identifier: Apache-2.0 */
/* MaxMind's own test databases (github.com/maxmind/MaxMind-DB) from SIDEGATE_TEST_DATA: what stands
 * in the JSON that they were made from has to be found in them. */
#include "sidecar/guard/geo.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/buf.h"
#include "rules/base/number.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

enum { FILE_MOST_BYTES = 16 << 20, PATH_BYTES = 512, ARENA_BYTES = 16 << 20 };

static const struct field {
    const char *name;
    enum geo_kind kind;
    const char *path[6];
} fields[GEO_FIELDS] = {
#define GEO_FIELD(name, kind, ...) {#name, kind, {__VA_ARGS__, NULL}},
#include "sidecar/guard/geo_fields.tbl"
#undef GEO_FIELD
};

/* False: there is no test data, which is said. */
static bool folder_of(const char *below, char *to)
{
    const char *data = getenv("SIDEGATE_TEST_DATA");
    snprintf(to, PATH_BYTES, "%s/geo-maxmind-db/%s", data != NULL ? data : "", below);
    DIR *folder = data != NULL ? opendir(to) : NULL;
    if (folder != NULL)
        closedir(folder);
    else
        print_message("skipped: there is no $SIDEGATE_TEST_DATA/geo-maxmind-db\n");
    return folder != NULL;
}

static bool read_file(const char *path, struct buf *to)
{
    buf_init(to, FILE_MOST_BYTES);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t count;
    do {
        char *room = buf_room(to, 65536);
        assert_non_null(room);
        count = fread(room, 1, 65536, file);
        buf_grew(to, count);
    } while (count > 0);
    fclose(file);
    return true;
}

/* NULL: it is refused, or there is no such file (`why` is "absent"). */
static struct geo_database *open_database(const char *name, char *why, size_t size)
{
    char folder[PATH_BYTES], path[PATH_BYTES * 2];
    struct buf bytes;
    struct geo_database *database = NULL;
    snprintf(why, size, "absent");
    if (!folder_of("test-data", folder))
        return NULL;
    snprintf(path, sizeof path, "%s/%s.mmdb", folder, name);
    if (read_file(path, &bytes))
        database = geo_database_new(buf_span(&bytes), why, size);
    buf_fini(&bytes);
    return database;
}

/* ---- every network of the source ---- */

struct row {
    struct network network;
    const json_t *record;
};

struct sheet {
    struct geo geo;
    json_t *root;
    struct row *rows;
    size_t count;
    size_t tried, values;
};

/* IPv4 stands as ::1.2.3.0/120 in some of the sources; some have bits behind the prefix. */
static bool read_network(const char *text, struct network *network)
{
    struct span prefix = span_text(text), address = span_cut(&prefix, '/');
    bool has_dot = span_find_byte(address, '.') != SPAN_NONE;
    uint64_t bits;
    if (has_dot && span_starts(address, SPAN("::")))
        address = span_from(address, 2);
    else if (has_dot)
        return network_parse(span_text(text), network);
    if (!ip_parse(address, &network->at) || !number_parse(prefix, &bits) || bits > 128)
        return false;
    network->bits = (unsigned)bits;
    for (unsigned i = network->bits; i < 128; i++)
        network->at.at[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
    return true;
}

static void read_rows(struct sheet *sheet)
{
    size_t i;
    json_t *entry;
    sheet->rows = calloc(json_array_size(sheet->root) + 1, sizeof *sheet->rows);
    assert_non_null(sheet->rows);
    json_array_foreach(sheet->root, i, entry)
    {
        const char *key;
        json_t *record;
        json_object_foreach(entry, key, record)
        {
            struct row *row = &sheet->rows[sheet->count++];
            row->record = record;
            if (!read_network(key, &row->network))
                fail_msg("%s is no network", key);
        }
    }
}

/* What the source says of an address: a network took the place of what stood there before it. */
static const json_t *record_of(const struct sheet *sheet, const struct ip *ip)
{
    for (size_t i = sheet->count; i > 0; i--)
        if (network_has(&sheet->rows[i - 1].network, 1, ip))
            return sheet->rows[i - 1].record;
    return NULL;
}

static const json_t *value_of(const json_t *record, const char *const *path)
{
    for (; record != NULL && *path != NULL; path++)
        record = json_is_array(record) ? json_array_get(record, strtoul(*path, NULL, 10))
                                       : json_object_get(record, *path);
    return record;
}

static void write_value(const json_t *value, enum geo_field field, char *to, size_t size)
{
    if (json_is_string(value))
        snprintf(to, size, "%s", json_string_value(value));
    else if (field == GEO_LATITUDE || field == GEO_LONGITUDE)
        snprintf(to, size, "%.6f", json_number_value(value));
    else if (json_is_boolean(value))
        snprintf(to, size, "%d", json_is_true(value));
    else
        snprintf(to, size, "%lld", (long long)json_integer_value(value));
}

static void try_address(struct sheet *sheet, const struct ip *ip, struct arena *arena)
{
    const json_t *record = record_of(sheet, ip);
    char address[IP_TEXT_MOST + 1] = "", want[256];
    address[ip_write(ip, address)] = '\0';
    sheet->tried++;
    for (enum geo_field field = 0; field < GEO_FIELDS; field++) {
        const json_t *value = value_of(record, fields[field].path);
        struct span got = geo_text(&sheet->geo, ip, field, arena);
        if ((value == NULL) != (got.at == NULL))
            fail_msg("%s of %s: %s", fields[field].name, address,
                     value == NULL ? "found" : "not found");
        if (value == NULL)
            continue;
        sheet->values++;
        write_value(value, field, want, sizeof want);
        check_span(got, want);
    }
}

static void try_source(const char *folder, const char *name, size_t *tried, size_t *values)
{
    char path[PATH_BYTES * 2], why[200];
    struct sheet sheet = {.root = NULL};
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    struct geo_database *database = open_database(name, why, sizeof why);
    if (database == NULL && strcmp(why, "absent") == 0) {
        print_message("skipped: %s has no database\n", name);
        return;
    }
    if (database == NULL)
        fail_msg("%s: %s", name, why);
    sheet.root = json_load_file(path, 0, NULL);
    assert_non_null(sheet.root);
    for (enum geo_kind kind = 0; kind < GEO_KINDS; kind++)
        sheet.geo.of[kind] = database;
    read_rows(&sheet);
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    for (size_t i = 0; i < sheet.count; i++)
        try_address(&sheet, &sheet.rows[i].network.at, arena);
    *tried += sheet.tried;
    *values += sheet.values;
    arena_free(arena);
    json_decref(sheet.root);
    free(sheet.rows);
    geo_database_free(database);
}

TEST(every_network_of_the_source_is_found_with_every_value)
{
    char folder[PATH_BYTES];
    size_t tried = 0, values = 0;
    if (!folder_of("source-data", folder))
        return;
    DIR *sources = opendir(folder);
    assert_non_null(sources);
    for (const struct dirent *entry; (entry = readdir(sources)) != NULL;) {
        char name[256];
        size_t len = strlen(entry->d_name);
        if (len < 6 || strcmp(entry->d_name + len - 5, ".json") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(len - 5), entry->d_name);
        try_source(folder, name, &tried, &values);
    }
    closedir(sources);
    print_message("%zu networks, %zu values\n", tried, values);
    check(tried > 1000 && values > 3000);
}

/* ---- what is refused ---- */

TEST(broken_databases_are_refused_with_a_reason)
{
    static const struct {
        const char *name, *why;
    } cases[] = {
        {"GeoIP2-City-Test-Broken-Double-Format", "wrong type or size"},
        {"GeoIP2-City-Test-Invalid-Node-Count", ""},
        {"MaxMind-DB-test-broken-pointers-24", ""},
        {"MaxMind-DB-test-broken-search-tree-24", ""},
    };
    char why[200];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct geo_database *database = open_database(cases[i].name, why, sizeof why);
        if (database != NULL)
            fail_msg("%s is taken", cases[i].name);
        if (strcmp(why, "absent") == 0)
            return;
        print_message("%s: %s\n", cases[i].name, why);
        check(strstr(why, cases[i].why) != NULL && strstr(why, "it is ") == why);
    }
}

TEST(all_other_databases_are_taken)
{
    char folder[PATH_BYTES], why[200];
    size_t taken = 0;
    if (!folder_of("test-data", folder))
        return;
    DIR *databases = opendir(folder);
    assert_non_null(databases);
    for (const struct dirent *entry; (entry = readdir(databases)) != NULL;) {
        char name[256];
        size_t len = strlen(entry->d_name);
        if (len < 6 || strcmp(entry->d_name + len - 5, ".mmdb") != 0 ||
            strstr(entry->d_name, "roken") != NULL || strstr(entry->d_name, "Invalid") != NULL)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(len - 5), entry->d_name);
        struct geo_database *database = open_database(name, why, sizeof why);
        if (database == NULL)
            fail_msg("%s: %s", name, why);
        geo_database_free(database);
        taken++;
    }
    closedir(databases);
    check(taken > 30);
}

TEST(what_is_cut_short_or_no_database_at_all_is_refused)
{
    char folder[PATH_BYTES], path[PATH_BYTES * 2], why[200];
    struct buf bytes;
    check(geo_database_new(SPAN(""), why, sizeof why) == NULL);
    check(geo_database_new(SPAN("203.0.113.0/24\n"), why, sizeof why) == NULL);
    if (!folder_of("test-data", folder))
        return;
    snprintf(path, sizeof path, "%s/GeoLite2-Country-Test.mmdb", folder);
    check(read_file(path, &bytes));
    for (size_t len = 0; len < bytes.len; len += bytes.len / 50)
        check(geo_database_new(span_first(buf_span(&bytes), len), why, sizeof why) == NULL);
    buf_fini(&bytes);
}

TEST(a_byte_that_changed_is_refused_or_harmless)
{
    char folder[PATH_BYTES], path[PATH_BYTES * 2], why[200];
    struct buf bytes;
    struct ip ip;
    struct geo_place place;
    if (!folder_of("test-data", folder))
        return;
    snprintf(path, sizeof path, "%s/GeoLite2-ASN-Test.mmdb", folder);
    check(read_file(path, &bytes) && ip_parse(SPAN("1.128.0.1"), &ip));
    for (size_t i = 0; i < bytes.len; i += 7) {
        bytes.at[i] = (char)(bytes.at[i] ^ 0x55);
        struct geo_database *database = geo_database_new(buf_span(&bytes), why, sizeof why);
        struct geo geo = {.of = {database, database, database, database}};
        if (database != NULL)
            geo_look_up(&geo, &ip, &place);
        geo_database_free(database);
        bytes.at[i] = (char)(bytes.at[i] ^ 0x55);
    }
    buf_fini(&bytes);
}

/* ---- looking up ---- */

TEST(a_place_is_put_together_from_all_databases)
{
    char why[200];
    struct geo_database *city = open_database("GeoIP2-City-Test", why, sizeof why);
    if (city == NULL)
        return;
    struct geo_database *asn = open_database("GeoLite2-ASN-Test", why, sizeof why);
    struct geo_database *anonymous = open_database("GeoIP2-Anonymous-IP-Test", why, sizeof why);
    struct geo geo = {.of = {[GEO_CITY] = city, [GEO_ASN] = asn, [GEO_ANONYMOUS] = anonymous}};
    struct geo_place place;
    struct ip ip;
    check(ip_parse(SPAN("::ffff:2.125.160.216"), &ip));
    geo_look_up(&geo, &ip, &place);
    check_span(place.country, "GB");
    check_span(place.registered_country, "FR");
    check_span(place.subdivision, "ENG");
    check(place.asn == 0 && place.organization.at == NULL && place.anonymous == 0);
    check(ip_parse(SPAN("1.128.0.7"), &ip));
    geo_look_up(&geo, &ip, &place);
    check_number(place.asn, 1221);
    check_span(place.organization, "Telstra Pty Ltd");
    check(ip_parse(SPAN("1.2.0.1"), &ip));
    geo_look_up(&geo, &ip, &place);
    check_number(place.anonymous, GEO_ANY | GEO_VPN);
    check(ip_parse(SPAN("192.0.2.1"), &ip));
    geo_look_up(&geo, &ip, &place);
    check(place.country.at == NULL && place.subdivision.at == NULL && place.asn == 0);
    check(geo_database_has(city, GEO_COUNTRY) && geo_database_has(city, GEO_CITY));
    check(!geo_database_has(asn, GEO_COUNTRY) && geo_database_has(asn, GEO_ASN));
    check(!geo_database_has(city, GEO_ANONYMOUS) && geo_database_has(anonymous, GEO_ANONYMOUS));
    check_span(geo_database_type(asn), "GeoLite2-ASN");
    geo_database_free(city);
    geo_database_free(asn);
    geo_database_free(anonymous);
}

TEST(an_ipv6_client_is_unknown_to_a_database_of_ipv4)
{
    char why[200];
    struct geo_database *database = open_database("MaxMind-DB-test-ipv4-24", why, sizeof why);
    if (database == NULL)
        return;
    struct geo geo = {.of = {[GEO_COUNTRY] = database}};
    struct geo_place place;
    struct ip ip;
    check(ip_parse(SPAN("2001:db8::1"), &ip));
    geo_look_up(&geo, &ip, &place);
    check(place.country.at == NULL);
    geo_database_free(database);
}

int geo_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_network_of_the_source_is_found_with_every_value),
        cmocka_unit_test(broken_databases_are_refused_with_a_reason),
        cmocka_unit_test(all_other_databases_are_taken),
        cmocka_unit_test(what_is_cut_short_or_no_database_at_all_is_refused),
        cmocka_unit_test(a_byte_that_changed_is_refused_or_harmless),
        cmocka_unit_test(a_place_is_put_together_from_all_databases),
        cmocka_unit_test(an_ipv6_client_is_unknown_to_a_database_of_ipv4),
    };
    return cmocka_run_group_tests_name("geo", tests, NULL, NULL);
}
