/* SPDX-License-Identifier: Apache-2.0 */
/* Files of process.state_dir: whose the folder is, and how a file is replaced so that who reads it
 * finds the one before or this one, whole. All of it waits for the disk. Errors are in errno. */
#ifndef SIDEGATE_SIDECAR_STATE_STATE_FILE_H
#define SIDEGATE_SIDECAR_STATE_STATE_FILE_H

#include <limits.h>
#include <stdbool.h>

#include "rules/base/span.h"

/* FOLDER/NAME. False: it is too long. */
bool state_file_path(char to[PATH_MAX], const char *folder, const char *name);

/* Makes the folder (0700) where there is none, and locks `path` in it, or the folder itself where
 * it is NULL: until the descriptor is closed. -1: EBUSY where another program has it. */
int state_file_lock(const char *folder, const char *path);

/* All of it, however often that is interrupted. */
bool state_file_write(int fd, struct span bytes);

/* Written as `beside`, brought to the disk, and put in `path`'s place: its descriptor, for
 * appending. -1: the one before still stands there, and nothing beside it. */
int state_file_renew(const char *path, const char *beside, struct span text);

#endif
