/* SPDX-License-Identifier: Apache-2.0 */
/* TZif files made byte by byte, so that a test asks no data of the system's. */
#ifndef SIDEGATE_TESTS_UNIT_ZONE_FILE_H
#define SIDEGATE_TESTS_UNIT_ZONE_FILE_H

#include "rules/base/buf.h"
#include "rules/base/zone.h"

enum { ZONE_FILE_BYTES = 4096 };

struct zone_past { /* a change, and what holds from then on */
    int64_t at;
    int32_t offset;
};

static inline void zone_add_number(struct buf *to, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0)
        buf_add_byte(to, (char)(number >> 8 * bytes));
}

static inline void zone_add_header(struct buf *to, uint32_t changes, uint32_t types,
                                   uint32_t letters)
{
    buf_add(to, SPAN("TZif2"));
    for (size_t i = 0; i < 15; i++)
        buf_add_byte(to, '\0');
    const uint32_t counts[] = {0, 0, 0, changes, types, letters};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        zone_add_number(to, counts[i], 4);
}

/* A type for the time before, and one for each change. */
static inline void zone_file_make(struct buf *to, int32_t first, const struct zone_past *past,
                                  uint32_t count, const char *footer)
{
    buf_init(to, ZONE_FILE_BYTES);
    zone_add_header(to, 1, 1, 4); /* in 32 bits: skipped, whatever it says */
    buf_add(to, SPAN("ABCD"
                     "E"
                     "FGHIJK"
                     "LMNO"));
    zone_add_header(to, count, count + 1, 4);
    for (size_t i = 0; i < count; i++)
        zone_add_number(to, (uint64_t)past[i].at, 8);
    for (size_t i = 0; i < count; i++)
        buf_add_byte(to, (char)(i + 1));
    for (size_t i = 0; i <= count; i++) {
        zone_add_number(to, (uint32_t)(i == 0 ? first : past[i - 1].offset), 4);
        zone_add_number(to, 0, 2);
    }
    buf_add(to, SPAN("ABC\0"));
    buf_format(to, "\n%s\n", footer);
}

/* Without a past; NULL: it is none. */
static inline const struct zone *zone_of_footer(struct arena *arena, const char *footer)
{
    struct buf file;
    zone_file_make(&file, 0, NULL, 0, footer);
    const struct zone *zone = zone_read(arena, buf_span(&file));
    buf_fini(&file);
    return zone;
}

#endif
