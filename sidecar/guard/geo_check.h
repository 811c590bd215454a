/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a whole database in MaxMind's format before anybody trusts it. */
#ifndef SIDEGATE_SIDECAR_GUARD_GEO_CHECK_H
#define SIDEGATE_SIDECAR_GUARD_GEO_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MMDB_s;

/* Walks every node that a look-up can reach and reads every value that a record can reach, each
 * once: memory and time grow with the file, whatever it holds. `on_record` is told of each record's
 * offset in the data. False: `why` says what is broken. */
bool geo_check(const struct MMDB_s *mmdb, void (*on_record)(void *context, uint32_t offset),
               void *context, char *why, size_t size);

#endif
