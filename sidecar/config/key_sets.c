/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/key_sets.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/siphash.h"
#include "sidecar/config/private_file.h"
#include "sidecar/guard/jwk.h"
#include "sidecar/state/key_store.h"
#include "sidecar/state/tokens.h"

enum { TOKENS_MOST = 2048 }; /* of an authorizer: 8 MiB of values at the most */

struct key_sets {
    struct key_store **stores;
    struct tokens **tokens;
    uint64_t *store_hashes, *token_hashes; /* of what they were made from */
    size_t count;
};

static void add_number(uint64_t *hash, uint64_t number)
{
    siphash_add(hash, span_make((const char *)&number, sizeof number));
}

/* Where keys come from, and how. */
static uint64_t store_hash(const struct authorizer_settings *from, struct span document)
{
    uint64_t hash = 0;
    siphash_add(&hash, from->name);
    siphash_add(&hash, document);
    if (from->keys.url.at == NULL)
        return hash;
    siphash_add(&hash, from->keys.url);
    siphash_add(&hash, from->issuer);
    siphash_add(&hash, from->ca_file);
    add_number(&hash, from->keys.is_described);
    add_number(&hash, from->refresh_us);
    add_number(&hash, from->stale_for_us);
    return hash;
}

/* What a token is asked besides its key; `mode` only says what becomes of the answer. */
static uint64_t token_hash(const struct authorizer_settings *from)
{
    uint64_t hash = 0;
    siphash_add(&hash, from->name);
    add_number(&hash, from->type);
    siphash_add(&hash, from->url);
    siphash_add(&hash, from->client_id);
    siphash_add(&hash, from->ca_file);
    add_number(&hash, from->ttl_us);
    siphash_add(&hash, from->issuer);
    siphash_add(&hash, from->token_use);
    add_number(&hash, from->token_use.at != NULL);
    add_number(&hash, from->algorithms);
    add_number(&hash, from->skew_us);
    add_number(&hash, from->audience_count);
    for (size_t i = 0; i < from->audience_count; i++)
        siphash_add(&hash, from->audiences[i]);
    return hash;
}

/* ---- documents ---- */

static void say(const struct authorizer_settings *from, const struct key_set_problem *problem,
                struct faults *faults)
{
    struct place at = {
        .file = from->jwks_file.at, .line = problem->line, .column = problem->column};
    if (problem->line != 0)
        fault_add(faults, FAULT_ERROR, at, SPAN("a JWK Set, RFC 7517"), "%s", problem->why);
    else if (problem->key != SPAN_NONE)
        fault_add(faults, FAULT_ERROR, from->place, span_make(NULL, 0),
                  "authorizers." SPAN_FORMAT ".jwks_file: '" SPAN_FORMAT "', keys[%zu]: %s",
                  span_arg(from->name), span_arg(from->jwks_file), problem->key, problem->why);
    else
        fault_add(faults, FAULT_ERROR, from->place, span_make(NULL, 0),
                  "authorizers." SPAN_FORMAT ".jwks_file: '" SPAN_FORMAT "': %s",
                  span_arg(from->name), span_arg(from->jwks_file), problem->why);
}

static void free_set(void *set)
{
    key_set_free(set);
}

static struct key_store *new_store(const struct authorizer_settings *from)
{
    bool fetched = from->keys.url.at != NULL;
    return key_store_new(&(struct key_store_settings){.refresh_us = fetched ? from->refresh_us : 0,
                                                      .stale_us = fetched ? from->stale_for_us : 0},
                         free_set);
}

/* NULL, and said, where there are no keys in it. */
static struct key_store *store_of(const struct authorizer_settings *from, struct span document,
                                  bool everybody, struct faults *faults)
{
    struct key_set_problem problem;
    struct key_set *set = key_set_read(document, &problem);
    if (set == NULL) {
        say(from, &problem, faults);
        return NULL;
    }
    if (everybody && key_set_has_secret(set)) { /* who can read a secret can sign with it */
        fault_add(faults, FAULT_ERROR, from->place, SPAN("chmod o-rwx"),
                  "authorizers." SPAN_FORMAT ".jwks_file: '" SPAN_FORMAT
                  "': there is a secret in it and everybody may read it",
                  span_arg(from->name), span_arg(from->jwks_file));
        key_set_free(set);
        return NULL;
    }
    struct key_store *store = new_store(from);
    key_store_set(store, set, 0, 0, 0);
    return store;
}

/* The document of a file, which *everybody may read, or of the settings; empty: keys are fetched.
 * False: said why not. */
static bool document_read(const struct authorizer_settings *from, struct buf *to, bool *everybody,
                          struct faults *faults)
{
    char why[160];
    *everybody = false;
    if (from->jwks.at != NULL)
        return buf_add(to, from->jwks);
    if (from->jwks_file.at == NULL ||
        maybe_secret_file_read(from->jwks_file.at, to, everybody, why, sizeof why))
        return true;
    fault_add(faults, FAULT_ERROR, from->place, span_make(NULL, 0),
              "authorizers." SPAN_FORMAT ".jwks_file: '" SPAN_FORMAT "': %s", span_arg(from->name),
              span_arg(from->jwks_file), why);
    return false;
}

/* ---- one authorizer ---- */

static void add_tokens(struct key_sets *sets, const struct authorizer_settings *from,
                       const struct key_sets *before)
{
    uint64_t hash = sets->token_hashes[sets->count] = token_hash(from);
    struct tokens *same = NULL;
    for (size_t i = 0; before != NULL && i < before->count && same == NULL; i++)
        if (before->token_hashes[i] == hash)
            same = tokens_take(before->tokens[i]);
    sets->tokens[sets->count] = same != NULL ? same : tokens_new(TOKENS_MOST);
}

static void add_store(struct key_sets *sets, const struct authorizer_settings *from,
                      const struct key_sets *before, struct faults *faults)
{
    struct buf text;
    struct key_store *store = NULL;
    buf_init(&text, KEY_SET_BYTES + 1);
    bool everybody, is_read = document_read(from, &text, &everybody, faults);
    uint64_t hash = store_hash(from, buf_span(&text));
    add_number(&hash, everybody);
    sets->store_hashes[sets->count] = hash;
    for (size_t i = 0; is_read && before != NULL && i < before->count && store == NULL; i++)
        if (before->store_hashes[i] == hash)
            store = key_store_take(before->stores[i]);
    if (is_read && store == NULL)
        store = from->keys.url.at != NULL ? new_store(from)
                                          : store_of(from, buf_span(&text), everybody, faults);
    sets->stores[sets->count] = store;
    buf_wipe(&text);
}

/* ---- all of them ---- */

struct key_sets *key_sets_new(const struct settings *settings, const struct key_sets *before,
                              struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR), room = settings->authorizer_count + 1;
    struct key_sets *sets = must_alloc(sizeof *sets);
    sets->stores = must_alloc(room * sizeof(struct key_store *));
    sets->tokens = must_alloc(room * sizeof(struct tokens *));
    sets->store_hashes = must_alloc(room * sizeof *sets->store_hashes);
    sets->token_hashes = must_alloc(room * sizeof *sets->token_hashes);
    for (; sets->count < settings->authorizer_count; sets->count++) {
        const struct authorizer_settings *from = &settings->authorizers[sets->count];
        add_tokens(sets, from, before);
        if (authorizer_has_keys(from))
            add_store(sets, from, before, faults);
    }
    if (faults_count(faults, FAULT_ERROR) == errors)
        return sets;
    key_sets_free(sets);
    return NULL;
}

void key_sets_free(struct key_sets *sets)
{
    if (sets == NULL)
        return;
    for (size_t i = 0; i < sets->count; i++) {
        key_store_give(sets->stores[i]);
        tokens_give(sets->tokens[i]);
    }
    free(sets->stores);
    free(sets->tokens);
    free(sets->store_hashes);
    free(sets->token_hashes);
    free(sets);
}

struct key_store *const *key_sets_stores(const struct key_sets *sets)
{
    return sets->stores;
}

struct tokens *const *key_sets_tokens(const struct key_sets *sets)
{
    return sets->tokens;
}

uint64_t key_sets_hash(const struct key_sets *sets)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < sets->count; i++) {
        add_number(&hash, sets->store_hashes[i]);
        add_number(&hash, sets->token_hashes[i]);
    }
    return hash;
}
