/* SPDX-License-Identifier: Apache-2.0 */
/* Managed groups: ours under AWS's names, made from web_acl_managed.tbl. */
#include "sidecar/guard/web_acl_reader.h"

enum managed_kind {
    MANAGED_GROUP, /* a row that begins a group */
    MANAGED_REGEX,
    MANAGED_BYTES,
    MANAGED_SIZE,
    MANAGED_SQLI,
    MANAGED_XSS,
    MANAGED_MISSING,
    MANAGED_IP_SET,
};

static const struct managed_row {
    enum managed_kind kind;
    const char *name;
    const char *text; /* of a group: the namespace of its labels */
    unsigned size;    /* of a group: WCU */
    enum web_acl_component component;
    const char *header;
} rows[] = {
#define GROUP(name, labels, units) {MANAGED_GROUP, name, labels, units, COMPONENT_URI_PATH, ""},
#define RULE(name, component, header, kind, text, size) \
    {MANAGED_##kind, name, text, size, COMPONENT_##component, header},
#include "sidecar/guard/web_acl_managed.tbl"
#undef RULE
#undef GROUP
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Groups that need what only AWS has: tokens, a network's memory of accounts and bots. */
static const char *const foreign[] = {"AWSManagedRulesBotControlRuleSet",
                                      "AWSManagedRulesATPRuleSet", "AWSManagedRulesACFPRuleSet",
                                      "AWSManagedRulesAntiDDoSRuleSet"};
enum { FOREIGN = sizeof foreign / sizeof *foreign };

/* AWS writes labels as CrossSiteScripting_QueryArguments where the rule is .._QUERYARGUMENTS. */
static struct span label_of(struct web_acl_reader *r, const char *labels, struct span rule)
{
    static const struct {
        struct span rule, label;
    } ends[] = {
        {SPAN_INIT("_QUERYARGUMENTS"), SPAN_INIT("_QueryArguments")},
        {SPAN_INIT("_QUERYSTRING"), SPAN_INIT("_QueryString")},
        {SPAN_INIT("_URIPATH"), SPAN_INIT("_URIPath")},
        {SPAN_INIT("_HEADER"), SPAN_INIT("_Header")},
        {SPAN_INIT("_COOKIE"), SPAN_INIT("_Cookie")},
        {SPAN_INIT("_BODY"), SPAN_INIT("_Body")},
        {SPAN_INIT("PROPFIND_METHOD"), SPAN_INIT("Propfind_Method")},
    };
    struct span end = {"", 0};
    for (size_t i = 0; i < sizeof ends / sizeof *ends && end.len == 0; i++)
        if (span_ends(rule, ends[i].rule)) {
            end = ends[i].label;
            rule.len -= ends[i].rule.len;
        }
    return arena_format(r->arena, "awswaf:managed:aws:%s:" SPAN_FORMAT SPAN_FORMAT, labels,
                        span_arg(rule), span_arg(end));
}

/* ---- one rule ---- */

static void make_patterns(struct web_acl_reader *r, const char *text, struct web_acl_statement *to)
{
    const struct pattern **pattern = arena_alloc(r->arena, sizeof(struct pattern *));
    if (pattern == NULL)
        return;
    *pattern = reader_pattern(r, span_text(text));
    to->patterns = pattern;
    to->pattern_count = 1;
}

static void make_set(struct web_acl_reader *r, const char *name, struct web_acl_statement *to)
{
    for (to->set = 0; to->set < r->names->ip_set_count; to->set++)
        if (span_is(span_text(name), r->names->ip_sets[to->set]))
            return;
    reader_refuse(r, SPAN("give your own list that name in ip_sets"),
                  "AWS's list of addresses is not public: no ip_set '%s'", name);
}

/* `user-agent: ` is as good as none. */
static void make_missing(struct web_acl_reader *r, struct web_acl_statement *to)
{
    struct web_acl_statement *part = arena_alloc(r->arena, sizeof *part);
    if (part == NULL)
        return;
    *part = *to;
    part->kind = KIND_SIZE;
    part->comparison = COMPARE_GT;
    *to = (struct web_acl_statement){.kind = KIND_NOT, .parts = part, .part_count = 1};
}

/* Sizes are of what came, all else is looked for behind the escapes. */
static void make_transforms(struct web_acl_reader *r, struct web_acl_statement *to)
{
    web_acl_transform **chain = arena_alloc(r->arena, sizeof *chain);
    if (chain == NULL)
        return;
    *chain = web_acl_transform_find(SPAN("URL_DECODE_UNI"));
    to->transforms = chain;
    to->transform_count = 1;
}

static void make_statement(struct web_acl_reader *r, const struct managed_row *row,
                           struct web_acl_statement *to)
{
    static const enum web_acl_kind kinds[] = {
        [MANAGED_GROUP] = KIND_GROUP, [MANAGED_REGEX] = KIND_REGEX,   [MANAGED_BYTES] = KIND_BYTES,
        [MANAGED_SIZE] = KIND_SIZE,   [MANAGED_SQLI] = KIND_SQLI,     [MANAGED_XSS] = KIND_XSS,
        [MANAGED_MISSING] = KIND_NOT, [MANAGED_IP_SET] = KIND_IP_SET,
    };
    *to = (struct web_acl_statement){
        .kind = kinds[row->kind],
        .field = {.component = row->component,
                  .name = span_text(row->header),
                  .scope = SCOPE_VALUE},
        .text = span_text(row->text),
        .comparison = COMPARE_GT,
        .size = row->size,
        .sensitive = row->size > 0,
    };
    r->acl->wants_body |= row->component == COMPONENT_BODY;
    if (row->kind == MANAGED_REGEX)
        make_patterns(r, row->text, to);
    if (row->kind == MANAGED_IP_SET)
        make_set(r, row->text, to);
    if (row->kind == MANAGED_MISSING)
        make_missing(r, to);
    else if (row->kind != MANAGED_SIZE)
        make_transforms(r, to);
}

static void make_rule(struct web_acl_reader *r, const struct managed_row *row, const char *labels,
                      struct web_acl_rule *rule)
{
    struct span *label = arena_alloc(r->arena, sizeof *label);
    if (label == NULL)
        return;
    *label = label_of(r, labels, span_text(row->name));
    rule->labels = label;
    rule->label_count = 1;
    rule->name = arena_format(r->arena, SPAN_FORMAT "/%s%c", span_arg(r->group), row->name, '\0');
    if (rule->name.len > 0)
        rule->name.len--; /* terminated as well, like the others */
    json_t *block = json_pack("{s:{}}", "Block");
    if (block != NULL)
        reader_action(r, block, rule);
    json_decref(block);
    if (strcmp(row->name, "AWSManagedIPDDoSList") == 0)
        rule->action = ACTION_COUNT;
    make_statement(r, row, &rule->statement);
}

/* ---- the group ---- */

static const struct managed_row *find_group(struct web_acl_reader *r, struct span name)
{
    const char *names[ROWS];
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].kind != MANAGED_GROUP)
            continue;
        if (span_is(name, span_text(rows[i].name)))
            return &rows[i];
        names[count++] = rows[i].name;
    }
    for (size_t i = 0; i < FOREIGN; i++)
        if (span_is(name, span_text(foreign[i]))) {
            reader_refuse(r, SPAN("take this rule out"),
                          "%s needs what only AWS has: not supported", foreign[i]);
            return NULL;
        }
    reader_refuse_word(r, name, names, count, "managed rule group that we have rules for");
    return NULL;
}

static unsigned make_group(struct web_acl_reader *r, const struct managed_row *group,
                           const json_t *reference, struct web_acl_statement *to)
{
    size_t count = 0;
    while (&group[count + 1] < rows + ROWS && group[count + 1].kind != MANAGED_GROUP)
        count++;
    struct web_acl_rule *rules = arena_alloc(r->arena, count * sizeof *rules);
    struct web_acl_group *made = arena_alloc(r->arena, sizeof *made);
    if (rules == NULL || made == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        make_rule(r, &group[i + 1], group->text, &rules[i]);
    reader_overrides(r, reference, rules, count);
    *made = (struct web_acl_group){.rules = rules,
                                   .rule_count = count,
                                   .name = span_text(group->name),
                                   .capacity = group->size,
                                   .counted = group->size,
                                   .is_managed = true};
    to->group = made;
    r->acl->has_managed = true;
    return group->size;
}

unsigned reader_managed_group(struct web_acl_reader *r, const json_t *value,
                              struct web_acl_statement *to)
{
    unsigned units = 0;
    if (!READER_MEMBERS(r, value, "VendorName", "Name", "Version", "ScopeDownStatement",
                        "RuleActionOverrides", "ExcludedRules"))
        return 0;
    to->kind = KIND_GROUP;
    struct span vendor = reader_text(r, value, "VendorName", true);
    struct span name = reader_text(r, value, "Name", true);
    units += reader_scope_down(r, value, to);
    if (vendor.at != NULL && !span_is(vendor, SPAN("AWS")))
        reader_refuse(r, SPAN("AWS"), "no managed rules of vendor '" SPAN_FORMAT "'",
                      span_arg(vendor));
    const struct managed_row *group = name.at != NULL ? find_group(r, name) : NULL;
    return units + (group != NULL ? make_group(r, group, value, to) : 0);
}
