/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts text into the tokens of SQL, with the looseness of all databases together. Private to
 * sqli*.c. */
#ifndef SIDEGATE_RULES_MATCH_SQLI_TOKENS_H
#define SIDEGATE_RULES_MATCH_SQLI_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"

/* The value is the letter in a fingerprint. */
enum sqli_class {
    SQLI_END = 0,
    SQLI_NUMBER = '1',
    SQLI_STRING = 's',
    SQLI_NAME = 'n',
    SQLI_VARIABLE = 'v',
    SQLI_LITERAL = 'l', /* true, null, current_user: a value by itself */
    SQLI_FUNCTION = 'f',
    SQLI_ARITHMETIC = 'o',
    SQLI_COMPARE = '=',
    SQLI_LOGIC = '&',
    SQLI_NOT = '!',
    SQLI_UNARY = 'u', /* a word that stands before an operand; folded away */
    SQLI_UNION = 'U',
    SQLI_SELECT = 'E',
    SQLI_STATEMENT = 'S',
    SQLI_KEYWORD = 'k',
    SQLI_BY = 'B',      /* order by, group by: made by folding */
    SQLI_COMMENT = 'c', /* one that goes to the end; others are folded away */
    SQLI_OPEN = '(',
    SQLI_CLOSE = ')',
    SQLI_COMMA = ',',
    SQLI_SEMICOLON = ';',
    SQLI_DOT = '.',
    SQLI_COLON = ':',
    SQLI_BRACE_OPEN = '{',
    SQLI_BRACE_CLOSE = '}',
    SQLI_UNKNOWN = '?',
};

/* What a word does beside its class. */
enum sqli_role {
    ROLE_NONE,
    ROLE_ALL,
    ROLE_FROM,
    ROLE_WHERE,
    ROLE_HAVING,
    ROLE_LIMIT,
    ROLE_OFFSET,
    ROLE_INTO,
    ROLE_FILE,
    ROLE_INFILE,
    ROLE_AS,
    ROLE_ORDER,
    ROLE_BY,
    ROLE_JOIN,
    ROLE_ON,
    ROLE_DIRECTION,
    ROLE_FOR,
    ROLE_CASE,
    ROLE_WHEN,
    ROLE_THEN,
    ROLE_ELSE,
    ROLE_END,
    ROLE_TOP,
    ROLE_SET,
    ROLE_VALUES,
    ROLE_EXISTS,
    ROLE_OBJECT,
    ROLE_DELAY,
    ROLE_BETWEEN,
    ROLE_SOUNDS,
    ROLE_IS,
    ROLE_INSERT,
    ROLE_UPDATE,
    ROLE_DELETE,
    ROLE_DROP,
    ROLE_EXEC,
    ROLE_DECLARE,
    ROLE_SHUTDOWN,
    ROLE_WAITFOR,
    ROLE_IF,
    ROLE_SHOW,
    ROLE_IIF,
    ROLE_MATCH,
    ROLE_AGAINST,
    ROLE_BOOLEAN,
    ROLE_MODE,
    ROLE_MODIFIER, /* between a statement's first word and what it works on */
    ROLE_STRONG,   /* functions that prose does not call */
    ROLE_CATALOG,  /* tables that describe the database */
};

struct sqli_token {
    enum sqli_class class;
    enum sqli_role role;
    struct span text;
    bool behind_comment;
    bool at_comment; /* right behind one, without white space */
    bool glued;      /* no white space before it */
    bool open;       /* a string or comment without an end */
    char sign;       /* of an operator: its first byte; of a comment: - # or * */
    bool signed_;    /* folding took a unary operator away before it */
};

struct sqli_lexer {
    struct span text;
    size_t at;
    bool mysql;           /* # begins a comment, -- only before white space */
    bool dialects_differ; /* out: the other dialect would read this text otherwise */
    bool hidden;          /* out: there was a MySQL comment that is code */
    bool nested;          /* out: a comment began in a comment */
};

/* For '\'' and '"': the text begins in a string of that quote, which is the first token. */
void sqli_lexer_init(struct sqli_lexer *lexer, struct span text, bool mysql);
struct sqli_token sqli_first_string(struct sqli_lexer *lexer, char quote);
struct sqli_token sqli_next(struct sqli_lexer *lexer);

#endif
