/* SPDX-License-Identifier: Apache-2.0 */
/* policy_cases.txt, case by case; and that it leaves no operator out. The file says how it reads.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sidecar/guard/policy.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

enum { PAIRS_MOST = 8, DOCUMENTS_MOST = 4, CASES_LEAST = 300 };

struct runner {
    struct policy *identity[DOCUMENTS_MOST], *session[DOCUMENTS_MOST];
    struct policy *resource, *boundary;
    size_t identity_count, session_count;
    struct policy_request request;
    enum policy_flow flow;
    bool early;           /* the first of two phases */
    struct span says;     /* the sentence that the next cases follow */
    struct span compares; /* the operator of the latest `condition`; empty: whole documents */
    struct pair values[PAIRS_MOST];
    size_t value_count;
    unsigned line;
    size_t passed, failed;
};

static bool value_of(void *context, struct span key, size_t i, struct span *value)
{
    const struct runner *runner = context;
    for (size_t k = 0; k < runner->value_count; k++)
        if (span_is_nocase(runner->values[k].name, key) && i-- == 0) {
            *value = runner->values[k].value;
            return true;
        }
    return false;
}

static void forget(struct runner *runner)
{
    for (size_t i = 0; i < DOCUMENTS_MOST; i++) {
        policy_free(runner->identity[i]);
        policy_free(runner->session[i]);
        runner->identity[i] = runner->session[i] = NULL;
    }
    policy_free(runner->resource);
    policy_free(runner->boundary);
    runner->resource = runner->boundary = NULL;
    runner->identity_count = runner->session_count = 0;
    runner->flow = POLICY_FLOW_IAM;
    runner->early = false;
    runner->compares = SPAN("");
    runner->request = (struct policy_request){
        .principal = {PRINCIPAL_AWS, SPAN("arn:aws:iam::123456789012:user/ann"),
                      SPAN("123456789012")},
        .action = SPAN("execute-api:Invoke"),
        .resource = SPAN("arn:aws:execute-api:eu-west-1:123456789012:abc/prod/GET/pets"),
        .value = value_of,
        .context = runner};
}

static struct policy *read_text(const struct runner *runner, struct span text,
                                enum policy_kind kind)
{
    struct faults *faults = faults_new();
    struct policy *policy = policy_read(text, kind, "policy_cases.txt", faults);
    for (size_t i = 0; faults_at(faults, i) != NULL; i++)
        print_error("line %u: %s\n", runner->line, faults_at(faults, i)->message);
    faults_free(faults);
    check(policy != NULL);
    return policy;
}

static void condition_set(struct runner *runner, struct span json)
{
    char text[2048];
    forget(runner);
    int len = snprintf(text, sizeof text,
                       "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
                       "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":" SPAN_FORMAT "}}",
                       span_arg(json));
    check(len > 0 && (size_t)len < sizeof text);
    runner->identity[runner->identity_count++] =
        read_text(runner, span_make(text, (size_t)len), POLICY_IDENTITY);
    span_cut(&json, '"');
    runner->compares = span_cut(&json, '"');
}

static void who_set(struct runner *runner, struct span text)
{
    static const char *const kinds[] = {"anonymous", "aws", "service", "federated"};
    struct span kind = span_cut(&text, ' ');
    struct principal *who = &runner->request.principal;
    *who = (struct principal){.arn = span_cut(&text, ' ')};
    who->account = text;
    for (size_t i = 0; i < 4; i++)
        if (span_is(kind, span_text(kinds[i])))
            who->kind = (enum principal_kind)i;
    check(span_is(kind, span_text(kinds[who->kind])));
}

static void flow_set(struct runner *runner, struct span text)
{
    static const char *const flows[] = {"none", "iam", "lambda", "cognito"};
    runner->early = span_is(text, SPAN("early"));
    for (size_t i = 0; i < 4; i++)
        if (span_is(text, span_text(flows[i])))
            runner->flow = (enum policy_flow)i;
    check(runner->early || span_is(text, span_text(flows[runner->flow])));
}

static bool document_set(struct runner *runner, struct span word, struct span rest)
{
    if (span_is(word, SPAN("identity")))
        runner->identity[runner->identity_count++] = read_text(runner, rest, POLICY_IDENTITY);
    else if (span_is(word, SPAN("session")))
        runner->session[runner->session_count++] = read_text(runner, rest, POLICY_SESSION);
    else if (span_is(word, SPAN("resource")))
        runner->resource = read_text(runner, rest, POLICY_RESOURCE);
    else if (span_is(word, SPAN("boundary")))
        runner->boundary = read_text(runner, rest, POLICY_BOUNDARY);
    else
        return false;
    check(runner->identity_count < DOCUMENTS_MOST && runner->session_count < DOCUMENTS_MOST);
    return true;
}

static bool setting(struct runner *runner, struct span word, struct span rest)
{
    if (span_is(word, SPAN("says")))
        runner->says = rest;
    else if (span_is(word, SPAN("new")))
        forget(runner);
    else if (span_is(word, SPAN("condition")))
        condition_set(runner, rest);
    else if (span_is(word, SPAN("who")))
        who_set(runner, rest);
    else if (span_is(word, SPAN("does")))
        runner->request.action = rest;
    else if (span_is(word, SPAN("on")))
        runner->request.resource = rest;
    else if (span_is(word, SPAN("flow")))
        flow_set(runner, rest);
    else
        return document_set(runner, word, rest);
    return true;
}

/* --- cases --------------------------------------------------------------------------------- */

static const char *const verdicts[] = {"allowed", "explicit", "implicit"};
static const char *const kinds[] = {"identity", "resource", "boundary", "session"};

/* "key=value; key=value" */
static void values_set(struct runner *runner, struct span text)
{
    runner->value_count = 0;
    while (text.len > 0) {
        struct span value = span_trim(span_cut(&text, ';'), " ");
        struct span name = span_cut(&value, '=');
        check(runner->value_count < PAIRS_MOST && value.at != NULL);
        runner->values[runner->value_count++] = (struct pair){name, value};
    }
}

/* "implicit by boundary sid X": is that what it came to? */
static bool is_expected(struct span want, const struct policy_result *result)
{
    bool same = span_is(span_cut(&want, ' '), span_text(verdicts[result->verdict]));
    while (want.len > 0) {
        struct span word = span_cut(&want, ' '), value = span_cut(&want, ' ');
        struct span got = span_is(word, SPAN("by")) ? span_text(kinds[result->by]) : result->sid;
        same = same && span_is(value, got);
    }
    return same;
}

static void case_run(struct runner *runner, struct span line)
{
    size_t arrow = span_find(line, SPAN("<<"));
    check(arrow != SPAN_NONE && runner->says.len > 0);
    struct span why = span_trim(span_first(line, arrow), " ");
    struct span want = span_trim(span_cut(&why, '|'), " ");
    values_set(runner, span_trim(span_from(line, arrow + 2), " "));
    const struct policies policies = {.identity = (const struct policy *const *)runner->identity,
                                      .identity_count = runner->identity_count,
                                      .resource = runner->resource,
                                      .boundary = runner->boundary,
                                      .session = (const struct policy *const *)runner->session,
                                      .session_count = runner->session_count};
    struct policy_result result = runner->early
                                      ? policies_refuse_early(&policies, &runner->request)
                                      : policies_decide(&policies, runner->flow, &runner->request);
    if (is_expected(want, &result)) {
        runner->passed++;
        return;
    }
    runner->failed++;
    print_error("policy_cases.txt:%u: " SPAN_FORMAT ": got %s by %s sid '" SPAN_FORMAT
                "' (" SPAN_FORMAT ")\n",
                runner->line, span_arg(line), verdicts[result.verdict], kinds[result.by],
                span_arg(result.sid), span_arg(runner->says));
}

/* --- which operators were met ---------------------------------------------------------------- */

static const char *const operators[] = {
#define POLICY_OPERATOR(name, kind, how, negated) #name,
#include "sidecar/guard/policy_operators.tbl"
#undef POLICY_OPERATOR
};
enum { OPERATORS = sizeof operators / sizeof *operators, FORMS = 4 };
static const char *const prefixes[FORMS] = {"", "", "ForAnyValue:", "ForAllValues:"};
static const char *const suffixes[FORMS] = {"", "IfExists", "", ""};

struct met { /* [operator][form]: how often it let through, and refused */
    unsigned allowed[OPERATORS][FORMS], refused[OPERATORS][FORMS];
};

static void meet(struct met *met, struct span compares, bool allowed)
{
    char name[96];
    for (size_t i = 0; i < OPERATORS; i++)
        for (size_t form = 0; form < FORMS; form++) {
            snprintf(name, sizeof name, "%s%s%s", prefixes[form], operators[i], suffixes[form]);
            if (span_is(compares, span_text(name)))
                (*(allowed ? &met->allowed : &met->refused))[i][form]++;
        }
}

static void check_all_were_met(const struct met *met)
{
    for (size_t i = 0; i < OPERATORS; i++)
        for (size_t form = 0; form < FORMS; form++) {
            if (form > 0 && strcmp(operators[i], "Null") == 0)
                continue;
            if (met->allowed[i][form] == 0 || met->refused[i][form] == 0)
                print_error("no case on both sides of %s%s%s\n", prefixes[form], operators[i],
                            suffixes[form]);
            check(met->allowed[i][form] > 0 && met->refused[i][form] > 0);
        }
}

static void file_run(struct runner *runner, struct span text, struct met *met)
{
    while (text.at != NULL) {
        struct span line = span_trim(span_cut(&text, '\n'), " "), rest = line;
        runner->line++;
        struct span word = span_cut(&rest, ' ');
        if (line.len == 0 || line.at[0] == '#' || setting(runner, word, rest))
            continue;
        case_run(runner, line);
        meet(met, runner->compares, span_starts(word, SPAN("allowed")));
    }
}

TEST(policies_decide_as_the_reference_says_case_by_case)
{
    static char text[1 << 20];
    FILE *file = fopen(SIDEGATE_SOURCE_DIR "/tests/unit/guard/policy_cases.txt", "r");
    check(file != NULL);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    check(len > 0 && len < sizeof text);
    struct runner runner = {0};
    struct met met = {0};
    forget(&runner);
    file_run(&runner, span_make(text, len), &met);
    forget(&runner);
    printf("policy_cases: %zu passed, %zu failed\n", runner.passed, runner.failed);
    check_number(runner.failed, 0);
    check(runner.passed >= CASES_LEAST);
    check_all_were_met(&met);
}

int policy_cases_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_decide_as_the_reference_says_case_by_case),
    };
    return cmocka_run_group_tests_name("policy_cases", tests, NULL, NULL);
}
