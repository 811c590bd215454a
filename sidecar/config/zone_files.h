/* SPDX-License-Identifier: Apache-2.0 */
/* The system's time zones, by their IANA names. */
#ifndef SIDEGATE_SIDECAR_CONFIG_ZONE_FILES_H
#define SIDEGATE_SIDECAR_CONFIG_ZONE_FILES_H

#include "rules/base/zone.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

/* In the arena; NULL: `why` says it, a static text. */
const struct zone *zone_file_read(struct arena *arena, struct span name, const char **why);

#endif
