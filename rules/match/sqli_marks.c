/* SPDX-License-Identifier: Apache-2.0 */
/* One function a mark. Each looks at tokens in order and stops at the row's end, which has no
 * class. */
#include "rules/match/sqli_marks.h"

#include "rules/match/sqli_statement.h"

static bool is_over(const struct sqli_token *at)
{
    return at->class == SQLI_END || at->class == SQLI_COMMENT;
}

static bool is_constant(const struct sqli_token *at)
{
    return at->class == SQLI_NUMBER || at->class == SQLI_STRING || at->class == SQLI_LITERAL;
}

static bool is_open(const struct sqli_token *at)
{
    return at->class == SQLI_OPEN && at->glued;
}

static bool is_function(const struct sqli_token *at)
{
    return at->class == SQLI_FUNCTION && is_open(&at[1]);
}

static bool selects_from(const struct sqli_token *at)
{
    return at->class == SQLI_SELECT && sqli_has_role(at, ROLE_FROM);
}

/* A comment that cuts off: little or nothing is behind its mark. */
static bool is_short_comment(const struct sqli_token *at)
{
    size_t mark = at->sign == '#' || at->sign == '`' ? 1 : 2;

    return at->class == SQLI_COMMENT && span_trim(span_from(at->text, mark), " \t\r\n+").len <= 3 &&
           at->sign != '`';
}

static void note_union(const struct sqli_token *t, struct sqli_facts *facts)
{
    const struct sqli_token *next = t + 1;

    while (next->class == SQLI_OPEN)
        next++;
    if (t->behind_comment || next->class == SQLI_SELECT)
        facts->union_begun = facts->union_begun || is_over(next + (next->class == SQLI_SELECT));
    if (next->class != SQLI_SELECT)
        return;
    switch (sqli_select_list(next + 1)) {
    case LIST_SERIOUS: facts->union_select = true; break;
    case LIST_NAMES: facts->union_names = true; break;
    case LIST_NONE: break;
    }
}

/* `before` is the token before the parenthesis, NULL at the start. */
static bool is_subselect(const struct sqli_token *t, const struct sqli_token *before,
                         const struct sqli_facts *facts)
{
    const struct sqli_token *next = t;

    while (next->class == SQLI_OPEN || next->class == SQLI_UNION)
        next++;
    if (t->behind_comment && selects_from(next))
        return true;
    if (next != t + 1 || next->class != SQLI_SELECT || before == NULL)
        return false;
    if (facts->quote != 0 && (before->class == SQLI_STRING || before->class == SQLI_COMPARE))
        return sqli_select_list(&next[1]) == LIST_SERIOUS &&
               (selects_from(next) || next[1].role == ROLE_CASE);
    return facts->first == SQLI_NUMBER && before->class == SQLI_COMPARE && selects_from(next);
}

static bool is_escape(const struct sqli_token *t)
{
    if (t[0].class != SQLI_BRACE_OPEN)
        return false;
    if (t[1].class == SQLI_NAME && t[1].sign == '`')
        return is_constant(&t[2]) || t[2].class == SQLI_OPEN || t[2].class == SQLI_FUNCTION;
    return (t[1].class == SQLI_NAME || t[1].role == ROLE_IF) && is_function(&t[2]);
}

/* AND or OR: what is asked behind it. */
static void note_question(const struct sqli_token *t, struct sqli_facts *facts)
{
    const struct sqli_token *argument = &t[3];

    if (t[1].class == SQLI_SELECT && facts->first == SQLI_NUMBER && selects_from(&t[1]))
        for (const struct sqli_token *end = t; end->class != SQLI_END; end++)
            facts->select_condition = facts->select_condition || is_short_comment(end);
    facts->escape = facts->escape || is_escape(&t[1]);
    if (!is_function(&t[1]))
        return;
    facts->probe = facts->probe || argument->class == SQLI_VARIABLE ||
                   argument->class == SQLI_SELECT || argument->class == SQLI_OPEN ||
                   ((argument->class == SQLI_FUNCTION || argument->class == SQLI_NAME) &&
                    is_open(&argument[1]));
}

/* mid(@@hostname, database() like schema() */
static bool asks_server(const struct sqli_token *t)
{
    if (!is_open(&t[1]))
        return false;
    if (t[2].class == SQLI_VARIABLE)
        return t[2].text.len > 3 && t[2].text.at[1] == '@';
    return t->role == ROLE_OBJECT && t[2].class == SQLI_CLOSE && t[3].class == SQLI_COMPARE &&
           t[4].class == SQLI_FUNCTION && t[4].role == ROLE_OBJECT && t[6].class == SQLI_CLOSE;
}

static void note_anywhere(const struct sqli_row *row, struct sqli_facts *facts)
{
    for (const struct sqli_token *t = row->at; t->class != SQLI_END; t++) {
        const struct sqli_token *before = t > row->at ? t - 1 : NULL;

        facts->strong_call = facts->strong_call || sqli_is_strong(t);
        switch ((int)t->class) {
        case SQLI_UNION: note_union(t, facts); break;
        case SQLI_OPEN:
            facts->subselect_from = facts->subselect_from || is_subselect(t, before, facts);
            break;
        case SQLI_LOGIC: note_question(t, facts); break;
        case SQLI_FUNCTION: facts->server_fact = facts->server_fact || asks_server(t); break;
        case SQLI_BY:
            facts->group_call = facts->group_call || (is_function(&t[1]) && is_function(&t[3]));
            break;
        default: break;
        }
        if (t->class == SQLI_LOGIC && t->at_comment && before != NULL && is_constant(before))
            facts->stuck_logic = facts->stuck_logic || t[1].class != SQLI_END;
    }
}

/* -1 UNION, x' UNION SELECT .. FROM, {x} UNION SELECT, and what closes a comment before UNION
 * SELECT .. FROM */
static bool begins_with_union(const struct sqli_row *row, char quote)
{
    const struct sqli_token *t = row->at;

    if (t[0].class == SQLI_END || t[1].class == SQLI_END)
        return false;
    if (t[1].class == SQLI_UNION && t[0].class == SQLI_NUMBER)
        return t[0].signed_;
    if (quote != 0 && t[1].class == SQLI_UNION)
        return selects_from(&t[2]);
    if (t[0].sign == '*' && t[1].sign == '/' && t[2].class == SQLI_UNION)
        return selects_from(&t[3]);
    if (t[0].class != SQLI_BRACE_OPEN)
        return false;
    while (t->class != SQLI_END && t->class != SQLI_BRACE_CLOSE)
        t++;
    return t->class != SQLI_END && t[1].class == SQLI_UNION && t[2].class == SQLI_SELECT;
}

/* 1) FROM a WHERE b=, 1 WHERE a=1 -- */
static bool has_where(const struct sqli_token *t)
{
    if (!is_constant(t))
        return false;
    if (t[1].class == SQLI_CLOSE)
        return t[2].role == ROLE_FROM && t[3].class == SQLI_NAME && t[4].role == ROLE_WHERE &&
               t[5].class == SQLI_NAME && t[6].class == SQLI_COMPARE;
    return t[1].role == ROLE_WHERE && t[2].class == SQLI_NAME && t[3].class == SQLI_COMPARE &&
           is_constant(&t[4]) && is_short_comment(&t[5]);
}

/* AND isnull(1.., 1 - ord('a'.. */
static bool begins_with_call(const struct sqli_token *t)
{
    if (t[0].class == SQLI_LOGIC)
        return is_function(&t[1]) && (is_constant(&t[3]) || t[3].class == SQLI_FUNCTION);
    return t[0].class == SQLI_NUMBER && t[1].class == SQLI_ARITHMETIC && is_function(&t[2]) &&
           t[4].class == SQLI_STRING && !t[4].open;
}

static bool is_assignment(const struct sqli_token *t)
{
    return t[0].class == SQLI_VARIABLE && t[0].text.len > 1 && t[1].class == SQLI_COMPARE &&
           is_constant(&t[2]) && t[3].class == SQLI_ARITHMETIC &&
           (is_constant(&t[4]) || t[4].class == SQLI_VARIABLE);
}

/* A closed string without a letter or digit: "<<", "=" and ">=" were quoted, not what is between.
 */
static bool is_inside_out(const struct sqli_row *row)
{
    for (size_t i = 1; i + 1 < row->count; i++) {
        const struct sqli_token *t = &row->at[i];
        bool word = t->class != SQLI_STRING || t->open;

        for (size_t n = 0; n < t->text.len && !word; n++)
            word = byte_is_alpha(t->text.at[n]) || byte_is_digit(t->text.at[n]);
        if (!word)
            return true;
    }
    return false;
}

/* SIZE 1 '#: words, white space, and a quote that opens. */
static bool opens(struct span closed)
{
    size_t words = 0;

    for (size_t i = 1; i < closed.len; i++)
        words += closed.at[i - 1] != ' ' && closed.at[i] == ' ';
    return closed.len > 1 && closed.at[closed.len - 2] == ' ' && words > 1;
}

static bool is_tag(const struct sqli_token *t)
{
    return t[0].class == SQLI_STRING && t[1].sign == '<' && t[2].class == SQLI_NAME &&
           t[3].sign == '>' && t[4].class == SQLI_STRING;
}

void sqli_note_marks(const struct sqli_row *row, struct sqli_facts *facts)
{
    const struct sqli_token *t = row->at;

    note_anywhere(row, facts);
    if (row->count < 2)
        return;
    facts->union_first = begins_with_union(row, facts->quote);
    facts->call_first = begins_with_call(t);
    facts->assignment = is_assignment(t);
    facts->unset_variable = t[0].class == SQLI_NUMBER && t[1].class == SQLI_COMPARE &&
                            t[2].class == SQLI_VARIABLE && t[2].text.len == 1;
    facts->escape = facts->escape || is_escape(t);
    facts->where = has_where(t);
    facts->having_constant =
        t[1].role == ROLE_HAVING && is_constant(&t[2]) && (facts->quote != 0 || t[0].signed_);
    facts->semicolon_comment =
        facts->quote != 0 && t[1].class == SQLI_SEMICOLON && is_short_comment(&t[row->count - 1]);
    facts->opens = facts->quote != 0 && opens(t[0].text);
    facts->markup = facts->quote != 0 && t[1].glued && t[1].class == SQLI_ARITHMETIC &&
                    t[2].class == SQLI_NAME &&
                    strchr(facts->quote == '"' ? "/*#~" : "/", t[1].sign) != NULL;
    if (facts->quote == '"') {
        facts->inside_out = is_inside_out(row);
        facts->tag = is_tag(t);
    }
}
