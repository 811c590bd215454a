/* SPDX-License-Identifier: Apache-2.0 */
/* `match` of an access entry: from a node to a tree of conditions, and to the text that log lines
 * and `config print` show. */
#ifndef SIDEGATE_SIDECAR_CONFIG_CONDITIONS_H
#define SIDEGATE_SIDECAR_CONFIG_CONDITIONS_H

#include "sidecar/config/values.h"
#include "sidecar/guard/condition.h"

/* NULL: something is wrong with it, and said. Lies in the reading's arena. */
const struct condition *condition_read(const struct value *value);
/* Of a certificate alone: { san: ..., subject: ... }. */
const struct condition *condition_read_certificate(const struct value *value);
/* The node as YAML on one line, without the outer braces: "path: /login, not: {ip_set: office}". */
struct span condition_text(const struct value *value);

#endif
