/* SPDX-License-Identifier: Apache-2.0 */
/* account: every exchange ends here, the broken and the abandoned too. Rules of phase 5, the
 * counters, one record. */
#include <assert.h>
#include <string.h>

#include "exporters/exporter.h"
#include "sidecar/exchange/inside.h"
#include "sidecar/guard/gateway_response.h"
#include "sidecar/wire/tls.h"

static void close_stamps(struct exchange *x, uint64_t duration_us)
{
    struct report_stage *last = &x->visits[x->visit_count - 1];
    last->duration_us = duration_us > last->start_us ? duration_us - last->start_us : 0;
}

/* An access entry may have looked already. */
static void say_place(struct exchange *x, struct report *report)
{
    struct asked asked = {.geo = x->snapshot->geo, .place = &x->place};
    report->geo_on = asked.geo != NULL;
    if (!report->geo_on)
        return;
    asked.has_address = ip_parse(x->client_address, &asked.address);
    const struct geo_place *place = asked_place(&asked);
    report->client_country = place->country;
    report->client_asn = place->asn;
    if (place->country.at != NULL && place->subdivision.at != NULL)
        report->client_region =
            arena_format(x->arena, SPAN_FORMAT "-" SPAN_FORMAT, span_arg(place->country),
                         span_arg(place->subdivision));
}

static void say_connection(const struct exchange *x, struct report *report)
{
    report->client_address = x->client_address;
    report->client_port = x->facts->peer_port;
    report->peer_address = x->facts->peer_address;
    report->peer_port = x->facts->peer_port;
    report->listener = x->facts->listener->name;
    report->server_address = x->facts->server_address;
    report->server_port = x->facts->server_port;
    const struct tls_facts *tls = x->facts->tls;
    if (tls == NULL)
        return;
    report->tls.version = tls->version;
    report->tls.cipher = tls->cipher;
    report->tls.server_name = tls->server_name;
    report->tls.resumed = tls->resumed;
    report->tls.client = tls->peer.subject;
    report->tls.client_issuer = tls->peer.issuer;
    report->tls.client_fingerprint = tls->peer.fingerprint;
    report->tls.client_serial = tls->peer.serial;
    report->tls.client_not_before = tls->peer.not_before;
    report->tls.client_not_after = tls->peer.not_after;
}

static void say_request(const struct exchange *x, struct report *report)
{
    const struct request_head *head = x->client->head;
    report->method = head->method;
    report->scheme = x->facts->scheme;
    report->authority = head->authority;
    report->target = head->target;
    report->path = x->path;
    report->query = x->target.query;
    report->protocol = head->protocol;
    report->user_agent = fields_get(&head->fields, SPAN("user-agent"));
    report->referer = fields_get(&head->fields, SPAN("referer"));
    if (x->route != NULL) {
        report->route = x->route->template;
        report->route_key = x->route->key;
    }
    size_t held = x->whole.bytes.len > x->prefix.len ? x->whole.bytes.len : x->prefix.len;
    report->bytes_in = x->upload.moved > held ? x->upload.moved : held;
}

/* In API Gateway's words, as far as it was answered so; and what a backend of AWS's calls it. */
static void say_answer(const struct exchange *x, struct report *report)
{
    const struct gateway_response *gateway = x->own.status != 0 ? x->own.gateway : NULL;
    if (gateway != NULL) {
        report->error_type = span_text(gateway->name);
        report->error_message = span_text(gateway->message);
    }
    if (!x->head_left || x->own.status != 0)
        return;
    report->upstream_request_id = fields_get(&x->answer.fields, SPAN("x-amzn-requestid"));
    if (report->upstream_request_id.at == NULL)
        report->upstream_request_id = fields_get(&x->answer.fields, SPAN("x-amz-request-id"));
    report->upstream_extended_id = fields_get(&x->answer.fields, SPAN("x-amz-id-2"));
}

static void say_limits(struct exchange *x, struct report *report)
{
    uint64_t budget_us = x->settings->rules.cpu_budget_us;
    bool over = budget_us != 0 && report->waf.cpu_ns > budget_us * 1000;
    if (over && inspection_limits(x->inspection, LIMIT_CPU_BUDGET) == 0)
        inspection_exhausted(x->inspection); /* in its last slice: it is told all the same */
    for (unsigned i = 0; i < LIMIT_KINDS; i++)
        report->waf.limits[i] = inspection_limits(x->inspection, (enum limit_kind)i);
    if (x->prefix_is_cut)
        report->waf.limits[LIMIT_REQUEST_BODY] = 1;
    const struct limit_struck *struck = inspection_struck(x->inspection);
    report->waf.is_struck = struck != NULL;
    if (struck != NULL)
        report->waf.struck = *struck;
}

static void say_rules(struct exchange *x, struct report *report)
{
    struct verdict verdict = inspection_verdict(x->inspection);
    bool blocked = x->error != NULL && strcmp(x->error, "waf_blocked") == 0;
    report->waf.action = blocked                                 ? WAF_BLOCK
                         : verdict.would_block || x->would_block ? WAF_WOULD_BLOCK
                                                                 : WAF_PASS;
    report->waf.mode = inspection_engine(x->inspection);
    report->waf.score = inspection_score(x->inspection, false);
    report->waf.outbound_score = inspection_score(x->inspection, true);
    report->waf.matches = inspection_matches(x->inspection, &report->waf.match_count);
    report->waf.decided_by = verdict.rule_id;
    report->waf.cpu_ns = inspection_cpu_ns(x->inspection);
    say_limits(x, report);
}

/* An attempt that nothing ended lasts as long as the exchange. The last one failed with the
 * exchange where no answer came of it, or not all of one. */
static void close_attempts(struct exchange *x, uint64_t duration_us)
{
    for (size_t i = 0; i < x->attempt_count; i++) {
        struct report_attempt *attempt = &x->attempts[i];
        bool is_last = i + 1 == x->attempt_count;
        if (attempt->error.len > 0)
            continue;
        if (attempt->duration_us == 0)
            attempt->duration_us = duration_us - attempt->start_us;
        if (is_last && x->error != NULL &&
            (attempt->status == 0 || strncmp(x->error, "upstream_", 9) == 0))
            attempt->error = span_text(x->error);
    }
}

static_assert(DECISIONS_MOST <= (int)REPORT_DECISIONS, "a report has room for all of them");

static void say_decisions(const struct exchange *x, struct report *report,
                          struct report_decision *to, struct span *metrics)
{
    for (size_t i = 0; i < x->decisions.count; i++) {
        const struct decision *from = &x->decisions.at[i];
        to[i] = (struct report_decision){from->stage, from->control, decision_word(from->kind),
                                         from->name,  from->reason,  NULL};
        metrics[i] = from->metric;
    }
    report->decisions = to;
    report->metrics = metrics;
    report->decision_count = x->decisions.count;
}

/* What the access log's template asks of the authorizer's context: in the exchange's arena. */
static void say_members(struct exchange *x, struct report *report)
{
    size_t wanted = x->settings->access_log.member_count;
    if (wanted == 0 || x->authorizer.context_count == 0)
        return;
    struct pair *members = arena_alloc(x->arena, wanted * sizeof *members);
    if (members == NULL)
        return;
    for (size_t i = 0; i < wanted; i++) {
        struct span name = x->settings->access_log.members[i];
        struct span value = authorized_value(&x->authorizer, name);
        if (value.at != NULL)
            members[report->authorizer.member_count++] = (struct pair){name, value};
    }
    report->authorizer.members = members;
}

static struct span condition_key(const struct exchange *x, struct span name)
{
    for (size_t i = 0; i < x->authorizer.key_count; i++)
        if (span_is(x->authorizer.keys[i].name, name))
            return x->authorizer.keys[i].value;
    return span_make(NULL, 0);
}

static void say_caller(const struct exchange *x, struct report *report)
{
    const struct principal *caller = &x->authorizer.caller;
    if (caller->kind != PRINCIPAL_AWS)
        return;
    report->caller.account = caller->account;
    report->caller.arn = caller->arn;
    report->caller.user = condition_key(x, SPAN("aws:userid"));
    if (report->caller.user.at == NULL)
        report->caller.user = condition_key(x, SPAN("aws:username"));
    report->caller.organization = condition_key(x, SPAN("aws:PrincipalOrgID"));
}

static void say_authorizer(struct exchange *x, struct report *report)
{
    if (x->authorizer.settings == NULL)
        return;
    report->authorizer.name = x->authorizer.settings->name;
    report->authorizer.type = authorizer_type_word(x->authorizer.settings->type);
    report->authorizer.principal = x->authorizer.principal;
    report->authorizer.word = decision_word(x->authorizer.to);
    authorizer_say(x, report);
}

static void say_key(const struct exchange *x, struct report *report)
{
    if (x->usage.key != NULL)
        report->api_key_id = x->usage.key->id;
    if (x->usage.plan != NULL)
        report->usage_plan = x->usage.plan->name;
}

/* What a report borrows until it is folded. */
struct told {
    struct report_decision decisions[DECISIONS_MOST];
    struct span metrics[DECISIONS_MOST];
    struct report_waf_rule rules[DECISIONS_MOST];
    struct sampling sampling;
};

static void make_report(struct exchange *x, struct report *report, struct told *told)
{
    uint64_t duration_us = loop_clock_us(x->around->loop) - x->began_us;
    close_stamps(x, duration_us);
    close_attempts(x, duration_us);
    *report = (struct report){
        .began_wall_us = x->began_wall_us,
        .duration_us = duration_us,
        .request_id = span_make(x->request_id, UUID_LENGTH),
        .status = x->sent_status,
        .bytes_out = x->download.moved,
        .error = x->error ? span_text(x->error) : (struct span){NULL, 0},
        .attempt_count = x->attempt_count,
        .resends = x->resends + (x->attempt_count > 0 ? (unsigned)x->attempt_count - 1 : 0),
        .stages = x->visits,
        .stage_count = x->visit_count,
    };
    memcpy(report->attempts, x->attempts, sizeof(report->attempts));
    say_connection(x, report);
    say_place(x, report);
    say_request(x, report);
    say_answer(x, report);
    say_members(x, report);
    say_caller(x, report);
    if (x->inspection != NULL)
        say_rules(x, report);
    trace_say(x, report);
    say_decisions(x, report, told->decisions, told->metrics);
    waf_log_say(x, report, told->decisions, told->rules);
    sample_say(x, report, &told->sampling);
    execution_say(x, report);
    audit_say(x, report);
    waf_log_split(x, report);
}

/* What rules found is told at once, all else in time. */
static void wake_exporter(const struct exchange *x, const struct report *report)
{
    if (ring_fills(x->around->ring, x->around->worker))
        exporter_hurry(x->around->exporter);
    else if (report->waf.match_count > 0)
        exporter_nudge(x->around->exporter);
}

enum step stage_account(struct exchange *x)
{
    if (x->inspection != NULL && !x->rules_failed)
        inspection_run(x->inspection, PHASE_LOGGING, 0);
    struct report report;
    struct told told;
    make_report(x, &report, &told);
    report.access_on = x->settings->access_count > 0;
    say_authorizer(x, &report);
    say_key(x, &report);
    sample_keep(x, &report, &told.sampling);
    if (x->around->metrics != NULL)
        metrics_count(x->around->metrics, &report);
    if (x->around->ring != NULL)
        ring_put(x->around->ring, x->around->worker, &report);
    if (x->around->exporter != NULL)
        wake_exporter(x, &report);
    if (x->around->on_report != NULL)
        x->around->on_report(x->around->context, &report);
    return STEP_END;
}

/* ---- exchanges that go on ---- */

static bool is_worth_telling(const struct exchange *x, uint64_t now_us)
{
    uint64_t longest_us = x->settings->traces.xray.in_progress_us;
    bool goes_there = (x->settings->traces.exporters & TRACE_EXPORTER_XRAY) != 0;
    return longest_us > 0 && goes_there && x->trace.sampled && !x->trace.is_told &&
           now_us - x->began_us >= longest_us;
}

/* What masking makes is this report's alone: the exchange goes on, and keeps its room. */
enum { PROGRESS_BYTES = 1 << 20 };

static void say_progress(struct exchange *x, uint64_t now_us)
{
    struct arena *arena = arena_new(NULL, PROGRESS_BYTES);
    if (arena == NULL)
        return; /* in time */
    struct report report = {
        .began_wall_us = x->began_wall_us,
        .duration_us = now_us - x->began_us,
        .request_id = span_make(x->request_id, UUID_LENGTH),
        .error = SPAN(REPORT_GOES_ON),
    };
    say_connection(x, &report);
    say_request(x, &report);
    trace_say(x, &report);
    audit_hide(x, &report, arena);
    x->trace.is_told = true;
    ring_put(x->around->ring, x->around->worker, &report);
    arena_free(arena);
}

void exchanges_say_progress(struct surroundings *around)
{
    uint64_t now_us = loop_clock_us(around->loop);
    for (struct list *at = around->exchanges.next; at != &around->exchanges; at = at->next) {
        struct exchange *x = list_entry(at, struct exchange, link);
        if (around->ring != NULL && is_worth_telling(x, now_us))
            say_progress(x, now_us);
    }
}
