/* SPDX-License-Identifier: Apache-2.0 */
/* Rules, what they do, and groups of them. */
#include "rules/base/map.h"
#include "sidecar/guard/web_acl_reader.h"
#include "sidecar/http/fields.h"

enum { BODY_BYTES = 10240, FIELDS_MOST = 10, WCU_MOST = 5000 };

/* ---- answers and fields ---- */

static const struct pair *read_pairs(struct web_acl_reader *r, const json_t *object,
                                     const char *member, const char *prefix, size_t *count)
{
    const json_t *list = reader_list(r, object, member, false, 1);
    size_t mark = reader_enter(r, member);
    struct pair *pairs = arena_alloc(r->arena, (json_array_size(list) + 1) * sizeof *pairs);
    if (json_array_size(list) > FIELDS_MOST)
        reader_refuse(r, SPAN(""), "at most 10 of them");
    for (size_t i = 0; i < json_array_size(list) && i < FIELDS_MOST && pairs != NULL; i++) {
        const json_t *item = json_array_get(list, i);
        size_t at = reader_enter_item(r, i);
        if (READER_MEMBERS(r, item, "Name", "Value")) {
            struct span name = reader_text(r, item, "Name", true);
            struct pair pair = {.value = reader_text(r, item, "Value", true)};
            pair.name = arena_format(r->arena, "%s" SPAN_FORMAT, prefix, span_arg(name));
            bool broken = span_find_byte(pair.value, '\r') != SPAN_NONE ||
                          span_find_byte(pair.value, '\n') != SPAN_NONE ||
                          span_find_byte(pair.value, '\0') != SPAN_NONE;
            if (name.at != NULL && (!http_is_token(name) || name.len > 64))
                reader_refuse(r, SPAN(""), "'Name' is no name of a field");
            else if (broken || pair.value.len > 255)
                reader_refuse(r, SPAN(""), "'Value' is one line of at most 255 bytes");
            else
                pairs[(*count)++] = pair;
        }
        reader_leave(r, at);
    }
    reader_leave(r, mark);
    return pairs;
}

static void read_keyed_body(struct web_acl_reader *r, struct span key, struct guard_answer *answer)
{
    static const char *const words[] = {"TEXT_PLAIN", "TEXT_HTML", "APPLICATION_JSON"};
    static const struct span types[] = {SPAN_INIT("text/plain"), SPAN_INIT("text/html"),
                                        SPAN_INIT("application/json")};
    const json_t *body = json_object_get(r->bodies, key.at);
    if (body == NULL) {
        reader_refuse(r, SPAN(""), "CustomResponseBodies has no '" SPAN_FORMAT "'", span_arg(key));
        return;
    }
    answer->body = reader_text(r, body, "Content", true);
    size_t word = reader_word(r, body, "ContentType", true, words, 3);
    if (word != SPAN_NONE)
        answer->type = types[word];
    if (answer->body.len > BODY_BYTES)
        reader_refuse(r, SPAN(""), "the body has at most 10,240 bytes");
}

/* What AWS's gateway answers where the web ACL says nothing: WAF_FILTERED. */
static struct guard_answer standard_answer(void)
{
    static const struct pair fields[] = {
        {SPAN_INIT("x-amzn-ErrorType"), SPAN_INIT("ForbiddenException")}};
    return (struct guard_answer){.status = 403,
                                 .type = SPAN("application/json"),
                                 .body = SPAN("{\"message\":\"Forbidden\"}"),
                                 .fields = fields,
                                 .field_count = 1};
}

static void read_custom_answer(struct web_acl_reader *r, const json_t *value,
                               struct guard_answer *answer)
{
    uint64_t status = 403;
    if (!READER_MEMBERS(r, value, "ResponseCode", "CustomResponseBodyKey", "ResponseHeaders"))
        return;
    *answer = (struct guard_answer){.body = SPAN("")};
    reader_number(r, value, "ResponseCode", true, (struct reader_range){200, 599}, &status);
    answer->status = (unsigned)status;
    answer->fields = read_pairs(r, value, "ResponseHeaders", "", &answer->field_count);
    struct span key = reader_text(r, value, "CustomResponseBodyKey", false);
    size_t mark = reader_enter(r, "CustomResponseBodyKey");
    if (key.at != NULL)
        read_keyed_body(r, key, answer);
    reader_leave(r, mark);
}

static void read_block(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule)
{
    rule->answer = standard_answer();
    const json_t *custom = json_object_get(value, "CustomResponse");
    if (!READER_MEMBERS(r, value, "CustomResponse") || custom == NULL)
        return;
    size_t mark = reader_enter(r, "CustomResponse");
    read_custom_answer(r, custom, &rule->answer);
    reader_leave(r, mark);
}

static void keep_inserted(struct web_acl_reader *r, struct span name)
{
    for (const struct web_acl_name *own = r->acl->inserted; own != NULL; own = own->next)
        if (span_is_nocase(own->name, name))
            return;
    struct web_acl_name *own = arena_alloc(r->arena, sizeof *own);
    if (own != NULL) {
        *own = (struct web_acl_name){r->acl->inserted, name};
        r->acl->inserted = own;
    }
}

static void read_handling(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule)
{
    const json_t *handling = json_object_get(value, "CustomRequestHandling");
    if (!READER_MEMBERS(r, value, "CustomRequestHandling") || handling == NULL)
        return;
    size_t mark = reader_enter(r, "CustomRequestHandling");
    if (READER_MEMBERS(r, handling, "InsertHeaders"))
        rule->inserted =
            read_pairs(r, handling, "InsertHeaders", "x-amzn-waf-", &rule->inserted_count);
    for (size_t i = 0; i < rule->inserted_count; i++)
        keep_inserted(r, rule->inserted[i].name);
    reader_leave(r, mark);
}

/* ---- actions ---- */

bool reader_action(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule)
{
    static const char *const names[] = {"Count", "Allow", "Block"}; /* as enum web_acl_action */
    bool found = false;
    rule->inserted_count = 0;
    for (size_t i = 0; i < 3; i++) {
        const json_t *action = json_object_get(value, names[i]);
        if (action == NULL)
            continue;
        size_t mark = reader_enter(r, names[i]);
        rule->action = (enum web_acl_action)i;
        if (i == ACTION_BLOCK)
            read_block(r, action, rule);
        else
            read_handling(r, action, rule);
        reader_leave(r, mark);
        found = true;
    }
    if (json_object_get(value, "Captcha") != NULL || json_object_get(value, "Challenge") != NULL)
        reader_refuse(
            r, SPAN("Block or Count instead"),
            "Captcha and Challenge need AWS's tokens: nobody here can give or check them");
    else if (!found || json_object_size(value) != 1)
        reader_refuse(r, SPAN("{\"Block\": {}}"), "expected exactly one of Allow, Block, Count");
    return found;
}

/* Who comes too often cannot be let in for it. */
static void refuse_rate_allow(struct web_acl_reader *r, const struct web_acl_rule *rule)
{
    if (rule->statement.kind == KIND_RATE && rule->action == ACTION_ALLOW)
        reader_refuse(r, SPAN("Block or Count"), "a rate-based rule has any action but Allow");
}

/* Returns the rule of that name, for RuleActionOverrides and ExcludedRules. */
static struct web_acl_rule *find_rule(struct web_acl_reader *r, const json_t *item,
                                      struct web_acl_rule *rules, size_t count)
{
    enum { NAMES_SHOWN = 64 };
    const char *names[NAMES_SHOWN];
    size_t shown = 0;
    struct span name = reader_text(r, item, "Name", true);
    for (size_t i = 0; i < count && name.at != NULL; i++) {
        struct span inside = span_from(rules[i].name, r->group.len + 1);
        if (span_is(inside, name))
            return &rules[i];
        if (shown < NAMES_SHOWN)
            names[shown++] = inside.at;
    }
    if (name.at != NULL)
        reader_refuse_word(r, name, names, shown, "rule of this group");
    return NULL;
}

void reader_overrides(struct web_acl_reader *r, const json_t *reference, struct web_acl_rule *rules,
                      size_t count)
{
    static const char *const lists[] = {"RuleActionOverrides", "ExcludedRules"};
    for (size_t l = 0; l < 2; l++) {
        const json_t *list = reader_list(r, reference, lists[l], false, 0);
        size_t mark = reader_enter(r, lists[l]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *item = json_array_get(list, i);
            size_t at = reader_enter_item(r, i);
            struct web_acl_rule *rule = find_rule(r, item, rules, count);
            if (rule != NULL && l == 1)
                rule->action = ACTION_COUNT;
            size_t inside = reader_enter(r, "ActionToUse");
            if (rule != NULL && l == 0) {
                reader_action(r, json_object_get(item, "ActionToUse"), rule);
                refuse_rate_allow(r, rule);
            }
            reader_leave(r, inside);
            reader_leave(r, at);
        }
        reader_leave(r, mark);
    }
}

/* ---- one rule ---- */

static void read_labels(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule)
{
    const json_t *list = reader_list(r, value, "RuleLabels", false, 0);
    size_t mark = reader_enter(r, "RuleLabels");
    struct span *labels = arena_alloc(r->arena, (json_array_size(list) + 1) * sizeof *labels);
    for (size_t i = 0; i < json_array_size(list) && labels != NULL; i++) {
        size_t at = reader_enter_item(r, i);
        if (READER_MEMBERS(r, json_array_get(list, i), "Name")) {
            struct span name = reader_text(r, json_array_get(list, i), "Name", true);
            labels[rule->label_count++] = arena_format(r->arena, SPAN_FORMAT SPAN_FORMAT,
                                                       span_arg(r->prefix), span_arg(name));
        }
        reader_leave(r, at);
    }
    reader_leave(r, mark);
    rule->labels = labels;
}

static void read_override(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule)
{
    const json_t *override = json_object_get(value, "OverrideAction");
    if (json_object_get(value, "Action") != NULL)
        reader_refuse(r, SPAN("OverrideAction"), "a rule with a group has no 'Action' of its own");
    if (override == NULL)
        return;
    size_t mark = reader_enter(r, "OverrideAction");
    if (READER_MEMBERS(r, override, "None", "Count"))
        rule->counts_group = json_object_get(override, "Count") != NULL;
    reader_leave(r, mark);
}

static void read_action(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule)
{
    const json_t *action = json_object_get(value, "Action");
    if (json_object_get(value, "OverrideAction") != NULL)
        reader_refuse(r, SPAN("Action"), "'OverrideAction' is for rules with a group");
    size_t mark = reader_enter(r, "Action");
    reader_action(r, action, rule);
    refuse_rate_allow(r, rule);
    reader_leave(r, mark);
}

static void read_name(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule)
{
    struct span name = reader_text(r, value, "Name", true);
    for (size_t i = 0; i < name.len; i++)
        if (!byte_is_alpha(name.at[i]) && !byte_is_digit(name.at[i]) && name.at[i] != '_' &&
            name.at[i] != '-') {
            reader_refuse(r, SPAN(""), "'Name' has letters, digits, _ and - alone");
            break;
        }
    if (name.at != NULL && (name.len == 0 || name.len > 128))
        reader_refuse(r, SPAN(""), "'Name' has 1 to 128 bytes");
    rule->name = r->group.at == NULL ? name
                                     : arena_format(r->arena, SPAN_FORMAT "/" SPAN_FORMAT "%c",
                                                    span_arg(r->group), span_arg(name), '\0');
    if (r->group.at != NULL && rule->name.len > 0)
        rule->name.len--; /* terminated as well, like the others */
}

static unsigned read_rule(struct web_acl_reader *r, const json_t *value, struct web_acl_rule *rule)
{
    if (!READER_MEMBERS(r, value, "Name", "Priority", "Statement", "Action", "OverrideAction",
                        "RuleLabels", "VisibilityConfig", "CaptchaConfig", "ChallengeConfig"))
        return 0;
    read_name(r, value, rule);
    reader_number(r, value, "Priority", true, (struct reader_range){0, INT32_MAX}, &rule->priority);
    read_labels(r, value, rule);
    rule->visibility = reader_visibility(r, value);
    r->acl->is_sampled |= rule->visibility.is_sampled;
    /* a group's rules are called after the rule that names it */
    struct span outside = r->group;
    size_t mark = reader_enter(r, "Statement");
    bool top = outside.at == NULL;
    if (top)
        r->group = rule->name;
    r->rule = rule->name;
    unsigned units = reader_statement(r, json_object_get(value, "Statement"),
                                      top ? STAND_RULE : STAND_GROUP_RULE, &rule->statement);
    r->group = outside;
    reader_leave(r, mark);
    if (rule->statement.kind == KIND_GROUP)
        read_override(r, value, rule);
    else
        read_action(r, value, rule);
    return units;
}

/* ---- all rules ---- */

static void sort_rules(struct web_acl_reader *r, struct web_acl_rule *rules, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && rules[j].priority <= rules[j - 1].priority; j--) {
            if (rules[j].priority == rules[j - 1].priority) {
                reader_refuse(r, SPAN(""), "priority %llu stands twice: '" SPAN_FORMAT "'",
                              (unsigned long long)rules[j].priority, span_arg(rules[j].name));
                break;
            }
            struct web_acl_rule rule = rules[j];
            rules[j] = rules[j - 1];
            rules[j - 1] = rule;
        }
}

/* Decisions, overrides and counts are kept by the name. */
static void refuse_same_names(struct web_acl_reader *r, struct web_acl_rule *rules, size_t count)
{
    struct map *names = map_new(NULL, false);
    for (size_t i = 0; i < count; i++)
        if (rules[i].name.len > 0 && map_set(names, rules[i].name, &rules[i]) != NULL)
            reader_refuse(r, SPAN(""), "two rules are called '" SPAN_FORMAT "'",
                          span_arg(rules[i].name));
    map_free(names);
}

/* AWS's numbers: 10 in a web ACL, 4 in a group. */
static void refuse_many_rates(struct web_acl_reader *r, const struct web_acl_rule *rules,
                              size_t count)
{
    size_t rates = 0, most = r->group.at == NULL ? 10 : 4;
    for (size_t i = 0; i < count; i++)
        rates += rules[i].statement.kind == KIND_RATE;
    if (rates > most)
        reader_refuse(r, SPAN(""), "%zu rate-based rules, at most %zu may stand here", rates, most);
}

unsigned reader_rules(struct web_acl_reader *r, const json_t *object, struct web_acl_group *group)
{
    const json_t *list = reader_list(r, object, "Rules", false, 0);
    size_t count = json_array_size(list), mark = reader_enter(r, "Rules");
    struct web_acl_rule *rules = arena_alloc(r->arena, (count + 1) * sizeof *rules);
    unsigned units = 0;
    for (size_t i = 0; i < count && rules != NULL; i++) {
        size_t item = reader_enter_item(r, i);
        units += read_rule(r, json_array_get(list, i), &rules[i]);
        reader_leave(r, item);
    }
    if (rules != NULL) {
        sort_rules(r, rules, count);
        refuse_same_names(r, rules, count);
        refuse_many_rates(r, rules, count);
    }
    reader_leave(r, mark);
    *group = (struct web_acl_group){.rules = rules, .rule_count = rules != NULL ? count : 0};
    return units;
}

void reader_weigh(struct web_acl_reader *r, unsigned units)
{
    if (units > WCU_MOST)
        reader_refuse(r, SPAN(""), "a capacity of %u WCU, at most 5000 is allowed", units);
}

/* ---- groups ---- */

/* Reads the group's rules for this place alone: overrides change no other reference's. */
static unsigned read_group(struct web_acl_reader *r, const json_t *group, const json_t *reference,
                           struct web_acl_statement *to)
{
    struct span prefix = r->prefix;
    const json_t *bodies = r->bodies;
    uint64_t capacity = 0;
    struct web_acl_group *made = arena_alloc(r->arena, sizeof *made);
    if (made == NULL)
        return 0;
    r->prefix = reader_prefix(r, group, "rulegroup");
    r->bodies = json_object_get(group, "CustomResponseBodies");
    unsigned units = reader_rules(r, group, made);
    r->prefix = prefix;
    r->bodies = bodies;
    union { /* being made; nobody else sees them */
        const struct web_acl_rule *in;
        struct web_acl_rule *out;
    } rules = {made->rules};
    reader_overrides(r, reference, rules.out, made->rule_count);
    to->group = made;
    bool given =
        reader_number(r, group, "Capacity", false, (struct reader_range){1, WCU_MOST}, &capacity);
    made->name = reader_text(r, group, "Name", false);
    made->counted = units;
    made->capacity = given ? (unsigned)capacity : units;
    reader_weigh(r, made->capacity);
    return made->capacity;
}

unsigned reader_group_reference(struct web_acl_reader *r, const json_t *value,
                                struct web_acl_statement *to)
{
    if (!READER_MEMBERS(r, value, "ARN", "ExcludedRules", "RuleActionOverrides"))
        return 0;
    to->kind = KIND_GROUP;
    struct span arn = reader_text(r, value, "ARN", true);
    const json_t *group = reader_find(r, "RuleGroups", "RuleGroup", arn);
    if (group != NULL)
        return read_group(r, group, value, to);
    size_t mark = reader_enter(r, "ARN");
    if (arn.at != NULL)
        reader_refuse(r, SPAN("put what get-rule-group prints into \"RuleGroups\": [..]"),
                      "no rule group '" SPAN_FORMAT "' in this file",
                      span_arg(web_acl_arn_name(arn)));
    reader_leave(r, mark);
    return 0;
}
