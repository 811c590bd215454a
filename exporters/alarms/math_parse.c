/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive descent, one function a level of binding. The kinds of values are settled here, so that
 * a run cannot go wrong. */
#include <math.h>

#include "exporters/alarms/math_inside.h"
#include "exporters/alarms/statistic.h"

enum { DEPTH_MOST = 64, NODES_MOST = 1000, HINT_BYTES = 128, NAMES_SHOWN = 128, SHOWN_BYTES = 60 };

struct parser {
    struct arena *arena;
    struct span text;
    size_t at;
    struct place origin;
    const struct math_name *names;
    size_t name_count;
    struct faults *faults;
    unsigned depth, nodes, bands;
};

static struct math_node *parse_or(struct parser *parser);

/* ---- places and faults ---- */

static struct place place_of(const struct parser *parser, size_t at)
{
    return place_behind(parser->origin, span_first(parser->text, at));
}

static struct math_node *refuse(struct parser *parser, struct place place, const char *message)
{
    fault_add(parser->faults, FAULT_ERROR, place, SPAN(""), "%s", message);
    return NULL;
}

/* ---- characters ---- */

static void skip_space(struct parser *parser)
{
    while (parser->at < parser->text.len &&
           (parser->text.at[parser->at] == ' ' || parser->text.at[parser->at] == '\t' ||
            parser->text.at[parser->at] == '\n' || parser->text.at[parser->at] == '\r'))
        parser->at++;
}

static bool is_word_byte(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || c == '_';
}

/* The word at `at`, as long as it goes. */
static struct span word_at(struct span text, size_t at)
{
    size_t end = at;
    while (end < text.len && is_word_byte(text.at[end]))
        end++;
    return span_make(text.at + at, end - at);
}

static bool looks_at(const struct parser *parser, struct span what)
{
    return span_starts(span_from(parser->text, parser->at), what);
}

/* Words end where a word ends. */
static bool take(struct parser *parser, struct span what)
{
    skip_space(parser);
    if (!looks_at(parser, what) ||
        (byte_is_alpha(what.at[0]) && word_at(parser->text, parser->at).len != what.len))
        return false;
    parser->at += what.len;
    return true;
}

static bool want(struct parser *parser, struct span what)
{
    if (take(parser, what))
        return true;
    if (parser->at < parser->text.len)
        fault_add(parser->faults, FAULT_ERROR, place_of(parser, parser->at), SPAN(""),
                  "expected '" SPAN_FORMAT "', found '%c'", span_arg(what),
                  parser->text.at[parser->at] >= ' ' && parser->text.at[parser->at] < 0x7f
                      ? parser->text.at[parser->at]
                      : '?');
    else
        fault_add(parser->faults, FAULT_ERROR, place_of(parser, parser->at), SPAN(""),
                  "expected '" SPAN_FORMAT "', found the end", span_arg(what));
    return false;
}

bool math_id_is_good(struct span id)
{
    return id.len > 0 && id.at[0] >= 'a' && id.at[0] <= 'z' && word_at(id, 0).len == id.len;
}

bool math_mentions(struct span text, struct span id)
{
    for (size_t i = 0; i < text.len;) {
        struct span word = word_at(text, i);
        if (span_is(word, id))
            return true;
        i += word.len > 0 ? word.len : 1;
    }
    return false;
}

/* ---- nodes ---- */

static struct math_node *node_new(struct parser *parser, enum math_node_kind node, size_t at)
{
    if (++parser->nodes > NODES_MOST)
        return refuse(parser, place_of(parser, at), "the expression is too long");
    struct math_node *made = arena_alloc(parser->arena, sizeof *made);
    if (made == NULL)
        return refuse(parser, place_of(parser, at), "the expression does not fit into memory");
    *made = (struct math_node){.node = node, .place = place_of(parser, at)};
    return made;
}

static void node_add(struct math_node *to, struct math_node *child)
{
    struct math_node **end = &to->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = child;
    to->count++;
}

static bool check_value(struct parser *parser, const struct math_node *node)
{
    if (node->node != NODE_WORD && node->node != NODE_TEXT)
        return true;
    refuse(parser, node->place,
           node->node == NODE_WORD ? "a word stands here where a value is expected"
                                   : "a text stands here where a value is expected");
    return false;
}

/* ---- leaves ---- */

static struct math_node *parse_number(struct parser *parser)
{
    size_t from = parser->at, end = from;
    const char *text = parser->text.at;
    while (end < parser->text.len && (byte_is_digit(text[end]) || text[end] == '.' ||
                                      ((text[end] == 'e' || text[end] == 'E') && end > from) ||
                                      ((text[end] == '-' || text[end] == '+') && end > from &&
                                       (text[end - 1] == 'e' || text[end - 1] == 'E'))))
        end++;
    struct math_node *node = node_new(parser, NODE_NUMBER, from);
    if (node == NULL)
        return NULL;
    if (!alarm_number_parse(span_make(text + from, end - from), &node->number))
        return refuse(parser, node->place, "this is no number");
    parser->at = end;
    return node;
}

static struct math_node *parse_text(struct parser *parser, char quote)
{
    struct math_node *node = node_new(parser, NODE_TEXT, parser->at);
    struct span rest = span_from(parser->text, parser->at + 1);
    size_t end = span_find_byte(rest, quote);
    if (node == NULL)
        return NULL;
    if (end == SPAN_NONE)
        return refuse(parser, node->place, "a text that does not end");
    node->text = span_first(rest, end);
    parser->at += end + 2;
    return node;
}

static struct math_node *parse_name(struct parser *parser, struct span word)
{
    const char *ids[NAMES_SHOWN];
    size_t count = 0;
    char hint[HINT_BYTES];
    struct math_node *node = node_new(parser, NODE_NAME, parser->at);
    if (node == NULL)
        return NULL;
    for (size_t i = 0; i < parser->name_count; i++) {
        if (span_is(parser->names[i].id, word)) {
            parser->at += word.len;
            node->name = i;
            node->kind = parser->names[i].kind;
            return node;
        }
        char *id = count < NAMES_SHOWN ? arena_string(parser->arena, parser->names[i].id) : NULL;
        if (id != NULL)
            ids[count++] = id;
    }
    fault_add(parser->faults, FAULT_ERROR, node->place,
              nearest_hint(word, ids, count, hint, sizeof hint), "there is no id '" SPAN_FORMAT "'",
              span_arg(span_first(word, SHOWN_BYTES)));
    return NULL;
}

/* ---- calls ---- */

static const struct {
    const char *name, *why;
} refused[] = {
    {"SEARCH", "SEARCH is not allowed in an alarm"},
    {"INSIGHT_RULE_METRIC", "INSIGHT_RULE_METRIC asks Contributor Insights, which is not here"},
    {"DB_PERF_INSIGHTS", "DB_PERF_INSIGHTS asks a database of AWS, which is not here"},
    {"LAMBDA", "LAMBDA asks a function of AWS, which is not here"},
    {"SERVICE_QUOTA", "SERVICE_QUOTA asks for quotas of AWS, which are not here"},
};

static struct math_node *refuse_function(struct parser *parser, struct span name, size_t at)
{
    const char *names[NAMES_SHOWN];
    size_t count = 0;
    char hint[HINT_BYTES];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (span_is(name, span_text(refused[i].name)))
            return refuse(parser, place_of(parser, at), refused[i].why);
    while (count < NAMES_SHOWN && (names[count] = math_function_name(count)) != NULL)
        count++;
    fault_add(parser->faults, FAULT_ERROR, place_of(parser, at),
              nearest_hint(name, names, count, hint, sizeof hint),
              "there is no function '" SPAN_FORMAT "'", span_arg(span_first(name, SHOWN_BYTES)));
    return NULL;
}

static bool arguments_fit(struct parser *parser, const struct math_node *call)
{
    const struct math_function *function = call->function;
    size_t most = strlen(function->arguments), i = 0;
    if (call->count < function->least || call->count > most) {
        fault_add(parser->faults, FAULT_ERROR, call->place, SPAN(""),
                  "%s takes %zu to %zu arguments, found %zu", function->name, function->least, most,
                  call->count);
        return false;
    }
    for (const struct math_node *n = call->first; n != NULL; n = n->next) {
        const char *wrong = math_argument_wrong(function->arguments[i++], n);
        if (wrong == NULL)
            continue;
        fault_add(parser->faults, FAULT_ERROR, n->place, SPAN(""), "%s expects %s here",
                  function->name, wrong);
        return false;
    }
    return true;
}

static enum math_kind kind_given(const struct math_node *call)
{
    const struct math_node *first = call->first;
    switch (call->function->gives) {
    case 'n': return MATH_NUMBER;
    case 's': return MATH_SERIES;
    case 'l': return MATH_ARRAY;
    case '=': return first->kind;
    case '<': return first->kind == MATH_ARRAY ? MATH_SERIES : MATH_NUMBER;
    default: break;
    }
    if (call->count < 3)
        return MATH_SERIES;
    for (const struct math_node *n = first; n != NULL; n = n->next)
        if (n->kind == MATH_SERIES)
            return MATH_SERIES;
    return MATH_NUMBER;
}

/* Members up to the closing bracket. */
static bool parse_members(struct parser *parser, struct math_node *to, struct span closing)
{
    if (take(parser, closing))
        return true;
    do {
        struct math_node *member = parse_or(parser);
        if (member == NULL)
            return false;
        node_add(to, member);
    } while (take(parser, SPAN(",")));
    return want(parser, closing);
}

static struct math_node *parse_call(struct parser *parser, struct span name)
{
    size_t at = parser->at;
    struct math_node *call = node_new(parser, NODE_CALL, at);
    if (call == NULL)
        return NULL;
    call->text = name;
    call->function = math_function_find(name);
    if (call->function == NULL)
        return refuse_function(parser, name, at);
    parser->at += name.len;
    if (!want(parser, SPAN("(")) || !parse_members(parser, call, SPAN(")")) ||
        !arguments_fit(parser, call))
        return NULL;
    if (call->function->name[0] == 'A' && call->function->name[1] == 'N' && ++parser->bands > 1)
        return refuse(parser, call->place, "an expression has one ANOMALY_DETECTION_BAND at most");
    call->kind = kind_given(call);
    return call;
}

static struct math_node *parse_upper(struct parser *parser, struct span word)
{
    size_t at = parser->at;
    struct parser ahead = *parser;
    ahead.at += word.len;
    if (take(&ahead, SPAN("(")))
        return parse_call(parser, word);
    struct math_node *node = node_new(parser, NODE_WORD, at);
    if (node == NULL)
        return NULL;
    node->text = word;
    parser->at += word.len;
    return node;
}

static struct math_node *parse_list(struct parser *parser)
{
    struct math_node *list = node_new(parser, NODE_LIST, parser->at);
    if (list == NULL)
        return NULL;
    parser->at++;
    if (!parse_members(parser, list, SPAN("]")))
        return NULL;
    list->kind = MATH_ARRAY;
    if (list->count == 0)
        return refuse(parser, list->place, "an empty array");
    if (list->count > MATH_MEMBERS_MOST)
        return refuse(parser, list->place, "an array has 100 members at most");
    for (const struct math_node *n = list->first; n != NULL; n = n->next)
        if (!check_value(parser, n))
            return NULL;
    return list;
}

static struct math_node *parse_leaf(struct parser *parser)
{
    skip_space(parser);
    if (parser->at == parser->text.len)
        return refuse(parser, place_of(parser, parser->at), "a value is missing at the end");
    char c = parser->text.at[parser->at];
    struct span word = word_at(parser->text, parser->at);
    if (byte_is_digit(c) || c == '.')
        return parse_number(parser);
    if (c == '"' || c == '\'')
        return parse_text(parser, c);
    if (c == '[')
        return parse_list(parser);
    if (c >= 'a' && c <= 'z')
        return parse_name(parser, word);
    if (c >= 'A' && c <= 'Z')
        return parse_upper(parser, word);
    if (!take(parser, SPAN("(")))
        return refuse(parser, place_of(parser, parser->at), "a value is expected here");
    struct math_node *inside = parse_or(parser);
    return inside != NULL && want(parser, SPAN(")")) ? inside : NULL;
}

/* ---- operators ---- */

static struct math_node *join(struct parser *parser, enum math_operator operation, size_t at,
                              struct math_node *left, struct math_node *right)
{
    struct math_node *node = node_new(parser, NODE_BINARY, at);
    if (node == NULL || !check_value(parser, left) || !check_value(parser, right))
        return NULL;
    node->operation = operation;
    node->kind = left->kind > right->kind ? left->kind : right->kind;
    node_add(node, left);
    node_add(node, right);
    return node;
}

static struct math_node *parse_sign(struct parser *parser);

/* To the right first: 2^3^2 is 2^9. */
static struct math_node *parse_power(struct parser *parser)
{
    struct math_node *left = parse_leaf(parser);
    size_t at = parser->at;
    if (left == NULL || !take(parser, SPAN("^")))
        return left;
    struct math_node *right = parse_sign(parser);
    return right != NULL ? join(parser, MATH_POWER, at, left, right) : NULL;
}

static struct math_node *parse_sign(struct parser *parser)
{
    skip_space(parser);
    size_t at = parser->at;
    struct math_node *node = NULL;
    if (++parser->depth > DEPTH_MOST)
        return refuse(parser, place_of(parser, at), "the expression is nested too deep");
    if (!take(parser, SPAN("-"))) {
        node = parse_power(parser);
        parser->depth--;
        return node;
    }
    struct math_node *inside = parse_sign(parser);
    parser->depth--;
    if (inside == NULL || !check_value(parser, inside) ||
        (node = node_new(parser, NODE_NEGATE, at)) == NULL)
        return NULL;
    node->kind = inside->kind;
    node_add(node, inside);
    return node;
}

/* From loose to tight; a longer sign stands before a shorter one that it begins with. */
static const struct {
    struct span sign;
    enum math_operator operation;
    unsigned level;
} signs[] = {
    {SPAN_INIT("||"), MATH_OR, 0},
    {SPAN_INIT("OR"), MATH_OR, 0},
    {SPAN_INIT("&&"), MATH_AND, 1},
    {SPAN_INIT("AND"), MATH_AND, 1},
    {SPAN_INIT("=="), MATH_EQUAL, 2},
    {SPAN_INIT("!="), MATH_NOT_EQUAL, 2},
    {SPAN_INIT("<="), MATH_LESS_OR_EQUAL, 2},
    {SPAN_INIT(">="), MATH_GREATER_OR_EQUAL, 2},
    {SPAN_INIT("<"), MATH_LESS, 2},
    {SPAN_INIT(">"), MATH_GREATER, 2},
    {SPAN_INIT("+"), MATH_ADD, 3},
    {SPAN_INIT("-"), MATH_SUBTRACT, 3},
    {SPAN_INIT("*"), MATH_MULTIPLY, 4},
    {SPAN_INIT("/"), MATH_DIVIDE, 4},
};
enum { SIGNS = sizeof signs / sizeof *signs, LEVELS = 5 };

static size_t take_sign(struct parser *parser, unsigned level)
{
    for (size_t i = 0; i < SIGNS; i++)
        if (signs[i].level == level && take(parser, signs[i].sign))
            return i;
    return SIGNS;
}

static struct math_node *parse_level(struct parser *parser, unsigned level)
{
    if (level == LEVELS)
        return parse_sign(parser);
    struct math_node *left = parse_level(parser, level + 1);
    while (left != NULL) {
        skip_space(parser);
        size_t at = parser->at, i = take_sign(parser, level);
        if (i == SIGNS)
            break;
        struct math_node *right = parse_level(parser, level + 1);
        left = right != NULL ? join(parser, signs[i].operation, at, left, right) : NULL;
    }
    return left;
}

static struct math_node *parse_or(struct parser *parser)
{
    return parse_level(parser, 0);
}

/* ---- the whole ---- */

struct math *math_parse(struct arena *arena, struct span text, struct place at,
                        const struct math_name *names, size_t count, struct faults *faults)
{
    struct parser parser = {.arena = arena,
                            .text = text,
                            .origin = at,
                            .names = names,
                            .name_count = count,
                            .faults = faults};
    struct math *math = arena_alloc(arena, sizeof *math);
    if (math == NULL || text.len > MATH_TEXT_MOST) {
        refuse(&parser, at, "the expression is too long");
        return NULL;
    }
    struct math_node *root = parse_or(&parser);
    if (root == NULL || !check_value(&parser, root))
        return NULL;
    skip_space(&parser);
    if (parser.at < text.len) {
        refuse(&parser, place_of(&parser, parser.at), "an operator is expected here");
        return NULL;
    }
    *math = (struct math){root, names, count};
    return math;
}

enum math_kind math_kind(const struct math *math)
{
    return math->root->kind;
}
