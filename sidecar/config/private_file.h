/* SPDX-License-Identifier: Apache-2.0 */
/* Files that decide who may do what: read only where not everybody may write them. */
#ifndef SIDEGATE_SIDECAR_CONFIG_PRIVATE_FILE_H
#define SIDEGATE_SIDECAR_CONFIG_PRIVATE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/buf.h"

/* Appends the whole file. False: `why` says so (not there, a folder, too large, others may write
 * it). */
bool private_file_read(const char *path, struct buf *to, char *why, size_t size);
/* The same for keys: nor may everybody read it. No copies of it stay in memory; what is in `to`,
 * also after false, is the caller's to wipe. */
bool secret_file_read(const char *path, struct buf *to, char *why, size_t size);
/* As private_file_read, of what only its content shows to be a secret: *everybody may read it. */
bool maybe_secret_file_read(const char *path, struct buf *to, bool *everybody, char *why,
                            size_t size);
/* The same without the look at who may write it. */
bool file_read(const char *path, struct buf *to, char *why, size_t size);
/* That, or standard input where it is called "-". */
bool input_read(const char *name, struct buf *to, char *why, size_t size);

#endif
