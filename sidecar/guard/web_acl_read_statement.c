/* SPDX-License-Identifier: Apache-2.0 */
/* A row for each statement. */
#include "rules/base/encode.h"
#include "rules/base/networks.h"
#include "sidecar/guard/web_acl_reader.h"

enum { DEPTH_MOST = 16, SEARCH_BYTES = 200 };

typedef unsigned read_statement(struct web_acl_reader *r, const json_t *value,
                                struct web_acl_statement *to);
static read_statement read_bytes, read_sqli, read_xss, read_size, read_set, read_patterns,
    read_pattern, read_label, read_country, read_asn, read_and, read_or, read_not;

static const struct statement_row {
    const char *member;
    read_statement *read;
    enum reader_stand deepest;
} statements[] = {
    {"ByteMatchStatement", read_bytes, STAND_INSIDE},
    {"SqliMatchStatement", read_sqli, STAND_INSIDE},
    {"XssMatchStatement", read_xss, STAND_INSIDE},
    {"SizeConstraintStatement", read_size, STAND_INSIDE},
    {"IPSetReferenceStatement", read_set, STAND_INSIDE},
    {"RegexPatternSetReferenceStatement", read_patterns, STAND_INSIDE},
    {"RegexMatchStatement", read_pattern, STAND_INSIDE},
    {"LabelMatchStatement", read_label, STAND_INSIDE},
    {"AndStatement", read_and, STAND_INSIDE},
    {"OrStatement", read_or, STAND_INSIDE},
    {"NotStatement", read_not, STAND_INSIDE},
    {"RuleGroupReferenceStatement", reader_group_reference, STAND_RULE},
    {"ManagedRuleGroupStatement", reader_managed_group, STAND_RULE},
    {"GeoMatchStatement", read_country, STAND_INSIDE},
    {"AsnMatchStatement", read_asn, STAND_INSIDE},
    {"RateBasedStatement", reader_rate, STAND_GROUP_RULE},
};
enum { STATEMENTS = sizeof statements / sizeof *statements };

/* ---- of one value ---- */

/* at == NULL: it is no base64. */
static struct span decode_base64(struct web_acl_reader *r, struct span text)
{
    char *to = arena_text(r->arena, text.len / 4 * 3 + 1);
    size_t len;
    bool is_read = to != NULL && base64_read(text, (uint8_t *)to, &len);
    return is_read ? span_make(to, len) : span_make(NULL, 0);
}

/* What CONTAINS_WORD may search for. */
static bool is_word(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!byte_is_alpha(text.at[i]) && !byte_is_digit(text.at[i]) && text.at[i] != '_')
            return false;
    return true;
}

static void read_search(struct web_acl_reader *r, const json_t *value, struct web_acl_statement *to)
{
    struct span text = reader_text(r, value, "SearchString", true);
    size_t mark = reader_enter(r, "SearchString");
    struct span search = text.at != NULL ? decode_base64(r, text) : text;
    if (text.at != NULL && search.at == NULL)
        reader_refuse(r, SPAN("printf %s TEXT | base64"), "expected base64, as the API has it");
    else if (text.at != NULL && (search.len == 0 || search.len > SEARCH_BYTES))
        reader_refuse(r, SPAN(""), "expected 1 to 200 bytes");
    else if (search.at != NULL && to->position == POSITION_CONTAINS_WORD && !is_word(search))
        reader_refuse(r, SPAN(""), "a word has letters, digits and underscores alone");
    to->text = search;
    reader_leave(r, mark);
}

static unsigned read_bytes(struct web_acl_reader *r, const json_t *value,
                           struct web_acl_statement *to)
{
    static const char *const words[] = {"EXACTLY", "STARTS_WITH", "ENDS_WITH", "CONTAINS",
                                        "CONTAINS_WORD"};
    bool doubles = false;
    if (!READER_MEMBERS(r, value, "SearchString", "FieldToMatch", "TextTransformations",
                        "PositionalConstraint"))
        return 0;
    to->kind = KIND_BYTES;
    size_t word = reader_word(r, value, "PositionalConstraint", true, words, 5);
    to->position = word != SPAN_NONE ? (enum web_acl_position)word : POSITION_EXACTLY;
    read_search(r, value, to);
    unsigned units = reader_field(r, value, to, &doubles);
    return units + (to->position >= POSITION_CONTAINS ? 10U : 2U) * (doubles ? 2 : 1);
}

static unsigned read_sqli(struct web_acl_reader *r, const json_t *value,
                          struct web_acl_statement *to)
{
    static const char *const words[] = {"LOW", "HIGH"};
    bool doubles = false;
    if (!READER_MEMBERS(r, value, "FieldToMatch", "TextTransformations", "SensitivityLevel"))
        return 0;
    to->kind = KIND_SQLI;
    to->sensitive = reader_word(r, value, "SensitivityLevel", false, words, 2) == 1;
    unsigned units = reader_field(r, value, to, &doubles);
    return units + (to->sensitive ? 30U : 20U) * (doubles ? 2 : 1);
}

static unsigned read_xss(struct web_acl_reader *r, const json_t *value,
                         struct web_acl_statement *to)
{
    bool doubles = false;
    if (!READER_MEMBERS(r, value, "FieldToMatch", "TextTransformations"))
        return 0;
    to->kind = KIND_XSS;
    unsigned units = reader_field(r, value, to, &doubles);
    return units + 40U * (doubles ? 2 : 1);
}

static unsigned read_size(struct web_acl_reader *r, const json_t *value,
                          struct web_acl_statement *to)
{
    static const char *const words[] = {"EQ", "NE", "LE", "LT", "GE", "GT"};
    bool doubles = false;
    if (!READER_MEMBERS(r, value, "FieldToMatch", "TextTransformations", "ComparisonOperator",
                        "Size"))
        return 0;
    to->kind = KIND_SIZE;
    size_t word = reader_word(r, value, "ComparisonOperator", true, words, 6);
    to->comparison = word != SPAN_NONE ? (enum web_acl_comparison)word : COMPARE_EQ;
    reader_number(r, value, "Size", true, (struct reader_range){0, 21474836480}, &to->size);
    unsigned units = reader_field(r, value, to, &doubles);
    return units + (doubles ? 2 : 1);
}

/* ---- patterns ---- */

static unsigned read_pattern(struct web_acl_reader *r, const json_t *value,
                             struct web_acl_statement *to)
{
    bool doubles = false;
    if (!READER_MEMBERS(r, value, "RegexString", "FieldToMatch", "TextTransformations"))
        return 0;
    to->kind = KIND_REGEX;
    const struct pattern **pattern = arena_alloc(r->arena, sizeof(struct pattern *));
    struct span text = reader_text(r, value, "RegexString", true);
    size_t mark = reader_enter(r, "RegexString");
    if (pattern != NULL) {
        *pattern = reader_pattern(r, text);
        to->patterns = pattern;
        to->pattern_count = *pattern != NULL;
    }
    reader_leave(r, mark);
    unsigned units = reader_field(r, value, to, &doubles);
    return units + 3U * (doubles ? 2 : 1);
}

static void compile_set(struct web_acl_reader *r, const json_t *set, struct web_acl_statement *to)
{
    const json_t *list = json_object_get(set, "RegularExpressionList");
    size_t count = json_array_size(list);
    const struct pattern **patterns = arena_alloc(r->arena, (count + 1) * sizeof(struct pattern *));
    size_t mark = reader_enter(r, "RegularExpressionList");
    if (count == 0 || count > 10)
        reader_refuse(r, SPAN(""), "expected 1 to 10 patterns");
    for (size_t i = 0; i < count && patterns != NULL; i++) {
        size_t item = reader_enter_item(r, i);
        if (READER_MEMBERS(r, json_array_get(list, i), "RegexString"))
            patterns[to->pattern_count] =
                reader_pattern(r, reader_text(r, json_array_get(list, i), "RegexString", true));
        if (patterns[to->pattern_count] != NULL)
            to->pattern_count++;
        reader_leave(r, item);
    }
    reader_leave(r, mark);
    to->patterns = patterns;
}

static unsigned read_patterns(struct web_acl_reader *r, const json_t *value,
                              struct web_acl_statement *to)
{
    bool doubles = false;
    if (!READER_MEMBERS(r, value, "ARN", "FieldToMatch", "TextTransformations"))
        return 0;
    to->kind = KIND_REGEX;
    struct span arn = reader_text(r, value, "ARN", true);
    const json_t *set = reader_find(r, "RegexPatternSets", "RegexPatternSet", arn);
    size_t mark = reader_enter(r, "ARN");
    if (set != NULL)
        compile_set(r, set, to);
    else if (arn.at != NULL)
        reader_refuse(r,
                      SPAN("put what get-regex-pattern-set prints into \"RegexPatternSets\": [..]"),
                      "no set '" SPAN_FORMAT "' in this file", span_arg(web_acl_arn_name(arn)));
    reader_leave(r, mark);
    unsigned units = reader_field(r, value, to, &doubles);
    return units + 25U * (doubles ? 2 : 1);
}

/* ---- addresses ---- */

static const struct networks *make_set(struct web_acl_reader *r, const json_t *set)
{
    struct web_acl_held *held = reader_hold(r);
    size_t count;
    if (held == NULL)
        return NULL;
    held->networks = networks_new();
    const struct span *texts = reader_texts(r, set, "Addresses", 0, &count);
    for (size_t i = 0; i < count; i++)
        if (span_ends(texts[i], SPAN("/0")) || !networks_add(held->networks, texts[i]))
            reader_refuse(r, SPAN("10.0.0.0/8"), "Addresses: '" SPAN_FORMAT "' is no network",
                          span_arg(texts[i]));
    networks_seal(held->networks);
    return held->networks;
}

static void find_set(struct web_acl_reader *r, struct span arn, struct web_acl_statement *to)
{
    struct span name = web_acl_arn_name(arn);
    const json_t *set = reader_find(r, "IPSets", "IPSet", arn);
    if (set != NULL) {
        to->networks = make_set(r, set);
        return;
    }
    for (to->set = 0; to->set < r->names->ip_set_count; to->set++)
        if (span_is(name, r->names->ip_sets[to->set]))
            return;
    reader_refuse(r, SPAN("ip_sets of the settings, or \"IPSets\": [what get-ip-set prints]"),
                  "no IP set '" SPAN_FORMAT "'", span_arg(name));
}

void reader_forwarded(struct web_acl_reader *r, const json_t *object, const char *member,
                      bool has_hop, struct web_acl_forwarded *to)
{
    static const char *const members[] = {"HeaderName", "FallbackBehavior", "Position"};
    static const char *const fallbacks[] = {"MATCH", "NO_MATCH"};
    static const char *const hops[] = {"FIRST", "LAST", "ANY"};
    const json_t *value = json_object_get(object, member);
    if (value == NULL)
        return;
    size_t mark = reader_enter(r, member);
    if (reader_is_object(r, value, members, has_hop ? 3 : 2)) {
        to->header = reader_text(r, value, "HeaderName", true);
        to->invalid_matches = reader_word(r, value, "FallbackBehavior", true, fallbacks, 2) == 0;
        size_t hop = has_hop ? reader_word(r, value, "Position", true, hops, 3) : SPAN_NONE;
        to->hop = hop != SPAN_NONE ? (enum web_acl_hop)hop : HOP_FIRST;
    }
    reader_leave(r, mark);
}

static unsigned read_set(struct web_acl_reader *r, const json_t *value,
                         struct web_acl_statement *to)
{
    if (!READER_MEMBERS(r, value, "ARN", "IPSetForwardedIPConfig"))
        return 0;
    to->kind = KIND_IP_SET;
    struct span arn = reader_text(r, value, "ARN", true);
    size_t mark = reader_enter(r, "ARN");
    if (arn.at != NULL)
        find_set(r, arn, to);
    reader_leave(r, mark);
    reader_forwarded(r, value, "IPSetForwardedIPConfig", true, &to->forwarded);
    return to->forwarded.header.at != NULL && to->forwarded.hop == HOP_ANY ? 5 : 1;
}

/* ---- places ---- */

void reader_refuse_blind(struct web_acl_reader *r, bool sees, const char *setting)
{
    if (!sees)
        reader_refuse(r, span_text(setting), "there is no database to tell by");
}

static unsigned read_country(struct web_acl_reader *r, const json_t *value,
                             struct web_acl_statement *to)
{
    if (!READER_MEMBERS(r, value, "CountryCodes", "ForwardedIPConfig"))
        return 0;
    to->kind = KIND_COUNTRY;
    reader_refuse_blind(r, r->names->has_countries, "geo: { country_db: FILE }");
    to->countries = reader_texts(r, value, "CountryCodes", 1, &to->country_count);
    for (size_t i = 0; i < to->country_count; i++) {
        struct span code = to->countries[i];
        bool fits = code.len == 2 && code.at[0] >= 'A' && code.at[0] <= 'Z' && code.at[1] >= 'A' &&
                    code.at[1] <= 'Z';
        if (!fits)
            reader_refuse(r, SPAN("DE"), "'" SPAN_FORMAT "' is no country code", span_arg(code));
    }
    reader_forwarded(r, value, "ForwardedIPConfig", false, &to->forwarded);
    return 1;
}

static unsigned read_asn(struct web_acl_reader *r, const json_t *value,
                         struct web_acl_statement *to)
{
    if (!READER_MEMBERS(r, value, "AsnList", "ForwardedIPConfig"))
        return 0;
    to->kind = KIND_ASN;
    reader_refuse_blind(r, r->names->has_asns, "geo: { asn_db: FILE }");
    const json_t *list = reader_list(r, value, "AsnList", true, 1);
    uint64_t *asns = arena_alloc(r->arena, (json_array_size(list) + 1) * sizeof *asns);
    for (size_t i = 0; i < json_array_size(list) && asns != NULL; i++) {
        const json_t *item = json_array_get(list, i);
        if (json_is_integer(item) && json_integer_value(item) >= 0 &&
            json_integer_value(item) <= UINT32_MAX)
            asns[to->asn_count++] = (uint64_t)json_integer_value(item);
        else
            reader_refuse(r, SPAN(""), "AsnList[%zu]: expected a number from 0 to 4294967295", i);
    }
    to->asns = asns;
    reader_forwarded(r, value, "ForwardedIPConfig", false, &to->forwarded);
    return 1;
}

/* ---- labels ---- */

struct span reader_label(struct web_acl_reader *r, struct span key)
{
    if (span_starts(key, SPAN("awswaf:")))
        return key;
    return arena_format(r->arena, SPAN_FORMAT SPAN_FORMAT, span_arg(r->prefix), span_arg(key));
}

static unsigned read_label(struct web_acl_reader *r, const json_t *value,
                           struct web_acl_statement *to)
{
    static const char *const scopes[] = {"LABEL", "NAMESPACE"};
    if (!READER_MEMBERS(r, value, "Scope", "Key"))
        return 0;
    to->kind = KIND_LABEL;
    to->is_namespace = reader_word(r, value, "Scope", true, scopes, 2) == 1;
    struct span key = reader_text(r, value, "Key", true);
    if (key.at == NULL)
        return 1;
    if (key.len == 0 || (to->is_namespace != (key.at[key.len - 1] == ':')))
        reader_refuse(r, SPAN(""),
                      to->is_namespace ? "the Key of a NAMESPACE ends with a colon"
                                       : "the Key of a LABEL is its name");
    to->text = reader_label(r, key);
    return 1;
}

/* ---- of others ---- */

static unsigned read_parts(struct web_acl_reader *r, const json_t *value,
                           struct web_acl_statement *to)
{
    unsigned units = 0;
    if (!READER_MEMBERS(r, value, "Statements"))
        return 0;
    const json_t *list = reader_list(r, value, "Statements", true, 2);
    size_t count = json_array_size(list), mark = reader_enter(r, "Statements");
    struct web_acl_statement *parts = arena_alloc(r->arena, (count + 1) * sizeof *parts);
    for (size_t i = 0; i < count && parts != NULL; i++) {
        size_t item = reader_enter_item(r, i);
        units += reader_statement(r, json_array_get(list, i), STAND_INSIDE, &parts[i]);
        reader_leave(r, item);
    }
    reader_leave(r, mark);
    to->parts = parts;
    to->part_count = parts != NULL ? count : 0;
    return units;
}

static unsigned read_and(struct web_acl_reader *r, const json_t *value,
                         struct web_acl_statement *to)
{
    to->kind = KIND_AND;
    return read_parts(r, value, to);
}

static unsigned read_or(struct web_acl_reader *r, const json_t *value, struct web_acl_statement *to)
{
    to->kind = KIND_OR;
    return read_parts(r, value, to);
}

static unsigned read_not(struct web_acl_reader *r, const json_t *value,
                         struct web_acl_statement *to)
{
    struct web_acl_statement *part = arena_alloc(r->arena, sizeof *part);
    if (!READER_MEMBERS(r, value, "Statement") || part == NULL)
        return 0;
    to->kind = KIND_NOT;
    to->parts = part;
    to->part_count = 1;
    size_t mark = reader_enter(r, "Statement");
    unsigned units = reader_statement(r, json_object_get(value, "Statement"), STAND_INSIDE, part);
    reader_leave(r, mark);
    return units;
}

unsigned reader_scope_down(struct web_acl_reader *r, const json_t *value,
                           struct web_acl_statement *to)
{
    const json_t *scope = json_object_get(value, "ScopeDownStatement");
    struct web_acl_statement *part = scope != NULL ? arena_alloc(r->arena, sizeof *part) : NULL;
    if (part == NULL)
        return 0;
    size_t mark = reader_enter(r, "ScopeDownStatement");
    unsigned units = reader_statement(r, scope, STAND_INSIDE, part);
    reader_leave(r, mark);
    to->parts = part;
    to->part_count = 1;
    return units;
}

/* ---- which one ---- */

static const struct statement_row *find_statement(struct web_acl_reader *r, const char *member)
{
    const char *names[STATEMENTS];
    for (size_t i = 0; i < STATEMENTS; i++) {
        names[i] = statements[i].member;
        if (strcmp(member, names[i]) == 0)
            return &statements[i];
    }
    reader_refuse_word(r, span_text(member), names, STATEMENTS, "statement");
    return NULL;
}

static unsigned read_one(struct web_acl_reader *r, const char *member, const json_t *value,
                         enum reader_stand stand, struct web_acl_statement *to)
{
    const struct statement_row *row = find_statement(r, member);
    unsigned units = 0;
    if (row == NULL)
        return 0;
    size_t mark = reader_enter(r, member);
    if (stand > row->deepest)
        reader_refuse(r, SPAN(""), "this statement stands in a rule alone, not inside of others");
    else
        units = row->read(r, value, to);
    reader_leave(r, mark);
    return units;
}

unsigned reader_statement(struct web_acl_reader *r, const json_t *value, enum reader_stand stand,
                          struct web_acl_statement *statement)
{
    union { /* jansson's iterators want no const; nothing is changed */
        const json_t *in;
        json_t *out;
    } object = {value};
    unsigned units = 0;
    if (json_object_size(value) != 1) {
        reader_refuse(r, SPAN(""), "expected an object with exactly one statement");
        return 0;
    }
    if (r->depth == DEPTH_MOST) {
        reader_refuse(r, SPAN(""), "at most 16 statements inside each other");
        return 0;
    }
    r->depth++;
    void *only = json_object_iter(object.out);
    units = read_one(r, json_object_iter_key(only), json_object_iter_value(only), stand, statement);
    r->depth--;
    return units;
}
