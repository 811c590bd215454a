/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar: a folded row is walked as what follows an opened place of a statement, and facts are
 * noted. Private to sqli*.c. */
#ifndef SIDEGATE_RULES_MATCH_SQLI_WALK_H
#define SIDEGATE_RULES_MATCH_SQLI_WALK_H

#include "rules/match/sqli_fold.h"

struct sqli_facts {
    char quote;            /* the place: 0 bare, '\'' or '"' */
    enum sqli_class first; /* class of the first token */
    bool broken;           /* the grammar ended before the text */
    bool broken_at_start;  /* at the first token: no statement goes on like this */
    bool incomplete;       /* an operator was the last token */
    bool breaks_out;       /* a parenthesis was closed that the text had not opened */
    unsigned operators;    /* that joined two operands */
    unsigned constants;    /* numbers, strings, variables, true... among the operands */
    unsigned operands;     /* beside the string that is closed at the start */
    bool attribute;        /* the string that is closed at the start stands behind = */
    bool reopens;          /* ends in a string of the place's quote that has no end */
    bool reopens_signed;   /* and a sign stands before it: " = - " */
    bool has_comment;      /* ends in a comment */
    size_t comment_text;   /* bytes of it behind its mark, white space left out */
    bool comment_glued;    /* the text follows the mark at once */
    char comment_sign;

    bool logic;            /* AND, OR, XOR, &&, || */
    bool compare;          /* a comparison */
    bool compare_constant; /* with a constant on a side */
    bool compare_both;     /* of two constants, or of a thing with itself */
    bool logic_constant;   /* true, false, null, or a signed or glued name behind AND or OR */
    bool logic_number;     /* a number behind AND or OR */
    bool logic_call;       /* a call of an SQL function behind AND, OR, or an operator */
    bool nested_calls;     /* an SQL function right inside another one's parentheses */
    bool subselect;        /* ( SELECT with a list that is no prose */
    bool statement;        /* ; and a statement */
    bool whole_statement;  /* the text is a statement from its start */
    bool by_constant;      /* ORDER BY or GROUP BY a constant or an expression */
    bool by;
    bool having;
    bool limits;      /* LIMIT with a number */
    bool whens;       /* CASE ... WHEN ... THEN */
    bool ended;       /* and END */
    bool sp_password; /* in a comment: hides the statement from a log of SQL Server */
    unsigned closes;  /* parentheses closed that the text had not opened */

    /* Noted by sqli_marks.c, for which the grammar does not matter: */
    bool union_select;      /* wherever it stands: UNION SELECT with a list that is no prose */
    bool union_names;       /* or of names */
    bool union_begun;       /* UNION behind a comment, or UNION SELECT, as the last token */
    bool strong_call;       /* wherever it stands: sleep(5), waitfor delay '..', into outfile */
    bool union_first;       /* -1 UNION, x' UNION SELECT .. FROM, {x} UNION SELECT */
    bool subselect_from;    /* ( SELECT .. FROM behind a comment, or where a condition stands */
    bool select_condition;  /* 1 AND SELECT a FROM b -- */
    bool probe;             /* behind AND or OR: substring(@@version, ascii(lower( */
    bool call_first;        /* AND isnull(1.. as the first, 1 - ord('a'.. */
    bool server_fact;       /* mid(@@hostname */
    bool group_call;        /* GROUP BY concat(floor( */
    bool stuck_logic;       /* AND or OR right behind an operand's comment */
    bool where;             /* 1) FROM a WHERE b=, 1 WHERE a=1 -- */
    bool having_constant;   /* -1 HAVING 1 */
    bool semicolon_comment; /* '; ... -- */
    bool assignment;        /* @a = null + */
    bool inside_out;        /* what stands between the quotes is punctuation: they are others' */
    bool unset_variable;    /* 1<@ */
    bool escape;            /* {`a` 1}, OR {if length(: ODBC's braces, which MySQL takes */
    bool opens;             /* words and white space stand before the quote: it does not close */
    bool markup; /* the string is closed right before / * # or ~: "/usr/share/", "*name*" */
    bool tag;    /* "<a>" */
};

/* Does any statement have the token behind a string? */
bool sqli_may_follow_string(const struct sqli_token *token);

void sqli_walk(const struct sqli_row *row, char quote, struct sqli_facts *facts);

#endif
