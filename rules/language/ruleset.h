/* SPDX-License-Identifier: Apache-2.0 */
/* A frozen ruleset: what SecLang files were compiled to. Shared by all threads, changed by nobody.
 *
 *   ruleset
 *     phase[1..5].steps   [rule][rule][marker][rule]...     skip and skipAfter are indexes into the
 * same array
 *                           |
 *                           +-- targets, transformations, operator, actions, chain -> rule -> ...
 *     settings            what the Sec... directives said */
#ifndef SIDEGATE_RULES_LANGUAGE_RULESET_H
#define SIDEGATE_RULES_LANGUAGE_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/buf.h"
#include "rules/base/fault.h"
#include "rules/match/action.h"
#include "rules/match/operator.h"
#include "rules/match/result.h"
#include "rules/match/transformation.h"

enum disruptive {
    DISRUPTIVE_PASS,
    DISRUPTIVE_DENY,
    DISRUPTIVE_DROP,
    DISRUPTIVE_REDIRECT,
    DISRUPTIVE_ALLOW,         /* everything but phase 5 */
    DISRUPTIVE_ALLOW_PHASE,   /* the rest of this phase */
    DISRUPTIVE_ALLOW_REQUEST, /* phases 1 and 2 */
};

struct rule {
    uint64_t id; /* 0 for a chained link: it goes by its starter's */
    const char *file;
    unsigned line;
    unsigned index; /* over all starters, from 0: for bitmaps of removed rules */
    enum rule_phase phase;

    const struct target *targets; /* none: SecAction, matches always */
    size_t target_count;
    const struct operator* operator; /* NULL: SecAction */
    const struct transformation *const
        *transformations; /* t:none and SecDefaultAction's already resolved */
    size_t transformation_count;
    bool capture, multi_match;

    const struct action *actions; /* the non-disruptive ones with work to do, in order */
    size_t action_count;
    const struct rule *chain;      /* the next link, or NULL */
    const struct pair *namespaces; /* xmlns: prefix and what it stands for */
    size_t namespace_count;

    /* The starter's alone: */
    bool log, audit;
    enum disruptive disruptive; /* block is already what SecDefaultAction said */
    bool was_block;             /* written as `block` */
    unsigned status;            /* of a refusal: 403 unless said */
    struct macro redirect;
    struct macro message, data; /* text empty: none */
    const struct macro *tags;
    size_t tag_count;
    struct span revision, version;
    unsigned severity; /* or SEVERITY_NONE */
    unsigned maturity, accuracy;
    unsigned go_to; /* where a match leads: index into the phase's steps; 0: just on. skip and
                       skipAfter, resolved */
};

struct ruleset_step {
    const struct rule *rule; /* NULL: a marker */
};

struct ruleset_phase {
    const struct ruleset_step *steps;
    size_t count;
};

enum over_limit { OVER_LIMIT_REJECT, OVER_LIMIT_PREFIX, OVER_LIMIT_PASS };

/* What directives set; `given` bits say which ones stood in a file (YAML wins over those that it
 * sets itself). */
struct rule_settings {
    enum rule_engine engine;                        /* SecRuleEngine; not given: ENGINE_ON */
    bool request_body_access, response_body_access; /* not given: true, false */
    uint64_t request_body_limit;                    /* bytes inspected; not given: 128 KiB */
    uint64_t request_body_no_files_limit;
    enum over_limit request_body_over;      /* SecRequestBodyLimitAction; not given: reject */
    uint64_t response_body_limit;           /* not given: 512 KiB */
    enum over_limit response_body_over;     /* not given: prefix */
    const struct span *response_body_types; /* SecResponseBodyMimeType; not given: text/plain,
                                               text/html, text/xml */
    size_t response_body_type_count;
    unsigned json_depth;          /* not given: 512 */
    enum xml_view xml_view;       /* SecParseXmlIntoArgs; not given: as a tree */
    unsigned arguments_limit;     /* not given: 1000 */
    unsigned files_limit;         /* not given: 100 */
    char argument_separator;      /* not given: & */
    uint32_t pattern_match_limit; /* not given: 0, our default; values below 100,000 are raised to
                                     it with a warning */
    struct {
        enum audit_engine engine; /* not given: off */
        struct span parts;        /* not given: ABIJDEFHZ */
        struct span path;         /* at == NULL: not given */
        struct span storage_dir, relevant_status;
        bool is_json, is_concurrent;
        unsigned folder_mode, file_mode; /* not given: 0, the exporter's own */
    } audit;
    const uint8_t *unicode_map;    /* SecUnicodeMapFile: UNICODE_MAP_BYTES; not given: NULL */
    uint64_t collection_timeout_s; /* not given: 0, the store's own */
    struct span geo_db;            /* SecGeoLookupDb, terminated; at == NULL: not given */
    struct place geo_db_place;
    struct place geo_lookup_place; /* of a @geoLookup; file == NULL: there is none */
    struct span http_bl_key;       /* SecHttpBlKey; at == NULL: not given */
    struct span web_app_id, sensor_id;
    struct span component_signature;
    struct {
        bool engine : 1, request_body_access : 1, response_body_access : 1, request_body_limit : 1,
            request_body_over : 1, response_body_limit : 1, response_body_over : 1,
            response_body_types : 1, audit_engine : 1, audit_parts : 1, audit_format : 1,
            audit_type : 1;
    } given;
};

/* What a SecRuleRemoveBy... or SecRuleUpdate... did to one rule once all files had been read. */
struct ruleset_change {
    uint64_t rule_id;
    struct span directive; /* with its arguments: "SecRuleRemoveById 942100" */
    const char *file;
    unsigned line;
    bool removed; /* else its targets or actions are others now */
};

struct ruleset {
    struct ruleset_phase phases[PHASE_COUNT];
    struct rule_settings settings;
    unsigned rule_count;                  /* starters; the range of rule.index */
    uint64_t hash;                        /* over every byte that was read, in order */
    const struct ruleset_change *changes; /* in the order in which they were carried out */
    size_t change_count;
};

/* Where text comes from: files on disk unless tests or a fuzzer hand in their own. */
struct ruleset_source {
    /* Reads the whole file; false: `why`. */
    bool (*read)(void *context, const char *path, struct buf *to, char *why, size_t size);
    /* Calls found() for each path that the pattern names, sorted. Returns how many; NULL: globbing
     * of the disk. */
    size_t (*glob)(void *context, const char *pattern, void (*found)(void *to, const char *path),
                   void *to);
    void *context;
};
const struct ruleset_source *ruleset_disk(void);

struct ruleset_builder; /* collects directives; one thread */

struct ruleset_builder *ruleset_builder_new(const struct ruleset_source *source,
                                            struct faults *faults);
void ruleset_builder_free(struct ruleset_builder *builder);
/* Adds a file, or a pattern of files; a file that is missing is a fault at `from` (file NULL: the
 * caller's setting). */
void ruleset_builder_add(struct ruleset_builder *builder, const char *path, struct place from);
/* Adds text as if it were the file `name`. */
void ruleset_builder_add_text(struct ruleset_builder *builder, const char *name, struct span text);
/* Resolves markers, updates, removals and defaults. NULL where there are errors among the faults.
 */
struct ruleset *ruleset_builder_finish(struct ruleset_builder *builder);
void ruleset_free(struct ruleset *ruleset); /* NULL allowed */

const struct rule *ruleset_find(const struct ruleset *ruleset, uint64_t id); /* NULL: none */
const char *const *directive_names(size_t *count);

#endif
