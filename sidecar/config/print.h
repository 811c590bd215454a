/* SPDX-License-Identifier: Apache-2.0 */
/* Settings back to text, by the option table. */
#ifndef SIDEGATE_SIDECAR_CONFIG_PRINT_H
#define SIDEGATE_SIDECAR_CONFIG_PRINT_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/options.h"
#include "sidecar/config/settings.h"

/* Over the effective values, secrets included; the same in every process. */
uint64_t settings_hash(const struct settings *settings);
/* Over the places that later faults may name. */
uint64_t settings_places_hash(const struct settings *settings);
/* Do they agree in all that is masked where settings are printed? */
bool settings_have_same_secrets(const struct settings *a, const struct settings *b);
/* Says each option that differs, by its path in the table, and both values as `config print` shows
 * them: no secrets. Of a list or map the values of all its items, a line each. */
void settings_compare(const struct settings *before, const struct settings *after,
                      void (*say)(void *context, const struct option *option, struct span before,
                                  struct span after),
                      void *context);
/* A warning for each option that takes effect at a restart and has changed. */
void settings_warn_restart(const struct settings *before, const struct settings *after,
                           struct faults *faults);

#endif
