/* SPDX-License-Identifier: Apache-2.0 */
/* The concurrent audit log: each record in a file of its own, and an index with a line for each.
 *
 *   STORAGE/20261121/20261121-1047/20261121-104732-REQUEST_ID
 *   INDEX: host client - [when] "GET / HTTP/1.1" 403 153 - "agent" id - FILE 0 bytes md5:...
 *
 * The exporter thread makes an item of both; the writer's thread, which may block, writes them. */
#ifndef SIDEGATE_EXPORTERS_AUDIT_FILE_H
#define SIDEGATE_EXPORTERS_AUDIT_FILE_H

#include "exporters/report.h"
#include "rules/base/buf.h"

/* Of the folders and files that are made, whatever the umask is; 0: 0750 and 0640. */
struct audit_modes {
    unsigned folder, file;
};

struct audit_place {
    const char *storage;
    struct audit_modes modes;
};

/* An item for the queue from a record as audit_add() made it. */
void audit_item_add(struct buf *to, const struct report *report, const struct audit_place *place,
                    const struct buf *record);
/* Is this such an item, or a record for the log itself? No record begins like one. */
bool audit_item_is_file(struct span item);
/* Writes the file, making its folders, and adds the index's line. False: errno; nothing is left. */
bool audit_file_write(struct span item, struct buf *index);

#endif
