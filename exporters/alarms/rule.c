/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/rule.h"

#include "rules/base/must.h"
#include "rules/base/number.h"

enum { DEPTH_MOST = 100, HINT_BYTES = 300, SHOWN_BYTES = 100 };

enum rule_kind { RULE_CONSTANT, RULE_STATE, RULE_NOT, RULE_AND, RULE_OR, RULE_AT_LEAST };

struct rule_node {
    enum rule_kind kind;
    bool constant, negated; /* negated: the states of AT_LEAST */
    bool in_percent;        /* of AT_LEAST */
    enum alarm_state state;
    size_t alarm, least;                  /* index; how many, or how much */
    const struct rule_node *left, *right; /* of AT_LEAST: a chain of RULE_STATE by `right` */
    size_t count;                         /* of that chain */
};

struct parser {
    struct arena *arena;
    struct span text;
    size_t at;
    struct place origin;
    const char *const *names;
    size_t name_count;
    struct faults *faults;
    unsigned depth, elements;
    size_t *children;
    size_t child_count;
};

/* ---- places and words ---- */

static struct place place_of(const struct parser *parser, size_t at)
{
    return place_behind(parser->origin, span_first(parser->text, at));
}

static struct rule_node *refuse(struct parser *parser, size_t at, const char *message)
{
    fault_add(parser->faults, FAULT_ERROR, place_of(parser, at), SPAN(""), "%s", message);
    return NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct parser *parser)
{
    while (parser->at < parser->text.len && is_space(parser->text.at[parser->at]))
        parser->at++;
}

static bool take_byte(struct parser *parser, char c)
{
    skip_space(parser);
    if (parser->at == parser->text.len || parser->text.at[parser->at] != c)
        return false;
    parser->at++;
    return true;
}

static bool want_byte(struct parser *parser, char c)
{
    if (take_byte(parser, c))
        return true;
    fault_add(parser->faults, FAULT_ERROR, place_of(parser, parser->at), SPAN(""), "expected '%c'",
              c);
    return false;
}

/* What stands next, up to a space, a parenthesis or a comma. */
static struct span next_word(struct parser *parser)
{
    skip_space(parser);
    size_t end = parser->at;
    while (end < parser->text.len && !is_space(parser->text.at[end]) &&
           strchr("(),\"", parser->text.at[end]) == NULL)
        end++;
    return span_make(parser->text.at + parser->at, end - parser->at);
}

static bool take_word(struct parser *parser, struct span word)
{
    if (!span_is(next_word(parser), word))
        return false;
    parser->at += word.len;
    return true;
}

static struct rule_node *node_new(struct parser *parser, enum rule_kind kind)
{
    struct rule_node *node = NULL;
    if (++parser->elements > RULE_ELEMENTS_MOST)
        return refuse(parser, parser->at, "a rule has 500 elements at most");
    node = arena_alloc(parser->arena, sizeof *node);
    if (node == NULL)
        return refuse(parser, parser->at, "the rule does not fit into memory");
    node->kind = kind;
    return node;
}

/* ---- names ---- */

/* The text between two quotes, \" and \\ put right; at NULL: it does not end. */
static struct span take_quoted(struct parser *parser)
{
    size_t start = ++parser->at, count = 0;
    char *name = arena_text(parser->arena, parser->text.len);
    for (; name != NULL && parser->at < parser->text.len; parser->at++) {
        char c = parser->text.at[parser->at];
        if (c == '"') {
            parser->at++;
            return span_make(name, count);
        }
        if (c == '\\' && parser->at + 1 < parser->text.len)
            c = parser->text.at[++parser->at];
        name[count++] = c;
    }
    refuse(parser, start - 1, "a name in quotes that does not end");
    return (struct span){NULL, 0};
}

static bool keep_child(struct parser *parser, size_t alarm, size_t at)
{
    for (size_t i = 0; i < parser->child_count; i++)
        if (parser->children[i] == alarm)
            return true;
    if (parser->child_count == RULE_CHILDREN_MOST) {
        refuse(parser, at, "a rule names 100 alarms at most");
        return false;
    }
    parser->children[parser->child_count++] = alarm;
    return true;
}

static bool take_name(struct parser *parser, size_t *alarm)
{
    char hint[HINT_BYTES];
    struct span name = next_word(parser);
    size_t at = parser->at;
    if (name.len == 0 && at < parser->text.len && parser->text.at[at] == '"')
        name = take_quoted(parser);
    else
        parser->at += name.len;
    if (name.at == NULL)
        return false;
    if (name.len == 0) {
        refuse(parser, at, "an alarm's name is expected here");
        return false;
    }
    for (*alarm = 0; *alarm < parser->name_count; ++*alarm)
        if (span_is(name, span_text(parser->names[*alarm])))
            return keep_child(parser, *alarm, at);
    fault_add(parser->faults, FAULT_ERROR, place_of(parser, at),
              nearest_hint(name, parser->names, parser->name_count, hint, sizeof hint),
              "there is no alarm '" SPAN_FORMAT "'", span_arg(span_first(name, SHOWN_BYTES)));
    return false;
}

/* ---- leaves ---- */

static bool take_state(struct parser *parser, enum alarm_state *state)
{
    for (unsigned i = 0; alarm_state_word(i) != NULL; i++)
        if (take_word(parser, span_text(alarm_state_word(i)))) {
            *state = (enum alarm_state)i;
            return true;
        }
    return false;
}

static struct rule_node *parse_constant(struct parser *parser, bool constant)
{
    struct rule_node *node = node_new(parser, RULE_CONSTANT);
    if (node != NULL)
        node->constant = constant;
    return node;
}

static struct rule_node *parse_state(struct parser *parser, enum alarm_state state)
{
    struct rule_node *node = node_new(parser, RULE_STATE);
    if (node == NULL || !want_byte(parser, '(') || !take_name(parser, &node->alarm) ||
        !want_byte(parser, ')'))
        return NULL;
    node->state = state;
    return node;
}

static bool take_least(struct parser *parser, struct rule_node *node)
{
    struct span word = next_word(parser);
    uint64_t number;
    node->in_percent = word.len > 0 && word.at[word.len - 1] == '%';
    if (!number_parse(span_first(word, word.len - node->in_percent), &number) || number == 0 ||
        number > RULE_CHILDREN_MOST) {
        refuse(parser, parser->at, "AT_LEAST expects a count or a percentage, from 1 to 100");
        return false;
    }
    parser->at += word.len;
    node->least = (size_t)number;
    return true;
}

/* (name, name...): a chain of nodes. */
static bool take_names(struct parser *parser, struct rule_node *node)
{
    if (!want_byte(parser, '('))
        return false;
    do {
        struct rule_node *member = node_new(parser, RULE_STATE);
        if (member == NULL || !take_name(parser, &member->alarm))
            return false;
        member->state = node->state;
        member->right = node->left;
        node->left = member;
        node->count++;
    } while (take_byte(parser, ','));
    return want_byte(parser, ')');
}

static struct rule_node *parse_at_least(struct parser *parser)
{
    struct rule_node *node = node_new(parser, RULE_AT_LEAST);
    if (node == NULL || !want_byte(parser, '(') || !take_least(parser, node) ||
        !want_byte(parser, ','))
        return NULL;
    node->negated = take_word(parser, SPAN("NOT"));
    if (!take_state(parser, &node->state))
        return refuse(parser, parser->at, "expected ALARM, OK or INSUFFICIENT_DATA");
    return want_byte(parser, ',') && take_names(parser, node) && want_byte(parser, ')') ? node
                                                                                        : NULL;
}

static struct rule_node *refuse_word(struct parser *parser)
{
    static const char *const words[] = {
        "ALARM", "OK", "INSUFFICIENT_DATA", "AT_LEAST", "NOT", "AND", "OR", "TRUE", "FALSE"};
    char hint[HINT_BYTES];
    struct span word = next_word(parser);
    fault_add(parser->faults, FAULT_ERROR, place_of(parser, parser->at),
              nearest_hint(word, words, sizeof words / sizeof *words, hint, sizeof hint),
              word.len > 0 ? "expected a condition, found '" SPAN_FORMAT "'"
                           : "expected a condition" SPAN_FORMAT,
              span_arg(span_first(word, SHOWN_BYTES)));
    return NULL;
}

static struct rule_node *parse_or(struct parser *parser);

static struct rule_node *parse_leaf(struct parser *parser)
{
    enum alarm_state state;
    if (take_word(parser, SPAN("TRUE")))
        return parse_constant(parser, true);
    if (take_word(parser, SPAN("FALSE")))
        return parse_constant(parser, false);
    if (take_word(parser, SPAN("AT_LEAST")))
        return parse_at_least(parser);
    if (take_state(parser, &state))
        return parse_state(parser, state);
    if (!take_byte(parser, '('))
        return refuse_word(parser);
    struct rule_node *inside = parse_or(parser);
    return inside != NULL && want_byte(parser, ')') ? inside : NULL;
}

/* ---- NOT, AND, OR ---- */

static struct rule_node *parse_not(struct parser *parser)
{
    struct rule_node *node = NULL;
    if (++parser->depth > DEPTH_MOST)
        return refuse(parser, parser->at, "the rule is nested too deep");
    if (!take_word(parser, SPAN("NOT"))) {
        node = parse_leaf(parser);
    } else if ((node = node_new(parser, RULE_NOT)) != NULL) {
        node->left = parse_not(parser);
        node = node->left != NULL ? node : NULL;
    }
    parser->depth--;
    return node;
}

static struct rule_node *parse_level(struct parser *parser, enum rule_kind kind)
{
    struct span sign = kind == RULE_OR ? SPAN("OR") : SPAN("AND");
    struct rule_node *left = kind == RULE_OR ? parse_level(parser, RULE_AND) : parse_not(parser);
    while (left != NULL && take_word(parser, sign)) {
        struct rule_node *node = node_new(parser, kind);
        struct rule_node *right =
            kind == RULE_OR ? parse_level(parser, RULE_AND) : parse_not(parser);
        if (node == NULL || right == NULL)
            return NULL;
        node->left = left;
        node->right = right;
        left = node;
    }
    return left;
}

static struct rule_node *parse_or(struct parser *parser)
{
    return parse_level(parser, RULE_OR);
}

struct alarm_rule *alarm_rule_parse(struct arena *arena, struct span text, struct place at,
                                    const char *const *names, size_t count, struct faults *faults)
{
    struct parser parser = {.arena = arena,
                            .text = text,
                            .origin = at,
                            .names = names,
                            .name_count = count,
                            .faults = faults};
    struct alarm_rule *rule = arena_alloc(arena, sizeof *rule);
    parser.children = arena_alloc(arena, RULE_CHILDREN_MOST * sizeof *parser.children);
    if (rule == NULL || parser.children == NULL || text.len > RULE_TEXT_MOST) {
        refuse(&parser, 0, "the rule is too long: 10,240 bytes at most");
        return NULL;
    }
    const struct rule_node *root = parse_or(&parser);
    skip_space(&parser);
    if (root != NULL && parser.at < text.len) {
        refuse(&parser, parser.at, "expected AND or OR");
        return NULL;
    }
    *rule = (struct alarm_rule){root, parser.children, parser.child_count};
    return root != NULL ? rule : NULL;
}

/* ---- the verdict ---- */

static bool at_least(const struct rule_node *node, const enum alarm_state *states)
{
    size_t count = 0;
    for (const struct rule_node *n = node->left; n != NULL; n = n->right)
        count += (states[n->alarm] == n->state) != node->negated;
    return node->in_percent ? count * 100 >= node->least * node->count : count >= node->least;
}

static bool holds(const struct rule_node *node, const enum alarm_state *states)
{
    switch (node->kind) {
    case RULE_CONSTANT: return node->constant;
    case RULE_STATE: return states[node->alarm] == node->state;
    case RULE_NOT: return !holds(node->left, states);
    case RULE_AND: return holds(node->left, states) && holds(node->right, states);
    case RULE_OR: return holds(node->left, states) || holds(node->right, states);
    case RULE_AT_LEAST: return at_least(node, states);
    }
    return false;
}

bool alarm_rule_holds(const struct alarm_rule *rule, const enum alarm_state *states)
{
    return holds(rule->root, states);
}

/* ---- who speaks for it ---- */

static void speakers_add(const struct rule_node *node, const enum alarm_state *states, bool *speaks)
{
    bool verdict = holds(node, states);
    switch (node->kind) {
    case RULE_CONSTANT: return;
    case RULE_STATE: speaks[node->alarm] = true; return;
    case RULE_NOT: speakers_add(node->left, states, speaks); return;
    case RULE_AND:
    case RULE_OR: /* sides of another verdict have no say in this one */
        if (holds(node->left, states) == verdict)
            speakers_add(node->left, states, speaks);
        if (holds(node->right, states) == verdict)
            speakers_add(node->right, states, speaks);
        return;
    case RULE_AT_LEAST:
        for (const struct rule_node *n = node->left; n != NULL; n = n->right)
            if (((states[n->alarm] == n->state) != node->negated) == verdict)
                speaks[n->alarm] = true;
        return;
    }
}

bool alarm_rule_speakers(const struct alarm_rule *rule, const enum alarm_state *states,
                         bool *speaks)
{
    speakers_add(rule->root, states, speaks);
    return holds(rule->root, states);
}
