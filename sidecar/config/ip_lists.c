/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/ip_lists.h"

#include <stdlib.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/base/networks.h"
#include "sidecar/config/private_file.h"

enum { FILE_BYTES = 256 << 20 };

struct ip_lists {
    struct networks **sets;
    size_t count;
    uint64_t hash;
};

/* Puts a text's hash behind those before it. */
static void add_hash(struct ip_lists *lists, struct span text)
{
    static const uint8_t key[16] = "lists of clients";
    uint64_t both[] = {lists->hash, siphash(key, text)};
    lists->hash = siphash(key, span_make((const char *)both, sizeof both));
}

static void add_file(struct ip_lists *lists, struct networks *set,
                     const struct ip_set_settings *settings, struct faults *faults)
{
    char why[160];
    struct buf text;
    struct span wrong;
    size_t line;
    buf_init(&text, FILE_BYTES);
    if (!private_file_read(settings->file.at, &text, why, sizeof why)) {
        fault_add(faults, FAULT_ERROR, settings->place, span_make(NULL, 0),
                  "ip_sets." SPAN_FORMAT ".file: '" SPAN_FORMAT "': %s", span_arg(settings->name),
                  span_arg(settings->file), why);
    } else if (!networks_add_lines(set, buf_span(&text), &line, &wrong)) {
        struct place at = {.file = settings->file.at, .line = (unsigned)line, .column = 1};
        fault_add(faults, FAULT_ERROR, at,
                  SPAN("10.0.0.0/8, 2001:db8::/32, 192.0.2.1 or 192.0.2.1-192.0.2.9"),
                  "found '" SPAN_FORMAT "', expected an address, a network or a range",
                  span_arg(span_first(wrong, 80)));
    }
    add_hash(lists, buf_span(&text));
    buf_fini(&text);
}

static struct networks *read_set(struct ip_lists *lists, const struct ip_set_settings *settings,
                                 struct faults *faults)
{
    struct networks *set = networks_new();
    for (size_t i = 0; i < settings->address_count; i++) {
        must(networks_add(set, settings->addresses[i]));
        add_hash(lists, settings->addresses[i]);
    }
    if (settings->file.at != NULL)
        add_file(lists, set, settings, faults);
    add_hash(lists, settings->name);
    networks_seal(set);
    return set;
}

struct ip_lists *ip_lists_new(const struct settings *settings, struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR);
    struct ip_lists *lists = must_alloc(sizeof *lists);
    lists->sets = must_alloc((settings->ip_set_count + 1) * sizeof(struct networks *));
    for (; lists->count < settings->ip_set_count; lists->count++)
        lists->sets[lists->count] = read_set(lists, &settings->ip_sets[lists->count], faults);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return lists;
    ip_lists_free(lists);
    return NULL;
}

void ip_lists_free(struct ip_lists *lists)
{
    if (lists == NULL)
        return;
    for (size_t i = 0; i < lists->count; i++)
        networks_free(lists->sets[i]);
    free(lists->sets);
    free(lists);
}

const struct networks *const *ip_lists_sets(const struct ip_lists *lists)
{
    return (const struct networks *const *)lists->sets;
}

uint64_t ip_lists_hash(const struct ip_lists *lists)
{
    return lists->hash;
}
