/* SPDX-License-Identifier: Apache-2.0 */
/* Text as a YAML scalar that is read back as the same text (YAML 1.2.2, 7.3). */
#ifndef SIDEGATE_SIDECAR_CONFIG_YAML_TEXT_H
#define SIDEGATE_SIDECAR_CONFIG_YAML_TEXT_H

#include "rules/base/buf.h"
#include "rules/base/span.h"

/* What stands between double quotes; bytes that are no UTF-8 become characters of their value. */
void yaml_add_inside(struct buf *to, struct span text);
/* Plain where that is safe, else in double quotes. Nothing is kept from being read as a variable:
 * value_print_text() is for settings. */
void yaml_add_text(struct buf *to, struct span text);

#endif
