/* SPDX-License-Identifier: Apache-2.0 */
/* A template is a row of pieces: text that stands as it is, then a variable. */
#include "exporters/access_template.h"

#include <stdio.h>
#include <stdlib.h>

#include "exporters/context_variables.h"
#include "exporters/escape.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"

enum form { FORM_PLAIN, FORM_CSV, FORM_XML, FORM_JSON };

struct piece {
    struct span literal;                     /* before the variable */
    const struct context_variable *variable; /* NULL: none, the last piece */
    struct span member;                      /* what its name stands for at the end */
    bool is_quoted;                          /* it stands within double quotes */
    bool brings_quotes;                      /* error.messageString */
};

struct access_template {
    enum form form;
    char *text; /* that literals borrow from */
    struct piece *pieces;
    size_t count;
    struct span members[ACCESS_TEMPLATE_MEMBERS];
    size_t member_count;
    struct escape_set within, outside; /* double quotes; PLAIN */
};

#define VARIABLE "$context."

static const struct preset {
    const char *name;
    enum form form;
    struct span text;
} presets[] = {
    {"clf", FORM_PLAIN,
     SPAN_INIT("$context.identity.sourceIp $context.identity.caller $context.identity.user "
               "[$context.requestTime] \"$context.httpMethod $context.resourcePath "
               "$context.protocol\" $context.status $context.responseLength $context.requestId "
               "$context.extendedRequestId")},
    {"csv", FORM_CSV,
     SPAN_INIT("$context.identity.sourceIp,$context.identity.caller,$context.identity.user,"
               "$context.requestTime,$context.httpMethod,$context.resourcePath,$context.protocol,"
               "$context.status,$context.responseLength,$context.requestId,"
               "$context.extendedRequestId")},
    {"xml", FORM_XML,
     SPAN_INIT("<request id=\"$context.requestId\"> "
               "<extendedRequestId>$context.extendedRequestId</extendedRequestId> "
               "<ip>$context.identity.sourceIp</ip> <caller>$context.identity.caller</caller> "
               "<user>$context.identity.user</user> "
               "<requestTime>$context.requestTime</requestTime> "
               "<httpMethod>$context.httpMethod</httpMethod> "
               "<resourcePath>$context.resourcePath</resourcePath> "
               "<status>$context.status</status> <protocol>$context.protocol</protocol> "
               "<responseLength>$context.responseLength</responseLength> </request>")},
};

static const struct preset *preset_find(struct span name)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (span_is(span_text(presets[i].name), name))
            return &presets[i];
    }
    return NULL;
}

bool access_template_is_one(struct span format)
{
    return preset_find(format) != NULL || span_find(format, SPAN(VARIABLE)) != SPAN_NONE;
}

/* ---- compiling ---- */

static enum form form_of(struct span text)
{
    text = span_trim(text, " ");
    if (span_starts(text, SPAN("{")))
        return FORM_JSON;
    bool is_element = text.len > 1 && text.at[0] == '<' && byte_is_alpha(text.at[1]);
    return is_element ? FORM_XML : FORM_PLAIN;
}

static size_t word_length(struct span text)
{
    size_t len = 0;
    while (len < text.len &&
           (byte_is_alpha(text.at[len]) || byte_is_digit(text.at[len]) || text.at[len] == '_'))
        len++;
    return len;
}

/* Words with dots between them; a dot that no word follows is text. */
static struct span name_cut(struct span *rest)
{
    size_t len = word_length(*rest);
    while (len > 0 && len < rest->len && rest->at[len] == '.') {
        size_t more = word_length(span_from(*rest, len + 1));
        if (more == 0)
            break;
        len += 1 + more;
    }
    struct span name = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return name;
}

enum { NAME_SHOWN = 100 };

static bool variable_check(const struct context_variable *variable, struct span name,
                           struct access_template_fault *fault)
{
    struct span shown = span_first(name, NAME_SHOWN);
    if (variable == NULL) {
        snprintf(fault->message, sizeof fault->message,
                 "there is no variable $context." SPAN_FORMAT, span_arg(shown));
        struct span hint = context_hint(name, fault->hint, sizeof fault->hint);
        fault->hint[hint.len] = '\0';
        return false;
    }
    if (variable->kind != CONTEXT_KIND_NOTHING)
        return true;
    snprintf(fault->message, sizeof fault->message,
             "$context." SPAN_FORMAT " has no meaning here: %s", span_arg(shown),
             variable->sentence);
    return false;
}

static bool member_add(struct access_template *made, const struct piece *piece,
                       struct access_template_fault *fault)
{
    if (piece->variable->kind != CONTEXT_KIND_MEMBER)
        return true;
    for (size_t i = 0; i < made->member_count; i++) {
        if (span_is(made->members[i], piece->member))
            return true;
    }
    if (made->member_count == ACCESS_TEMPLATE_MEMBERS) {
        snprintf(fault->message, sizeof fault->message,
                 "a template names 16 members of an authorizer's context at most");
        return false;
    }
    made->members[made->member_count++] = piece->member;
    return true;
}

/* What a template of others must be, beside its variables. */
static bool text_check(struct span text, struct access_template_fault *fault)
{
    const char *wrong = NULL;
    if (text.len > ACCESS_TEMPLATE_LONGEST)
        wrong = "a template has 3072 bytes at most";
    for (size_t i = 0; i < text.len && wrong == NULL; i++) {
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            wrong = "a template is one line without control bytes";
    }
    if (wrong != NULL)
        snprintf(fault->message, sizeof fault->message, "%s", wrong);
    return wrong == NULL;
}

/* Walks over text that stands as it is; returns whether its end is within double quotes. */
static bool literal_walk(struct span literal, enum form form, bool quoted, struct escape_set *own)
{
    static const char harmless[] = "-._/:";
    for (size_t i = 0; i < literal.len; i++) {
        char byte = literal.at[i];
        if (byte == '\\' && form == FORM_JSON && quoted)
            i++;
        else if (byte == '"')
            quoted = !quoted;
        else if (!quoted && !byte_is_alpha(byte) && !byte_is_digit(byte) &&
                 strchr(harmless, byte) == NULL)
            own->has[(unsigned char)byte] = true;
    }
    return quoted;
}

static bool pieces_fill(struct access_template *made, struct span text,
                        struct access_template_fault *fault)
{
    struct span rest = text;
    bool quoted = false, has_id = false;
    for (;;) {
        struct piece *piece = &made->pieces[made->count++];
        size_t at = span_find(rest, SPAN(VARIABLE));
        piece->literal = span_first(rest, at); /* SPAN_NONE: all of it */
        quoted = literal_walk(piece->literal, made->form, quoted, &made->outside);
        if (at == SPAN_NONE)
            break;
        rest = span_from(rest, at + SPAN(VARIABLE).len);
        struct span name = name_cut(&rest);
        piece->variable = context_find(name, &piece->member);
        piece->is_quoted = quoted;
        piece->brings_quotes = span_is(name, SPAN("error.messageString"));
        if (!variable_check(piece->variable, name, fault) || !member_add(made, piece, fault))
            return false;
        has_id |= span_is(name, SPAN("requestId")) || span_is(name, SPAN("extendedRequestId"));
    }
    if (!has_id)
        snprintf(fault->message, sizeof fault->message,
                 "a template needs $context.requestId or $context.extendedRequestId");
    return has_id;
}

static size_t pieces_most(struct span text)
{
    size_t count = 1;
    for (size_t at; (at = span_find(text, SPAN(VARIABLE))) != SPAN_NONE; count++)
        text = span_from(text, at + SPAN(VARIABLE).len);
    return count;
}

struct access_template *access_template_new(struct span format, struct access_template_fault *fault)
{
    const struct preset *preset = preset_find(format);
    struct span text = preset != NULL ? preset->text : format;
    while (span_ends(text, SPAN("\\n")) || span_ends(text, SPAN("\n")))
        text.len -= text.at[text.len - 1] == 'n' ? 2 : 1; /* a line ends in one anyway */
    *fault = (struct access_template_fault){.message = ""};
    if (!text_check(text, fault))
        return NULL;
    struct access_template *made = must_alloc(sizeof *made);
    made->form = preset != NULL ? preset->form : form_of(text);
    made->text = must_alloc(text.len + 1);
    memcpy(made->text, text.at, text.len);
    made->pieces = must_alloc(pieces_most(text) * sizeof *made->pieces);
    escape_set_init(&made->within);
    escape_set_add(&made->within, "\"");
    made->outside = made->within;
    escape_set_add(&made->outside, " []");
    if (pieces_fill(made, span_make(made->text, text.len), fault))
        return made;
    access_template_free(made);
    return NULL;
}

void access_template_free(struct access_template *made)
{
    if (made == NULL)
        return;
    free(made->pieces);
    free(made->text);
    free(made);
}

struct span access_template_member(const struct access_template *made, size_t i)
{
    return i < made->member_count ? made->members[i] : span_make(NULL, 0);
}

/* ---- writing ---- */

static void add_text(const struct access_template *made, const struct piece *piece, struct buf *to,
                     struct span text)
{
    switch (made->form) {
    case FORM_CSV: escape_add_csv(to, text); return;
    case FORM_XML: escape_add_xml(to, text); return;
    case FORM_JSON:
        if (piece->is_quoted)
            json_add_escaped(to, text);
        else
            json_add_string(to, text);
        return;
    case FORM_PLAIN: break;
    }
    escape_add(to, text, piece->is_quoted ? &made->within : &made->outside);
}

/* The text with double quotes around it, which are the template's own where it has none there. */
static void add_in_quotes(const struct access_template *made, const struct piece *piece,
                          struct buf *to, struct span text, struct buf *scratch)
{
    if (made->form == FORM_JSON && !piece->is_quoted) {
        json_add_string(to, text);
    } else if (made->form == FORM_PLAIN && !piece->is_quoted) {
        buf_add_byte(to, '"');
        escape_add(to, text, &made->within);
        buf_add_byte(to, '"');
    } else {
        size_t start = scratch->len;
        buf_add_byte(scratch, '"');
        buf_add(scratch, text);
        buf_add_byte(scratch, '"');
        add_text(made, piece, to, span_from(buf_span(scratch), start));
    }
}

static void add_nothing(const struct access_template *made, const struct piece *piece,
                        struct buf *to)
{
    buf_add(to, made->form == FORM_JSON && !piece->is_quoted ? SPAN("\"-\"") : SPAN("-"));
}

static void add_variable(const struct access_template *made, const struct piece *piece,
                         struct buf *to, const struct report *report, struct buf *scratch)
{
    const struct context_variable *variable = piece->variable;
    if (variable->kind == CONTEXT_KIND_NUMBER) {
        uint64_t number;
        if (variable->number(report, &number))
            buf_add_number(to, number <= INT64_MAX ? (int64_t)number : INT64_MAX);
        else
            add_nothing(made, piece, to);
        return;
    }
    struct span text = context_value(variable, piece->member, report, scratch);
    if (text.len == 0)
        add_nothing(made, piece, to);
    else if (piece->brings_quotes)
        add_in_quotes(made, piece, to, text, scratch);
    else if (variable->kind == CONTEXT_KIND_OURS && (made->form != FORM_JSON || piece->is_quoted))
        buf_add(to, text);
    else
        add_text(made, piece, to, text);
    if (buf_is_full(scratch)) /* a value was cut: no line rather than a wrong one */
        to->full = true;
    buf_clear(scratch);
}

void access_template_add(const struct access_template *made, struct buf *to,
                         const struct report *report, struct buf *scratch)
{
    for (size_t i = 0; i < made->count; i++) {
        buf_add(to, made->pieces[i].literal);
        if (made->pieces[i].variable != NULL)
            add_variable(made, &made->pieces[i], to, report, scratch);
    }
    buf_add_byte(to, '\n');
}
