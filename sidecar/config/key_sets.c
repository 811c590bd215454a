/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/key_sets.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/siphash.h"
#include "sidecar/config/private_file.h"
#include "sidecar/guard/jwk.h"
#include "sidecar/state/tokens.h"

enum { TOKENS_MOST = 2048 }; /* of an authorizer: 8 MiB of values at the most */

struct key_sets {
    struct key_set **at;
    struct tokens **tokens;
    size_t count;
    uint64_t hash;
};

static void add_number(struct key_sets *sets, uint64_t number)
{
    siphash_add(&sets->hash, span_make((const char *)&number, sizeof number));
}

/* What a token is asked besides its key; `mode` only says what becomes of the answer. */
static void add_settings(struct key_sets *sets, const struct authorizer_settings *from)
{
    siphash_add(&sets->hash, from->name);
    siphash_add(&sets->hash, from->issuer);
    siphash_add(&sets->hash, from->token_use);
    add_number(sets, from->token_use.at != NULL);
    add_number(sets, from->algorithms);
    add_number(sets, from->skew_us);
    add_number(sets, from->audience_count);
    for (size_t i = 0; i < from->audience_count; i++)
        siphash_add(&sets->hash, from->audiences[i]);
}

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

static struct key_set *read_set(struct key_sets *sets, const struct authorizer_settings *from,
                                struct faults *faults)
{
    char why[160];
    struct buf text;
    struct key_set_problem problem;
    struct key_set *set = NULL;
    buf_init(&text, KEY_SET_BYTES + 1);
    if (from->jwks_file.at == NULL)
        return NULL; /* of a type without */
    if (!private_file_read(from->jwks_file.at, &text, why, sizeof why)) {
        fault_add(faults, FAULT_ERROR, from->place, span_make(NULL, 0),
                  "authorizers." SPAN_FORMAT ".jwks_file: '" SPAN_FORMAT "': %s",
                  span_arg(from->name), span_arg(from->jwks_file), why);
    } else {
        set = key_set_read(buf_span(&text), &problem);
        if (set == NULL)
            say(from, &problem, faults);
    }
    siphash_add(&sets->hash, buf_span(&text));
    add_settings(sets, from);
    if (text.at != NULL)
        explicit_bzero(text.at, text.size); /* there may be secrets in it */
    buf_fini(&text);
    return set;
}

struct key_sets *key_sets_new(const struct settings *settings, struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR);
    struct key_sets *sets = must_alloc(sizeof *sets);
    sets->at = must_alloc((settings->authorizer_count + 1) * sizeof(struct key_set *));
    sets->tokens = must_alloc((settings->authorizer_count + 1) * sizeof(struct tokens *));
    for (; sets->count < settings->authorizer_count; sets->count++) {
        if (settings->authorizers[sets->count].type != AUTHORIZER_JWT)
            continue;
        sets->at[sets->count] = read_set(sets, &settings->authorizers[sets->count], faults);
        sets->tokens[sets->count] = tokens_new(TOKENS_MOST);
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
        key_set_free(sets->at[i]);
        tokens_free(sets->tokens[i]);
    }
    free(sets->at);
    free(sets->tokens);
    free(sets);
}

const struct key_set *const *key_sets_at(const struct key_sets *sets)
{
    return (const struct key_set *const *)sets->at;
}

struct tokens *const *key_sets_tokens(const struct key_sets *sets)
{
    return sets->tokens;
}

uint64_t key_sets_hash(const struct key_sets *sets)
{
    return sets->hash;
}
