/* SPDX-License-Identifier: Apache-2.0 */
/* The directives, one row each, and the functions that carry them out. Private to the folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_DIRECTIVE_H
#define SIDEGATE_RULES_LANGUAGE_DIRECTIVE_H

#include "rules/language/line.h"

struct ruleset_builder;

enum directive {
#define DIRECTIVE(name, least, most, arguments, function, sentence) DIRECTIVE_##name,
#include "rules/language/directives.tbl"
#undef DIRECTIVE
    DIRECTIVE_COUNT,
};

struct directive_row {
    const char *name;
    unsigned least, most;  /* how many arguments; most 0: as many as one likes */
    const char *arguments; /* as documents write them */
    void (*run)(struct ruleset_builder *builder, struct line *line, enum directive which);
    const char *sentence;
};
const struct directive_row *directive_row(enum directive which);

/* Carries out one line: finds the row, checks how many words there are, calls the function. */
void directive_run(struct ruleset_builder *builder, struct line *line);

#define DIRECTIVE_FUNCTION(name) \
    void directive_##name(struct ruleset_builder *builder, struct line *line, enum directive which)
/* rule.c */
DIRECTIVE_FUNCTION(rule);
DIRECTIVE_FUNCTION(action);
DIRECTIVE_FUNCTION(marker);
DIRECTIVE_FUNCTION(default_action);
/* builder.c */
DIRECTIVE_FUNCTION(include);
DIRECTIVE_FUNCTION(include_optional);
/* update.c */
DIRECTIVE_FUNCTION(update_target_by_id);
DIRECTIVE_FUNCTION(update_target_by_tag);
DIRECTIVE_FUNCTION(update_target_by_msg);
DIRECTIVE_FUNCTION(update_action_by_id);
DIRECTIVE_FUNCTION(remove_by_id);
DIRECTIVE_FUNCTION(remove_by_tag);
DIRECTIVE_FUNCTION(remove_by_msg);
/* settings.c */
DIRECTIVE_FUNCTION(component_signature);
DIRECTIVE_FUNCTION(engine);
DIRECTIVE_FUNCTION(request_body_access);
DIRECTIVE_FUNCTION(request_body_limit);
DIRECTIVE_FUNCTION(request_body_no_files_limit);
DIRECTIVE_FUNCTION(request_body_limit_action);
DIRECTIVE_FUNCTION(json_depth);
DIRECTIVE_FUNCTION(parse_xml);
DIRECTIVE_FUNCTION(arguments_limit);
DIRECTIVE_FUNCTION(files_limit);
DIRECTIVE_FUNCTION(response_body_access);
DIRECTIVE_FUNCTION(response_body_types);
DIRECTIVE_FUNCTION(response_body_types_clear);
DIRECTIVE_FUNCTION(response_body_limit);
DIRECTIVE_FUNCTION(response_body_limit_action);
DIRECTIVE_FUNCTION(argument_separator);
DIRECTIVE_FUNCTION(pattern_match_limit);
DIRECTIVE_FUNCTION(web_app_id);
DIRECTIVE_FUNCTION(sensor_id);
DIRECTIVE_FUNCTION(collection_timeout);
DIRECTIVE_FUNCTION(geo_lookup_db);
DIRECTIVE_FUNCTION(http_bl_key);
DIRECTIVE_FUNCTION(cookie_format);
/* audit_settings.c */
DIRECTIVE_FUNCTION(audit_engine);
DIRECTIVE_FUNCTION(audit_parts);
DIRECTIVE_FUNCTION(audit_log);
DIRECTIVE_FUNCTION(audit_type);
DIRECTIVE_FUNCTION(audit_format);
DIRECTIVE_FUNCTION(audit_relevant_status);
DIRECTIVE_FUNCTION(audit_storage_dir);
DIRECTIVE_FUNCTION(audit_folder_mode);
DIRECTIVE_FUNCTION(audit_file_mode);
/* unicode_map.c */
DIRECTIVE_FUNCTION(unicode_map);
/* directive.c */
DIRECTIVE_FUNCTION(without_effect);
DIRECTIVE_FUNCTION(refused);
/* Off is how it is anyway; any other value is as above. */
DIRECTIVE_FUNCTION(off_or_without_effect);
DIRECTIVE_FUNCTION(off_or_refused);

#endif
