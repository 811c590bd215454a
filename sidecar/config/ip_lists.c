/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/ip_lists.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "rules/base/networks.h"
#include "rules/base/siphash.h"
#include "sidecar/config/file_stamp.h"
#include "sidecar/config/private_file.h"
#include "sidecar/state/documents.h"

enum { FILE_BYTES = 256 << 20, SOURCE_BYTES = 16 << 10 };

/* One set, as long as any snapshot has it. */
struct held {
    _Atomic unsigned count;
    uint64_t settings_hash;  /* of what names it */
    uint64_t hash;           /* of all that was read */
    struct file_stamp stamp; /* the compiling thread's, as it last found the file */
    uint64_t document;       /* hash of what was fetched; 0: nothing ever was */
    bool is_missing;
    struct documents *documents; /* that it is held in; NULL: in none */
    struct span source;          /* what it is called there */
    char *source_text;
    struct networks *networks;
};

struct ip_lists {
    struct held **held;
    struct networks **sets; /* of each of them */
    size_t count;
    struct documents *documents;
    uint64_t hash;
};

static void give(struct held *held)
{
    if (atomic_fetch_sub_explicit(&held->count, 1, memory_order_acq_rel) > 1)
        return;
    networks_free(held->networks);
    if (held->documents != NULL)
        documents_leave(held->documents, held->source);
    free(held->source_text);
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
    siphash_add(&hash, settings->url);
    siphash_add(&hash, settings->ca_file);
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
    } else if (text.len == 0) { /* somebody is about to write it: who is kept out is not let in */
        fault_add(faults, FAULT_ERROR, settings->place, SPAN("a list of nobody has a comment"),
                  "ip_sets." SPAN_FORMAT ".file: '" SPAN_FORMAT "': there is nothing in it",
                  span_arg(settings->name), span_arg(settings->file));
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

/* ---- what was fetched ---- */

void ip_list_source(const struct ip_set_settings *settings, struct buf *to)
{
    buf_init(to, SOURCE_BYTES);
    buf_add(to, settings->url);
    buf_add_byte(to, '\n');
    buf_add(to, settings->ca_file);
}

/* NULL: `why` it is no list. Nothing at all is none either: comments may stand in an empty one. */
static struct networks *parse_document(const struct document *document, char *why, size_t size)
{
    struct networks *networks = networks_new();
    struct span wrong = {NULL, 0};
    size_t line = 1;
    if (document->bytes.len > 0 && networks_add_lines(networks, document->bytes, &line, &wrong))
        return networks;
    networks_free(networks);
    snprintf(why, size,
             "line %zu: found '" SPAN_FORMAT "', expected an address, a network or a range", line,
             span_arg(span_first(wrong, 80)));
    return NULL;
}

/* The newest that is a list; NULL: none ever was. */
static struct networks *fetched(struct held *held, struct span source, struct documents *documents)
{
    char why[160];
    struct networks *networks = NULL;
    struct document *document = documents_unjudged(documents, source);
    if (document != NULL) {
        networks = parse_document(document, why, sizeof why);
        documents_judge(documents, source, document, networks == NULL ? why : NULL);
    }
    if (networks == NULL) {
        document_give(document);
        document = documents_good(documents, source);
        networks = document != NULL ? parse_document(document, why, sizeof why) : NULL;
    }
    held->document = networks != NULL ? document->hash : 0;
    document_give(document);
    return networks;
}

static bool document_is_unchanged(const struct held *held, const struct ip_set_settings *settings,
                                  struct documents *documents)
{
    struct buf source;
    if (settings->url.at == NULL || documents == NULL)
        return true;
    ip_list_source(settings, &source);
    struct document *fresh = documents_unjudged(documents, buf_span(&source));
    struct document *good = documents_good(documents, buf_span(&source));
    bool same = fresh == NULL && (good != NULL ? good->hash : 0) == held->document;
    document_give(fresh);
    document_give(good);
    buf_fini(&source);
    return same;
}

/* ---- a set ---- */

static void hold(struct held *held, struct span source, struct documents *documents)
{
    held->source_text = must_alloc(source.len + 1);
    memcpy(held->source_text, source.at, source.len);
    held->source = span_make(held->source_text, source.len);
    held->documents = documents;
    documents_hold(documents, held->source);
}

/* NULL: something is wrong with its file, and said. */
static struct held *read_set(const struct ip_set_settings *settings, struct documents *documents,
                             struct faults *faults)
{
    struct held *held = must_alloc(sizeof *held);
    atomic_init(&held->count, 1);
    held->settings_hash = held->hash = settings_hash(settings);
    if (settings->url.at != NULL && documents != NULL) {
        struct buf source;
        ip_list_source(settings, &source);
        hold(held, buf_span(&source), documents);
        held->networks = fetched(held, held->source, documents);
        buf_fini(&source);
    }
    held->is_missing = settings->url.at != NULL && held->networks == NULL;
    siphash_add(&held->hash, span_make((const char *)&held->document, sizeof held->document));
    if (held->networks == NULL)
        held->networks = networks_new();
    size_t errors = faults_count(faults, FAULT_ERROR);
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

static bool is_unchanged(const struct held *held, const struct ip_set_settings *settings,
                         struct documents *documents)
{
    if (settings->file.at == NULL)
        return document_is_unchanged(held, settings, documents);
    struct file_stamp now = file_stamp_of(settings->file.at);
    return file_stamp_is(&now, &held->stamp);
}

/* Reads it; where that is what it was, the old one is taken, and its file is known as it is now. */
static struct held *read_again(const struct ip_set_settings *settings, struct documents *documents,
                               struct held *old, struct faults *faults)
{
    struct held *held = read_set(settings, documents, faults);
    if (held == NULL || old == NULL || held->hash != old->hash)
        return held;
    old->stamp = held->stamp;
    give(held);
    return take(old);
}

static struct ip_lists *lists_new(size_t count, struct documents *documents)
{
    struct ip_lists *lists = must_alloc(sizeof *lists);
    lists->documents = documents;
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

struct ip_lists *ip_lists_new(const struct settings *settings, struct documents *documents,
                              const struct ip_lists *before, struct faults *faults)
{
    bool well = true;
    struct ip_lists *lists = lists_new(settings->ip_set_count, documents);
    for (size_t i = 0; i < settings->ip_set_count; i++) {
        const struct ip_set_settings *set = &settings->ip_sets[i];
        struct held *old = find_old(before, set);
        bool same = old != NULL && is_unchanged(old, set, documents);
        struct held *held = same ? take(old) : read_again(set, documents, old, faults);
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
    struct ip_lists *lists = lists_new(before->count, before->documents);
    must(before->count == settings->ip_set_count);
    for (size_t i = 0; i < before->count; i++) {
        const struct ip_set_settings *set = &settings->ip_sets[i];
        struct held *old = before->held[i], *held = NULL;
        if (set->refresh_us > 0 && !is_unchanged(old, set, before->documents))
            held = read_again(set, before->documents, old, faults);
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

bool ip_lists_is_missing(const struct ip_lists *lists, size_t set)
{
    return lists->held[set]->is_missing;
}

uint64_t ip_lists_hash(const struct ip_lists *lists)
{
    return lists->hash;
}

uint64_t ip_lists_stamp(const struct settings *settings, const struct ip_lists *lists)
{
    uint64_t stamp = 0;
    if (lists->documents != NULL) {
        uint64_t generation = documents_generation(lists->documents);
        siphash_add(&stamp, span_make((const char *)&generation, sizeof generation));
    }
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
