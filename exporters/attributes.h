/* SPDX-License-Identifier: Apache-2.0 */
/* A list of OTLP attributes under construction, as protobuf-c wants it. */
#ifndef SIDEGATE_EXPORTERS_ATTRIBUTES_H
#define SIDEGATE_EXPORTERS_ATTRIBUTES_H

#include "exporters/limits.h"
#include "exporters/proto/otlp.pb-c.h"
#include "rules/base/arena.h"

enum { ATTRIBUTES_MOST = 48 };

/* Lies where it was begun: it points into itself. */
struct attributes {
    struct arena *arena;                   /* for copies of texts */
    const struct attribute_limits *limits; /* NULL: none */
    size_t count;
    uint32_t dropped; /* beyond the limits */
    Otlp__KeyValue *list[ATTRIBUTES_MOST];
    Otlp__KeyValue pairs[ATTRIBUTES_MOST];
    Otlp__AnyValue values[ATTRIBUTES_MOST];
};

/* `limits` is borrowed; NULL: none. */
void attributes_begin(struct attributes *attributes, struct arena *arena,
                      const struct attribute_limits *limits);

/* Keys are static text. Empty texts and zero numbers say nothing and are left out. */
void attribute_text(struct attributes *attributes, const char *key, struct span value);
void attribute_number(struct attributes *attributes, const char *key, uint64_t value);
/* The value, for those who fill it themselves; NULL: there are too many. */
Otlp__AnyValue *attribute_value(struct attributes *attributes, const char *key);

/* Terminated valid UTF-8: broken bytes and NULs become U+FFFD. "" where the arena is full. */
char *otlp_text(struct arena *arena, struct span text);
/* protobuf-c asks for char * but never writes. */
char *otlp_lend(const char *text);

#endif
