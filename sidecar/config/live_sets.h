/* SPDX-License-Identifier: Apache-2.0 */
/* What was put into each ip_set of the settings while the program runs: a part of a snapshot. A set
 * that is still there, by its name, keeps it over a reload, whatever else of it changes. */
#ifndef SIDEGATE_SIDECAR_CONFIG_LIVE_SETS_H
#define SIDEGATE_SIDECAR_CONFIG_LIVE_SETS_H

#include "sidecar/config/settings.h"

struct live_entries;
struct live_sets;

struct live_sets *live_sets_new(const struct settings *settings,
                                const struct live_sets *before); /* may be NULL */
void live_sets_free(struct live_sets *sets);                     /* NULL allowed */
/* One for each ip_set, in the order of the settings. */
struct live_entries *const *live_sets_at(const struct live_sets *sets);

#endif
