/* SPDX-License-Identifier: Apache-2.0 */
/* Statements other than expressions, told from sentences by their second and third token. */
#include "rules/match/sqli_statement.h"

static bool is_end(const struct sqli_token *at)
{
    return at->class == SQLI_END || at->class == SQLI_COMMENT || at->class == SQLI_SEMICOLON;
}

static bool is_name(const struct sqli_token *at)
{
    return at->class == SQLI_NAME || at->class == SQLI_FUNCTION || at->class == SQLI_VARIABLE;
}

/* A word between quotes ('print') would else be a statement with a string behind it. */
static bool is_closed_string(const struct sqli_token *at)
{
    return at->class == SQLI_STRING && !at->open;
}

/* Is there a token of the role before the statement ends? */
bool sqli_has_role(const struct sqli_token *at, enum sqli_role role)
{
    for (; at->class != SQLI_END && at->class != SQLI_SEMICOLON; at++)
        if (at->role == role)
            return true;
    return false;
}

bool sqli_has_class(const struct sqli_token *at, enum sqli_class class)
{
    for (; at->class != SQLI_END && at->class != SQLI_SEMICOLON; at++)
        if (at->class == class)
            return true;
    return false;
}

static bool goes_on_as_list(const struct sqli_token *at)
{
    switch ((int)at->class) {
    case SQLI_COMMA:
    case SQLI_CLOSE:
    case SQLI_COMMENT:
    case SQLI_SEMICOLON:
    case SQLI_COMPARE:
    case SQLI_ARITHMETIC: return true;
    case SQLI_KEYWORD: return at->role == ROLE_FROM || at->role == ROLE_INTO || at->role == ROLE_AS;
    default: return false;
    }
}

static enum sqli_list names_list(const struct sqli_token *at)
{
    if (at->sign == '*' || at->sign == '.' || at->signed_ || at->role == ROLE_CATALOG ||
        (at[1].class == SQLI_OPEN && at[1].glued))
        return LIST_SERIOUS;
    if (sqli_has_role(at, ROLE_CATALOG))
        return LIST_SERIOUS;
    return goes_on_as_list(&at[1]) ? LIST_NAMES : LIST_NONE;
}

enum sqli_list sqli_select_list(const struct sqli_token *at)
{
    while (at->class == SQLI_OPEN)
        at++;
    switch ((int)at->class) {
    case SQLI_NUMBER:
    case SQLI_STRING:
    case SQLI_VARIABLE:
    case SQLI_LITERAL:
    case SQLI_FUNCTION:
    case SQLI_SELECT: return LIST_SERIOUS;
    case SQLI_COMPARE: /* like(a, b) is a call to some */
        return byte_is_alpha(at->sign) && at[1].class == SQLI_OPEN && at[1].glued ? LIST_SERIOUS
                                                                                  : LIST_NONE;
    case SQLI_KEYWORD:
        if (at->role == ROLE_FROM) /* PostgreSQL takes an empty list */
            return at[1].role == ROLE_CATALOG ? LIST_SERIOUS : LIST_NONE;
        return at->role == ROLE_CASE ? LIST_SERIOUS : LIST_NONE;
    case SQLI_BRACE_OPEN: /* {x a} */
        return at[1].class == SQLI_NAME && sqli_has_role(at, ROLE_CATALOG) ? LIST_SERIOUS
                                                                           : LIST_NONE;
    case SQLI_STATEMENT:
        return at->role == ROLE_IF && at[1].class == SQLI_OPEN ? LIST_SERIOUS : LIST_NONE;
    case SQLI_NAME: return names_list(at);
    default: return LIST_NONE;
    }
}

/* A mark and nothing behind it. */
static bool is_bare_comment(const struct sqli_token *at)
{
    return at->class == SQLI_COMMENT && at->text.len <= 3;
}

/* DROP TABLE x, CREATE DATABASE x, TRUNCATE x, DROP x -- */
static bool is_drop(const struct sqli_token *at)
{
    if (at[1].role == ROLE_OBJECT && (is_name(&at[2]) || at[2].class == SQLI_STATEMENT))
        return true;
    if (byte_lower(at->sign) == 'd' && is_name(&at[1]) && is_bare_comment(&at[2]))
        return true;
    return byte_lower(at->sign) == 't' && is_name(&at[1]) && is_end(&at[2]);
}

static bool is_execute(const struct sqli_token *at)
{
    if (at[1].class == SQLI_OPEN || is_closed_string(&at[1]) || at[1].role == ROLE_STRONG)
        return true;
    if (at[1].role == ROLE_AS)
        return at[2].role == ROLE_OBJECT;
    return is_name(&at[1]) && (is_end(&at[2]) || at[2].class == SQLI_OPEN ||
                               at[2].class == SQLI_STRING || at[2].class == SQLI_VARIABLE);
}

/* EXISTS(1), EXISTS(SELECT, EXISTS( and the end. */
static bool is_existence(const struct sqli_token *at)
{
    return at->role == ROLE_EXISTS && at[1].class == SQLI_OPEN &&
           (at[2].class == SQLI_NUMBER || at[2].class == SQLI_SELECT ||
            at[2].class == SQLI_COMMENT);
}

/* IF (..) IF EXISTS(..) BEGIN x( */
static bool is_block(const struct sqli_token *at)
{
    if (is_existence(&at[1]))
        return true;
    if (at[1].class == SQLI_OPEN || at[1].role == ROLE_EXISTS)
        return sqli_has_class(at, SQLI_COMPARE) || sqli_has_class(at, SQLI_SELECT);
    return is_name(&at[1]) && at[2].class == SQLI_OPEN;
}

/* PRINT 'x', DO (1=1), SHOW x, LOAD DATA INFILE 'x': only what no sentence says. */
static bool is_other(const struct sqli_token *at)
{
    if (sqli_has_role(at, ROLE_INFILE))
        return true;
    return at[1].class == SQLI_OPEN && at[1].glued ? sqli_has_class(at, SQLI_COMPARE)
                                                   : is_closed_string(&at[1]) && is_end(&at[2]);
}

bool sqli_is_statement(const struct sqli_token *at)
{
    switch ((int)at->role) {
    case ROLE_INSERT: return at[1].role == ROLE_INTO && is_name(&at[2]);
    case ROLE_UPDATE: return is_name(&at[1]) && at[2].role == ROLE_SET;
    case ROLE_DELETE: return at[1].role == ROLE_FROM && is_name(&at[2]);
    case ROLE_DROP: return is_drop(at);
    case ROLE_EXEC: return is_execute(at);
    case ROLE_DECLARE: return at[1].class == SQLI_VARIABLE;
    case ROLE_SET: return at[1].class == SQLI_VARIABLE && at[2].class == SQLI_COMPARE;
    case ROLE_SHUTDOWN: return is_end(&at[1]) || at[1].class == SQLI_KEYWORD;
    case ROLE_WAITFOR: return at[1].role == ROLE_DELAY;
    case ROLE_IF: return is_block(at);
    case ROLE_SHOW: return is_other(at);
    default: break;
    }
    if (at->class != SQLI_SELECT)
        return false;
    switch (sqli_select_list(&at[1])) {
    case LIST_SERIOUS: return true;
    case LIST_NAMES: return sqli_has_role(at, ROLE_FROM);
    case LIST_NONE: break;
    }
    return false;
}

/* item(s): the plural, as forms write it. */
static bool is_plural(const struct sqli_token *at)
{
    return at[1].class == SQLI_OPEN && at[2].class == SQLI_NAME && at[2].text.len <= 2 &&
           byte_lower(at[2].text.at[at[2].text.len - 1]) == 's' && at[2].glued &&
           at[3].class == SQLI_CLOSE;
}

/* SELECT with a call, a variable, *, or a longer list FROM somewhere. */
static bool is_whole_select(const struct sqli_token *at)
{
    const struct sqli_token *first = &at[1];
    bool list = sqli_has_class(at, SQLI_COMMA) || sqli_has_class(at, SQLI_ARITHMETIC) ||
                sqli_has_class(at, SQLI_OPEN);

    if (sqli_select_list(first) == LIST_NONE || is_plural(first))
        return false;
    if (first->class == SQLI_VARIABLE || (first->class == SQLI_FUNCTION && first[1].glued))
        return true;
    if (!sqli_has_role(at, ROLE_FROM))
        return false;
    return list || first->sign == '*' || span_starts_nocase(first->text, SPAN("0x")) ||
           sqli_has_class(at, SQLI_COMPARE) || first->signed_ || sqli_has_role(at, ROLE_CATALOG);
}

static bool is_whole_execute(const struct sqli_token *at)
{
    if (!is_execute(at))
        return false;
    return at[1].role == ROLE_STRONG || at[1].class == SQLI_VARIABLE ||
           (at[1].class == SQLI_OPEN && at[2].class == SQLI_VARIABLE) ||
           span_starts_nocase(at[1].text, SPAN("xp_")) ||
           (span_starts_nocase(at[1].text, SPAN("sp_")) && at[2].class == SQLI_VARIABLE);
}

bool sqli_is_whole_select(const struct sqli_token *at)
{
    bool signs = false;
    const struct sqli_token *last = at;

    if (at->class != SQLI_SELECT || sqli_select_list(&at[1]) != LIST_SERIOUS)
        return false;
    if (at[1].class == SQLI_NAME && at[1].sign != '`')
        return false; /* option(s) */
    if (is_plural(&at[1]))
        return false;
    for (; last[1].class != SQLI_END; last++)
        signs = signs || last[1].signed_;
    if (last->class == SQLI_SEMICOLON && (signs || sqli_has_role(at, ROLE_FROM)))
        return true;
    return sqli_has_class(at, SQLI_OPEN) || sqli_has_class(at, SQLI_CLOSE);
}

bool sqli_is_whole_statement(const struct sqli_token *at)
{
    switch ((int)at->role) {
    case ROLE_INSERT:
        return sqli_is_statement(at) &&
               (sqli_has_role(at, ROLE_VALUES) || sqli_has_class(at, SQLI_SELECT));
    case ROLE_UPDATE: return sqli_is_statement(at) && sqli_has_class(at, SQLI_COMPARE);
    case ROLE_DELETE:
        return sqli_is_statement(at) && (sqli_has_role(at, ROLE_WHERE) || is_end(&at[3])) &&
               at[3].class != SQLI_END;
    case ROLE_DROP: return is_drop(at) && is_end(&at[3]);
    case ROLE_EXEC: return is_whole_execute(at);
    case ROLE_IF: return at[2].glued && is_existence(&at[1]);
    case ROLE_DECLARE:
    case ROLE_SET:
    case ROLE_WAITFOR: return sqli_is_statement(at);
    default: return at->class == SQLI_SELECT && is_whole_select(at);
    }
}

/* The first argument, and that it is one: sleep(5), not "sleep (5 hours)". */
static bool is_argument(const struct sqli_token *at)
{
    switch ((int)at->class) {
    case SQLI_NUMBER: return at[1].class != SQLI_NAME || at[1].glued;
    case SQLI_STRING:
    case SQLI_VARIABLE:
    case SQLI_SELECT:
    case SQLI_LITERAL:
    case SQLI_FUNCTION:
    case SQLI_OPEN: return true;
    case SQLI_NAME: return at[1].class == SQLI_COMMA;
    case SQLI_STATEMENT: return at->role == ROLE_IF && at[1].class == SQLI_OPEN;
    default: return false;
    }
}

static bool is_constant(const struct sqli_token *at)
{
    return at->class == SQLI_NUMBER || at->class == SQLI_STRING;
}

/* IF(1=1, a, b) */
static bool is_choice(const struct sqli_token *at)
{
    return (at->role == ROLE_IF || at->role == ROLE_IIF) && at[1].class == SQLI_OPEN &&
           is_constant(&at[2]) && at[3].class == SQLI_COMPARE && is_constant(&at[4]) &&
           at[5].class == SQLI_COMMA;
}

bool sqli_is_strong(const struct sqli_token *at)
{
    if (is_choice(at))
        return true;
    if (at->class == SQLI_FUNCTION && at->role == ROLE_STRONG)
        return at[1].class == SQLI_OPEN && is_argument(&at[2]);
    if (at->role == ROLE_WAITFOR)
        return at[1].role == ROLE_DELAY &&
               (at[2].class == SQLI_STRING || at[2].class == SQLI_VARIABLE);
    if (at->role == ROLE_DECLARE)
        return at[1].class == SQLI_VARIABLE && at[1].text.len > 1 &&
               (at[2].class == SQLI_NAME || at[2].class == SQLI_FUNCTION || at[2].role == ROLE_AS);
    return at->role == ROLE_INTO && at[1].role == ROLE_FILE;
}
