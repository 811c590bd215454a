/* SPDX-License-Identifier: Apache-2.0 */
/* Does a statement match? */
#include "rules/base/networks.h"
#include "rules/match/pattern.h"
#include "rules/match/sqli.h"
#include "rules/match/xss.h"
#include "sidecar/guard/address_set.h"
#include "sidecar/guard/web_acl_inside.h"

enum { FORWARDED_BYTES = 8 * 1024 };

/* ---- one value ---- */

static bool is_word_byte(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || c == '_';
}

static bool has_word(struct span value, struct span word)
{
    for (size_t at = 0; at + word.len <= value.len; at++) {
        size_t found = span_find(span_from(value, at), word);
        if (found == SPAN_NONE)
            return false;
        at += found;
        size_t end = at + word.len;
        if ((at == 0 || !is_word_byte(value.at[at - 1])) &&
            (end == value.len || !is_word_byte(value.at[end])))
            return true;
    }
    return false;
}

static bool has_bytes(const struct web_acl_statement *statement, struct span value)
{
    switch (statement->position) {
    case POSITION_EXACTLY: return span_is(value, statement->text);
    case POSITION_STARTS_WITH: return span_starts(value, statement->text);
    case POSITION_ENDS_WITH: return span_ends(value, statement->text);
    case POSITION_CONTAINS: return span_find(value, statement->text) != SPAN_NONE;
    case POSITION_CONTAINS_WORD: return has_word(value, statement->text);
    }
    return false;
}

static bool has_size(const struct web_acl_statement *statement, uint64_t size)
{
    switch (statement->comparison) {
    case COMPARE_EQ: return size == statement->size;
    case COMPARE_NE: return size != statement->size;
    case COMPARE_LE: return size <= statement->size;
    case COMPARE_LT: return size < statement->size;
    case COMPARE_GE: return size >= statement->size;
    case COMPARE_GT: return size > statement->size;
    }
    return false;
}

static enum web_acl_look has_pattern(const struct web_acl_statement *statement,
                                     struct web_acl_run *run, struct span value)
{
    for (size_t i = 0; i < statement->pattern_count; i++)
        switch (pattern_match(statement->patterns[i], value, run->asked->scratch, NULL)) {
        case PATTERN_YES: return LOOK_YES;
        case PATTERN_PAUSED: /* of slices alone */
        case PATTERN_LIMIT: run->exhausted++; return LOOK_FAILED;
        case PATTERN_NO: break;
        }
    return LOOK_NO;
}

/* LOW leaves out what honest text has now and then; our detector says which decision it was. */
static bool has_sql(const struct web_acl_statement *statement, struct span value)
{
    static const char *const weak[] = {"statement", "tail", "case", "variable", "string"};
    struct sqli_finding finding;
    if (!sqli_detect(value, &finding))
        return false;
    for (size_t i = 0; i < sizeof weak / sizeof *weak && !statement->sensitive; i++)
        if (strcmp(finding.decision, weak[i]) == 0)
            return false;
    return true;
}

struct testing {
    const struct web_acl_statement *statement;
    struct web_acl_run *run;
};

static enum web_acl_look look_of(bool yes)
{
    return yes ? LOOK_YES : LOOK_NO;
}

static enum web_acl_look look_and_note(struct web_acl_run *run,
                                       const struct web_acl_statement *statement, struct span value,
                                       bool yes)
{
    if (yes)
        web_acl_note_found(run, statement, value);
    return look_of(yes);
}

static enum web_acl_look test_value(void *context, struct span value)
{
    const struct testing *testing = context;
    const struct web_acl_statement *statement = testing->statement;
    struct web_acl_run *run = testing->run;
    for (size_t i = 0; i < statement->transform_count; i++)
        value = statement->transforms[i](value, run->arena);
    if (arena_is_full(run->arena))
        return LOOK_FAILED;
    switch (statement->kind) {
    case KIND_BYTES: return look_of(has_bytes(statement, value));
    case KIND_REGEX: return has_pattern(statement, run, value);
    case KIND_SIZE: return look_of(has_size(statement, value.len));
    case KIND_SQLI: return look_and_note(run, statement, value, has_sql(statement, value));
    case KIND_XSS: return look_and_note(run, statement, value, xss_detect(value, NULL));
    case KIND_AND:
    case KIND_OR:
    case KIND_NOT:
    case KIND_IP_SET:
    case KIND_LABEL:
    case KIND_COUNTRY:
    case KIND_ASN:
    case KIND_RATE:
    case KIND_GROUP: break;
    }
    return LOOK_NO;
}

/* ---- addresses ---- */

/* FAILED: it is in none that is known, but a list that refuses while it is missing never came. */
static enum web_acl_look set_has(const struct web_acl_statement *statement,
                                 const struct asked *asked, const struct ip *ip)
{
    if (statement->networks != NULL)
        return look_of(networks_have(statement->networks, ip));
    const struct address_set *set = &asked->ip_sets[statement->set];
    if (address_set_has(set, ip, asked->now_us))
        return LOOK_YES;
    return set->is_missing && set->denies ? LOOK_FAILED : LOOK_NO;
}

/* One entry of the header: an address, with a port or brackets where the proxy wrote them. */
static bool hop_parse(struct span text, struct ip *ip)
{
    text = span_trim_ows(text);
    if (text.len > 0 && text.at[0] == '[')
        text = span_first(span_from(text, 1), span_find_byte(span_from(text, 1), ']'));
    if (ip_parse(text, ip))
        return true;
    size_t colon = span_find_last_byte(text, ':');
    return colon != SPAN_NONE && ip_parse(span_first(text, colon), ip);
}

static enum web_acl_look look_at_hop(const struct web_acl_statement *statement,
                                     const struct asked *asked, struct span text)
{
    struct ip ip;
    if (!hop_parse(text, &ip))
        return look_of(statement->forwarded.invalid_matches);
    return set_has(statement, asked, &ip);
}

/* The first field of that name counts, and of it 8 KiB. */
static enum web_acl_look look_at_forwarded(const struct web_acl_statement *statement,
                                           const struct asked *asked)
{
    const struct web_acl_forwarded *forwarded = &statement->forwarded;
    struct span rest = fields_get(asked->fields, forwarded->header), hop = {NULL, 0};
    enum web_acl_look answer = LOOK_NO;
    if (rest.at == NULL)
        return LOOK_NO;
    rest = span_first(rest, FORWARDED_BYTES);
    while (rest.at != NULL && answer == LOOK_NO) {
        hop = span_cut(&rest, ',');
        if (forwarded->hop != HOP_LAST)
            answer = look_at_hop(statement, asked, hop);
        if (forwarded->hop == HOP_FIRST)
            return answer;
    }
    return forwarded->hop == HOP_LAST ? look_at_hop(statement, asked, hop) : answer;
}

static enum web_acl_look look_at_address(const struct web_acl_statement *statement,
                                         const struct asked *asked)
{
    if (statement->forwarded.header.at != NULL)
        return look_at_forwarded(statement, asked);
    return asked->has_address ? set_has(statement, asked, &asked->address) : LOOK_NO;
}

enum web_acl_look web_acl_first_hop(const struct web_acl_forwarded *forwarded,
                                    const struct asked *asked, struct ip *ip)
{
    struct span rest = fields_get(asked->fields, forwarded->header);
    if (rest.at == NULL)
        return LOOK_NO;
    rest = span_first(rest, FORWARDED_BYTES);
    if (hop_parse(span_cut(&rest, ','), ip))
        return LOOK_YES;
    return forwarded->invalid_matches ? LOOK_FAILED : LOOK_NO;
}

static enum web_acl_look look_at_set(const struct web_acl_statement *statement,
                                     struct web_acl_run *run)
{
    enum web_acl_look look = look_at_address(statement, run->asked);
    if (look == LOOK_FAILED)
        run->outcome->list_never_came = true;
    return look;
}

/* ---- places ---- */

/* Of the first address of the header where one is named; else as web_acl_first_hop. */
static enum web_acl_look find_place(const struct web_acl_statement *statement,
                                    const struct asked *asked, struct geo_place *place)
{
    const struct web_acl_forwarded *forwarded = &statement->forwarded;
    struct ip ip;
    *place = (struct geo_place){0};
    if (forwarded->header.at == NULL) {
        *place = *asked_place(asked);
        return LOOK_YES;
    }
    enum web_acl_look found = web_acl_first_hop(forwarded, asked, &ip);
    if (found == LOOK_YES && asked->geo != NULL)
        geo_look_up(asked->geo, &ip, place);
    return found;
}

/* Later rules see where it is, whether this one matches or not. False: there is no room to say so.
 */
static bool label_place(const struct web_acl_statement *statement, struct web_acl_run *run,
                        const char *part, struct span place)
{
    const char *whose = statement->forwarded.header.at != NULL ? "forwardedip" : "clientip";
    struct span label =
        arena_format(run->arena, "awswaf:%s:geo:%s:" SPAN_FORMAT, whose, part, span_arg(place));
    if (label.at == NULL || run->asked->arena == NULL)
        return false;
    if (web_acl_label_is(run->outcome, label))
        return true;
    label = arena_copy(run->asked->arena, label);
    return label.at != NULL && web_acl_label_add(run->outcome, label);
}

static enum web_acl_look look_at_country(const struct web_acl_statement *statement,
                                         struct web_acl_run *run)
{
    struct geo_place place;
    enum web_acl_look found = find_place(statement, run->asked, &place);
    if (found != LOOK_YES)
        return look_of(found == LOOK_FAILED);
    struct span country = place.country.len > 0 ? place.country : SPAN("XX");
    arena_reset(run->arena);
    struct span within = place.subdivision.len > 0 ? place.subdivision : SPAN("XX");
    struct span region =
        arena_format(run->arena, SPAN_FORMAT "-" SPAN_FORMAT, span_arg(country), span_arg(within));
    if (!label_place(statement, run, "country", country) ||
        !label_place(statement, run, "region", region)) {
        run->labels_are_open = true;
        return LOOK_FAILED;
    }
    for (size_t i = 0; i < statement->country_count; i++)
        if (span_is(statement->countries[i], country))
            return LOOK_YES;
    return LOOK_NO;
}

/* 0: nobody knows; it may be asked for like any other. */
static enum web_acl_look look_at_asn(const struct web_acl_statement *statement,
                                     const struct asked *asked)
{
    struct geo_place place;
    enum web_acl_look found = find_place(statement, asked, &place);
    if (found != LOOK_YES)
        return look_of(found == LOOK_FAILED);
    for (size_t i = 0; i < statement->asn_count; i++)
        if (statement->asns[i] == place.asn)
            return LOOK_YES;
    return LOOK_NO;
}

/* ---- the whole ---- */

/* One that is not there may have been given by a rule that did not know. */
static enum web_acl_look look_at_labels(const struct web_acl_statement *statement,
                                        const struct web_acl_run *run)
{
    const struct web_acl_outcome *outcome = run->outcome;
    for (size_t i = 0; i < outcome->label_count; i++)
        if (statement->is_namespace ? span_starts(outcome->labels[i], statement->text)
                                    : span_is(outcome->labels[i], statement->text))
            return LOOK_YES;
    return run->labels_are_open ? LOOK_FAILED : LOOK_NO;
}

/* The first part that says `end` settles it, also behind one that does not know. */
static enum web_acl_look look_at_parts(const struct web_acl_statement *statement,
                                       struct web_acl_run *run, enum web_acl_look end)
{
    bool failed = false;
    for (size_t i = 0; i < statement->part_count && run->exhausted < WEB_ACL_EXHAUSTED; i++) {
        enum web_acl_look answer = web_acl_statement_look(&statement->parts[i], run);
        if (answer == end)
            return answer;
        failed |= answer == LOOK_FAILED;
    }
    if (failed || run->exhausted >= WEB_ACL_EXHAUSTED)
        return LOOK_FAILED;
    return end == LOOK_YES ? LOOK_NO : LOOK_YES;
}

static enum web_acl_look look_at_value(const struct web_acl_statement *statement,
                                       struct web_acl_run *run)
{
    struct testing testing = {statement, run};
    arena_reset(run->arena);
    return web_acl_field_look(&statement->field, run, test_value, &testing);
}

static enum web_acl_look turn_round(enum web_acl_look answer)
{
    return answer == LOOK_FAILED ? LOOK_FAILED : look_of(answer == LOOK_NO);
}

enum web_acl_look web_acl_statement_look(const struct web_acl_statement *statement,
                                         struct web_acl_run *run)
{
    switch (statement->kind) {
    case KIND_AND: return look_at_parts(statement, run, LOOK_NO);
    case KIND_OR: return look_at_parts(statement, run, LOOK_YES);
    case KIND_NOT: return turn_round(web_acl_statement_look(statement->parts, run));
    case KIND_IP_SET: return look_at_set(statement, run);
    case KIND_LABEL: return look_at_labels(statement, run);
    case KIND_COUNTRY: return look_at_country(statement, run);
    case KIND_ASN: return look_at_asn(statement, run->asked);
    case KIND_BYTES:
    case KIND_REGEX:
    case KIND_SIZE:
    case KIND_SQLI:
    case KIND_XSS: return look_at_value(statement, run);
    case KIND_RATE: return web_acl_rate_look(statement, run);
    case KIND_GROUP: break; /* not inside of others: web_acl.c runs it */
    }
    return LOOK_NO;
}
