/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: everything about one transaction, in ModSecurity's two forms.
 *
 *   A  when, id, addresses   B  request head     C  request body    E  answer's body, as inspected
 *   F  answer's head         H  messages, what was done, how long   I  C without the files of a
 * form J  the files of a form   K  every rule that matched             Z  the end
 *
 * D and G are reserved by ModSecurity and hold nothing. A and Z are always there. JSON has the keys
 * of ModSecurity 3; I, J and K, which it leaves out, have those of ModSecurity 2. */
#ifndef SIDEGATE_EXPORTERS_AUDIT_LOG_H
#define SIDEGATE_EXPORTERS_AUDIT_LOG_H

#include "exporters/exporter.h"

/* One record with its line feed, as the serial file has it. Any bytes in the report make a valid
 * record; `scratch` is cleared. */
void audit_add(struct buf *to, const struct report *report, enum audit_format format,
               struct buf *scratch);
void audit_add_json(struct buf *to, const struct report *report, struct buf *scratch);
void audit_add_native(struct buf *to, const struct report *report);

/* Is this part wanted? */
bool audit_has(const struct report *report, char part);
/* "Enabled", "DetectionOnly", "Disabled" */
struct span audit_engine_name(const struct report *report);

#endif
