/* SPDX-License-Identifier: Apache-2.0 */
/* One rule text and one request: nothing that both say may break the inspection, and slices of any
 * length must come to what one run comes to.
 *
 *   input:  rules NUL target NUL fields ("Name: value" lines) NUL body */
#include <stdlib.h>
#include <string.h>

#include "rules/base/fault.h"
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/inspection.h"
#include "rules/language/ruleset.h"

enum { FIELDS = 16, CEILING = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct span rules, target, body;
    struct pair fields[FIELDS];
    size_t field_count;
};

static uint64_t tick(void *context)
{
    uint64_t *now = context;
    return *now += 10;
}

/* Rules of the fuzzer name no files. */
static bool no_file(void *context, const char *path, struct buf *to, char *why, size_t size)
{
    (void)context;
    (void)path;
    (void)to;
    if (size > 0)
        why[0] = '\0';
    return false;
}

static size_t no_glob(void *context, const char *pattern, void (*found)(void *to, const char *path),
                      void *to)
{
    (void)context;
    (void)pattern;
    (void)found;
    (void)to;
    return 0;
}

static struct input input_cut(struct span all)
{
    struct input input = {0};
    input.rules = span_cut(&all, '\0');
    input.target = span_cut(&all, '\0');
    struct span lines = span_cut(&all, '\0');
    input.body = all;
    while (lines.at != NULL && input.field_count < FIELDS) {
        struct span value = span_cut(&lines, '\n');
        struct span name = span_cut(&value, ':');
        input.fields[input.field_count++] = (struct pair){name, span_trim_ows(value)};
    }
    return input;
}

static struct ruleset *rules_load(struct span text)
{
    static const struct ruleset_source source = {.read = no_file, .glob = no_glob};
    struct faults *faults = faults_new();
    struct ruleset_builder *builder = ruleset_builder_new(&source, faults);
    ruleset_builder_add_text(builder, "fuzz.conf", text);
    struct ruleset *ruleset = ruleset_builder_finish(builder);
    ruleset_builder_free(builder);
    faults_free(faults);
    return ruleset;
}

static void phase_run(struct inspection *tx, enum rule_phase phase, uint64_t budget_ns)
{
    while (inspection_run(tx, phase, budget_ns) == INSPECTION_MORE)
        continue;
}

/* A number that stands for all that was said: verdict, matches and their words. */
static uint64_t fingerprint(struct inspection *tx)
{
    static const uint8_t key[16] = {1};
    struct verdict verdict = inspection_verdict(tx);
    uint64_t sum = (uint64_t)verdict.action * 31 + verdict.rule_id + verdict.would_block;
    size_t count;
    const struct rule_match *matches = inspection_matches(tx, &count);
    for (size_t i = 0; i < count; i++)
        sum = sum * 1099511628211u + matches[i].rule_id + siphash(key, matches[i].variable_name) +
              siphash(key, matches[i].variable_value) + siphash(key, matches[i].data);
    return sum;
}

/* False: a limit ended it, and how far it came says nothing. */
static bool transaction(const struct ruleset *ruleset, const struct input *input,
                        struct scratch *scratch, uint64_t budget_ns, uint64_t *sum)
{
    uint64_t now = 0;
    struct arena *arena = arena_new(NULL, CEILING);
    struct inspection_options options = inspection_options_of(ruleset);
    struct inspection_world world = {
        .wall_us = tick, .cpu_ns = tick, .context = &now, .scratch = scratch};
    struct inspection_request request = {
        .line = input->target,
        .method = SPAN("POST"),
        .target = input->target,
        .protocol = SPAN("HTTP/1.1"),
        .fields = input->fields,
        .field_count = input->field_count,
    };
    struct inspection_response response = {.status = 200,
                                           .protocol = SPAN("HTTP/1.1"),
                                           .fields = input->fields,
                                           .field_count = input->field_count};
    struct inspection *tx = inspection_begin(ruleset, &options, &world, arena);
    must(tx != NULL);
    inspection_set_request(tx, &request);
    phase_run(tx, PHASE_REQUEST_HEADERS, budget_ns);
    size_t half = input->body.len / 2;
    inspection_request_body(tx, span_first(input->body, half));
    inspection_request_body(tx, span_from(input->body, half));
    inspection_request_body_end(tx, false);
    phase_run(tx, PHASE_REQUEST_BODY, budget_ns);
    inspection_set_response(tx, &response);
    phase_run(tx, PHASE_RESPONSE_HEADERS, budget_ns);
    inspection_response_body(tx, input->body);
    inspection_response_body_end(tx, false);
    phase_run(tx, PHASE_RESPONSE_BODY, budget_ns);
    phase_run(tx, PHASE_LOGGING, budget_ns);
    *sum = fingerprint(tx);
    bool whole = !arena_is_full(arena) && inspection_limits(tx, LIMIT_PATTERN) == 0;
    inspection_end(tx);
    arena_free(arena);
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_cut(span_make((const char *)data, size));
    struct ruleset *ruleset = rules_load(input.rules);
    if (ruleset == NULL)
        return 0;
    struct scratch *scratch = scratch_new();
    uint64_t one;
    uint64_t sliced;
    /* The clock is part of what rules see: only rules that do not ask for it are compared. */
    bool asks = span_find_nocase(input.rules, SPAN("TIME")) != SPAN_NONE ||
                span_find_nocase(input.rules, SPAN("DURATION")) != SPAN_NONE;
    bool whole = transaction(ruleset, &input, scratch, 0, &one);
    if (transaction(ruleset, &input, scratch, 1, &sliced) && whole)
        must(asks || one == sliced);
    scratch_free(scratch);
    ruleset_free(ruleset);
    return 0;
}
