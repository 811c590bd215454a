/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of files for one test, and settings read from it. */
#ifndef SIDEGATE_TESTS_UNIT_CONFIG_FOLDER_H
#define SIDEGATE_TESTS_UNIT_CONFIG_FOLDER_H

#include <sys/types.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"
#include "sidecar/config/snapshot.h"

/* What every configuration needs; a test's own text follows. */
#define NEEDED                                   \
    "version: 1\n"                               \
    "listeners: [{ address: 127.0.0.1:8080 }]\n" \
    "upstreams: { app: { targets: ['http://127.0.0.1:3000'] } }\n"

struct folder {
    char path[64];
    const char *variables[12]; /* "NAME=value": all of the environment */
    struct faults *faults;     /* of the latest reading */
    char text[4096];           /* what the latest faults print */
};

void folder_open(struct folder *folder);
void folder_close(struct folder *folder); /* removes all */
/* Writes a file; the name may have one folder in it. Returns its path, which lives until the next
 * call. */
const char *folder_write(struct folder *folder, const char *name, const char *text, mode_t mode);
const char *folder_path(struct folder *folder, const char *name);
/* Reads "a.yaml" with the given text, and "--set" texts up to NULL. */
struct settings *folder_read(struct folder *folder, const char *text, ...)
    __attribute__((sentinel));
/* The source for "a.yaml"; lives until the folder is closed. */
struct settings_source folder_source(struct folder *folder, const char *const *files, size_t count);
/* "a.yaml:1:1: ..." lines without the folder's path. */
const char *folder_faults(struct folder *folder);

/* Builds of a.yaml with that text; what is wrong is in the folder's faults. */
struct snapshot *folder_build(struct folder *folder, const char *text,
                              const struct snapshot *before);

#endif
