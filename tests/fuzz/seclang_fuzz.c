/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a rule file: it is read to its end, every fault stands at a place that the text has,
 * and what comes out without an error is whole. */
#include <stdint.h>

#include "rules/base/must.h"
#include "rules/language/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char name[] = "fuzz.conf";

/* Every file that a rule names holds the same few phrases. */
static bool phrases_read(void *context, const char *path, struct buf *to, char *why, size_t size)
{
    (void)context;
    (void)path;
    (void)why;
    (void)size;
    return buf_add(to, SPAN("one\ntwo\n"));
}

static size_t nothing_found(void *context, const char *pattern,
                            void (*found)(void *to, const char *path), void *to)
{
    (void)context;
    (void)pattern;
    (void)found;
    (void)to;
    return 0;
}

/* Bytes of the line with this number, or SPAN_NONE where the text has fewer lines. */
static size_t line_length(struct span text, unsigned number)
{
    struct span line = span_cut(&text, '\n');
    for (unsigned i = 1; i < number; i++) {
        if (text.at == NULL)
            return SPAN_NONE;
        line = span_cut(&text, '\n');
    }
    return line.len;
}

static void check_places(const struct faults *faults, struct span text)
{
    const struct fault *fault;
    for (size_t i = 0; (fault = faults_at(faults, i)) != NULL; i++) {
        must(span_is(span_text(fault->place.file), span_text(name)));
        must(fault->place.line > 0);
        size_t len = line_length(text, fault->place.line);
        must(len != SPAN_NONE);
        must(fault->place.column <= len + 1);
    }
}

static void check_jumps(const struct ruleset *ruleset)
{
    unsigned count = 0;
    for (unsigned phase = 1; phase < PHASE_COUNT; phase++) {
        const struct ruleset_phase *steps = &ruleset->phases[phase];
        for (size_t i = 0; i < steps->count; i++) {
            const struct rule *rule = steps->steps[i].rule;
            if (rule == NULL)
                continue;
            must(rule->go_to == 0 || (rule->go_to > i && rule->go_to <= steps->count));
            must(ruleset_find(ruleset, rule->id) == rule);
            must(rule->target_count == 0 || rule->operator!= NULL);
            count++;
        }
    }
    must(count == ruleset->rule_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ruleset_source source = {phrases_read, nothing_found, NULL};
    struct span text = span_make((const char *)data, size);
    struct faults *faults = faults_new();
    struct ruleset_builder *builder = ruleset_builder_new(&source, faults);
    ruleset_builder_add_text(builder, name, text);
    struct ruleset *ruleset = ruleset_builder_finish(builder);
    must((ruleset == NULL) == (faults_count(faults, FAULT_ERROR) > 0));
    check_places(faults, text);
    if (ruleset != NULL)
        check_jumps(ruleset);
    ruleset_builder_free(builder);
    ruleset_free(ruleset);
    faults_free(faults);
    return 0;
}
