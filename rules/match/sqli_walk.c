/* SPDX-License-Identifier: Apache-2.0 */
/* Two states: an operand has to come, or one stood here. One function for each, which takes a token
 * and says what comes next. */
#include "rules/match/sqli_walk.h"

#include "rules/match/sqli_marks.h"
#include "rules/match/sqli_statement.h"

enum { CLASSES = 128 }; /* letters of sqli_class */

enum next {
    WANT_OPERAND,
    WANT_OPERATOR,
    BROKEN, /* no statement goes on like this */
    OVER,   /* the rest is a comment */
};

struct walk {
    const struct sqli_row *row;
    const struct sqli_token *at;
    struct sqli_facts *facts;
    const struct sqli_token *joined; /* the operator between two operands; NULL: none yet */
    bool logic_joined;               /* it was AND, OR... */
    bool between;                    /* the next AND belongs to BETWEEN */
    bool selecting;                  /* a SELECT came: names may follow operands as aliases */
    bool aliased;                    /* one just did */
    bool cased;                      /* CASE ... */
    unsigned depth;                  /* open parentheses */
    const struct sqli_token *left;   /* the operand before `joined` */
};

static bool is_constant(const struct sqli_token *token)
{
    return token->class == SQLI_NUMBER || token->class == SQLI_STRING ||
           token->class == SQLI_LITERAL || token->class == SQLI_VARIABLE;
}

static bool is_call(const struct sqli_token *token)
{
    return (token->class == SQLI_FUNCTION || token->class == SQLI_NAME ||
            (token->class == SQLI_COMPARE && byte_is_alpha(token->sign) && token[1].glued) ||
            (token->class == SQLI_STATEMENT &&
             (token->role == ROLE_IF || token->role == ROLE_INSERT))) &&
           token[1].class == SQLI_OPEN;
}

/* cos(3)=sin(4), connection_id()=connection_id(): `right` is the second's name. */
static bool compares_calls(const struct walk *w, const struct sqli_token *right)
{
    const struct sqli_token *close = w->left;

    if (close - w->row->at >= 3 && is_constant(&close[-1]) && close[-2].class == SQLI_OPEN &&
        close[-3].class == SQLI_FUNCTION)
        return right[2].class != SQLI_END && is_constant(&right[2]) && right[3].class == SQLI_CLOSE;
    if (close - w->row->at < 2 || close[-1].class != SQLI_OPEN || right[2].class != SQLI_CLOSE)
        return false;
    return span_is_nocase(close[-2].text, right->text) ||
           (close[-2].role == ROLE_OBJECT && right->role == ROLE_OBJECT);
}

/* 1.1-1~bpo70: a version */
static bool is_version(const struct walk *w, const struct sqli_token *right)
{
    return w->joined->sign == '~' && w->joined->glued && w->left != NULL &&
           w->left->class == SQLI_NUMBER && right->class == SQLI_NAME;
}

/* Both sides of a comparison are there. */
static void note_comparison(const struct walk *w, const struct sqli_token *right)
{
    struct sqli_facts *facts = w->facts;
    const struct sqli_token *left = w->left;
    bool here = right->class == SQLI_FUNCTION || is_constant(right) || right->signed_;
    bool there = left != NULL && is_constant(left);
    bool closed = left != NULL && left->class == SQLI_CLOSE;
    bool same = left != NULL && left->text.len > 0 && span_is_nocase(left->text, right->text);

    if (is_version(w, right))
        return;
    if (closed && right->class == SQLI_FUNCTION)
        facts->compare_both = facts->compare_both || compares_calls(w, right);
    facts->compare = true;
    facts->compare_constant = facts->compare_constant || here || there || closed;
    facts->compare_both = facts->compare_both || (here && there) || same;
}

/* What stands behind AND or OR. */
static void note_logic(const struct walk *w, const struct sqli_token *right)
{
    struct sqli_facts *facts = w->facts;
    bool glued = w->joined->glued && w->left != NULL && w->left->class == SQLI_NUMBER &&
                 byte_is_alpha(w->joined->sign);

    if (right->class == SQLI_LITERAL || (right->class == SQLI_NAME && (right->signed_ || glued)))
        facts->logic_constant = true;
    if (right->class == SQLI_NUMBER)
        facts->logic_number = true;
}

static void note_operand(const struct walk *w, const struct sqli_token *operand)
{
    struct sqli_facts *facts = w->facts;

    facts->operands++;
    facts->constants += is_constant(operand);
    if (w->joined == NULL)
        return;
    if (w->joined->class == SQLI_COMPARE)
        note_comparison(w, operand);
    if (w->logic_joined)
        note_logic(w, operand);
    if (operand->class == SQLI_FUNCTION)
        facts->logic_call = true;
}

static const struct sqli_token *before(const struct walk *w)
{
    return w->at > w->row->at ? w->at - 1 : NULL;
}

/* SELECT where an operand has to come: after ( or AND, after UNION, or at the start. */
static enum next on_select(struct walk *w)
{
    const struct sqli_token *left = before(w);
    enum sqli_list list = sqli_select_list(&w->at[1]);

    w->selecting = true;
    w->joined = NULL;
    if (left != NULL && list == LIST_SERIOUS &&
        (left->class == SQLI_OPEN || left->class == SQLI_LOGIC))
        w->facts->subselect = true;
    if (left != NULL && left->class == SQLI_OPEN && list == LIST_NAMES)
        for (const struct sqli_token *t = w->at; t->class != SQLI_END; t++)
            w->facts->subselect = w->facts->subselect || t->role == ROLE_FROM;
    return list == LIST_NONE && w->at[1].class != SQLI_END ? BROKEN : WANT_OPERAND;
}

static enum next on_call(struct walk *w)
{
    const struct sqli_token *left = before(w);

    note_operand(w, w->at);
    /* ascii(substring( : the token before is a parenthesis, and what opened it a function. */
    if (w->at->class == SQLI_FUNCTION && left != NULL && left->class == SQLI_OPEN &&
        left > w->row->at && left[-1].class == SQLI_FUNCTION)
        w->facts->nested_calls = true;
    w->at++; /* the parenthesis */
    w->depth++;
    w->joined = NULL;
    return WANT_OPERAND;
}

static enum next on_close(struct walk *w)
{
    if (w->depth > 0)
        w->depth--;
    else {
        w->facts->breaks_out = true;
        w->facts->closes++;
    }
    return WANT_OPERATOR;
}

static enum next on_comment(struct walk *w)
{
    struct span text = w->at->text;
    size_t mark = w->at->sign == '#' || w->at->sign == '`' ? 1 : 2;
    struct span rest = span_from(text, mark);
    struct span trimmed = span_trim(rest, " \t\r\n+");

    w->facts->has_comment = true;
    w->facts->sp_password = span_find_nocase(text, SPAN("sp_password")) != SPAN_NONE;
    w->facts->comment_sign = w->at->sign;
    w->facts->comment_text = trimmed.len;
    w->facts->comment_glued = rest.len > 0 && rest.at[0] != ' ';
    return OVER;
}

/* The first word of a statement, at the start or behind a semicolon; or T-SQL, which needs none. */
static enum next on_statement(struct walk *w)
{
    bool first = w->at == w->row->at;

    if (first)
        w->facts->whole_statement = sqli_is_whole_statement(w->at);
    else if (sqli_is_statement(w->at))
        w->facts->statement = true;
    w->selecting = true;
    w->joined = NULL;
    return WANT_OPERAND;
}

static enum next on_keyword_first(struct walk *w)
{
    switch ((int)w->at->role) {
    case ROLE_CASE: w->cased = true; return WANT_OPERAND;
    case ROLE_WHEN: return w->cased ? WANT_OPERAND : BROKEN;
    case ROLE_EXISTS:
    case ROLE_ALL: return WANT_OPERAND;
    case ROLE_FROM: return w->selecting ? WANT_OPERAND : BROKEN;
    case ROLE_SET:
    case ROLE_INTO:
    case ROLE_HAVING:
    case ROLE_LIMIT:
    case ROLE_WHERE: return w->at == w->row->at && w->at->role != ROLE_SET ? BROKEN : WANT_OPERAND;
    default: return BROKEN;
    }
}

static bool at_statement_start(const struct walk *w)
{
    return w->at == w->row->at || w->at[-1].class == SQLI_SEMICOLON;
}

static enum next first_operand(struct walk *w)
{
    note_operand(w, w->at);
    return WANT_OPERATOR;
}

static enum next first_open(struct walk *w)
{
    w->depth++;
    return WANT_OPERAND;
}

static enum next first_brace(struct walk *w)
{
    (void)w;
    return WANT_OPERAND;
}

/* Nothing between parentheses, or nothing before one that the text closes for somebody else. */
static enum next first_close(struct walk *w)
{
    const struct sqli_token *left = before(w);
    bool empty = left == NULL || left->class == SQLI_OPEN || left->class == SQLI_CLOSE;

    return empty ? on_close(w) : BROKEN;
}

static enum next first_select(struct walk *w)
{
    return at_statement_start(w) ? on_statement(w) : on_select(w);
}

static enum next first_statement(struct walk *w)
{
    return at_statement_start(w) || w->selecting ? on_statement(w) : BROKEN;
}

static enum next first_keyword(struct walk *w)
{
    return w->at->role == ROLE_SET && at_statement_start(w) ? on_statement(w) : on_keyword_first(w);
}

static enum next first_union(struct walk *w)
{
    const struct sqli_token *left = before(w);

    return left == NULL || left->class == SQLI_OPEN ? WANT_OPERAND : BROKEN;
}

static enum next first_logic(struct walk *w)
{
    w->facts->logic = true;
    return at_statement_start(w) ? WANT_OPERAND : BROKEN;
}

static enum next first_semicolon(struct walk *w)
{
    return at_statement_start(w) ? WANT_OPERAND : BROKEN;
}

static enum next first_comment(struct walk *w)
{
    w->facts->incomplete = !at_statement_start(w);
    return on_comment(w);
}

/* A place for a bound value. */
static enum next first_unknown(struct walk *w)
{
    return w->at->sign == '?' ? WANT_OPERATOR : BROKEN;
}

typedef enum next take(struct walk *w);

/* What to do with a class of token where an operand has to come; NULL: no statement has it there.
 */
static take *const first[CLASSES] = {
    [SQLI_NUMBER] = first_operand,   [SQLI_STRING] = first_operand,
    [SQLI_NAME] = first_operand,     [SQLI_VARIABLE] = first_operand,
    [SQLI_LITERAL] = first_operand,  [SQLI_OPEN] = first_open,
    [SQLI_BRACE_OPEN] = first_brace, [SQLI_CLOSE] = first_close,
    [SQLI_SELECT] = first_select,    [SQLI_STATEMENT] = first_statement,
    [SQLI_KEYWORD] = first_keyword,  [SQLI_UNION] = first_union,
    [SQLI_LOGIC] = first_logic,      [SQLI_SEMICOLON] = first_semicolon,
    [SQLI_COMMENT] = first_comment,  [SQLI_UNKNOWN] = first_unknown,
};

static enum next want_operand(struct walk *w)
{
    take *const with = first[w->at->class];

    if (is_call(w->at) && !(w->at->role == ROLE_IF && at_statement_start(w)))
        return on_call(w);
    return with == NULL ? BROKEN : with(w);
}

static enum next on_operator(struct walk *w)
{
    bool logic = w->at->class == SQLI_LOGIC;

    w->left = w->joined != NULL && w->left != NULL && w->at->class == SQLI_ARITHMETIC ? w->left
                                                                                      : before(w);
    if (logic && w->between) {
        w->between = false;
        return WANT_OPERAND;
    }
    w->between = w->between || w->at->role == ROLE_BETWEEN;
    w->facts->operators++;
    w->facts->logic = w->facts->logic || logic;
    w->logic_joined = logic;
    w->joined = w->at;
    return WANT_OPERAND;
}

/* Where a keyword may stand behind an operand. */
enum place { NOWHERE, ANYWHERE, IN_CASE, IN_STATEMENT, IN_STATEMENT_OR_CALL };

static const enum place places[ROLE_CATALOG + 1] = {
    [ROLE_HAVING] = ANYWHERE,
    [ROLE_LIMIT] = ANYWHERE,
    [ROLE_THEN] = ANYWHERE,
    [ROLE_END] = ANYWHERE,
    [ROLE_DIRECTION] = ANYWHERE,
    [ROLE_WHEN] = IN_CASE,
    [ROLE_ELSE] = IN_CASE,
    [ROLE_FROM] = IN_STATEMENT_OR_CALL,
    [ROLE_AS] = IN_STATEMENT_OR_CALL,
    [ROLE_FOR] = IN_STATEMENT_OR_CALL,
    [ROLE_OFFSET] = IN_STATEMENT_OR_CALL,
    [ROLE_WHERE] = IN_STATEMENT,
    [ROLE_INTO] = IN_STATEMENT,
    [ROLE_JOIN] = IN_STATEMENT,
    [ROLE_ON] = IN_STATEMENT,
    [ROLE_SET] = IN_STATEMENT,
    [ROLE_VALUES] = IN_STATEMENT,
};

static bool may_stand_here(const struct walk *w)
{
    switch (places[w->at->role]) {
    case ANYWHERE: return true;
    case IN_CASE: return w->cased;
    case IN_STATEMENT: return w->selecting;
    case IN_STATEMENT_OR_CALL: return w->selecting || w->depth > 0;
    case NOWHERE: break;
    }
    return false;
}

static void note_keyword(const struct walk *w)
{
    struct sqli_facts *facts = w->facts;
    enum sqli_role role = w->at->role;

    facts->having = facts->having || role == ROLE_HAVING;
    facts->limits = facts->limits || (role == ROLE_LIMIT && w->at[1].class == SQLI_NUMBER);
    facts->whens = facts->whens || (role == ROLE_THEN && w->cased);
    if (role == ROLE_END)
        facts->ended = facts->whens;
}

static enum next on_keyword(struct walk *w)
{
    bool ends = w->at->role == ROLE_END || w->at->role == ROLE_DIRECTION;

    w->joined = NULL;
    note_keyword(w);
    if (!may_stand_here(w))
        return BROKEN;
    return ends ? WANT_OPERATOR : WANT_OPERAND;
}

static void note_by(struct walk *w)
{
    const struct sqli_token *item = &w->at[1];

    while (item->class == SQLI_OPEN)
        item++;
    w->facts->by = true;
    w->facts->by_constant = w->facts->by_constant || is_constant(item) || item->signed_ ||
                            item->class == SQLI_FUNCTION || item->class == SQLI_SELECT;
}

/* A name right behind an operand: an alias, once, where there can be one. */
static enum next on_alias(struct walk *w)
{
    if (!w->selecting || w->aliased)
        return BROKEN;
    w->aliased = true;
    return WANT_OPERATOR;
}

static enum next then_comma(struct walk *w)
{
    w->joined = NULL;
    w->aliased = false;
    return WANT_OPERAND;
}

static enum next then_dot(struct walk *w)
{
    const struct sqli_token *left = before(w);
    bool strings = left != NULL && left->class == SQLI_STRING && w->at[1].class == SQLI_STRING;

    return strings ? BROKEN : WANT_OPERAND;
}

static enum next then_brace(struct walk *w)
{
    (void)w;
    return WANT_OPERATOR;
}

static enum next then_semicolon(struct walk *w)
{
    w->joined = NULL;
    w->selecting = false;
    return WANT_OPERAND;
}

static enum next then_union(struct walk *w)
{
    w->joined = NULL;
    w->selecting = true;
    return WANT_OPERAND;
}

static enum next then_by(struct walk *w)
{
    note_by(w);
    w->joined = NULL;
    return WANT_OPERAND;
}

/* T-SQL needs no semicolon between statements. In a bare place sentences read so, too. */
static enum next then_statement(struct walk *w)
{
    if (w->facts->quote != 0 || w->facts->breaks_out || w->selecting)
        return on_statement(w);
    if (w->facts->first == SQLI_NUMBER)
        w->facts->statement = sqli_is_whole_statement(w->at);
    return BROKEN;
}

/* The same where an operand stood. */
static take *const then[CLASSES] = {
    [SQLI_ARITHMETIC] = on_operator,
    [SQLI_COMPARE] = on_operator,
    [SQLI_LOGIC] = on_operator,
    [SQLI_COMMA] = then_comma,
    [SQLI_DOT] = then_dot,
    [SQLI_COLON] = then_dot,
    [SQLI_CLOSE] = on_close,
    [SQLI_BRACE_CLOSE] = then_brace,
    [SQLI_SEMICOLON] = then_semicolon,
    [SQLI_UNION] = then_union,
    [SQLI_BY] = then_by,
    [SQLI_KEYWORD] = on_keyword,
    [SQLI_SELECT] = then_statement,
    [SQLI_STATEMENT] = then_statement,
    [SQLI_COMMENT] = on_comment,
    [SQLI_STRING] = on_alias,
    [SQLI_NAME] = on_alias,
};

static enum next want_operator(struct walk *w)
{
    take *const with = then[w->at->class];

    return with == NULL ? BROKEN : with(w);
}

bool sqli_may_follow_string(const struct sqli_token *token)
{
    return then[token->class] != NULL && then[token->class] != on_alias;
}

void sqli_walk(const struct sqli_row *row, char quote, struct sqli_facts *facts)
{
    struct walk w = {.row = row, .at = row->at, .facts = facts};
    enum next next = WANT_OPERAND;

    *facts = (struct sqli_facts){.quote = quote, .first = row->at[0].class};
    if (quote != 0) {
        next = WANT_OPERATOR;
        w.at++;
    }
    for (; w.at->class != SQLI_END && (next == WANT_OPERAND || next == WANT_OPERATOR); w.at++)
        next = next == WANT_OPERAND ? want_operand(&w) : want_operator(&w);
    facts->broken = next == BROKEN;
    facts->broken_at_start = facts->broken && w.at == row->at + 1;
    facts->incomplete = facts->incomplete || (next == WANT_OPERAND && row->count > 0 &&
                                              row->at[row->count - 1].class != SQLI_SEMICOLON);
    if (quote != 0) {
        struct span closed = row->at[0].text;

        facts->attribute = closed.len > 1 && closed.at[closed.len - 2] == '=';
    }
    if (row->count > 1) {
        const struct sqli_token *last = &row->at[row->count - 1];

        facts->reopens = last->class == SQLI_STRING && last->open && last->sign == quote;
        facts->reopens_signed = facts->reopens && last->signed_;
    }
    facts->whole_statement =
        facts->whole_statement ||
        (!facts->broken && !facts->incomplete && quote == 0 && sqli_is_whole_select(row->at));
    sqli_note_marks(row, facts);
}
