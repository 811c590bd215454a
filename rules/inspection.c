/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an inspection: what it is given, the phases that it runs, what it answers. */
#include "rules/inspection.h"

#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/bodies.h"
#include "rules/collections.h"
#include "rules/evaluate.h"
#include "rules/exclusions.h"
#include "rules/match/xml_tree.h"
#include "rules/providers.h"
#include "rules/record.h"
#include "rules/secrets.h"
#include "rules/transaction.h"
#include "rules/values.h"

enum { SEVERITY_UNSEEN = 255 }; /* what HIGHEST_SEVERITY says while nothing has matched */

struct inspection_options inspection_options_of(const struct ruleset *ruleset)
{
    const struct rule_settings *settings = &ruleset->settings;
    return (struct inspection_options){
        .engine = settings->engine,
        .request_body_access = settings->request_body_access,
        .response_body_access = settings->response_body_access,
        .request_body_limit = settings->request_body_limit,
        .response_body_limit = settings->response_body_limit,
        .response_body_types = settings->response_body_types,
        .response_body_type_count = settings->response_body_type_count,
        .audit_engine = settings->audit.engine,
        .audit_parts = settings->audit.parts,
    };
}

struct inspection *inspection_begin(const struct ruleset *ruleset,
                                    const struct inspection_options *options,
                                    const struct inspection_world *world, struct arena *arena)
{
    must(world->wall_us != NULL && world->cpu_ns != NULL && world->scratch != NULL);
    struct inspection *tx = arena_alloc(arena, sizeof(*tx));
    if (tx == NULL)
        return NULL;
    tx->ruleset = ruleset;
    tx->options = *options;
    tx->world = *world;
    tx->world.lookups.http_bl_key = ruleset->settings.http_bl_key;
    tx->arena = arena;
    tx->begun_us = world->wall_us(world->context);
    tx->highest_severity = SEVERITY_UNSEEN;
    tx->verdict.action = VERDICT_PASS;
    tx->audit_engine = options->audit_engine;
    tx->audit_parts = options->audit_parts;
    tx->xml_view = ruleset->settings.xml_view;
    tx->tx = map_new(arena, true);
    tx->env = map_new(arena, true);
    return tx->tx != NULL && tx->env != NULL ? tx : NULL;
}

void inspection_end(struct inspection *tx)
{
    if (tx == NULL)
        return;
    body_free(tx->parser);
    tx->parser = NULL;
    xml_tree_free(tx->tree);
    tx->tree = NULL;
}

void inspection_set_client(struct inspection *tx, const struct inspection_client *client)
{
    tx->client = *client;
    tx->remote_port = client->port;
    tx->server_port = client->server_port;
}

void inspection_set_request(struct inspection *tx, const struct inspection_request *request)
{
    request_view_set(tx, request);
    struct span type = field_value(request->fields, request->field_count, SPAN("Content-Type"));
    tx->request.processor = processor_of(type);
    query_parse(tx);
    values_forget(tx);
}

void inspection_set_tx(struct inspection *tx, struct span name, struct span value)
{
    collection_set(tx, VARIABLE_TX, name, value);
}

void inspection_set_response(struct inspection *tx, const struct inspection_response *response)
{
    tx->response = *response;
    tx->response_status = response->status;
    tx->response_given = true;
    tx->response_type = field_value(response->fields, response->field_count, SPAN("Content-Type"));
    values_forget(tx);
}

bool transaction_grow(struct inspection *tx, void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room == 0 ? 8 : *room * 2;
    void *bigger = arena_alloc(tx->arena, wanted * size);
    if (bigger == NULL)
        return false;
    void *old;
    memcpy(&old, array, sizeof(old));
    if (count > 0)
        memcpy(bigger, old, count * size);
    memcpy(array, &bigger, sizeof(bigger));
    *room = wanted;
    return true;
}

/* --- running a phase --- */

/* Nothing that stands later in this phase can change anything any more. */
static bool phase_is_over(const struct inspection *tx)
{
    if (tx->options.engine == ENGINE_OFF)
        return true;
    if (tx->phase == PHASE_LOGGING)
        return tx->allowed_phase;
    bool request = tx->phase <= PHASE_REQUEST_BODY;
    return tx->decided || tx->allowed || tx->allowed_phase || (tx->allowed_request && request);
}

/* Takes up the rule at the cursor; false: there is none, or it was removed. */
static bool step_begin(struct inspection *tx, const struct rule *rule)
{
    if (rule == NULL)
        return false;
    if (exclusion_is_removed(tx, rule)) {
        tx->cursor.link = rule;
        transaction_tell(tx, WATCHED_REMOVED, SPAN(""), SPAN(""), false);
        return false;
    }
    record_reset(tx);
    evaluation_begin(tx, rule);
    return true;
}

/* Tells of the rules up to `end` that are not run. */
static void steps_pass(struct inspection *tx, size_t from, size_t end, const char *by)
{
    const struct ruleset_phase *phase = &tx->ruleset->phases[tx->phase];
    for (size_t i = from; tx->world.watch != NULL && i < end && i < phase->count; i++) {
        tx->cursor.link = phase->steps[i].rule;
        if (tx->cursor.link != NULL)
            transaction_tell(tx, WATCHED_PASSED, span_text(by), SPAN(""), false);
    }
}

/* After a rule: where the phase goes on. */
static void step_end(struct inspection *tx, bool matched)
{
    struct cursor *cursor = &tx->cursor;
    const struct rule *rule = cursor->starter;
    size_t next = cursor->step + 1;
    if (matched)
        record_match(tx, rule);
    if (matched && rule->go_to != 0) {
        steps_pass(tx, next, rule->go_to, "skip");
        next = rule->go_to;
    }
    cursor->step = next;
    cursor->starter = NULL;
}

static enum inspection_step phase_run(struct inspection *tx)
{
    const struct ruleset_phase *phase = &tx->ruleset->phases[tx->phase];
    struct cursor *cursor = &tx->cursor;
    while (cursor->step < phase->count && !phase_is_over(tx)) {
        if (cursor->starter == NULL && !step_begin(tx, phase->steps[cursor->step].rule)) {
            cursor->step++;
            continue;
        }
        enum evaluation evaluation = evaluation_run(tx);
        if (arena_is_full(tx->arena))
            break;
        if (evaluation == EVALUATION_PAUSE)
            return INSPECTION_MORE;
        step_end(tx, evaluation == EVALUATION_YES);
    }
    if (tx->options.engine != ENGINE_OFF && !tx->decided)
        steps_pass(tx, cursor->step, phase->count, "allow");
    if (arena_is_full(tx->arena)) {
        transaction_limit(tx, LIMIT_MEMORY);
        return INSPECTION_LIMIT;
    }
    tx->phase_is_done = true;
    return INSPECTION_DONE;
}

enum inspection_step inspection_run(struct inspection *tx, enum rule_phase phase,
                                    uint64_t budget_ns)
{
    must(phase >= PHASE_REQUEST_HEADERS && phase <= PHASE_LOGGING);
    if (phase < tx->phase || (phase == tx->phase && tx->phase_is_done))
        return INSPECTION_DONE;
    if (phase != tx->phase) {
        tx->phase = phase;
        tx->phase_is_done = false;
        tx->allowed_phase = false;
        tx->cursor = (struct cursor){0};
        tx->tried.rule = NULL;
    }
    scratch_set_match_limit(tx->world.scratch, tx->ruleset->settings.pattern_match_limit);
    tx->slice_begun_ns = tx->world.cpu_ns(tx->world.context);
    tx->slice_ns = budget_ns;
    tx->work = 0;
    enum inspection_step step = phase_run(tx);
    tx->cpu_ns += tx->world.cpu_ns(tx->world.context) - tx->slice_begun_ns;
    return step;
}

/* --- what it answers --- */

/* Has any phase from this one on a rule? Markers alone want nothing. */
static bool has_rules_from(const struct ruleset *ruleset, enum rule_phase first)
{
    for (unsigned phase = first; phase < PHASE_COUNT; phase++)
        for (size_t i = 0; i < ruleset->phases[phase].count; i++)
            if (ruleset->phases[phase].steps[i].rule != NULL)
                return true;
    return false;
}

/* May the audit log hold one of these parts, whatever the transaction comes to? */
static bool audit_holds(const struct inspection *tx, struct span parts)
{
    bool holds = false;
    for (size_t i = 0; i < parts.len; i++)
        holds |= span_find_byte(tx->audit_parts, parts.at[i]) != SPAN_NONE;
    return holds && tx->audit_engine != AUDIT_OFF;
}

bool inspection_wants_request_body(const struct inspection *tx)
{
    return tx->options.engine != ENGINE_OFF && tx->options.request_body_access && !tx->decided &&
           !tx->allowed && !tx->allowed_request &&
           (has_rules_from(tx->ruleset, PHASE_REQUEST_BODY) || audit_holds(tx, SPAN("CIJ")));
}

/* The media type without its parameters is one of the list; a missing one is "(null)", as
 * ModSecurity spells it. */
static bool type_is_listed(const struct inspection *tx)
{
    struct span rest = tx->response_type;
    struct span type = rest.at == NULL ? SPAN("(null)") : span_trim_ows(span_cut(&rest, ';'));
    for (size_t i = 0; i < tx->options.response_body_type_count; i++)
        if (span_is_nocase(type, tx->options.response_body_types[i]))
            return true;
    return false;
}

bool inspection_wants_response_body(const struct inspection *tx)
{
    return tx->options.engine != ENGINE_OFF && tx->options.response_body_access && !tx->decided &&
           !tx->allowed && type_is_listed(tx) &&
           (has_rules_from(tx->ruleset, PHASE_RESPONSE_BODY) || audit_holds(tx, SPAN("E")));
}

struct verdict inspection_verdict(const struct inspection *tx)
{
    return tx->verdict;
}

enum rule_engine inspection_engine(const struct inspection *tx)
{
    return tx->options.engine;
}

const struct rule_match *inspection_matches(struct inspection *tx, size_t *count)
{
    if (tx->secret_count + tx->awaited_count > 0)
        secrets_mask(tx);
    *count = tx->match_count;
    return tx->matches;
}

bool inspection_secrets_are_lost(const struct inspection *tx)
{
    return tx->secrets_lost;
}

size_t inspection_secret_count(const struct inspection *tx)
{
    return tx->secret_count + tx->awaited_count;
}

struct span inspection_secret(const struct inspection *tx, size_t i)
{
    must(i < inspection_secret_count(tx));
    return i < tx->secret_count ? tx->secrets[i].text : (struct span){NULL, 0};
}

struct span inspection_secret_name(const struct inspection *tx, size_t i)
{
    must(i < inspection_secret_count(tx));
    return i < tx->secret_count ? tx->secrets[i].name : tx->awaited[i - tx->secret_count].name;
}

static bool values_say(struct inspection *tx, enum variable variable, const struct pair **at,
                       size_t *count)
{
    struct values values = values_kept(tx, variable);
    *at = values.at;
    *count = values.count;
    return !arena_is_full(tx->arena);
}

bool inspection_arguments(struct inspection *tx, const struct pair **at, size_t *count)
{
    return values_say(tx, VARIABLE_ARGS, at, count);
}

bool inspection_cookies(struct inspection *tx, const struct pair **at, size_t *count)
{
    return values_say(tx, VARIABLE_REQUEST_COOKIES, at, count);
}

struct span inspection_tx(const struct inspection *tx, struct span name)
{
    const struct pair *pair = map_find(tx->tx, name);
    return pair == NULL ? (struct span){NULL, 0} : pair->value;
}

int64_t inspection_score(const struct inspection *tx, bool outbound)
{
    /* CRS 4 first: it sums the blocking paranoia levels into names of their own. */
    static const struct span names[2][2] = {
        {SPAN_INIT("blocking_inbound_anomaly_score"), SPAN_INIT("anomaly_score")},
        {SPAN_INIT("blocking_outbound_anomaly_score"), SPAN_INIT("outbound_anomaly_score")},
    };
    for (size_t i = 0; i < 2; i++) {
        struct span text = inspection_tx(tx, names[outbound ? 1 : 0][i]);
        if (text.at != NULL)
            return number_leading(text);
    }
    return 0;
}

uint64_t inspection_cpu_ns(const struct inspection *tx)
{
    return tx->cpu_ns;
}

void inspection_spend(struct inspection *tx, uint64_t ns)
{
    tx->cpu_ns += ns;
}

struct inspection_audit inspection_audit(const struct inspection *tx)
{
    return (struct inspection_audit){
        .never = tx->audit_engine == AUDIT_OFF,
        .always = tx->audit_engine == AUDIT_ON,
        .parts = tx->audit_parts,
    };
}
