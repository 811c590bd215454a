/* SPDX-License-Identifier: Apache-2.0 */
/* The API keys of the settings, each with the usage plan that it is in: a part of a snapshot. */
#ifndef SIDEGATE_SIDECAR_CONFIG_API_KEY_PARTS_H
#define SIDEGATE_SIDECAR_CONFIG_API_KEY_PARTS_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

struct api_keys;
struct api_key_part;

/* Reads the file. NULL where it is missing or broken and api_keys.on_failure is deny, or `before`
 * (may be NULL) has keys, which go on: its place is among the faults. With allow and nothing before
 * it is a warning, and there are no keys. A key in two plans is broken, too; plans and keys that
 * nobody knows are warnings. */
struct api_key_part *api_key_part_new(const struct settings *settings,
                                      const struct api_key_part *before, struct faults *faults);
/* The same for a look in passing: NULL where the file is what it was, or broken. */
struct api_key_part *api_key_part_renew(const struct settings *settings,
                                        const struct api_key_part *before, struct faults *faults);
void api_key_part_free(struct api_key_part *part); /* NULL allowed */
/* As of tls_parts.h: changes where the file may have; how often to look, 0: never. */
uint64_t api_key_part_stamp(const struct settings *settings);
uint64_t api_key_part_refresh_us(const struct settings *settings);
/* NULL: no file is named, or it could not be read. */
const struct api_keys *api_key_part_keys(const struct api_key_part *part);
/* Over all that was read, and who is in which plan. */
uint64_t api_key_part_hash(const struct api_key_part *part);

#endif
