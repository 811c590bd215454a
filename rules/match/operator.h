/* SPDX-License-Identifier: Apache-2.0 */
/* The @operators, one row each. An operator is compiled once at load, is frozen, and is run by many
 * threads. */
#ifndef SIDEGATE_RULES_MATCH_OPERATOR_H
#define SIDEGATE_RULES_MATCH_OPERATOR_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/buf.h"
#include "rules/base/span.h"
#include "rules/match/lookup.h"
#include "rules/match/macro.h"
#include "rules/match/pattern.h"

struct operator;
struct xml_tree;

/* How an operator is built: what the loader hands in. */
struct operator_build {
    struct arena *arena; /* lives as long as the operator */
    /* Reads a file named by a rule; a relative name is relative to the rule's file. False: `why`
     * says it. */
    bool (*read_file)(void *context, struct span name, struct buf *to, char *why, size_t why_size);
    void *context;
    /* Out: */
    size_t offset;     /* byte in the argument where the fault is */
    char why[256];     /* the fault, or a warning where compile succeeded */
    struct span wrong; /* an unknown operator: its name */
};

/* `name` without @ and !. NULL: build->why says what is wrong. Free with operator_free (it holds
 * PCRE2 memory). */
struct operator* operator_compile(struct span name, bool negated, struct span argument,
                                  struct operator_build *build);
void operator_free(struct operator* op);

enum operator_answer {
    OPERATOR_NO,
    OPERATOR_YES,
    OPERATOR_LIMIT,   /* PCRE2 ran over a limit */
    OPERATOR_UNKNOWN, /* @rbl: nobody has answered yet; @geoLookup: there is no database */
    OPERATOR_PAUSED,  /* patience was over: run it again as it is, to go on at run->start */
};

struct operator_run {
    struct span value;    /* the transformed value */
    struct span argument; /* with macros expanded; the plain text where there are none */
    struct scratch *scratch;
    struct patience patience; /* with a long value; of @rx alone */
    size_t start;             /* 0; what PAUSED left here */
    struct arena *arena;      /* for captures that are not part of the value (a fingerprint) */
    const struct xml_tree *document; /* where operator_reads_document(); NULL: there is none */
    const struct lookups *lookups;   /* where operator_asks(); NULL: nobody can be asked */
    struct span variable;            /* the same: the value's name, for what is captured */
    struct pair *members; /* out, where operator_asks(): what GEO holds now; NULL: as before */
    size_t member_count;
    struct captures captures; /* out; count 0 where the operator captures nothing */
    struct span found; /* out: the part that decided, where it is another than captures.at[0] */
};

/* The answer with `negated` taken into account (LIMIT, UNKNOWN and PAUSED stay). */
enum operator_answer operator_run(const struct operator* op, struct operator_run *run);

/* @rx, @rxGlobal: each macro value goes through pattern_escape() before it becomes part of
 * run->argument. */
bool operator_escapes_values(const struct operator* op);

/* @validateSchema, @validateDTD: they look at the whole document, not at a value. */
bool operator_reads_document(const struct operator* op);

/* @rbl, @geoLookup: they ask others. */
bool operator_asks(const struct operator* op);
/* @geoLookup. */
bool operator_asks_place(const struct operator* op);

const char *operator_name(const struct operator* op); /* as documents spell it */
bool operator_is_negated(const struct operator* op);
const struct macro *operator_argument(const struct operator* op);
const char *const *operator_names(size_t *count);

#endif
