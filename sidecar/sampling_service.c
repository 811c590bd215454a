/* SPDX-License-Identifier: Apache-2.0 */
/* Two questions, each with a timer of its own. What is asked of rules comes in pages, which are put
 * together before any of it holds. */
#include "sidecar/sampling_service.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "rules/base/buf.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/config/sampling_document.h"
#include "sidecar/http/sampling.h"
#include "sidecar/loop/loop.h"
#include "sidecar/state/samplers.h"
#include "sidecar/upstream/call.h"

enum {
    WHY_BYTES = 240,
    URL_BYTES = 2100,
    CLIENT_BYTES = 12,
    PAGES_MOST = 20, /* of one answer */
    RULES_LAST = 12, /* times the refresh, without an answer: an hour unless said */
    ANSWERED_WELL = 200,
    SECOND_US = 1000000,
    BODY_BYTES = 64 * 1024,
    TARGETS_BYTES = 256 * 1024,
};

/* What was told of a rule. */
struct told {
    struct sampling_figures now,
        before; /* in the question under way; in those that were answered */
};

struct question {
    struct sampling_service *service;
    const char *path, *what; /* "/GetSamplingRules", "rules" */
    struct timer timer;
    struct call *call; /* NULL: none is under way */
    uint64_t answered, failed;
    bool is_failing; /* said in the log */
};

struct sampling_service {
    struct sampling_service_options options;
    const struct sampling_rules *local; /* NULL: the default rule */
    bool is_on;                         /* rules are asked */
    char *endpoint;                     /* NULL: nobody is asked */
    uint64_t refresh_us, report_us, timeout_us;
    char client[2 * CLIENT_BYTES + 1]; /* who we are, to the service */
    struct question rules, targets;

    struct arena *arena; /* of the pages */
    struct faults *faults;
    struct sampling_rule list[SAMPLING_RULES_MOST];
    size_t count, pages;
    uint64_t rules_at_us;   /* when rules last came; 0: never */
    uint64_t rules_at_wall; /* likewise, in seconds since 1970, for LastRuleModification */
    struct told told[SAMPLING_RULES_MOST];
    size_t told_count;
};

static void say(const struct sampling_service *service, enum log_level level, const char *text,
                const char *why)
{
    program_log_say(*service->options.log, level, "sampling rules: %s%s%s", text,
                    why[0] != '\0' ? ": " : "", why);
}

static void hold_local(struct sampling_service *service)
{
    static const struct sampling_rules standard = {&sampling_rule_default, 1};
    bool has_file = service->local != NULL;
    samplers_set(service->options.samplers, has_file ? service->local : &standard,
                 has_file ? SAMPLING_FILE : SAMPLING_BUILT_IN);
}

/* ---- a question ---- */

static uint64_t spread(uint64_t wait_us)
{
    uint64_t chance;
    must(getrandom(&chance, sizeof chance, 0) == (ssize_t)sizeof chance);
    return wait_us + chance % (wait_us / 10 + 1);
}

static void ask_again(struct question *question, uint64_t wait_us)
{
    timer_arm(&question->timer, loop_now_us(question->service->options.loop) + spread(wait_us));
}

static void fail(struct question *question, const char *why)
{
    struct sampling_service *service = question->service;
    char text[WHY_BYTES];
    question->failed++;
    snprintf(text, sizeof text, "%s: %s", question->what, why);
    if (!question->is_failing)
        say(service, LOG_WARN, "the service does not answer as it should, what is known holds",
            text);
    question->is_failing = true;
    uint64_t last_us = RULES_LAST * service->refresh_us;
    bool is_old = loop_now_us(service->options.loop) > service->rules_at_us + last_us;
    if (is_old && samplers_source(service->options.samplers) == SAMPLING_SERVICE) {
        say(service, LOG_WARN, "the service's own are too old, local ones hold", "");
        hold_local(service);
    }
    ask_again(question, service->report_us);
}

static void succeed(struct question *question)
{
    question->answered++;
    if (question->is_failing)
        say(question->service, LOG_INFO, "the service answers again", question->what);
    question->is_failing = false;
}

static void ask(struct question *question, struct span body, size_t most, call_answered *answered)
{
    struct sampling_service *service = question->service;
    static const struct pair fields[] = {
        {SPAN_INIT("Content-Type"), SPAN_INIT("application/json")}};
    char url[URL_BYTES];
    snprintf(url, sizeof url, "%s%s", service->endpoint, question->path);
    const struct call_request request = {
        .method = "POST",
        .url = url,
        .fields = fields,
        .field_count = 1,
        .body = body,
        .timeout_us = service->timeout_us,
        .answer_most = most,
    };
    timer_disarm(&question->timer);
    question->call =
        call_begin(service->options.caller, service->options.loop, &request, answered, question);
    if (question->call == NULL)
        fail(question, "too many requests of ours are under way");
}

/* Whether it came whole, with 200. */
static bool is_good(struct question *question, const struct call_answer *answer)
{
    char why[WHY_BYTES];
    if (answer->outcome != CALL_ANSWERED)
        snprintf(why, sizeof why, "%s", answer->why);
    else if (answer->status != ANSWERED_WELL)
        snprintf(why, sizeof why, "the server answers %u", answer->status);
    else
        return true;
    fail(question, why);
    return false;
}

/* ---- rules ---- */

static void on_rules(void *context, const struct call_answer *answer);

static void forget_pages(struct sampling_service *service)
{
    arena_free(service->arena);
    faults_free(service->faults);
    service->arena = NULL;
    service->faults = NULL;
}

static void ask_rules(struct sampling_service *service, struct span token)
{
    struct buf body;
    buf_init(&body, BODY_BYTES);
    buf_add(&body, SPAN("{"));
    if (token.at != NULL) {
        buf_add(&body, SPAN("\"NextToken\":"));
        json_add_string(&body, token);
    }
    buf_add(&body, SPAN("}"));
    ask(&service->rules, buf_span(&body), SAMPLING_DOCUMENT_BYTES, on_rules);
    buf_fini(&body);
}

static void begin_rules(struct sampling_service *service)
{
    forget_pages(service);
    service->arena = arena_new(NULL, (size_t)8 * 1024 * 1024);
    service->faults = faults_new();
    must(service->arena != NULL);
    service->count = service->pages = 0;
    ask_rules(service, span_make(NULL, 0));
}

static void take_page(struct sampling_service *service, const struct call_answer *answer)
{
    const struct sampling_document document = {
        .arena = service->arena, .faults = service->faults, .file = "answer", .is_answer = true};
    struct span next;
    if (!sampling_document_add(&document, answer->body, service->list, &service->count, &next)) {
        const struct fault *fault = faults_at(service->faults, 0);
        fail(&service->rules, fault != NULL ? fault->message : "the answer is none");
        return;
    }
    if (next.at != NULL && ++service->pages == PAGES_MOST) {
        fail(&service->rules, "there are more than 20 pages of them");
        return;
    }
    if (next.at != NULL) {
        ask_rules(service, next);
        return;
    }
    bool first = samplers_source(service->options.samplers) != SAMPLING_SERVICE;
    const struct sampling_rules *rules =
        sampling_rules_close(service->list, service->count, service->arena);
    samplers_set(service->options.samplers, rules, SAMPLING_SERVICE);
    service->rules_at_us = loop_now_us(service->options.loop);
    service->rules_at_wall = loop_wall_us(service->options.loop) / SECOND_US;
    if (first)
        program_log_say(*service->options.log, LOG_INFO,
                        "sampling rules: the %zu of the service hold", rules->count);
    succeed(&service->rules);
    ask_again(&service->rules, service->refresh_us);
    if (!timer_is_armed(&service->targets.timer) && service->targets.call == NULL)
        ask_again(&service->targets, service->report_us);
}

static void on_rules(void *context, const struct call_answer *answer)
{
    struct question *question = context;
    struct call *call = question->call; /* the answer lives in it */
    question->call = NULL;
    if (is_good(question, answer))
        take_page(question->service, answer);
    if (question->call == NULL)
        forget_pages(question->service);
    call_free(call);
}

/* ---- targets ---- */

static uint64_t sampled_of(const struct sampling_figures *figures)
{
    return figures->fates[SAMPLING_RESERVOIR] + figures->fates[SAMPLING_BORROWED] +
           figures->fates[SAMPLING_RATE];
}

/* A rule that went and came back is counted from nothing. */
static bool goes_on(const struct sampling_figures *before, const struct sampling_figures *now)
{
    for (size_t i = 0; i < SAMPLING_FATES; i++)
        if (before->fates[i] > now->fates[i])
            return false;
    return span_is(span_make(before->name, before->name_length),
                   span_make(now->name, now->name_length));
}

static const struct sampling_figures *before_of(const struct sampling_service *service,
                                                const struct sampling_figures *now)
{
    static const struct sampling_figures none;
    for (size_t i = 0; i < service->told_count; i++)
        if (goes_on(&service->told[i].before, now))
            return &service->told[i].before;
    return &none;
}

/* False: nothing was asked of this rule since. */
static bool add_statistics(const struct sampling_service *service, const struct told *told,
                           struct buf *to)
{
    uint64_t sampled = sampled_of(&told->now) - sampled_of(&told->before);
    uint64_t borrowed = told->now.fates[SAMPLING_BORROWED] - told->before.fates[SAMPLING_BORROWED];
    unsigned long long asked =
        sampled + told->now.fates[SAMPLING_NOT] - told->before.fates[SAMPLING_NOT];
    if (asked == 0)
        return false;
    if (to->at[to->len - 1] != '[')
        buf_add_byte(to, ',');
    buf_add(to, SPAN("{\"RuleName\":"));
    json_add_string(to, span_make(told->now.name, told->now.name_length));
    return buf_format(to,
                      ",\"ClientID\":\"%s\",\"Timestamp\":%llu,\"RequestCount\":%llu,"
                      "\"SampledCount\":%llu,\"BorrowCount\":%llu}",
                      service->client,
                      (unsigned long long)(loop_wall_us(service->options.loop) / SECOND_US), asked,
                      (unsigned long long)sampled, (unsigned long long)borrowed);
}

/* What there is to tell now. False: nothing. */
static bool collect(struct sampling_service *service, struct buf *to)
{
    struct told *next = must_alloc(SAMPLING_RULES_MOST * sizeof *next);
    size_t count = 0;
    bool any = false;
    buf_add(to, SPAN("{\"SamplingStatisticsDocuments\":["));
    while (count < SAMPLING_RULES_MOST &&
           samplers_figures(service->options.samplers, count, &next[count].now)) {
        next[count].before = *before_of(service, &next[count].now);
        next[count].before.name_length = next[count].now.name_length;
        memcpy(next[count].before.name, next[count].now.name, next[count].now.name_length);
        any = add_statistics(service, &next[count], to) || any;
        count++;
    }
    buf_add(to, SPAN("]}"));
    memcpy(service->told, next, count * sizeof *next);
    service->told_count = count;
    free(next);
    return any;
}

static void take_target(struct sampling_service *service, const json_t *document,
                        uint64_t *interval_us)
{
    const json_t *name = json_object_get(document, "RuleName");
    const json_t *rate = json_object_get(document, "FixedRate");
    const json_t *quota = json_object_get(document, "ReservoirQuota");
    const json_t *until = json_object_get(document, "ReservoirQuotaTTL");
    const json_t *interval = json_object_get(document, "Interval");
    double fixed = json_number_value(rate), end = json_number_value(until);
    struct sampling_target target = {
        .has_rate = json_is_number(rate) && fixed >= 0 && fixed <= 1,
        .has_quota = json_is_integer(quota) && json_integer_value(quota) >= 0 &&
                     json_integer_value(quota) <= INT32_MAX && json_is_number(until) && end > 0 &&
                     end < 1e11,
    };
    if (!json_is_string(name))
        return;
    target.name = span_make(json_string_value(name), json_string_length(name));
    target.rate = target.has_rate ? (unsigned)(fixed * SAMPLING_WHOLE + 0.5) : 0;
    target.quota = target.has_quota ? (unsigned)json_integer_value(quota) : 0;
    target.until_us = target.has_quota ? (uint64_t)(end * SECOND_US) : 0;
    samplers_grant(service->options.samplers, &target);
    if (json_is_integer(interval) && json_integer_value(interval) > 0 &&
        json_integer_value(interval) < 86400) {
        uint64_t wanted_us = (uint64_t)json_integer_value(interval) * SECOND_US;
        *interval_us = wanted_us < *interval_us ? wanted_us : *interval_us;
    }
}

static bool take_targets(struct sampling_service *service, const struct call_answer *answer)
{
    json_t *json = json_loadb(answer->body.at, answer->body.len, 0, NULL);
    const json_t *list = json_object_get(json, "SamplingTargetDocuments");
    uint64_t interval_us = UINT64_MAX;
    for (size_t i = 0; i < json_array_size(list); i++)
        take_target(service, json_array_get(list, i), &interval_us);
    double changed = json_number_value(json_object_get(json, "LastRuleModification"));
    bool is_good = json_is_array(list);
    json_decref(json);
    if (!is_good)
        return false;
    for (size_t i = 0; i < service->told_count; i++)
        service->told[i].before = service->told[i].now;
    ask_again(&service->targets, interval_us != UINT64_MAX ? interval_us : service->report_us);
    if (changed > (double)service->rules_at_wall && service->rules.call == NULL)
        begin_rules(service);
    return true;
}

static void on_targets(void *context, const struct call_answer *answer)
{
    struct question *question = context;
    struct call *call = question->call;
    question->call = NULL;
    if (is_good(question, answer)) {
        if (take_targets(question->service, answer))
            succeed(question);
        else
            fail(question, "the answer has no SamplingTargetDocuments");
    }
    call_free(call);
}

static void begin_targets(struct sampling_service *service)
{
    struct buf body;
    buf_init(&body, BODY_BYTES);
    bool any =
        samplers_source(service->options.samplers) == SAMPLING_SERVICE && collect(service, &body);
    if (any && !buf_is_full(&body))
        ask(&service->targets, buf_span(&body), TARGETS_BYTES, on_targets);
    else
        ask_again(&service->targets, service->report_us);
    buf_fini(&body);
}

/* ---- life ---- */

static void on_rules_due(struct timer *timer)
{
    begin_rules(list_entry(timer, struct question, timer)->service);
}

static void on_targets_due(struct timer *timer)
{
    begin_targets(list_entry(timer, struct question, timer)->service);
}

static void question_init(struct sampling_service *service, struct question *question,
                          const char *path, const char *what)
{
    question->service = service;
    question->path = path;
    question->what = what;
}

struct sampling_service *sampling_service_new(const struct sampling_service_options *options)
{
    struct sampling_service *service = must_alloc(sizeof *service);
    uint8_t id[CLIENT_BYTES];
    must(getrandom(id, sizeof id, 0) == (ssize_t)sizeof id);
    hex_write(service->client, id, sizeof id);
    service->options = *options;
    question_init(service, &service->rules, "/GetSamplingRules", "rules");
    question_init(service, &service->targets, "/SamplingTargets", "targets");
    timer_init(&service->rules.timer, options->loop, on_rules_due);
    timer_init(&service->targets.timer, options->loop, on_targets_due);
    return service;
}

static void fall_silent(struct question *question)
{
    timer_disarm(&question->timer);
    call_free(question->call);
    question->call = NULL;
    question->is_failing = false;
}

static void stop_asking(struct sampling_service *service)
{
    fall_silent(&service->rules);
    fall_silent(&service->targets);
    forget_pages(service);
    free(service->endpoint);
    service->endpoint = NULL;
    service->told_count = 0;
    service->rules_at_us = service->rules_at_wall = 0;
}

void sampling_service_change(struct sampling_service *service, const struct settings *settings)
{
    struct span endpoint = settings->traces.xray.sampling.endpoint;
    while (span_ends(endpoint, SPAN("/")))
        endpoint.len--;
    service->is_on = settings->traces.on && settings->traces.sampler == SAMPLER_XRAY;
    service->local = service->is_on ? settings->traces.xray.sampling.held.rules : NULL;
    service->refresh_us = settings->traces.xray.sampling.refresh_us;
    service->report_us = settings->traces.xray.sampling.report_us;
    service->timeout_us = settings->traces.xray.sampling.timeout_us;
    bool asks = service->is_on && endpoint.at != NULL;
    bool is_same =
        asks && service->endpoint != NULL && span_is(span_text(service->endpoint), endpoint);
    if (is_same && samplers_source(service->options.samplers) == SAMPLING_SERVICE)
        return;
    hold_local(service);
    if (is_same)
        return;
    stop_asking(service);
    if (!asks)
        return;
    service->endpoint = must_alloc(endpoint.len + 1);
    memcpy(service->endpoint, endpoint.at, endpoint.len);
    begin_rules(service);
}

void sampling_service_free(struct sampling_service *service)
{
    if (service == NULL)
        return;
    stop_asking(service);
    free(service);
}

static const char *decision_word_of(unsigned i)
{
    return sampling_fate_word((enum sampling_fate)i);
}

struct sampling_figure *sampling_service_figures(const struct sampling_service *service,
                                                 struct sampling_facts *facts)
{
    _Static_assert((int)SAMPLING_FATES == (int)SAMPLING_DECISIONS, "metrics.h has as many");
    *facts = (struct sampling_facts){.source = NULL};
    if (service == NULL || !service->is_on)
        return NULL;
    struct sampling_figure *rules = must_alloc(SAMPLING_RULES_MOST * sizeof *rules);
    struct sampling_figures figures;
    for (size_t i = 0; samplers_figures(service->options.samplers, i, &figures); i++) {
        struct sampling_figure *rule = &rules[facts->rule_count++];
        rule->name_length = figures.name_length;
        memcpy(rule->name, figures.name, figures.name_length);
        memcpy(rule->decisions, figures.fates, sizeof figures.fates);
    }
    facts->rules = rules;
    facts->source = sampling_source_word(samplers_source(service->options.samplers));
    facts->decision = decision_word_of;
    facts->rules_fetched = service->rules.answered;
    facts->rules_failed = service->rules.failed;
    facts->targets_fetched = service->targets.answered;
    facts->targets_failed = service->targets.failed;
    return rules;
}
