/* SPDX-License-Identifier: Apache-2.0 */
/* The stores of all limits of the settings: a part of a snapshot. A limit that is still what it
 * was, by its name and its numbers, keeps its store over a reload. */
#ifndef SIDEGATE_SIDECAR_CONFIG_RATE_STORES_H
#define SIDEGATE_SIDECAR_CONFIG_RATE_STORES_H

#include <stdint.h>

#include "sidecar/config/settings.h"

struct rates;
struct rate_stores;

/* `before` may be NULL. NULL where there is no memory for a limit's keys: a fault. */
struct rate_stores *rate_stores_new(const struct settings *settings,
                                    const struct rate_stores *before, struct faults *faults);
void rate_stores_free(struct rate_stores *stores); /* NULL allowed */
/* By rate_settings.store. */
struct rates *const *rate_stores_at(const struct rate_stores *stores);

#endif
