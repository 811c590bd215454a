/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate rules test`: go-ftw's tests through the offline walk. What only a backend's answer or
 * the text of the log could tell is skipped, and said. */
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/language/ruleset.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/command_rules.h"
#include "sidecar/config/document.h"
#include "sidecar/config/private_file.h"
#include "sidecar/ftw.h"
#include "sidecar/offline.h"

enum { FILE_BYTES = 64 << 20, OUTPUT_BYTES = 64 << 20, ARENA_BYTES = 512 << 20, WHY_BYTES = 160 };

static const struct argument_row rows[] = {
    ARGUMENT_FILE,
    ARGUMENT_SET,
    {'w', "", "TESTS.yaml", "a file of go-ftw's"},
};
static const struct argument_table table = {
    "rules test -c FILE... TESTS.yaml... [--set KEY=VALUE]...",
    "Sends each test through parser and rules, offline, and holds expect_ids, no_expect_ids and\n"
    "status against what came of it. Closing line: N passed, N failed, N skipped.",
    rows, sizeof rows / sizeof *rows};

struct trial {
    struct snapshot *snapshot;
    struct offline *offline;
    struct arena *arena; /* of one file */
    struct buf out;
    size_t passed, failed, skipped;
    bool is_broken; /* some file could not be read */
};

/* Of one test. */
struct verdict_text {
    struct buf why; /* why it failed */
    const char *skipped;
};

/* ---- one stage ---- */

static bool has_id(const struct offline_answer *answer, uint64_t id)
{
    for (size_t i = 0; i < answer->match_count; i++)
        if (answer->matches[i].rule_id == id)
            return true;
    return false;
}

static bool looks_at_answers(const struct trial *trial, uint64_t id)
{
    const struct rule *rule =
        trial->snapshot->ruleset != NULL ? ruleset_find(trial->snapshot->ruleset, id) : NULL;
    return rule != NULL &&
           (rule->phase == PHASE_RESPONSE_HEADERS || rule->phase == PHASE_RESPONSE_BODY);
}

static void judge_ids(const struct trial *trial, const struct offline_answer *answer,
                      const struct node *ids, bool wanted, struct verdict_text *verdict)
{
    for (const struct node *n = ids != NULL ? ids->first : NULL; n != NULL; n = n->next) {
        uint64_t id;
        if (!number_parse(n->text, &id)) {
            buf_format(&verdict->why, "; %u: no rule's id", n->place.line);
            continue;
        }
        if (has_id(answer, id) == wanted)
            continue;
        if (wanted && looks_at_answers(trial, id))
            verdict->skipped = "it looks at a backend's answer";
        else
            buf_format(&verdict->why, "; %s %llu", wanted ? "missing" : "unwanted",
                       (unsigned long long)id);
    }
}

static void judge(const struct trial *trial, const struct offline_answer *answer,
                  const struct node *output, struct verdict_text *verdict)
{
    const struct node *log = tree_find(output, SPAN("log"));
    uint64_t status = 0;
    if (log != NULL &&
        (tree_find(log, SPAN("match_regex")) || tree_find(log, SPAN("no_match_regex"))))
        verdict->skipped = "it wants the text of a log";
    if (span_is(ftw_text(output, SPAN("expect_error"), SPAN("")), SPAN("true"))) {
        if (answer->status != 0)
            buf_format(&verdict->why, "; answered %u, expected no answer", answer->status);
        return;
    }
    if (number_parse(ftw_text(output, SPAN("status"), SPAN("0")), &status) && status != 0 &&
        status != answer->status)
        buf_format(&verdict->why, "; status %u, expected %llu", answer->status,
                   (unsigned long long)status);
    if (log == NULL)
        return;
    judge_ids(trial, answer, tree_find(log, SPAN("expect_ids")), true, verdict);
    judge_ids(trial, answer, tree_find(log, SPAN("no_expect_ids")), false, verdict);
}

static void run_stage(struct trial *trial, const struct node *stage, struct verdict_text *verdict)
{
    static const struct offline_visit visit = {.client_address = SPAN_INIT("127.0.0.1")};
    const struct node *input = tree_find(stage, SPAN("input"));
    const struct node *output = tree_find(stage, SPAN("output"));
    if (input == NULL || output == NULL) {
        buf_add(&verdict->why, SPAN("; a stage wants input and output"));
        return;
    }
    struct span request = ftw_request(input, trial->arena);
    if (request.at == NULL) {
        buf_add(&verdict->why, SPAN("; the request is too long"));
        return;
    }
    judge(trial, offline_run(trial->offline, request, &visit), output, verdict);
}

/* ---- tests and files ---- */

static void run_test(struct trial *trial, struct span rule, const struct node *test)
{
    struct verdict_text verdict = {0};
    struct span id = ftw_text(test, SPAN("test_id"), SPAN("?"));
    const struct node *stages = tree_find(test, SPAN("stages"));
    buf_init(&verdict.why, 64 << 10);
    for (const struct node *s = stages != NULL ? stages->first : NULL; s != NULL; s = s->next)
        run_stage(trial, s, &verdict);
    if (stages == NULL || stages->count == 0)
        buf_add(&verdict.why, SPAN("; it has no stages"));
    if (verdict.why.len > 0) {
        trial->failed++;
        buf_format(&trial->out, "failed " SPAN_FORMAT "-" SPAN_FORMAT ": " SPAN_FORMAT "\n",
                   span_arg(rule), span_arg(id), span_arg(span_from(buf_span(&verdict.why), 2)));
    } else if (verdict.skipped != NULL) {
        trial->skipped++;
        buf_format(&trial->out, "skipped " SPAN_FORMAT "-" SPAN_FORMAT ": %s\n", span_arg(rule),
                   span_arg(id), verdict.skipped);
    } else {
        trial->passed++;
    }
    buf_fini(&verdict.why);
}

static bool read_file(const char *name, struct buf *to)
{
    char why[WHY_BYTES];
    bool is_read = file_read(name, to, why, sizeof why);
    if (!is_read)
        fprintf(stderr, "sidegate rules test: %s: %s\n", name, why);
    return is_read;
}

/* A file of comments has no tests; that is all right (its only fault is of the file as a whole). */
static bool file_is_empty(const struct node *root, const struct faults *faults)
{
    const struct fault *first = faults_at(faults, 0);
    return root == NULL && first != NULL && first->place.line == 0;
}

static void say_faults(struct trial *trial, const struct faults *faults)
{
    struct buf text;
    buf_init(&text, OUTPUT_BYTES);
    faults_print(faults, &text);
    if (text.len > 0) {
        fwrite(text.at, 1, text.len, stderr);
        trial->is_broken = true;
    }
    buf_fini(&text);
}

static void run_file(struct trial *trial, const char *name)
{
    struct buf text;
    buf_init(&text, FILE_BYTES);
    if (!read_file(name, &text)) {
        trial->is_broken = true;
        buf_fini(&text);
        return;
    }
    struct faults *faults = faults_new();
    trial->arena = arena_new(NULL, ARENA_BYTES);
    must(trial->arena != NULL);
    struct document document = {trial->arena, faults, name, ".", true, NULL, NULL};
    const struct node *root = document_parse(&document, buf_span(&text));
    const struct node *tests = root != NULL ? tree_find(root, SPAN("tests")) : NULL;
    if (root != NULL && tests == NULL)
        fault_add(faults, FAULT_ERROR, (struct place){.file = name}, SPAN(""), "it has no tests");
    for (const struct node *t = tests != NULL ? tests->first : NULL; t != NULL; t = t->next)
        run_test(trial, ftw_text(root, SPAN("rule_id"), SPAN("?")), t);
    if (!file_is_empty(root, faults))
        say_faults(trial, faults);
    faults_free(faults);
    arena_free(trial->arena);
    buf_fini(&text);
}

static int test_all(const struct settings_source *source, const char *const *files, size_t count)
{
    struct trial trial = {.snapshot = rules_snapshot(source)};
    if (trial.snapshot == NULL)
        return EXIT_REFUSED;
    trial.offline = offline_new(trial.snapshot);
    buf_init(&trial.out, OUTPUT_BYTES);
    for (size_t i = 0; i < count; i++)
        run_file(&trial, files[i]);
    buf_format(&trial.out, "%zu passed, %zu failed, %zu skipped\n", trial.passed, trial.failed,
               trial.skipped);
    rules_print_out(&trial.out);
    offline_free(trial.offline);
    snapshot_give(trial.snapshot);
    return trial.failed == 0 && !trial.is_broken ? 0 : 1;
}

int rules_test(int argc, char **argv)
{
    struct arguments arguments;
    struct argument_sources sources;
    const struct argument_row *row;
    const char **files = must_alloc((size_t)argc * sizeof(char *) + 1);
    size_t count = 0;
    arguments_begin(&arguments, &table, argc, argv);
    argument_sources_init(&sources, argc);
    while ((row = arguments_next(&arguments)) != NULL)
        if (!argument_sources_take(&sources, &arguments, row))
            files[count++] = arguments.value;
    if (argument_sources_finish(&sources, &arguments) && count == 0)
        arguments_refuse(&arguments, "no tests: name at least one file");
    int code = arguments.code < 0 ? test_all(&sources.source, files, count) : arguments.code;
    argument_sources_fini(&sources);
    free(files);
    return code;
}
