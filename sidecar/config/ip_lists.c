/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/ip_lists.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/networks.h"
#include "rules/base/siphash.h"
#include "sidecar/config/file_stamp.h"
#include "sidecar/config/private_file.h"

enum { FILE_BYTES = 256 << 20 };

/* One set, as long as any snapshot has it. */
struct held {
    _Atomic unsigned count;
    uint64_t settings_hash; /* of what names it */
    uint64_t hash;          /* of all that was read */
    struct file_stamp stamp;
    struct networks *networks;
};

struct ip_lists {
    struct held **held;
    struct networks **sets; /* of each of them */
    size_t count;
    uint64_t hash;
};

static void give(struct held *held)
{
    if (atomic_fetch_sub_explicit(&held->count, 1, memory_order_acq_rel) > 1)
        return;
    networks_free(held->networks);
    free(held);
}

static struct held *take(struct held *held)
{
    atomic_fetch_add_explicit(&held->count, 1, memory_order_relaxed);
    return held;
}

static uint64_t settings_hash(const struct ip_set_settings *settings)
{
    uint64_t hash = 0;
    siphash_add(&hash, settings->name);
    siphash_add(&hash, settings->file);
    for (size_t i = 0; i < settings->address_count; i++)
        siphash_add(&hash, settings->addresses[i]);
    return hash;
}

/* ---- reading ---- */

static void add_file(struct held *held, const struct ip_set_settings *settings,
                     struct faults *faults)
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
    } else if (!networks_add_lines(held->networks, buf_span(&text), &line, &wrong)) {
        struct place at = {.file = settings->file.at, .line = (unsigned)line, .column = 1};
        fault_add(faults, FAULT_ERROR, at,
                  SPAN("10.0.0.0/8, 2001:db8::/32, 192.0.2.1 or 192.0.2.1-192.0.2.9"),
                  "found '" SPAN_FORMAT "', expected an address, a network or a range",
                  span_arg(span_first(wrong, 80)));
    }
    siphash_add(&held->hash, buf_span(&text));
    buf_fini(&text);
}

/* NULL: something is wrong with its file, and said. */
static struct held *read_set(const struct ip_set_settings *settings, struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR);
    struct held *held = must_alloc(sizeof *held);
    atomic_init(&held->count, 1);
    held->settings_hash = held->hash = settings_hash(settings);
    held->networks = networks_new();
    for (size_t i = 0; i < settings->address_count; i++)
        must(networks_add(held->networks, settings->addresses[i]));
    if (settings->file.at != NULL) {
        held->stamp = file_stamp_of(settings->file.at);
        add_file(held, settings, faults);
    }
    networks_seal(held->networks);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return held;
    give(held);
    return NULL;
}

/* The set of these settings as it was; NULL: there was none. */
static struct held *find_old(const struct ip_lists *before, const struct ip_set_settings *settings)
{
    uint64_t hash = settings_hash(settings);
    for (size_t i = 0; before != NULL && i < before->count; i++)
        if (before->held[i]->settings_hash == hash)
            return before->held[i];
    return NULL;
}

static bool file_is_unchanged(const struct held *held, const struct ip_set_settings *settings)
{
    if (settings->file.at == NULL)
        return true;
    struct file_stamp now = file_stamp_of(settings->file.at);
    return file_stamp_is(&now, &held->stamp);
}

static struct ip_lists *lists_new(size_t count)
{
    struct ip_lists *lists = must_alloc(sizeof *lists);
    lists->sets = must_alloc((count + 1) * sizeof(struct networks *));
    lists->held = must_alloc((count + 1) * sizeof(struct held *));
    return lists;
}

static void add_set(struct ip_lists *lists, struct held *held)
{
    siphash_add(&lists->hash, span_make((const char *)&held->hash, sizeof held->hash));
    lists->sets[lists->count] = held->networks;
    lists->held[lists->count++] = held;
}

struct ip_lists *ip_lists_new(const struct settings *settings, const struct ip_lists *before,
                              struct faults *faults)
{
    bool well = true;
    struct ip_lists *lists = lists_new(settings->ip_set_count);
    for (size_t i = 0; i < settings->ip_set_count; i++) {
        const struct ip_set_settings *set = &settings->ip_sets[i];
        struct held *old = find_old(before, set);
        bool same = old != NULL && file_is_unchanged(old, set);
        struct held *held = same ? take(old) : read_set(set, faults);
        if (held != NULL)
            add_set(lists, held);
        well = well && held != NULL;
    }
    if (well)
        return lists;
    ip_lists_free(lists);
    return NULL;
}

struct ip_lists *ip_lists_renew(const struct settings *settings, const struct ip_lists *before,
                                struct faults *faults)
{
    struct ip_lists *lists = lists_new(before->count);
    must(before->count == settings->ip_set_count);
    for (size_t i = 0; i < before->count; i++) {
        const struct ip_set_settings *set = &settings->ip_sets[i];
        struct held *old = before->held[i], *held = NULL;
        if (set->refresh_us > 0 && !file_is_unchanged(old, set))
            held = read_set(set, faults);
        add_set(lists, held != NULL ? held : take(old));
    }
    return lists;
}

void ip_lists_free(struct ip_lists *lists)
{
    if (lists == NULL)
        return;
    for (size_t i = 0; i < lists->count; i++)
        give(lists->held[i]);
    free(lists->sets);
    free(lists->held);
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

uint64_t ip_lists_stamp(const struct settings *settings)
{
    uint64_t stamp = 0;
    for (size_t i = 0; i < settings->ip_set_count; i++) {
        const struct ip_set_settings *set = &settings->ip_sets[i];
        if (set->refresh_us == 0 || set->file.at == NULL)
            continue;
        struct file_stamp file = file_stamp_of(set->file.at);
        siphash_add(&stamp, span_make((const char *)&file, sizeof file));
    }
    return stamp;
}

uint64_t ip_lists_refresh_us(const struct settings *settings)
{
    uint64_t least = 0;
    for (size_t i = 0; i < settings->ip_set_count; i++) {
        const struct ip_set_settings *set = &settings->ip_sets[i];
        if (set->file.at != NULL && set->refresh_us > 0 && (least == 0 || set->refresh_us < least))
            least = set->refresh_us;
    }
    return least;
}
