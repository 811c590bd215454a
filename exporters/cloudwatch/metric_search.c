/* SPDX-License-Identifier: Apache-2.0 */
/* The text is walked anew for each metric: it is short, and a tree would be longer. */
#include "exporters/cloudwatch/metric_search.h"

enum { DEPTH_MOST = 32 };

struct walk {
    struct span text;
    size_t at;
    const struct metric_id *id; /* NULL: it is only checked */
    unsigned depth;
    const char *wrong; /* NULL: nothing so far */
};

static bool walk_or(struct walk *walk);

static void skip_space(struct walk *walk)
{
    while (walk->at < walk->text.len &&
           span_find_byte(SPAN(" \t\r\n"), walk->text.at[walk->at]) != SPAN_NONE)
        walk->at++;
}

static bool refuse(struct walk *walk, const char *what)
{
    walk->wrong = walk->wrong != NULL ? walk->wrong : what;
    return false;
}

static bool take(struct walk *walk, char byte)
{
    skip_space(walk);
    bool there = walk->at < walk->text.len && walk->text.at[walk->at] == byte;
    walk->at += there;
    return there;
}

/* A word, or what stands in quotes. Empty: there is none. */
static struct span take_value(struct walk *walk, bool *quoted)
{
    struct span rest = span_from(walk->text, walk->at);
    size_t len = 0;
    *quoted = rest.len > 0 && rest.at[0] == '"';
    if (*quoted) {
        rest = span_from(rest, 1);
        len = span_find_byte(rest, '"');
        if (len == SPAN_NONE) {
            refuse(walk, "a text in quotes that does not end");
            return SPAN("");
        }
        walk->at += len + 2;
        return span_first(rest, len);
    }
    while (len < rest.len && span_find_byte(SPAN(" \t\r\n()=\"{}"), rest.at[len]) == SPAN_NONE)
        len++;
    walk->at += len;
    return span_first(rest, len);
}

static bool take_word(struct walk *walk, struct span word)
{
    bool quoted;
    size_t at = walk->at;
    skip_space(walk);
    size_t from = walk->at;
    if (walk->at < walk->text.len && walk->text.at[from] != '"' &&
        span_is(take_value(walk, &quoted), word))
        return true;
    walk->at = at;
    return false;
}

static bool value_fits(struct span value, struct span wanted, bool whole)
{
    return whole ? span_is_nocase(value, wanted) : span_find_nocase(value, wanted) != SPAN_NONE;
}

/* Name empty: any of them. */
static bool id_fits(const struct metric_id *id, struct span name, struct span wanted, bool whole)
{
    if ((name.len == 0 || span_is_nocase(name, SPAN("MetricName"))) &&
        value_fits(id->name, wanted, whole))
        return true;
    if ((name.len == 0 || span_is_nocase(name, SPAN("Namespace"))) &&
        value_fits(id->namespace, wanted, whole))
        return true;
    for (size_t i = 0; i < id->dimension_count; i++)
        if ((name.len == 0 || span_is_nocase(name, id->dimensions[i].name)) &&
            value_fits(id->dimensions[i].value, wanted, whole))
            return true;
    return false;
}

static bool walk_term(struct walk *walk)
{
    bool quoted, value_quoted;
    skip_space(walk);
    size_t from = walk->at;
    struct span name = take_value(walk, &quoted), value = name;
    if (walk->at == from)
        return refuse(walk, "a word is expected here");
    bool named = walk->at < walk->text.len && walk->text.at[walk->at] == '=';
    if (named) {
        from = ++walk->at;
        value = take_value(walk, &value_quoted);
        quoted = value_quoted;
        if (walk->at == from)
            return refuse(walk, "a value is expected here");
    }
    return walk->id != NULL && id_fits(walk->id, named ? name : SPAN(""), value, quoted);
}

static bool walk_not(struct walk *walk)
{
    bool fits;
    if (++walk->depth > DEPTH_MOST)
        return refuse(walk, "it is nested too deep");
    if (take_word(walk, SPAN("NOT"))) {
        fits = !walk_not(walk);
    } else if (take(walk, '(')) {
        fits = walk_or(walk);
        if (walk->wrong == NULL && !take(walk, ')'))
            refuse(walk, "expected ')'");
    } else {
        fits = walk_term(walk);
    }
    walk->depth--;
    return fits;
}

/* Does another term follow? */
static bool goes_on(struct walk *walk)
{
    skip_space(walk);
    if (walk->wrong != NULL || walk->at == walk->text.len || walk->text.at[walk->at] == ')')
        return false;
    size_t at = walk->at;
    bool ends = take_word(walk, SPAN("OR"));
    walk->at = at;
    return !ends;
}

static bool walk_and(struct walk *walk)
{
    bool fits = walk_not(walk);
    while (goes_on(walk)) {
        take_word(walk, SPAN("AND"));
        fits = walk_not(walk) && fits;
    }
    return fits;
}

static bool walk_or(struct walk *walk)
{
    bool fits = walk_and(walk);
    while (walk->wrong == NULL && take_word(walk, SPAN("OR")))
        fits = walk_and(walk) || fits;
    return fits;
}

static bool has_dimension(const struct metric_id *id, struct span name)
{
    for (size_t i = 0; i < id->dimension_count; i++)
        if (span_is(id->dimensions[i].name, name))
            return true;
    return false;
}

/* {Namespace,Dimension,...}: quotes may stand around each of them. */
static bool walk_schema(struct walk *walk)
{
    if (!take(walk, '{'))
        return true;
    struct span rest = span_from(walk->text, walk->at);
    size_t len = span_find_byte(rest, '}'), count = 0;
    if (len == SPAN_NONE)
        return refuse(walk, "expected '}'");
    walk->at += len + 1;
    rest = span_first(rest, len);
    if (span_trim(rest, " ").len == 0)
        return true;
    bool fits = walk->id != NULL;
    struct span namespace = span_trim(span_cut(&rest, ','), " \"");
    fits = fits && span_is(walk->id->namespace, namespace);
    for (; rest.at != NULL; count++) {
        struct span name = span_trim(span_cut(&rest, ','), " \"");
        fits = fits && has_dimension(walk->id, name);
    }
    return fits && walk->id->dimension_count == count;
}

static bool walk_whole(struct walk *walk)
{
    bool fits = walk_schema(walk);
    skip_space(walk);
    if (walk->wrong == NULL && walk->at < walk->text.len)
        fits = walk_or(walk) && fits;
    skip_space(walk);
    if (walk->wrong == NULL && walk->at < walk->text.len)
        refuse(walk, "a word is expected here");
    return fits;
}

bool metric_search_check(struct span text, struct place at, struct faults *faults)
{
    struct walk walk = {.text = text};
    walk_whole(&walk);
    if (walk.wrong != NULL)
        fault_add(faults, FAULT_ERROR, place_behind(at, span_first(text, walk.at)), SPAN(""),
                  "SEARCH: %s", walk.wrong);
    return walk.wrong == NULL;
}

bool metric_search_matches(struct span text, const struct metric_id *id)
{
    struct walk walk = {.text = text, .id = id};
    return walk_whole(&walk) && walk.wrong == NULL;
}
