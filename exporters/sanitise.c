/* SPDX-License-Identifier: Apache-2.0 */
/* Twice over the report: first where a named value stands by its structure, which also tells what
 * the secrets are; then wherever those bytes stand. What nobody named and is a secret by its own
 * name, or by how it reads, is hidden where it stands, and is looked for elsewhere only in texts
 * that rules made by macros or captures, and there but for what is said anyway (sanitise_carried):
 * who may send what is hidden everywhere could hide an attack with it. */
#include "exporters/sanitise.h"

#include "exporters/cleaning.h"
#include "exporters/mask.h"

/* ---- heads and lines ---- */

/* The segments that read as secrets. */
static struct span clean_path(struct cleaning *c, struct span path)
{
    struct buf to;
    buf_init(&to, CLEANED_BYTES);
    struct span masked = path_masked(path, &to);
    if (masked.at != path.at)
        return cleaning_finish(c, &to);
    buf_fini(&to);
    return path;
}

static struct span clean_url(struct cleaning *c, struct span url)
{
    struct buf to;
    if (!url_has_secret(url))
        return url;
    buf_init(&to, CLEANED_BYTES);
    (void)url_masked(url, &to);
    return cleaning_finish(c, &to);
}

/* ann:password of ann:password@host: no host has that, but people write it there. */
static struct span clean_host(struct cleaning *c, struct span host)
{
    size_t at = span_find_last_byte(host, '@');
    const struct span parts[] = {SPAN(MASK), span_from(host, at)};
    return at != SPAN_NONE ? arena_join(c->arena, parts, 2) : host;
}

/* Likewise of a target that is neither a path nor an address: CONNECT's, or a broken one. */
static struct span clean_bare(struct cleaning *c, struct span target)
{
    bool is_host = span_is(c->report->method, SPAN("CONNECT"))
                       ? !span_starts(target, SPAN("/"))
                       : span_find_byte(target, '/') == SPAN_NONE;
    return is_host ? clean_host(c, target) : target;
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
    buf_init(&to, CLEANED_BYTES);
    while (text.at != NULL) {
        struct span one = span_cut(&text, ';'), value = one;
        struct span name = span_cut(&value, '=');
        if (value.at != NULL) {
            if (cleaning_names(c, SPAN("REQUEST_COOKIES"), span_trim_ows(name)))
                cleaning_keep(c, value);
            buf_add(&to, span_first(one, name.len + 1));
            buf_add(&to, SPAN(MASK));
        } else {
            buf_add(&to, span_trim_ows(one).len > 0 ? SPAN(MASK) : one);
        }
        if (text.at != NULL)
            buf_add_byte(&to, ';');
    }
    return cleaning_finish(c, &to);
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

/* Host: ann:password@host, as every proxy on the way may repeat it. */
static void clean_field_user(struct cleaning *c, struct pair *field)
{
    struct span value = field->value, user = field_user(field->name, value);
    const struct span parts[] = {span_first(value, (size_t)(user.at - value.at)), SPAN(MASK),
                                 span_from(value, (size_t)(user.at - value.at) + user.len)};
    if (user.len > 0)
        field->value = arena_join(c->arena, parts, 3);
}

/* Where a rule of the request's sends the client to, if it wrote that by macros. */
static void clean_redirect(struct cleaning *c, struct pair *field)
{
    const struct rule_match nothing = {.rule_id = 0};
    if (c->report->waf.action == WAF_BLOCK && span_is_nocase(field->name, SPAN("location")))
        clean_carried(c, &field->value, c->report->waf.redirect_literals, &nothing);
}

static const struct pair *clean_fields(struct cleaning *c, struct span collection,
                                       const struct pair *fields, size_t *count)
{
    struct pair *copy = arena_alloc(c->arena, *count * sizeof(struct pair));
    if (copy == NULL)
        *count = 0;
    for (size_t i = 0; i < *count; i++) {
        copy[i] = fields[i];
        if (cleaning_names(c, collection, fields[i].name)) {
            cleaning_keep(c, fields[i].value);
            copy[i].value = SPAN(MASK);
        } else if (span_is_nocase(fields[i].name, SPAN("cookie"))) {
            copy[i].value = clean_cookies(c, fields[i].value);
        } else if (span_is_nocase(fields[i].name, SPAN("set-cookie"))) {
            copy[i].value = clean_set_cookie(c, fields[i].value);
        } else if (field_is_secret(fields[i].name)) {
            copy[i].value = SPAN(MASK);
        } else {
            clean_field_user(c, &copy[i]);
            cleaning_mask(c, &copy[i].value);
            clean_redirect(c, &copy[i]);
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
    if (cleaning_names(c, SPAN("REQUEST_HEADERS"), SPAN("user-agent")) &&
        c->report->user_agent.len > 0)
        c->report->user_agent = SPAN(MASK);
    if (cleaning_names(c, SPAN("REQUEST_HEADERS"), SPAN("referer")) && c->report->referer.len > 0)
        c->report->referer = SPAN(MASK);
    if (cleaning_names(c, SPAN("RESPONSE_HEADERS"), SPAN("x-amzn-requestid")) &&
        c->report->upstream_request_id.len > 0)
        c->report->upstream_request_id = SPAN(MASK);
    if (cleaning_names(c, SPAN("RESPONSE_HEADERS"), SPAN("x-amz-id-2")) &&
        c->report->upstream_extended_id.len > 0)
        c->report->upstream_extended_id = SPAN(MASK);
}

static const struct pair *hide_in_fields(struct cleaning *c, const struct pair *fields,
                                         size_t *count)
{
    struct pair *copy = arena_alloc(c->arena, *count * sizeof(struct pair));
    if (copy == NULL)
        *count = 0;
    for (size_t i = 0; i < *count; i++) {
        copy[i] = fields[i];
        cleaning_hide(c, &copy[i].value);
    }
    return copy;
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
            cleaning_mask(c, &copy[i].value);
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
    report->authority = clean_host(c, report->authority);
    report->target = clean_bare(c, report->target);
    report->path = clean_bare(c, report->path);
    struct span query = report->target, path = span_cut(&query, '?');
    c->query_had_secret |= query_has_secret(query);
    if (!is_inside(report->query, report->target))
        c->query_had_secret |= query_has_secret(report->query);
    if (c->query_had_secret || url_has_secret(path) ||
        (!is_inside(report->path, report->target) && url_has_secret(report->path)))
        clean_target(c);
    report->referer = clean_url(c, report->referer);
    if (text_has_secret(report->trace_state)) /* its members' names are vendors' */
        cleaning_mask(c, &report->trace_state);
    if (text_may_have_secrets(report->user_agent))
        cleaning_mask(c, &report->user_agent);
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
    clean_bodies(c);
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
        cleaning_hide(c, texts[i]);
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
    buf_init(&cleaning.scratch, CLEANED_BYTES);
    for (size_t i = 0; i < count; i++)
        cleaning_keep(&cleaning, secrets[i].value);
    bool more = count > 0 || has_more(report);
    if (more)
        clean_heads(&cleaning);
    if (count > 0) {
        cleaning.query_had_secret = query_has_secret(report->query);
        clean_target(&cleaning);
    }
    clean_line(&cleaning);
    if (more)
        clean_more(&cleaning);
    if (cleaning.secret_count > 0 || cleaning.is_blind)
        hide_everywhere(&cleaning);
    buf_fini(&cleaning.scratch);
    carried_fini(cleaning.carried);
}
