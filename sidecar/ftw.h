/* SPDX-License-Identifier: Apache-2.0 */
/* go-ftw's test files: the bytes that a stage's `input` stands for. What is not given is completed
 * as go-ftw does it (Content-Type and the escaping of forms, Connection, Content-Length); fields go
 * in the order of their names. */
#ifndef SIDEGATE_SIDECAR_FTW_H
#define SIDEGATE_SIDECAR_FTW_H

#include "rules/base/arena.h"
#include "rules/base/span.h"
#include "sidecar/config/tree.h"

/* The text of a map's member; `otherwise` where there is none. */
struct span ftw_text(const struct node *map, struct span key, struct span otherwise);
/* In the arena; at NULL: it does not fit. */
struct span ftw_request(const struct node *input, struct arena *arena);

#endif
