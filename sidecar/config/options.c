/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself, and finding one's way in it. */
#include "sidecar/config/options.h"

#include "sidecar/config/settings.h"
#include "sidecar/config/values.h"

#define IN(type, member)         offsetof(struct type, member), 0
#define IN2(type, member, other) offsetof(struct type, member), offsetof(struct type, other)
#define NOWHERE                  0, 0
#define OPTION(path, type, standard, effect, where, sentence) \
    {path, &type_##type, standard, EFFECT_##effect, where, sentence},

static const struct option table[] = {
#include "sidecar/config/options.tbl"
};
enum { OPTIONS = sizeof table / sizeof *table };

static const struct option_group groups[] = {
    {"listeners[]", sizeof(struct listener_settings), offsetof(struct settings, listeners),
     offsetof(struct settings, listener_count), 0},
    {"otlp", sizeof(struct receiver_settings), offsetof(struct settings, otlp.receivers),
     offsetof(struct settings, otlp.receiver_count), 0},
    {"upstreams.*", sizeof(struct upstream_settings), offsetof(struct settings, upstreams),
     offsetof(struct settings, upstream_count), offsetof(struct upstream_settings, name)},
    {"ip_sets.*", sizeof(struct ip_set_settings), offsetof(struct settings, ip_sets),
     offsetof(struct settings, ip_set_count), offsetof(struct ip_set_settings, name)},
    {"access[]", sizeof(struct access_entry), offsetof(struct settings, access),
     offsetof(struct settings, access_count), 0},
    {"rate_limits.*", sizeof(struct rate_limit_settings), offsetof(struct settings, rate_limits),
     offsetof(struct settings, rate_limit_count), offsetof(struct rate_limit_settings, name)},
    {"authorizers.*", sizeof(struct authorizer_settings), offsetof(struct settings, authorizers),
     offsetof(struct settings, authorizer_count), offsetof(struct authorizer_settings, name)},
    {"usage_plans.*", sizeof(struct usage_plan_settings), offsetof(struct settings, usage_plans),
     offsetof(struct settings, usage_plan_count), offsetof(struct usage_plan_settings, name)},
    {"rules.exclusions[]", sizeof(struct exclusion_settings),
     offsetof(struct settings, rules.exclusions), offsetof(struct settings, rules.exclusion_count),
     0},
    {"waf_log.filters[]", sizeof(struct waf_filter), offsetof(struct settings, waf_log.filters.at),
     offsetof(struct settings, waf_log.filters.count), 0},
    {"metric_filters[]", sizeof(struct metric_filter), offsetof(struct settings, metric_filters),
     offsetof(struct settings, metric_filter_count), 0},
    {"routes[]", sizeof(struct route_settings), offsetof(struct settings, routes),
     offsetof(struct settings, route_count), 0},
};
enum { GROUPS = sizeof groups / sizeof *groups };

const struct option *options_at(size_t i)
{
    return i < OPTIONS ? &table[i] : NULL;
}

const struct option *options_find(struct span path)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (span_is(path, span_text(table[i].path)))
            return &table[i];
    return NULL;
}

const struct option_group *option_groups_at(size_t i)
{
    return i < GROUPS ? &groups[i] : NULL;
}

const struct option_group *option_group_find(struct span path)
{
    for (size_t i = 0; i < GROUPS; i++)
        if (span_is(path, span_text(groups[i].path)))
            return &groups[i];
    return NULL;
}

/* What stands behind "path." in a row's path; at == NULL: the row lies elsewhere. */
static struct span below(struct span row, struct span path)
{
    if (path.len == 0)
        return row;
    if (!span_starts(row, path) || row.len <= path.len)
        return span_make(NULL, 0);
    char next = row.at[path.len];
    bool inside = next == '.' || (next == '[' && row.len > path.len + 2);
    return inside ? span_from(row, path.len + (next == '.')) : span_make(NULL, 0);
}

const struct option_group *option_group_of(const struct option *option)
{
    for (size_t i = 0; i < GROUPS; i++)
        if (below(span_text(option->path), span_text(groups[i].path)).at != NULL)
            return &groups[i];
    return NULL;
}

bool options_have_below(struct span path)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (below(span_text(table[i].path), path).at != NULL)
            return true;
    return false;
}

static bool is_known(const char *const *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(span_text(names[i]), name))
            return true;
    return false;
}

size_t options_names_below(struct span path, const char *names[OPTION_NAMES_MOST],
                           struct buf *texts)
{
    size_t count = 0;
    if (buf_room(texts, texts->ceiling - texts->len) ==
        NULL) /* so that names stay where they are */
        return 0;
    for (size_t i = 0; i < OPTIONS && count < OPTION_NAMES_MOST; i++) {
        struct span name = below(span_text(table[i].path), path);
        if (name.at == NULL)
            continue;
        name = span_first(name, strcspn(name.at, ".["));
        if (name.len == 0 || is_known(names, count, name))
            continue;
        size_t at = texts->len;
        if (!buf_add(texts, name) || !buf_add_byte(texts, '\0'))
            break;
        names[count++] = texts->at + at;
    }
    return count;
}
