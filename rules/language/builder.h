/* SPDX-License-Identifier: Apache-2.0 */
/* What the parsers of this folder share while files are being read. Private to the folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_BUILDER_H
#define SIDEGATE_RULES_LANGUAGE_BUILDER_H

#include "rules/base/map.h"
#include "rules/language/directive.h"
#include "rules/language/draft.h"
#include "rules/language/holding.h"

struct ruleset_builder {
    const struct ruleset_source *source;
    struct faults *faults;
    struct holding holding;
    struct rule_settings settings;
    struct rows mime_types; /* of struct span */
    struct rows entries;    /* of struct entry */
    struct rows updates;    /* of struct update */
    struct rows changes;    /* of struct ruleset_change: what they did */
    struct map *ids;        /* "942100" -> the draft */
    const struct draft *defaults[PHASE_COUNT];
    struct draft *open; /* the chain that waits for its next link: its last one so far */
    struct draft *open_starter;
    bool lost; /* behind a line that could not be read: links may look like rules without id */
    bool warned[DIRECTIVE_COUNT]; /* what has no effect is said once */
    uint64_t hash;
    unsigned depth; /* of Include */
};

/* Mixes what was read into the ruleset's hash. */
void builder_hash(struct ruleset_builder *builder, struct span bytes);
/* Reads every file that the pattern names; relative to the folder of `base` where that is not NULL.
 */
void builder_include(struct ruleset_builder *builder, struct span pattern, const char *base,
                     struct place from, bool optional);
/* `name` as seen from the file `base`, terminated, in the arena. */
const char *builder_path(struct ruleset_builder *builder, struct span name, const char *base);
/* A chain ends here: a fault where it still waits for a link. */
void builder_close_chain(struct ruleset_builder *builder);
/* Compiles a /regex/; NULL and a fault where it is wrong. */
const struct pattern *builder_pattern(struct ruleset_builder *builder, struct line *line,
                                      struct span text);
/* A macro of the line; a fault where it names no variable. */
struct macro builder_macro(struct line *line, struct span text);

#endif
