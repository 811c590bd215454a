/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/zone_files.h"

#include <stdio.h>
#include <sys/stat.h>

#include "rules/base/buf.h"
#include "sidecar/config/private_file.h"

enum { NAME_MOST = 64, SAID_BYTES = 160, PATH_BYTES = sizeof ZONE_FOLDER + 1 + NAME_MOST };

/* "America/Argentina/Buenos_Aires", "Etc/GMT+1": no part of it is empty or leads elsewhere. */
static bool is_name(struct span name)
{
    if (name.len == 0 || name.len > NAME_MOST)
        return false;
    while (name.at != NULL) {
        struct span part = span_cut(&name, '/');
        for (size_t i = 0; i < part.len; i++)
            if (!byte_is_alpha(part.at[i]) && !byte_is_digit(part.at[i]) &&
                span_find_byte(SPAN("_+-"), part.at[i]) == SPAN_NONE)
                return false;
        if (part.len == 0)
            return false;
    }
    return true;
}

const struct zone *zone_file_read(struct arena *arena, struct span name, const char **why)
{
    char path[PATH_BYTES], said[SAID_BYTES];
    struct stat there;
    struct buf bytes;
    const struct zone *zone = NULL;
    if (!is_name(name)) {
        *why = "this is no name of a time zone";
        return NULL;
    }
    snprintf(path, sizeof path, ZONE_FOLDER "/" SPAN_FORMAT, span_arg(name));
    if (stat(path, &there) != 0 || !S_ISREG(there.st_mode)) {
        *why = stat(ZONE_FOLDER, &there) != 0 ? "this machine has no time zones: " ZONE_FOLDER
                                                " is missing (tzdata)"
                                              : "there is no such time zone in " ZONE_FOLDER;
        return NULL;
    }
    buf_init(&bytes, ZONE_BYTES_MOST);
    if (file_read(path, &bytes, said, sizeof said))
        zone = zone_read(arena, buf_span(&bytes));
    buf_fini(&bytes);
    if (zone == NULL)
        *why = "its file in " ZONE_FOLDER " is no time zone that can be read";
    return zone;
}
