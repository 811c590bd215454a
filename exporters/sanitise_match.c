/* SPDX-License-Identifier: Apache-2.0 */
/* What rules say that they found: values of variables, pieces of those, and texts made of them. */
#include <string.h>

#include "exporters/cleaning.h"
#include "exporters/mask.h"

static void hide_found(struct cleaning *c, struct span *text)
{
    for (size_t i = 0; i < c->found_count; i++)
        cleaning_hide_one(c, text, c->found[i]);
}

/* A rule captures pieces of what it looks at, and its texts name them: what a text has in common
 * with the secret goes, but for spaces before it. Nobody writes texts that are longer. */
static void hide_pieces(struct cleaning *c, struct span *text, struct span secret)
{
    enum { PIECE_SHORTEST = 4, TEXT_LONGEST = 512 };
    struct buf to;
    size_t end = 0; /* of the piece under way */
    if (secret.len < PIECE_SHORTEST || text->len < PIECE_SHORTEST)
        return;
    buf_init(&to, CLEANED_BYTES);
    for (size_t i = 0; i < text->len && text->len <= TEXT_LONGEST; i++) {
        struct span piece = span_first(span_from(*text, i), PIECE_SHORTEST);
        if (piece.len == PIECE_SHORTEST && piece.at[0] != ' ' &&
            span_find_nocase(secret, piece) != SPAN_NONE) {
            buf_add(&to, i >= end ? SPAN(MASK) : SPAN(""));
            end = i + PIECE_SHORTEST;
        }
        if (i >= end)
            buf_add_byte(&to, text->at[i]);
    }
    if (text->len > TEXT_LONGEST)
        buf_add(&to, SPAN(MASK));
    *text = cleaning_finish(c, &to);
}

/* Of a text that is not the rule's own; `value`: a secret, or empty. */
static void clean_text(struct cleaning *c, struct span *text, struct span value)
{
    cleaning_hide(c, text);
    cleaning_hide_one(c, text, value);
    hide_found(c, text);
    cleaning_mask(c, text);
    hide_pieces(c, text, value);
    for (size_t i = 0; i < c->found_count; i++)
        hide_pieces(c, text, c->found[i]);
    if (c->found_count == FOUND_MOST && text->len > 0)
        *text = SPAN(MASK);
}

static const struct span *clean_tags(struct cleaning *c, const struct span *tags, size_t *count,
                                     struct span value)
{
    struct span *copy = arena_alloc(c->arena, *count * sizeof(struct span));
    if (copy == NULL)
        *count = 0;
    for (size_t i = 0; i < *count; i++) {
        copy[i] = tags[i];
        clean_text(c, &copy[i], value);
    }
    return copy;
}

/* MATCHED_VARS:ARGS:q is ARGS:q, as often as that is said. */
static struct span own_name(struct span variable)
{
    for (;;) {
        struct span name = variable, collection = span_cut(&name, ':');
        if (!span_is_nocase(collection, SPAN("MATCHED_VARS")) || name.len == 0)
            return variable;
        variable = name;
    }
}

static bool is_named(const struct cleaning *c, struct span variable)
{
    struct span name = own_name(variable), collection = span_cut(&name, ':');
    return cleaning_names(c, collection, name.at != NULL ? name : SPAN(""));
}

/* A link of a chain that looks at what another one found: its name does not say where. */
static bool is_derived(struct span variable)
{
    struct span name = own_name(variable), collection = span_cut(&name, ':');
    return span_is_nocase(collection, SPAN("TX")) ||
           span_starts_nocase(collection, SPAN("MATCHED_VAR"));
}

/* Has one of a chain's links matched in a secret? */
static bool comes_of_secret(struct cleaning *c, const struct rule_match *match)
{
    for (size_t i = 0; i < match->link_count; i++)
        if (is_named(c, match->links[i]) || variable_is_secret(match->links[i]) ||
            carried_names(c, own_name(match->links[i])))
            return true;
    return text_may_have_secrets(match->data);
}

/* ann:password@host in a Host field, or another that says one. */
static bool is_host_with_user(const struct rule_match *match)
{
    struct span name = own_name(match->variable_name), collection = span_cut(&name, ':');
    struct span field = span_is_nocase(collection, SPAN("REQUEST_HEADERS")) ? name : SPAN("");
    if (span_is_nocase(collection, SPAN("SERVER_NAME")))
        field = SPAN("host");
    return field_user(field, match->variable_value).len > 0;
}

/* Of arguments, passwordEnabled is none where it says no more than yes. */
static bool is_secret_variable(const struct rule_match *match)
{
    struct span name = own_name(match->variable_name), collection = span_cut(&name, ':');
    return variable_is_secret(match->variable_name) &&
           !(span_starts_nocase(collection, SPAN("ARGS")) &&
             value_is_harmless(name, match->variable_value));
}

/* Where nothing of the value may be said. */
static bool hide_value(struct cleaning *c, struct rule_match *match)
{
    bool named = is_named(c, match->variable_name);
    if (named)
        cleaning_keep(c, match->variable_value);
    if (!named && !is_secret_variable(match) && !carried_names(c, own_name(match->variable_name)) &&
        !is_host_with_user(match) &&
        !(is_derived(match->variable_name) && comes_of_secret(c, match)))
        return false;
    match->variable_value = SPAN(MASK);
    return true;
}

/* What "Matched Data: X found within Y" shows of the value: X; of other data all of it. */
static struct span piece_of(struct span data)
{
    struct span start = SPAN("Matched Data: ");
    if (!span_starts(data, start))
        return data;
    data = span_from(data, start.len);
    return span_first(data, span_find(data, SPAN(" found within ")));
}

/* The secrets of a value that holds some beside other things go from the texts about it, too, and
 * the data is hidden where it may be a piece of one: where it does not stand in what is left. */
static void find_pieces(struct cleaning *c, struct rule_match *match, struct span value)
{
    c->found_count = text_secrets(value, c->found, FOUND_MOST);
    hide_found(c, &match->data);
    bool is_left = span_find_nocase(match->variable_value, piece_of(match->data)) != SPAN_NONE;
    if (c->found_count == FOUND_MOST || !is_left)
        match->data = SPAN(MASK);
}

/* No output shows more than its beginning. A secret that is cut in two there is still known by its
 * name, or by how it begins. */
static struct span shown_of(struct span value)
{
    enum { SHOWN_LONGEST = 256, SECRET_LONGEST = 4096 };
    return span_first(value, SHOWN_LONGEST + SECRET_LONGEST);
}

/* Rules look at the same body one after the other: it is searched once. */
static bool is_long_secret(struct cleaning *c, struct span value)
{
    if (c->searched.at != value.at || c->searched.len != value.len)
        c->searched_has_secret = text_may_have_secrets(value);
    c->searched = value;
    return c->searched_has_secret;
}

/* True: the value is, or is a piece of, a secret. What else it holds of them is masked in it. */
static bool clean_value(struct cleaning *c, struct rule_match *match)
{
    struct span value = match->variable_value, shown = shown_of(value);
    if (hide_value(c, match))
        return true;
    match->variable_value = shown;
    bool hidden = cleaning_hide(c, &match->variable_value);
    bool masked = cleaning_mask(c, &match->variable_value);
    if (masked || (value.len > shown.len && is_long_secret(c, value)))
        find_pieces(c, match, shown);
    return hidden || (masked && span_is(match->variable_value, SPAN(MASK)));
}

/* What rules have stored stands in a variable of their own: TX:caller, IP:last. */
static bool is_stored(struct span variable)
{
    static const struct span stored[] = {
        SPAN_INIT("TX"),       SPAN_INIT("ENV"),         SPAN_INIT("IP"),
        SPAN_INIT("GLOBAL"),   SPAN_INIT("USER"),        SPAN_INIT("SESSION"),
        SPAN_INIT("RESOURCE"), SPAN_INIT("MATCHED_VAR"), SPAN_INIT("MATCHED_VARS"),
        SPAN_INIT("USERID"),   SPAN_INIT("SESSIONID")};
    struct span name = own_name(variable), collection = span_cut(&name, ':');
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++)
        if (span_is_nocase(collection, stored[i]))
            return true;
    return false;
}

/* What a rule's texts have from elsewhere than from where it matched. */
static void clean_expanded(struct cleaning *c, struct rule_match *match)
{
    if (is_stored(match->variable_name)) {
        const struct rule_match nothing = {.rule_id = 0};
        clean_carried(c, &match->variable_value, SPAN(""), &nothing);
    }
    clean_carried(c, &match->message, match->literals.message, match);
    clean_carried(c, &match->data, match->literals.data, match);
    clean_carried(c, &match->operator_argument, match->literals.argument, match);
    if (match->literals.tags == NULL || match->is_fixed)
        return;
    struct span *tags = arena_alloc(c->arena, match->tag_count * sizeof *tags);
    if (tags == NULL)
        match->tag_count = 0;
    for (size_t i = 0; i < match->tag_count; i++) {
        tags[i] = match->tags[i];
        clean_carried(c, &tags[i], match->literals.tags[i], match);
    }
    match->tags = tags;
}

/* REQUEST_COOKIES:abc or REQUEST_COOKIES_NAMES:abc of `Cookie: abc`, whose name is the secret:
 * that. Empty: it is another variable, or has a name of its own. */
static struct span bare_cookie_of(const struct cleaning *c, struct span variable)
{
    const struct report_brought *from = c->report->waf.brought;
    struct span name = own_name(variable), collection = span_cut(&name, ':');
    bool is_cookie = span_is_nocase(collection, SPAN("REQUEST_COOKIES")) ||
                     span_is_nocase(collection, SPAN("REQUEST_COOKIES_NAMES"));
    for (size_t i = 0; is_cookie && from != NULL && i < from->request_field_count; i++) {
        struct span field = from->request_fields[i].value, cookie;
        if (!span_is_nocase(from->request_fields[i].name, SPAN("cookie")))
            continue;
        while ((cookie = cleaning_bare_cookie(&field)).len > 0)
            if (span_is_nocase(cookie, name))
                return name;
    }
    return SPAN("");
}

/* Nothing is said of it but where it stood. */
static void hide_bare_cookie(struct cleaning *c, struct rule_match *match, struct span cookie)
{
    struct span variable = match->variable_name;
    const struct span parts[] = {span_first(variable, variable.len - cookie.len), SPAN(MASK)};
    match->variable_name = arena_join(c->arena, parts, 2);
    match->variable_value = SPAN(MASK);
}

/* A match against a secret says in its data what it found there: pieces of it. */
static void clean_match(struct cleaning *c, struct rule_match *match)
{
    struct span value = match->variable_value, cookie = bare_cookie_of(c, match->variable_name);
    c->found_count = 0;
    bool touched = clean_value(c, match) || cookie.len > 0;
    if (cookie.len > 0) {
        value = cookie;
        hide_bare_cookie(c, match, cookie);
    }
    if (touched && match->data.len > 0)
        match->data = SPAN(MASK);
    if (!touched)
        value = SPAN("");
    cleaning_hide(c, &match->data);
    cleaning_hide_one(c, &match->data, value);
    cleaning_mask(c, &match->data);
    cleaning_hide(c, &match->operator_argument);
    cleaning_hide_one(c, &match->operator_argument, value);
    cleaning_mask(c, &match->variable_name); /* a name that came in a body of no form */
    if (!match->is_fixed) {
        clean_text(c, &match->message, shown_of(value));
        match->tags = clean_tags(c, match->tags, &match->tag_count, shown_of(value));
    }
    clean_expanded(c, match);
}

void clean_matches(struct cleaning *c)
{
    size_t count = c->report->waf.match_count;
    struct rule_match *copy = arena_alloc(c->arena, count * sizeof(struct rule_match));
    if (copy == NULL)
        count = c->report->waf.match_count = 0;
    for (size_t i = 0; i < count; i++) {
        copy[i] = c->report->waf.matches[i];
        clean_match(c, &copy[i]);
    }
    c->report->waf.matches = copy;
}

static bool says(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

/* Has a header of that name a secret? They are clean by now. */
static bool is_secret_header(const struct cleaning *c, struct span name)
{
    const struct report_audit *audit = &c->report->audit;
    for (size_t i = 0; i < audit->request_field_count; i++)
        if (span_is_nocase(audit->request_fields[i].name, name) &&
            span_find(audit->request_fields[i].value, SPAN(MASK)) != SPAN_NONE)
            return true;
    return name.len == 0;
}

/* Stands in the place that the rule looked at a secret? Then what it found may be a piece of it. */
static bool is_secret_place(const struct cleaning *c, const struct report_waf_rule *rule)
{
    if (rule->field.len > 0 && (field_is_secret(rule->field) || name_is_secret(rule->field)))
        return true;
    if (says(rule->location, "HEADER"))
        return is_secret_header(c, rule->field);
    if (says(rule->location, "BODY") || says(rule->location, "JSON_BODY"))
        return c->report->audit.body_has_secret;
    if (says(rule->location, "QUERY_STRING") || says(rule->location, "ALL_QUERY_ARGS"))
        return c->query_had_secret;
    return says(rule->location, "COOKIES");
}

/* What a web ACL's rule found may be a piece of a secret, or hold one. */
void clean_decisions(struct cleaning *c)
{
    size_t count = c->report->decision_count, ruled = 0;
    for (size_t i = 0; i < count; i++)
        ruled += c->report->decisions[i].rule != NULL;
    if (ruled == 0)
        return;
    struct report_decision *copy = arena_alloc(c->arena, count * sizeof *copy);
    struct report_waf_rule *rules = arena_alloc(c->arena, count * sizeof *rules);
    if (copy == NULL || rules == NULL)
        count = c->report->decision_count = 0;
    for (size_t i = 0; i < count; i++) {
        copy[i] = c->report->decisions[i];
        if (copy[i].rule == NULL)
            continue;
        rules[i] = *copy[i].rule;
        if (rules[i].data.len > 0 && is_secret_place(c, &rules[i]))
            rules[i].data = SPAN(MASK);
        cleaning_hide(c, &rules[i].data);
        cleaning_mask(c, &rules[i].data);
        copy[i].rule = &rules[i];
    }
    c->report->decisions = copy;
}
