/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/api_key_parts.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/siphash.h"
#include "sidecar/config/api_key_file.h"
#include "sidecar/config/file_stamp.h"
#include "sidecar/guard/api_key.h"

enum { HINT_BYTES = 160, NAMES_SHOWN = 64 };

struct api_key_part {
    struct api_keys *keys; /* NULL: none */
    struct file_stamp stamp;
    uint64_t hash;
};

/* ---- who is in which plan ---- */

/* 1 + its index; 0: there is no such plan. */
static size_t find_plan(const struct settings *settings, struct span name)
{
    for (size_t i = 0; i < settings->usage_plan_count; i++)
        if (span_is(settings->usage_plans[i].name, name))
            return i + 1;
    return 0;
}

static struct span near_plan(const struct settings *settings, struct span name, char *to)
{
    const char *names[NAMES_SHOWN];
    size_t count = 0;
    for (; count < settings->usage_plan_count && count < NAMES_SHOWN; count++)
        names[count] = settings->usage_plans[count].name.at;
    return nearest_hint(name, names, count, to, HINT_BYTES);
}

static void assign(const struct settings *settings, struct api_keys *keys,
                   const struct api_key *key, size_t plan, struct faults *faults)
{
    if (key->plan != 0 && key->plan != plan)
        fault_add(faults, FAULT_ERROR, settings->api_keys.place,
                  SPAN("a key is in one plan at the most"),
                  "the API key '" SPAN_FORMAT "' is in the usage plans '" SPAN_FORMAT
                  "' and '" SPAN_FORMAT "'",
                  span_arg(key->id), span_arg(settings->usage_plans[key->plan - 1].name),
                  span_arg(settings->usage_plans[plan - 1].name));
    api_keys_assign(keys, key->id, plan);
}

static void assign_own(const struct settings *settings, struct api_keys *keys,
                       const struct api_key *key, struct faults *faults)
{
    char hint[HINT_BYTES];
    for (size_t p = 0; p < key->plan_count; p++) {
        size_t plan = find_plan(settings, key->plans[p]);
        if (plan != 0)
            assign(settings, keys, key, plan, faults);
        else
            fault_add(faults, FAULT_WARNING, settings->api_keys.place,
                      near_plan(settings, key->plans[p], hint),
                      "the API key '" SPAN_FORMAT "' names the usage plan '" SPAN_FORMAT
                      "', which is not there",
                      span_arg(key->id), span_arg(key->plans[p]));
    }
}

/* A plan's key that is not there is no fault: else nobody could take a key away without touching
 * the settings first. */
static void assign_plan(const struct settings *settings, struct api_keys *keys, size_t plan,
                        struct faults *faults)
{
    const struct usage_plan_settings *from = &settings->usage_plans[plan];
    for (size_t n = 0; n < from->key_count; n++) {
        const struct api_key *key = api_keys_by_id(keys, from->keys[n]);
        if (key != NULL)
            assign(settings, keys, key, plan + 1, faults);
        else
            fault_add(faults, FAULT_WARNING, from->place, SPAN("`sidegate keys list` shows all"),
                      "usage_plans." SPAN_FORMAT ".keys: there is no API key '" SPAN_FORMAT "'",
                      span_arg(from->name), span_arg(from->keys[n]));
    }
}

static void assign_all(const struct settings *settings, struct api_key_part *part,
                       struct faults *faults)
{
    for (size_t i = 0; i < api_keys_count(part->keys); i++)
        assign_own(settings, part->keys, api_keys_at(part->keys, i), faults);
    for (size_t plan = 0; plan < settings->usage_plan_count; plan++)
        assign_plan(settings, part->keys, plan, faults);
    for (size_t i = 0; i < api_keys_count(part->keys); i++) {
        uint64_t plan = api_keys_at(part->keys, i)->plan;
        siphash_add(&part->hash, span_make((const char *)&plan, sizeof plan));
    }
}

/* ---- reading ---- */

/* NULL: the file is missing or broken, and said. */
static struct api_key_part *read_part(const struct settings *settings, struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR);
    struct api_key_part *part = must_alloc(sizeof *part);
    part->stamp = file_stamp_of(settings->api_keys.file.at);
    part->keys = api_key_file_read(settings->api_keys.file.at, settings->api_keys.place, faults,
                                   &part->hash);
    if (part->keys != NULL)
        assign_all(settings, part, faults);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return part;
    api_key_part_free(part);
    return NULL;
}

/* What was an error becomes a warning: there are no keys, and requests say so. */
static struct api_key_part *without_keys(const struct faults *said, struct faults *faults)
{
    for (size_t i = 0; faults_at(said, i) != NULL; i++) {
        const struct fault *fault = faults_at(said, i);
        fault_add(faults, FAULT_WARNING, fault->place, span_text(fault->hint), "%s",
                  fault->message);
    }
    return must_alloc(sizeof(struct api_key_part));
}

struct api_key_part *api_key_part_new(const struct settings *settings,
                                      const struct api_key_part *before, struct faults *faults)
{
    if (settings->api_keys.file.at == NULL)
        return must_alloc(sizeof(struct api_key_part));
    bool has_keys = before != NULL && before->keys != NULL; /* these go on: nobody is let in */
    if (settings->api_keys.on_failure == ON_FAILURE_DENY || has_keys)
        return read_part(settings, faults);
    struct faults *said = faults_new();
    struct api_key_part *part = read_part(settings, said);
    if (part == NULL)
        part = without_keys(said, faults);
    faults_free(said);
    return part;
}

struct api_key_part *api_key_part_renew(const struct settings *settings,
                                        const struct api_key_part *before, struct faults *faults)
{
    if (settings->api_keys.file.at == NULL || settings->api_keys.refresh_us == 0)
        return NULL;
    struct file_stamp now = file_stamp_of(settings->api_keys.file.at);
    return file_stamp_is(&now, &before->stamp) ? NULL : read_part(settings, faults);
}

void api_key_part_free(struct api_key_part *part)
{
    if (part == NULL)
        return;
    api_keys_free(part->keys);
    free(part);
}

uint64_t api_key_part_stamp(const struct settings *settings)
{
    uint64_t stamp = 0;
    if (api_key_part_refresh_us(settings) == 0)
        return 0;
    struct file_stamp file = file_stamp_of(settings->api_keys.file.at);
    siphash_add(&stamp, span_make((const char *)&file, sizeof file));
    return stamp;
}

uint64_t api_key_part_refresh_us(const struct settings *settings)
{
    return settings->api_keys.file.at != NULL ? settings->api_keys.refresh_us : 0;
}

const struct api_keys *api_key_part_keys(const struct api_key_part *part)
{
    return part->keys;
}

uint64_t api_key_part_hash(const struct api_key_part *part)
{
    return part->hash;
}
