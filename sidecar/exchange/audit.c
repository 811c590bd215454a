/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit log is told of an exchange: everything, where it is relevant, else nothing. */
#include <stdio.h>

#include "exporters/form.h"
#include "exporters/mask.h"
#include "exporters/sanitise.h"
#include "rules/match/pattern.h"
#include "sidecar/exchange/credentials.h"
#include "sidecar/exchange/inside.h"

/* A pattern that runs over its limit is no reason to keep silent. */
static bool status_is_relevant(const struct exchange *x, unsigned status)
{
    char text[16];
    if (x->snapshot->audit_status == NULL)
        return false;
    int len = snprintf(text, sizeof text, "%u", status);
    return pattern_match(x->snapshot->audit_status, span_make(text, (size_t)len),
                         x->around->world.scratch, NULL) != PATTERN_NO;
}

static bool is_relevant(const struct exchange *x, const struct report *report,
                        const struct inspection_audit *audit)
{
    if (!x->settings->audit_log.is_on || audit->never)
        return false;
    if (audit->always)
        return true;
    for (size_t i = 0; i < report->waf.match_count; i++)
        if (report->waf.matches[i].audit)
            return true;
    return status_is_relevant(x, report->status);
}

/* What the transaction came to; without rules, what the settings say. */
static struct inspection_audit audit_of(const struct exchange *x)
{
    const struct inspection_options *options = &x->snapshot->inspection;
    if (x->inspection != NULL)
        return inspection_audit(x->inspection);
    return (struct inspection_audit){.never = options->audit_engine == AUDIT_OFF,
                                     .always = options->audit_engine == AUDIT_ON,
                                     .parts = options->audit_parts};
}

static void say_request_fields(const struct exchange *x, struct report_audit *audit)
{
    const struct fields *asked = &x->client->head->fields;
    audit->request_fields = asked->at;
    audit->request_field_count = asked->count;
}

static void say_all(const struct exchange *x, struct report_audit *audit)
{
    audit->request_body = buf_span(&x->prefix);
    if (x->head_left) {
        audit->response_fields = x->answer.fields.at;
        audit->response_field_count = x->answer.fields.count;
    }
    audit->response_body = x->own.status != 0 ? x->own_body : buf_span(&x->answer_prefix);
    audit->request_is_cut = audit->request_body.len > 0 && !x->prefix_is_whole;
    audit->response_is_cut =
        x->own.status == 0 && audit->response_body.len > 0 && !x->answer_prefix_is_whole;
    audit->components = x->snapshot->components;
    audit->web_app_id = x->snapshot->web_app_id;
    audit->sensor_id = x->snapshot->sensor_id;
}

static bool wants_heads(const struct report *report)
{
    return report->audit.wanted || report->waf_log.wanted || report->waf_log.sampled ||
           report->execution.traces;
}

static void want_no_heads(struct report *report)
{
    report->audit.wanted = report->waf_log.wanted = report->waf_log.sampled = false;
    report->execution.traces = false;
    report->waf_log.label_count = report->waf_log.inserted_count = 0;
}

/* Did rules find something, and is there a secret in the body that they looked at, or may there be
 * one in its coding? */
static bool body_has_secret(const struct exchange *x, const struct report *report)
{
    bool found = report->waf.match_count > 0;
    for (size_t i = 0; i < report->decision_count && !found; i++)
        found = report->decisions[i].rule != NULL;
    if (!found || x->prefix.len == 0)
        return false;
    return fields_get(&x->client->head->fields, SPAN("content-encoding")).at != NULL ||
           text_may_have_secrets(buf_span(&x->prefix));
}

/* XML, MATCHED_VARS:XML, or what a link of a chain found: TX:1, MATCHED_VAR. */
static bool is_of_document(struct span variable)
{
    struct span rest = variable, collection = span_cut(&rest, ':');
    if (span_is(collection, SPAN("TX")))
        return rest.len == 1 && byte_is_digit(rest.at[0]);
    return span_is(collection, SPAN("XML")) || span_is(collection, SPAN("MATCHED_VAR")) ||
           span_starts(rest, SPAN("XML:"));
}

static bool is_xml(const struct exchange *x)
{
    struct span type = fields_get(&x->client->head->fields, SPAN("content-type"));
    struct span body = span_trim(span_first(buf_span(&x->prefix), 64), " \t\r\n");
    return span_find_nocase(type, SPAN("xml")) != SPAN_NONE || span_starts(body, SPAN("<"));
}

/* MATCHED_VARS:XML:.. is XML:.. */
static struct span without_matched(struct span variable)
{
    struct span rest = variable;
    return span_is(span_cut(&rest, ':'), SPAN("MATCHED_VARS")) && rest.len > 0 ? rest : variable;
}

/* A match in the text of an XML document does not say in which element: where there is a secret in
 * one, the whole is. `to` == NULL: they are only counted. */
static size_t xml_secrets(const struct exchange *x, const struct report *report, struct pair *to)
{
    size_t count = 0;
    for (size_t i = 0; i < report->waf.match_count && report->audit.body_has_secret; i++) {
        struct span name = report->waf.matches[i].variable_name;
        bool tells_text = span_find(name, SPAN("XML:")) != SPAN_NONE || is_xml(x);
        if (!tells_text || !is_of_document(name))
            continue;
        if (to != NULL)
            to[count] = (struct pair){.name = without_matched(name)};
        count++;
    }
    return count;
}

/* What sanitise... actions named, and what the request brought to say whom it comes from; where
 * there is no memory for the list, there is no audit either. */
static void say_secrets(const struct exchange *x, struct report *report, struct arena *arena)
{
    bool logged = wants_heads(report) || report->waf.match_count > 0;
    size_t named = x->inspection != NULL ? inspection_secret_count(x->inspection) : 0;
    size_t in_xml = xml_secrets(x, report, NULL);
    size_t count = named + in_xml + credentials(x, logged, NULL, arena);
    if (count == 0)
        return;
    struct pair *secrets = arena_alloc(arena, count * sizeof(struct pair));
    if (secrets == NULL) {
        want_no_heads(report);
        report->waf.match_count = named < count ? 0 : report->waf.match_count;
        return;
    }
    for (size_t i = 0; i < named; i++)
        secrets[i] = (struct pair){inspection_secret_name(x->inspection, i),
                                   inspection_secret(x->inspection, i)};
    xml_secrets(x, report, &secrets[named]);
    if (named + in_xml < count)
        credentials(x, logged, &secrets[named + in_xml], arena);
    report->audit.masked = secrets;
    report->audit.masked_count = count;
}

/* Rules carry what they found into their texts, by macros and variables of their own. */
static void say_brought(const struct exchange *x, struct report *report, struct arena *arena)
{
    if (report->waf.match_count == 0)
        return;
    struct report_brought *brought = arena_alloc(arena, sizeof *brought);
    if (brought == NULL) {
        report->waf.match_count = 0;
        return;
    }
    const struct fields *asked = &x->client->head->fields;
    brought->request_fields = asked->at;
    brought->request_field_count = asked->count;
    brought->request_body = buf_span(&x->prefix);
    brought->response_fields = x->answer.fields.at;
    brought->response_field_count = x->answer.fields.count;
    brought->response_body = buf_span(&x->answer_prefix);
    bool arguments =
        inspection_arguments(x->inspection, &brought->arguments, &brought->argument_count);
    bool cookies = inspection_cookies(x->inspection, &brought->cookies, &brought->cookie_count);
    brought->is_lost = !arguments || !cookies;
    report->waf.brought = brought;
    report->waf.redirect_literals = inspection_verdict(x->inspection).redirect_literals;
}

/* A secret that nobody could note may stand in anything that the client sent: ids and figures are
 * all that is left to say. */
static void keep_silent(struct report *report)
{
    want_no_heads(report);
    report->execution.identity = SPAN("");
    report->target = report->query = report->referer = report->user_agent = SPAN("");
    report->upstream_request_id = report->upstream_extended_id = SPAN("");
    report->authorizer.member_count = 0;
    report->waf.match_count = 0;
}

void audit_hide(const struct exchange *x, struct report *report, struct arena *arena)
{
    report->audit.body_has_secret = body_has_secret(x, report);
    say_secrets(x, report, arena);
    say_brought(x, report, arena);
    report_sanitise(report, report->audit.masked, report->audit.masked_count, arena);
    if (arena_is_full(arena))
        want_no_heads(report);
    if (x->inspection != NULL && inspection_secrets_are_lost(x->inspection))
        keep_silent(report);
}

void audit_say(const struct exchange *x, struct report *report)
{
    /* one that the rules have filled is no reason to keep silent */
    bool has_room = x->inspection_arena != NULL && !arena_is_full(x->inspection_arena);
    struct arena *arena = has_room ? x->inspection_arena : x->arena;
    struct inspection_audit audit = audit_of(x);
    report->audit.wanted = is_relevant(x, report, &audit);
    report->audit.parts = audit.parts;
    if (wants_heads(report))
        say_request_fields(x, &report->audit);
    if (report->audit.wanted)
        say_all(x, &report->audit);
    else if (report->execution.traces)
        execution_say_bodies(x, &report->audit);
    audit_hide(x, report, arena);
    execution_say_data(x, report);
    if (report->audit.wanted)
        form_fill(&report->audit, arena);
}
