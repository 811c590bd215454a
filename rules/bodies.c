/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies on their way in. The request's goes to its parser as it comes, so that phase 2 finds the
 * arguments ready; the response's is only kept. */
#include "rules/bodies.h"

#include "rules/values.h"

static const struct span processor_names[] = {
    [PROCESSOR_NONE] = SPAN_INIT(""),
    [PROCESSOR_URLENCODED] = SPAN_INIT("URLENCODED"),
    [PROCESSOR_MULTIPART] = SPAN_INIT("MULTIPART"),
    [PROCESSOR_JSON] = SPAN_INIT("JSON"),
    [PROCESSOR_XML] = SPAN_INIT("XML"),
};

enum processor processor_of(struct span content_type)
{
    if (span_starts_nocase(content_type, SPAN("application/x-www-form-urlencoded")))
        return PROCESSOR_URLENCODED;
    if (span_starts_nocase(content_type, SPAN("multipart/form-data")))
        return PROCESSOR_MULTIPART;
    return PROCESSOR_NONE;
}

bool processor_find(struct span name, enum processor *out)
{
    for (enum processor p = PROCESSOR_URLENCODED; p <= PROCESSOR_XML; p++) {
        if (span_is_nocase(name, processor_names[p])) {
            *out = p;
            return true;
        }
    }
    return false;
}

struct span processor_name(enum processor processor)
{
    return processor_names[processor];
}

/* --- arguments of the query --- */

static void arguments_overflow(struct inspection *tx)
{
    transaction_limit(tx, LIMIT_ARGUMENTS);
    tx->body_error = true;
    tx->body_error_text = SPAN("SecArgumentsLimit exceeded");
}

void query_parse(struct inspection *tx)
{
    if (tx->request.query.len == 0)
        return;
    const struct rule_settings *settings = &tx->ruleset->settings;
    size_t most = settings->arguments_limit;
    size_t count = 0;
    bool broken = false;
    /* One more than the limit, to know that there are more. */
    const struct pair *pairs = urlencoded_parse(tx->request.query, settings->argument_separator,
                                                most + 1, tx->arena, &count, &broken);
    if (pairs == NULL)
        return;
    if (count > most) {
        count = most;
        arguments_overflow(tx);
    }
    tx->request.arguments = (struct values){pairs, count};
    tx->urlencoded_error = broken;
}

/* --- the request's body --- */

static const enum body_kind kinds[] = {
    [PROCESSOR_URLENCODED] = BODY_URLENCODED,
    [PROCESSOR_MULTIPART] = BODY_MULTIPART,
    [PROCESSOR_JSON] = BODY_JSON,
    [PROCESSOR_XML] = BODY_XML,
};

static void parser_begin(struct inspection *tx)
{
    const struct rule_settings *settings = &tx->ruleset->settings;
    const struct inspection_request *request = &tx->request.given;
    struct body_limits limits = {
        .arguments = settings->arguments_limit - tx->request.arguments.count,
        .depth = settings->json_depth,
        .files = settings->files_limit,
        .separator = settings->argument_separator,
        .xml_view = tx->xml_view,
    };
    struct span type = field_value(request->fields, request->field_count, SPAN("Content-Type"));
    tx->parser = body_begin(kinds[tx->request.processor], type, &limits, tx->arena);
}

static void request_body_add(struct inspection *tx, struct span bytes)
{
    bool was_cut = tx->request_body.cut;
    struct span kept =
        intake_add(&tx->request_body, bytes, tx->options.request_body_limit, tx->arena);
    if (tx->request_body.cut && !was_cut)
        transaction_limit(tx, LIMIT_REQUEST_BODY);
    if (kept.len == 0 || tx->request.processor == PROCESSOR_NONE)
        return;
    if (tx->parser == NULL)
        parser_begin(tx);
    if (tx->parser != NULL)
        body_push(tx->parser, kept);
}

void inspection_request_body(struct inspection *tx, struct span bytes)
{
    uint64_t begun_ns = tx->world.cpu_ns(tx->world.context);
    request_body_add(tx, bytes);
    inspection_spend(tx, tx->world.cpu_ns(tx->world.context) - begun_ns);
}

/* What SecRequestBodyNoFilesLimit counts. Of a multipart body, as in ModSecurity: header lines and
 * the fields' values, neither boundaries nor what files hold. */
static uint64_t bytes_without_files(const struct inspection *tx)
{
    const struct body_result *parsed = tx->parsed;
    if (parsed == NULL || tx->request.processor != PROCESSOR_MULTIPART)
        return tx->request_body.seen;
    uint64_t bytes = 0;
    for (size_t i = 0; i < parsed->part_header_count; i++)
        bytes += parsed->part_headers[i].value.len;
    for (size_t i = 0; i < parsed->argument_count; i++)
        bytes += parsed->arguments[i].value.len;
    return bytes;
}

static void no_files_check(struct inspection *tx)
{
    uint64_t limit = tx->ruleset->settings.request_body_no_files_limit;
    if (limit == 0 || bytes_without_files(tx) <= limit)
        return;
    tx->body_error = true;
    tx->inbound_error = true;
    tx->body_error_text = SPAN("Request body excluding files is bigger than the maximum expected.");
    transaction_limit(tx, LIMIT_REQUEST_BODY);
}

static void parsed_take(struct inspection *tx)
{
    const struct body_result *parsed = tx->parsed;
    tx->flags = parsed->flags;
    if (parsed->flags.failed) {
        tx->body_error = true;
        tx->body_error_text = parsed->why;
        tx->parser_error_text = parsed->why;
    }
    if (parsed->flags.too_many_arguments)
        arguments_overflow(tx);
    tx->urlencoded_error |= parsed->flags.urlencoded_error;
    const struct body_flags *f = &tx->flags;
    tx->multipart_error = tx->request.processor == PROCESSOR_MULTIPART &&
                          (f->failed || f->boundary_quoted || f->boundary_whitespace ||
                           f->data_before || f->data_after || f->header_folding || f->lf_line ||
                           f->missing_semicolon || f->invalid_quoting || f->invalid_part ||
                           f->invalid_header_folding || f->file_limit_exceeded);
}

static void request_body_finish(struct inspection *tx, bool cut)
{
    struct intake *intake = &tx->request_body;
    if (cut && !intake->cut) {
        intake->cut = true;
        transaction_limit(tx, LIMIT_REQUEST_BODY);
    }
    intake->ended = true;
    tx->inbound_error = intake->cut;
    if (tx->parser != NULL) {
        tx->parsed = body_end(tx->parser, !intake->cut);
        if (tx->parsed != NULL)
            parsed_take(tx);
    }
    no_files_check(tx);
    if (tx->request.processor == PROCESSOR_URLENCODED || tx->force_request_body)
        tx->request_body_text = intake_text(intake, tx->arena);
    values_forget(tx);
}

void inspection_request_body_end(struct inspection *tx, bool cut)
{
    uint64_t begun_ns = tx->world.cpu_ns(tx->world.context);
    request_body_finish(tx, cut);
    inspection_spend(tx, tx->world.cpu_ns(tx->world.context) - begun_ns);
}

/* --- the response's body --- */

void inspection_response_body(struct inspection *tx, struct span bytes)
{
    bool was_cut = tx->response_body.cut;
    intake_add(&tx->response_body, bytes, tx->options.response_body_limit, tx->arena);
    if (tx->response_body.cut && !was_cut)
        transaction_limit(tx, LIMIT_RESPONSE_BODY);
}

void inspection_response_body_end(struct inspection *tx, bool cut)
{
    struct intake *intake = &tx->response_body;
    if (cut && !intake->cut) {
        intake->cut = true;
        transaction_limit(tx, LIMIT_RESPONSE_BODY);
    }
    intake->ended = true;
    tx->outbound_error = intake->cut;
    values_forget(tx);
}
