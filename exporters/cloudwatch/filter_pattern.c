/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/filter_pattern.h"

#include <math.h>

#include "exporters/alarms/statistic.h"
#include "exporters/cloudwatch/json_scan.h"

enum { DEPTH_MOST = 32, FIELDS_MOST = 128 };

struct walk {
    struct span text;
    size_t at;
    bool is_check; /* there is no line: it is only looked whether this is a pattern */
    struct filter_regexes *regexes; /* of a check: to be filled */
    size_t selectors;               /* of a check: how many were met; the one that is asked for */
    size_t wanted;
    struct span selector;
    struct span line; /* JSON */
    bool has_field;   /* of fields: the one that conditions are about */
    struct span field_name, field;
    unsigned depth;
    const char *wrong; /* NULL: nothing so far */
    size_t wrong_at;
};

static bool walk_or(struct walk *walk);

/* ---- words ---- */

static bool refuse(struct walk *walk, const char *what)
{
    if (walk->wrong == NULL)
        walk->wrong_at = walk->at;
    walk->wrong = walk->wrong != NULL ? walk->wrong : what;
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct walk *walk)
{
    while (walk->at < walk->text.len && is_space(walk->text.at[walk->at]))
        walk->at++;
}

static bool take(struct walk *walk, struct span what)
{
    skip_space(walk);
    bool there = span_starts(span_from(walk->text, walk->at), what);
    walk->at += there ? what.len : 0;
    return there;
}

/* Up to what ends a word; with dots and brackets, as selectors have them. */
static struct span take_word(struct walk *walk, const char *ends)
{
    size_t from = walk->at;
    while (walk->at < walk->text.len && !is_space(walk->text.at[walk->at]) &&
           span_find_byte(span_text(ends), walk->text.at[walk->at]) == SPAN_NONE)
        walk->at++;
    return span_make(walk->text.at + from, walk->at - from);
}

static struct span take_operand(struct walk *walk)
{
    skip_space(walk);
    struct span rest = span_from(walk->text, walk->at);
    if (rest.len == 0 || rest.at[0] != '"') {
        struct span word = take_word(walk, "(){}[],&|=<>");
        if (word.len == 0)
            refuse(walk, "a value is expected here");
        return word;
    }
    size_t len = span_find_byte(span_from(rest, 1), '"');
    if (len == SPAN_NONE) {
        refuse(walk, "a text in quotes that does not end");
        return SPAN("");
    }
    walk->at += len + 2;
    return span_first(span_from(rest, 1), len);
}

/* ---- regular expressions ---- */

static bool is_regex(const struct walk *walk)
{
    return walk->at < walk->text.len && walk->text.at[walk->at] == '%';
}

/* %...%, which is read, or held against the value. */
static bool walk_regex(struct walk *walk, struct span value)
{
    size_t at = walk->at, offset;
    struct span rest = span_from(walk->text, at + 1);
    size_t len = span_find_byte(rest, '%');
    if (len == SPAN_NONE)
        return refuse(walk, "a regular expression that does not end: %...%");
    if (len == 0)
        return refuse(walk, "a regular expression is expected between the two %");
    walk->at = at + len + 2;
    if (!walk->is_check)
        return filter_regexes_match(walk->regexes, at, value);
    const char *wrong = filter_regexes_add(walk->regexes, at, span_first(rest, len), &offset);
    if (wrong != NULL) {
        walk->at = at + 1 + offset;
        refuse(walk, wrong);
    }
    return false;
}

/* ---- comparisons ---- */

/* `*` stands for any text. */
static bool fits(struct span value, struct span pattern)
{
    struct span rest = pattern;
    struct span part = span_cut(&rest, '*');
    if (rest.at == NULL)
        return span_is(value, part);
    if (!span_starts(value, part))
        return false;
    value = span_from(value, part.len);
    while (rest.at != NULL) {
        part = span_cut(&rest, '*');
        if (rest.at == NULL)
            return span_ends(value, part);
        size_t at = span_find(value, part);
        if (at == SPAN_NONE)
            return false;
        value = span_from(value, at + part.len);
    }
    return true;
}

static const struct {
    struct span sign;
    char kind;
} signs[] = {{SPAN_INIT("!="), '!'}, {SPAN_INIT("<="), 'l'}, {SPAN_INIT(">="), 'g'},
             {SPAN_INIT("="), '='},  {SPAN_INIT("<"), '<'},  {SPAN_INIT(">"), '>'}};

static char take_sign(struct walk *walk)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (take(walk, signs[i].sign))
            return signs[i].kind;
    refuse(walk, "expected =, !=, <, >, <= or >=");
    return '=';
}

static bool compare(struct span value, char sign, struct span operand)
{
    double left, right;
    bool numbers = alarm_number_parse(value, &left) && alarm_number_parse(operand, &right);
    switch (sign) {
    case '=': return numbers ? !(left < right || left > right) : fits(value, operand);
    case '!': return numbers ? left < right || left > right : !fits(value, operand);
    case '<': return numbers && left < right;
    case '>': return numbers && left > right;
    case 'l': return numbers && left <= right;
    default: return numbers && left >= right;
    }
}

static bool compare_with(struct walk *walk, struct span value, bool there)
{
    size_t at;
    char sign = take_sign(walk);
    skip_space(walk);
    at = walk->at;
    if (is_regex(walk) && (sign == '=' || sign == '!')) {
        bool matches = walk_regex(walk, value);
        return there && matches == (sign == '=');
    }
    struct span operand = take_operand(walk);
    double number;
    if ((sign != '=' && sign != '!') && walk->wrong == NULL &&
        !alarm_number_parse(operand, &number)) {
        walk->at = at;
        refuse(walk, "a number is expected here");
    }
    return there && compare(value, sign, operand);
}

/* ---- conditions ---- */

static struct span unquoted(struct span value)
{
    bool is_string = value.len >= 2 && value.at[0] == '"';
    return is_string ? span_first(span_from(value, 1), value.len - 2) : value;
}

static bool walk_json(struct walk *walk)
{
    size_t at = walk->at;
    struct span selector = take_word(walk, "(){},&|=<>!"), value = SPAN("");
    if (!filter_selector_is_good(selector) || selector.at[1] != '.') {
        walk->at = at;
        return refuse(walk, "a selector like $.status is expected here");
    }
    if (walk->is_check && walk->selectors++ == walk->wanted)
        walk->selector = selector;
    bool there = !walk->is_check && json_scan(walk->line, selector, &value);
    if (take(walk, SPAN("NOT EXISTS")))
        return !there;
    if (take(walk, SPAN("EXISTS")))
        return there;
    if (!take(walk, SPAN("IS")))
        return compare_with(walk, unquoted(value), there);
    if (take(walk, SPAN("NULL")))
        return there && span_is(value, SPAN("null"));
    if (take(walk, SPAN("TRUE")))
        return there && span_is(value, SPAN("true"));
    if (take(walk, SPAN("FALSE")))
        return there && span_is(value, SPAN("false"));
    return refuse(walk, "expected NULL, TRUE or FALSE");
}

static bool walk_leaf(struct walk *walk)
{
    bool well;
    if (++walk->depth > DEPTH_MOST)
        return refuse(walk, "it is nested too deep");
    skip_space(walk);
    if (take(walk, SPAN("("))) {
        well = walk_or(walk);
        if (walk->wrong == NULL && !take(walk, SPAN(")")))
            refuse(walk, "expected ')'");
    } else if (walk->has_field) {
        size_t at = walk->at;
        if (!span_is(take_word(walk, "(){}[],&|=<>!"), walk->field_name)) {
            walk->at = at;
            return refuse(walk, "a field's conditions are about that field alone");
        }
        well = compare_with(walk, walk->field, !walk->is_check);
    } else {
        well = walk_json(walk);
    }
    walk->depth--;
    return well;
}

static bool walk_and(struct walk *walk)
{
    bool well = walk_leaf(walk);
    while (walk->wrong == NULL && take(walk, SPAN("&&")))
        well = walk_leaf(walk) && well;
    return well;
}

static bool walk_or(struct walk *walk)
{
    bool well = walk_and(walk);
    while (walk->wrong == NULL && take(walk, SPAN("||")))
        well = walk_and(walk) || well;
    return well;
}

static bool walk_braces(struct walk *walk)
{
    take(walk, SPAN("{"));
    bool well = walk_or(walk);
    if (walk->wrong == NULL && !take(walk, SPAN("}")))
        refuse(walk, "expected '}'");
    return well;
}

/* ---- fields ---- */

/* The next field of a line; quotes and brackets hold it together, and are no part of it. */
static bool take_field(struct span *line, struct span *field)
{
    while (line->len > 0 && is_space(line->at[0]))
        *line = span_from(*line, 1);
    if (line->len == 0)
        return false;
    bool held = line->at[0] == '"' || line->at[0] == '[';
    char end = line->at[0] == '[' ? ']' : '"';
    size_t len = held ? span_find_byte(span_from(*line, 1), end) : 0;
    if (held && len != SPAN_NONE) {
        *field = span_first(span_from(*line, 1), len);
        *line = span_from(*line, len + 2);
        return true;
    }
    for (len = 0; len < line->len && !is_space(line->at[len]);)
        len++;
    *field = span_first(*line, len);
    *line = span_from(*line, len);
    return true;
}

static size_t fields_of(struct span line, struct span fields[FIELDS_MOST])
{
    size_t count = 0;
    while (count < FIELDS_MOST && take_field(&line, &fields[count]))
        count++;
    return count;
}

/* One field of a pattern's, up to its comma: none that stands in quotes or in %...%. */
static struct span cut_part(struct span *rest)
{
    size_t len = 0;
    char last = '\0';
    while (len < rest->len && rest->at[len] != ',') {
        char c = rest->at[len];
        bool holds = c == '"' || (c == '%' && last == '=');
        size_t end = holds ? span_find_byte(span_from(*rest, len + 1), c) : SPAN_NONE;
        len += end != SPAN_NONE ? end + 2 : 1;
        if (!is_space(c))
            last = c;
    }
    struct span part = span_first(*rest, len);
    *rest = len < rest->len ? span_from(*rest, len + 1) : span_make(NULL, 0);
    return part;
}

/* How many there are in the pattern, dots left out. */
static size_t named_fields(struct span text, bool *has_dots)
{
    size_t count = 0;
    struct span rest = span_trim(text, "[] \t\r\n");
    *has_dots = false;
    while (rest.at != NULL) {
        bool dots = span_is(span_trim(cut_part(&rest), " \t\r\n"), SPAN("..."));
        *has_dots = *has_dots || dots;
        count += !dots;
    }
    return count;
}

/* One field of the pattern: its name, and conditions on it. */
static bool walk_field(struct walk *walk, struct span value)
{
    skip_space(walk);
    size_t at = walk->at;
    struct span name = take_word(walk, "(){}[],&|=<>!");
    if (name.len == 0)
        return refuse(walk, "a field's name is expected here");
    skip_space(walk);
    if (walk->at == walk->text.len || walk->text.at[walk->at] == ',' ||
        walk->text.at[walk->at] == ']')
        return true;
    walk->at = at;
    walk->has_field = true;
    walk->field_name = name;
    walk->field = value;
    return walk_or(walk);
}

static bool walk_fields(struct walk *walk)
{
    struct span fields[FIELDS_MOST];
    bool has_dots, well = true, dots_seen = false;
    size_t count = walk->is_check ? 0 : fields_of(walk->line, fields), i = 0;
    size_t named = named_fields(walk->text, &has_dots);
    if (!walk->is_check && (has_dots ? count < named : count != named))
        return false;
    take(walk, SPAN("["));
    do {
        if (take(walk, SPAN("..."))) {
            if (dots_seen)
                return refuse(walk, "... may stand once");
            dots_seen = true;
            i += walk->is_check ? 0 : count - named;
            continue;
        }
        well = walk_field(walk, walk->is_check ? SPAN("") : fields[i++]) && well;
    } while (walk->wrong == NULL && take(walk, SPAN(",")));
    if (walk->wrong == NULL && !take(walk, SPAN("]")))
        refuse(walk, "expected ']'");
    return well;
}

/* ---- words ---- */

/* Does the line have the word? */
static bool walk_word(struct walk *walk)
{
    struct span word = walk->at < walk->text.len && walk->text.at[walk->at] == '"'
                           ? take_operand(walk)
                           : take_word(walk, "");
    if (word.len == 0)
        return refuse(walk, "a word is expected here");
    return span_find(walk->line, word) != SPAN_NONE;
}

static bool walk_words(struct walk *walk)
{
    bool all = true, any = false, asks_any = false;
    for (skip_space(walk); walk->wrong == NULL && walk->at < walk->text.len; skip_space(walk)) {
        char mark = walk->text.at[walk->at];
        walk->at += mark == '-' || mark == '?';
        bool found = is_regex(walk) ? walk_regex(walk, walk->line) : walk_word(walk);
        asks_any = asks_any || mark == '?';
        any = any || (mark == '?' && found);
        all = all && (mark == '?' || found == (mark != '-'));
    }
    return all && (any || !asks_any);
}

/* ---- the whole ---- */

static bool walk_whole(struct walk *walk)
{
    skip_space(walk);
    struct span rest = span_from(walk->text, walk->at);
    bool well = span_starts(rest, SPAN("{"))   ? walk_braces(walk)
                : span_starts(rest, SPAN("[")) ? walk_fields(walk)
                                               : walk_words(walk);
    skip_space(walk);
    if (walk->is_check && walk->wrong == NULL && walk->at < walk->text.len)
        refuse(walk, "this is more than a pattern");
    return well;
}

bool filter_pattern_check(struct span text, struct place at, struct faults *faults)
{
    struct walk walk = {.text = text, .is_check = true, .regexes = filter_regexes_new()};
    walk_whole(&walk);
    if (walk.wrong != NULL)
        fault_add(faults, FAULT_ERROR, place_behind(at, span_first(text, walk.wrong_at)), SPAN(""),
                  "pattern: %s", walk.wrong);
    filter_regexes_free(walk.regexes);
    return walk.wrong == NULL;
}

struct span filter_pattern_selector(struct span text, size_t i)
{
    struct walk walk = {
        .text = text, .is_check = true, .wanted = i, .regexes = filter_regexes_new()};
    walk_whole(&walk);
    filter_regexes_free(walk.regexes);
    return walk.selector;
}

struct filter_regexes *filter_pattern_regexes(struct span text)
{
    struct walk walk = {.text = text, .is_check = true, .regexes = filter_regexes_new()};
    walk_whole(&walk);
    if (filter_regexes_count(walk.regexes) > 0)
        return walk.regexes;
    filter_regexes_free(walk.regexes);
    return NULL;
}

bool filter_pattern_matches(struct span text, struct filter_regexes *regexes, struct span line)
{
    struct walk walk = {.text = text, .regexes = regexes, .line = line};
    return walk_whole(&walk) && walk.wrong == NULL;
}

bool filter_selector_is_good(struct span selector)
{
    if (selector.len < 2 || selector.at[0] != '$')
        return false;
    if (selector.at[1] == '.' && selector.len < 3)
        return false;
    return span_find(selector, SPAN("..")) == SPAN_NONE;
}

/* The field of that name, by its place in the pattern: from the end where it stands behind dots. */
static bool field_find(struct span pattern, struct span name, struct span line, struct span *value)
{
    struct span fields[FIELDS_MOST], rest = span_trim(pattern, "[] \t\r\n");
    bool has_dots, behind = false;
    size_t count = fields_of(line, fields), named = named_fields(pattern, &has_dots), at = 0;
    while (rest.at != NULL) {
        struct span part = span_trim(cut_part(&rest), " \t\r\n");
        size_t len = 0;
        while (len < part.len && span_find_byte(SPAN(" (=<>!"), part.at[len]) == SPAN_NONE)
            len++;
        if (span_is(part, SPAN("..."))) {
            behind = true;
            continue;
        }
        size_t place = behind ? count - named + at : at;
        if (span_is(span_first(part, len), name) && count >= named && place < count) {
            *value = fields[place];
            return true;
        }
        at++;
    }
    return false;
}

bool filter_selector_find(struct span pattern, struct span selector, struct span line,
                          struct span *value)
{
    if (selector.at[1] != '.')
        return field_find(pattern, span_from(selector, 1), line, value);
    if (!json_scan(line, selector, value) || span_is(*value, SPAN("null")) || value->at[0] == '{' ||
        value->at[0] == '[')
        return false;
    *value = unquoted(*value);
    return true;
}
