/* SPDX-License-Identifier: Apache-2.0 */
/* Places, dialects and decisions. */
#include "rules/match/sqli.h"

#include "rules/match/sqli_walk.h"

/* Starts like the end of somebody's expression: where prose starts, less counts. */
static bool starts_as_value(const struct sqli_facts *f)
{
    return f->quote != 0 || f->breaks_out ||
           (f->first != SQLI_NAME && f->first != SQLI_LOGIC && f->first != SQLI_STATEMENT);
}

static bool is_sound(const struct sqli_facts *f)
{
    return !f->broken && !f->incomplete;
}

static bool is_union(const struct sqli_facts *f)
{
    return f->union_first || (f->union_select && !f->broken_at_start) ||
           ((f->union_names || f->union_begun) && !f->broken && starts_as_value(f));
}

static bool is_strong_call(const struct sqli_facts *f)
{
    return f->strong_call;
}

/* or 1=1, and 'a'='a', or id=id: of constants whatever follows, else if all of it is a condition.
 */
static bool is_tautology(const struct sqli_facts *f)
{
    if (!f->logic || !f->compare)
        return false;
    return f->compare_both ||
           (starts_as_value(f) && !f->broken && (f->compare_constant || f->quote != 0));
}

static bool is_constant_condition(const struct sqli_facts *f)
{
    if (!is_sound(f) || !f->logic)
        return false;
    if (f->logic_constant)
        return starts_as_value(f) && f->first != SQLI_LITERAL;
    return f->logic_number && (f->quote == '\'' || f->has_comment || f->breaks_out) &&
           starts_as_value(f);
}

static bool is_call_condition(const struct sqli_facts *f)
{
    if (f->probe && starts_as_value(f) && f->first != SQLI_NAME)
        return true;
    if (f->call_first && is_sound(f))
        return true;
    return f->logic_call && !f->broken && starts_as_value(f) && (f->logic || f->quote != 0);
}

static bool is_nested_call(const struct sqli_facts *f)
{
    return f->server_fact || f->group_call ||
           (f->nested_calls && (!f->broken || (f->breaks_out && f->logic)));
}

static bool is_subselect(const struct sqli_facts *f)
{
    return (f->subselect && !f->broken_at_start) || f->subselect_from || f->select_condition;
}

static bool is_stacked(const struct sqli_facts *f)
{
    return f->statement || f->semicolon_comment;
}

static bool is_whole(const struct sqli_facts *f)
{
    return f->whole_statement || (f->assignment && is_sound(f));
}

/* x'-- cuts the rest of the statement off. Text behind the mark is a sentence's dash. */
static bool is_cut_off(const struct sqli_facts *f)
{
    if (f->sp_password)
        return true;
    if (!f->has_comment || !is_sound(f) || f->comment_sign == '`')
        return false;
    if (f->opens && f->comment_sign == '#' && f->operands == 0)
        return false;
    if (f->quote != 0 || f->breaks_out)
        return f->comment_text <= (f->comment_glued ? 2U : 3U);
    if (f->comment_text > 0 || f->comment_sign == '#')
        return false;
    return ((f->first == SQLI_NUMBER || f->first == SQLI_VARIABLE) && f->operands == 1) ||
           (f->first == SQLI_OPEN && f->constants > 0);
}

/* "/usr/share/", "*name*", "<", "=" and ">=": words in quotes, and quotes for words. */
static bool is_quotation(const struct sqli_facts *f)
{
    bool names = f->constants <= 1 && !f->logic && !f->compare && !f->logic_call;

    return (f->markup && names) || f->inside_out || f->tag;
}

/* x'='y reads as two strings and what is between them. Between double quotes search phrases do so,
 * too: there it takes an operand on the way, or a sign before the string that is opened again. */
static bool is_reopened(const struct sqli_facts *f)
{
    if (!f->reopens || !is_sound(f) || f->operators == 0 || is_quotation(f))
        return false;
    if (f->quote == '\'')
        return true;
    if (f->reopens_signed && f->operands == 1 && (f->logic || f->compare))
        return !f->opens;
    return f->operators >= 2 && f->operands >= 2 && !f->attribute && !f->opens;
}

static bool is_tail(const struct sqli_facts *f)
{
    if (f->broken || !starts_as_value(f))
        return f->where || f->having_constant || (f->having && f->logic && !f->broken);
    return f->where || f->having_constant || f->by_constant || (f->by && f->quote != 0) ||
           (f->having && (f->compare || f->logic || f->logic_call)) || (f->limits && f->quote != 0);
}

static bool is_case(const struct sqli_facts *f)
{
    return f->whens && (!f->broken || f->ended);
}

/* 1))+1: somebody else's parentheses are closed, and the value goes on. */
static bool is_broken_out(const struct sqli_facts *f)
{
    return f->closes >= 2 && is_sound(f) && f->first == SQLI_NUMBER && f->operators > 0 &&
           f->constants >= 2;
}

static bool is_escape(const struct sqli_facts *f)
{
    return f->escape;
}

/* 1<@ is neither true nor false. */
static bool is_unset(const struct sqli_facts *f)
{
    return f->unset_variable && is_sound(f);
}

static bool is_stuck(const struct sqli_facts *f)
{
    return f->stuck_logic && starts_as_value(f);
}

struct decision {
    const char *name;
    const char *sentence;
    bool (*is)(const struct sqli_facts *);
};

static const struct decision decisions[] = {
    {"union", "UNION SELECT and a list", is_union},
    {"call", "a function that waits, reads files or speaks through errors", is_strong_call},
    {"tautology", "a comparison behind AND or OR", is_tautology},
    {"condition", "a constant behind AND or OR", is_constant_condition},
    {"function", "an SQL function behind an operator", is_call_condition},
    {"nested", "an SQL function in another one", is_nested_call},
    {"subselect", "SELECT in parentheses", is_subselect},
    {"stacked", "a second statement", is_stacked},
    {"statement", "a statement as a whole", is_whole},
    {"comment", "the rest is cut off by a comment", is_cut_off},
    {"string", "the string is closed and opened again", is_reopened},
    {"tail", "ORDER BY, HAVING or LIMIT", is_tail},
    {"case", "CASE WHEN THEN", is_case},
    {"parentheses", "parentheses are closed that others opened, and it goes on", is_broken_out},
    {"escape", "a call in the braces of ODBC", is_escape},
    {"variable", "a comparison with a variable that nobody set", is_unset},
    {"hidden", "AND or OR right behind a comment", is_stuck},
};

/* Comments that hide: code for MySQL alone, and comments in comments, with SQL words about. */
static bool is_hidden(const struct sqli_row *row, const struct sqli_facts *f)
{
    bool word = false;

    if (!row->hidden && !row->nested)
        return false;
    for (size_t i = 0; i < row->count; i++)
        word = word || row->at[i].class == SQLI_UNION || row->at[i].class == SQLI_SELECT ||
               row->at[i].class == SQLI_LOGIC;
    return word || f->first == SQLI_NUMBER;
}

static const struct decision hiding = {"hidden", "a comment that hides words of SQL", NULL};

static const struct decision *decide(const struct sqli_row *row, char quote)
{
    struct sqli_facts facts;

    /* No decision about a bare value goes without one of these, and most values have none; and
     * behind a quote what no statement has at once (O'Reilly). */
    if (!row->telling && !row->hidden && !row->nested &&
        (quote == 0 || (row->count > 1 && !sqli_may_follow_string(&row->at[1]))))
        return NULL;
    sqli_walk(row, quote, &facts);
    if (is_hidden(row, &facts))
        return &hiding;
    for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++)
        if (decisions[i].is(&facts))
            return &decisions[i];
    return NULL;
}

static void write_fingerprint(const struct sqli_row *row, struct sqli_finding *finding)
{
    size_t len = 0;

    for (size_t i = 0; i < row->count && len < SQLI_FINGERPRINT; i++) {
        finding->fingerprint[len++] = (char)row->at[i].class;
        if (row->at[i].class == SQLI_STRING && row->at[i].open && len < SQLI_FINGERPRINT)
            finding->fingerprint[len++] = '~';
    }
    finding->fingerprint[len] = '\0';
}

static struct span without_quotes(const struct sqli_token *token)
{
    return token->class == SQLI_STRING ? span_trim(token->text, "'\"") : token->text;
}

static void write_parts(const struct sqli_row *row, struct sqli_finding *finding)
{
    size_t count = row->count < SQLI_FINGERPRINT ? row->count : SQLI_FINGERPRINT;

    for (size_t i = 0; i < count; i++)
        finding->parts[i] = without_quotes(&row->at[i]);
    finding->part_count = count;
}

/* Tries one place in both dialects. */
static bool detect_in(struct span text, char quote, struct sqli_finding *finding)
{
    struct sqli_row row;
    const struct decision *decision;

    if (quote != 0 && span_find_byte(text, quote) == SPAN_NONE)
        return false;
    sqli_fold(text, quote, false, &row);
    decision = decide(&row, quote);
    if (decision == NULL && row.dialects_differ) {
        sqli_fold(text, quote, true, &row);
        decision = decide(&row, quote);
    }
    if (decision != NULL && finding != NULL) {
        finding->decision = decision->name;
        finding->sentence = decision->sentence;
        write_fingerprint(&row, finding);
        write_parts(&row, finding);
    }
    return decision != NULL;
}

bool sqli_detect(struct span text, struct sqli_finding *finding)
{
    return detect_in(text, 0, finding) || detect_in(text, '\'', finding) ||
           detect_in(text, '"', finding);
}
