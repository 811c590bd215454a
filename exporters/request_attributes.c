/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of a request, by OpenTelemetry's conventions. */
#include "exporters/request_attributes.h"

#include <stddef.h>
#include <string.h>

#include "exporters/words.h"
#include "rules/base/number.h"

void method_attributes_add(struct attributes *to, struct span method)
{
    struct span known = method_known(method);
    attribute_text(to, SPAN("http.request.method"), known);
    if (!span_is(known, method))
        attribute_text(to, SPAN("http.request.method_original"), method);
}

static void add_rule_ids(struct attributes *to, const struct report *report)
{
    enum { RULE_IDS_MOST = 64 };
    uint64_t ids[RULE_IDS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < report->waf.match_count && count < RULE_IDS_MOST; i++) {
        if (!report->waf.matches[i].audit_only)
            ids[count++] = report->waf.matches[i].rule_id;
    }
    attribute_numbers(to, SPAN("waf.rule_ids"), ids, count);
}

void verdict_attributes_add(struct attributes *to, const struct report *report)
{
    attribute_text(to, SPAN("waf.action"), waf_action_word(report->waf.action));
    if (report->waf.score > 0)
        attribute_number(to, SPAN("waf.score.inbound"), (uint64_t)report->waf.score);
    if (report->waf.outbound_score > 0)
        attribute_number(to, SPAN("waf.score.outbound"), (uint64_t)report->waf.outbound_score);
    attribute_number(to, SPAN("waf.rule_id"), report->waf.decided_by);
    add_rule_ids(to, report);
}

void match_attributes_add(struct attributes *to, const struct rule_match *match)
{
    char digits[24];
    attribute_number(to, SPAN("waf.rule_id"), match->rule_id);
    attribute_text(to, SPAN("security_rule.name"),
                   span_make(digits, number_write(digits, (int64_t)match->rule_id)));
    attribute_text(to, SPAN("security_rule.description"), match->message);
    attribute_text(to, SPAN("security_rule.version"), match->version);
    attribute_text(to, SPAN("waf.variable"), match->variable_name);
    attribute_number(to, SPAN("waf.phase"), (uint64_t)match->phase);
}

void decision_attributes_add(struct attributes *to, const struct report_decision *decision)
{
    attribute_text(to, SPAN("sidegate.control"), span_text(decision->control));
    attribute_text(to, SPAN("sidegate.control.name"), decision->name);
    attribute_text(to, SPAN("sidegate.decision"), span_text(decision->word));
    attribute_text(to, SPAN("sidegate.reason"), decision->reason);
}

/* Most differ in their first letter. */
static inline bool is_named(const struct report_stage *stage, struct span name)
{
    return name.len > 0 && stage->name.len == name.len && stage->name.at[0] == name.at[0] &&
           memcmp(stage->name.at, name.at, name.len) == 0;
}

uint64_t stage_end_nano(const struct report *report, struct span name)
{
    uint64_t end_us = 0;
    for (size_t i = 0; i < report->stage_count; i++) {
        const struct report_stage *stage = &report->stages[i];
        if (is_named(stage, name)) {
            end_us = stage->start_us + stage->duration_us;
            break;
        }
    }
    return (report->began_wall_us + end_us) * 1000;
}

/* Those that are texts of the report as they are. */
static const struct {
    struct span key;
    size_t member;
} server_texts[] = {
    {SPAN_INIT("url.scheme"), offsetof(struct report, scheme)},
    {SPAN_INIT("url.path"), offsetof(struct report, path)},
    {SPAN_INIT("http.route"), offsetof(struct report, route)},
    {SPAN_INIT("client.address"), offsetof(struct report, client_address)},
    {SPAN_INIT("geo.country.iso_code"), offsetof(struct report, client_country)},
    {SPAN_INIT("geo.region.iso_code"), offsetof(struct report, client_region)},
    {SPAN_INIT("network.peer.address"), offsetof(struct report, peer_address)},
    {SPAN_INIT("user_agent.original"), offsetof(struct report, user_agent)},
    {SPAN_INIT("sidegate.request_id"), offsetof(struct report, request_id)},
    {SPAN_INIT("sidegate.listener"), offsetof(struct report, listener)},
    {SPAN_INIT("sidegate.api_key.id"), offsetof(struct report, api_key_id)},
    {SPAN_INIT("sidegate.usage_plan"), offsetof(struct report, usage_plan)},
};

/* The host that the client asked for; the address it reached where it did not say. */
static void add_server_address(struct attributes *to, const struct report *report)
{
    struct span host, port;
    uint64_t number = span_is(report->scheme, SPAN("https")) ? 443 : 80;
    address_split(report->authority, &host, &port);
    if (port.len > 0)
        number_parse(port, &number);
    bool is_named = host.len > 0;
    attribute_text(to, SPAN("server.address"), is_named ? host : report->server_address);
    attribute_number(to, SPAN("server.port"), is_named ? number : report->server_port);
}

static void add_tls(struct attributes *to, const struct report *report)
{
    if (report->tls.version.len == 0)
        return;
    attribute_text(to, SPAN("tls.protocol.name"), SPAN("tls"));
    attribute_text(to, SPAN("tls.protocol.version"), report->tls.version);
    attribute_text(to, SPAN("tls.cipher"), report->tls.cipher);
    attribute_text(to, SPAN("tls.client.server_name"), report->tls.server_name);
    attribute_text(to, SPAN("tls.client.subject"), report->tls.client);
    attribute_text(to, SPAN("tls.client.issuer"), report->tls.client_issuer);
    attribute_text(to, SPAN("tls.client.hash.sha256"), report->tls.client_fingerprint);
    attribute_truth(to, SPAN("tls.resumed"), report->tls.resumed);
}

void request_attributes_add(struct attributes *to, const struct report *report)
{
    char digits[24];
    method_attributes_add(to, report->method);
    for (size_t i = 0; i < sizeof server_texts / sizeof *server_texts; i++) {
        struct span text;
        memcpy(&text, (const char *)report + server_texts[i].member, sizeof text);
        attribute_text(to, server_texts[i].key, text);
    }
    attribute_text(to, SPAN("url.query"), report->query);
    attribute_text(to, SPAN("error.type"), error_type(report->error, report->status, 500, digits));
    attribute_number(to, SPAN("http.response.status_code"), report->status);
    add_server_address(to, report);
    attribute_number(to, SPAN("network.peer.port"), report->peer_port);
    attribute_number(to, SPAN("sidegate.client.asn"), report->client_asn);
    attribute_number(to, SPAN("http.request.body.size"), report->bytes_in);
    attribute_number(to, SPAN("http.response.body.size"), report->bytes_out);
    size_t slash = span_find_byte(report->protocol, '/');
    if (slash != SPAN_NONE)
        attribute_text(to, SPAN("network.protocol.version"),
                       span_from(report->protocol, slash + 1));
    add_tls(to, report);
}
