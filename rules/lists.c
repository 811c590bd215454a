/* SPDX-License-Identifier: Apache-2.0 */
/* The values that have to be computed: cookies, names, uploads, the rule's own words, the time. */
#include "rules/values.h"

#include <stdint.h>
#include <time.h>

#include "rules/bodies.h"
#include "rules/match/xml_tree.h"

static const struct values nothing = {NULL, 0};

static struct pair *pairs_new(struct inspection *tx, size_t count)
{
    return arena_alloc(tx->arena, count * sizeof(struct pair));
}

/* --- cookies --- */

/* `a=1; b=2`: names lose leading space and values trailing one (as in ModSecurity
 * 3.0.13), empty names are left out. */
static size_t cookies_split(struct span field, struct pair *to)
{
    size_t count = 0;
    while (field.at != NULL) {
        struct span value = span_cut(&field, ';');
        while (value.len > 0 && (value.at[0] == ' ' || value.at[0] == '\t'))
            value = span_from(value, 1);
        struct span name = span_cut(&value, '=');
        if (name.len == 0)
            continue;
        while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\t'))
            value.len--;
        to[count++] = (struct pair){name, value.at == NULL ? SPAN("") : value};
    }
    return count;
}

static bool field_is_cookie(const struct pair *field)
{
    return span_is_nocase(field->name, SPAN("Cookie"));
}

struct values list_cookies(struct inspection *tx)
{
    const struct inspection_request *given = &tx->request.given;
    size_t most = 0;
    for (size_t i = 0; i < given->field_count; i++) {
        if (!field_is_cookie(&given->fields[i]))
            continue;
        most++;
        for (size_t k = 0; k < given->fields[i].value.len; k++)
            most += given->fields[i].value.at[k] == ';';
    }
    struct pair *pairs = most == 0 ? NULL : pairs_new(tx, most);
    if (pairs == NULL)
        return nothing;
    size_t count = 0;
    for (size_t i = 0; i < given->field_count; i++)
        if (field_is_cookie(&given->fields[i]))
            count += cookies_split(given->fields[i].value, pairs + count);
    return (struct values){pairs, count};
}

/* --- arguments --- */

/* The query's, then the body's. */
struct values list_arguments(struct inspection *tx)
{
    struct values query = tx->request.arguments;
    struct values body = nothing;
    if (tx->parsed != NULL)
        body = (struct values){tx->parsed->arguments, tx->parsed->argument_count};
    if (body.count == 0)
        return query;
    if (query.count == 0)
        return body;
    struct pair *pairs = pairs_new(tx, query.count + body.count);
    if (pairs == NULL)
        return nothing;
    memcpy(pairs, query.at, query.count * sizeof(*pairs));
    memcpy(pairs + query.count, body.at, body.count * sizeof(*pairs));
    return (struct values){pairs, query.count + body.count};
}

uint64_t arguments_bytes(struct inspection *tx)
{
    struct values arguments = list_arguments(tx);
    uint64_t bytes = 0;
    for (size_t i = 0; i < arguments.count; i++)
        bytes += arguments.at[i].name.len + arguments.at[i].value.len;
    return bytes;
}

struct values list_names(struct inspection *tx, struct values of)
{
    struct pair *pairs = pairs_new(tx, of.count);
    if (pairs == NULL)
        return nothing;
    for (size_t i = 0; i < of.count; i++)
        pairs[i] = (struct pair){of.at[i].name, of.at[i].name};
    return (struct values){pairs, of.count};
}

struct values list_with_containers(struct inspection *tx, struct values names)
{
    const struct body_result *parsed = tx->parsed;
    if (parsed == NULL || parsed->container_count == 0)
        return names;
    struct pair *pairs = pairs_new(tx, names.count + parsed->container_count);
    if (pairs == NULL)
        return nothing;
    if (names.count > 0)
        memcpy(pairs, names.at, names.count * sizeof(*pairs));
    for (size_t i = 0; i < parsed->container_count; i++) {
        struct span name = parsed->containers[parsed->container_count - 1 - i].name;
        pairs[names.count + i] = (struct pair){name, name};
    }
    return (struct values){pairs, names.count + parsed->container_count};
}

/* They stand at the list's end. */
const struct pair *container_of(const struct inspection *tx, enum variable variable,
                                const struct pair *value)
{
    const struct values *list = tx->cache[variable];
    if (tx->parsed == NULL || list == NULL ||
        (variable != VARIABLE_ARGS_NAMES && variable != VARIABLE_ARGS_POST_NAMES))
        return NULL;
    uintptr_t from_start = (uintptr_t)value - (uintptr_t)list->at;
    size_t i = list->count - 1 - from_start / sizeof(*value); /* from the end; huge: not of it */
    return i < tx->parsed->container_count ? &tx->parsed->containers[i] : NULL;
}

bool container_is_spoken_for(const struct inspection *tx, enum variable variable,
                             const struct pair *value)
{
    if (container_of(tx, variable, value) == NULL)
        return false;
    for (size_t i = 0; i < tx->matched_count; i++) {
        struct span name = tx->matched_list[i].name;
        span_cut(&name, ':'); /* ARGS_NAMES:json.a.array_0 */
        if (name.len > value->name.len && span_starts(name, value->name) &&
            name.at[value->name.len] == '.')
            return true;
    }
    return false;
}

/* --- uploads and XML --- */

static struct span file_text(struct inspection *tx, const struct body_file *file,
                             enum variable variable)
{
    if (variable == VARIABLE_FILES_SIZES)
        return number_text(tx, file->size);
    if (variable == VARIABLE_FILES_TMPNAMES)
        return SPAN("");
    return variable == VARIABLE_FILES_TMP_CONTENT ? file->content : file->filename;
}

struct values list_files(struct inspection *tx, enum variable variable)
{
    const struct body_result *parsed = tx->parsed;
    struct pair *pairs = parsed == NULL ? NULL : pairs_new(tx, parsed->file_count);
    if (pairs == NULL)
        return nothing;
    for (size_t i = 0; i < parsed->file_count; i++) {
        const struct body_file *file = &parsed->files[i];
        pairs[i] = (struct pair){file->field, file_text(tx, file, variable)};
    }
    return (struct values){pairs, parsed->file_count};
}

/* The names of arguments and files, each under itself; at last the name that was read last, which a
 * part that broke the parsing may have had. */
struct values list_multipart(struct inspection *tx, enum variable variable)
{
    const struct body_result *parsed = tx->parsed;
    bool is_name = variable == VARIABLE_MULTIPART_NAME;
    if (parsed == NULL || tx->request.processor != PROCESSOR_MULTIPART)
        return nothing;
    size_t arguments = is_name ? parsed->argument_count : 0, count = 0;
    struct pair *pairs = pairs_new(tx, arguments + parsed->file_count + 1);
    if (pairs == NULL)
        return nothing;
    struct span last = is_name ? parsed->multipart_name : parsed->multipart_filename;
    bool has_last = last.at == NULL;
    for (size_t i = 0; i < arguments + parsed->file_count; i++) {
        const struct body_file *file = i < arguments ? NULL : &parsed->files[i - arguments];
        struct span name = file == NULL ? parsed->arguments[i].name
                           : is_name    ? file->field
                                        : file->filename;
        has_last = has_last || span_is(name, last);
        pairs[count++] = (struct pair){name, name};
    }
    if (!has_last)
        pairs[count++] = (struct pair){last, last};
    return (struct values){pairs, count};
}

uint64_t files_bytes(const struct inspection *tx)
{
    uint64_t bytes = 0;
    for (size_t i = 0; tx->parsed != NULL && i < tx->parsed->file_count; i++)
        bytes += tx->parsed->files[i].size;
    return bytes;
}

/* Two expressions are known: all text as one value, and each attribute. Their names are the
 * expressions, so that selectors and exclusions compare them. */
struct values list_xml(struct inspection *tx)
{
    const struct body_result *parsed = tx->parsed;
    if (parsed == NULL || tx->request.processor != PROCESSOR_XML)
        return nothing;
    struct pair *pairs = pairs_new(tx, parsed->xml_attribute_count + 1);
    if (pairs == NULL)
        return nothing;
    size_t count = 0;
    if (parsed->xml_text.at != NULL)
        pairs[count++] = (struct pair){SPAN("/*"), parsed->xml_text};
    for (size_t i = 0; i < parsed->xml_attribute_count; i++)
        pairs[count++] = (struct pair){SPAN("//@*"), parsed->xml_attributes[i].value};
    return (struct values){pairs, count};
}

struct xml_tree *xml_document(struct inspection *tx)
{
    bool has_one = tx->parsed != NULL && tx->request.processor == PROCESSOR_XML &&
                   !tx->parsed->flags.failed && tx->xml_view != XML_AS_ARGUMENTS;
    if (has_one && !tx->tree_was_tried) {
        tx->tree_was_tried = true;
        tx->tree = xml_tree_new(intake_text(&tx->request_body, tx->arena));
    }
    return tx->tree;
}

struct values list_expression(struct inspection *tx, const struct target *target)
{
    const struct rule *link = tx->cursor.link;
    const struct xml_tree *tree = xml_document(tx);
    if (tree == NULL)
        return nothing;
    size_t count;
    const struct pair *pairs = xml_tree_select(tree, target->name, link->namespaces,
                                               link->namespace_count, tx->arena, &count);
    return (struct values){pairs, count};
}

/* --- the rule itself --- */

struct values list_rule(struct inspection *tx)
{
    const struct rule *rule = tx->cursor.starter;
    struct pair *pairs = rule == NULL ? NULL : pairs_new(tx, 5);
    if (pairs == NULL)
        return nothing;
    size_t count = 0;
    pairs[count++] = (struct pair){SPAN("id"), number_text(tx, rule->id)};
    if (rule->message.text.len > 0)
        pairs[count++] = (struct pair){SPAN("msg"), rule->message.text};
    if (rule->data.text.len > 0)
        pairs[count++] = (struct pair){SPAN("logdata"), rule->data.text};
    if (rule->severity < SEVERITY_NONE)
        pairs[count++] = (struct pair){SPAN("severity"), number_text(tx, rule->severity)};
    if (rule->revision.len > 0)
        pairs[count++] = (struct pair){SPAN("rev"), rule->revision};
    return (struct values){pairs, count};
}

/* --- the whole request --- */

static char *text_put(char *to, struct span text)
{
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

struct span full_request(struct inspection *tx)
{
    const struct inspection_request *given = &tx->request.given;
    struct span body = intake_text(&tx->request_body, tx->arena);
    size_t size = given->line.len + 4 + body.len;
    for (size_t i = 0; i < given->field_count; i++)
        size += given->fields[i].name.len + given->fields[i].value.len + 4;
    char *text = arena_text(tx->arena, size);
    if (text == NULL)
        return (struct span){NULL, 0};
    char *end = text_put(text_put(text, given->line), SPAN("\r\n"));
    for (size_t i = 0; i < given->field_count; i++) {
        end = text_put(text_put(end, given->fields[i].name), SPAN(": "));
        end = text_put(text_put(end, given->fields[i].value), SPAN("\r\n"));
    }
    end = text_put(text_put(end, SPAN("\r\n")), body);
    return span_make(text, (size_t)(end - text));
}

/* --- the time, UTC --- */

static uint64_t clock_part(const struct tm *at, enum variable variable, uint64_t seconds)
{
    switch ((unsigned)variable) {
    case VARIABLE_TIME_DAY: return (uint64_t)at->tm_mday;
    case VARIABLE_TIME_HOUR: return (uint64_t)at->tm_hour;
    case VARIABLE_TIME_MIN: return (uint64_t)at->tm_min;
    case VARIABLE_TIME_MON: return (uint64_t)at->tm_mon;
    case VARIABLE_TIME_SEC: return (uint64_t)at->tm_sec;
    case VARIABLE_TIME_WDAY: return (uint64_t)at->tm_wday;
    case VARIABLE_TIME_YEAR: return (uint64_t)at->tm_year + 1900;
    default: return seconds;
    }
}

struct span clock_text(struct inspection *tx, enum variable variable)
{
    uint64_t seconds = tx->world.wall_us(tx->world.context) / 1000000;
    time_t time = (time_t)seconds;
    struct tm at;
    if (gmtime_r(&time, &at) == NULL)
        return (struct span){NULL, 0};
    if (variable == VARIABLE_TIME)
        return arena_format(tx->arena, "%02d:%02d:%02d", at.tm_hour, at.tm_min, at.tm_sec);
    return number_text(tx, clock_part(&at, variable, seconds));
}
