/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the sanitiser: what is known of the secrets of one report while it is cleaned. Each of
 * its files cleans a part of it: sanitise (heads, lines, wherever else they stand), sanitise_body,
 * sanitise_match, sanitise_carried. */
#ifndef SIDEGATE_EXPORTERS_CLEANING_H
#define SIDEGATE_EXPORTERS_CLEANING_H

#include "exporters/report.h"
#include "rules/base/arena.h"
#include "rules/base/buf.h"

enum {
    SECRETS_MOST = 64,
    SECRET_SHORTEST = 3, /* shorter ones are hidden only where they are known to stand */
    FOUND_MOST = 16,
    CLEANED_BYTES = 1024 * 1024,
};

struct cleaning {
    struct report *report;
    const struct pair *named;
    size_t name_count;
    struct arena *arena;
    struct span secrets[SECRETS_MOST];
    size_t secret_count, shortest; /* nothing shorter can hold one */
    bool is_blind;                 /* not all are known: then no text can be trusted */
    struct buf scratch;            /* of cleaning_decoded() */
    bool query_had_secret;
    struct span found[FOUND_MOST]; /* in the value of the match that is cleaned */
    size_t found_count;
    struct span searched;     /* a long value of a match, and */
    bool searched_has_secret; /* what came of it */
    struct carried *carried;  /* NULL: nobody asked yet */
    const bool *aside;        /* arguments that others name; likewise */
};

/* Is the variable named? `collection` of arguments: any of theirs. */
bool cleaning_names(const struct cleaning *c, struct span collection, struct span name);
/* Is any of the collection? */
bool cleaning_names_any(const struct cleaning *c, struct span collection);
bool cleaning_names_arguments(const struct cleaning *c);

/* Notes a secret, to be hidden wherever else it stands; _value: as it came, and what it means. */
void cleaning_keep(struct cleaning *c, struct span value);
void cleaning_keep_value(struct cleaning *c, struct span value);

/* Percent and plus undone: the text itself where there are none, else for as long as nothing else
 * is decoded. */
struct span cleaning_decoded(struct cleaning *c, struct span text);

/* Does the value, its escapes undone, hold a secret that was noted? */
bool cleaning_holds(struct cleaning *c, struct span value);

/* The next cookie without a '=' of a Cookie field, which takes it off: browsers have it as a value
 * without a name (RFC 6265bis 5.7), rules as a name. Empty: there are no more. */
struct span cleaning_bare_cookie(struct span *field);

/* The text in the arena, and lets go of the buffer; MASK where there was no memory for it. */
struct span cleaning_finish(struct cleaning *c, struct buf *text);

/* Masks what is a secret by its name or by how it reads. True: there was something. */
bool cleaning_mask(struct cleaning *c, struct span *text);

/* Masks the secrets that were noted; `_one`: one. True: there was one. */
bool cleaning_hide(struct cleaning *c, struct span *text);
void cleaning_hide_one(struct cleaning *c, struct span *text, struct span secret);

/* a=1&b=2: of a query or a form. */
struct span clean_parameters(struct cleaning *c, struct span text);
/* Both bodies of the audit's. */
void clean_bodies(struct cleaning *c);
/* What rules found. */
void clean_matches(struct cleaning *c);
/* What rules carried from elsewhere into a text that they expanded (`literals`: what stands in the
 * rule itself; at NULL: it was not expanded): pieces of any secret of the transaction go, but for
 * those that are said anyway, by the rule, in the name and the value of the match, or by what no
 * client writes. Where not all secrets are known only what is said anyway stays. */
void clean_carried(struct cleaning *c, struct span *text, struct span literals,
                   const struct rule_match *match);
/* Is the variable (ARGS:json.value) an argument that another one of its object names
 * (json.name=password)? */
bool carried_names(struct cleaning *c, struct span variable);
void carried_fini(struct carried *carried); /* NULL allowed */
/* What the rules of web ACLs found. */
void clean_decisions(struct cleaning *c);

#endif
