/* SPDX-License-Identifier: Apache-2.0 */
/* What issuers say, from any bytes:
 *   - as a description: a URL that comes out of it is one, and that of an issuer with TLS has TLS,
 *   - as an answer about a token: what holds is good for a while yet, and an answer that says
 * nothing of `active` never holds,
 *   - as Cache-Control: a life is bounded,
 *   - as the name of a user pool: its issuer is a URL below Amazon's. */
#include "rules/base/must.h"
#include "sidecar/guard/cognito.h"
#include "sidecar/guard/discovery.h"
#include "sidecar/guard/jwt.h"

enum { ARENA_BYTES = 1024 * 1024, NOW_S = 1000 };

static void try_description(struct span bytes, struct span issuer, struct arena *arena)
{
    const char *why = NULL;
    const char *url = discovery_keys_url(bytes, issuer, arena, &why);
    must((url == NULL) == (why != NULL));
    if (url == NULL)
        return;
    must(discovery_is_url(span_text(url)));
    must(!span_starts(issuer, SPAN("https://")) || span_starts(span_text(url), SPAN("https://")));
}

static void try_answer(struct span bytes, struct arena *arena)
{
    const struct jwt_rules rules = {.skew_s = 1};
    struct jwt jwt;
    struct jwt_verdict verdict = jwt_introspected(bytes, &rules, NOW_S, arena, &jwt);
    must(verdict.word != NULL && verdict.sentence != NULL);
    if (verdict.outcome == JWT_HOLDS)
        must(jwt.good_until_s >= NOW_S && jwt.claim_count >= 1 &&
             span_find(bytes, SPAN("true")) != SPAN_NONE);
}

static void try_pool(struct span bytes, struct arena *arena)
{
    struct span issuer = cognito_issuer(bytes, arena);
    if (issuer.at != NULL)
        must(span_starts(issuer, SPAN("https://cognito-idp.")) && discovery_is_url(issuer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_make((const char *)data, size);
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    must(arena != NULL);
    try_description(bytes, SPAN("http://i"), arena);
    try_description(bytes, SPAN("https://i"), arena);
    try_answer(bytes, arena);
    try_pool(bytes, arena);
    must(discovery_life_us(bytes) <= UINT64_C(100) * 365 * 86400 * 1000000);
    arena_free(arena);
    return 0;
}
