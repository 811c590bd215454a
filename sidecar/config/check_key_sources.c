/* SPDX-License-Identifier: Apache-2.0 */
/* Where authorizers have their keys from: one source, and what is said of fetching has to mean
 * something. */
#include "sidecar/config/read.h"
#include "sidecar/guard/cognito.h"
#include "sidecar/guard/discovery.h"
#include "sidecar/guard/jws.h"

enum { TIMEOUT_US = 1500000 }; /* as API Gateway gives it */

static void refuse(struct reading *reading, struct place place, const char *hint,
                   const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, place, span_text(hint), "authorizers.*.%s", message);
}

/* Only one of them. */
static const struct node *source_of(struct reading *reading, const struct node *node)
{
    static const char *const names[] = {"jwks_file", "jwks", "jwks_url"};
    const struct node *found = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct node *one = tree_find(node, span_text(names[i]));
        if (one != NULL && found != NULL)
            refuse(reading, one->key_place, "jwks_file, jwks or jwks_url",
                   "jwks_file, jwks, jwks_url: keys come from one place");
        found = one != NULL ? one : found;
    }
    return found;
}

bool key_source_is_for_fetching(struct span option)
{
    static const char *const names[] = {"ca_file", "refresh", "stale_for", "timeout", "on_failure"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is(option, span_text(names[i])))
            return true;
    return false;
}

/* Nobody fetches: what is said of it would do nothing. */
static void refuse_fetching(struct reading *reading, const struct node *node)
{
    for (const struct node *one = node->first; one != NULL; one = one->next)
        if (key_source_is_for_fetching(one->key))
            fault_add(reading->faults, FAULT_ERROR, one->key_place, SPAN("jwks_url"),
                      "authorizers.*." SPAN_FORMAT ": keys that are given are not fetched",
                      span_arg(one->key));
}

static void settle_url(struct reading *reading, struct authorizer_settings *settings,
                       const struct node *node)
{
    struct span issuer = settings->issuer;
    settings->keys.url = settings->jwks_url;
    if (settings->jwks_url.at != NULL || issuer.at == NULL)
        return;
    if (!discovery_is_url(issuer) && reading_refused(reading, node))
        return; /* a source of keys may be what was refused */
    if (!discovery_is_url(issuer)) {
        refuse(reading, node->place, "add jwks_file, jwks or jwks_url",
               "jwks_file is missing: the issuer is no URL that its keys could be found by");
        return;
    }
    settings->keys.is_described = true;
    settings->keys.url = arena_format(
        reading->arena, SPAN_FORMAT DISCOVERY_PATH,
        span_arg(span_ends(issuer, SPAN("/")) ? span_first(issuer, issuer.len - 1) : issuer));
}

/* What follows from the pool. */
static void settle_pool(struct reading *reading, struct authorizer_settings *settings)
{
    if (settings->user_pool.at == NULL)
        return; /* said already */
    settings->issuer = cognito_issuer(settings->user_pool, reading->arena);
    settings->algorithms = JWS_SET(JWS_RS256);
    settings->keys.url = settings->jwks_url;
    if (settings->jwks_url.at != NULL)
        return;
    settings->keys.url =
        arena_format(reading->arena, SPAN_FORMAT COGNITO_KEYS_PATH, span_arg(settings->issuer));
}

static bool is_loopback(struct span url)
{
    static const struct span hosts[] = {SPAN_INIT("http://127."), SPAN_INIT("http://localhost:"),
                                        SPAN_INIT("http://localhost/"), SPAN_INIT("http://[::1]")};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (span_starts(url, hosts[i]))
            return true;
    return false;
}

bool url_is_open(struct span url)
{
    return span_starts(url, SPAN("http://")) && !is_loopback(url);
}

void key_source_check(struct reading *reading, struct authorizer_settings *settings,
                      const struct node *node)
{
    static const unsigned secret = JWS_SET(JWS_HS256) | JWS_SET(JWS_HS384) | JWS_SET(JWS_HS512);
    const struct node *source = source_of(reading, node);
    bool fetched = source == NULL || settings->jwks_url.at != NULL;
    bool said = source != NULL && reading_refused(reading, source);
    if (settings->type == AUTHORIZER_COGNITO)
        settle_pool(reading, settings);
    else if (fetched)
        settle_url(reading, settings, node);
    else if (!said)
        refuse_fetching(reading, node);
    if (tree_find(node, SPAN("timeout")) == NULL)
        settings->timeout_us = TIMEOUT_US;
    const struct node *algorithms = tree_find(node, SPAN("algorithms"));
    if (!reading_refused(reading, node) && settings->jwks_file.at == NULL && algorithms != NULL &&
        (settings->algorithms & secret) != 0)
        refuse(reading, algorithms->place, "jwks_file",
               "algorithms: a secret, as HS256 to HS512 want it, is neither published nor written "
               "here");
    if (url_is_open(settings->keys.url))
        fault_add(
            reading->faults, FAULT_WARNING, (source != NULL ? source : node)->place,
            SPAN("https://"),
            "authorizers.*.jwks_url: keys come without TLS: whoever is on the way decides who "
            "may pass");
}
