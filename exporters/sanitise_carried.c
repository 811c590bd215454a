/* SPDX-License-Identifier: Apache-2.0 */
/* What rules carry into their texts by captures, variables of their own and macros: pieces of
 * values that stood somewhere else. Any eight letters in a row that an expanded text has in common
 * with a secret of the transaction go, and a shorter secret, of four letters or more, that has its
 * name for it (mere cookies do not), where it stands as a word; unless the rule says them itself,
 * the match does, or they stand in what no client writes. Shorter pieces would let anybody who
 * sends a cookie hide what he likes. The secrets are gathered when a text first asks; each question
 * about a piece takes the same time (pieces.h). */
#include <stdint.h>
#include <time.h>

#include "exporters/cleaning.h"
#include "exporters/mask.h"
#include "exporters/pieces.h"
#include "exporters/secret_beside.h"
#include "rules/base/number.h"

enum { PLAIN_BYTES = 16 * 1024 };

struct carried {
    struct pieces secrets;
    struct buf plain;     /* what no client writes, with a NUL behind each; */
    struct pieces spoken; /* its pieces */
    struct pieces said;   /* what the name and the value of a match have: */
    struct span said_name, said_value;
    bool is_lost; /* not all secrets are known */
};

void carried_fini(struct carried *carried)
{
    if (carried == NULL)
        return;
    pieces_fini(&carried->secrets);
    buf_fini(&carried->plain);
    pieces_fini(&carried->spoken);
    pieces_fini(&carried->said);
}

/* ---- what there is ---- */

static void know(struct carried *carried, struct span secret, bool is_named)
{
    pieces_add(&carried->secrets, secret);
    if (is_named)
        pieces_add_word(&carried->secrets, secret);
}

static void know_found(void *to, struct span secret)
{
    know(to, secret, true);
}

static void know_those_in(struct carried *carried, struct span text)
{
    if (text_may_have_secrets(text))
        text_each_secret(text, know_found, carried);
}

static void know_cookies(struct carried *carried, const struct report_brought *from)
{
    for (size_t i = 0; i < from->cookie_count; i++)
        know(carried, from->cookies[i].value, name_is_secret(from->cookies[i].name));
}

static bool parts_names(char c)
{
    return c == '.' || c == '[' || c == ']';
}

/* `json.` of json.value and json.values.0, `a[0][` of a[0][value]; at NULL: it is no such name. */
static struct span before_value(struct span name)
{
    struct span word = SPAN("value");
    for (size_t at = 0, next; (next = span_find_nocase(span_from(name, at), word)) != SPAN_NONE;) {
        size_t start = at + next;
        at = start + word.len;
        if (at < name.len && byte_lower(name.at[at]) == 's')
            at++;
        if ((start == 0 || parts_names(name.at[start - 1])) &&
            (at == name.len || parts_names(name.at[at])))
            return span_first(name, start);
    }
    return (struct span){NULL, 0};
}

/* Does the argument say that what has as much before it is a secret? */
static bool names_beside(const struct pair *argument, struct span before)
{
    struct beside own = beside_of(argument->name);
    return own.role == BESIDE_NAMES && span_is_nocase(own.before, before) &&
           beside_names_secret(argument->value);
}

/* Members of an object, fields of a form stand side by side. */
static bool is_named_aside(const struct report_brought *from, size_t i)
{
    enum { ASIDE = 16 };
    struct span before = before_value(from->arguments[i].name);
    size_t k = i > ASIDE ? i - ASIDE : 0;
    for (; before.at != NULL && k < from->argument_count && k <= i + ASIDE; k++)
        if (names_beside(&from->arguments[k], before))
            return true;
    return false;
}

/* Asked for every match: found once. NULL: there is no memory, or there are no arguments. */
static const bool *named_aside(struct cleaning *c)
{
    const struct report_brought *from = c->report->waf.brought;
    if (c->aside != NULL || from == NULL || from->argument_count == 0)
        return c->aside;
    bool *aside = arena_alloc(c->arena, from->argument_count * sizeof *aside);
    for (size_t i = 0; aside != NULL && i < from->argument_count; i++)
        aside[i] = is_named_aside(from, i);
    return c->aside = aside;
}

bool carried_names(struct cleaning *c, struct span variable)
{
    const struct report_brought *from = c->report->waf.brought;
    struct span name = variable;
    (void)span_cut(&name, ':');
    if (from == NULL || before_value(name).at == NULL)
        return false;
    const bool *aside = named_aside(c);
    if (aside == NULL)
        return from->argument_count > 0;
    for (size_t i = 0; i < from->argument_count; i++)
        if (aside[i] && span_is_nocase(from->arguments[i].name, name))
            return true;
    return false;
}

static void know_arguments(struct cleaning *c, struct carried *carried,
                           const struct report_brought *from)
{
    const bool *aside = named_aside(c);
    for (size_t i = 0; i < from->argument_count; i++) {
        struct span name = from->arguments[i].name, value = from->arguments[i].value;
        if (aside == NULL || aside[i] || (name_is_secret(name) && !value_is_harmless(name, value)))
            know(carried, value, true);
        else
            know_those_in(carried, value);
    }
}

/* id=1 of id=1; Path=/, which nobody needs to hide. */
static struct span set_cookie_value(struct span text)
{
    struct span value = span_first(text, span_find_byte(text, ';'));
    (void)span_cut(&value, '=');
    return value;
}

static void know_bare_cookies(struct carried *carried, struct span field)
{
    struct span cookie;
    while ((cookie = cleaning_bare_cookie(&field)).len > 0)
        know(carried, cookie, false);
}

static void know_fields(struct carried *carried, const struct pair *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is_nocase(fields[i].name, SPAN("set-cookie")))
            know(carried, set_cookie_value(fields[i].value),
                 name_is_secret(span_first(fields[i].value, span_find_byte(fields[i].value, '='))));
        else if (span_is_nocase(fields[i].name, SPAN("cookie")))
            know_bare_cookies(carried, fields[i].value); /* the others are known by now */
        else if (field_is_secret(fields[i].name) || name_is_secret(fields[i].name))
            know(carried, fields[i].value, true);
        else {
            know(carried, field_user(fields[i].name, fields[i].value), true);
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

static void speak(struct carried *carried, struct span text)
{
    pieces_add(&carried->spoken, text);
    pieces_add_words(&carried->spoken, text);
    buf_add(&carried->plain, text);
    buf_add_byte(&carried->plain, '\0');
}

static void speak_number(struct carried *carried, int64_t number)
{
    enum { DIGITS_MOST = 32 };
    char digits[DIGITS_MOST];
    speak(carried, span_make(digits, number_write(digits, number)));
}

/* TIME and TIME_EPOCH, of the seconds in which rules may have looked at the clock. */
static void speak_times(struct carried *carried, const struct report *report)
{
    enum { SECONDS = 3, ROOM = 16 };
    for (size_t i = 0; i < SECONDS; i++) {
        char text[ROOM];
        time_t now = (time_t)(report->began_wall_us / 1000000 + i);
        struct tm at;
        if (gmtime_r(&now, &at) != NULL)
            speak(carried, span_make(text, strftime(text, sizeof text, "%H:%M:%S", &at)));
        speak_number(carried, now);
    }
}

/* Of rules: what RULE says of those that matched. */
static void speak_rules(struct carried *carried, const struct report *report)
{
    enum { RULES_MOST = 128 };
    for (size_t i = 0; i < report->waf.match_count && i < RULES_MOST; i++) {
        const struct rule_match *match = &report->waf.matches[i];
        speak_number(carried, (int64_t)match->rule_id);
        speak(carried, match->revision);
        speak(carried, match->version);
    }
}

/* REMOTE_ADDR, SERVER_PORT, REQUEST_METHOD, scores... */
static void speak_all(struct carried *carried, const struct report *report)
{
    const struct span texts[] = {
        report->client_address,
        report->peer_address,
        report->server_address,
        report->request_id,
        report->method,
        report->protocol,
        report->scheme,
        report->listener,
        span_find_byte(report->authority, '@') == SPAN_NONE ? report->authority : SPAN("")};
    const int64_t numbers[] = {report->client_port, report->peer_port, report->server_port,
                               report->status,      report->waf.score, report->waf.outbound_score};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        speak(carried, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        speak_number(carried, numbers[i]);
    speak_times(carried, report);
    speak_rules(carried, report);
}

/* Of the exchange's own, which no client knows. */
static uint64_t seed_of(const struct report *report)
{
    uint64_t seed = 0;
    for (size_t i = 0; i < sizeof report->span_id; i++)
        seed = seed << 8 | report->span_id[i];
    return seed;
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
    *carried = (struct carried){.is_lost = from->is_lost};
    pieces_init(&carried->secrets, seed_of(report));
    pieces_init(&carried->spoken, seed_of(report));
    pieces_init(&carried->said, seed_of(report));
    buf_init(&carried->plain, PLAIN_BYTES);
    know_cookies(carried, from);
    know_arguments(c, carried, from);
    know_fields(carried, from->request_fields, from->request_field_count);
    if (report->audit.body_has_secret)
        know_those_in(carried, from->request_body);
    if (is_of_answer(report)) {
        know_fields(carried, from->response_fields, from->response_field_count);
        know_those_in(carried, from->response_body);
    }
    carried->is_lost |= carried->secrets.is_full;
    speak_all(carried, report);
    return carried;
}

/* ---- texts ---- */

static bool is_same(struct span a, struct span b)
{
    return a.at == b.at && a.len == b.len;
}

/* What the match shows. */
static const struct pieces *said_by(struct carried *carried, const struct rule_match *match)
{
    if (is_same(carried->said_name, match->variable_name) &&
        is_same(carried->said_value, match->variable_value))
        return &carried->said;
    carried->said_name = match->variable_name;
    carried->said_value = match->variable_value;
    pieces_clear(&carried->said);
    pieces_add(&carried->said, match->variable_name);
    pieces_add(&carried->said, match->variable_value);
    if (carried->secrets.lengths != 0) {
        pieces_add_words(&carried->said, match->variable_name);
        pieces_add_words(&carried->said, match->variable_value);
    }
    return &carried->said;
}

static bool is_said(struct carried *carried, struct span piece, struct span literals,
                    const struct rule_match *match)
{
    return pieces_have(&carried->spoken, piece) || span_find_nocase(literals, piece) != SPAN_NONE ||
           pieces_have(said_by(carried, match), piece);
}

static void hide_carried(struct cleaning *c, struct span *text, struct span literals,
                         const struct rule_match *match)
{
    struct buf to;
    size_t shown = 0, end = 0; /* what is behind: is not said yet; of the latest piece */
    buf_init(&to, CLEANED_BYTES);
    for (size_t i = 0; i + WORD_SHORTEST <= text->len; i++) {
        size_t len = pieces_find(&c->carried->secrets, *text, i);
        if (len == 0 || text->at[i] == ' ' ||
            is_said(c->carried, span_make(text->at + i, len), literals, match))
            continue;
        if (i > end || end == 0) {
            buf_add(&to, span_make(text->at + shown, i - shown));
            buf_add(&to, SPAN(MASK));
        }
        end = i + len > end ? i + len : end;
        shown = end;
    }
    if (end == 0) {
        buf_fini(&to);
        return;
    }
    buf_add(&to, span_from(*text, shown));
    *text = cleaning_finish(c, &to);
}

/* Between two literals: is it said whole? */
static void add_between(const struct cleaning *c, struct buf *to, struct span text,
                        const struct rule_match *match)
{
    bool is_shown =
        text.len == 0 || span_find_nocase(match->variable_name, text) != SPAN_NONE ||
        span_find_nocase(match->variable_value, text) != SPAN_NONE ||
        (c->carried != NULL && span_find_nocase(buf_span(&c->carried->plain), text) != SPAN_NONE);
    buf_add(to, is_shown ? text : SPAN(MASK));
}

/* Where not all secrets are known, nothing is left but what is known for none. */
static void leave_literals(struct cleaning *c, struct span *text, struct span literals,
                           const struct rule_match *match)
{
    struct buf to;
    struct span rest = *text;
    buf_init(&to, CLEANED_BYTES);
    while (literals.len > 0) {
        struct span literal = span_cut(&literals, '\0');
        size_t at = span_find(rest, literal);
        if (at == SPAN_NONE)
            continue;
        add_between(c, &to, span_first(rest, at), match);
        buf_add(&to, literal);
        rest = span_from(rest, at + literal.len);
    }
    add_between(c, &to, rest, match);
    *text = cleaning_finish(c, &to);
}

void clean_carried(struct cleaning *c, struct span *text, struct span literals,
                   const struct rule_match *match)
{
    if (c->report->waf.brought == NULL || literals.at == NULL || text->len < WORD_SHORTEST)
        return;
    const struct carried *carried = carried_of(c);
    if (carried == NULL || carried->is_lost)
        leave_literals(c, text, literals, match);
    else if (carried->secrets.count > 0)
        hide_carried(c, text, literals, match);
}
