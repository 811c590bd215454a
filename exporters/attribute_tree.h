/* SPDX-License-Identifier: Apache-2.0 */
/* A list of OTLP attributes under construction, as protobuf-c wants it: for what is not told with
 * every request. */
#ifndef SIDEGATE_EXPORTERS_ATTRIBUTE_TREE_H
#define SIDEGATE_EXPORTERS_ATTRIBUTE_TREE_H

#include "exporters/proto/otlp.pb-c.h"
#include "rules/base/arena.h"

enum { ATTRIBUTES_MOST = 48 };

/* Lies where it was begun: it points into itself. */
struct attribute_tree {
    struct arena *arena; /* for copies of texts */
    size_t count;
    Otlp__KeyValue *list[ATTRIBUTES_MOST];
    Otlp__KeyValue pairs[ATTRIBUTES_MOST];
    Otlp__AnyValue values[ATTRIBUTES_MOST];
};

void attribute_tree_begin(struct attribute_tree *tree, struct arena *arena);

/* Keys are static text. Empty texts and zero numbers say nothing and are left out. */
void attribute_tree_text(struct attribute_tree *tree, const char *key, struct span value);
void attribute_tree_number(struct attribute_tree *tree, const char *key, uint64_t value);
/* The value, for those who fill it themselves; NULL: there are too many. */
Otlp__AnyValue *attribute_tree_value(struct attribute_tree *tree, const char *key);

/* Terminated valid UTF-8: broken bytes and NULs become U+FFFD. "" where the arena is full. */
char *otlp_text(struct arena *arena, struct span text);
/* protobuf-c asks for char * but never writes. */
char *otlp_lend(const char *text);

#endif
