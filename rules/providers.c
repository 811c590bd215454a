/* SPDX-License-Identifier: Apache-2.0 */
/* Every variable's provider, one row each. Most are a span, a number or a flag of the transaction;
 * the others are a function. */
#include "rules/providers.h"

#include "rules/bodies.h"
#include "rules/match/transformation.h"
#include "rules/values.h"

/* --- scalars that are computed --- */

static struct span text_path(struct inspection *tx, enum variable variable)
{
    return variable == VARIABLE_REQUEST_BASENAME ? request_basename(tx) : request_path(tx);
}

static struct span text_args_size(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return number_text(tx, arguments_bytes(tx));
}

static struct span text_files_size(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return number_text(tx, files_bytes(tx));
}

static struct span text_processor(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return processor_name(tx->request.processor);
}

static struct span text_body_length(struct inspection *tx, enum variable variable)
{
    bool response = variable == VARIABLE_RESPONSE_CONTENT_LENGTH;
    if (response && !tx->response_given)
        return (struct span){NULL, 0};
    return number_text(tx, response ? tx->response_body.seen : tx->request_body.seen);
}

static struct span text_full_request(struct inspection *tx, enum variable variable)
{
    struct span text = full_request(tx);
    return variable == VARIABLE_FULL_REQUEST ? text : number_text(tx, text.len);
}

static struct span text_unmatched_boundary(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return number_text(tx, tx->flags.unmatched_boundary);
}

static struct span text_mixed_lines(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return number_text(tx, tx->flags.crlf_line && tx->flags.lf_line);
}

static struct span text_response_body(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return tx->response_body.ended ? intake_text(&tx->response_body, tx->arena)
                                   : (struct span){NULL, 0};
}

static struct span text_status(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return tx->response_given ? number_text(tx, tx->response_status) : (struct span){NULL, 0};
}

static struct span text_severity(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return number_text(tx, tx->highest_severity);
}

static struct span text_duration(struct inspection *tx, enum variable variable)
{
    (void)variable;
    uint64_t now = tx->world.wall_us(tx->world.context);
    return number_text(tx, now > tx->begun_us ? now - tx->begun_us : 0);
}

/* The user of `Basic dXNlcjpwYXNz`. */
static struct span text_remote_user(struct inspection *tx, enum variable variable)
{
    (void)variable;
    const struct inspection_request *given = &tx->request.given;
    struct span rest = field_value(given->fields, given->field_count, SPAN("Authorization"));
    if (!span_is_nocase(span_cut(&rest, ' '), SPAN("Basic")) || rest.at == NULL)
        return (struct span){NULL, 0};
    const struct transformation *decode = transformation_find(SPAN("base64Decode"));
    struct span plain = decode->apply(span_trim_ows(rest), tx->arena);
    return span_cut(&plain, ':');
}

/* ModSecurity's number for its 3.0.13: rules ask it what they may use, and that is all of 2.9 and
 * of 3.0. */
static struct span text_build(struct inspection *tx, enum variable variable)
{
    (void)tx;
    (void)variable;
    return SPAN("030013100");
}

static struct span text_web_app_id(struct inspection *tx, enum variable variable)
{
    (void)variable;
    struct span id = tx->ruleset->settings.web_app_id;
    return id.at == NULL ? SPAN("") : id;
}

/* --- lists --- */

static struct values pairs_of(const struct pair *at, size_t count)
{
    return (struct values){at, count};
}

static struct values list_args(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return list_arguments(tx);
}

static struct values list_args_get(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return tx->request.arguments;
}

static struct values list_args_post(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return tx->parsed == NULL ? pairs_of(NULL, 0)
                              : pairs_of(tx->parsed->arguments, tx->parsed->argument_count);
}

static struct values list_request_fields(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return pairs_of(tx->request.given.fields, tx->request.given.field_count);
}

static struct values list_response_fields(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return pairs_of(tx->response.fields, tx->response.field_count);
}

static struct values list_request_cookies(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return list_cookies(tx);
}

static struct values list_part_headers(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return tx->parsed == NULL ? pairs_of(NULL, 0)
                              : pairs_of(tx->parsed->part_headers, tx->parsed->part_header_count);
}

static struct values list_xml_nodes(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return list_xml(tx);
}

static struct values list_geo(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return tx->geo;
}

static struct values list_matched(struct inspection *tx, enum variable variable)
{
    struct values all = pairs_of(tx->matched_list, tx->matched_count);
    return variable == VARIABLE_MATCHED_VARS ? all : list_names(tx, all);
}

static struct values list_of_rule(struct inspection *tx, enum variable variable)
{
    (void)variable;
    return list_rule(tx);
}

/* ..._NAMES: each name of the list is a value. */
static struct values list_names_of(struct inspection *tx, enum variable variable)
{
    static const enum variable lists[VARIABLE_COUNT] = {
        [VARIABLE_ARGS_NAMES] = VARIABLE_ARGS,
        [VARIABLE_ARGS_GET_NAMES] = VARIABLE_ARGS_GET,
        [VARIABLE_ARGS_POST_NAMES] = VARIABLE_ARGS_POST,
        [VARIABLE_REQUEST_COOKIES_NAMES] = VARIABLE_REQUEST_COOKIES,
        [VARIABLE_REQUEST_HEADERS_NAMES] = VARIABLE_REQUEST_HEADERS,
        [VARIABLE_RESPONSE_HEADERS_NAMES] = VARIABLE_RESPONSE_HEADERS,
        [VARIABLE_FILES_NAMES] = VARIABLE_FILES,
    };
    return list_names(tx, values_kept(tx, lists[variable]));
}

/* The body's containers have names as well, that ARGS does not have. */
static struct values list_argument_names(struct inspection *tx, enum variable variable)
{
    return list_with_containers(tx, list_names_of(tx, variable));
}

/* --- the table --- */

#define AT(member) offsetof(struct inspection, member)
#define SPAN_OF(member)                             \
    {                                               \
        .source = SOURCE_SPAN, .offset = AT(member) \
    }
#define FLAG_OF(member)                             \
    {                                               \
        .source = SOURCE_FLAG, .offset = AT(member) \
    }
#define NUMBER_OF(member)                             \
    {                                                 \
        .source = SOURCE_NUMBER, .offset = AT(member) \
    }
#define TEXT_BY(call)                         \
    {                                         \
        .source = SOURCE_TEXT, .text = (call) \
    }
#define LIST_BY(call)                         \
    {                                         \
        .source = SOURCE_LIST, .list = (call) \
    }
#define LIVE_BY(call)                         \
    {                                         \
        .source = SOURCE_LIVE, .list = (call) \
    }
#define STORE                  \
    {                          \
        .source = SOURCE_STORE \
    }

static const struct provider providers[VARIABLE_COUNT] = {
    [VARIABLE_ARGS] = LIST_BY(list_args),
    [VARIABLE_ARGS_NAMES] = LIST_BY(list_argument_names),
    [VARIABLE_ARGS_GET] = LIST_BY(list_args_get),
    [VARIABLE_ARGS_GET_NAMES] = LIST_BY(list_names_of),
    [VARIABLE_ARGS_POST] = LIST_BY(list_args_post),
    [VARIABLE_ARGS_POST_NAMES] = LIST_BY(list_argument_names),
    [VARIABLE_ARGS_COMBINED_SIZE] = TEXT_BY(text_args_size),
    [VARIABLE_REQUEST_COOKIES] = LIST_BY(list_request_cookies),
    [VARIABLE_REQUEST_COOKIES_NAMES] = LIST_BY(list_names_of),
    [VARIABLE_REQUEST_HEADERS] = LIST_BY(list_request_fields),
    [VARIABLE_REQUEST_HEADERS_NAMES] = LIST_BY(list_names_of),
    [VARIABLE_REQUEST_FILENAME] = TEXT_BY(text_path),
    [VARIABLE_REQUEST_BASENAME] = TEXT_BY(text_path),
    [VARIABLE_REQUEST_URI] = SPAN_OF(request.uri),
    [VARIABLE_REQUEST_URI_RAW] = SPAN_OF(request.given.target),
    [VARIABLE_REQUEST_LINE] = SPAN_OF(request.given.line),
    [VARIABLE_REQUEST_METHOD] = SPAN_OF(request.given.method),
    [VARIABLE_REQUEST_PROTOCOL] = SPAN_OF(request.given.protocol),
    [VARIABLE_QUERY_STRING] = SPAN_OF(request.query),
    [VARIABLE_REQUEST_BODY] = SPAN_OF(request_body_text),
    [VARIABLE_REQUEST_BODY_LENGTH] = TEXT_BY(text_body_length),
    [VARIABLE_REQBODY_PROCESSOR] = TEXT_BY(text_processor),
    [VARIABLE_REQBODY_ERROR] = FLAG_OF(body_error),
    [VARIABLE_REQBODY_ERROR_MSG] = SPAN_OF(body_error_text),
    [VARIABLE_REQBODY_PROCESSOR_ERROR] = FLAG_OF(flags.failed),
    [VARIABLE_REQBODY_PROCESSOR_ERROR_MSG] = SPAN_OF(parser_error_text),
    [VARIABLE_URLENCODED_ERROR] = FLAG_OF(urlencoded_error),
    [VARIABLE_FULL_REQUEST] = TEXT_BY(text_full_request),
    [VARIABLE_FULL_REQUEST_LENGTH] = TEXT_BY(text_full_request),
    [VARIABLE_INBOUND_DATA_ERROR] = FLAG_OF(inbound_error),
    [VARIABLE_OUTBOUND_DATA_ERROR] = FLAG_OF(outbound_error),
    [VARIABLE_XML] = LIST_BY(list_xml_nodes),
    [VARIABLE_FILES] = LIST_BY(list_files),
    [VARIABLE_FILES_NAMES] = LIST_BY(list_names_of),
    [VARIABLE_FILES_SIZES] = LIST_BY(list_files),
    [VARIABLE_FILES_COMBINED_SIZE] = TEXT_BY(text_files_size),
    [VARIABLE_FILES_TMPNAMES] = LIST_BY(list_files),
    [VARIABLE_FILES_TMP_CONTENT] = LIST_BY(list_files),
    [VARIABLE_MULTIPART_FILENAME] = LIST_BY(list_multipart),
    [VARIABLE_MULTIPART_NAME] = LIST_BY(list_multipart),
    [VARIABLE_MULTIPART_PART_HEADERS] = LIST_BY(list_part_headers),
    [VARIABLE_MULTIPART_STRICT_ERROR] = FLAG_OF(multipart_error),
    [VARIABLE_MULTIPART_UNMATCHED_BOUNDARY] = TEXT_BY(text_unmatched_boundary),
    [VARIABLE_MULTIPART_DATA_AFTER] = FLAG_OF(flags.data_after),
    [VARIABLE_MULTIPART_DATA_BEFORE] = FLAG_OF(flags.data_before),
    [VARIABLE_MULTIPART_BOUNDARY_QUOTED] = FLAG_OF(flags.boundary_quoted),
    [VARIABLE_MULTIPART_BOUNDARY_WHITESPACE] = FLAG_OF(flags.boundary_whitespace),
    [VARIABLE_MULTIPART_HEADER_FOLDING] = FLAG_OF(flags.header_folding),
    [VARIABLE_MULTIPART_INVALID_HEADER_FOLDING] = FLAG_OF(flags.invalid_header_folding),
    [VARIABLE_MULTIPART_LF_LINE] = FLAG_OF(flags.lf_line),
    [VARIABLE_MULTIPART_CRLF_LF_LINES] = TEXT_BY(text_mixed_lines),
    [VARIABLE_MULTIPART_MISSING_SEMICOLON] = FLAG_OF(flags.missing_semicolon),
    [VARIABLE_MULTIPART_INVALID_QUOTING] = FLAG_OF(flags.invalid_quoting),
    [VARIABLE_MULTIPART_INVALID_PART] = FLAG_OF(flags.invalid_part),
    [VARIABLE_MULTIPART_FILE_LIMIT_EXCEEDED] = FLAG_OF(flags.file_limit_exceeded),
    [VARIABLE_RESPONSE_BODY] = TEXT_BY(text_response_body),
    [VARIABLE_RESPONSE_HEADERS] = LIST_BY(list_response_fields),
    [VARIABLE_RESPONSE_HEADERS_NAMES] = LIST_BY(list_names_of),
    [VARIABLE_RESPONSE_STATUS] = TEXT_BY(text_status),
    [VARIABLE_STATUS] = TEXT_BY(text_status),
    [VARIABLE_RESPONSE_PROTOCOL] = SPAN_OF(response.protocol),
    [VARIABLE_RESPONSE_CONTENT_LENGTH] = TEXT_BY(text_body_length),
    [VARIABLE_RESPONSE_CONTENT_TYPE] = SPAN_OF(response_type),
    [VARIABLE_STATUS_LINE] = SPAN_OF(response.status_line),
    [VARIABLE_TX] = STORE,
    [VARIABLE_IP] = STORE,
    [VARIABLE_GLOBAL] = STORE,
    [VARIABLE_SESSION] = STORE,
    [VARIABLE_USER] = STORE,
    [VARIABLE_RESOURCE] = STORE,
    [VARIABLE_MATCHED_VAR] = SPAN_OF(matched.value),
    [VARIABLE_MATCHED_VAR_NAME] = SPAN_OF(matched.name),
    [VARIABLE_MATCHED_VARS] = LIVE_BY(list_matched),
    [VARIABLE_MATCHED_VARS_NAMES] = LIVE_BY(list_matched),
    [VARIABLE_RULE] = LIVE_BY(list_of_rule),
    [VARIABLE_HIGHEST_SEVERITY] = TEXT_BY(text_severity),
    [VARIABLE_UNIQUE_ID] = SPAN_OF(client.request_id),
    [VARIABLE_DURATION] = TEXT_BY(text_duration),
    [VARIABLE_ENV] = STORE,
    [VARIABLE_GEO] = LIVE_BY(list_geo),
    [VARIABLE_REMOTE_ADDR] = SPAN_OF(client.address),
    [VARIABLE_USERAGENT_IP] = SPAN_OF(client.address),
    [VARIABLE_REMOTE_HOST] = SPAN_OF(client.address),
    [VARIABLE_REMOTE_PORT] = NUMBER_OF(remote_port),
    [VARIABLE_REMOTE_USER] = TEXT_BY(text_remote_user),
    [VARIABLE_SERVER_ADDR] = SPAN_OF(client.server_address),
    [VARIABLE_SERVER_NAME] = SPAN_OF(request.host),
    [VARIABLE_SERVER_PORT] = NUMBER_OF(server_port),
    [VARIABLE_AUTH_TYPE] = SPAN_OF(request.authorization_scheme),
    [VARIABLE_PATH_INFO] = TEXT_BY(text_path),
    [VARIABLE_SESSIONID] = SPAN_OF(session_id),
    [VARIABLE_USERID] = SPAN_OF(user_id),
    [VARIABLE_WEBAPPID] = TEXT_BY(text_web_app_id),
    [VARIABLE_MSC_PCRE_ERROR] = FLAG_OF(pattern_limit_was_hit),
    [VARIABLE_MSC_PCRE_LIMITS_EXCEEDED] = FLAG_OF(pattern_limit_was_hit),
    [VARIABLE_MODSEC_BUILD] = TEXT_BY(text_build),
    [VARIABLE_TIME] = TEXT_BY(clock_text),
    [VARIABLE_TIME_DAY] = TEXT_BY(clock_text),
    [VARIABLE_TIME_EPOCH] = TEXT_BY(clock_text),
    [VARIABLE_TIME_HOUR] = TEXT_BY(clock_text),
    [VARIABLE_TIME_MIN] = TEXT_BY(clock_text),
    [VARIABLE_TIME_MON] = TEXT_BY(clock_text),
    [VARIABLE_TIME_SEC] = TEXT_BY(clock_text),
    [VARIABLE_TIME_WDAY] = TEXT_BY(clock_text),
    [VARIABLE_TIME_YEAR] = TEXT_BY(clock_text),
};

const struct provider *provider_of(enum variable variable)
{
    return &providers[variable];
}
