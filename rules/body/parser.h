/* SPDX-License-Identifier: Apache-2.0 */
/* What the parsers of this folder share: a body at work, growing lists in its arena, and the row
 * that each kind of body fills in. Nothing outside of this folder includes it.
 *
 * Three kinds gather the whole body as one text in the arena and parse it in place at the end, so
 * that names and values are parts of that one copy, and where the pieces were cut cannot matter.
 * XML goes straight into its own push parser. */
#ifndef SIDEGATE_RULES_BODY_PARSER_H
#define SIDEGATE_RULES_BODY_PARSER_H

#include "rules/body/body.h"

/* Text that grows in an arena. */
struct text {
    char *at;
    size_t len, room;
};

void text_add(struct text *text, struct arena *arena, struct span bytes);

/* Pairs that grow in an arena. */
struct pairs {
    struct pair *at;
    size_t count, room;
};

/* Where the arena is full nothing is added. */
void pairs_add(struct pairs *pairs, struct arena *arena, struct span name, struct span value);

struct body {
    const struct body_parser *parser;
    struct arena *arena;
    struct body_limits limits;
    struct span content_type;
    struct text text; /* the body as it came; for XML what its text nodes hold */
    struct pairs arguments, containers, part_headers, xml_attributes;
    struct xml *xml; /* the only thing that does not lie in the arena */
    struct body_result result;
};

/* Is another argument wanted? Names and values are copied only then. */
static inline bool body_takes_arguments(const struct body *body)
{
    return body->arguments.count < body->limits.arguments;
}

static inline bool body_takes_containers(const struct body *body)
{
    return body->containers.count < body->limits.arguments;
}

/* Adds an argument, or marks that there are too many. */
void body_add_argument(struct body *body, struct span name, struct span value);

/* The same for an object or array: what it is called, and what is first below it. */
void body_add_container(struct body *body, struct span name, struct span first);

/* Marks the body as failed, unless an earlier failure is told already. */
void body_fail(struct body *body, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One kind of body. */
struct body_parser {
    bool (*begin)(struct body *);             /* NULL: nothing to do; false: no memory */
    void (*push)(struct body *, struct span); /* never called with nothing */
    void (*end)(struct body *, bool complete);
};

extern const struct body_parser urlencoded_parser;
extern const struct body_parser multipart_parser;
extern const struct body_parser json_parser;
extern const struct body_parser xml_parser;

void body_gather(struct body *body, struct span bytes); /* the push of the three */

void xml_free(struct xml *xml); /* NULL allowed */

#endif
