/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/trace.h"

#include <endian.h>
#include <string.h>

#include "sidecar/exchange/inside.h"
#include "sidecar/http/propagation.h"
#include "sidecar/http/sampling.h"
#include "sidecar/http/tracestate.h"
#include "sidecar/state/samplers.h"

enum { FLAG_SAMPLED = 1, FLAG_RANDOM = 2 };

static bool parent_is_trusted(const struct exchange *x)
{
    switch (x->settings->traces.parents) {
    case TRACE_PARENTS_ALL: return true;
    case TRACE_PARENTS_TRUSTED: return x->peer_is_trusted;
    case TRACE_PARENTS_NONE: break;
    }
    return false;
}

/* ---- which trace ---- */

static void begin_trace(struct exchange *x)
{
    x->trace.context = (struct trace_context){.flags = FLAG_RANDOM};
    uint8_t *id = x->trace.context.trace_id;
    random_bytes(x->around->random, id, sizeof x->trace.context.trace_id);
    if (x->settings->traces.id_format != ID_FORMAT_XRAY)
        return;
    uint32_t second = htobe32((uint32_t)(x->began_wall_us / 1000000));
    memcpy(id, &second, sizeof second); /* the random flag is about the other end */
}

/* Of the flags that nobody knows yet none goes on (level 2, 4.3). */
static void take_trace(struct exchange *x, const struct trace_given *given)
{
    x->trace.is_given = true;
    x->trace.context = given->context;
    x->trace.context.flags &= FLAG_RANDOM;
}

static void link_trace(struct exchange *x, const struct trace_given *given)
{
    x->trace.is_linked = true;
    x->trace.link = given->context;
}

/* ---- is it sampled ---- */

static bool is_by_ratio(enum sampler sampler)
{
    return sampler == SAMPLER_RATIO || sampler == SAMPLER_PARENT_RATIO;
}

static bool is_by_parent(enum sampler sampler)
{
    return sampler == SAMPLER_PARENT_BASED || sampler == SAMPLER_PARENT_OFF ||
           sampler == SAMPLER_PARENT_RATIO || sampler == SAMPLER_XRAY;
}

static bool rules_sample(struct exchange *x)
{
    const struct settings *settings = x->settings;
    const struct sampling_request request = {
        .service_name = settings->traces.service_name,
        .service_type = settings->traces.xray.origin,
        .resource_arn = settings->traces.xray.resource_arn,
        .host = x->client->head->authority,
        .method = x->client->head->method,
        .path = x->path,
        .fields = &x->client->head->fields,
    };
    if (x->around->samplers == NULL)
        return false;
    struct sampling_verdict verdict =
        samplers_ask(x->around->samplers, &request, x->trace.context.trace_id, x->began_wall_us);
    x->trace.rule = arena_copy(x->arena, span_make(verdict.name, verdict.name_length));
    return verdict.fate != SAMPLING_NOT;
}

static bool root_is_sampled(struct exchange *x, struct span ot)
{
    enum sampler sampler = x->settings->traces.sampler;
    if (is_by_ratio(sampler))
        return sampling_keeps(sampling_threshold(x->settings->traces.ratio),
                              x->trace.context.trace_id, ot);
    if (sampler == SAMPLER_XRAY)
        return x->settings->traces.on && rules_sample(x);
    return sampler == SAMPLER_PARENT_BASED || sampler == SAMPLER_ALWAYS_ON;
}

/* The state that goes on, with what our sampler has to say of it. */
static void settle_state(struct exchange *x, struct tracestate *state, bool is_ours)
{
    static const struct span ot = SPAN_INIT("ot");
    if (is_ours && is_by_ratio(x->settings->traces.sampler)) {
        uint64_t threshold =
            x->trace.sampled ? sampling_threshold(x->settings->traces.ratio) : SAMPLING_UNKNOWN;
        tracestate_set(state, ot, sampling_member(tracestate_get(state, ot), threshold, x->arena));
    }
    if (state->count > 0)
        x->trace.state = tracestate_write(state, x->arena);
}

static void sample(struct exchange *x, enum trace_decision decision, struct tracestate *state)
{
    bool is_ours = decision == TRACE_UNDECIDED || !is_by_parent(x->settings->traces.sampler);
    x->trace.sampled =
        is_ours ? root_is_sampled(x, tracestate_get(state, SPAN("ot"))) : decision == TRACE_KEEP;
    x->trace.sampled = x->trace.sampled && x->settings->traces.on;
    if (x->trace.sampled)
        x->trace.context.flags |= FLAG_SAMPLED;
    if (x->settings->traces.on)
        settle_state(x, state, is_ours);
}

void trace_settle(struct exchange *x)
{
    const struct fields *fields = &x->client->head->fields;
    struct trace_given given;
    struct tracestate state = {.count = 0};
    bool trusts = parent_is_trusted(x);
    random_bytes(x->around->random, x->trace.span_id, sizeof x->trace.span_id);
    trace_extract(x->settings->traces.propagators, fields, &given);
    if (given.is_given && trusts) {
        take_trace(x, &given);
        if (given.by == PROPAGATOR_TRACECONTEXT)
            tracestate_read(fields, &state);
    } else {
        begin_trace(x);
        if (given.is_given)
            link_trace(x, &given);
    }
    sample(x, trusts ? given.decision : TRACE_UNDECIDED, &state);
}

/* ---- what the backend is told ---- */

/* Where no span of ours will ever be seen, the caller's trace goes by as it came: a parent that
 * nobody exports would tear it, and one that is not sampled would silence the backend. The state
 * of a trace that is not taken over goes: W3C Trace Context 3.4. */
void trace_pass_on(struct exchange *x, struct fields *fields, const uint8_t span_id[8])
{
    unsigned propagators = x->settings->traces.propagators;
    if (!x->settings->traces.on)
        return;
    if ((propagators & PROPAGATOR_SET(PROPAGATOR_BAGGAGE)) != 0) {
        if (parent_is_trusted(x))
            baggage_limit(fields);
        else
            fields_remove(fields, SPAN("baggage"));
    }
    if (!trace_inject(propagators, &x->trace.context, span_id, fields, x->arena))
        return; /* the arena is full: who sends the head looks at it */
    if ((propagators & PROPAGATOR_SET(PROPAGATOR_TRACECONTEXT)) == 0)
        return;
    fields_remove(fields, SPAN("tracestate"));
    if (x->trace.state.len > 0)
        fields_add(fields, x->arena, SPAN("tracestate"), x->trace.state);
}

void trace_tell(struct exchange *x, struct fields *fields, const uint8_t span_id[8])
{
    if (x->settings->traces.on)
        (void)trace_inject(x->settings->traces.propagators, &x->trace.context, span_id, fields,
                           x->arena);
}

void trace_answer(struct exchange *x)
{
    unsigned xray = PROPAGATOR_SET(PROPAGATOR_XRAY);
    if (!x->settings->traces.on || (x->settings->traces.propagators & xray) == 0)
        return;
    fields_remove(&x->answer.fields, SPAN("x-amzn-trace-id")); /* Lineage is the backend's affair */
    (void)trace_inject(xray, &x->trace.context, x->trace.span_id, &x->answer.fields, x->arena);
}

/* ---- what is seen of it ---- */

static bool is_always_seen(const struct exchange *x, const struct report *report)
{
    unsigned always = x->settings->traces.always;
    bool blocked = report->waf.action == WAF_BLOCK;
    for (size_t i = 0; i < x->decisions.count; i++)
        blocked = blocked || x->decisions.at[i].kind == DECISION_BLOCK;
    bool failed = report->status >= 500 || report->status == 0;
    bool slow = report->duration_us >= x->settings->traces.slow_us;
    return (blocked && (always & TRACE_ALWAYS_BLOCKED) != 0) ||
           (failed && (always & TRACE_ALWAYS_ERROR) != 0) ||
           (slow && (always & TRACE_ALWAYS_SLOW) != 0);
}

void trace_say(const struct exchange *x, struct report *report)
{
    const struct exchange_trace *trace = &x->trace;
    report->sampled = trace->sampled || (x->settings->traces.on && is_always_seen(x, report));
    report->trace_state = trace->state;
    report->sampling_rule = trace->rule;
    report->is_linked = trace->is_linked;
    memcpy(report->trace_id, trace->context.trace_id, sizeof report->trace_id);
    memcpy(report->span_id, trace->span_id, sizeof report->span_id);
    memcpy(report->parent_id, trace->context.parent_id, sizeof report->parent_id);
    memcpy(report->link_trace_id, trace->link.trace_id, sizeof report->link_trace_id);
    memcpy(report->link_span_id, trace->link.parent_id, sizeof report->link_span_id);
}
