/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is told apart by, before an authorizer is asked: its identity, out of the sources
 * that the authorizer names (reference aws.md 7.1, 7.2), and the key that its answer is kept under.
 */
#ifndef SIDEGATE_SIDECAR_GUARD_IDENTITY_SOURCE_H
#define SIDEGATE_SIDECAR_GUARD_IDENTITY_SOURCE_H

#include "sidecar/guard/authorizer_event.h"

struct pattern;

enum identity_kind {
#define IDENTITY_SOURCE(id, word, sentence) IDENTITY_##id,
#include "sidecar/guard/identity_sources.tbl"
    IDENTITY_KINDS,
};

enum identity_context {
#define IDENTITY_CONTEXT(id, name, sentence) IDENTITY_CONTEXT_##id,
#include "sidecar/guard/identity_sources.tbl"
    IDENTITY_CONTEXTS,
};

enum { IDENTITY_SOURCES_MOST = 16 };

struct identity_source {
    enum identity_kind kind;
    enum identity_context context; /* of CONTEXT */
    struct span name;              /* of the others: borrowed from the text */
};

/* "$request.header.Authorization", "method.request.header.Authorization": both spellings, of REST
 * APIs and of HTTP APIs, say the same. False: it is none. */
bool identity_source_read(struct span text, struct identity_source *source);
/* Every name that the context has, for hints: "$context.routeKey"; the i-th, or NULL. */
const char *identity_context_name(size_t i);

/* A pattern that matches where the whole of a text matches `text`; NULL: it is none, and `why` says
 * what is wrong. */
struct pattern *identity_pattern(struct span text, char *why, size_t size);

/* The values in order, in the arena of the request; false: one is missing or empty. Then the others
 * are not looked for, and request->identity stays as it was. */
bool identity_find(const struct identity_source *sources, size_t count,
                   struct authorizer_request *request);
/* All of them as one run of bytes, which no other identity makes. In the arena; empty: there is no
 * room. */
struct span identity_key(const struct identity_source *sources, size_t count,
                         const struct authorizer_request *request);

#endif
