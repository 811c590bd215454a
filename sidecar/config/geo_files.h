/* SPDX-License-Identifier: Apache-2.0 */
/* The databases that `geo` names, read and verified: a part of a snapshot. */
#ifndef SIDEGATE_SIDECAR_CONFIG_GEO_FILES_H
#define SIDEGATE_SIDECAR_CONFIG_GEO_FILES_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

struct geo_files;

/* Reads the files; those that `before` (may be NULL) has already are shared. NULL where
 * one is missing or broken and geo.on_failure is deny: its place is among the faults. With allow it
 * is a warning, and nobody is in that database. */
struct geo_files *geo_files_new(const struct settings *settings, const struct geo_files *before,
                                struct faults *faults);
/* The same for a look in passing: where a file that has changed is broken its database stays as it
 * was, and the faults say so. Never NULL. */
struct geo_files *geo_files_renew(const struct settings *settings, const struct geo_files *before,
                                  struct faults *faults);
/* As of tls_parts.h: changes where a file may have; how often to look, 0: never. */
uint64_t geo_files_stamp(const struct settings *settings);
uint64_t geo_files_refresh_us(const struct settings *settings);
void geo_files_free(struct geo_files *files); /* NULL allowed */
/* NULL: no database is named. */
const struct geo *geo_files_geo(const struct geo_files *files);
/* Over all bytes that were read. */
uint64_t geo_files_hash(const struct geo_files *files);

#endif
