/* SPDX-License-Identifier: Apache-2.0 */
/* What rules carry into their texts by captures, variables of their own and macros: pieces of
 * values that stood somewhere else. Any four letters in a row that a text has in common with a
 * secret of the transaction are one, unless they are said anyway. The secrets are gathered when a
 * text first asks; a table of bits answers nearly every question about four letters. */
#include <stdint.h>

#include "exporters/cleaning.h"
#include "exporters/mask.h"

enum {
    PIECE = 4,
    BITS = 1 << 14,
    SECRETS_BYTES = 64 * 1024,   /* of all secrets; */
    SEARCHED_BYTES = 512 * 1024, /* of what is searched for pieces: beyond either no text is said */
    SEARCH_BYTES = 64,           /* what a search costs that finds nothing to read */
};

struct carried {
    struct buf secrets; /* in small letters, with a NUL behind each */
    size_t searched;
    bool is_lost; /* not all are known */
    uint64_t bits[BITS / 64];
};

void carried_fini(struct carried *carried)
{
    if (carried != NULL)
        buf_fini(&carried->secrets);
}

/* ---- what there is ---- */

static unsigned bit_of(const char *piece)
{
    uint32_t letters = 0;
    for (size_t i = 0; i < PIECE; i++)
        letters = letters << 8 | (unsigned char)byte_lower(piece[i]);
    return letters * UINT32_C(2654435769) >> 18;
}

static void know(void *to, struct span secret)
{
    struct carried *carried = to;
    if (secret.len < PIECE)
        return;
    char *room = buf_room(&carried->secrets, secret.len + 1);
    if (room == NULL)
        return;
    for (size_t i = 0; i < secret.len; i++)
        room[i] = byte_lower(secret.at[i]);
    room[secret.len] = '\0';
    buf_grew(&carried->secrets, secret.len + 1);
    for (size_t i = 0; i + PIECE <= secret.len; i++) {
        unsigned bit = bit_of(room + i);
        carried->bits[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

static void know_those_in(struct carried *carried, struct span text)
{
    if (text_may_have_secrets(text))
        text_each_secret(text, know, carried);
}

static void know_cookies(struct carried *carried, const struct report_brought *from)
{
    for (size_t i = 0; i < from->cookie_count; i++)
        know(carried, from->cookies[i].value);
}

/* json of json.value and json.value.0; at NULL: it is no such name. */
static struct span object_of(struct span name)
{
    struct span word = SPAN(".value");
    for (size_t at = 0, next; (next = span_find(span_from(name, at), word)) != SPAN_NONE;) {
        at += next + word.len;
        if (at == name.len || name.at[at] == '.')
            return span_first(name, at - word.len);
    }
    return (struct span){NULL, 0};
}

/* Is it `object`.name, and what it says a secret's name? */
static bool names_in_object(const struct pair *argument, struct span object)
{
    static const struct span names[] = {SPAN_INIT("name"), SPAN_INIT("key"), SPAN_INIT("id"),
                                        SPAN_INIT("path"), SPAN_INIT("field")};
    struct span member = span_from(argument->name, object.len + 1);
    if (!span_starts(argument->name, object) || argument->name.len <= object.len ||
        argument->name.at[object.len] != '.')
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is_nocase(member, names[i]))
            return text_name_is_secret(argument->value);
    return false;
}

/* Members of an object stand side by side. */
static bool is_named_aside(const struct report_brought *from, size_t i)
{
    enum { ASIDE = 16 };
    struct span object = object_of(from->arguments[i].name);
    size_t k = i > ASIDE ? i - ASIDE : 0;
    for (; object.at != NULL && k < from->argument_count && k <= i + ASIDE; k++)
        if (names_in_object(&from->arguments[k], object))
            return true;
    return false;
}

bool carried_names(const struct cleaning *c, struct span variable)
{
    const struct report_brought *from = c->report->waf.brought;
    struct span name = variable;
    (void)span_cut(&name, ':');
    if (from == NULL || object_of(name).at == NULL)
        return false;
    for (size_t i = 0; i < from->argument_count; i++)
        if (span_is_nocase(from->arguments[i].name, name) && is_named_aside(from, i))
            return true;
    return false;
}

static void know_arguments(struct carried *carried, const struct report_brought *from)
{
    for (size_t i = 0; i < from->argument_count; i++) {
        if (name_is_secret(from->arguments[i].name) || is_named_aside(from, i))
            know(carried, from->arguments[i].value);
        else
            know_those_in(carried, from->arguments[i].value);
    }
}

/* id=1 of id=1; Path=/, which nobody needs to hide. */
static struct span set_cookie_value(struct span text)
{
    struct span value = span_first(text, span_find_byte(text, ';'));
    (void)span_cut(&value, '=');
    return value;
}

static void know_fields(struct carried *carried, const struct pair *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is_nocase(fields[i].name, SPAN("set-cookie")))
            know(carried, set_cookie_value(fields[i].value));
        else if (span_is_nocase(fields[i].name, SPAN("cookie")))
            continue; /* each by itself is one */
        else if (field_is_secret(fields[i].name) || name_is_secret(fields[i].name))
            know(carried, fields[i].value);
        else {
            know(carried, field_user(fields[i].name, fields[i].value));
            know_those_in(carried, fields[i].value);
        }
    }
}

/* Has a rule looked at the answer? */
static bool is_of_answer(const struct report *report)
{
    for (size_t i = 0; i < report->waf.match_count; i++)
        if (report->waf.matches[i].phase > PHASE_REQUEST_BODY)
            return true;
    return false;
}

/* NULL: there is no memory to know them. */
static struct carried *carried_of(struct cleaning *c)
{
    const struct report *report = c->report;
    const struct report_brought *from = report->waf.brought;
    struct carried *carried = c->carried;
    if (carried != NULL)
        return carried;
    carried = c->carried = arena_alloc(c->arena, sizeof *carried);
    if (carried == NULL)
        return NULL;
    buf_init(&carried->secrets, SECRETS_BYTES);
    know_cookies(carried, from);
    know_arguments(carried, from);
    know_fields(carried, from->request_fields, from->request_field_count);
    if (report->audit.body_has_secret)
        know_those_in(carried, from->request_body);
    if (is_of_answer(report)) {
        know_fields(carried, from->response_fields, from->response_field_count);
        know_those_in(carried, from->response_body);
    }
    carried->is_lost = from->is_lost || buf_is_full(&carried->secrets);
    return carried;
}

/* ---- texts ---- */

static bool stands_in(struct carried *carried, struct span text, struct span piece)
{
    carried->searched += text.len + SEARCH_BYTES;
    return span_find_nocase(text, piece) != SPAN_NONE;
}

static bool is_secret(struct carried *carried, struct span piece)
{
    unsigned bit = bit_of(piece.at);
    if ((carried->bits[bit / 64] & UINT64_C(1) << bit % 64) == 0)
        return false;
    char small[PIECE];
    for (size_t i = 0; i < PIECE; i++)
        small[i] = byte_lower(piece.at[i]);
    carried->searched += carried->secrets.len + SEARCH_BYTES;
    return span_find(buf_span(&carried->secrets), span_make(small, PIECE)) != SPAN_NONE;
}

static bool is_said(struct carried *carried, struct span piece, struct span literals,
                    const struct rule_match *match)
{
    return stands_in(carried, literals, piece) || stands_in(carried, match->variable_name, piece) ||
           stands_in(carried, match->variable_value, piece);
}

static void hide_carried(struct cleaning *c, struct span *text, struct span literals,
                         const struct rule_match *match)
{
    struct buf to;
    size_t shown = 0, end = 0; /* what is behind: is not said yet; of the latest piece */
    buf_init(&to, CLEANED_BYTES);
    for (size_t i = 0; i + PIECE <= text->len && c->carried->searched < SEARCHED_BYTES; i++) {
        struct span piece = span_make(text->at + i, PIECE);
        if (piece.at[0] == ' ' || !is_secret(c->carried, piece) ||
            is_said(c->carried, piece, literals, match))
            continue;
        if (i > end || end == 0) {
            buf_add(&to, span_make(text->at + shown, i - shown));
            buf_add(&to, SPAN(MASK));
        }
        shown = end = i + PIECE;
    }
    if (end == 0) {
        buf_fini(&to);
        return;
    }
    buf_add(&to, span_from(*text, shown));
    *text = cleaning_finish(c, &to);
}

void clean_carried(struct cleaning *c, struct span *text, struct span literals,
                   const struct rule_match *match)
{
    if (c->report->waf.brought == NULL || literals.at == NULL || text->len < PIECE)
        return;
    struct carried *carried = carried_of(c);
    bool is_lost = carried == NULL || carried->is_lost;
    if (!is_lost && carried->secrets.len > 0)
        hide_carried(c, text, literals, match);
    if (is_lost || carried->searched >= SEARCHED_BYTES)
        *text = SPAN(MASK);
}
