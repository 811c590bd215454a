/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/sampled_requests: what is kept of the requests that rules had to do with, in the
 * shape of AWS WAF's GetSampledRequests:
 *
 *   ?rule=METRIC [&web_acl=NAME|ARN] [&start=TIME] [&end=TIME] [&max=100]
 *         {"SampledRequests":[{"Request":{..},"Timestamp":..,"Action":"BLOCK",..,"Weight":3}],
 *          "PopulationSize":1204,"TimeWindow":{"StartTime":..,"EndTime":..}}
 *   (nothing)
 *         {"Rules":[{"WebAcl":..,"RuleMetricName":..,"Rule":..,"SampledRequestsEnabled":true,
 *                    "PopulationSize":1204,"Kept":100}]}
 *
 * A rule is called by its metric name, or by its own where no metric has that name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/sample_store.h"
#include "rules/base/arena.h"
#include "rules/base/encode.h"
#include "rules/base/fault.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/language/ruleset.h"
#include "sidecar/admin_inside.h"
#include "sidecar/guard/web_acl.h"
#include "sidecar/http/date.h"
#include "sidecar/metric_request.h"

enum {
    MOST = 500, /* as AWS has it */
    MOST_UNLESS_GIVEN = 100,
    SAID_BYTES = 1024,
    ARENA_BYTES = 16 << 20,
};
#define SECOND_US UINT64_C(1000000)

/* ---- which rules there are ---- */

/* A rule whose requests are sampled or could be. */
struct known {
    struct sample_rule names;
    struct span acl_name, rule; /* rule: its own name; empty: it is no longer there */
    bool is_sampled;
    uint64_t seen, kept;
};
struct knowns {
    struct arena *arena; /* texts that are not the settings' */
    struct known *at;
    size_t count, room;
};

static struct known *known_find(const struct knowns *knowns, const struct sample_rule *names)
{
    for (size_t i = 0; i < knowns->count; i++)
        if (span_is(knowns->at[i].names.metric, names->metric) &&
            span_is(knowns->at[i].names.acl, names->acl))
            return &knowns->at[i];
    return NULL;
}

static void known_add(struct knowns *knowns, const struct known *known)
{
    struct known *there = known_find(knowns, &known->names);
    if (there != NULL) {
        there->is_sampled |= known->is_sampled;
        return;
    }
    if (knowns->count == knowns->room) {
        knowns->room = knowns->room == 0 ? 64 : knowns->room * 2;
        knowns->at = must_realloc(knowns->at, knowns->room * sizeof *knowns->at);
    }
    knowns->at[knowns->count++] = *known;
}

static void add_web_acl(struct knowns *knowns, const struct web_acl *acl)
{
    struct web_acl_metric metric;
    for (size_t i = 0; web_acl_metric_at(acl, i, &metric); i++)
        known_add(knowns,
                  &(struct known){.names = {.acl = web_acl_arn(acl), .metric = metric.metric},
                                  .acl_name = web_acl_name(acl),
                                  .rule = metric.rule,
                                  .is_sampled = metric.is_sampled});
}

static void add_entry(struct knowns *knowns, struct span name)
{
    known_add(knowns, &(struct known){.names = {.acl = SPAN("access"), .metric = name},
                                      .acl_name = SPAN("access"),
                                      .rule = name,
                                      .is_sampled = true});
}

static void add_settings(struct knowns *knowns, const struct snapshot *snapshot)
{
    const struct settings *settings = snapshot->settings;
    bool all = settings->sampled_requests.of == SAMPLES_OF_ALL;
    for (size_t i = 0; i < settings->access_count; i++) {
        if (snapshot->web_acls[i] != NULL)
            add_web_acl(knowns, snapshot->web_acls[i]);
        else if (all && !settings->access[i].is_rules)
            add_entry(knowns, settings->access[i].name);
    }
    if (all)
        add_entry(knowns, SPAN("Default_Action"));
}

/* Of a store; texts are copied. */
static void add_figures(void *context, const struct sample_figures *figures)
{
    struct knowns *knowns = context;
    struct known *there = known_find(knowns, &figures->rule);
    if (there == NULL) {
        struct span acl = arena_copy(knowns->arena, figures->rule.acl);
        struct span metric = arena_copy(knowns->arena, figures->rule.metric);
        bool is_seclang = span_is(acl, SPAN("seclang"));
        if (metric.at == NULL)
            return;
        known_add(knowns, &(struct known){.names = {.acl = acl, .metric = metric},
                                          .acl_name = acl,
                                          .rule = is_seclang ? metric : SPAN(""),
                                          .is_sampled = true});
        there = &knowns->at[knowns->count - 1];
    }
    there->seen += figures->seen;
    there->kept += figures->kept;
}

static struct knowns knowns_of(const struct process *process)
{
    struct knowns knowns = {.arena = arena_new(NULL, ARENA_BYTES)};
    must(knowns.arena != NULL);
    add_settings(&knowns, process->snapshot);
    for (unsigned w = 0; w < process->workers.count; w++)
        sample_store_each(process->workers.samples[w], loop_wall_us(process->loop), add_figures,
                          &knowns);
    return knowns;
}

static void knowns_fini(struct knowns *knowns)
{
    free(knowns->at);
    arena_free(knowns->arena);
}

/* ---- what is asked ---- */

struct question {
    struct span rule, web_acl; /* at == NULL: not given */
    int64_t start_s, end_s;
    uint64_t most;
    char texts[2][SAMPLE_NAME_MOST];
};

static bool refuse(struct service_call *call, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool refuse(struct service_call *call, unsigned status, const char *format, ...)
{
    char said[SAID_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    return admin_refuse(call, status, said);
}

static const char *const argument_names[] = {"rule", "web_acl", "start", "end", "max"};

static bool take_name(struct service_call *call, struct question *question, size_t which,
                      struct span value)
{
    struct span *to = which == 0 ? &question->rule : &question->web_acl;
    *to = admin_decode(value, question->texts[which], SAMPLE_NAME_MOST);
    return to->len > 0 || refuse(call, 400, "%s: expected a name of at most %d bytes",
                                 argument_names[which], SAMPLE_NAME_MOST);
}

static bool take_time(struct service_call *call, const char *name, struct span value, int64_t *to)
{
    char text[SAMPLE_NAME_MOST];
    struct span time = admin_decode(value, text, sizeof text);
    return (time.len > 0 && metric_time_parse(time, to)) ||
           refuse(call, 400, "%s: expected a time like 2026-11-21T20:00:00Z, or seconds since 1970",
                  name);
}

static bool take(struct service_call *call, struct question *question, struct span name,
                 struct span value)
{
    char hint[SAID_BYTES];
    size_t count = sizeof argument_names / sizeof *argument_names, which = 0;
    while (which < count && !span_is(name, span_text(argument_names[which])))
        which++;
    switch (which) {
    case 0:
    case 1: return take_name(call, question, which, value);
    case 2: return take_time(call, "start", value, &question->start_s);
    case 3: return take_time(call, "end", value, &question->end_s);
    case 4:
        return (number_parse(value, &question->most) && question->most >= 1 &&
                question->most <= MOST) ||
               refuse(call, 400, "max: expected a number from 1 to %d", MOST);
    default: break;
    }
    const char *near = nearest_remark(name, argument_names, count, hint, sizeof hint);
    return refuse(call, 400, "unknown argument '" SPAN_FORMAT "'%s",
                  span_arg(span_first(name, 100)),
                  *near != '\0' ? near : ": expected rule, web_acl, start, end or max");
}

/* [start, end) of the last three hours. */
static bool question_read(struct service_call *call, struct question *question, int64_t now_s)
{
    struct span query = call->query;
    int64_t oldest_s = now_s - SAMPLE_AGE_S;
    *question =
        (struct question){.start_s = oldest_s, .end_s = now_s + 1, .most = MOST_UNLESS_GIVEN};
    while (query.len > 0) {
        struct span value = span_cut(&query, '&'), name = span_cut(&value, '=');
        if (!take(call, question, name, value))
            return false;
    }
    if (question->rule.at == NULL)
        return call->query.len == 0 ||
               refuse(call, 400, "rule: expected the metric name of a rule");
    if (question->start_s < oldest_s)
        question->start_s = oldest_s;
    if (question->end_s > now_s + 1)
        question->end_s = now_s + 1;
    return question->start_s < question->end_s ||
           refuse(call, 400, "start and end: expected a part of the last three hours, start first");
}

/* ---- the rule ---- */

static bool is_asked(const struct question *question, const struct known *known, bool by_name)
{
    return span_is(by_name ? known->rule : known->names.metric, question->rule) &&
           (question->web_acl.at == NULL || span_is(known->names.acl, question->web_acl) ||
            span_is(known->acl_name, question->web_acl));
}

/* How many are meant; *found: the last of them. */
static size_t count_asked(const struct knowns *knowns, const struct question *question,
                          bool by_name, const struct known **found)
{
    size_t count = 0;
    for (size_t i = 0; i < knowns->count; i++)
        if (is_asked(question, &knowns->at[i], by_name)) {
            *found = &knowns->at[i];
            count++;
        }
    return count;
}

static bool refuse_unknown(struct service_call *call, const struct knowns *knowns,
                           const struct question *question)
{
    char hint[SAID_BYTES];
    const char **names = must_alloc((knowns->count + 1) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < knowns->count; i++) {
        names[count] = arena_string(knowns->arena, knowns->at[i].names.metric);
        count += names[count] != NULL;
    }
    const char *near = nearest_remark(question->rule, names, count, hint, sizeof hint);
    free(names);
    return refuse(call, 404, "no rule has the metric name '" SPAN_FORMAT "'%s",
                  span_arg(question->rule),
                  *near != '\0' ? near : "; without an argument all are listed");
}

/* A rule of SecLang's that nothing has matched yet. */
static bool is_silent_rule(const struct snapshot *snapshot, const struct question *question)
{
    uint64_t id;
    return snapshot->settings->sampled_requests.of == SAMPLES_OF_ALL && snapshot->ruleset != NULL &&
           number_parse(question->rule, &id) && ruleset_find(snapshot->ruleset, id) != NULL;
}

/* False: said. */
static bool find_rule(struct service_call *call, const struct process *process,
                      const struct knowns *knowns, const struct question *question,
                      struct sample_rule *rule)
{
    const struct known *found = NULL;
    size_t count = count_asked(knowns, question, false, &found);
    if (count == 0)
        count = count_asked(knowns, question, true, &found);
    if (count == 0 && is_silent_rule(process->snapshot, question)) {
        *rule = (struct sample_rule){.acl = SPAN("seclang"), .metric = question->rule};
        return true;
    }
    if (count == 0)
        return refuse_unknown(call, knowns, question);
    if (count > 1)
        return refuse(call, 400, "'" SPAN_FORMAT "' is in more than one web ACL: say web_acl",
                      span_arg(question->rule));
    if (!found->is_sampled && found->seen == 0)
        return refuse(call, 404,
                      "requests of '" SPAN_FORMAT
                      "' are not sampled: its VisibilityConfig does not say "
                      "SampledRequestsEnabled",
                      span_arg(found->names.metric));
    *rule = found->names;
    return true;
}

/* ---- answers ---- */

static void add_member(struct buf *to, const char *name, struct span text)
{
    buf_format(to, "\"%s\":", name);
    json_add_string(to, text);
    buf_add_byte(to, ',');
}

static void print_rules(const struct knowns *knowns, struct buf *to)
{
    buf_add(to, SPAN("{\"Rules\":["));
    for (size_t i = 0; i < knowns->count; i++) {
        const struct known *known = &knowns->at[i];
        buf_add(to, i > 0 ? SPAN(",{") : SPAN("{"));
        add_member(to, "WebAcl", known->acl_name);
        add_member(to, "RuleMetricName", known->names.metric);
        add_member(to, "Rule", known->rule);
        buf_format(to, "\"SampledRequestsEnabled\":%s,\"PopulationSize\":%llu,\"Kept\":%llu}",
                   known->is_sampled ? "true" : "false", (unsigned long long)known->seen,
                   (unsigned long long)known->kept);
    }
    buf_add(to, SPAN("]}\n"));
}

static void add_second(struct buf *to, const char *name, int64_t second)
{
    char text[TIMESTAMP_LENGTH];
    timestamp_write(text, (uint64_t)second * SECOND_US);
    buf_format(to, "\"%s\":\"%.19sZ\"", name, text);
}

static void print_samples(const struct sample_set *set, const struct question *question,
                          struct buf *to)
{
    buf_add(to, SPAN("{\"SampledRequests\":["));
    for (size_t i = 0; i < set->count; i++) {
        buf_add(to, i > 0 ? SPAN(",") : SPAN(""));
        buf_add(to, set->at[i].text);
        buf_format(to, ",\"Weight\":%llu}", (unsigned long long)set->at[i].weight);
    }
    buf_format(to, "],\"PopulationSize\":%llu,\"TimeWindow\":{",
               (unsigned long long)set->population);
    add_second(to, "StartTime", question->start_s);
    buf_add_byte(to, ',');
    add_second(to, "EndTime", question->end_s);
    buf_add(to, SPAN("}}\n"));
}

static void answer_samples(const struct process *process, struct service_call *call,
                           const struct question *question, const struct sample_rule *rule)
{
    struct sample_set set;
    const struct sample_range range = {.from_us = (uint64_t)question->start_s * SECOND_US,
                                       .to_us = (uint64_t)question->end_s * SECOND_US,
                                       .now_us = loop_wall_us(process->loop)};
    sample_set_read(&set, process->workers.samples, process->workers.count, rule, &range,
                    (size_t)question->most);
    print_samples(&set, question, &call->body);
    sample_set_fini(&set);
}

bool admin_page_samples(struct process *process, struct service_call *call)
{
    struct question question;
    struct sample_rule rule;
    if (process->snapshot->settings->sampled_requests.of == SAMPLES_OFF) {
        admin_problem(call, 404, SPAN("sampled_requests.of is off"));
        return true;
    }
    if (!question_read(call, &question, (int64_t)(loop_wall_us(process->loop) / SECOND_US)))
        return true;
    struct knowns knowns = knowns_of(process);
    call->status = 200;
    call->type = SPAN("application/json");
    if (question.rule.at == NULL)
        print_rules(&knowns, &call->body);
    else if (find_rule(call, process, &knowns, &question, &rule))
        answer_samples(process, call, &question, &rule);
    if (buf_is_full(&call->body))
        admin_problem(call, 400, SPAN("the answer is too long: ask for less"));
    knowns_fini(&knowns);
    return true;
}
