/* SPDX-License-Identifier: Apache-2.0 */
/* Folding happens while tokens arrive: each is either put behind the row or changes its end. */
#include "rules/match/sqli_fold.h"

/* The row while it is made. */
struct folding {
    struct sqli_row *row;
    bool signed_;   /* a unary operator was taken away just before */
    bool dotted;    /* the last token was the dot of a name */
    bool commented; /* `comment` was taken away just before */
    struct sqli_token comment;
};

bool sqli_ends_operand(const struct sqli_token *token)
{
    switch ((int)token->class) {
    case SQLI_NUMBER:
    case SQLI_STRING:
    case SQLI_NAME:
    case SQLI_VARIABLE:
    case SQLI_LITERAL:
    case SQLI_FUNCTION:
    case SQLI_CLOSE:
    case SQLI_BRACE_CLOSE: return true;
    case SQLI_KEYWORD: return token->role == ROLE_END || token->role == ROLE_DIRECTION;
    default: return false;
    }
}

/* The n-th token from the end, 1 being the last; NULL beyond the start. */
static struct sqli_token *last(const struct folding *f, size_t n)
{
    return f->row->count >= n ? &f->row->at[f->row->count - n] : NULL;
}

static bool is_last(const struct folding *f, size_t n, enum sqli_class class)
{
    return f->row->count >= n && last(f, n)->class == class;
}

static bool has_operand(const struct folding *f)
{
    return f->row->count > 0 && sqli_ends_operand(last(f, 1));
}

static bool is_simple(const struct sqli_token *token)
{
    return token->class == SQLI_NUMBER || token->class == SQLI_STRING ||
           token->class == SQLI_LITERAL || token->class == SQLI_NAME ||
           token->class == SQLI_VARIABLE;
}

static bool is_word(const struct sqli_token *token)
{
    return token->text.len > 0 && (byte_is_alpha(token->text.at[0]) || token->text.at[0] == '_' ||
                                   token->text.at[0] == '`' || token->text.at[0] == '[');
}

static bool is_telling(const struct sqli_token *token)
{
    switch ((int)token->class) {
    case SQLI_NUMBER:
    case SQLI_STRING:
    case SQLI_NAME:
    case SQLI_LITERAL:
    case SQLI_ARITHMETIC:
    case SQLI_COMPARE:
    case SQLI_COMMA:
    case SQLI_DOT:
    case SQLI_COLON:
    case SQLI_UNKNOWN: return false;
    default: return true;
    }
}

static void put(struct folding *f, struct sqli_token token)
{
    token.signed_ = f->signed_;
    f->signed_ = false;
    f->row->telling = f->row->telling || is_telling(&token);
    if (f->row->count < SQLI_ROW)
        f->row->at[f->row->count++] = token;
}

/* Where an operand has to come these say something about it; behind one they join two. Returns
 * whether nothing is left to be put. */
static bool fold_sign(struct folding *f, struct sqli_token *token)
{
    bool joins = has_operand(f);

    switch ((int)token->class) {
    case SQLI_NOT: f->signed_ = f->signed_ || !joins; return true;
    case SQLI_UNARY:
        if (token->sign == '\\' || !joins) {
            f->signed_ = f->signed_ || token->sign != '\\';
            return true;
        }
        token->class = token->sign == '~' ? SQLI_COMPARE : SQLI_ARITHMETIC;
        return false;
    case SQLI_COMPARE: /* !~1 */
        if (joins || !span_is(token->text, SPAN("!~")))
            return false;
        f->signed_ = true;
        return true;
    case SQLI_ARITHMETIC:
        if (joins)
            return false;
        if (token->sign == '*')
            token->class = SQLI_NAME; /* count(*) */
        if (token->sign != '+' && token->sign != '-')
            return false;
        f->signed_ = true;
        return true;
    default: return false;
    }
}

/* The second word of a pair. */
static bool fold_pair(struct folding *f, const struct sqli_token *token)
{
    struct sqli_token *before = last(f, 1);

    if (before == NULL)
        return false;
    if (token->role == ROLE_ALL && (before->class == SQLI_UNION || before->class == SQLI_SELECT))
        return true;
    if (token->role == ROLE_BY && before->role == ROLE_ORDER) {
        before->class = SQLI_BY;
        return true;
    }
    if (before->role == ROLE_SOUNDS && token->class == SQLI_COMPARE && is_word(token)) {
        before->class = SQLI_COMPARE;
        return true;
    }
    if (before->role == ROLE_TOP && token->class == SQLI_NUMBER && is_last(f, 2, SQLI_SELECT)) {
        f->row->count--;
        return true;
    }
    if (before->class == SQLI_STRING && token->class == SQLI_STRING) {
        before->open = token->open;
        before->sign = token->sign;
        return true;
    }
    if (token->role == ROLE_UPDATE && before->role == ROLE_FOR) {
        f->row->count--;
        return true;
    }
    return token->role == ROLE_MODIFIER && before->class == SQLI_STATEMENT;
}

/* The words of a full-text search. */
static bool fold_search(struct folding *f, const struct sqli_token *token)
{
    struct sqli_token *before = last(f, 1), *first = last(f, 2);

    if (first == NULL)
        return false;
    if (token->role == ROLE_MODE && before->role == ROLE_BOOLEAN && first->class == SQLI_COMPARE) {
        f->row->count -= 2;
        return true;
    }
    if (token->role == ROLE_AGAINST && before->class == SQLI_NAME && first->role == ROLE_MATCH) {
        first->class = SQLI_FUNCTION;
        f->row->count--;
        return true;
    }
    if (token->class == SQLI_OPEN && before->role == ROLE_AGAINST && first->class == SQLI_CLOSE)
        before->class = SQLI_COMPARE;
    return false;
}

/* A dot, and the name behind one. */
static bool fold_dot(struct folding *f, struct sqli_token *token)
{
    if (token->class == SQLI_DOT) {
        f->dotted = true;
        return f->row->count == 0 || is_word(last(f, 1)) || !has_operand(f);
    }
    if (!f->dotted)
        return false;
    f->dotted = false;
    if (!is_word(token) && token->sign != '*')
        return false;
    if (token->class != SQLI_FUNCTION)
        token->class = SQLI_NAME;
    if (f->row->count == 0 || !is_word(last(f, 1)))
        return false;
    if (is_last(f, 1, SQLI_SELECT) && is_last(f, 2, SQLI_UNION))
        return false; /* SELECT.`a` */
    if (last(f, 1)->role == ROLE_CATALOG)
        token->role = ROLE_CATALOG;
    last(f, 1)->class = token->class;
    last(f, 1)->role = token->role;
    return true;
}

/* A number behind number and operator, an item behind a list of two. */
static void shorten(struct folding *f, const struct sqli_token *token)
{
    if (token->class == SQLI_NUMBER && is_last(f, 1, SQLI_ARITHMETIC) &&
        is_last(f, 2, SQLI_NUMBER)) {
        f->signed_ = last(f, 2)->signed_;
        f->row->count -= 2;
    }
    if (is_simple(token) && is_last(f, 1, SQLI_COMMA) && f->row->count >= 3 &&
        is_simple(last(f, 2)) && is_last(f, 3, SQLI_COMMA))
        f->row->count -= 2;
}

/* (1) behind an operator; -(1) at the start. */
static bool fold_parentheses(struct folding *f, const struct sqli_token *token)
{
    const struct sqli_token *inside = last(f, 1), *open = last(f, 2), *before = last(f, 3);
    struct sqli_token kept;

    if (token->class != SQLI_CLOSE || open == NULL || open->class != SQLI_OPEN)
        return false;
    if (inside->class != SQLI_NUMBER && inside->class != SQLI_STRING &&
        inside->class != SQLI_LITERAL)
        return false;
    if (before == NULL && !open->signed_)
        return false;
    if (before != NULL && before->class != SQLI_LOGIC && before->class != SQLI_COMPARE &&
        before->class != SQLI_ARITHMETIC && before->class != SQLI_SELECT &&
        before->class != SQLI_COMMA)
        return false;
    kept = *inside;
    kept.glued = open->glued;
    kept.behind_comment = open->behind_comment;
    f->signed_ = inside->signed_ || open->signed_;
    f->row->count -= 2;
    shorten(f, &kept);
    put(f, kept);
    return true;
}

static void fold_token(struct folding *f, struct sqli_token token)
{
    token.behind_comment = f->commented;
    token.at_comment = f->commented && token.glued;
    if (f->commented)
        token.glued = false;
    if (fold_dot(f, &token))
        return;
    if (is_last(f, 1, SQLI_FUNCTION) && token.class != SQLI_OPEN)
        last(f, 1)->class = SQLI_NAME;
    if ((is_last(f, 1, SQLI_NAME) || is_last(f, 1, SQLI_LITERAL)) && token.class == SQLI_OPEN &&
        last(f, 1)->role == ROLE_OBJECT)
        last(f, 1)->class = SQLI_FUNCTION; /* user(), database() */
    if (fold_sign(f, &token) || fold_pair(f, &token) || fold_search(f, &token) ||
        fold_parentheses(f, &token))
        return;
    shorten(f, &token);
    put(f, token);
}

void sqli_fold(struct span text, char quote, bool mysql, struct sqli_row *row)
{
    struct folding f = {.row = row};
    struct sqli_lexer lexer;

    row->count = 0;
    row->telling = false;
    sqli_lexer_init(&lexer, text, mysql);
    if (quote != 0)
        put(&f, sqli_first_string(&lexer, quote));
    while (row->count < SQLI_ROW) {
        struct sqli_token token = sqli_next(&lexer);

        if (token.class == SQLI_END)
            break;
        if (token.class == SQLI_COMMENT && !token.open) {
            f.commented = true;
            f.comment = token;
            continue;
        }
        fold_token(&f, token);
        f.commented = false;
    }
    if (f.commented)
        put(&f, f.comment); /* one that ends with the text goes to its end */
    if (is_last(&f, 1, SQLI_FUNCTION))
        last(&f, 1)->class = SQLI_NAME;
    row->at[row->count] = (struct sqli_token){.class = SQLI_END};
    row->dialects_differ = lexer.dialects_differ;
    row->hidden = lexer.hidden;
    row->nested = lexer.nested;
}
