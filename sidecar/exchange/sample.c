/* SPDX-License-Identifier: Apache-2.0 */
/* Sampled requests: whether this one is to be kept is asked before anything is made of it, for each
 * rule that had to do with it; what is kept is made once the report is whole and masked. */
#include <string.h>

#include "exporters/mask.h"
#include "exporters/sampled_request.h"
#include "sidecar/exchange/inside.h"

#define SECLANG "seclang" /* in the place of a web ACL's name */

/* Counts it; whose turn it is, is noted. */
static void ask(const struct exchange *x, const struct asked_sample *sample,
                struct sampling *sampling)
{
    /* a client may trigger hundreds of SecLang's */
    const struct sample_rule rule = {sample->acl, sample->metric,
                                     .yields = span_is(sample->acl, SPAN(SECLANG))};
    if (sampling->count == SAMPLING_MOST)
        return;
    struct sample_place *place = &sampling->places[sampling->count];
    if (sample_store_count(x->around->samples, &rule, x->began_wall_us, place))
        sampling->at[sampling->count++] = *sample;
}

static void ask_entry(const struct exchange *x, const struct report_decision *decision,
                      struct sampling *sampling)
{
    static const struct {
        const char *word, *action, *overridden;
    } actions[] = {{"block", "BLOCK", ""},
                   {"allow", "ALLOW", ""},
                   {"count", "COUNT", ""},
                   {"would_block", "COUNT", "BLOCK"},
                   {"would_allow", "COUNT", "ALLOW"}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(decision->word, actions[i].word) == 0)
            ask(x,
                &(struct asked_sample){.acl = SPAN("access"),
                                       .metric = decision->name,
                                       .action = actions[i].action,
                                       .overridden = actions[i].overridden},
                sampling);
}

static void ask_match(const struct exchange *x, const struct report *report,
                      const struct rule_match *match, struct sampling *sampling)
{
    bool decided = match->rule_id == report->waf.decided_by;
    struct asked_sample sample = {.acl = SPAN(SECLANG), .action = "COUNT", .overridden = ""};
    if (decided && report->waf.action == WAF_BLOCK)
        sample.action = "BLOCK";
    if (decided && report->waf.action == WAF_WOULD_BLOCK)
        sample.overridden = "BLOCK";
    sample.metric = arena_format(x->arena, "%llu", (unsigned long long)match->rule_id);
    if (sample.metric.at != NULL)
        ask(x, &sample, sampling);
}

/* Names are asked of once for a request, or the store would take it for several: of an ACL the
 * last, which is what ended it. */
static bool comes_again(const struct asked_sample *samples, size_t count, size_t i)
{
    for (size_t k = i + 1; k < count; k++)
        if (span_is(samples[k].metric, samples[i].metric) &&
            span_is(samples[k].acl, samples[i].acl))
            return true;
    return false;
}

static bool decision_was_asked(const struct report *report, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(report->decisions[k].control, "access") == 0 &&
            span_is(report->decisions[k].name, report->decisions[i].name))
            return true;
    return false;
}

static bool match_was_asked(const struct report *report, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!report->waf.matches[k].audit_only &&
            report->waf.matches[k].rule_id == report->waf.matches[i].rule_id)
            return true;
    return false;
}

/* What is no web ACL has no VisibilityConfig: entries of the access list go by their names, rules
 * of SecLang by their ids. */
static void ask_others(const struct exchange *x, const struct report *report,
                       struct sampling *sampling)
{
    struct waf_end end = waf_log_end(report);
    for (size_t i = 0; i < report->decision_count; i++)
        if (strcmp(report->decisions[i].control, "access") == 0 && !decision_was_asked(report, i))
            ask_entry(x, &report->decisions[i], sampling);
    for (size_t i = 0; i < report->waf.match_count; i++)
        if (!report->waf.matches[i].audit_only && !match_was_asked(report, i))
            ask_match(x, report, &report->waf.matches[i], sampling);
    if (span_is(end.rule, SPAN("Default_Action")) && x->changes.sample_count == 0)
        ask(x,
            &(struct asked_sample){.acl = SPAN("access"),
                                   .metric = SPAN("Default_Action"),
                                   .action = "ALLOW",
                                   .overridden = ""},
            sampling);
}

void sample_say(const struct exchange *x, struct report *report, struct sampling *sampling)
{
    sampling->count = 0;
    if (x->settings->sampled_requests.of == SAMPLES_OFF || x->around->samples == NULL ||
        x->client->head_is_broken)
        return;
    for (size_t i = 0; i < x->changes.sample_count; i++)
        if (!comes_again(x->changes.samples, x->changes.sample_count, i))
            ask(x, &x->changes.samples[i], sampling);
    if (x->settings->sampled_requests.of == SAMPLES_OF_ALL)
        ask_others(x, report, sampling);
    if (sampling->count == 0)
        return;
    report->waf_log.sampled = true;
    report->waf_log.labels = x->changes.labels;
    report->waf_log.label_count = x->changes.label_count;
    report->waf_log.inserted = x->changes.inserted;
    report->waf_log.inserted_count = x->changes.inserted_count;
}

void sample_keep(const struct exchange *x, struct report *report, const struct sampling *sampling)
{
    struct buf text, scratch;
    if (!report->waf_log.sampled)
        return;
    buf_init(&text, SAMPLED_ROOM);
    buf_init(&scratch, SAMPLED_ROOM);
    for (size_t i = 0; i < sampling->count; i++) {
        const struct asked_sample *at = &sampling->at[i];
        const struct sampled_by by = {at->inner, at->action, at->overridden};
        sampled_request_add(&text, report, &by, &x->settings->waf_log.redaction, &scratch);
        if (!buf_is_full(&text))
            sample_store_keep(x->around->samples, &sampling->places[i], x->began_wall_us,
                              buf_span(&text));
        buf_clear(&text);
    }
    buf_fini(&text);
    buf_fini(&scratch);
}
