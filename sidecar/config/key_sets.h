/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the authorizers and what was found out with them: a part of a snapshot. Keys of files
 * and of the settings are read here; those that are fetched come later (sidecar/key_fetcher.h). An
 * authorizer whose keys come from where they came from keeps its store over a reload. */
#ifndef SIDEGATE_SIDECAR_CONFIG_KEY_SETS_H
#define SIDEGATE_SIDECAR_CONFIG_KEY_SETS_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

struct key_store;
struct tokens;
struct key_sets;

/* `before` may be NULL. NULL where a file cannot be read or holds no keys: its place is among the
 * faults. */
struct key_sets *key_sets_new(const struct settings *settings, const struct key_sets *before,
                              struct faults *faults);
void key_sets_free(struct key_sets *sets); /* NULL allowed */
/* One for each authorizer, in the order of the settings: of struct key_set; NULL: its type has
 * none. */
struct key_store *const *key_sets_stores(const struct key_sets *sets);
/* Tokens that were found good, one store for each authorizer: it goes with what tokens are asked
 * besides their key. */
struct tokens *const *key_sets_tokens(const struct key_sets *sets);
/* Over everything that was read, and what tokens are asked. */
uint64_t key_sets_hash(const struct key_sets *sets);

#endif
