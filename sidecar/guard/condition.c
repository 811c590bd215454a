/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/condition.h"

#include "rules/base/glob.h"
#include "rules/base/networks.h"

static bool fits(const struct condition *condition, struct span text, bool nocase)
{
    for (size_t i = 0; i < condition->text_count; i++) {
        struct span pattern = condition->texts[i];
        if (nocase ? glob_matches_nocase(pattern, text) : glob_matches(pattern, text))
            return true;
    }
    return false;
}

static bool all_hold(const struct condition *condition, const struct asked *asked)
{
    for (size_t i = 0; i < condition->part_count; i++)
        if (!condition_holds(&condition->parts[i], asked))
            return false;
    return true;
}

static bool any_holds(const struct condition *condition, const struct asked *asked)
{
    for (size_t i = 0; i < condition->part_count; i++)
        if (condition_holds(&condition->parts[i], asked))
            return true;
    return false;
}

static bool in_sets(const struct condition *condition, const struct asked *asked)
{
    for (size_t i = 0; i < condition->set_count && asked->has_address; i++)
        if (networks_have(asked->ip_sets[condition->sets[i]], &asked->address))
            return true;
    return false;
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

bool condition_holds(const struct condition *condition, const struct asked *asked)
{
    switch (condition->kind) {
    case CONDITION_ALL: return all_hold(condition, asked);
    case CONDITION_ANY: return any_holds(condition, asked);
    case CONDITION_NOT: return !condition_holds(condition->parts, asked);
    case CONDITION_IP_SET: return in_sets(condition, asked);
    case CONDITION_ADDRESS:
        return asked->has_address &&
               network_has(condition->networks, condition->network_count, &asked->address);
    case CONDITION_METHOD: return fits(condition, asked->method, false);
    case CONDITION_PATH: return fits(condition, asked->path, false);
    case CONDITION_HOST: return fits(condition, asked->host, true);
    case CONDITION_ROUTE: return fits(condition, asked->route, false);
    case CONDITION_HEADER: return has_field(condition, asked->fields);
    case CONDITION_QUERY: return has_argument(condition, asked->query);
    }
    return false;
}
