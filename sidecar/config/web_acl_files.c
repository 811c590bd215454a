/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/web_acl_files.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/siphash.h"
#include "sidecar/config/private_file.h"
#include "sidecar/guard/web_acl.h"

enum { FILE_BYTES = 16 << 20 };

struct web_acl_files {
    struct web_acl **acls;
    size_t count;
    size_t body_bytes;
    uint64_t hash;
};

static struct web_acl *read_one(struct web_acl_files *files, const struct access_entry *entry,
                                const struct web_acl_names *names, struct faults *faults)
{
    char why[160];
    struct buf text;
    struct web_acl *acl = NULL;
    buf_init(&text, FILE_BYTES);
    if (private_file_read(entry->web_acl.at, &text, why, sizeof why))
        acl = web_acl_read(buf_span(&text), entry->web_acl.at, names, faults);
    else
        fault_add(faults, FAULT_ERROR, entry->web_acl_place, SPAN(""),
                  "access[].web_acl: '" SPAN_FORMAT "': %s", span_arg(entry->web_acl), why);
    siphash_add(&files->hash, buf_span(&text));
    buf_fini(&text);
    return acl;
}

/* How many web ACLs before this one have its name. */
static unsigned nth_of(const struct web_acl_files *files, size_t at)
{
    unsigned nth = 0;
    for (size_t i = 0; i < at; i++)
        nth += files->acls[i] != NULL &&
               span_is(web_acl_name(files->acls[i]), web_acl_name(files->acls[at]));
    return nth;
}

static void open_all(struct web_acl_files *files, const struct settings *settings,
                     const struct web_acl_files *before, struct faults *faults)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->acls[i] == NULL)
            continue;
        struct place place = {.file = settings->access[i].web_acl.at};
        if (!web_acl_open(files->acls[i], nth_of(files, i),
                          before != NULL ? web_acl_files_all(before) : NULL,
                          before != NULL ? before->count : 0))
            fault_add(faults, FAULT_ERROR, place, SPAN(""),
                      "there is no memory for what its rate-based statements count");
    }
}

static void read_all(struct web_acl_files *files, const struct settings *settings,
                     const struct web_acl_names *names, struct faults *faults)
{
    for (; files->count < settings->access_count; files->count++) {
        const struct access_entry *entry = &settings->access[files->count];
        struct web_acl *acl =
            entry->web_acl.at != NULL ? read_one(files, entry, names, faults) : NULL;
        files->acls[files->count] = acl;
        bool asked = acl != NULL && entry->mode != GUARD_OFF;
        size_t bytes = asked ? web_acl_body_bytes(acl) : 0;
        files->body_bytes = bytes > files->body_bytes ? bytes : files->body_bytes;
        uint64_t place[] = {files->count, bytes};
        siphash_add(&files->hash, span_make((const char *)place, acl != NULL ? sizeof place : 0));
    }
}

struct web_acl_files *web_acl_files_new(const struct settings *settings,
                                        const struct web_acl_files *before, struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR);
    struct web_acl_files *files = must_alloc(sizeof *files);
    struct span *sets = must_alloc((settings->ip_set_count + 1) * sizeof *sets);
    for (size_t i = 0; i < settings->ip_set_count; i++) {
        sets[i] = settings->ip_sets[i].name;
        siphash_add(&files->hash, sets[i]);
    }
    files->acls = must_alloc((settings->access_count + 1) * sizeof(struct web_acl *));
    struct web_acl_names names = {
        .ip_sets = sets,
        .ip_set_count = settings->ip_set_count,
        .has_countries =
            settings->geo.files[GEO_COUNTRY].at != NULL || settings->geo.files[GEO_CITY].at != NULL,
        .has_asns = settings->geo.files[GEO_ASN].at != NULL,
    };
    read_all(files, settings, &names, faults);
    free(sets);
    if (faults_count(faults, FAULT_ERROR) == errors)
        open_all(files, settings, before, faults);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return files;
    web_acl_files_free(files);
    return NULL;
}

void web_acl_files_free(struct web_acl_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->count; i++)
        web_acl_free(files->acls[i]);
    free(files->acls);
    free(files);
}

const struct web_acl *const *web_acl_files_all(const struct web_acl_files *files)
{
    return (const struct web_acl *const *)files->acls;
}

size_t web_acl_files_body_bytes(const struct web_acl_files *files)
{
    return files->body_bytes;
}

uint64_t web_acl_files_hash(const struct web_acl_files *files)
{
    return files->hash;
}
