/* SPDX-License-Identifier: Apache-2.0 */
/* An expression as a tree, and a run over it; between math_parse.c, math_run.c and
 * math_functions.c. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_MATH_INSIDE_H
#define SIDEGATE_EXPORTERS_ALARMS_MATH_INSIDE_H

#include "exporters/alarms/math.h"

enum math_operator { /* the last six of them compare */
                     MATH_ADD,
                     MATH_SUBTRACT,
                     MATH_MULTIPLY,
                     MATH_DIVIDE,
                     MATH_POWER,
                     MATH_AND,
                     MATH_OR,
                     MATH_EQUAL,
                     MATH_NOT_EQUAL,
                     MATH_LESS,
                     MATH_GREATER,
                     MATH_LESS_OR_EQUAL,
                     MATH_GREATER_OR_EQUAL
};

enum math_node_kind {
    NODE_NUMBER,
    NODE_NAME,
    NODE_LIST,
    NODE_CALL,
    NODE_BINARY,
    NODE_NEGATE,
    NODE_WORD, /* ASC, REPEAT: an argument only */
    NODE_TEXT  /* "errors": an argument only */
};
enum { MATH_MEMBERS_MOST = 100 }; /* of an array in brackets */

struct math_node {
    enum math_node_kind node;
    enum math_kind kind; /* of its value */
    enum math_operator operation;
    double number;
    size_t name;      /* index */
    struct span text; /* of a word, a text or a call: the function's name */
    const struct math_function *function;
    struct math_node *first; /* operands, arguments, members */
    struct math_node *next;  /* the one beside it */
    size_t count;            /* of those below */
    struct place place;
};

struct math {
    const struct math_node *root;
    const struct math_name *names;
    size_t name_count;
};

struct math_run {
    const struct math *math;
    const struct math_inputs *inputs;
    struct arena *arena;
    double *scratch; /* what is written to once the arena is full; the result is thrown away then */
};

struct math_function {
    const char *name;
    const char *arguments;
    size_t least;
    char gives;
    struct math_value (*apply)(struct math_run *run, const struct math_node *call);
};
const struct math_function *math_function_find(struct span name); /* NULL: none */

/* What a letter of the table asks for; NULL: the argument is that. */
const char *math_argument_wrong(char letter, const struct math_node *argument);

struct math_value math_value_of(struct math_run *run, const struct math_node *node);
/* A series without values; never NULL. */
double *math_series_new(struct math_run *run);
struct math_value math_number(double number);
struct math_value math_one(struct math_run *run, const double *series);
struct math_value math_list(struct math_run *run, size_t count, double ***series);

/* A finite number, or a gap. */
double math_finite(double value);

#endif
