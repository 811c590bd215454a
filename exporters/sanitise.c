/* SPDX-License-Identifier: Apache-2.0 */
/* Twice over the report: first where a named value stands by its structure, which also tells what
 * the secrets are; then wherever those bytes stand. What nobody named and is a secret by its own
 * name, or by how it reads, is hidden where it stands, and is not looked for elsewhere: who may
 * send what is hidden everywhere could hide an attack with it. */
#include "exporters/sanitise.h"

#include "exporters/form.h"
#include "exporters/mask.h"
#include "rules/base/buf.h"

enum {
    SECRETS_MOST = 64,
    SECRET_SHORTEST = 3, /* shorter ones are hidden only where they are known to stand */
    TEXT_BYTES = 1024 * 1024,
};

struct cleaning {
    struct report *report;
    const struct pair *named;
    size_t name_count;
    struct arena *arena;
    struct span secrets[SECRETS_MOST];
    size_t secret_count, shortest; /* nothing shorter can hold one */
    bool is_blind;                 /* not all are known: then no text can be trusted */
    struct buf scratch;            /* of decoded() */
};

/* ---- names ---- */

static bool is_arguments(struct span collection)
{
    return span_is_nocase(collection, SPAN("ARGS")) ||
           span_is_nocase(collection, SPAN("ARGS_GET")) ||
           span_is_nocase(collection, SPAN("ARGS_POST"));
}

/* Is the variable named? `collection` of arguments: any of theirs. */
static bool is_named(const struct cleaning *c, struct span collection, struct span name)
{
    for (size_t i = 0; i < c->name_count; i++) {
        struct span key = c->named[i].name;
        struct span of = span_cut(&key, ':');
        bool same =
            span_is_nocase(of, collection) || (is_arguments(of) && is_arguments(collection));
        if (same && span_is_nocase(key, name))
            return true;
    }
    return false;
}

static bool names_any(const struct cleaning *c, bool arguments, struct span collection)
{
    for (size_t i = 0; i < c->name_count; i++) {
        struct span key = c->named[i].name;
        struct span of = span_cut(&key, ':');
        if (arguments ? is_arguments(of) : span_is_nocase(of, collection))
            return true;
    }
    return false;
}

/* ---- secrets ---- */

static void keep(struct cleaning *c, struct span value)
{
    if (value.len < SECRET_SHORTEST)
        return;
    for (size_t i = 0; i < c->secret_count; i++)
        if (span_is(c->secrets[i], value))
            return;
    if (c->secret_count < SECRETS_MOST)
        c->secrets[c->secret_count++] = value;
    else
        c->is_blind = true;
    if (value.len < c->shortest)
        c->shortest = value.len;
}

/* Percent and plus undone: the text itself where there are none, else for as long as nothing else
 * is decoded. */
static struct span decoded(struct cleaning *c, struct span text)
{
    size_t len = 0;
    if (span_find_byte(text, '%') == SPAN_NONE && span_find_byte(text, '+') == SPAN_NONE)
        return text;
    buf_clear(&c->scratch);
    char *to = buf_room(&c->scratch, text.len);
    if (to == NULL) {
        c->is_blind = true;
        return text;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool escape = text.at[i] == '%' && i + 2 < text.len && byte_hex(text.at[i + 1]) >= 0 &&
                      byte_hex(text.at[i + 2]) >= 0;
        if (escape) {
            to[len++] = (char)(byte_hex(text.at[i + 1]) * 16 + byte_hex(text.at[i + 2]));
            i += 2;
        } else {
            to[len] = text.at[i];
            if (to[len] == '+')
                to[len] = ' ';
            len++;
        }
    }
    return span_make(to, len);
}

/* As it came, and what it means. */
static void keep_value(struct cleaning *c, struct span value)
{
    struct span plain = decoded(c, value);
    keep(c, value);
    if (plain.at == value.at)
        return;
    struct span kept = arena_copy(c->arena, plain);
    c->is_blind |= kept.len < plain.len;
    keep(c, kept);
}

static struct span finish(struct cleaning *c, struct buf *text)
{
    struct span made = buf_is_full(text) ? SPAN(MASK) : arena_copy(c->arena, buf_span(text));
    buf_fini(text);
    return made;
}

/* Does the value, its escapes undone, hold a secret? */
static bool holds(struct cleaning *c, struct span value)
{
    if (value.len < c->shortest)
        return false;
    struct span plain = decoded(c, value);
    for (size_t i = 0; i < c->secret_count; i++)
        if (span_find_nocase(plain, c->secrets[i]) != SPAN_NONE)
            return true;
    return false;
}

/* ---- what reads as a secret ---- */

/* True: there was something. */
static bool mask_text(struct cleaning *c, struct span *text)
{
    struct buf to;
    if (!text_may_have_secrets(*text))
        return false;
    buf_init(&to, TEXT_BYTES);
    text_mask_secrets(&to, *text);
    *text = finish(c, &to);
    return true;
}

/* Of bodies, whatever they are. */
static struct span masked_body(struct cleaning *c, struct span body)
{
    mask_text(c, &body);
    return body;
}

/* ---- where they stand ---- */

/* a=1&b=2: of a query or a form. */
static struct span clean_parameters(struct cleaning *c, struct span text)
{
    struct buf to;
    buf_init(&to, TEXT_BYTES);
    struct span rest = text;
    const char *copied = text.at;
    bool names_one = names_any(c, true, SPAN(""));
    while (rest.len > 0) {
        size_t len = 0;
        while (len < rest.len && rest.at[len] != '&' && rest.at[len] != ';')
            len++;
        struct span value = span_first(rest, len);
        struct span name = span_cut(&value, '=');
        struct span hidden = parameter_secret(span_first(rest, len));
        bool is_named_one =
            value.at != NULL && names_one && is_named(c, SPAN("ARGS"), decoded(c, name));
        if (value.at != NULL && (is_named_one || holds(c, value))) {
            keep_value(c, value);
            hidden = hidden.at == NULL ? value : hidden;
        }
        if (hidden.at != NULL) {
            buf_add(&to, span_make(copied, (size_t)(hidden.at - copied)));
            buf_add(&to, SPAN(MASK));
            copied = hidden.at + hidden.len;
        }
        rest = span_from(rest, len + 1);
    }
    if (copied == text.at)
        return text;
    buf_add(&to, span_make(copied, (size_t)(text.at + text.len - copied)));
    return finish(c, &to);
}

static struct span clean_multipart(struct cleaning *c, struct span body, struct span boundary)
{
    struct buf to;
    struct form_part part;
    buf_init(&to, TEXT_BYTES);
    struct span rest = body;
    const char *copied = body.at;
    while (form_next(&rest, boundary, &part)) {
        struct span shown = SPAN(MASK);
        if (is_named(c, SPAN("ARGS"), part.name))
            keep(c, part.content);
        else if (!name_is_secret(part.name)) {
            shown = masked_body(c, part.content);
            if (shown.at == part.content.at)
                continue;
        }
        buf_add(&to, span_make(copied, (size_t)(part.content.at - copied)));
        buf_add(&to, shown);
        copied = part.content.at + part.content.len;
    }
    buf_add(&to, span_make(copied, (size_t)(body.at + body.len - copied)));
    return finish(c, &to);
}

/* What stands in a coded body cannot be seen, but read by whoever undoes the coding. */
static void hide_coded(const struct pair *fields, size_t count, struct span *body)
{
    for (size_t i = 0; i < count && body->len > 0; i++) {
        struct span coding = span_trim_ows(fields[i].value);
        if (span_is_nocase(fields[i].name, SPAN("content-encoding")) && coding.len > 0 &&
            !span_is_nocase(coding, SPAN("identity")))
            *body = SPAN(MASK);
    }
}

static void clean_body(struct cleaning *c)
{
    struct report_audit *audit = &c->report->audit;
    if (audit->request_body.len == 0 && audit->response_body.len == 0)
        return;
    hide_coded(audit->request_fields, audit->request_field_count, &audit->request_body);
    hide_coded(audit->response_fields, audit->response_field_count, &audit->response_body);
    struct span type =
        pairs_get(audit->request_fields, audit->request_field_count, SPAN("content-type"));
    struct span boundary = form_boundary(type);
    if (names_any(c, false, SPAN("REQUEST_BODY")) && audit->request_body.len > 0)
        audit->request_body = SPAN(MASK);
    if (names_any(c, false, SPAN("RESPONSE_BODY")) && audit->response_body.len > 0)
        audit->response_body = SPAN(MASK);
    audit->response_body = masked_body(c, audit->response_body);
    bool escapes = span_find_byte(audit->request_body, '\\') != SPAN_NONE ||
                   span_find_byte(audit->request_body, '&') != SPAN_NONE;
    if (audit->request_body.len == 0)
        return;
    if (boundary.at != NULL)
        audit->request_body = clean_multipart(c, audit->request_body, boundary);
    else if (form_is_urlencoded(type))
        audit->request_body = clean_parameters(c, audit->request_body);
    else if (names_any(c, true, SPAN("")) || (c->secret_count > 0 && escapes))
        audit->request_body = SPAN(MASK);
    else
        audit->request_body = masked_body(c, audit->request_body);
}

/* The segments that read as secrets. */
static struct span clean_path(struct cleaning *c, struct span path)
{
    struct buf to;
    buf_init(&to, TEXT_BYTES);
    struct span masked = path_masked(path, &to);
    if (masked.at != path.at)
        return finish(c, &to);
    buf_fini(&to);
    return path;
}

static struct span clean_url(struct cleaning *c, struct span url)
{
    struct buf to;
    if (!url_has_secret(url))
        return url;
    buf_init(&to, TEXT_BYTES);
    (void)url_masked(url, &to);
    return finish(c, &to);
}

static void clean_target(struct cleaning *c)
{
    struct report *report = c->report;
    struct span query = report->target;
    struct span path = span_cut(&query, '?');
    struct span clean = clean_parameters(c, query), clean_start = clean_path(c, path);
    const struct span parts[] = {clean_start, SPAN("?"), clean};
    if (clean.at != query.at || clean_start.at != path.at)
        report->target = arena_join(c->arena, parts, query.at != NULL ? 3 : 1);
    report->query = clean_parameters(c, report->query);
    report->path = clean_path(c, report->path);
}

/* sid=1; theme=dark: a cookie of any name may be a session's. */
static struct span clean_cookies(struct cleaning *c, struct span text)
{
    struct buf to;
    buf_init(&to, TEXT_BYTES);
    while (text.at != NULL) {
        struct span one = span_cut(&text, ';'), value = one;
        struct span name = span_cut(&value, '=');
        if (value.at != NULL) {
            if (is_named(c, SPAN("REQUEST_COOKIES"), span_trim_ows(name)))
                keep(c, value);
            buf_add(&to, span_first(one, name.len + 1));
            buf_add(&to, SPAN(MASK));
        } else {
            buf_add(&to, span_trim_ows(one).len > 0 ? SPAN(MASK) : one);
        }
        if (text.at != NULL)
            buf_add_byte(&to, ';');
    }
    return finish(c, &to);
}

/* sid=1; Path=/ */
static struct span clean_set_cookie(struct cleaning *c, struct span text)
{
    struct span attributes = text, name = span_cut(&attributes, ';');
    size_t equals = span_find_byte(name, '=');
    const struct span parts[] = {span_first(name, equals == SPAN_NONE ? 0 : equals + 1), SPAN(MASK),
                                 span_from(text, name.len)};
    return arena_join(c->arena, parts, 3);
}

static const struct pair *clean_fields(struct cleaning *c, struct span collection,
                                       const struct pair *fields, size_t *count)
{
    struct pair *copy = arena_alloc(c->arena, *count * sizeof(struct pair));
    if (copy == NULL)
        *count = 0;
    for (size_t i = 0; i < *count; i++) {
        copy[i] = fields[i];
        if (is_named(c, collection, fields[i].name)) {
            keep(c, fields[i].value);
            copy[i].value = SPAN(MASK);
        } else if (span_is_nocase(fields[i].name, SPAN("cookie"))) {
            copy[i].value = clean_cookies(c, fields[i].value);
        } else if (span_is_nocase(fields[i].name, SPAN("set-cookie"))) {
            copy[i].value = clean_set_cookie(c, fields[i].value);
        } else if (field_is_secret(fields[i].name)) {
            copy[i].value = SPAN(MASK);
        } else {
            mask_text(c, &copy[i].value);
        }
    }
    return copy;
}

static void clean_heads(struct cleaning *c)
{
    struct report_audit *audit = &c->report->audit;
    audit->request_fields = clean_fields(c, SPAN("REQUEST_HEADERS"), audit->request_fields,
                                         &audit->request_field_count);
    audit->response_fields = clean_fields(c, SPAN("RESPONSE_HEADERS"), audit->response_fields,
                                          &audit->response_field_count);
    if (is_named(c, SPAN("REQUEST_HEADERS"), SPAN("user-agent")) && c->report->user_agent.len > 0)
        c->report->user_agent = SPAN(MASK);
    if (is_named(c, SPAN("REQUEST_HEADERS"), SPAN("referer")) && c->report->referer.len > 0)
        c->report->referer = SPAN(MASK);
    if (is_named(c, SPAN("RESPONSE_HEADERS"), SPAN("x-amzn-requestid")) &&
        c->report->upstream_request_id.len > 0)
        c->report->upstream_request_id = SPAN(MASK);
    if (is_named(c, SPAN("RESPONSE_HEADERS"), SPAN("x-amz-id-2")) &&
        c->report->upstream_extended_id.len > 0)
        c->report->upstream_extended_id = SPAN(MASK);
}

/* ---- wherever else they are ---- */

static struct span without_one(struct cleaning *c, struct span text, struct span secret)
{
    struct buf to;
    buf_init(&to, TEXT_BYTES);
    for (;;) {
        size_t at = span_find_nocase(text, secret);
        buf_add(&to, span_first(text, at));
        if (at == SPAN_NONE)
            return finish(c, &to);
        buf_add(&to, SPAN(MASK));
        text = span_from(text, at + secret.len);
    }
}

/* True: there was one. */
static bool hide(struct cleaning *c, struct span *text)
{
    bool any = false;
    if (c->is_blind && text->len > 0) {
        *text = SPAN(MASK);
        return true;
    }
    if (text->len < c->shortest)
        return false;
    for (size_t i = 0; i < c->secret_count; i++) {
        if (span_find_nocase(*text, c->secrets[i]) == SPAN_NONE)
            continue;
        *text = without_one(c, *text, c->secrets[i]);
        any = true;
    }
    return any;
}

static const struct pair *hide_in_fields(struct cleaning *c, const struct pair *fields,
                                         size_t *count)
{
    struct pair *copy = arena_alloc(c->arena, *count * sizeof(struct pair));
    if (copy == NULL)
        *count = 0;
    for (size_t i = 0; i < *count; i++) {
        copy[i] = fields[i];
        hide(c, &copy[i].value);
    }
    return copy;
}

static void hide_one(struct cleaning *c, struct span *text, struct span secret)
{
    if (secret.len >= SECRET_SHORTEST && span_find_nocase(*text, secret) != SPAN_NONE)
        *text = without_one(c, *text, secret);
}

/* `value`: empty, or hidden there, too. */
static const struct span *hide_in_tags(struct cleaning *c, const struct span *tags, size_t *count,
                                       struct span value)
{
    struct span *copy = arena_alloc(c->arena, *count * sizeof(struct span));
    if (copy == NULL)
        *count = 0;
    for (size_t i = 0; i < *count; i++) {
        copy[i] = tags[i];
        hide(c, &copy[i]);
        hide_one(c, &copy[i], value);
        mask_text(c, &copy[i]);
    }
    return copy;
}

/* A link of a chain that looks at what another one found: its name does not say where. */
static bool is_derived(struct span collection)
{
    return span_is_nocase(collection, SPAN("TX")) ||
           span_starts_nocase(collection, SPAN("MATCHED_VAR"));
}

/* Is the value all of a secret, or a piece of one? It is masked then, else what it holds of them.
 */
static bool clean_value(struct cleaning *c, struct rule_match *match)
{
    struct span name = match->variable_name;
    struct span collection = span_cut(&name, ':');
    bool named = is_named(c, collection, name.at != NULL ? name : SPAN(""));
    if (named)
        keep(c, match->variable_value);
    if (named || variable_is_secret(match->variable_name) ||
        (is_derived(collection) && text_may_have_secrets(match->data))) {
        match->variable_value = SPAN(MASK);
        return true;
    }
    bool hidden = hide(c, &match->variable_value);
    bool masked = mask_text(c, &match->variable_value);
    return hidden || (masked && span_is(match->variable_value, SPAN(MASK)));
}

/* A match against a secret says in its data what it found there: pieces of it. */
static void clean_match(struct cleaning *c, struct rule_match *match)
{
    struct span value = match->variable_value;
    bool touched = clean_value(c, match);
    enum { TEXTS = 3 };
    struct span *texts[TEXTS] = {&match->data, &match->message, &match->operator_argument};
    if (touched && match->data.len > 0)
        match->data = SPAN(MASK);
    if (!touched)
        value = SPAN("");
    for (size_t i = 0; i < TEXTS; i++) {
        hide(c, texts[i]);
        hide_one(c, texts[i], value);
    }
    mask_text(c, &match->data);
    mask_text(c, &match->message);
    match->tags = hide_in_tags(c, match->tags, &match->tag_count, value);
}

static void clean_matches(struct cleaning *c)
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

static bool is_secret_place(const struct report_waf_rule *rule)
{
    return field_is_secret(rule->field) || name_is_secret(rule->field);
}

/* What a web ACL's rule found may be a piece of a secret, or hold one. */
static void clean_decisions(struct cleaning *c)
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
        if (rules[i].field.len > 0 && is_secret_place(&rules[i]))
            rules[i].data = SPAN(MASK);
        hide(c, &rules[i].data);
        mask_text(c, &rules[i].data);
        copy[i].rule = &rules[i];
    }
    c->report->decisions = copy;
}

static const struct pair *mask_fields(struct cleaning *c, const struct pair *fields, size_t *count)
{
    struct pair *copy = arena_alloc(c->arena, *count * sizeof(struct pair));
    if (copy == NULL)
        *count = 0;
    for (size_t i = 0; i < *count; i++) {
        copy[i] = fields[i];
        if (field_is_secret(fields[i].name) || name_is_secret(fields[i].name))
            copy[i].value = SPAN(MASK);
        else
            mask_text(c, &copy[i].value);
    }
    return copy;
}

/* ---- the whole ---- */

static bool is_inside(struct span text, struct span whole)
{
    return text.at >= whole.at && text.at + text.len <= whole.at + whole.len;
}

/* What every line has, of a request of which nobody says more. */
static void clean_line(struct cleaning *c)
{
    struct report *report = c->report;
    if (url_has_secret(report->target) ||
        (!is_inside(report->query, report->target) && query_has_secret(report->query)) ||
        (!is_inside(report->path, report->target) && url_has_secret(report->path)))
        clean_target(c);
    report->referer = clean_url(c, report->referer);
    if (text_has_secret(report->user_agent))
        mask_text(c, &report->user_agent);
    if (report->authorizer.member_count > 0)
        report->authorizer.members =
            mask_fields(c, report->authorizer.members, &report->authorizer.member_count);
}

/* Is anything of it told beyond that line? */
static bool has_more(const struct report *report)
{
    if (report->audit.wanted || report->waf_log.wanted || report->waf_log.sampled ||
        report->execution.traces || report->waf.match_count > 0)
        return true;
    for (size_t i = 0; i < report->decision_count; i++)
        if (report->decisions[i].rule != NULL)
            return true;
    return false;
}

static void clean_more(struct cleaning *c)
{
    struct report *report = c->report;
    clean_body(c);
    clean_matches(c);
    clean_decisions(c);
    report->waf_log.inserted =
        mask_fields(c, report->waf_log.inserted, &report->waf_log.inserted_count);
}

/* Wherever else a secret that somebody named stands. */
static void hide_everywhere(struct cleaning *c)
{
    struct report *report = c->report;
    struct report_audit *audit = &report->audit;
    enum { TEXTS = 10 };
    struct span *texts[TEXTS] = {&report->target,
                                 &report->query,
                                 &report->path,
                                 &report->authority,
                                 &report->user_agent,
                                 &report->referer,
                                 &report->upstream_request_id,
                                 &report->upstream_extended_id,
                                 &audit->request_body,
                                 &audit->response_body};
    for (size_t i = 0; i < TEXTS; i++)
        hide(c, texts[i]);
    report->authorizer.members =
        hide_in_fields(c, report->authorizer.members, &report->authorizer.member_count);
    audit->request_fields = hide_in_fields(c, audit->request_fields, &audit->request_field_count);
    audit->response_fields =
        hide_in_fields(c, audit->response_fields, &audit->response_field_count);
}

void report_sanitise(struct report *report, const struct pair *secrets, size_t count,
                     struct arena *arena)
{
    struct cleaning cleaning = {.report = report,
                                .named = secrets,
                                .name_count = count,
                                .arena = arena,
                                .shortest = SIZE_MAX};
    buf_init(&cleaning.scratch, TEXT_BYTES);
    for (size_t i = 0; i < count; i++)
        keep(&cleaning, secrets[i].value);
    bool more = count > 0 || has_more(report);
    if (more)
        clean_heads(&cleaning);
    if (count > 0)
        clean_target(&cleaning);
    clean_line(&cleaning);
    if (more)
        clean_more(&cleaning);
    if (cleaning.secret_count > 0 || cleaning.is_blind)
        hide_everywhere(&cleaning);
    buf_fini(&cleaning.scratch);
}
