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
 * A selector is $.a.b[0] of JSON, or $name of a field. The text is walked anew for each line. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_FILTER_PATTERN_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_FILTER_PATTERN_H

#include "rules/base/fault.h"
#include "rules/base/span.h"

/* False: it is none, and said; `at` is where the text begins. */
bool filter_pattern_check(struct span text, struct place at, struct faults *faults);
/* Of a text that is one. */
bool filter_pattern_matches(struct span text, struct span line);

bool filter_selector_is_good(struct span selector);
/* What the line has there, strings without their quotes. False: nothing, null, a list or a map. */
bool filter_selector_find(struct span pattern, struct span selector, struct span line,
                          struct span *value);

#endif
