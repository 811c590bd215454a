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
    return (f->union_select && !f->broken_at_start) ||
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
    return f->logic_call && !f->broken && starts_as_value(f) && (f->logic || f->quote != 0);
}

static bool is_nested_call(const struct sqli_facts *f)
{
    return f->nested_calls && !f->broken;
}

static bool is_subselect(const struct sqli_facts *f)
{
    return f->subselect && !f->broken_at_start;
}

static bool is_stacked(const struct sqli_facts *f)
{
    return f->statement;
}

static bool is_whole(const struct sqli_facts *f)
{
    return f->whole_statement;
}

/* x'-- cuts the rest of the statement off. Text behind the mark is a sentence's dash. */
static bool is_cut_off(const struct sqli_facts *f)
{
    if (!f->has_comment || f->broken || f->comment_sign == '`')
        return false;
    if (f->quote != 0 || f->breaks_out)
        return f->comment_text <= (f->comment_glued ? 2U : 3U);
    if (f->comment_text > 0 || f->comment_sign == '#')
        return false;
    return (f->first == SQLI_NUMBER && f->operands == 1) ||
           (f->first == SQLI_OPEN && f->constants > 0);
}

/* x'='y reads as two strings and what is between them. Between double quotes search phrases do so,
 * too: there it takes an operand on the way. */
static bool is_reopened(const struct sqli_facts *f)
{
    if (!f->reopens || !is_sound(f) || f->operators == 0)
        return false;
    return f->quote == '\'' || (f->operators >= 2 && f->operands >= 2 && !f->attribute);
}

static bool is_tail(const struct sqli_facts *f)
{
    if (f->broken || !starts_as_value(f))
        return f->having && f->logic && !f->broken;
    return f->by_constant || (f->by && f->quote != 0) ||
           (f->having && (f->compare || f->logic || f->logic_call)) || (f->limits && f->quote != 0);
}

static bool is_case(const struct sqli_facts *f)
{
    return f->whens && !f->broken;
}

static const struct decision {
    const char *name;
    const char *sentence;
    bool (*is)(const struct sqli_facts *);
} decisions[] = {
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
    return word || (row->hidden && f->first == SQLI_NUMBER);
}

static const char *decide(const struct sqli_row *row, char quote)
{
    struct sqli_facts facts;

    sqli_walk(row, quote, &facts);
    if (is_hidden(row, &facts))
        return "hidden";
    for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++)
        if (decisions[i].is(&facts))
            return decisions[i].name;
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

/* Tries one place in both dialects. */
static bool detect_in(struct span text, char quote, struct sqli_finding *finding)
{
    struct sqli_row row;
    const char *decision;

    if (quote != 0 && span_find_byte(text, quote) == SPAN_NONE)
        return false;
    sqli_fold(text, quote, false, &row);
    decision = decide(&row, quote);
    if (decision == NULL && row.dialects_differ) {
        sqli_fold(text, quote, true, &row);
        decision = decide(&row, quote);
    }
    if (decision != NULL && finding != NULL) {
        finding->decision = decision;
        write_fingerprint(&row, finding);
    }
    return decision != NULL;
}

bool sqli_detect(struct span text, struct sqli_finding *finding)
{
    return detect_in(text, 0, finding) || detect_in(text, '\'', finding) ||
           detect_in(text, '"', finding);
}
