/* SPDX-License-Identifier: Apache-2.0 */
/* Settings back to text, by the option table. */
#ifndef SIDEGATE_SIDECAR_CONFIG_PRINT_H
#define SIDEGATE_SIDECAR_CONFIG_PRINT_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

/* Over the effective values, secrets included; the same in every process. */
uint64_t settings_hash(const struct settings *settings);
/* Over the places that later faults may name. */
uint64_t settings_places_hash(const struct settings *settings);
/* A warning for each option that takes effect at a restart and has changed. */
void settings_warn_restart(const struct settings *before, const struct settings *after,
                           struct faults *faults);

#endif
