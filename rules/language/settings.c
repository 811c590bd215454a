/* SPDX-License-Identifier: Apache-2.0 */
/* The directives that set one value. */
#include <inttypes.h>

#include "rules/language/builder.h"
#include "rules/language/choice.h"

enum { PATTERN_LIMIT_LEAST = 100000, COUNT_MOST = 1000000 };
static const uint64_t body_most = (uint64_t)1 << 40;

static bool read_size(struct line *line, enum directive which, uint64_t *to)
{
    uint64_t bytes;
    if (!number_read(line, line_word(line, 1), directive_row(which)->name, 0, body_most, &bytes))
        return false;
    *to = bytes;
    return true;
}

static void read_count(struct line *line, enum directive which, unsigned *to)
{
    uint64_t count;
    if (number_read(line, line_word(line, 1), directive_row(which)->name, 1, COUNT_MOST, &count))
        *to = (unsigned)count;
}

static bool read_over(struct line *line, enum directive which, enum over_limit *to)
{
    static const struct choice choices[] = {{"Reject", OVER_LIMIT_REJECT},
                                            {"ProcessPartial", OVER_LIMIT_PREFIX}};
    unsigned value;
    if (!choice_read(line, line_word(line, 1), directive_row(which)->name, choices, 2, &value))
        return false;
    *to = (enum over_limit)value;
    return true;
}

DIRECTIVE_FUNCTION(engine)
{
    static const struct choice choices[] = {
        {"On", ENGINE_ON}, {"Off", ENGINE_OFF}, {"DetectionOnly", ENGINE_DETECTION_ONLY}};
    unsigned value;
    if (!choice_read(line, line_word(line, 1), directive_row(which)->name, choices, 3, &value))
        return;
    builder->settings.engine = (enum rule_engine)value;
    builder->settings.given.engine = true;
}

DIRECTIVE_FUNCTION(request_body_access)
{
    if (on_off_read(line, line_word(line, 1), directive_row(which)->name,
                    &builder->settings.request_body_access))
        builder->settings.given.request_body_access = true;
}

DIRECTIVE_FUNCTION(response_body_access)
{
    if (on_off_read(line, line_word(line, 1), directive_row(which)->name,
                    &builder->settings.response_body_access))
        builder->settings.given.response_body_access = true;
}

DIRECTIVE_FUNCTION(request_body_limit)
{
    if (read_size(line, which, &builder->settings.request_body_limit))
        builder->settings.given.request_body_limit = true;
}

DIRECTIVE_FUNCTION(response_body_limit)
{
    if (read_size(line, which, &builder->settings.response_body_limit))
        builder->settings.given.response_body_limit = true;
}

DIRECTIVE_FUNCTION(request_body_no_files_limit)
{
    (void)read_size(line, which, &builder->settings.request_body_no_files_limit);
}

DIRECTIVE_FUNCTION(request_body_limit_action)
{
    if (read_over(line, which, &builder->settings.request_body_over))
        builder->settings.given.request_body_over = true;
}

DIRECTIVE_FUNCTION(response_body_limit_action)
{
    if (read_over(line, which, &builder->settings.response_body_over))
        builder->settings.given.response_body_over = true;
}

DIRECTIVE_FUNCTION(json_depth)
{
    read_count(line, which, &builder->settings.json_depth);
}

DIRECTIVE_FUNCTION(parse_xml)
{
    static const struct choice choices[] = {
        {"On", XML_AS_BOTH}, {"Off", XML_AS_TREE}, {"OnlyArgs", XML_AS_ARGUMENTS}};
    unsigned value;
    if (choice_read(line, line_word(line, 1), directive_row(which)->name, choices, 3, &value))
        builder->settings.xml_view = (enum xml_view)value;
}

DIRECTIVE_FUNCTION(arguments_limit)
{
    read_count(line, which, &builder->settings.arguments_limit);
}

DIRECTIVE_FUNCTION(files_limit)
{
    read_count(line, which, &builder->settings.files_limit);
}

/* The first of them replaces the built-in list; a word may hold several. */
DIRECTIVE_FUNCTION(response_body_types)
{
    (void)which;
    if (!builder->settings.given.response_body_types)
        builder->mime_types.count = 0;
    builder->settings.given.response_body_types = true;
    for (size_t i = 1; i < line->words.count; i++) {
        struct span rest = line_word(line, i);
        while (rest.at != NULL) {
            struct span type = span_cut(&rest, ' ');
            if (type.len == 0)
                continue;
            struct span *row = rows_add(&builder->mime_types, line->arena, sizeof *row);
            *row = type;
        }
    }
}

DIRECTIVE_FUNCTION(response_body_types_clear)
{
    (void)line;
    (void)which;
    builder->mime_types.count = 0;
    builder->settings.given.response_body_types = true;
}

DIRECTIVE_FUNCTION(argument_separator)
{
    struct span word = line_word(line, 1);
    if (word.len == 1)
        builder->settings.argument_separator = word.at[0];
    else
        fault_add(line->faults, FAULT_ERROR, line_place(line, word.at), SPAN(""),
                  "%s is one character, not '" SPAN_FORMAT "'", directive_row(which)->name,
                  span_arg(span_first(word, 80)));
}

/* With ModSecurity's recommended 1,000 rules of the CRS itself fail, and a pattern that fails is a
 * hole. */
DIRECTIVE_FUNCTION(pattern_match_limit)
{
    uint64_t limit;
    struct span word = line_word(line, 1);
    if (!number_read(line, word, directive_row(which)->name, 1, UINT32_MAX, &limit))
        return;
    if (limit < PATTERN_LIMIT_LEAST) {
        fault_add(line->faults, FAULT_WARNING, line_place(line, word.at), SPAN(""),
                  "SecPcreMatchLimit %" PRIu64
                  " is too little for common rules and is raised to %d",
                  limit, PATTERN_LIMIT_LEAST);
        limit = PATTERN_LIMIT_LEAST;
    }
    builder->settings.pattern_match_limit = (uint32_t)limit;
}

DIRECTIVE_FUNCTION(collection_timeout)
{
    (void)number_read(line, line_word(line, 1), directive_row(which)->name, 1, UINT32_MAX,
                      &builder->settings.collection_timeout_s);
}

/* MaxMind's format alone: the older .dat files are no such database, which is said when it is read.
 */
DIRECTIVE_FUNCTION(geo_lookup_db)
{
    struct span name = line_word(line, 1);
    if (name.len == 0)
        fault_add(line->faults, FAULT_ERROR, line_place(line, name.at), SPAN("name a file"),
                  "%s: there is no name", directive_row(which)->name);
    else
        builder->settings.geo_db = span_text(builder_path(builder, name, line->file));
    builder->settings.geo_db_place = line_place(line, name.at);
}

/* A key of http:BL is twelve letters; what is none is a placeholder, and nothing is asked with it.
 */
DIRECTIVE_FUNCTION(http_bl_key)
{
    enum { KEY_LETTERS = 12 };
    struct span key = line_word(line, 1);
    bool letters = key.len == KEY_LETTERS;
    for (size_t i = 0; i < key.len; i++)
        letters = letters && byte_is_alpha(key.at[i]);
    if (letters)
        builder->settings.http_bl_key = key;
    else
        fault_add(line->faults, FAULT_WARNING, line_place(line, key.at), SPAN(""),
                  "%s has no effect: a key is twelve letters", directive_row(which)->name);
}

DIRECTIVE_FUNCTION(web_app_id)
{
    (void)which;
    builder->settings.web_app_id = line_word(line, 1);
}

DIRECTIVE_FUNCTION(sensor_id)
{
    (void)which;
    builder->settings.sensor_id = line_word(line, 1);
}

DIRECTIVE_FUNCTION(component_signature)
{
    (void)which;
    builder->settings.component_signature = line_word(line, 1);
}

DIRECTIVE_FUNCTION(cookie_format)
{
    uint64_t version;
    (void)builder;
    (void)number_read(line, line_word(line, 1), directive_row(which)->name, 0, 0, &version);
}
