/* SPDX-License-Identifier: Apache-2.0 */
/* Where the lines of a head end. A look for line feeds costs little (memchr takes many bytes at
 * once), and it remembers where it stood: only a whole head is parsed, once. */
#include <string.h>

#include "sidecar/wire/h1_parse.h"

enum h1_scan h1_scan_lines(struct span bytes, size_t start, size_t *position, bool *line_is_seen)
{
    while (*position < bytes.len) {
        const char *feed = memchr(bytes.at + *position, '\n', bytes.len - *position);
        if (feed == NULL)
            break;
        size_t at = (size_t)(feed - bytes.at);
        *position = at + 1;
        if (at == start || feed[-1] != '\r')
            return H1_SCAN_BARE;
        if (at >= start + 2 && feed[-2] == '\n')
            return H1_SCAN_HEAD;
        if (!*line_is_seen) {
            *line_is_seen = true;
            return H1_SCAN_LINE;
        }
    }
    if (*position < bytes.len)
        *position = bytes.len;
    return H1_SCAN_MORE;
}
