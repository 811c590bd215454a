/* SPDX-License-Identifier: Apache-2.0 */
/* API keys in the CSV that API Gateway imports: the columns Name and Key, and, where they are
 * there, Description, Enabled (true unless it says otherwise) and UsagePlanIds (a list with commas,
 * in quotes); in any order and any case, others are read over. Quotes are double or single ones,
 * and stand twice for themselves. */
#ifndef SIDEGATE_SIDECAR_CONFIG_API_KEY_CSV_H
#define SIDEGATE_SIDECAR_CONFIG_API_KEY_CSV_H

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "rules/base/span.h"

struct api_key_row {
    struct span name, value, description;
    bool enabled;
    const struct span *plans;
    size_t plan_count;
};

/* Calls row() for each key that is one, with texts of the arena; whatever is wrong is said with its
 * line. False: something was. A value is never part of what is said. */
bool api_key_csv_read(const char *file, struct span text, struct arena *arena,
                      struct faults *faults, void (*row)(void *to, const struct api_key_row *row),
                      void *to);

#endif
