/* SPDX-License-Identifier: Apache-2.0 */
/* The file of API keys, as YAML that `sidegate keys` writes and people may read:
 *
 *   version: 1
 *   salt: 64 hexadecimal digits
 *   keys:
 *     - { id: k1, name: shop, hash: 64 hexadecimal digits, enabled: true, plans: [basic] }
 */
#ifndef SIDEGATE_SIDECAR_CONFIG_API_KEY_FILE_H
#define SIDEGATE_SIDECAR_CONFIG_API_KEY_FILE_H

#include <stdint.h>

#include "rules/base/buf.h"
#include "rules/base/fault.h"

struct api_keys;

enum { API_KEY_FILE_BYTES = 64 << 20 };

/* The text of a file of that name. NULL: what is wrong is among the faults, at its place. */
struct api_keys *api_key_file_parse(const char *path, struct span text, struct faults *faults);
/* The file itself, refused where everybody may read or write it. `named`: where the settings name
 * it. *hash, if not NULL: of its text. */
struct api_keys *api_key_file_read(const char *path, struct place named, struct faults *faults,
                                   uint64_t *hash);
void api_key_file_print(const struct api_keys *keys, struct buf *to);

#endif
