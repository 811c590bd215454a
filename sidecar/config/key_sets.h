/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the authorizers, read from their files: a part of a snapshot. */
#ifndef SIDEGATE_SIDECAR_CONFIG_KEY_SETS_H
#define SIDEGATE_SIDECAR_CONFIG_KEY_SETS_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

struct key_set;
struct tokens;
struct key_sets;

/* NULL where a file cannot be read or holds no keys: its place is among the faults. */
struct key_sets *key_sets_new(const struct settings *settings, struct faults *faults);
void key_sets_free(struct key_sets *sets); /* NULL allowed */
/* One for each authorizer, in the order of the settings. */
const struct key_set *const *key_sets_at(const struct key_sets *sets);
/* Tokens that were found good, one store for each authorizer: they go with what they were checked
 * by, its keys and its settings. */
struct tokens *const *key_sets_tokens(const struct key_sets *sets);
/* Over everything that was read, and what tokens are asked. */
uint64_t key_sets_hash(const struct key_sets *sets);

#endif
