/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file is still the one that was read, without reading it again. */
#ifndef SIDEGATE_SIDECAR_CONFIG_FILE_STAMP_H
#define SIDEGATE_SIDECAR_CONFIG_FILE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/* Every write and every other file of that name changes it. All zero: there is no such file. */
struct file_stamp {
    uint64_t device, inode, size, modified_ns, changed_ns;
};
struct file_stamp file_stamp_of(const char *path);                          /* links are followed */
bool file_stamp_is(const struct file_stamp *a, const struct file_stamp *b); /* both of a file */

#endif
