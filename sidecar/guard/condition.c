/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/condition.h"

#include "rules/base/glob.h"
#include "sidecar/guard/address_set.h"

static bool fits(const struct condition *condition, struct span text, bool nocase)
{
    for (size_t i = 0; i < condition->text_count; i++) {
        struct span pattern = condition->texts[i];
        if (nocase ? glob_matches_nocase(pattern, text) : glob_matches(pattern, text))
            return true;
    }
    return false;
}

static enum condition_answer answer_of(bool holds)
{
    return holds ? CONDITION_YES : CONDITION_NO;
}

/* The first part that answers `deciding` decides; else one that does not know, else the other. */
static enum condition_answer ask_parts(const struct condition *condition, const struct asked *asked,
                                       enum condition_answer deciding)
{
    enum condition_answer answer = deciding == CONDITION_YES ? CONDITION_NO : CONDITION_YES;
    for (size_t i = 0; i < condition->part_count; i++) {
        enum condition_answer part = condition_ask(&condition->parts[i], asked);
        if (part == deciding)
            return part;
        if (part >= CONDITION_UNKNOWN && part > answer)
            answer = part;
    }
    return answer;
}

static enum condition_answer ask_not(const struct condition *condition, const struct asked *asked)
{
    enum condition_answer answer = condition_ask(condition->parts, asked);
    switch (answer) {
    case CONDITION_NO: return CONDITION_YES;
    case CONDITION_YES: return CONDITION_NO;
    case CONDITION_UNKNOWN:
    case CONDITION_MISSING: break;
    }
    return answer;
}

static enum condition_answer ask_sets(const struct condition *condition, const struct asked *asked)
{
    enum condition_answer answer = CONDITION_NO;
    for (size_t i = 0; i < condition->set_count && asked->has_address; i++) {
        const struct address_set *set = &asked->ip_sets[condition->sets[i]];
        if (address_set_has(set, &asked->address, asked->now_us))
            return CONDITION_YES;
        if (set->is_missing)
            answer = CONDITION_MISSING;
    }
    return answer;
}

static bool has_field(const struct condition *condition, const struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (span_is_nocase(fields->at[i].name, condition->name) &&
            fits(condition, fields->at[i].value, false))
            return true;
    return false;
}

static bool has_argument(const struct condition *condition, struct span query)
{
    while (query.at != NULL) {
        struct span value = span_cut(&query, '&');
        struct span name = span_cut(&value, '=');
        if (span_is(name, condition->name) && fits(condition, value, false))
            return true;
    }
    return false;
}

/* ---- who the client is by its certificate ---- */

static bool has_san(const struct condition *condition, const struct asked_certificate *certificate)
{
    for (size_t i = 0; i < certificate->san_count; i++)
        if (fits(condition, certificate->sans[i], false))
            return true;
    return false;
}

static enum condition_answer ask_certificate(const struct condition *condition,
                                             const struct asked_certificate *certificate)
{
    if (certificate == NULL)
        return CONDITION_NO;
    if (condition->kind == CONDITION_SUBJECT)
        return answer_of(fits(condition, certificate->subject, false));
    if (condition->kind == CONDITION_ISSUER)
        return answer_of(fits(condition, certificate->issuer, false));
    if (condition->kind == CONDITION_FINGERPRINT)
        return answer_of(fits(condition, certificate->fingerprint, true));
    return answer_of(has_san(condition, certificate));
}

/* ---- where the client is ---- */

static bool names(const struct condition *condition, struct span code)
{
    for (size_t i = 0; i < condition->text_count; i++)
        if (span_is_nocase(condition->texts[i], code))
            return true;
    return false;
}

static enum condition_answer ask_country(const struct condition *condition, struct span code)
{
    if (code.at != NULL)
        return answer_of(names(condition, code));
    return names(condition, SPAN("XX")) ? CONDITION_YES : CONDITION_UNKNOWN;
}

/* "DE-BY" among the texts. */
static enum condition_answer ask_subdivision(const struct condition *condition,
                                             const struct geo_place *place)
{
    if (place->country.at == NULL || place->subdivision.at == NULL)
        return CONDITION_UNKNOWN;
    for (size_t i = 0; i < condition->text_count; i++) {
        struct span code = condition->texts[i];
        struct span country = span_cut(&code, '-');
        if (span_is_nocase(country, place->country) && span_is_nocase(code, place->subdivision))
            return CONDITION_YES;
    }
    return CONDITION_NO;
}

/* Looked up by who asks for it alone. */
static struct span place_text(const struct asked *asked, enum geo_field field)
{
    if (asked->geo == NULL || !asked->has_address)
        return span_make(NULL, 0);
    return geo_text(asked->geo, &asked->address, field, asked->arena); /* no number: no memory */
}

static enum condition_answer ask_represented(const struct condition *condition,
                                             const struct asked *asked)
{
    struct span code = place_text(asked, GEO_REPRESENTED_CODE);
    return answer_of(names(condition, code.at != NULL ? code : SPAN("XX")));
}

static enum condition_answer ask_city(const struct condition *condition, const struct asked *asked)
{
    struct span city = place_text(asked, GEO_CITY_NAME);
    return city.at != NULL ? answer_of(fits(condition, city, true)) : CONDITION_UNKNOWN;
}

static enum condition_answer ask_asn(const struct condition *condition, uint32_t asn)
{
    for (size_t i = 0; i < condition->number_count; i++)
        if (condition->numbers[i] == asn)
            return CONDITION_YES;
    return asn != 0 ? CONDITION_NO : CONDITION_UNKNOWN;
}

static enum condition_answer ask_place(const struct condition *condition, const struct asked *asked)
{
    if (condition->kind == CONDITION_REPRESENTED_COUNTRY)
        return ask_represented(condition, asked);
    if (condition->kind == CONDITION_CITY)
        return ask_city(condition, asked);
    const struct geo_place *place = asked_place(asked);
    if (condition->kind == CONDITION_COUNTRY)
        return ask_country(condition, place->country);
    if (condition->kind == CONDITION_REGISTERED_COUNTRY)
        return ask_country(condition, place->registered_country);
    if (condition->kind == CONDITION_SUBDIVISION)
        return ask_subdivision(condition, place);
    if (condition->kind == CONDITION_ASN)
        return ask_asn(condition, place->asn);
    return answer_of((place->anonymous & condition->anonymous) != 0);
}

/* ---- any question ---- */

static bool holds(const struct condition *condition, const struct asked *asked)
{
    switch ((int)condition->kind) {
    case CONDITION_ADDRESS:
        return asked->has_address &&
               network_has(condition->networks, condition->network_count, &asked->address);
    case CONDITION_METHOD: return fits(condition, asked->method, false);
    case CONDITION_PATH: return fits(condition, asked->path, false);
    case CONDITION_HOST: return fits(condition, asked->host, true);
    case CONDITION_ROUTE: return fits(condition, asked->route, false);
    case CONDITION_HEADER: return has_field(condition, asked->fields);
    default: return has_argument(condition, asked->query);
    }
}

enum condition_answer condition_ask(const struct condition *condition, const struct asked *asked)
{
    switch (condition->kind) {
    case CONDITION_ALL: return ask_parts(condition, asked, CONDITION_NO);
    case CONDITION_ANY: return ask_parts(condition, asked, CONDITION_YES);
    case CONDITION_NOT: return ask_not(condition, asked);
    case CONDITION_SUBJECT:
    case CONDITION_ISSUER:
    case CONDITION_FINGERPRINT:
    case CONDITION_SAN: return ask_certificate(condition, asked->certificate);
    case CONDITION_COUNTRY:
    case CONDITION_REGISTERED_COUNTRY:
    case CONDITION_REPRESENTED_COUNTRY:
    case CONDITION_SUBDIVISION:
    case CONDITION_CITY:
    case CONDITION_ASN:
    case CONDITION_ANONYMOUS: return ask_place(condition, asked);
    case CONDITION_IP_SET: return ask_sets(condition, asked);
    case CONDITION_ADDRESS:
    case CONDITION_METHOD:
    case CONDITION_PATH:
    case CONDITION_HOST:
    case CONDITION_ROUTE:
    case CONDITION_HEADER:
    case CONDITION_QUERY: break;
    }
    return answer_of(holds(condition, asked));
}

const struct address_set *condition_missing_set(const struct condition *condition,
                                                const struct asked *asked)
{
    const struct address_set *found = NULL;
    for (size_t i = 0; condition->kind == CONDITION_IP_SET && i < condition->set_count; i++) {
        const struct address_set *set = &asked->ip_sets[condition->sets[i]];
        if (set->is_missing && (found == NULL || set->denies))
            found = set;
    }
    for (size_t i = 0; i < condition->part_count; i++) {
        const struct address_set *set = condition_missing_set(&condition->parts[i], asked);
        if (set != NULL && (found == NULL || set->denies))
            found = set;
    }
    return found;
}

static bool asks(const struct condition *condition, enum condition_kind first,
                 enum condition_kind last)
{
    if (condition->kind >= first && condition->kind <= last)
        return true;
    for (size_t i = 0; i < condition->part_count; i++)
        if (asks(&condition->parts[i], first, last))
            return true;
    return false;
}

bool condition_asks_path(const struct condition *condition)
{
    return asks(condition, CONDITION_PATH, CONDITION_PATH) ||
           asks(condition, CONDITION_ROUTE, CONDITION_ROUTE);
}

bool condition_asks_place(const struct condition *condition)
{
    return asks(condition, CONDITION_COUNTRY, CONDITION_ANONYMOUS);
}
