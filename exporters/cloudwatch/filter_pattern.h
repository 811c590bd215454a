/* SPDX-License-Identifier: Apache-2.0 */
/* Filter patterns of CloudWatch Logs, over one line of a log:
 *
 *   { $.status = 5* && ($.method = "GET" || $.upstream IS NULL) }      of JSON
 *     = != < > <= >=, IS NULL|TRUE|FALSE, EXISTS, NOT EXISTS; * stands for any text
 *   [ip, user, ..., status = 4* || status = 5*, bytes > 1000]          of fields between spaces
 *     quotes and brackets hold a field together; ... is any number of fields
 *   timeout "upstream failed" -health ?GET ?POST                       words: all, none of -, one
 * of ?
 *
 * %regular expression% stands for a value behind = or !=, or for a word. A selector is $.a.b[0] of
 * JSON, or $name of a field. The text is walked anew for each line. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_FILTER_PATTERN_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_FILTER_PATTERN_H

#include "exporters/cloudwatch/filter_regex.h"
#include "rules/base/fault.h"
#include "rules/base/span.h"

/* False: it is none, and said; `at` is where the text begins. */
bool filter_pattern_check(struct span text, struct place at, struct faults *faults);
/* The regular expressions of a text that is one; NULL: it has none. */
struct filter_regexes *filter_pattern_regexes(struct span text);
/* Of the same text. */
bool filter_pattern_matches(struct span text, struct filter_regexes *regexes, struct span line);

/* The i-th selector of JSON in a text that is a pattern; at NULL beyond the last. */
struct span filter_pattern_selector(struct span text, size_t i);

bool filter_selector_is_good(struct span selector);
/* What the line has there, strings without their quotes. False: nothing, null, a list or a map. */
bool filter_selector_find(struct span pattern, struct span selector, struct span line,
                          struct span *value);

#endif
