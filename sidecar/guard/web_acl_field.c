/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a request that statements look at, each value by itself. A part that is not there
 * has no value and matches nothing. */
#include "sidecar/guard/web_acl_inside.h"

enum { FIELDS_BYTES = 8 * 1024, FIELDS_MOST = 200 }; /* of headers and of cookies */

struct look {
    const struct web_acl_field *field;
    struct web_acl_run *run;
    web_acl_test *test;
    void *context;
};

static enum web_acl_look ask(const struct look *look, struct span value)
{
    return look->test(look->context, value);
}

/* ---- pairs: headers, cookies ---- */

static bool is_chosen(const struct web_acl_field *field, struct span name)
{
    bool nocase = field->component == COMPONENT_HEADERS, listed = false;
    for (size_t i = 0; i < field->name_count && !listed; i++)
        listed = nocase ? span_is_nocase(field->names[i], name) : span_is(field->names[i], name);
    return field->choice == CHOICE_ALL || listed == (field->choice == CHOICE_INCLUDED);
}

static enum web_acl_look ask_pair(const struct look *look, const struct pair *pair)
{
    enum web_acl_scope scope = look->field->scope;
    enum web_acl_look answer = LOOK_NO;
    if (!is_chosen(look->field, pair->name))
        return LOOK_NO;
    if (scope != SCOPE_VALUE)
        answer = ask(look, pair->name);
    if (scope != SCOPE_KEY && answer == LOOK_NO)
        answer = ask(look, pair->value);
    return answer;
}

/* The pairs within AWS's limits; `over` says that there are more. */
struct pairs {
    const struct look *look;
    size_t bytes, count;
    bool over;
};

static enum web_acl_look pairs_ask(struct pairs *pairs, const struct pair *pair)
{
    pairs->bytes += pair->name.len + pair->value.len;
    if (pairs->bytes > FIELDS_BYTES || ++pairs->count > FIELDS_MOST) {
        pairs->over = true;
        return LOOK_NO;
    }
    return ask_pair(pairs->look, pair);
}

static enum web_acl_look look_at_headers(struct pairs *pairs)
{
    const struct fields *fields = pairs->look->run->asked->fields;
    enum web_acl_look answer = LOOK_NO;
    for (size_t i = 0; i < fields->count && answer == LOOK_NO && !pairs->over; i++) {
        pairs->look->run->header = fields->at[i].name;
        answer = pairs_ask(pairs, &fields->at[i]);
    }
    return answer;
}

static enum web_acl_look look_at_cookie_line(struct pairs *pairs, struct span rest)
{
    enum web_acl_look answer = LOOK_NO;
    while (rest.at != NULL && answer == LOOK_NO && !pairs->over) {
        struct pair pair = {.value = span_trim_ows(span_cut(&rest, ';'))};
        pair.name = span_cut(&pair.value, '=');
        if (pair.name.len + pair.value.len > 0)
            answer = pairs_ask(pairs, &pair);
    }
    return answer;
}

static enum web_acl_look look_at_cookies(struct pairs *pairs)
{
    const struct fields *fields = pairs->look->run->asked->fields;
    enum web_acl_look answer = LOOK_NO;
    for (size_t i = 0; i < fields->count && answer == LOOK_NO && !pairs->over; i++)
        if (span_is_nocase(fields->at[i].name, SPAN("cookie")))
            answer = look_at_cookie_line(pairs, fields->at[i].value);
    return answer;
}

/* Is there more than is looked at? */
static bool pairs_are_over(const struct look *look)
{
    const struct fields *fields = look->run->asked->fields;
    bool cookies = look->field->component == COMPONENT_COOKIES;
    size_t bytes = 0, count = 0;
    for (size_t i = 0; i < fields->count; i++) {
        const struct pair *pair = &fields->at[i];
        if (cookies && !span_is_nocase(pair->name, SPAN("cookie")))
            continue;
        bytes += pair->value.len + (cookies ? 0 : pair->name.len);
        count++;
        for (size_t j = 0; cookies && j < pair->value.len; j++)
            count += pair->value.at[j] == ';';
    }
    return bytes > FIELDS_BYTES || count > FIELDS_MOST;
}

static enum web_acl_look look_at_order(const struct look *look)
{
    const struct fields *fields = look->run->asked->fields;
    struct arena *arena = look->run->arena;
    size_t len = 0, size = 0;
    for (size_t i = 0; i < fields->count; i++)
        size += fields->at[i].name.len + 1;
    char *names = arena_text(arena, size);
    if (names == NULL)
        return LOOK_FAILED;
    for (size_t i = 0; i < fields->count; i++) {
        if (i > 0)
            names[len++] = ':';
        for (size_t j = 0; j < fields->at[i].name.len; j++)
            names[len++] = byte_lower(fields->at[i].name.at[j]);
    }
    return ask(look, span_first(span_make(names, len), FIELDS_BYTES));
}

static enum web_acl_look look_at_many(const struct look *look)
{
    struct pairs pairs = {.look = look};
    if (look->field->oversize != FALLBACK_CONTINUE && pairs_are_over(look))
        return look->field->oversize == FALLBACK_MATCH ? LOOK_YES : LOOK_NO;
    if (look->field->component == COMPONENT_HEADER_ORDER)
        return look_at_order(look);
    return look->field->component == COMPONENT_HEADERS ? look_at_headers(&pairs)
                                                       : look_at_cookies(&pairs);
}

/* ---- one header, arguments ---- */

static enum web_acl_look look_at_header(const struct look *look)
{
    const struct fields *fields = look->run->asked->fields;
    enum web_acl_look answer = LOOK_NO;
    for (size_t i = 0; i < fields->count && answer == LOOK_NO; i++)
        if (span_is_nocase(fields->at[i].name, look->field->name))
            answer = ask(look, fields->at[i].value);
    return answer;
}

static enum web_acl_look look_at_arguments(const struct look *look)
{
    bool all = look->field->component == COMPONENT_ALL_ARGUMENTS;
    struct span rest = look->run->asked->query;
    enum web_acl_look answer = LOOK_NO;
    while (rest.at != NULL && answer == LOOK_NO) {
        struct span value = span_cut(&rest, '&');
        struct span name = span_cut(&value, '=');
        if (all ? name.len + value.len > 0 : span_is_nocase(name, look->field->name))
            answer = ask(look, value);
    }
    return answer;
}

/* ---- the body ---- */

static enum web_acl_look look_at_body(const struct look *look)
{
    const struct web_acl_field *field = look->field;
    struct span body = look->run->asked->body;
    size_t limit = look->run->acl->body_limit;
    bool over = look->run->asked->body_is_cut || body.len > limit;
    if (over && field->oversize != FALLBACK_CONTINUE)
        return field->oversize == FALLBACK_MATCH ? LOOK_YES : LOOK_NO;
    body = span_first(body, limit);
    if (body.len == 0)
        return LOOK_NO;
    if (field->component == COMPONENT_BODY)
        return ask(look, body);
    return web_acl_json_look(field, look->run, body, look->test, look->context);
}

static enum web_acl_look look_at_fragment(const struct look *look)
{
    struct span target = look->run->asked->target;
    size_t mark = span_find_byte(target, '#');
    if (mark != SPAN_NONE)
        return ask(look, span_from(target, mark + 1));
    return look->field->invalid == FALLBACK_MATCH ? LOOK_YES : LOOK_NO;
}

static enum web_acl_look look_at_text(const struct look *look, struct span text)
{
    return text.len > 0 ? ask(look, text) : LOOK_NO;
}

enum web_acl_look web_acl_field_look(const struct web_acl_field *field, struct web_acl_run *run,
                                     web_acl_test *test, void *context)
{
    const struct look look = {field, run, test, context};
    struct span path = run->asked->raw_path;
    run->header = SPAN("");
    switch (field->component) {
    case COMPONENT_SINGLE_HEADER: return look_at_header(&look);
    case COMPONENT_SINGLE_ARGUMENT:
    case COMPONENT_ALL_ARGUMENTS: return look_at_arguments(&look);
    case COMPONENT_URI_PATH: return ask(&look, path.len > 0 ? path : SPAN("/"));
    case COMPONENT_URI_FRAGMENT: return look_at_fragment(&look);
    case COMPONENT_QUERY_STRING: return look_at_text(&look, run->asked->query);
    case COMPONENT_METHOD: return look_at_text(&look, run->asked->method);
    case COMPONENT_BODY:
    case COMPONENT_JSON_BODY: return look_at_body(&look);
    case COMPONENT_HEADERS:
    case COMPONENT_COOKIES:
    case COMPONENT_HEADER_ORDER: return look_at_many(&look);
    }
    return LOOK_NO;
}
