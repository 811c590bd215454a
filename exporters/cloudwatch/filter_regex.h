/* SPDX-License-Identifier: Apache-2.0 */
/* The regular expressions of a filter pattern, %like this%: compiled once, found again by where
 * they stand in it. For one thread at a time. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_FILTER_REGEX_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_FILTER_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

enum { FILTER_REGEXES_MOST = 8 };

struct filter_regexes;
struct filter_regexes *filter_regexes_new(void);
void filter_regexes_free(struct filter_regexes *regexes); /* NULL allowed */

/* NULL: taken; else what is wrong, borrowed until the next call, at *offset of the text. */
const char *filter_regexes_add(struct filter_regexes *regexes, size_t at, struct span text,
                               size_t *offset);
size_t filter_regexes_count(const struct filter_regexes *regexes);
/* Anywhere in the value, unless it says ^ or $. One that runs over its limit does not match, and is
 * counted. */
bool filter_regexes_match(struct filter_regexes *regexes, size_t at, struct span value);
/* Since the last time that this was asked. */
uint64_t filter_regexes_overruns(struct filter_regexes *regexes);

#endif
