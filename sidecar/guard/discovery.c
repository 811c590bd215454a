/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/discovery.h"

#include <jansson.h>

#include "rules/base/number.h"
#include "sidecar/http/target.h"

enum { SECOND_US = 1000000 };
static const uint64_t life_most_s = (uint64_t)100 * 365 * 86400;

bool discovery_is_url(struct span text)
{
    struct span rest = span_starts(text, SPAN("https://"))  ? span_from(text, 8)
                       : span_starts(text, SPAN("http://")) ? span_from(text, 7)
                                                            : span_make(NULL, 0);
    for (size_t i = 0; i < rest.len; i++)
        if ((unsigned char)rest.at[i] <= ' ' || (unsigned char)rest.at[i] >= 0x7f)
            return false;
    struct span authority = span_first(rest, span_find_byte(rest, '/'));
    return text.len <= DISCOVERY_URL_BYTES && authority.len > 0 && authority_is_valid(authority) &&
           span_find_byte(authority, '@') == SPAN_NONE;
}

static struct span text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value))
                                 : span_make(NULL, 0);
}

static const char *url_of(const json_t *json, struct span issuer, struct arena *arena,
                          const char **why)
{
    struct span url = text_of(json, "jwks_uri");
    bool with_tls = span_starts(issuer, SPAN("https://"));
    *why = NULL;
    if (!span_is(text_of(json, "issuer"), issuer))
        *why = "the issuer's own description names another issuer";
    else if (!discovery_is_url(url))
        *why = "the issuer's own description names no jwks_uri";
    else if (with_tls && !span_starts(url, SPAN("https://")))
        *why = "the issuer's jwks_uri is without TLS";
    return *why == NULL ? arena_string(arena, url) : NULL;
}

const char *discovery_keys_url(struct span document, struct span issuer, struct arena *arena,
                               const char **why)
{
    json_t *json = json_loadb(document.at != NULL ? document.at : "", document.len,
                              JSON_REJECT_DUPLICATES, NULL);
    const char *url = NULL;
    if (json_is_object(json))
        url = url_of(json, issuer, arena, why);
    else
        *why = "the issuer's own description is no JSON object";
    json_decref(json);
    return url;
}

uint64_t discovery_life_us(struct span cache_control)
{
    struct span rest = cache_control;
    uint64_t life_us = 0;
    while (rest.at != NULL) {
        struct span value = span_trim_ows(span_cut(&rest, ','));
        struct span name = span_cut(&value, '=');
        uint64_t seconds;
        if (span_is_nocase(name, SPAN("no-store")) || span_is_nocase(name, SPAN("no-cache")))
            return 1;
        if (span_is_nocase(name, SPAN("max-age")) && number_parse(span_trim(value, "\""), &seconds))
            life_us =
                seconds == 0 ? 1 : (seconds < life_most_s ? seconds : life_most_s) * SECOND_US;
    }
    return life_us;
}
