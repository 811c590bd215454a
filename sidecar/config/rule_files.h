/* SPDX-License-Identifier: Apache-2.0 */
/* Where rules are read from, with a memory: every file and pattern that was asked for is noted with
 * a hash of the answer, so that a reload can tell whether the same question would be answered the
 * same. Files that everybody may write are refused. */
#ifndef SIDEGATE_SIDECAR_CONFIG_RULE_FILES_H
#define SIDEGATE_SIDECAR_CONFIG_RULE_FILES_H

#include <stdbool.h>

#include "rules/language/ruleset.h"

struct rule_files;

struct rule_files *rule_files_new(void);
void rule_files_free(struct rule_files *files); /* NULL allowed */
/* Reads the disk and notes what it read; lives as long as `files`. */
const struct ruleset_source *rule_files_source(struct rule_files *files);
/* Asks everything again: is all as it was? */
bool rule_files_are_unchanged(const struct rule_files *files);
/* Over all answers. */
uint64_t rule_files_hash(const struct rule_files *files);

/* The rules that choose how a body is read by its Content-Type and, with a Core Rule Set, the one
 * that refuses a body that could not be read whole. They are no part of the CRS, which relies on
 * them; files that define them (by these ids, 200000 and so on, as ModSecurity's recommended
 * settings do) have their own way. Appends those that no file read so far defines. */
void rule_files_add_base(const struct rule_files *files, bool with_crs, struct buf *to);
/* Does any file define one of them? */
bool rule_files_have_base(const struct rule_files *files);

#endif
