/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/filter_regex.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/match/pattern.h"

enum { MATCH_LIMIT = 20000, WHY_BYTES = 160 };

struct filter_regexes {
    struct {
        size_t at;
        struct pattern *pattern;
    } list[FILTER_REGEXES_MOST];
    size_t count;
    struct scratch *scratch;
    uint64_t overruns;
    char why[WHY_BYTES];
};

struct filter_regexes *filter_regexes_new(void)
{
    struct filter_regexes *regexes = must_alloc(sizeof *regexes);
    return regexes;
}

void filter_regexes_free(struct filter_regexes *regexes)
{
    if (regexes == NULL)
        return;
    for (size_t i = 0; i < regexes->count; i++)
        pattern_free(regexes->list[i].pattern);
    scratch_free(regexes->scratch);
    free(regexes);
}

const char *filter_regexes_add(struct filter_regexes *regexes, size_t at, struct span text,
                               size_t *offset)
{
    *offset = 0;
    if (regexes->count == FILTER_REGEXES_MOST)
        return "there are 8 regular expressions at the most";
    struct pattern *pattern =
        pattern_new(text, PATTERN_RULE, offset, regexes->why, sizeof regexes->why);
    if (pattern == NULL)
        return regexes->why;
    if (regexes->scratch == NULL) {
        regexes->scratch = scratch_new();
        scratch_set_match_limit(regexes->scratch, MATCH_LIMIT);
    }
    regexes->list[regexes->count].at = at;
    regexes->list[regexes->count++].pattern = pattern;
    return NULL;
}

size_t filter_regexes_count(const struct filter_regexes *regexes)
{
    return regexes->count;
}

bool filter_regexes_match(struct filter_regexes *regexes, size_t at, struct span value)
{
    size_t i = 0;
    while (i < regexes->count && regexes->list[i].at != at)
        i++;
    must(i < regexes->count); /* the text is the one that was read */
    enum pattern_answer answer =
        pattern_match(regexes->list[i].pattern, value, regexes->scratch, NULL);
    regexes->overruns += answer == PATTERN_LIMIT;
    return answer == PATTERN_YES;
}

uint64_t filter_regexes_overruns(struct filter_regexes *regexes)
{
    uint64_t overruns = regexes->overruns;
    regexes->overruns = 0;
    return overruns;
}
