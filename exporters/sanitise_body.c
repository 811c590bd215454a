/* SPDX-License-Identifier: Apache-2.0 */
/* Forms and bodies: by their structure where that says what stands where, else as texts. */
#include "exporters/cleaning.h"
#include "exporters/form.h"
#include "exporters/mask.h"
#include "exporters/secret_beside.h"

struct span clean_parameters(struct cleaning *c, struct span text)
{
    struct buf to;
    buf_init(&to, CLEANED_BYTES);
    struct span rest = text;
    const char *copied = text.at;
    bool names_one = cleaning_names_arguments(c);
    while (rest.len > 0) {
        struct span parameter = parameter_cut(&rest), value = parameter;
        struct span name = span_cut(&value, '=');
        struct span hidden = query_secret(text, parameter);
        bool is_named_one = value.at != NULL && names_one &&
                            cleaning_names(c, SPAN("ARGS"), cleaning_decoded(c, name));
        if (value.at != NULL && (is_named_one || cleaning_holds(c, value))) {
            cleaning_keep_value(c, value);
            hidden = hidden.at == NULL ? value : hidden;
        }
        if (hidden.at != NULL) {
            buf_add(&to, span_make(copied, (size_t)(hidden.at - copied)));
            buf_add(&to, SPAN(MASK));
            copied = hidden.at + hidden.len;
        }
        rest = span_from(rest, 1);
    }
    if (copied == text.at)
        return text;
    buf_add(&to, span_make(copied, (size_t)(text.at + text.len - copied)));
    return cleaning_finish(c, &to);
}

enum { PARTS_ASIDE = 8 };

static bool part_names(const struct form_part *part, struct span before)
{
    struct beside own = beside_of(part->name);
    return own.role == BESIDE_NAMES && span_is_nocase(own.before, before) &&
           beside_names_secret(part->content);
}

/* Is what the part says a secret by what one of the last ones, or of the next, names? */
static bool part_is_named(const struct form_part *part, const struct form_part *last, size_t count,
                          struct span rest, struct span boundary)
{
    struct form_part next;
    struct beside own = beside_of(part->name);
    if (own.role != BESIDE_SAYS)
        return false;
    for (size_t i = 0; i < count && i < PARTS_ASIDE; i++)
        if (part_names(&last[i], own.before))
            return true;
    for (size_t i = 0; i < PARTS_ASIDE && form_next(&rest, boundary, &next); i++)
        if (part_names(&next, own.before))
            return true;
    return false;
}

static struct span clean_multipart(struct cleaning *c, struct span body, struct span boundary)
{
    struct buf to;
    struct form_part part, last[PARTS_ASIDE] = {{.is_file = false}};
    buf_init(&to, CLEANED_BYTES);
    struct span rest = body;
    const char *copied = body.at;
    for (size_t count = 0; form_next(&rest, boundary, &part); count++) {
        struct span shown = SPAN(MASK);
        bool is_named = part_is_named(&part, last, count, rest, boundary);
        last[count % PARTS_ASIDE] = part;
        if (cleaning_names(c, SPAN("ARGS"), part.name))
            cleaning_keep(c, part.content);
        else if (!is_named &&
                 (!name_is_secret(part.name) || value_is_harmless(part.name, part.content))) {
            shown = part.content;
            if (!cleaning_mask(c, &shown))
                continue;
        }
        buf_add(&to, span_make(copied, (size_t)(part.content.at - copied)));
        buf_add(&to, shown);
        copied = part.content.at + part.content.len;
    }
    buf_add(&to, span_make(copied, (size_t)(body.at + body.len - copied)));
    return cleaning_finish(c, &to);
}

/* ---- bodies ---- */

/* Is the text in letters of two bytes or more, by what is said of it or by how it begins? Names
 * cannot be read in it. */
static bool is_wide(struct span type, struct span body)
{
    return span_find_nocase(type, SPAN("utf-16")) != SPAN_NONE ||
           span_find_nocase(type, SPAN("utf-32")) != SPAN_NONE ||
           span_find_nocase(type, SPAN("ucs-")) != SPAN_NONE ||
           span_starts(body, SPAN("\xff\xfe")) || span_starts(body, SPAN("\xfe\xff"));
}

/* What stands in a coded body cannot be seen, but read by whoever undoes the coding. */
static void hide_coded(const struct pair *fields, size_t count, struct span *body)
{
    for (size_t i = 0; i < count && body->len > 0; i++) {
        struct span coding = span_trim_ows(fields[i].value);
        if (span_is_nocase(fields[i].name, SPAN("content-encoding")) && coding.len > 0 &&
            !span_is_nocase(coding, SPAN("identity")))
            *body = SPAN(MASK);
    }
    if (body->len > 0 && is_wide(pairs_get(fields, count, SPAN("content-type")), *body))
        *body = SPAN(MASK);
}

/* JSON or XML that says that it is a form: the text would be cut at each '&' of it. */
static bool is_document(struct span body)
{
    struct span text = span_trim(body, " \t\r\n");
    return text.len > 0 && (text.at[0] == '{' || text.at[0] == '[' || text.at[0] == '<');
}

static bool has_escapes(struct span body)
{
    return span_find_byte(body, '\\') != SPAN_NONE || span_find_byte(body, '&') != SPAN_NONE;
}

static void clean_request_body(struct cleaning *c, struct span *body)
{
    struct report_audit *audit = &c->report->audit;
    struct span type =
        pairs_get(audit->request_fields, audit->request_field_count, SPAN("content-type"));
    struct span boundary = form_boundary(type);
    bool is_form = form_is_urlencoded(type) && !is_document(*body);
    if (boundary.at != NULL)
        *body = clean_multipart(c, *body, boundary);
    else if (is_form)
        *body = clean_parameters(c, *body);
    else if (cleaning_names_arguments(c) || (c->secret_count > 0 && has_escapes(*body)))
        *body = SPAN(MASK);
    cleaning_mask(c, body); /* what is no part of the form, or of none */
}

void clean_bodies(struct cleaning *c)
{
    struct report_audit *audit = &c->report->audit;
    hide_coded(audit->request_fields, audit->request_field_count, &audit->request_body);
    hide_coded(audit->response_fields, audit->response_field_count, &audit->response_body);
    if (cleaning_names_any(c, SPAN("REQUEST_BODY")) && audit->request_body.len > 0)
        audit->request_body = SPAN(MASK);
    if (cleaning_names_any(c, SPAN("RESPONSE_BODY")) && audit->response_body.len > 0)
        audit->response_body = SPAN(MASK);
    if (audit->response_body.len > 0)
        cleaning_mask(c, &audit->response_body);
    if (audit->request_body.len > 0)
        clean_request_body(c, &audit->request_body);
}
