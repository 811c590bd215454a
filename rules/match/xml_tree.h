/* SPDX-License-Identifier: Apache-2.0 */
/* An XML document as a tree, for what needs one: XPath, and validation. Nothing is fetched while it
 * is made, no entity is put in. */
#ifndef SIDEGATE_RULES_MATCH_XML_TREE_H
#define SIDEGATE_RULES_MATCH_XML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct xml_tree;

/* NULL: not well-formed. Free with xml_tree_free. */
struct xml_tree *xml_tree_new(struct span text);
void xml_tree_free(struct xml_tree *tree); /* NULL allowed */

/* What an expression selects: the text of each node, or the one number, string or truth that it
 * comes to. Texts are copied into `arena`, and the array as well; NULL, and *count 0: nothing, or
 * more steps than an expression may take. `namespaces` are prefixes and what they stand for. */
struct pair *xml_tree_select(const struct xml_tree *tree, struct span expression,
                             const struct pair *namespaces, size_t namespace_count,
                             struct arena *arena, size_t *count);

/* Is it an expression of XPath 1.0 at all? */
bool xml_expression_is_valid(struct span expression);

/* A schema (XML Schema 1.0), read once and used by any thread. NULL: it is none. */
struct xml_schema;
struct xml_schema *xml_schema_new(struct span text);
void xml_schema_free(struct xml_schema *schema); /* NULL allowed */
/* `why` gets what libxml2 says is wrong; its texts lie in `arena`. */
bool xml_schema_allows(const struct xml_schema *schema, const struct xml_tree *tree,
                       struct arena *arena, struct span *why);

/* Is the text a document type definition? */
bool xml_dtd_is_valid(struct span text);
/* Does the definition allow the document? It is read anew each time: libxml2 writes into it. */
bool xml_dtd_allows(struct span text, const struct xml_tree *tree, struct arena *arena,
                    struct span *why);

#endif
