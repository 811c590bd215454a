/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/authorizer_stores.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/siphash.h"
#include "rules/match/pattern.h"
#include "sidecar/state/pulse.h"
#include "sidecar/state/results.h"

enum { TEXT_BYTES = 16 * 1024 };

struct owned {
    struct remote_authorizer remote; /* first */
    struct pattern *validation;
    char *url;
    uint64_t hash; /* of what it is asked, and how */
};

struct authorizer_stores {
    const struct remote_authorizer **at;
    struct owned *owned;
    struct pulse *pulses;
    size_t count;
};

static bool is_remote(const struct authorizer_settings *from)
{
    return from->type == AUTHORIZER_LAMBDA || from->type == AUTHORIZER_HTTP;
}

static void add_number(uint64_t *hash, uint64_t number)
{
    siphash_add(hash, span_make((const char *)&number, sizeof number));
}

/* What makes answers comparable: who is asked, what, and who is taken for the same. What becomes of
 * an answer may change. */
static uint64_t hash_of(const struct settings *settings, const struct authorizer_settings *from)
{
    uint64_t hash = 0;
    siphash_add(&hash, settings->policies.api);
    siphash_add(&hash, settings->api_keys.header);
    siphash_add(&hash, from->name);
    siphash_add(&hash, from->url);
    siphash_add(&hash, from->function);
    siphash_add(&hash, from->validation);
    siphash_add(&hash, from->ca_file);
    add_number(&hash, from->type);
    add_number(&hash, from->payload);
    add_number(&hash, from->form);
    add_number(&hash, from->ttl_us);
    add_number(&hash, from->cache_bytes);
    add_number(&hash, from->identity_count);
    for (size_t i = 0; i < from->identity_count; i++)
        siphash_add(&hash, from->identity[i]);
    for (size_t i = 0; i < from->stage_variable_count; i++) {
        siphash_add(&hash, from->stage_variables[i].name);
        siphash_add(&hash, from->stage_variables[i].value);
    }
    return hash;
}

/* Where AWS's API has it: POST /2015-03-31/functions/NAME/invocations. */
static char *url_of(const struct authorizer_settings *from)
{
    struct buf url;
    struct span base = from->url;
    buf_init(&url, TEXT_BYTES);
    if (from->type == AUTHORIZER_LAMBDA) {
        while (base.len > 0 && base.at[base.len - 1] == '/')
            base.len--;
        buf_format(&url, SPAN_FORMAT "/2015-03-31/functions/" SPAN_FORMAT "/invocations",
                   span_arg(base), span_arg(from->function));
    } else {
        buf_add(&url, base);
    }
    buf_add_byte(&url, '\0');
    char *text = must_strdup(buf_is_full(&url) ? "" : url.at);
    buf_fini(&url);
    return text;
}

/* It was found to be a pattern when the settings were checked. */
static struct pattern *validation_of(struct span text)
{
    char why[160];
    struct pattern *pattern = identity_pattern(text, why, sizeof why);
    must(pattern != NULL);
    return pattern;
}

static void identity_set(struct remote_authorizer *remote, const struct authorizer_settings *from)
{
    for (size_t i = 0; i < from->identity_count; i++)
        must(identity_source_read(from->identity[i], &remote->identity[i]));
    remote->identity_count = from->identity_count;
    if (from->payload == AUTHORIZER_TOKEN && from->identity_count == 0)
        remote->identity_count =
            identity_source_read(SPAN("$request.header.Authorization"), remote->identity);
    remote->needs_identity =
        remote->identity_count > 0 && (from->payload != AUTHORIZER_REQUEST || from->ttl_us > 0);
}

static struct results *results_of(const struct authorizer_settings *from, uint64_t hash,
                                  const struct authorizer_stores *before)
{
    if (from->ttl_us == 0)
        return NULL;
    for (size_t i = 0; before != NULL && i < before->count; i++)
        if (before->owned[i].hash == hash && before->owned[i].remote.results != NULL)
            return results_take(before->owned[i].remote.results);
    return results_new(from->cache_bytes);
}

static void fill(struct owned *owned, const struct settings *settings,
                 const struct authorizer_settings *from, const struct authorizer_stores *before)
{
    owned->hash = hash_of(settings, from);
    owned->url = url_of(from);
    owned->remote.url = span_text(owned->url);
    identity_set(&owned->remote, from);
    if (from->validation.at != NULL)
        owned->validation = validation_of(from->validation);
    owned->remote.validation = owned->validation;
    owned->remote.results = results_of(from, owned->hash, before);
}

struct authorizer_stores *authorizer_stores_new(const struct settings *settings,
                                                const struct authorizer_stores *before)
{
    struct authorizer_stores *stores = must_alloc(sizeof *stores);
    stores->count = settings->authorizer_count;
    stores->owned = must_alloc((stores->count + 1) * sizeof *stores->owned);
    stores->pulses = must_alloc((stores->count + 1) * sizeof *stores->pulses);
    stores->at = must_alloc((stores->count + 1) * sizeof(struct remote_authorizer *));
    for (size_t i = 0; i < stores->count; i++) {
        if (!is_remote(&settings->authorizers[i]))
            continue;
        fill(&stores->owned[i], settings, &settings->authorizers[i], before);
        stores->at[i] = &stores->owned[i].remote;
    }
    return stores;
}

void authorizer_stores_free(struct authorizer_stores *stores)
{
    if (stores == NULL)
        return;
    for (size_t i = 0; i < stores->count; i++) {
        results_give(stores->owned[i].remote.results);
        pattern_free(stores->owned[i].validation);
        free(stores->owned[i].url);
    }
    free(stores->owned);
    free(stores->pulses);
    free(stores->at);
    free(stores);
}

const struct remote_authorizer *const *authorizer_stores_at(const struct authorizer_stores *stores)
{
    return stores->at;
}

struct pulse *authorizer_stores_pulses(const struct authorizer_stores *stores)
{
    return stores->pulses;
}
